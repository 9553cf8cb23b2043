#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# list and ps.
load helpers

@test "list: a table, JSON, names" {
	run -0 bivalve list --format json
	[ "$output" = "[]" ]
	sleeper
	start_sleeper "$ID-a"
	bivalve create --bundle "$BUNDLE" "$ID-b" </dev/null >/dev/null 2>&1
	run -0 bivalve list
	[ "${#lines[@]}" -eq 3 ]
	[[ ${lines[0]} =~ ^ID\ +PID\ +STATUS\ +BUNDLE\ +CREATED\ +OWNER\ +ADDRESSES$ ]]
	[[ ${lines[1]} =~ ^$ID-a\ +[0-9]+\ +running\ +$BUNDLE\ +20[^\ ]+Z\ +root\ +-$ ]]
	[[ ${lines[2]} =~ ^$ID-b\ +[0-9]+\ +created ]]
	run -0 bivalve list -f json
	[ "$(jq -r 'map(.id + "=" + .status) | join(" ")' <<<"$output")" = "$ID-a=running $ID-b=created" ]
	[ "$(jq -c '.[0]' <<<"$output")" = "$(bivalve state "$ID-a" | jq -c .)" ]
	run -0 bivalve list --quiet
	[ "${lines[*]}" = "$ID-a $ID-b" ]
	run -1 bivalve list --format yaml
}

@test "list: a damaged container hides no other" {
	sleeper
	start_sleeper "$ID-a"
	start_sleeper "$ID-b"
	cp "$STATE/$ID-a/state.json" saved
	echo '{' >"$STATE/$ID-a/state.json"
	run -0 --separate-stderr bivalve list
	[ "${#lines[@]}" -eq 2 ]
	[[ ${lines[1]} == "$ID-b"* ]]
	# shellcheck disable=SC2154
	[[ $stderr == *"$ID-a"*"skipping"* ]]
	cp saved "$STATE/$ID-a/state.json"
}

@test "ps: host pids as JSON and as a table" {
	make_bundle
	set_args sh -c 'sleep 1001 & wait'
	bivalve run --detach --bundle "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1
	wait_until eval '[ "$(own_processes | wc -l)" -eq 2 ]'
	run -0 bivalve ps --format json "$ID"
	[ "$(jq length <<<"$output")" -eq 2 ]
	[ "$(jq '.[0]' <<<"$output")" = "$(pid_of)" ]
	run -0 bivalve ps "$ID"
	[[ ${lines[0]} =~ ^\ *UID\ +PID\ +PPID ]]
	[ "${#lines[@]}" -eq 3 ]
	[[ $output == *"sleep 1001"* ]]
}

@test "ps with options of ps(1)" {
	command -v ps >/dev/null || skip 'needs ps(1)'
	start_sleeper
	run -0 bivalve ps "$ID" -e -o pid,comm
	[ "${#lines[@]}" -eq 2 ]
	[[ ${lines[0]} =~ ^\ *PID\ COMMAND ]]
	[[ ${lines[1]} =~ ^\ *$(pid_of)\ sleep ]]
	run -1 bivalve ps "$ID" -e -o comm
	[[ $output == *"no column PID"* ]]
}

@test "ps: a stopped container" {
	make_bundle '.process.args = ["/bin/true"]'
	bivalve run --keep --bundle "$BUNDLE" "$ID"
	run -1 bivalve ps "$ID"
	[[ $output == *"container not running"* ]]
}

@test "ps: what a program calls itself cannot forge lines" {
	make_bundle
	set_args sh -c 'exec -a "$(printf "a\nb\033[2J")" sleep 1000'
	edit_config '.process.args = ["/bin/busybox", "sleep", "1000", "\u001b[2J\n  0 1 1 S forged"]'
	edit_config '.process.args = ["/bin/sh", "-c", "sleep 1000; true", "\u001b[2J\n  0 1 1 S forged"]'
	bivalve run --detach --bundle "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1
	run -0 bivalve ps "$ID"
	run ! grep -q $'\033' <<<"$output"
	run ! grep -q '^ *0 1 1 S forged' <<<"$output"
}
