#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# exec: one more process in a running container.
load helpers

@test "exec: the exit code is the program's, 128 + N for a signal" {
	start_sleeper
	run -9 bivalve exec "$ID" /bin/sh -c 'echo inside; exit 9'
	[ "$output" = inside ]
	run -143 bivalve exec "$ID" /bin/sh -c 'kill -TERM $$'
}

@test "exec: it is in the container's namespaces, root and groups" {
	start_sleeper
	local kind
	for kind in cgroup ipc mnt net pid uts; do
		[ "$(bivalve exec "$ID" readlink "/proc/self/ns/$kind")" = "$(readlink "/proc/$(pid_of)/ns/$kind")" ]
	done
	run -0 bivalve exec "$ID" ls /
	[[ $output == *bin*dev*proc* ]]
	bivalve exec --detach "$ID" sleep 999 </dev/null >/dev/null 2>&1
	[ "$(own_processes | wc -l)" -eq 2 ]
}

@test "exec: stdin, stdout and stderr are the caller's" {
	start_sleeper
	echo text | bivalve exec "$ID" sh -c 'cat; echo error >&2' >out 2>err
	[ "$(cat out)" = text ]
	[ "$(cat err)" = error ]
}

@test "exec: arguments after the id belong to the program" {
	start_sleeper
	run -0 bivalve exec "$ID" echo --cwd /x -t --help
	[ "$output" = "--cwd /x -t --help" ]
	run -0 bivalve exec "$ID" -- echo two dashes
	[ "$output" = "two dashes" ]
}

@test "exec --env, --cwd, --user, --additional-gids" {
	start_sleeper
	run -0 bivalve exec -e A=1 --env=B=2 --env TERM=other --cwd /bin -u 1000:1001 -g 5 --additional-gids=6 "$ID" \
		sh -c 'echo $A $B $TERM $PWD; id -u; id -g; id -G'
	[ "${lines[0]}" = "1 2 other /bin" ]
	[ "${lines[1]}" = 1000 ]
	[ "${lines[2]}" = 1001 ]
	[ "${lines[3]}" = "1001 5 6" ]
}

@test "exec: the environment and user of the container are the defaults" {
	sleeper
	edit_config '.process.env += ["FROM=config"] | .process.user = {"uid": 7, "gid": 8}'
	start_sleeper
	run -0 bivalve exec "$ID" sh -c 'echo $FROM; id -u; id -g'
	[ "${lines[0]}" = config ]
	[ "${lines[1]}" = 7 ]
	[ "${lines[2]}" = 8 ]
}

@test "exec --cap adds a capability, also for a user who is not root" {
	start_sleeper
	run -0 bivalve exec "$ID" grep CapEff /proc/self/status
	[ "$output" = $'CapEff:\t0000000020000420' ]
	run -0 bivalve exec -u 1000 --cap CAP_NET_RAW "$ID" grep CapEff /proc/self/status
	(("16#${output##*$'\t'}" & 1 << 13))
	run -255 bivalve exec --cap CAP_NONSENSE "$ID" true
	[[ $output == *"unknown capability 'CAP_NONSENSE'"* ]]
}

@test "exec: seccomp and no_new_privs of the container hold" {
	start_sleeper
	run -0 bivalve exec "$ID" grep -E '^(Seccomp|NoNewPrivs):' /proc/self/status
	[ "${lines[0]}" = $'NoNewPrivs:\t1' ]
	[ "${lines[1]}" = $'Seccomp:\t2' ]
}

@test "exec --process: a Process object as JSON" {
	start_sleeper
	cat >process.json <<-'EOP'
		{"args": ["/bin/sh", "-c", "echo $X; id -u; pwd"], "cwd": "/tmp", "env": ["X=y", "PATH=/bin"],
		 "user": {"uid": 11, "gid": 12}}
	EOP
	run -0 bivalve exec --process process.json "$ID"
	[ "${lines[0]}" = y ]
	[ "${lines[1]}" = 11 ]
	[ "${lines[2]}" = /tmp ]
	echo '{"args": [7], "cwd": "/"}' >process.json
	run -255 bivalve exec --process process.json "$ID"
	[[ $output == *"process 'process.json': /args/0: must be a string"* ]]
	run -255 bivalve exec --process process.json "$ID" echo
	[[ $output == *"exclude each other"* ]]
}

@test "exec --detach --pid-file: a process that its caller can kill" {
	start_sleeper
	bivalve exec --detach --pid-file exec.pid "$ID" sleep 999 </dev/null >/dev/null 2>&1
	local pid
	pid=$(cat exec.pid)
	[ "$(tr '\0' ' ' <"/proc/$pid/cmdline")" = "sleep 999 " ]
	kill -KILL "$pid"
	wait_until eval '! grep -qs "^State:.[^ZX]" /proc/'"$pid"'/status'
	[ "$(status)" = running ]
}

@test "exec: SIGTERM goes on to the program" {
	start_sleeper
	"$BIVALVE" --root "$STATE" exec "$ID" sh -c 'trap "exit 5" TERM; echo up; while :; do sleep 0.05; done' >out 3>&- &
	local runner=$! code=0
	wait_until grep -q up out
	kill -TERM $runner
	wait $runner || code=$?
	[ "$code" -eq 5 ]
}

@test "exec: a program that cannot be executed: 127, 126, and why" {
	start_sleeper
	run -127 bivalve exec "$ID" no-such-program
	[[ $output == *"executable file not found in"* ]]
	run -127 bivalve exec "$ID" /no/such/program
	[[ $output == *"o such file or directory"* ]]
	run -126 bivalve exec "$ID" /etc/passwd
	[[ $output == *"ermission denied"* ]]
}

@test "exec: the runtime's own failures give 255" {
	run -255 bivalve exec "$ID" true
	[[ $output == *"does not exist"* ]]
	make_bundle '.process.args = ["/bin/true"]'
	bivalve run --keep --bundle "$BUNDLE" "$ID"
	run -255 bivalve exec "$ID" true
	[[ $output == *"container not running"* ]]
}

@test "exec works in a created container" {
	sleeper
	bivalve create --bundle "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1
	run -0 bivalve exec "$ID" echo before
	[ "$output" = before ]
	[ "$(status)" = created ]
	bivalve start "$ID"
}

@test "exec --ignore-paused waits until the container is resumed" {
	start_sleeper
	bivalve pause "$ID"
	run -255 bivalve exec "$ID" true
	[[ $output == *"container is paused"* ]]
	"$BIVALVE" --root "$STATE" exec --ignore-paused "$ID" echo resumed >out 3>&- &
	local runner=$!
	sleep 0.2
	[ ! -s out ]
	bivalve resume "$ID"
	wait $runner
	[ "$(cat out)" = resumed ]
}

@test "exec --preserve-fds" {
	start_sleeper
	echo passed >file
	run -0 bivalve exec --preserve-fds 1 "$ID" sh -c 'cat <&3' 3<file
	[ "$output" = passed ]
	run -255 bivalve exec --preserve-fds 1 "$ID" true 3>&-
	[[ $output == *"descriptor 3"* ]]
}

@test "exec --cgroup: a group below the container's" {
	[ -d /sys/fs/cgroup/pids ] || skip 'needs cgroup v1'
	start_sleeper
	mkdir "/sys/fs/cgroup/pids/$ID/sub"
	run -0 bivalve exec --cgroup pids:sub "$ID" cat /proc/self/cgroup
	[[ $output == *"pids:/sub"* ]]
	run -255 bivalve exec --cgroup pids:missing "$ID" true
	run -255 bivalve exec --cgroup pids:../.. "$ID" true
}
