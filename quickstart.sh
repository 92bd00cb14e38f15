#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# From a fresh Debian 12 to one order flowing from an exchange to an SQS receive.
#
#   ./quickstart.sh           install, build, start on the default ports, show, run until Ctrl-C
#   ./quickstart.sh --check   the same on free ports in a temporary directory; exit code 0 or 1
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=.ci/lib.sh
. .ci/lib.sh

check=false
case "${1:-}" in
"") ;;
--check) check=true ;;
*)
	sed -n '3,6s/^# \{0,1\}//p' "$0"
	exit 2
	;;
esac

work=$(mktemp -d "${TMPDIR:-/tmp}/mqbridge-quickstart.XXXXXX")
daemon=
stop() {
	code=$?
	trap - EXIT INT TERM
	if [ -n "$daemon" ] && kill -TERM "$daemon" 2>/dev/null; then
		wait "$daemon" || { tell "mqbridge ended with exit code $?"; code=1; }
	fi
	rm -rf "$work"
	exit "$code"
}
trap stop EXIT
trap 'say; say "stopping"; exit 0' INT TERM

prepare() {
	mkdir -p build
	packages_log=build/packages.log
	# shellcheck disable=SC2086
	packages_install $packages_build $packages_demo
	for tool in cmake ninja pkg-config cc; do
		command -v "$tool" >/dev/null || { tell "missing: $tool"; exit 1; }
	done
	say "building build/release/mqbridge"
	build_preset release --target mqbridge
}

# --set for one listener: its default port, or the next free one.
settings=()
choose_port() {
	local key=$1 port=$2 free
	if $check; then
		settings+=(--set "$key.port=0")
		return
	fi
	free=$(port_free_from "$port")
	if [ "$free" != "$port" ]; then
		say "port $port is taken by $(port_owner "$port"); using $free for $key"
	fi
	settings+=(--set "$key.port=$free")
}

start() {
	choose_port amqp 5672
	choose_port aws 9324
	choose_port admin 15672
	if $check; then
		data=$work/data log=$work/log
	else
		data=data log=data/mqbridge.log
		mkdir -p -m 700 data
	fi
	mkfifo "$work/ready"
	# Its own session: Ctrl-C reaches this script only, which then stops it in order.
	env -u MQBRIDGE_CONFIG setsid build/release/mqbridge serve --data "$data" "${settings[@]}" >"$work/ready" 2>>"$log" &
	daemon=$!
	exec 3<"$work/ready"
	if ! read -r -t 60 ready <&3; then
		tail -n 20 "$log" >&2
		tell "mqbridge did not start; its log is above"
		exit 1
	fi
	amqp=$(ready_value "$ready" amqp)
	aws=$(ready_value "$ready" aws)
	admin=$(ready_value "$ready" admin)
	say "mqbridge runs (pid $daemon, store $data, log $log)"
}

demonstrate() {
	local python
	if ! python=$(python_with pika boto3); then
		tell "the demonstration needs the Python modules pika and boto3 (python3-pika, python3-boto3)"
		if $check; then exit 1; fi
		return 0
	fi
	say
	say "One order, from an exchange to an SQS receive and back (examples/one_order.py):"
	if ! "$python" examples/one_order.py --amqp "$amqp" --aws "$aws"; then
		tail -n 20 "$log" >&2
		tell "the demonstration failed; the end of the log is above"
		exit 1
	fi
}

explain() {
	cat <<TEXT

Connect, user guest, password guest, access key guest with secret guest:

  pika      pika.BlockingConnection(pika.URLParameters("amqp://guest:guest@127.0.0.1:$amqp/%2F"))
  boto3     boto3.client("sqs", endpoint_url="http://127.0.0.1:$aws", region_name="us-east-1",
                         aws_access_key_id="guest", aws_secret_access_key="guest")
  AWS CLI   AWS_ACCESS_KEY_ID=guest AWS_SECRET_ACCESS_KEY=guest aws --region us-east-1 \\
              --endpoint-url http://127.0.0.1:$aws sqs list-queues
  status    MQBRIDGE_URL=http://127.0.0.1:$admin build/release/mqbridge status

Ctrl-C stops it; what is in queues stays in data/.
TEXT
}

prepare
start
demonstrate
if $check; then
	kill -TERM "$daemon"
	wait "$daemon" || { tell "mqbridge ended with exit code $?"; exit 1; }
	daemon=
	say "quickstart: the demonstration works"
	exit 0
fi
explain
code=0
wait "$daemon" || code=$?
daemon=
tell "mqbridge ended by itself with exit code $code; see $log"
exit 1
