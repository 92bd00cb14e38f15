# SPDX-License-Identifier: Apache-2.0
# Shared by quickstart.sh, test.sh and docker/Dockerfile; sourced by bash or sh.

packages_build="gcc cmake ninja-build pkg-config libc6-dev libuv1-dev libjansson-dev libsqlite3-dev libssl-dev \
libpcre2-dev librabbitmq-dev libcurl4-openssl-dev libhttp-parser-dev"
packages_run="libuv1 libjansson4 libsqlite3-0 libssl3 libpcre2-8-0 librabbitmq4 libcurl4 libhttp-parser2.9 ca-certificates"
packages_demo="python3 python3-pika python3-boto3"
packages_test="libcmocka-dev clang libclang-rt-14-dev python3-venv"

# Packages for the commands of "$@" (command=package) that are not there from elsewhere.
packages_of_commands() {
	for pair; do
		command -v "${pair%%=*}" >/dev/null || printf '%s ' "${pair#*=}"
	done
}

say() { printf '%s\n' "$*"; }
tell() { printf '%s\n' "$*" >&2; }

# The packages of "$@" that are not installed; nothing where there is no dpkg.
packages_missing() {
	command -v dpkg-query >/dev/null || return 0
	for package; do
		case "$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null)" in
		*" installed") ;;
		*) printf '%s ' "$package" ;;
		esac
	done
}

# Installs what is missing as root or with sudo; otherwise names it. Never fails:
# whoever needs a package finds out by using it.
packages_install() {
	missing=$(packages_missing "$@")
	[ -n "$missing" ] || return 0
	if ! command -v apt-get >/dev/null; then
		tell "not a Debian machine; needed, if not there under other names: $missing"
		return 0
	fi
	if [ "$(id -u)" = 0 ]; then
		as_root="env DEBIAN_FRONTEND=noninteractive"
	elif command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
		as_root="sudo env DEBIAN_FRONTEND=noninteractive"
	else
		tell "not installed, and neither root nor sudo to install it: $missing"
		return 0
	fi
	tell "installing: $missing"
	# shellcheck disable=SC2086
	if ! { $as_root apt-get -q update && $as_root apt-get -q install -y --no-install-recommends $missing; } \
		>"${packages_log:-/dev/null}" 2>&1; then
		tell "could not be installed: $(packages_missing "$@")${packages_log:+ (see $packages_log)}"
	fi
}

# A Python that has the modules of "$@"; Debian's own first.
python_with() {
	for candidate in /usr/bin/python3 python3; do
		for module; do
			"$candidate" -c "import $module" 2>/dev/null || continue 2
		done
		say "$candidate"
		return 0
	done
	return 1
}

# Build of a preset into build/<preset>; its output is shown only when it fails.
build_preset() {
	preset=$1
	shift
	mkdir -p build
	log=build/$preset.log
	if ! { cmake --preset "$preset" && cmake --build --preset "$preset" "$@"; } >"$log" 2>&1; then
		tail -n 40 "$log" >&2
		tell "the build failed; all of it is in $log"
		return 1
	fi
}

# Inode of the socket that listens on a TCP port of this machine; empty: free.
port_inode() {
	awk -v port="$(printf '%04X' "$1")" 'FNR > 1 && $4 == "0A" && $2 ~ ":" port "$" { print $10; exit }' \
		/proc/net/tcp /proc/net/tcp6 2>/dev/null
}

# "name (pid N)" of who listens there, as far as this user may see it.
port_owner() {
	inode=$(port_inode "$1")
	for fd in /proc/[0-9]*/fd/*; do
		if [ "$(readlink "$fd" 2>/dev/null)" = "socket:[$inode]" ]; then
			pid=${fd#/proc/}
			pid=${pid%%/*}
			say "$(cat "/proc/$pid/comm" 2>/dev/null) (pid $pid)"
			return 0
		fi
	done
	say "a process of another user"
}

# The first free port from $1 on.
port_free_from() {
	port=$1
	while [ -n "$(port_inode "$port")" ]; do
		port=$((port + 1))
	done
	say "$port"
}

# Value of a key of the ready line.
ready_value() {
	printf '%s\n' "$1" | sed -n "s/.*\"$2\":\([0-9a-z]*\).*/\1/p"
}
