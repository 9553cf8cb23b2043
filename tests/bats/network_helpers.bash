# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# For network*.bats: helpers and net_helpers together. `bivalve` runs in the namespace $HOST of
# net_helpers, which plays the host; nothing here touches the machine's own network.
load helpers
BIVALVE_BIN=$(realpath "${BIVALVE_BIN:-$BATS_TEST_DIRNAME/../../build/release}")
export BIVALVE_BIN
load net_helpers
eval "$(declare -f setup | sed '1s/setup/setup_container/')"
eval "$(declare -f teardown | sed '1s/teardown/teardown_container/')"

setup() {
	setup_container
	net_setup
}

teardown() {
	local failed=0

	teardown_container || failed=1
	net_teardown
	return $failed
}

bivalve() {
	in_ns "$HOST" "$BIVALVE" --root "$STATE" "$@"
}

network() {
	bivalve network "$@"
}

# start ID [OPTION...] [-- PROGRAM ARG...]: a quick run in the background; default: a sleeper.
start() {
	local id=$1
	local -a options=()

	shift
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	[ $# -gt 1 ] || set -- -- /bin/sleep 1000
	[ -d "$WORK/root" ] || cp -a "$(base_rootfs)" "$WORK/root"
	bivalve run --detach --rootfs "$WORK/root" "${options[@]}" "$id" "$@" </dev/null >/dev/null 2>"$WORK/stderr" ||
		{ cat "$WORK/stderr" >&2; return 1; }
}

# address ID 4|6 [NUMBER]: of its NUMBER-th end (0).
address() {
	bivalve state "$1" | jq -r --argjson n "${3:-0}" --arg colon "$([ "$2" = 6 ] && echo :)" \
		'.networks[$n].addresses[] | select(contains(":") == ($colon != "")) | sub("/.*"; "")'
}

# names ID: what it reads in /etc/hosts.
names() {
	bivalve exec "$1" cat /etc/hosts
}

# refused TEXT COMMAND...: exit code 1, one line that has TEXT.
refused() {
	run -1 "${@:2}"
	[ "${#lines[@]}" -eq 1 ] || { echo "not one line: $output" >&2; return 1; }
	[[ $output == *"$1"* ]] || { printf 'wanted: %s\ngot: %s\n' "$1" "$output" >&2; return 1; }
}

# What $HOST has; devices of namespaces that have just gone take a moment.
host_network() {
	snapshot "$HOST"
	find "$STATE/.net" -type f ! -name lock ! -path '*/next/*' -o -type l 2>/dev/null | sort
}

# host_is TEXT: soon.
host_is() {
	local i

	for ((i = 0; i < 100; i++)); do
		[ "$(host_network)" != "$1" ] || return 0
		sleep 0.05
	done
	diff <(echo "$1") <(host_network)
}
