#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Limits on a host that has cgroup v2 and nothing else. Run in the test bed (make check-vm) where the
# machine at hand is another.
load helpers

setup() {
	common_setup
	[ "$(stat -f -c %T /sys/fs/cgroup)" = cgroup2fs ] || skip 'needs a host with cgroup v2 alone'
}

# in_group FILE: its content in the container's group.
in_group() {
	cat "/sys/fs/cgroup/$ID/$1"
}

# run_limited FILTER: a sleeper with cgroupsPath /$ID and FILTER applied to .linux.resources.
run_limited() {
	make_bundle ".process.args = [\"/bin/sleep\", \"1000\"] | .linux.cgroupsPath = \"/$ID\" | .linux.resources |= (. // {} | $1)"
	bivalve run --detach --bundle "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1
}

@test "v2: memory limit, reservation and swap are written in v2's terms" {
	run_limited '.memory = {limit: 67108864, reservation: 33554432, swap: 100663296}'
	[ "$(in_group memory.max)" = 67108864 ]
	[ "$(in_group memory.low)" = 33554432 ]
	[ ! -e "/sys/fs/cgroup/$ID/memory.swap.max" ] || [ "$(in_group memory.swap.max)" = 33554432 ]
}

@test "v2: cpu shares, quota, period, idle; cpuset" {
	run_limited '.cpu = {shares: 1024, quota: 50000, period: 100000, cpus: "0", mems: "0"}'
	[ "$(in_group cpu.max)" = '50000 100000' ]
	[ "$(in_group cpu.weight)" = 100 ]
	[ "$(in_group cpuset.cpus)" = 0 ]
	[ "$(in_group cpuset.mems)" = 0 ]
	bivalve update --cpu-quota -1 "$ID"
	[ "$(in_group cpu.max)" = 'max 100000' ]
	bivalve update --cpu-idle 1 "$ID"
	[ "$(in_group cpu.idle)" = 1 ]
}

@test "v2: pids limit holds, and update changes it" {
	run_limited '.pids = {limit: 20}'
	[ "$(in_group pids.max)" = 20 ]
	bivalve update --pids-limit 5 "$ID"
	[ "$(in_group pids.max)" = 5 ]
	run bivalve exec "$ID" /bin/sh -c 'for i in 1 2 3 4 5 6; do /bin/sleep 2 & done; wait'
	[[ "$output" == *[Ff]ork* ]]
	bivalve update --pids-limit -1 "$ID"
	[ "$(in_group pids.max)" = max ]
}

@test "v2: a program that wants more memory than its limit is killed (137), and the event is counted" {
	make_bundle '.process.args = ["/bin/sh", "-c", "tail -c 100m /dev/zero"] | .linux.resources.memory = {limit: 16777216, swap: 16777216}'
	run -137 bivalve run --bundle "$BUNDLE" "$ID"
}

@test "v2: unified writes any file; one whose controller is not there is an error with its path" {
	run_limited '.unified = {"memory.high": "50331648", "pids.max": "33"}'
	[ "$(in_group memory.high)" = 50331648 ]
	[ "$(in_group pids.max)" = 33 ]
	bivalve delete --force "$ID"
	edit_config '.linux.resources.unified = {"nothere.max": "1"}'
	run -1 bivalve create --bundle "$BUNDLE" "$ID"
	[[ "$output" == */linux/resources/unified* ]]
}

@test "v2: what only v1 has is an error that names it" {
	make_bundle ".linux.resources.memory = {limit: 67108864, swappiness: 10}"
	run -1 bivalve create --bundle "$BUNDLE" "$ID"
	[[ "$output" == */linux/resources/memory/swappiness* ]]
	edit_config '.linux.resources = {network: {classID: 1}}'
	run -1 bivalve create --bundle "$BUNDLE" "$ID"
	[[ "$output" == */linux/resources/network/classID* ]]
}

@test "v2: device rules hold, by a program on the group" {
	make_bundle '.process.args = ["/bin/sh", "-c", "mknod /dev/kmsg2 c 1 11; cat /dev/null; head -c 1 /dev/zero >/dev/null && ! (: </dev/kmsg2)"]
		| .process.capabilities |= map_values(. + ["CAP_MKNOD", "CAP_SYSLOG"])
		| .linux.resources.devices = [{allow: false, access: "rwm"}]'
	run -0 bivalve run --bundle "$BUNDLE" "$ID"
	[[ "$output" == *'not permitted'* ]]
	edit_config '.linux.resources.devices += [{allow: true, type: "c", major: 1, minor: 11, access: "r"}]'
	set_args /bin/sh -c 'mknod /dev/kmsg2 c 1 11; (: </dev/kmsg2)'
	run -0 bivalve run --bundle "$BUNDLE" "$ID"
}

@test "v2: pause, kill --all, ps and events --stats" {
	run_limited '.memory = {limit: 67108864}'
	bivalve pause "$ID"
	[ "$(in_group cgroup.freeze)" = 1 ]
	[ "$(status)" = paused ]
	bivalve resume "$ID"
	bivalve exec --detach "$ID" /bin/sleep 1000 </dev/null >/dev/null 2>&1
	[ "$(bivalve ps --format json "$ID" | jq length)" -eq 2 ]
	[ "$(bivalve events --stats "$ID" | jq .data.memory.usage.limit)" -eq 67108864 ]
	bivalve kill --all "$ID" KILL
	wait_until is_status stopped
}

@test "v2: the container sees its own group as the root of /sys/fs/cgroup" {
	run_limited '.pids = {limit: 42}'
	run -0 bivalve exec "$ID" /bin/cat /sys/fs/cgroup/pids.max
	[ "$output" = 42 ]
	run -0 bivalve exec "$ID" /bin/cat /proc/self/cgroup
	[ "$output" = 0::/ ]
}

@test "v2: block IO limits; a weight without a scheduler that has it is an error" {
	local dev
	dev=$(lsblk -ndo MAJ:MIN 2>/dev/null | head -n 1 | tr -d ' ')
	[ -n "$dev" ] || dev=$(cat /sys/block/*/dev | head -n 1)
	run_limited ".blockIO = {throttleReadBpsDevice: [{major: ${dev%:*}, minor: ${dev#*:}, rate: 1048576}]}"
	in_group io.max | grep -F "$dev rbps=1048576"
}
