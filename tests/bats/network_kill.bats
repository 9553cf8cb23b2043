#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# SIGKILL at system calls of what connects and disconnects a workload; then `delete --force` leaves
# the host as it was. BIVALVE_ALL_STEPS=1 kills at every call; else at every K-th.
load network_helpers

# Built by `make test-tools`.
setup_file() {
	KILLAT=$(realpath "${BIVALVE_BIN:-$BATS_TEST_DIRNAME/../../build/release}")/tools/killat
	export KILLAT
}

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

# A bivalve of the test's own whose bivalve-net is killed at call $WORK/step of the verb $WORK/verb.
use_wrapped_net() {
	mkdir "$WORK/bin"
	cp "$BIVALVE" "$WORK/bin/bivalve"
	cat >"$WORK/bin/bivalve-net" <<-END
		#!/bin/sh
		[ "\$2" = "\$(cat "$WORK/verb")" ] || exec "$BIVALVE_BIN/bivalve-net" "\$@"
		"$KILLAT" at "\$(cat "$WORK/step")" self "$BIVALVE_BIN/bivalve-net" "\$@" >"$WORK/at" 2>&1
		echo \$? >"$WORK/at.status"
	END
	chmod +x "$WORK/bin/bivalve-net"
	BIVALVE=$WORK/bin/bivalve
}

# as_before WHAT: after delete --force, the host and the peer's hosts file are as they were.
as_before() {
	bivalve delete --force "$ID" || { echo "$1: delete failed"; cat "$WORK/at"* || true; return 1; }
	host_is "$before" || { echo "$1: $(cat "$WORK/at")"; return 1; }
	[[ $(names "$ID-peer") != *" $ID"$'\n'* ]] || { echo "$1: still known to its peer"; return 1; }
}

@test "network: create, killed at any step" {
	local before n=1 k=${BIVALVE_ALL_STEPS:+1}

	prepare
	while killed $n create --bundle "$BUNDLE" "$ID"; do
		as_before "create, step $n"
		n=$((n + ${k:-9}))
	done
	as_before "create, not killed"
	[ $n -gt 50 ]
	[[ $(cat "$WORK/at") == *calls* ]]
}

@test "network: delete, killed at any step" {
	local before n=1 k=${BIVALVE_ALL_STEPS:+1}

	prepare
	while :; do
		bivalve create --bundle "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1
		killed $n delete --force "$ID" || break
		as_before "delete, step $n"
		n=$((n + ${k:-7}))
	done
	as_before "delete, not killed"
	[ $n -gt 20 ]
}

@test "network: bivalve-net up, killed at any step: create fails and leaves nothing" {
	local before n=1 k=${BIVALVE_ALL_STEPS:+1} status

	prepare
	use_wrapped_net
	echo up >"$WORK/verb"
	while :; do
		echo $n >"$WORK/step"
		status=0 # without `run`: a container that was made would keep its pipe open
		bivalve create --bundle "$BUNDLE" "$ID" </dev/null >/dev/null 2>"$WORK/stderr" || status=$?
		[ "$(cat "$WORK/at.status")" -eq 0 ] || break
		# Killed after its answer, it is missed by nobody.
		if [ $status -ne 0 ]; then
			[[ $(cat "$WORK/stderr") == *"'bivalve-net' ended without a result"* ]]
			! bivalve list --quiet | grep -qx "$ID" || return 1
		fi
		as_before "up, step $n"
		n=$((n + ${k:-6}))
	done
	as_before "up, not killed"
	[ $n -gt 60 ]
}

@test "network: bivalve-net down, killed at any step: the next delete does the rest" {
	local before n=1 k=${BIVALVE_ALL_STEPS:+1}

	prepare
	use_wrapped_net
	echo down >"$WORK/verb"
	while :; do
		echo $n >"$WORK/step"
		echo down >"$WORK/verb"
		bivalve create --bundle "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1
		run bivalve delete --force "$ID"
		[ "$(cat "$WORK/at.status")" -eq 0 ] || break
		echo none >"$WORK/verb"
		as_before "down, step $n"
		n=$((n + ${k:-4}))
	done
	echo none >"$WORK/verb"
	as_before "down, not killed"
	[ $n -gt 30 ]
}
