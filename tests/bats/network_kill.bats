#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# SIGKILL at system calls of what connects and disconnects a workload; then `delete --force` leaves
# the host as it was. BIVALVE_ALL_STEPS=1 kills at every call; else at every seventh, with sanitizers, which are
# slow, at every 21st.
load network_helpers

# Built by `make test-tools`.
setup_file() {
	KILLAT=$(realpath "${BIVALVE_BIN:-$BATS_TEST_DIRNAME/../../build/release}")/tools/killat
	export KILLAT
}

STEP=7
[[ ${BIVALVE_BIN:-} != */asan ]] || STEP=21
[ -z "${BIVALVE_ALL_STEPS:-}" ] || STEP=1

prepare() {
	sleeper
	network create a
	network create b --mode isolated
	edit_config '.annotations = {"org.bivalve.network": "a,b", "org.bivalve.publish": "8080:80,9000-9005:90-95/udp"}'
	# A peer that is told and untold.
	start "$ID-peer" --network a
	# A first one makes what later ones find.
	bivalve create --bundle "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1
	bivalve delete --force "$ID"
	host_is_quiet
	before=$(host_network)
}

# Until devices of namespaces that went are gone, too.
host_is_quiet() {
	wait_until eval '! in_ns "$HOST" ip -o link | grep -v "$(network inspect a | jq -r ".members[0].hostInterface")" | grep -q bvp'
}

# killed N COMMAND...: COMMAND of bivalve, killed at its N-th call; false when it has fewer.
killed() {
	local status=0

	in_ns "$HOST" "$KILLAT" at "$1" self "$BIVALVE" --root "$STATE" "${@:2}" </dev/null >"$WORK/at" 2>"$WORK/at.err" || status=$?
	[ $status -eq 0 ] || [ $status -eq 3 ]
	return $status
}

# as_before WHAT: after delete --force, the host and the peer's hosts file are as they were.
as_before() {
	bivalve delete --force "$ID" || { echo "$1: delete failed"; cat "$WORK/at"* || true; return 1; }
	host_is "$before" || { echo "$1: $(cat "$WORK/at")"; return 1; }
	[[ $(names "$ID-peer") != *" $ID"$'\n'* ]] || { echo "$1: still known to its peer"; return 1; }
}

@test "network: create, killed at any step" {
	local before n=1

	prepare
	while killed $n create --bundle "$BUNDLE" "$ID"; do
		as_before "create, step $n"
		n=$((n + STEP))
	done
	as_before "create, not killed"
	[ $n -gt 50 ]
	[[ $(cat "$WORK/at") == *calls* ]]
}

@test "network: delete, killed at any step" {
	local before n=1

	prepare
	while :; do
		bivalve create --bundle "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1
		killed $n delete --force "$ID" || break
		as_before "delete, step $n"
		n=$((n + STEP))
	done
	as_before "delete, not killed"
	[ $n -gt 20 ]
}
