#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Installs what the tests need, builds with ASan and UBSan, runs every test and
# ends with one line "N passed, N failed, N skipped".
#
#   ./test.sh                  everything
#   ./test.sh --fast           unit, wire and simulation tests and the lint only
#   ./test.sh --peer rabbitmq  the client scenarios also against Debian's rabbitmq-server
#   ./test.sh --keep           keeps the directories of the client scenarios
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=.ci/lib.sh
. .ci/lib.sh

fuzz_seconds=${MQB_FUZZ_SECONDS:-5}
fast=false keep=false peer=
while [ $# -gt 0 ]; do
	case "$1" in
	--fast) fast=true ;;
	--keep) keep=true ;;
	--peer)
		peer=${2:-}
		shift
		[ "$peer" = rabbitmq ] || { tell "--peer takes: rabbitmq"; exit 2; }
		;;
	*)
		sed -n '3,9s/^# \{0,1\}//p' "$0"
		exit 2
		;;
	esac
	shift
done

out=build/test
rm -rf "$out"
mkdir -p "$out"
packages_log=$out/packages.log

# A counted result of our own: "ok|FAIL|skip name".
result() {
	say "$*"
	say "$*" >>"$out/own.lines"
}
: >"$out/own.lines"

section() { say; say "== $*"; }

# Runs "$@" within $1 seconds; its `ok|FAIL|skip` lines count. One that ends badly
# without a FAIL line of its own is a failure named $2.
lines_of() {
	local seconds=$1 name=$2 code=0
	shift 2
	timeout --kill-after=20 "$seconds" "$@" 2>&1 | tee "$out/$name.lines" || code=${PIPESTATUS[0]}
	if [ "$code" != 0 ] && ! grep -q '^FAIL ' "$out/$name.lines"; then
		result "FAIL $name: ended with exit code $code"
	fi
	python3 .ci/tally.py lines "$out/$name.lines" >>"$out/counts"
}

build_asan() {
	section "build with ASan and UBSan"
	# shellcheck disable=SC2086
	packages_install $packages_build $packages_demo $packages_test
	if ! build_preset asan; then
		result "FAIL build"
		return 1
	fi
}

run_ctest() {
	local select=()
	section "unit, wire, fault and simulation tests, lint"
	if $fast; then select=(-L '^(unit/|wire|simulation|lint)'); fi
	ctest --test-dir build/asan -j "$(nproc)" --timeout 300 --output-junit "$PWD/$out/ctest.xml" \
		--test-output-size-passed 4000000 --test-output-size-failed 4000000 "${select[@]}" >"$out/ctest.log" 2>&1 || true
	grep -E 'tests passed|Failed|Timeout|\*\*\*' "$out/ctest.log" || true
	if [ -s "$out/ctest.xml" ]; then
		python3 .ci/tally.py ctest "$out/ctest.xml" >>"$out/counts"
	else
		result "FAIL ctest: did not run"
	fi
}

# Current pika and boto3 beside Debian's, py-amqp, kombu and Celery; without a network only Debian's are tested.
make_venv() {
	[ -x build/venv/bin/python ] || /usr/bin/python3 -m venv build/venv >>"$packages_log" 2>&1 || return 0
	build/venv/bin/python -c 'import pika, boto3, amqp, kombu, celery' 2>/dev/null ||
		timeout 300 build/venv/bin/pip install -q --cache-dir "$PWD/build/pip" pika boto3 kombu celery >>"$packages_log" 2>&1 ||
		tell "current pika, boto3, kombu and Celery could not be installed (see $packages_log)"
}

# Clients of Node, Go and Java, RabbitMQ's and AWS's, into build/; their scenarios are skipped without them.
make_runtimes() {
	timeout --kill-after=20 600 python3 tests/clients/runtimes.py install >>"$packages_log" 2>&1 ||
		tell "a client of Node, Go or Java could not be installed (see $packages_log)"
}

# Scenarios that start daemons of their own: what they need, then one line each.
run_scenarios() {
	local python
	local binary=(--binary build/asan/mqbridge) kept=()
	if $keep; then kept=(--keep); fi
	python=$(python_with pika boto3 || say python3)
	section "command line"
	lines_of 600 command "$python" tests/command/run.py "${binary[@]}" "${kept[@]}"
	section "client scenarios"
	# shellcheck disable=SC2046
	packages_install $(packages_of_commands node=nodejs npm=npm go=golang-go amqp-consume=amqp-tools aws=awscli)
	# shellcheck disable=SC2046
	packages_install $(packages_of_commands javac=openjdk-17-jdk-headless mvn=maven)
	packages_install ruby ruby-bunny
	packages_install php-cli php-amqplib
	make_venv
	make_runtimes
	lines_of 1300 clients "$python" tests/clients/run.py "${binary[@]}" "${kept[@]}"
	section "across protocols"
	lines_of 600 cross "$python" tests/cross/run.py "${binary[@]}"
	if [ -x build/venv/bin/python ]; then # a current pika beside Debian's
		lines_of 600 cross-current build/venv/bin/python tests/cross/run.py "${binary[@]}"
	fi
	section "kill -9 under load"
	lines_of 300 kill9 "$python" tests/fault/kill9.py "${binary[@]}" --rounds 12
	section "recorded answers of AWS"
	lines_of 600 golden "$python" tests/golden/run.py "${binary[@]}"
	[ -n "$peer" ] || return 0
	section "client scenarios against rabbitmq-server"
	packages_install rabbitmq-server
	lines_of 1300 peer "$python" tests/clients/run.py --peer "$peer" "${kept[@]}"
}

# A few seconds for each target, starting from its corpus.
run_fuzz() {
	local source name corpus words
	section "fuzz targets, $fuzz_seconds s each"
	if ! command -v clang >/dev/null || ! build_preset fuzz; then
		for source in tests/fuzz/fuzz_*.c; do
			[ -f "$source" ] || continue
			if command -v clang >/dev/null; then
				result "FAIL fuzz $(basename "$source" .c): the build failed"
			else
				result "skip fuzz $(basename "$source" .c): no clang"
			fi
		done
		return 0
	fi
	for source in tests/fuzz/fuzz_*.c; do
		[ -f "$source" ] || continue
		name=$(basename "$source" .c)
		corpus=$out/corpus/$name
		mkdir -p "$corpus"
		cp -r "tests/fuzz/corpus/${name#fuzz_}/." "$corpus/" 2>/dev/null || true
		words=()
		[ ! -f "tests/fuzz/${name#fuzz_}.dict" ] || words=("-dict=tests/fuzz/${name#fuzz_}.dict")
		if timeout --kill-after=10 $((fuzz_seconds + 60)) "build/fuzz/$name" -max_total_time="$fuzz_seconds" "${words[@]}" \
			-rss_limit_mb=2048 -timeout=10 -artifact_prefix="$out/$name-" "$corpus" >"$out/$name.log" 2>&1; then
			result "ok $name: $(sed -n 's/^Done \([0-9]*\) runs.*/\1 runs/p' "$out/$name.log")"
		else
			tail -n 30 "$out/$name.log"
			result "FAIL $name: see $out/$name.log"
		fi
	done
}

run_quickstart() {
	section "the two commands"
	if timeout --kill-after=20 900 ./quickstart.sh --check >"$out/quickstart.log" 2>&1; then
		result "ok quickstart.sh --check"
	else
		tail -n 30 "$out/quickstart.log"
		result "FAIL quickstart.sh --check: see $out/quickstart.log"
	fi
}

: >"$out/counts"
if build_asan; then
	run_ctest
	if ! $fast; then
		run_scenarios
		run_fuzz
		run_quickstart
	fi
fi
python3 .ci/tally.py lines "$out/own.lines" >>"$out/counts"
section "result"
python3 .ci/tally.py total "$out/counts"
