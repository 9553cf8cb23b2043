#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# kill: signals by all their names, to one or to all.
load helpers

# trapper: a container that writes the name of a signal that it gets to /tmp/got.
trapper() {
	make_bundle '.root.readonly = false'
	set_args sh -c 'for s in ALRM INT TERM USR1 USR2; do trap "echo $s >>/tmp/got" $s; done
		trap "echo RTMIN3 >>/tmp/got" 37; : >/tmp/up; while :; do sleep 0.02; done'
	bivalve run --detach --bundle "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1
	wait_until test -e "$BUNDLE/rootfs/tmp/up"
}

got() {
	[ "$(tail -n 1 "$BUNDLE/rootfs/tmp/got" 2>/dev/null)" = "$1" ]
}

@test "kill: TERM is the default; numbers, names with and without SIG" {
	trapper
	bivalve kill "$ID"
	wait_until got TERM
	bivalve kill "$ID" ALRM
	wait_until got ALRM
	bivalve kill "$ID" SIGUSR1
	wait_until got USR1
	bivalve kill "$ID" sigusr2
	wait_until got USR2
	bivalve kill "$ID" 2
	wait_until got INT
	bivalve kill "$ID" RTMIN+3
	wait_until got RTMIN3
	run -1 bivalve kill "$ID" SIGNONSENSE
	[[ $output == *"unknown signal 'SIGNONSENSE'"* ]]
	run -1 bivalve kill "$ID" 65
	run -1 bivalve kill "$ID" 0
	[ "$(status)" = running ]
}

@test "kill: a stopped container answers 'container not running'" {
	make_bundle '.process.args = ["/bin/true"]'
	bivalve run --keep --bundle "$BUNDLE" "$ID"
	run -1 bivalve kill "$ID" KILL
	[[ $output == *"container not running"* ]]
}

@test "kill --all: every process; a stopped container is no error" {
	make_bundle
	set_args sh -c 'sleep 1000 & sleep 1000 & wait'
	bivalve run --detach --bundle "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1
	wait_until eval '[ "$(own_processes | wc -l)" -eq 3 ]'
	bivalve kill --all "$ID" KILL
	wait_until is_status stopped
	bivalve kill --all "$ID" 9
	bivalve kill -a "$ID" 9
}

@test "kill --all TERM reaches those that the first process would not tell" {
	make_bundle '.root.readonly = false'
	set_args sh -c '(trap "echo child >/tmp/got; exit" TERM; : >/tmp/up; while :; do sleep 0.02; done) & trap : TERM; while :; do wait; done'
	bivalve run --detach --bundle "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1
	wait_until test -e "$BUNDLE/rootfs/tmp/up"
	bivalve kill "$ID" TERM
	sleep 0.2
	[ ! -e "$BUNDLE/rootfs/tmp/got" ]
	bivalve kill --all "$ID" TERM
	wait_until got child
}

@test "kill KILL on a paused container thaws it, and it ends" {
	start_sleeper
	bivalve pause "$ID"
	bivalve kill "$ID" KILL
	wait_until is_status stopped
	bivalve delete "$ID"
}

@test "delete --force of a paused container" {
	start_sleeper
	bivalve pause "$ID"
	bivalve delete --force "$ID"
	nothing_left
}

@test "kill: a created container ends by KILL" {
	sleeper
	bivalve create --bundle "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1
	bivalve kill "$ID" KILL
	wait_until is_status stopped
	run -1 bivalve start "$ID"
	bivalve delete "$ID"
}

@test "kill --regex" {
	sleeper
	start_sleeper "$ID-a"
	start_sleeper "$ID-b"
	bivalve kill --regex -- "^$ID-a\$" KILL
	wait_until is_status stopped "$ID-a"
	[ "$(status "$ID-b")" = running ]
	run -1 bivalve kill --regex '(' KILL
	[[ $output == *"not a regular expression"* ]]
}
