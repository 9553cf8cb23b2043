#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Namespaces: new ones and those that exist, names, clocks, kernel parameters, the loopback device.
load helpers
load inside

# own KIND...: those namespaces and a mount namespace, no others.
own() {
	edit_config '.linux.namespaces = ([{ type: "mount" }] + [$kinds | splits(" ") | select(. != "") | { type: . }])
		| if any(.linux.namespaces[]; .type == "uts") then . else del(.hostname) end' --arg kinds "$*"
}

# join KIND PATH
join() {
	edit_config '.linux.namespaces |= (map(select(.type != $t)) + [{ type: $t, path: $p }])' --arg t "$1" --arg p "$2"
}

# links: the names of the caller's eight, one per line.
links() {
	local kind
	for kind in cgroup ipc mnt net pid time user uts; do
		readlink "/proc/self/ns/$kind"
	done
}

@test "namespaces: the asked-for ones are new, the others are the caller's" {
	make_bundle
	local kinds kind same
	declare -A link=([network]=net [mount]=mnt)
	for kinds in '' pid network ipc uts cgroup time 'pid network ipc uts cgroup time'; do
		# shellcheck disable=SC2086
		own $kinds
		run -0 run_script 'for k in cgroup ipc mnt net pid time user uts; do readlink /proc/self/ns/$k; done'
		# shellcheck disable=SC2031
		same=$(comm -12 <(sort <<<"$output") <(links | sort) | wc -l)
		# shellcheck disable=SC2086
		set -- $kinds
		[ "$same" -eq $((7 - $#)) ] || { echo "$kinds: $same" >&2; return 1; }
		for kind in "$@"; do
			# shellcheck disable=SC2031
			! grep -qx "$(readlink "/proc/self/ns/${link[$kind]:-$kind}")" <<<"$output"
		done
	done
}

@test "namespaces: a user namespace with all others" {
	make_bundle '.linux.uidMappings = [{ containerID: 0, hostID: 100000, size: 65536 }] | .linux.gidMappings = .linux.uidMappings'
	own pid network ipc uts cgroup time user
	run -0 run_script 'for k in cgroup ipc mnt net pid time user uts; do readlink /proc/self/ns/$k; done'
	[ "$(comm -12 <(sort <<<"$output") <(links | sort) | wc -l)" -eq 0 ]
}

@test "namespaces: without a mount namespace there is no container" {
	make_bundle '.linux.namespaces |= map(select(.type != "mount"))'
	refused '/linux/namespaces: a mount namespace is needed'
}

@test "namespaces: each one that exists is joined by its path" {
	sleeper
	edit_config '.linux.namespaces += [{ type: "time" }]'
	background
	local pid kind
	declare -A link=([network]=net)
	pid=$(pid_of)
	for kind in network ipc uts pid cgroup time; do
		own
		join "$kind" "/proc/$pid/ns/${link[$kind]:-$kind}"
		edit_config '.process.args = ["/bin/readlink", $p]' --arg p "/proc/self/ns/${link[$kind]:-$kind}"
		run -0 bivalve run --bundle "$BUNDLE" "$ID-$kind"
		# shellcheck disable=SC2031
		[ "$output" = "$(readlink "/proc/$pid/ns/${link[$kind]:-$kind}")" ] || { echo "$kind: $output" >&2; return 1; }
	done
}

@test "namespaces: all of them are joined at once, as by the second container of a pod" {
	sleeper
	background
	local pid kind
	pid=$(pid_of)
	own
	for kind in network:net ipc:ipc uts:uts pid:pid; do
		join "${kind%:*}" "/proc/$pid/ns/${kind#*:}"
	done
	edit_config '.process.args = ["/bin/sh", "-c", "cat /proc/1/cmdline | tr \"\\0\" \" \"; hostname"]'
	run -0 bivalve run --bundle "$BUNDLE" "$ID-second"
	[ "$output" = '/bin/sleep 1000 bivalve' ]
	[ "$(status)" = running ]
}

@test "namespaces: a path may be that of the host's own" {
	make_bundle
	join network "/proc/$$/ns/net"
	prints "$(readlink /proc/self/ns/net)" 'readlink /proc/self/ns/net'
}

@test "namespaces: one that is kept by a bind mount" {
	make_bundle
	touch "$WORK/net"
	unshare --net="$WORK/net" true
	echo "$WORK/net" >>"$WORK/.host-mounts"
	join network "$WORK/net"
	run -0 run_script 'readlink /proc/self/ns/net'
	[ "$output" = "net:[$(stat -L -c %i "$WORK/net")]" ]
}

@test "namespaces: faults are named" {
	make_bundle
	local text filter
	while IFS='|' read -r text filter; do
		cp "$BUNDLE/config.json" good
		edit_config ".linux.namespaces += [$filter]"
		refused "$text"
		mv good "$BUNDLE/config.json"
	done <<-'EOF'
		/linux/namespaces/6|{ "type": "pid" }
		/linux/namespaces/6/type|{ "type": "dream" }
		/linux/namespaces/6/type|{}
		/linux/namespaces: the path 'proc/self/ns/time' of 'time' must be absolute|{ "type": "time", "path": "proc/self/ns/time" }
		/linux/namespaces: time: open '/no/such/file'|{ "type": "time", "path": "/no/such/file" }
		/linux/namespaces: time: '/etc/passwd' is not a namespace|{ "type": "time", "path": "/etc/passwd" }
		/linux/namespaces: time: '/proc/self/ns/net' is a namespace of another type|{ "type": "time", "path": "/proc/self/ns/net" }
	EOF
}

@test "pid namespace: the program is its first process; without one it has the host's view" {
	make_bundle
	prints 1 'echo $$'
	own
	run -0 run_script 'echo $$'
	[ "$output" -gt 1 ]
}

@test "time namespace: clocks are set forward, and back" {
	make_bundle '.linux.namespaces += [{ type: "time" }] | .linux.timeOffsets = { boottime: { secs: 1000000, nanosecs: 500 }, monotonic: { secs: 7000, nanosecs: 0 } }'
	local script="cut -d. -f1 /proc/uptime; awk '{ print \$1, \$2, \$3 }' /proc/self/timens_offsets"
	run -0 run_script "$script"
	local up=${lines[0]} host
	host=$(cut -d. -f1 /proc/uptime)
	[ "$up" -ge $((host + 1000000 - 5)) ] && [ "$up" -le $((host + 1000001)) ]
	[ "${lines[1]}" = 'monotonic 7000 0' ]
	[ "${lines[2]}" = 'boottime 1000000 500' ]
	edit_config '.linux.timeOffsets = { boottime: { secs: -10 } }'
	run -0 run_script "$script"
	[ "${lines[0]}" -le $(($(cut -d. -f1 /proc/uptime) - 9)) ]
	# An exec has the same clocks.
	edit_config '.linux.timeOffsets.boottime.secs = 2000000 | .process.args = ["/bin/sleep", "1000"]'
	background
	run -0 bivalve exec "$ID" /bin/cut -d. -f1 /proc/uptime
	[ "$output" -ge 2000000 ]
}

@test "time namespace: offsets need a new one, and a clock that the kernel has" {
	make_bundle '.linux.timeOffsets = { boottime: { secs: 5 } }'
	refused '/linux/timeOffsets'
	edit_config '.linux.namespaces += [{ type: "time" }] | .linux.timeOffsets = { realtime: { secs: 5 } }'
	refused '/linux/timeOffsets'
	edit_config '.linux.timeOffsets = { boottime: { secs: -1000000000 } }'
	refused '/linux/timeOffsets/boottime'
}

@test "hostname and domainname: the container's alone" {
	make_bundle '.hostname = "shell" | .domainname = "sea.example"'
	local before
	before=$(uname -n)
	prints 'shell shell sea.example' 'echo $(hostname) $(uname -n) $(cat /proc/sys/kernel/domainname)'
	[ "$(uname -n)" = "$before" ]
	edit_config '.linux.namespaces |= map(select(.type != "uts"))'
	refused '/hostname: needs a uts namespace'
	edit_config 'del(.hostname)'
	refused '/domainname: needs a uts namespace'
	edit_config 'del(.domainname)'
	prints "$before" hostname
}

@test "hostname: one in a joined namespace is set there" {
	sleeper
	background
	join uts "/proc/$(pid_of)/ns/uts"
	edit_config '.hostname = "renamed" | .process.args = ["/bin/true"]'
	bivalve run --bundle "$BUNDLE" "$ID-second"
	run -0 bivalve exec "$ID" hostname
	[ "$output" = renamed ]
}

@test "sysctl: in force inside, unchanged outside" {
	make_bundle '.linux.sysctl = { "net.ipv4.ip_forward": "1", "kernel.shmmax": "123456", "fs.mqueue.msg_max": "17",
		"net/ipv4/conf/lo/forwarding": "1", "kernel.sem": "101 102 103 104" }'
	local before
	before=$(cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/shmmax /proc/sys/fs/mqueue/msg_max)
	prints '1 123456 17 1 101 102 103 104' 'cd /proc/sys
		echo $(cat net/ipv4/ip_forward kernel/shmmax fs/mqueue/msg_max net/ipv4/conf/lo/forwarding kernel/sem)'
	[ "$(cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/shmmax /proc/sys/fs/mqueue/msg_max)" = "$before" ]
}

@test "sysctl: what belongs to the host, or to a namespace that is not the container's, is refused" {
	make_bundle
	local text filter
	while IFS='|' read -r text filter; do
		cp "$BUNDLE/config.json" good
		edit_config "${filter/ AND / | }"
		refused "$text"
		mv good "$BUNDLE/config.json"
	done <<-'EOF'
		/linux/sysctl/kernel.sysrq: is not a setting of a namespace|.linux.sysctl = { "kernel.sysrq": "1" }
		/linux/sysctl/vm.overcommit_memory: is not|.linux.sysctl = { "vm.overcommit_memory": "1" }
		/linux/sysctl/net.ipv4.ip_forward: needs the network namespace|.linux.sysctl = { "net.ipv4.ip_forward": "1" } AND .linux.namespaces -= [{ type: "network" }]
		/linux/sysctl/kernel.shmmax: needs the ipc namespace|.linux.sysctl = { "kernel.shmmax": "1" } AND .linux.namespaces -= [{ type: "ipc" }]
		/linux/sysctl/kernel.hostname: conflicts|.linux.sysctl = { "kernel.hostname": "x" }
		/linux/sysctl/net..x: is not a sysctl key|.linux.sysctl = { "net..x": "1" }
		/linux/sysctl/net.ipv4.no_such_key: open|.linux.sysctl = { "net.ipv4.no_such_key": "1" }
		/linux/sysctl/net.ipv4.ip_forward: write 'many'|.linux.sysctl = { "net.ipv4.ip_forward": "many" }
	EOF
}

@test "network namespace: the loopback device of a new one is up, and there is no other" {
	make_bundle
	prints 'lo UP' 'echo $(ls /sys/class/net) $(ip link show lo | grep -o "[<,]UP[,>]" | tr -d "<,>")'
	prints 'reached' '(echo reached | nc -l -p 5555) & for i in 1 2 3 4 5; do usleep 50000; nc 127.0.0.1 5555 </dev/null 2>/dev/null && break; done'
}

@test "network namespace: a joined one stays as it is" {
	make_bundle
	touch "$WORK/net"
	unshare --net="$WORK/net" true
	echo "$WORK/net" >>"$WORK/.host-mounts"
	join network "$WORK/net"
	prints '' 'ip link show lo | grep -o "[<,]UP[,>]" || true'
	[ -z "$(nsenter --net="$WORK/net" ip -o link show up)" ]
}

@test "network namespace: /sys shows the devices of the container's" {
	make_bundle
	prints lo 'ls /sys/class/net'
	join network "/proc/$$/ns/net"
	local host
	host=$(cd /sys/class/net && echo *)
	prints "$host" 'echo $(ls /sys/class/net)'
}

@test "ipc namespace: a message queue and shared memory of the host's are not seen" {
	make_bundle
	local id
	id=$(ipcmk -M 4096 | grep -o '[0-9]*$')
	run run_script 'wc -l </proc/sysvipc/shm'
	ipcrm -m "$id"
	[ "$output" = 1 ]
}

@test "cgroup namespace: the container's group is the root" {
	make_bundle
	prints '/' "cut -d: -f3 /proc/self/cgroup | sort -u"
	edit_config '.linux.namespaces |= map(select(.type != "cgroup"))'
	run -0 run_script 'cut -d: -f3 /proc/self/cgroup | sort -u'
	[ "$output" = "/$ID" ]
}
