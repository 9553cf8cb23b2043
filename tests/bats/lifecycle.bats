#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# create, start, run, delete: what a user sees.
load helpers

@test "run: the exit code is the program's" {
	make_bundle '.process.args = ["/bin/sh", "-c", "echo hello; exit 7"]'
	run -7 bivalve run --bundle "$BUNDLE" "$ID"
	[ "$output" = hello ]
	nothing_left
}

@test "run: a program that signal N ended gives 128 + N" {
	# The first process of a pid namespace is spared by signals that it does not handle.
	make_bundle '.process.args = ["/bin/sh", "-c", "kill -TERM $$"]
		| .linux.namespaces |= map(select(.type != "pid"))'
	run -143 bivalve run --bundle "$BUNDLE" "$ID"
	edit_config '.process.args = ["/bin/sleep", "1000"]'
	(wait_until is_status running && bivalve kill "$ID" KILL) 3>&- &
	run -137 bivalve run --bundle "$BUNDLE" "$ID"
	wait
}

@test "run: stdin, stdout and stderr are the caller's" {
	make_bundle '.process.args = ["/bin/sh", "-c", "cat; echo error >&2"]'
	echo text | bivalve run --bundle "$BUNDLE" "$ID" >out 2>err
	[ "$(cat out)" = text ]
	[ "$(cat err)" = error ]
}

@test "run: the bundle is the working directory when none is named" {
	make_bundle '.process.args = ["/bin/echo", "here"]'
	cd "$BUNDLE"
	run -0 bivalve run "$ID"
	[ "$output" = here ]
}

@test "run --config names another file of the bundle" {
	make_bundle
	jq '.process.args = ["/bin/echo", "other"]' "$BUNDLE/config.json" >"$BUNDLE/other.json"
	run -0 bivalve run --bundle="$BUNDLE" --config other.json "$ID"
	[ "$output" = other ]
}

@test "run --detach returns while the program runs; its pid is in the pid file" {
	sleeper
	bivalve run -d --bundle "$BUNDLE" --pid-file "$WORK/pid" "$ID" </dev/null >/dev/null 2>&1
	[ "$(status)" = running ]
	[ "$(cat "$WORK/pid")" = "$(pid_of)" ]
	[ "$(stat -c %s "$WORK/pid")" = "$(pid_of | tr -d '\n' | wc -c)" ]
	[ "$(tr '\0' ' ' <"/proc/$(pid_of)/cmdline")" = "/bin/sleep 1000 " ]
}

@test "run --keep leaves the container, stopped" {
	make_bundle '.process.args = ["/bin/true"]'
	bivalve run --keep --bundle "$BUNDLE" "$ID"
	[ "$(status)" = stopped ]
	[ "$(pid_of)" = 0 ]
	bivalve delete "$ID"
}

@test "run: SIGTERM goes on to the program, and the container is removed" {
	make_bundle '.process.args = ["/bin/sh", "-c", "trap \"echo got it; exit 3\" TERM; echo up; while :; do sleep 0.05; done"]'
	"$BIVALVE" --root "$STATE" run --bundle "$BUNDLE" "$ID" >out 3>&- &
	local runner=$! code=0
	wait_until grep -q up out
	kill -TERM $runner
	wait $runner || code=$?
	[ "$code" -eq 3 ]
	grep -q 'got it' out
	nothing_left
}

@test "create, start, state, kill, delete" {
	sleeper
	bivalve create --bundle "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1
	[ "$(status)" = created ]
	# Nothing of the program ran.
	run ! grep -q sleep "/proc/$(pid_of)/cmdline"
	bivalve start "$ID"
	[ "$(status)" = running ]
	bivalve kill "$ID" KILL
	wait_until is_status stopped
	bivalve delete "$ID"
	run -1 bivalve state "$ID"
	[[ $output == *"container '$ID' does not exist"* ]]
}

@test "create --pid-file, relative to the caller's folder" {
	sleeper
	bivalve create --bundle "$BUNDLE" --pid-file pid "$ID" </dev/null >/dev/null 2>&1
	[ "$(cat pid)" = "$(pid_of)" ]
	[ ! -e .pid.tmp ]
}

@test "start: a second one fails and changes nothing" {
	sleeper
	bivalve create --bundle "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1
	bivalve start "$ID"
	local pid
	pid=$(pid_of)
	run -1 bivalve start "$ID"
	[[ $output == *"cannot start container"*running* ]]
	[ "$(pid_of)" = "$pid" ]
	[ "$(status)" = running ]
}

@test "start: a stopped container cannot be started" {
	make_bundle '.process.args = ["/bin/true"]'
	bivalve run --keep --bundle "$BUNDLE" "$ID"
	run -1 bivalve start "$ID"
	[[ $output == *"it is stopped"* ]]
}

@test "create: the same id twice is an error, and the first is not harmed" {
	start_sleeper
	run -1 bivalve create --bundle "$BUNDLE" "$ID"
	[[ $output == *"container with given ID already exists"* ]]
	[ "$(status)" = running ]
}

@test "create: later edits of the config do not matter" {
	make_bundle '.process.args = ["/bin/sleep", "1000"] | .process.env += ["WHO=created"]'
	bivalve create --bundle "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1
	edit_config '.process.args = ["/bin/false"] | .process.env = ["WHO=edited"]'
	bivalve start "$ID"
	[[ $(tr '\0' ' ' <"/proc/$(pid_of)/cmdline") == "/bin/sleep 1000 " ]]
	run -0 bivalve exec "$ID" /bin/sh -c 'echo $WHO'
	[ "$output" = created ]
}

@test "delete: a running container stays, --force removes it" {
	start_sleeper
	run -1 bivalve delete "$ID"
	[[ $output == *"container still running"* ]]
	[ "$(status)" = running ]
	bivalve delete --force "$ID"
	nothing_left
}

@test "delete: a created container goes without --force" {
	sleeper
	bivalve create --bundle "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1
	bivalve delete "$ID"
	nothing_left
}

@test "delete --force: a missing container is no error" {
	bivalve delete --force "$ID"
	mkdir -p "$STATE"
	bivalve delete --force "$ID"
}

@test "delete --regex takes the ids that match" {
	sleeper
	start_sleeper "$ID-a"
	start_sleeper "$ID-b"
	start_sleeper "$ID-c"
	bivalve delete --force --regex -- "-[ab]\$"
	[ "$(bivalve list --quiet)" = "$ID-c" ]
}

@test "a program that forks: delete --force ends all of it" {
	make_bundle '.process.args = ["/bin/sh", "-c", "for i in 1 2 3; do sleep 1000 & done; wait"]'
	bivalve run -d --bundle "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1
	wait_until eval '[ "$(own_processes | wc -l)" -ge 4 ]'
	bivalve delete --force "$ID"
	nothing_left
}

@test "without a pid namespace: every process ends with the container" {
	make_bundle '.process.args = ["/bin/sh", "-c", "sleep 1000 & sleep 1000 & wait"]
		| .linux.namespaces |= map(select(.type != "pid"))'
	bivalve run -d --bundle "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1
	wait_until eval '[ "$(own_processes | wc -l)" -ge 3 ]'
	bivalve kill "$ID" KILL
	wait_until is_status stopped
	wait_until eval '[ -z "$(own_processes)" ]'
	bivalve delete "$ID"
}

@test "pause and resume" {
	start_sleeper
	bivalve pause "$ID"
	[ "$(status)" = paused ]
	run -1 bivalve pause "$ID"
	run -255 bivalve exec "$ID" /bin/true
	[[ $output == *"container is paused"* ]]
	bivalve resume "$ID"
	[ "$(status)" = running ]
	run -1 bivalve resume "$ID"
	[[ $output == *"not paused"* ]]
}

@test "pause: the program stands still" {
	make_bundle '.process.args = ["/bin/sh", "-c", "while :; do date +%s%N >/tmp/now; sleep 0.02; done"] | .root.readonly = false'
	bivalve run -d --bundle "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1
	wait_until test -s "$BUNDLE/rootfs/tmp/now"
	bivalve pause "$ID"
	local before
	before=$(cat "$BUNDLE/rootfs/tmp/now")
	sleep 0.3
	[ "$(cat "$BUNDLE/rootfs/tmp/now")" = "$before" ]
	bivalve resume "$ID"
	wait_until eval '[ "$(cat "$BUNDLE/rootfs/tmp/now")" != "'"$before"'" ]'
}

@test "commands on one id at once are one after the other" {
	sleeper
	local i pids=() ok=0
	for i in 1 2 3 4 5 6; do
		bivalve create --bundle "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1 3>&- &
		pids+=($!)
	done
	for i in "${pids[@]}"; do
		if wait "$i"; then ok=$((ok + 1)); fi
	done
	[ "$ok" -eq 1 ]
	[ "$(status)" = created ]
	pids=() ok=0
	for i in 1 2 3 4 5 6; do
		bivalve start "$ID" 2>/dev/null 3>&- &
		pids+=($!)
	done
	for i in "${pids[@]}"; do
		if wait "$i"; then ok=$((ok + 1)); fi
	done
	[ "$ok" -eq 1 ]
	[ "$(status)" = running ]
	for i in 1 2 3 4; do
		bivalve delete --force "$ID" 3>&- &
	done
	wait
	nothing_left
}

@test "--preserve-fds passes descriptors on, and only those" {
	make_bundle '.process.args = ["/bin/sh", "-c", "cat <&3; ls /proc/self/fd"]'
	echo passed >file
	run -0 bivalve run --bundle "$BUNDLE" --preserve-fds 1 "$ID" 3<file 4<file
	[ "${lines[0]}" = passed ]
	# 0 1 2 3, and the one that ls itself opens
	[ "$(printf '%s\n' "${lines[@]:1}" | tr '\n' ' ')" = "0 1 2 3 4 " ]
	run -1 bivalve run --bundle "$BUNDLE" --preserve-fds 99 "$ID" 3<file
	[[ $output == *"descriptor"*"to be passed on"* ]]
}

@test "LISTEN_FDS is passed on with LISTEN_PID=1" {
	make_bundle '.process.args = ["/bin/sh", "-c", "echo $LISTEN_FDS $LISTEN_PID; cat <&3"]'
	echo socket >file
	LISTEN_FDS=1 run -0 bivalve run --bundle "$BUNDLE" "$ID" 3<file
	[ "${lines[0]}" = "1 1" ]
	[ "${lines[1]}" = socket ]
}

@test "--cgroup-manager disabled: no group is made" {
	sleeper
	bivalve --cgroup-manager disabled run -d --bundle "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1
	[ "$(status)" = running ]
	[ -z "$(own_cgroups)" ]
	run -1 bivalve pause "$ID"
	[[ $output == *"has no cgroup"* ]]
	bivalve delete --force "$ID"
	edit_config '.linux.resources.pids.limit = 5'
	run -1 bivalve --cgroup-manager disabled create --bundle "$BUNDLE" "$ID"
	[[ $output == *"/linux/resources/pids/limit: there is no cgroup"* ]]
}

@test "cgroupsPath: the container is where the config says" {
	sleeper
	edit_config '.linux.cgroupsPath = $p' --arg p "/bats-$$-group/$ID"
	start_sleeper
	grep -q "/bats-$$-group/$ID\$" "/proc/$(pid_of)/cgroup"
	bivalve delete --force "$ID"
	find /sys/fs/cgroup -depth -maxdepth 2 -type d -name "bats-$$-group" -exec rmdir {} +
}

@test "a group that was there before is entered, and stays" {
	[ -d /sys/fs/cgroup/pids ] || skip 'needs cgroup v1'
	sleeper
	mkdir "/sys/fs/cgroup/pids/$ID"
	start_sleeper
	grep -q "pids:/$ID\$" "/proc/$(pid_of)/cgroup"
	bivalve delete --force "$ID"
	[ -d "/sys/fs/cgroup/pids/$ID" ]
	find /sys/fs/cgroup -maxdepth 2 -name "$ID" -exec rmdir {} +
}

@test "NOTIFY_SOCKET: READY=1 of the container reaches the caller's service manager" {
	make_bundle '.process.args = ["/bin/sh", "-c", "echo $NOTIFY_SOCKET; ls /run/notify; sleep 1000"]'
	socat -u UNIX-RECV:"$WORK/manager.sock" - >got 3>&- &
	local manager=$!
	wait_until test -S "$WORK/manager.sock"
	NOTIFY_SOCKET=$WORK/manager.sock "$BIVALVE" --root "$STATE" run -d --bundle "$BUNDLE" "$ID" </dev/null >out 2>&1 3>&- &
	local starter=$!
	wait_until grep -q notify.sock out
	[ -d "/proc/$starter" ]
	printf 'STATUS=busy\n' | socat -u - "UNIX-SENDTO:$STATE/$ID/notify/notify.sock"
	printf 'STATUS=done\nREADY=1\n' | socat -u - "UNIX-SENDTO:$STATE/$ID/notify/notify.sock"
	wait $starter
	wait_until grep -q READY=1 got
	grep -q "MAINPID=$(pid_of)" got
	run ! grep -q STATUS got
	kill $manager
	[ "$(head -n 1 out)" = /run/notify/notify.sock ]
}
