#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What the sandbox of a running machine leaves it, seen from outside by /proc. What its threads may
# call is tests/unit/test_sandbox_filter.c's.
bats_require_minimum_version 1.5.0

setup() {
	VMM=${BIVALVE_BIN:?}/bivalve-vmm
	GUEST=$BIVALVE_BIN/guest
	[ -d "$GUEST" ] || GUEST=$PWD/build/release/guest # the test bed has the programs apart
	[ -w /dev/kvm ] || skip "no /dev/kvm"
	[ "$(id -u)" -eq 0 ] || skip "not root"
	export ASAN_OPTIONS=detect_leaks=0 # the leak check traces the process, which it refuses
	pid=
	cd "$BATS_TEST_TMPDIR" || return
	chmod 755 .
	truncate -s 1M disk
	mkdir folder
}

teardown() {
	[ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null || true
}

# start WORD... -- OPTION...: the machine of a guest that sleeps, started by WORDs; in $pid once the
# guest runs.
start() {
	local words=()

	while [ "$1" != -- ]; do
		words+=("$1")
		shift
	done
	shift
	"${words[@]}" "$VMM" --kernel "$GUEST/linux64" --append hlt "$@" </dev/null >serial 2>messages 3>&- &
	pid=$!
	for _ in $(seq 300); do
		! grep -q cmdline serial || return 0
		sleep 0.1
	done
	cat messages
	return 1
}

# field NAME [PID]: what /proc says of the threads, one line for each that differs.
field() {
	sed -n "s/^$1:[[:space:]]*//p" /proc/"${2:-$pid}"/task/*/status | sort -u
}

@test "sandbox: no thread has capabilities, root's ids, or a way to new privileges; each has a filter" {
	start env -- --rng --disk disk --cpus 2
	[ "$(field Uid)" = $'65534\t65534\t65534\t65534' ]
	[ "$(field Gid)" = $'65534\t65534\t65534\t65534' ]
	[ -z "$(field Groups | tr -d ' ')" ]
	for set in CapInh CapPrm CapEff CapBnd CapAmb; do
		[ "$(field $set)" = 0000000000000000 ]
	done
	[ "$(field NoNewPrivs)" = 1 ]
	[ "$(field Seccomp)" = 2 ]
	[ "$(cat /proc/$pid/task/*/comm | sort | tr '\n' ' ')" = 'bivalve-vmm starter vcpu0 vcpu1 ' ]
}

@test "sandbox: an empty root, namespaces of its own, no environment, no core" {
	SECRET=topsecret start env -- --rng --fs a=folder
	[ "$(awk '{ print $5, $6 }' /proc/$pid/mountinfo)" = '/ ro,nosuid,nodev,noexec,relatime' ]
	[ -z "$(ls -A /proc/$pid/root/)" ]
	for ns in cgroup ipc mnt net uts; do
		[ "$(readlink /proc/$pid/ns/$ns)" != "$(readlink /proc/self/ns/$ns)" ]
	done
	[ "$(awk 'NR > 2 { print $1 }' /proc/$pid/net/dev)" = lo: ]
	run ! grep -q topsecret /proc/$pid/environ
	grep -q '^Max core file size *0 *0 ' /proc/$pid/limits
	# Not dumpable: its files in /proc are root's, although it is not.
	[ "$(stat -c %u /proc/$pid/environ)" = 0 ]
}

@test "sandbox: it has the descriptors that it opened and was given, no others" {
	local bad

	exec 7</etc/passwd 8<>disk 9<folder
	start env -- --rng --disk fd:8 --fs a=fd:9 --fs b=folder,ro
	exec 7<&- 8<&- 9<&-
	bad=$(find /proc/$pid/fd -lname '*' -printf '%f %l\n' | awk '$1 > 2' |
		grep -vE ' (anon_inode:(\[(eventfd|eventpoll|signalfd|timerfd|io_uring)\]|kvm-vm|kvm-vcpu:0)|/|.*/disk)$') || true
	[ -z "$bad" ]
	[ "$(find /proc/$pid/fd -lname '*/disk' | wc -l)" = 1 ]
	# The folders and /proc/self/fd: nothing is above them.
	find /proc/$pid/fd -lname / >dirs
	[ "$(wc -l <dirs)" -ge 3 ]
	while read -r dir; do
		[ "$(stat -L -c %d:%i "$dir/..")" = "$(stat -L -c %d:%i "$dir")" ]
	done <dirs
}

@test "sandbox: capabilities of a file server are in the thread that starts its threads alone" {
	start env -- --fs a=folder --cpus 2
	[ "$(field CapEff | wc -l)" = 2 ]
	for task in "/proc/$pid/task"/*; do
		if [ "$(<"$task/comm")" = starter ]; then
			# chown dac_override fowner fsetid setgid setuid mknod setfcap
			grep -q '^CapEff:.00000000880000db$' "$task/status"
		else
			grep -q '^CapEff:.0000000000000000$' "$task/status"
		fi
	done
	kill -KILL $pid
	# Reading takes less.
	start env -- --fs a=folder,ro
	[ "$(field CapPrm)" = $'0000000000000000\n0000000000000004' ]
}

@test "sandbox: --user says whom to become, and root alone may say it" {
	start env -- --user 1234:5678
	[ "$(field Uid)" = $'1234\t1234\t1234\t1234' ]
	[ "$(field Gid)" = $'5678\t5678\t5678\t5678' ]
	kill -KILL $pid
	# Root by its number is not root by its rights.
	start env -- --user 0:0
	[ "$(field Uid)" = $'0\t0\t0\t0' ]
	[ "$(field CapPrm)" = 0000000000000000 ]
	run -241 "$VMM" --kernel "$GUEST/linux64" --user nobody
	run -241 "$VMM" --kernel "$GUEST/linux64" --user nobody
	run -253 setpriv --reuid 1000 --regid 1000 --clear-groups "$VMM" --kernel "$GUEST/linux64" --user 5:5
	[[ $output = *'--user 5:5: cannot take these ids'* ]]
}

@test "sandbox: a user without rights has the same sandbox, in a user namespace" {
	chown 1000:1000 . folder
	setpriv --reuid 1000 --regid 1000 --clear-groups test -w /dev/kvm || skip "/dev/kvm is root's alone"
	start setpriv --reuid 1000 --regid 1000 --clear-groups -- --rng --fs a=folder
	[ "$(field Uid)" = $'1000\t1000\t1000\t1000' ]
	for set in CapInh CapPrm CapEff CapBnd CapAmb; do
		[ "$(field $set)" = 0000000000000000 ]
	done
	[ "$(field NoNewPrivs)" = 1 ]
	[ "$(field Seccomp)" = 2 ]
	for ns in cgroup ipc mnt net user uts; do
		[ "$(readlink /proc/$pid/ns/$ns)" != "$(readlink /proc/self/ns/$ns)" ]
	done
	[ "$(awk '{ print $5, $6 }' /proc/$pid/mountinfo)" = '/ ro,nosuid,nodev,noexec,relatime' ]
	[ "$(awk '{ print $1, $2, $3 }' /proc/$pid/uid_map)" = '1000 1000 1' ]
}

@test "sandbox: a part that the host refuses is an error with its name" {
	run -253 unshare -Ur sh -c 'echo 0 >/proc/sys/user/max_user_namespaces && exec "$@"' sh \
		"$VMM" --kernel "$GUEST/linux64"
	[[ $output = *'sandbox: make a user namespace (hint: user.max_user_namespaces'* ]]
	run -253 unshare -Ur sh -c 'echo 0 >/proc/sys/user/max_mnt_namespaces && exec "$@"' sh \
		"$VMM" --kernel "$GUEST/linux64"
	[[ $output = *'sandbox: make a mount namespace'* ]]
}

@test "sandbox: --no-sandbox says so in one line, and keeps all" {
	start env -- --no-sandbox --rng
	[ "$(<messages)" = 'bivalve: warning: --no-sandbox: a guest that breaks out has the rights of who started it' ]
	[ "$(field Seccomp)" = 0 ]
	[ "$(field Uid)" = $'0\t0\t0\t0' ]
	[ "$(readlink /proc/$pid/ns/mnt)" = "$(readlink /proc/self/ns/mnt)" ]
}

@test "sandbox: devices work in it, and a TAP stays where it is" {
	run timeout -s KILL 60 "$VMM" --kernel "$GUEST/linux64" --append rng --rng --cpus 2 \
		--disk disk --disk disk,ro,engine=threads --fs a=folder --fs b=folder,ro </dev/null
	[ "$status" -eq 0 ]
	[[ $output = *'ten interrupts'* ]]
	[ -w /dev/net/tun ] || skip "no TAPs"
	# shellcheck disable=SC2016 # the shell's own
	run unshare -n sh -c 'ip tuntap add t0 mode tap vnet_hdr && exec timeout -s KILL 60 "$@"' sh \
		"$VMM" --kernel "$GUEST/linux64" --append rng --rng --net tap:t0 </dev/null
	[ "$status" -eq 0 ]
}

@test "sandbox: kill -9 leaves no process, no mount" {
	local before after

	before=$(sed 's/^[0-9]* [0-9]* //' /proc/self/mountinfo)
	start env -- --rng --disk disk --fs a=folder
	after=$(sed 's/^[0-9]* [0-9]* //' /proc/self/mountinfo)
	[ "$before" = "$after" ]
	kill -KILL $pid
	wait $pid || true
	[ ! -e /proc/$pid ]
	after=$(sed 's/^[0-9]* [0-9]* //' /proc/self/mountinfo)
	[ "$before" = "$after" ]
	pid=
	rmdir folder # busy nowhere
}
