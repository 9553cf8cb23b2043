#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Limits on a host with cgroup v1 hierarchies: what is written, that it holds, and whose groups are touched.
load helpers
load inside

setup_file() {
	[ -d /sys/fs/cgroup/memory ] || skip 'needs cgroup v1'
}

# in_group CONTROLLER FILE: its content in the container's group.
in_group() {
	cat "/sys/fs/cgroup/$1/$ID/$2"
}

# limited RESOURCES [PROGRAM]: a bundle in the group /$ID with a sleeper.
limited() {
	make_bundle '.process.args = ["/bin/sleep", "1000"] | .linux.cgroupsPath = "/" + $ENV.ID'
	limits "$1"
}

# limits RESOURCES: in place of those before.
limits() {
	edit_config ".linux.resources = { devices: [{ allow: false, access: \"rwm\" }] } + $1"
}

# shows CONTROLLER FILE VALUE
shows() {
	[ "$(in_group "$1" "$2")" = "$3" ] || { echo "$1/$2: $(in_group "$1" "$2"), wanted $3" >&2; return 1; }
}

@test "v1: every memory property is seen in its file" {
	limited '{ memory: { limit: 67108864, reservation: 33554432, swap: 100663296, swappiness: 7,
		kernelTCP: 16777216, useHierarchy: true, disableOOMKiller: true } }'
	background
	shows memory memory.limit_in_bytes 67108864
	shows memory memory.soft_limit_in_bytes 33554432
	shows memory memory.memsw.limit_in_bytes 100663296
	shows memory memory.swappiness 7
	shows memory memory.kmem.tcp.limit_in_bytes 16777216
	in_group memory memory.oom_control | grep -qx 'oom_kill_disable 1'
}

@test "v1: every cpu and cpuset property is seen in its file" {
	limited '{ cpu: { shares: 512, quota: 50000, period: 200000, burst: 20000, cpus: "0", mems: "0" } }'
	background
	shows cpu cpu.shares 512
	shows cpu cpu.cfs_quota_us 50000
	shows cpu cpu.cfs_period_us 200000
	shows cpu cpu.cfs_burst_us 20000
	shows cpuset cpuset.cpus 0
	shows cpuset cpuset.mems 0
	[ "$(awk '/^Cpus_allowed_list/ { print $2 }' "/proc/$(pid_of)/status")" = 0 ]
	bivalve delete --force "$ID"
	limits '{ cpu: { idle: 1, realtimeRuntime: 1000, realtimePeriod: 500000 } }'
	background
	shows cpu cpu.idle 1
	shows cpu cpu.rt_runtime_us 1000
	shows cpu cpu.rt_period_us 500000
}

@test "v1: pids and block devices" {
	local device
	device=$(lsblk -dno MAJ:MIN 2>/dev/null | head -n 1 | tr -d ' ')
	[ -n "$device" ] || skip 'this host has no block device'
	limited "$(jq -nc '{ major: ($d / ":" | .[0] | tonumber), minor: ($d / ":" | .[1] | tonumber) } as $n
		| { pids: { limit: 33 }, blockIO: { throttleReadBpsDevice: [$n + { rate: 1048576 }], throttleWriteBpsDevice: [$n + { rate: 2097152 }],
			throttleReadIOPSDevice: [$n + { rate: 300 }], throttleWriteIOPSDevice: [$n + { rate: 400 }] } }' --arg d "$device")"
	background
	shows pids pids.max 33
	shows blkio blkio.throttle.read_bps_device "$device 1048576"
	shows blkio blkio.throttle.write_bps_device "$device 2097152"
	shows blkio blkio.throttle.read_iops_device "$device 300"
	shows blkio blkio.throttle.write_iops_device "$device 400"
}

@test "v1: a block weight is seen in the scheduler's file, or refused where there is none" {
	limited '{ blockIO: { weight: 200 } }'
	if background 2>/dev/null; then
		in_group blkio blkio.bfq.weight 2>/dev/null | grep -qw 200 || shows blkio blkio.weight 200
	else
		refused /linux/resources/blockIO/weight
	fi
}

@test "v1: device rules are seen in devices.list" {
	limited '{}'
	edit_config '.linux.resources.devices += [{ allow: true, type: "c", major: 10, minor: 200, access: "rw" }, { allow: true, type: "b", major: 7, access: "r" }]'
	background
	in_group devices devices.list | grep -qx 'c 10:200 rwm'
	in_group devices devices.list | grep -qx 'b 7:\* rm'
	in_group devices devices.list | grep -qx 'c 1:3 rwm'
	run ! grep -q '^a ' "/sys/fs/cgroup/devices/$ID/devices.list"
}

@test "v1: huge pages are limited in cgroup2 where that has the controller" {
	local dir=/sys/fs/cgroup/unified
	grep -qsw hugetlb $dir/cgroup.controllers || skip 'cgroup2 has no hugetlb here'
	limited '{ hugepageLimits: [{ pageSize: "2MB", limit: 4194304 }] }'
	background
	[ "$(cat "$dir/$ID/hugetlb.2MB.max")" = 4194304 ]
	[ ! -e "$dir/$ID/hugetlb.2MB.rsvd.max" ] || [ "$(cat "$dir/$ID/hugetlb.2MB.rsvd.max")" = 4194304 ]
	bivalve delete --force "$ID"
	limits '{ unified: { "hugetlb.2MB.max": "2097152" } }'
	background
	[ "$(cat "$dir/$ID/hugetlb.2MB.max")" = 2097152 ]
}

@test "v1: zeros that callers send for 'unset' change nothing" {
	limited '{ memory: { limit: 0, reservation: 0, swap: 0, kernel: 0, kernelTCP: 0, disableOOMKiller: false },
		cpu: { shares: 0, quota: 0, period: 0, realtimeRuntime: 0, realtimePeriod: 0, cpus: "", mems: "" }, blockIO: { weight: 0, leafWeight: 0 },
		network: { classID: 0 } }'
	background
	shows memory memory.limit_in_bytes "$(cat /sys/fs/cgroup/memory/memory.limit_in_bytes)"
	shows cpu cpu.shares 1024
	shows cpu cpu.cfs_quota_us -1
	shows cpuset cpuset.cpus "$(cat /sys/fs/cgroup/cpuset/cpuset.cpus)"
}

@test "v1: -1 is unlimited; a pids limit of 0 is a limit" {
	limited '{ memory: { limit: -1 }, cpu: { quota: -1 }, pids: { limit: -1 } }'
	background
	shows memory memory.limit_in_bytes "$(cat /sys/fs/cgroup/memory/memory.limit_in_bytes)"
	shows cpu cpu.cfs_quota_us -1
	shows pids pids.max max
	bivalve delete --force "$ID"
	limits '{ pids: { limit: 0 } }'
	background
	shows pids pids.max 0
	run ! bivalve exec "$ID" /bin/sh -c '/bin/true; exit 0 | true'
}

@test "v1: a program that takes more memory than its limit is killed (137)" {
	limited '{ memory: { limit: 16777216, swap: 16777216 } }'
	edit_config '.process.args = ["/bin/dd", "if=/dev/zero", "of=/dev/null", "bs=64M", "count=1"]'
	run -137 bivalve run --bundle "$BUNDLE" "$ID"
	# Within it, it goes through.
	edit_config '.process.args[3] = "bs=4M"'
	run -0 bivalve run --bundle "$BUNDLE" "$ID"
}

@test "v1: files of a tmpfs count as memory" {
	limited '{ memory: { limit: 16777216, swap: 16777216 } }'
	run run_script 'dd if=/dev/zero of=/dev/shm/file bs=1M count=48 2>/dev/null'
	[ "$status" -ne 0 ]
}

@test "v1: no more processes than pids.limit" {
	limited '{ pids: { limit: 5 } }'
	background
	run bivalve exec "$ID" /bin/sh -c 'for i in 1 2 3 4 5 6; do /bin/sleep 1 & done; wait'
	[[ $output == *[Ff]ork* ]]
	[ "$(in_group pids pids.current)" -le 5 ]
}

@test "v1: a cpu quota throttles" {
	limited '{ cpu: { quota: 5000, period: 50000 } }'
	edit_config '.process.args = ["/bin/sh", "-c", "while :; do :; done"]'
	background
	wait_until eval '[ "$(in_group cpu cpu.stat | awk "/^nr_throttled/ { print \$2 }")" -ge 3 ]'
	# About a tenth of the time, and surely not the half.
	local before
	before=$(in_group cpuacct cpuacct.usage)
	sleep 0.5
	[ $(($(in_group cpuacct cpuacct.usage) - before)) -lt 250000000 ]
}

@test "update: options change what they name and leave the rest" {
	limited '{ memory: { limit: 67108864, swap: 67108864 }, pids: { limit: 50 }, cpu: { shares: 512 } }'
	background
	bivalve update --memory 134217728 --memory-swap 268435456 "$ID"
	shows memory memory.limit_in_bytes 134217728
	shows memory memory.memsw.limit_in_bytes 268435456
	shows pids pids.max 50
	# Down again, below what the sum was before.
	bivalve update --memory 33554432 --memory-swap 33554432 "$ID"
	shows memory memory.memsw.limit_in_bytes 33554432
	bivalve update --pids-limit 20 --cpu-share 256 --cpu-quota 40000 --cpu-period 80000 --cpuset-cpus 0 "$ID"
	shows pids pids.max 20
	shows cpu cpu.shares 256
	shows cpu cpu.cfs_quota_us 40000
	shows cpu cpu.cfs_period_us 80000
	shows cpuset cpuset.cpus 0
	shows memory memory.limit_in_bytes 33554432
}

@test "update --resources: a file, or stdin" {
	limited '{}'
	background
	echo '{ "memory": { "limit": 67108864 }, "pids": { "limit": 9 } }' >limits.json
	bivalve update --resources limits.json "$ID"
	shows memory memory.limit_in_bytes 67108864
	shows pids pids.max 9
	echo '{ "cpu": { "quota": 30000, "period": 100000 } }' | bivalve update --resources - "$ID"
	shows cpu cpu.cfs_quota_us 30000
	shows pids pids.max 9
	echo '{ "pids": { "limit": "many" } }' >limits.json
	run -1 bivalve update --resources limits.json "$ID"
	[[ $output == *pids/limit* ]]
	echo '{ "devices": [{ "allow": false, "access": "rwm" }, { "allow": true, "type": "c", "major": 10, "minor": 229, "access": "r" }] }' |
		bivalve update --resources - "$ID"
	in_group devices devices.list | grep -qx 'c 10:229 rm'
}

@test "update: a memory limit below the usage is refused, and the old one stays" {
	limited '{ memory: { limit: 134217728 } }'
	edit_config '.process.args = ["/bin/sh", "-c", "dd if=/dev/zero of=/dev/shm/file bs=1M count=32; sleep 1000"]'
	background
	wait_until eval '[ "$(in_group memory memory.usage_in_bytes)" -gt 33554432 ]'
	echo '{ "memory": { "limit": 8388608, "checkBeforeUpdate": true } }' >limits.json
	run -1 bivalve update --resources limits.json "$ID"
	[[ $output == *'/linux/resources/memory/limit: 8388608 is not above the usage'* ]]
	shows memory memory.limit_in_bytes 134217728
	[ "$(status)" = running ]
}

@test "v1: what this host cannot apply is an error with its path, and leaves nothing" {
	limited '{}'
	local missing text resources
	while IFS='|' read -r missing text resources; do
		[ -e "/sys/fs/cgroup/$missing" ] && continue
		limits "$resources"
		refused "$text"
	done <<-'EOR'
		blkio/blkio.leaf_weight|/linux/resources/blockIO/leafWeight|{ blockIO: { leafWeight: 100 } }
		net_cls|/linux/resources/network/classID: no cgroup controller 'net_cls' on this host|{ network: { classID: 5 } }
		net_prio|/linux/resources/network/priorities/0|{ network: { priorities: [{ name: "lo", priority: 1 }] } }
		rdma|/linux/resources/rdma/mlx5_1|{ rdma: { mlx5_1: { hcaHandles: 3 } } }
		unified/memory.stat|/linux/resources/unified/memory.high|{ unified: { "memory.high": "1" } }
	EOR
}

@test "v1: values that cannot be are errors with their path" {
	limited '{}'
	local text resources
	while IFS='|' read -r text resources; do
		limits "$resources"
		refused "$text"
	done <<-'EOR'
		/linux/resources/memory/limit: must be |{ memory: { limit: -2 } }
		/linux/resources/memory/swap: must not be below|{ memory: { limit: 67108864, swap: 33554432 } }
		/linux/resources/memory/swappiness|{ memory: { swappiness: 101 } }
		/linux/resources/cpu/burst: must not be above|{ cpu: { quota: 10000, burst: 20000 } }
		/linux/resources/cpu/idle|{ cpu: { idle: 2 } }
		/linux/resources/cpu/cpus: '0-'|{ cpu: { cpus: "0-" } }
		/linux/resources/cpu/cpus|{ cpu: { cpus: "8000" } }
		/linux/resources/cpu/quota|{ cpu: { quota: 1 } }
		/linux/resources/pids/limit|{ pids: { limit: "ten" } }
		/linux/resources/hugepageLimits/0/pageSize: '2 MB'|{ hugepageLimits: [{ pageSize: "2 MB", limit: 1 }] }
		/linux/resources/blockIO/weight: must be from 10|{ blockIO: { weight: 5 } }
		/linux/resources/blockIO/throttleReadBpsDevice/0|{ blockIO: { throttleReadBpsDevice: [{ major: 4000, minor: 1, rate: 5 }] } }
		/linux/resources/unified/../x|{ unified: { "../x": "1" } }
		/linux/resources/unified/cgroup.procs|{ unified: { "cgroup.procs": "1" } }
	EOR
}

@test "cgroupsPath: absolute, relative, nested, and none, never below the caller's own group" {
	make_bundle '.process.args = ["/bin/sleep", "1000"]'
	local path wanted
	while read -r path wanted; do
		edit_config 'if $p == "-" then del(.linux.cgroupsPath) else .linux.cgroupsPath = $p end' --arg p "${path/ID/$ID}"
		background
		[ "$(cut -d: -f3 "/proc/$(pid_of)/cgroup" | sort -u)" = "${wanted/ID/$ID}" ]
		bivalve delete --force "$ID"
	done <<-'EOP'
		/ID /ID
		ID-relative /ID-relative
		//ID//deep/ /ID/deep
		- /ID
	EOP
	find /sys/fs/cgroup -depth -maxdepth 2 -type d -name "$ID" -exec rmdir {} +
	edit_config '.linux.cgroupsPath = "/a/../b"'
	refused "/linux/cgroupsPath: '/a/../b' must not hold '.' or '..'"
	edit_config '.linux.cgroupsPath = "/"'
	refused cgroupsPath
}

@test "cgroups: every hierarchy has the container's group, for an exec too" {
	limited '{}'
	background
	[ "$(wc -l <"/proc/$(pid_of)/cgroup")" -eq "$(wc -l </proc/self/cgroup)" ]
	run ! grep -v ":/$ID\$" "/proc/$(pid_of)/cgroup"
	bivalve exec --detach --pid-file "$WORK/pid" "$ID" /bin/sleep 1000 </dev/null >/dev/null 2>&1
	run ! grep -v ":/$ID\$" "/proc/$(cat "$WORK/pid")/cgroup"
	grep -qx "$(cat "$WORK/pid")" "/sys/fs/cgroup/pids/$ID/cgroup.procs"
}

@test "cgroups: a group of others with processes is refused, and neither it nor they are harmed" {
	limited '{ pids: { limit: 7 } }'
	mkdir "/sys/fs/cgroup/pids/$ID"
	echo 55 >"/sys/fs/cgroup/pids/$ID/pids.max"
	sleep 1000 3>&- &
	local other=$! code=0
	echo $other >"/sys/fs/cgroup/pids/$ID/cgroup.procs"
	run bivalve run --bundle "$BUNDLE" "$ID"
	code=$status
	local text=$output limit
	limit=$(cat "/sys/fs/cgroup/pids/$ID/pids.max")
	kill -0 $other
	kill $other
	wait $other || true
	wait_until rmdir "/sys/fs/cgroup/pids/$ID"
	[ "$code" -eq 1 ]
	[[ $text == *"$ID"* ]]
	[ "$limit" = 55 ]
}

@test "cgroups: groups that the container makes below its own go with it" {
	limited '{}'
	edit_config '(.mounts[] | select(.type == "cgroup")).options -= ["ro"]'
	edit_config '.process.args = ["/bin/sh", "-c", "mkdir -p /sys/fs/cgroup/pids/a/b/c && echo $$ >/sys/fs/cgroup/pids/a/b/c/cgroup.procs && exec sleep 1000"]'
	background
	wait_until test -d "/sys/fs/cgroup/pids/$ID/a/b/c"
	bivalve delete --force "$ID"
	nothing_left
}

@test "pause: the group is frozen" {
	limited '{}'
	background
	bivalve pause "$ID"
	shows freezer freezer.state FROZEN
	bivalve resume "$ID"
	shows freezer freezer.state THAWED
}
