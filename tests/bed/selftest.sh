#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Tests the test bed itself and prints TAP: what a job finds inside, and what the caller gets back
# from a job that ends, hangs, takes the bed down, or is interrupted. About two minutes.
# usage: selftest.sh [host|hang|bed_failure|interrupt|systemd|icount|bats]...
# shellcheck disable=SC2317 # the test functions are called by name
set -uo pipefail

bed_dir=$(cd "$(dirname "$0")" && pwd)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
count=0 failed=0

# check TEXT COMMAND... - one line of TAP
check() {
	local text=$1

	shift
	count=$((count + 1))
	if "$@"; then
		echo "ok $count $text"
	else
		echo "not ok $count $text"
		failed=$((failed + 1))
	fi
}

# run_in_bed NAME [OPTION]... <SCRIPT - leaves NAME/{rc,seconds,printed,errors,out/}, prints nothing.
# The bed's temporary files go to NAME/tmp, so that leftovers can be seen.
run_in_bed() {
	local dir=$tmp/$1 start=$SECONDS

	shift
	mkdir -p "$dir/job" "$dir/tmp"
	{ printf '#!/bin/bash\n'; cat; } >"$dir/job/run"
	chmod 755 "$dir/job/run"
	TMPDIR=$dir/tmp "$bed_dir/run.sh" "$@" "$dir/job" "$dir/out" >"$dir/printed" 2>"$dir/errors"
	echo $? >"$dir/rc"
	echo $((SECONDS - start)) >"$dir/seconds"
	echo "# ${dir##*/}: $(<"$dir/seconds") s, exit code $(<"$dir/rc")"
}

has() { grep -q -- "$2" "$tmp/$1"; }
is() { [ "$(<"$tmp/$1")" = "$2" ]; }
is_empty() { [ -z "$(ls -A "$tmp/$1")" ]; }
retried_once() { [ "$(grep -c '^bed: retried once$' "$tmp/$1/errors")" = 1 ]; }

# inside NAME - the checks that the job itself has made: lines "ok TEXT" or "not ok TEXT".
inside() {
	local line

	while read -r line; do
		check "${line#*ok }" [ "${line%% *}" = ok ]
	done <"$tmp/$1/out/checks"
}

# What every job starts with.
job_head() {
	cat <<-'JOB'
	check() {
		local text=$1
		shift
		if "$@"; then echo "ok $text"; else echo "not ok $text"; fi >>out/checks
	}
	has_controller() { grep -qw "$1" /sys/fs/cgroup/cgroup.subtree_control; }
	JOB
}

test_host() {
	{ job_head; cat <<'JOB'; } | run_in_bed host --timeout 120
pids_limit() {
	local cg=/sys/fs/cgroup/selftest

	mkdir $cg && echo 1 >$cg/pids.max
	! (echo $BASHPID >$cg/cgroup.procs; exec sh -c '/bin/true; true') 2>/dev/null
}
memory_limit() {
	local cg=/sys/fs/cgroup/memtest

	mkdir $cg && echo 16M >$cg/memory.max
	(echo $BASHPID >$cg/cgroup.procs; exec python3 -c 'b"x" * (64 << 20)') 2>/dev/null
	grep -qx 'oom_kill 1' $cg/memory.events
}
orphans_reaped() {
	(sleep 0.1 & sleep 0.1 & sleep 0.1 &)
	sleep 1
	! ps -eo stat= | grep -q Z
}
# Firmware of five instructions, at the reset vector: mov al,21; out 0xf4,al; hlt. QEMU: (21 << 1) | 1.
kvm_guest() {
	head -c 65520 /dev/zero >bios
	printf '\xb0\x15\xe6\xf4\xf4\0\0\0\0\0\0\0\0\0\0\0' >>bios
	timeout 60 qemu-system-x86_64 -machine pc,accel=kvm -nodefaults -display none -bios bios \
		-device isa-debug-exit,iobase=0xf4,iosize=1
	[ $? = 43 ]
}
for name in memory pids cpu io cpuset; do
	check "cgroup v2 hands down '$name'" has_controller $name
done
check "no cgroup v1 is mounted" test -z "$(findmnt -n -t cgroup)"
check "a pids limit holds" pids_limit
check "a memory limit holds" memory_limit
check "/dev/kvm opens for all" su tester -c 'exec 3<>/dev/kvm'
check "KVM has nested paging" grep -q '[Y1]' /sys/module/kvm_amd/parameters/npt
check "KVM runs a guest" kvm_guest
check "PID 1 reaps orphans" orphans_reaped
check "the only network interface is lo" test "$(ls /sys/class/net)" = lo
check "a plain user gets a user namespace with many ids" \
	su tester -c 'unshare --user --map-root-user --map-auto grep -qw 65535 /proc/self/uid_map'
check "a guest kernel is there" test -s /boot/vmlinux
check "the job's folder is the working folder" test "$PWD" = /job
mkdir out/sub && echo kept >out/sub/file
echo "to stdout"
echo "to stderr" >&2
exit 42
JOB
	inside host
	check "the exit code passes through" is host/rc 42
	check "stdout passes through" is host/printed "to stdout"
	check "stderr passes through" has host/errors "^to stderr$"
	check "a file in out/ comes back" is host/out/sub/file kept
	check "no retry is counted" is host/out/retries 0
	check "no temporary file is left" is_empty host/tmp
}

test_hang() {
	run_in_bed hang --timeout 3 <<'JOB'
trap '' TERM
echo "before the end"
while :; do sleep 1; done
JOB
	check "a job that hangs ends with 124" is hang/rc 124
	check "a job that hangs ends in time" [ "$(<"$tmp/hang/seconds")" -le 60 ]
	check "a job that hangs keeps its output" is hang/printed "before the end"
}

test_bed_failure() {
	run_in_bed failure <<<'busybox poweroff -f'
	check "a bed without a result ends with 125" is failure/rc 125
	check "a bed without a result is retried once" retried_once failure
	check "the retry is counted" is failure/out/retries 1
	BIVALVE_BED_GRACE=2 run_in_bed stuck --timeout 1 <<<'true'
	check "a bed that hangs ends with 125" is stuck/rc 125
	check "no temporary file is left" is_empty stuck/tmp
}

# qemu_of DIR - the process ids of QEMUs that use files in DIR
qemu_of() { pgrep -f "qemu-system.*$1"; }

# interrupted SIGNAL - sent to the whole process group, as Ctrl-C is.
interrupted() {
	local dir=$tmp/$1 pid i

	mkdir -p "$dir/job" "$dir/tmp"
	printf '#!/bin/sh\nsleep 100\n' >"$dir/job/run"
	chmod 755 "$dir/job/run"
	# A shell starts what is in the background with SIGINT ignored, env undoes that.
	TMPDIR=$dir/tmp setsid env --default-signal=INT "$bed_dir/run.sh" "$dir/job" "$dir/out" \
		>"$dir/printed" 2>"$dir/errors" &
	pid=$!
	for ((i = 0; i < 100; i++)); do
		qemu_of "$dir" >/dev/null && break
		sleep 0.1
	done
	sleep 1
	kill -s "$1" -- "-$pid"
	wait "$pid" 2>/dev/null
	echo $? >"$dir/rc"
}

test_interrupt() {
	interrupted INT
	check "Ctrl-C ends with 130" is INT/rc 130
	check "Ctrl-C leaves no QEMU" [ -z "$(qemu_of "$tmp/INT")" ]
	check "Ctrl-C leaves no temporary file" is_empty INT/tmp
	interrupted KILL
	sleep 1
	check "a kill -9 leaves no QEMU" [ -z "$(qemu_of "$tmp/KILL")" ]
}

test_systemd() {
	{ job_head; cat <<'JOB'; } | run_in_bed systemd --systemd --smp 2 --timeout 120
scope_limit() {
	systemd-run --quiet --scope -p MemoryMax=64M \
		sh -c 'grep -qx 67108864 "/sys/fs/cgroup$(cut -d: -f3 /proc/self/cgroup)/memory.max"'
}
user_scope() {
	systemctl start user@1000.service &&
		su tester -c 'XDG_RUNTIME_DIR=/run/user/1000 systemd-run --quiet --user --scope true'
}
check "systemd is PID 1" grep -qx systemd /proc/1/comm
check "systemd has no failed unit" systemctl is-system-running --quiet
for name in memory pids cpu io cpuset; do
	check "systemd hands down '$name'" has_controller $name
done
check "systemd sets a limit of a scope" scope_limit
check "a plain user has a service manager" user_scope
check "two CPUs under --smp 2" test "$(nproc)" = 2
check "/dev/kvm opens for all" su tester -c 'exec 3<>/dev/kvm'
check "/dev/net/tun opens for all" su tester -c 'exec 3<>/dev/net/tun'
exit 7
JOB
	inside systemd
	check "the exit code passes through systemd" is systemd/rc 7
}

# The virtual time of a fixed piece of work: the same within a few percent, whatever the machine does.
test_icount() {
	run_in_bed icount --icount --timeout 60 <<'JOB'
measure() {
	local start=${EPOCHREALTIME/./} i
	for ((i = 0; i < 20000; i++)); do :; done
	echo $((${EPOCHREALTIME/./} - start))
}
measure >/dev/null
first=$(measure) second=$(measure)
echo "$first us, $second us"
[ $((first * 100)) -lt $((second * 110)) ] && [ $((second * 100)) -lt $((first * 110)) ]
JOB
	echo "# counted time of the same loop twice: $(<"$tmp/icount/printed")"
	check "counted time repeats within ten percent" is icount/rc 0
}

test_bats() {
	local dir=$tmp/bats

	mkdir -p "$dir/bin" "$dir/tmp"
	printf '#!/bin/sh\necho hello\n' >"$dir/bin/bivalve"
	chmod 755 "$dir/bin/bivalve"
	TMPDIR=$dir/tmp BIVALVE_BIN=$dir/bin "$bed_dir/bats.sh" --env 'FOO=a b' --timeout 60 --smp 1 \
		"$bed_dir/selftest.bats" >"$dir/printed" 2>"$dir/errors"
	echo $? >"$dir/rc"
	check "bats.sh runs bats files" has bats/printed '^ok 1 '
	check "bats.sh ends with the code of bats" is bats/rc 0
	check "bats.sh leaves no temporary file" is_empty bats/tmp
	TMPDIR=$dir/tmp BIVALVE_BIN=$dir/bin "$bed_dir/bats.sh" --env 'FOO=other' --timeout 60 "$bed_dir/selftest.bats" \
		>"$dir/printed" 2>"$dir/errors"
	echo $? >"$dir/rc"
	check "bats.sh ends with 1 when a test fails" is bats/rc 1
}

echo "# image: $("$bed_dir/image.sh")"
tests=(host hang bed_failure interrupt systemd icount bats)
[ $# = 0 ] || tests=("$@")
for name in "${tests[@]}"; do
	"test_$name"
done
echo "1..$count"
exit $((failed > 0))
