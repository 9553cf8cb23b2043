#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# update: new limits for a live container.
load helpers

setup_file() {
	[ -d /sys/fs/cgroup/memory ] || skip 'needs cgroup v1'
}

# limit CONTROLLER FILE: its value in the container's group.
limit() {
	cat "/sys/fs/cgroup/$1/$ID/$2"
}

@test "update: each option" {
	start_sleeper
	bivalve update --memory 64m --memory-reservation 32m --pids-limit 33 --cpu-share 512 --cpu-quota 50000 \
		--cpu-period 200000 --cpuset-cpus 0 --cpuset-mems 0 "$ID"
	[ "$(limit memory memory.limit_in_bytes)" = 67108864 ]
	[ "$(limit memory memory.soft_limit_in_bytes)" = 33554432 ]
	[ "$(limit pids pids.max)" = 33 ]
	[ "$(limit cpu cpu.shares)" = 512 ]
	[ "$(limit cpu cpu.cfs_quota_us)" = 50000 ]
	[ "$(limit cpu cpu.cfs_period_us)" = 200000 ]
	[ "$(limit cpuset cpuset.cpus)" = 0 ]
	bivalve update --memory=-1 --pids-limit=-1 --cpu-quota -1 "$ID"
	[ "$(limit pids pids.max)" = max ]
	[ "$(limit cpu cpu.cfs_quota_us)" = -1 ]
	[ "$(limit cpu cpu.shares)" = 512 ]
}

@test "update --resources: a file, stdin; options go over it" {
	start_sleeper
	echo '{"memory": {"limit": 33554432}, "pids": {"limit": 9}}' >resources.json
	bivalve update --resources resources.json "$ID"
	[ "$(limit memory memory.limit_in_bytes)" = 33554432 ]
	[ "$(limit pids pids.max)" = 9 ]
	echo '{"pids": {"limit": 10}}' | bivalve update --resources - "$ID"
	[ "$(limit pids pids.max)" = 10 ]
	[ "$(limit memory memory.limit_in_bytes)" = 33554432 ]
	bivalve update -r resources.json --pids-limit 11 "$ID"
	[ "$(limit pids pids.max)" = 11 ]
}

@test "update: a paused container can be updated" {
	start_sleeper
	bivalve pause "$ID"
	bivalve update --pids-limit 12 "$ID"
	[ "$(limit pids pids.max)" = 12 ]
	[ "$(status)" = paused ]
}

@test "update: bad values and containers are named" {
	start_sleeper
	run -1 bivalve update --memory lots "$ID"
	[[ $output == *"option '--memory': 'lots' is not a valid number"* ]]
	run -1 bivalve update --cpu-idle 7 "$ID"
	[[ $output == *"/cpu/idle"* ]]
	echo '{"memory": {"limit": "x"}}' >resources.json
	run -1 bivalve update -r resources.json "$ID"
	[[ $output == *"resources 'resources.json': /memory/limit"* ]]
	run -1 bivalve update -r no-such-file "$ID"
	[[ $output == *"read resources 'no-such-file'"* ]]
	run -1 bivalve update --cpuset-cpus 99999 "$ID"
	run -1 bivalve update --l3-cache-schema 'L3:0=f' "$ID"
	[[ $output == *"intelRdt"* ]]
	bivalve kill "$ID" KILL
	wait_until is_status stopped
	run -1 bivalve update --pids-limit 1 "$ID"
	[[ $output == *"container not running"* ]]
}

@test "update: options that the kernel has no use for any more are taken" {
	start_sleeper
	bivalve update --kernel-memory 1m --kernel-memory-tcp 1m --pids-limit 5 "$ID"
}
