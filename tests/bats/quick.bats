#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# run --rootfs: no bundle, safe defaults.
load helpers

# quick OPTION... : runs in a root file system of this test's own.
quick() {
	[ -d "$WORK/root" ] || cp -a "$(base_rootfs)" "$WORK/root"
	bivalve run --rootfs "$WORK/root" "$@"
}

@test "run --rootfs: the program, its exit code, nothing left" {
	run -6 quick "$ID" -- /bin/sh -c 'echo hello; exit 6'
	[ "$output" = hello ]
	nothing_left
	run -0 quick --rm "$ID" /bin/echo without dashes --env
	[ "$output" = "without dashes --env" ]
	# A relative folder, and the shell as the default program.
	run -0 bivalve run --rootfs root "$ID" <<<'echo from the shell'
	[ "$output" = "from the shell" ]
}

@test "run --rootfs: the defaults are safe" {
	run -0 quick "$ID" -- sh -c 'grep -E "^(CapEff|NoNewPrivs|Seccomp):" /proc/self/status
		ls /sys/firmware | wc -l; echo x 2>&1 >/proc/sys/kernel/hostname; id -u; ls /proc | grep -c "^[0-9]"'
	[ "${lines[0]}" = $'CapEff:\t0000000020000420' ]
	[ "${lines[1]}" = $'NoNewPrivs:\t1' ]
	[ "${lines[2]}" = $'Seccomp:\t2' ]
	[ "${lines[3]}" = 0 ]
	[[ ${lines[4]} == *"Read-only file system"* ]]
}

@test "run --rootfs: the container's config is a normal one" {
	quick --detach --memory 64m "$ID" -- sleep 1000 </dev/null >/dev/null 2>&1
	[ "$(jq -r .ociVersion "$STATE/$ID/config.json")" = 1.3.0 ]
	[ "$(jq -r .linux.resources.memory.limit "$STATE/$ID/config.json")" = 67108864 ]
	[ "$(bivalve state "$ID" | jq -r .rootfs)" = "$WORK/root" ]
	[ "$(bivalve state "$ID" | jq -r .bundle)" = "$STATE/$ID" ]
	run -0 bivalve exec "$ID" echo inside
}

@test "--env, --cwd, --hostname" {
	export GIVEN=by-caller
	unset MISSING || true
	run -0 quick -e A=1 --env A=2 --env GIVEN --env MISSING --env PATH=/bin --cwd /tmp --hostname box "$ID" -- \
		sh -c 'echo $A $GIVEN $PATH ${MISSING-none}; pwd; hostname'
	[ "${lines[0]}" = "2 by-caller /bin none" ]
	[ "${lines[1]}" = /tmp ]
	[ "${lines[2]}" = box ]
	run -0 quick "$ID" -- hostname
	[ "$output" = "$ID" ]
}

@test "--user: numbers and names of the rootfs" {
	run -0 quick --user 5:6 "$ID" -- sh -c 'id -u; id -g'
	[ "${lines[*]}" = "5 6" ]
	run -0 quick --user user "$ID" -- sh -c 'id -u; id -g'
	[ "${lines[*]}" = "1000 1001" ]
	run -0 quick --user 1000 "$ID" -- sh -c 'id -u; id -g'
	[ "${lines[*]}" = "1000 1001" ]
	run -0 quick --user user:wheel "$ID" -- sh -c 'id -u; id -g'
	[ "${lines[*]}" = "1000 10" ]
	run -1 quick --user nobody-here "$ID" -- id
	[[ $output == *"no user 'nobody-here' in the rootfs's /etc/passwd"* ]]
	run -1 quick --user user:nogroup "$ID" -- id
	[[ $output == *"no group 'nogroup'"* ]]
	run -1 quick --user 4294967295 "$ID" -- id
}

@test "--user: a hostile /etc/passwd leads nowhere" {
	quick "$ID" -- true
	rm root/etc/passwd
	ln -s /etc/passwd root/etc/passwd
	run -1 quick --user daemon "$ID" -- id
	[[ $output == *"etc/passwd"* ]]
	rm root/etc/passwd
	mkfifo root/etc/passwd
	run -1 timeout 5 "$BIVALVE" --root "$STATE" run --rootfs root --user daemon "$ID" -- id
	[[ $output == *"not a regular file"* ]]
	rm root/etc/passwd
	ln -s /dev/zero root/etc/passwd
	run -1 timeout 5 "$BIVALVE" --root "$STATE" run --rootfs root --user daemon "$ID" -- id
	nothing_left
}

@test "--volume: a folder and a file, to write and to read" {
	mkdir shared
	echo from-host >shared/in
	echo single >one
	run -0 quick -v "$WORK/shared:/data" --volume one:/etc/one:ro "$ID" -- \
		sh -c 'cat /data/in /etc/one; echo back >/data/out; echo x >/etc/one || true'
	[ "${lines[0]}" = from-host ]
	[ "${lines[1]}" = single ]
	[ "$(cat shared/out)" = back ]
	[ "$(cat one)" = single ]
	run -1 quick --volume shared "$ID" -- true
	[[ $output == *"option '--volume': 'shared' is not SRC:DST[:ro]"* ]]
	run -1 quick --volume shared:relative "$ID" -- true
	run -1 quick --volume /no/such:/data "$ID" -- true
	[[ $output == *"/no/such"* ]]
	run -1 quick --volume shared:/data:nonsense "$ID" -- true
	nothing_left
}

@test "--read-only" {
	run -1 quick --read-only "$ID" -- touch /file
	[[ $output == *"Read-only file system"* ]]
	run -0 quick "$ID" -- touch /file
	[ -e root/file ]
}

@test "--memory: the limit holds" {
	[ -d /sys/fs/cgroup/memory ] || skip 'needs cgroup v1'
	run -137 quick --memory 16m "$ID" -- sh -c 'exec tail -c 100m /dev/zero'
	nothing_left
}

@test "--pids-limit: the limit holds" {
	run quick --pids-limit 4 "$ID" -- sh -c 'for i in 1 2 3 4 5 6; do sleep 0.2 & done; wait'
	[[ $output == *"fork"* ]]
}

@test "--cpus: the quota is set" {
	[ -d /sys/fs/cgroup/cpu ] || skip 'needs cgroup v1'
	quick --detach --cpus 1.5 "$ID" -- sleep 1000 </dev/null >/dev/null 2>&1
	[ "$(cat "/sys/fs/cgroup/cpu/$ID/cpu.cfs_quota_us")" = 150000 ]
	[ "$(cat "/sys/fs/cgroup/cpu/$ID/cpu.cfs_period_us")" = 100000 ]
}

@test "-t: a terminal" {
	cp -a "$(base_rootfs)" root
	run -0 script -qefc "'$BIVALVE' --root '$STATE' run --rootfs root -t '$ID' -- tty" /dev/null
	[[ $output == *"/dev/pts/0"* ]]
}

@test "limits and combinations that make no sense are named" {
	run -1 quick --memory lots "$ID" -- true
	[[ $output == *"option '--memory': 'lots' is not a size"* ]]
	run -1 quick --cpus zero "$ID" -- true
	[[ $output == *"option '--cpus'"* ]]
	run -1 quick --pids-limit many "$ID" -- true
	[[ $output == *"option '--pids-limit'"* ]]
	run -1 quick --env =x "$ID" -- true
	[[ $output == *"option '--env'"* ]]
	run -1 quick --bundle . "$ID" -- true
	[[ $output == *"--rootfs and a bundle exclude each other"* ]]
	run -1 quick --rm --detach "$ID" -- true
	[[ $output == *"--rm needs a foreground run"* ]]
	run -1 quick --rm --keep "$ID" -- true
	run -1 bivalve run --memory 1m "$ID"
	[[ $output == *"option '--memory' needs --rootfs"* ]]
	run -1 bivalve run "$ID" -- true
	[[ $output == *"a program is given with --rootfs only"* ]]
	run -1 bivalve run --rootfs /no/such/root "$ID" -- true
	[[ $output == *"option '--rootfs': '/no/such/root': No such file or directory"* ]]
	nothing_left
}
