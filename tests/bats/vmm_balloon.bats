#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Memory that goes back to the host, and the control socket. With the bare-metal guest under any KVM,
# with Debian's kernel in the test bed (tests/bed/bats.sh --pack build/release/guest THIS).
bats_require_minimum_version 1.5.0

load vmm_helpers

setup() {
	VMM=${BIVALVE_BIN:?}/bivalve-vmm
	GUEST=$BIVALVE_BIN/guest
	[ -d "$GUEST" ] || GUEST=$PWD/build/release/guest
	[ -w /dev/kvm ] || skip "no /dev/kvm"
	cd "$BATS_TEST_TMPDIR" || return
	PID=
}

teardown() {
	tail -n 5 errors serial 2>/dev/null || true # shown when a test fails
	[ -z "$PID" ] || kill -KILL "$PID" 2>/dev/null || true
}

# start OPTION...: a machine in the background; serial and control are in the folder, fd 7 types.
start() {
	mkfifo typed
	exec 7<>typed
	"$VMM" --control control --serial stdio "$@" <typed >serial 2>errors 3>&- 7>&- &
	PID=$!
	until [ -S control ]; do
		kill -0 "$PID"
		sleep 0.1
	done
}

# control LINE: its answer, in $answer.
control() {
	answer=$(socat -t 10 - UNIX-CONNECT:control <<<"$1")
}

rss_mib() {
	awk '/^VmRSS/ { print int($2 / 1024) }' "/proc/$PID/status"
}

# await SECONDS COMMAND...
await() {
	local end=$((SECONDS + $1))

	shift
	until "$@"; do
		if [ "$SECONDS" -ge "$end" ]; then
			tail -n 5 serial errors
			echo "no '$*' in time; rss $(rss_mib); last answer: $(cat last)"
			return 1
		fi
		sleep 0.2
	done
}

said() { grep -q -- "$1" serial; }
rss_below() { [ "$(rss_mib)" -lt "$1" ]; }

# value NAME: of the answer to "stats".
value() {
	control stats
	echo "$answer" >last
	sed -n "s/.* $1=\([0-9]*\).*/\1/p" <<<"$answer"
}
is_value() { [ "$(value "$1")" = "$2" ]; }
value_below() {
	local v

	v=$(value "$1")
	[ -n "$v" ] && [ "$v" -lt "$2" ]
}

need_guest() {
	[ -f "$GUEST/linux64" ] || skip "no bare-metal guest (make guests)"
}

@test "balloon: pages that a guest gives back leave the machine's memory, and come back as zeroes" {
	local before memory

	need_guest
	for memory in 128m 128m,shared; do
		rm -f typed control serial
		start --kernel "$GUEST/linux64" --append balloon=64 --memory "$memory" --balloon
		await 60 said touched
		before=$(rss_mib)
		[ "$before" -ge 64 ]
		control 'balloon 48m'
		[ "$answer" = ok ]
		await 60 said inflated
		[ "$(rss_mib)" -lt $((before - 40)) ]
		is_value balloon-actual $((48 << 20))
		is_value balloon-inflated $((48 << 20))
		control 'balloon 0'
		await 60 said deflated # the guest has checked what it reads
		[ "$(rss_mib)" -ge 64 ]
		control stop
		[ "$answer" = ok ]
		ended "$PID" 143
	done
}

@test "control: pause stops the guest, resume lets it go on, a stop works in both" {
	local size

	need_guest
	start --kernel "$GUEST/linux64" --append flood=100000000 --cpus 2
	await 60 said 0123456789
	control pause
	[ "$answer" = ok ]
	control pause
	[ "$answer" = ok ]
	is_value paused 1
	sleep 0.3 # what is in the serial port's buffer
	size=$(stat -c %s serial)
	sleep 0.5
	[ "$(stat -c %s serial)" -eq "$size" ]
	control resume
	is_value paused 0
	await 60 eval "[ \$(stat -c %s serial) -gt $size ]"
	control pause
	control stop
	ended "$PID" 143
}

@test "control: a wrong line is answered by one line; a machine without a balloon says so" {
	need_guest
	start --kernel "$GUEST/linux64" --append hlt
	control 'balloon 1m'
	[ "$answer" = 'error the machine has no balloon' ]
	control frobnicate
	[ "$answer" = 'error no such verb' ]
	control 'pause 1'
	[ "$answer" = "error 'pause' takes no argument" ]
	control balloon
	[ "$answer" = "error 'balloon' takes one argument" ]
	control $'stats\nnothing\nstats'
	[ "$(wc -l <<<"$answer")" -eq 3 ]
	head -c 1000 /dev/zero | tr '\0' x | socat -t 10 - UNIX-CONNECT:control >answer || true
	grep -q 'error a line that is too long' answer
	[ "$(stat -c %a control)" = 600 ]
	kill -TERM "$PID"
	ended "$PID" 143
}

@test "balloon, control: each mistake has a line and an exit status of its own" {
	need_guest
	run -241 "$VMM" --kernel "$GUEST/linux64" --balloon size=1g
	[[ $output = *"larger than the machine's memory"* ]]
	run -241 "$VMM" --kernel "$GUEST/linux64" --balloon frob
	[[ $output = *"--balloon 'frob': unknown word 'frob'"* ]]
	run -247 "$VMM" --kernel "$GUEST/linux64" --control no/such/folder
	[[ $output = *"--control 'no/such/folder': "*'No such file or directory'* ]]
	run -247 "$VMM" --kernel "$GUEST/linux64" --control /dev/null
	[[ $output = *"--control '/dev/null': "*'it exists and is no socket'* ]]
}

@test "mergeable: guest memory is offered for merging, and only where asked for" {
	need_guest
	start --kernel "$GUEST/linux64" --append balloon=4 --memory 64m --balloon --mergeable
	await 60 said touched
	grep -q '^VmFlags:.* mg' "/proc/$PID/smaps"
	control stop
	ended "$PID" 143
	rm -f typed control serial
	start --kernel "$GUEST/linux64" --append balloon=4 --memory 64m --balloon
	await 60 said touched
	run ! grep -q '^VmFlags:.* mg' "/proc/$PID/smaps"
	control stop
}

# ---- Debian's kernel ------------------------------------------------------------------------------

need_linux() {
	[ -f /boot/vmlinux ] || skip "no /boot/vmlinux (run it in the test bed)"
	"$VMM" --self-test 2>/dev/null || skip "no KVM that runs a normal kernel"
}

# start_linux OPTION...: a shell on the serial port; see guest.
start_linux() {
	initrd virtio_balloon 'mkdir /t; mount -t tmpfs -o size=90% t /t; stty -echo' 'echo the guest is ready' \
		'while read -r line; do eval "$line"; echo "=== $?"; done'
	start --kernel /boot/vmlinux --initrd init.cpio \
		--append 'console=ttyS0 quiet panic=-1 cryptomgr.notests' "$@"
	await 120 said 'the guest is ready'
}

# guest COMMAND: runs it in the guest; what it says is in $said, its status is this one's.
guest() {
	local from

	from=$(stat -c %s serial)
	echo "$1" >&7
	await 120 eval "tail -c +$((from + 1)) serial | grep -q ^==="
	said=$(tail -c +$((from + 1)) serial | tr -d '\r')
	[ "${said##*=== }" = 0 ]
}

memtotal_mib() {
	guest 'grep MemTotal: /proc/meminfo'
	awk '/^MemTotal/ { print int($2 / 1024) }' <<<"$said"
}

@test "balloon, linux: inflate, deflate, statistics, reports of free pages, pause and resume" {
	local total before

	need_linux
	start_linux --memory 256m --balloon stats=1,reporting # Linux reports with 64 MiB and more free
	total=$(memtotal_mib)
	# Free memory that was used: the balloon takes it, and the host has it back.
	control 'balloon 48m'
	await 120 is_value balloon-actual $((48 << 20))
	[ "$(memtotal_mib)" -eq $((total - 48)) ]
	control 'balloon 0'
	await 120 is_value balloon-actual 0
	[ "$(memtotal_mib)" -eq "$total" ]
	# Statistics come by themselves.
	await 60 value_below stats-age-ms 5000
	[ "$(value guest-total-memory)" -ge $(((total - 1) << 20)) ]
	[ "$(value guest-free-memory)" -gt $((16 << 20)) ]
	# A big file makes the machine large, its end makes it small again without being asked.
	guest 'dd if=/dev/zero of=/t/file bs=1M count=64 2>/dev/null'
	before=$(rss_mib)
	guest 'rm /t/file'
	await 120 rss_below $((before - 40)) # not all: blocks with a page in use stay
	[ "$(value balloon-reported)" -ge $((40 << 20)) ]
	# Paused, it does not count; resumed, it does not complain.
	echo 'while :; do i=$((i + 1)); echo count $i; usleep 10000; done & sleep 1; echo ===' >&7
	await 60 said 'count 5'
	control pause
	sleep 0.5
	before=$(stat -c %s serial)
	sleep 1
	[ "$(stat -c %s serial)" -eq "$before" ]
	control resume
	await 60 eval "[ \$(stat -c %s serial) -gt $before ]"
	run ! grep -q 'lockup\|stall\|Unable to handle' serial
	[ ! -s errors ]
	control stop
	ended "$PID" 143
}

@test "balloon, linux: a guest that runs out of memory takes pages back and kills nobody" {
	need_linux
	start_linux --memory 128m --balloon size=40m,deflate-on-oom
	await 120 is_value balloon-actual $((40 << 20))
	# More than is left: a process's own memory, not the page cache.
	guest 'n=$(($(sed -n "s/^MemAvailable: *\([0-9]*\).*/\1/p" /proc/meminfo) * 1024 + 4000000)); head -c $n /dev/zero | tail -c $n | wc -c | grep -x $n'
	run ! grep -qi 'killed process' serial
	[ "$(value balloon-actual)" -lt $((40 << 20)) ]
	control stop
	ended "$PID" 143
}

@test "mergeable, linux: equal pages of a machine are merged" {
	local was

	need_linux
	[ -w /sys/kernel/mm/ksm/run ] || skip "no KSM"
	[ "${BIVALVE_BED:-}" = 1 ] || skip "turns KSM on: only in the test bed"
	start_linux --memory 96m --mergeable --balloon
	guest 'yes equal | head -c 12000000 >/t/file'
	was=$(</sys/kernel/mm/ksm/pages_sharing)
	echo 20000 >/sys/kernel/mm/ksm/pages_to_scan
	echo 1 >/sys/kernel/mm/ksm/run
	await 120 eval "[ \$(</sys/kernel/mm/ksm/pages_sharing) -gt $((was + 2000)) ]"
	guest 'head -c 6 /t/file'
	[[ $said = *equal* ]]
	echo 2 >/sys/kernel/mm/ksm/run
	control stop
}
