#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Users, groups, umask, HOME, and user namespaces made by root.
load helpers
load inside

# A new user namespace whose ids 0 to 65535 are the host's from 100000 on.
USERNS='.linux.namespaces += [{ type: "user" }]
	| .linux.uidMappings = [{ containerID: 0, hostID: 100000, size: 65536 }]
	| .linux.gidMappings = [{ containerID: 0, hostID: 100000, size: 65536 }]'

# status_of PATTERN: a script that prints those lines of /proc/self/status on one line.
status_of() {
	echo "echo \$(grep -E '$1' /proc/self/status)"
}

@test "user: the program has the ids and groups of the config, and no others" {
	make_bundle '.process.user = { uid: 1000, gid: 1001, additionalGids: [10, 20, 30] }'
	prints 'Uid: 1000 1000 1000 1000 Gid: 1001 1001 1001 1001 Groups: 10 20 30' "$(status_of 'Uid|Gid|Groups')"
	# The caller's own groups do not come along.
	edit_config '.process.user = { uid: 1000, gid: 1001 }'
	edit_config '.process.args = ["/bin/sh", "-c", "grep Groups /proc/self/status"]'
	run -0 setpriv --groups 4,5,6 "$BIVALVE" --root "$STATE" run --bundle "$BUNDLE" "$ID"
	[[ $output =~ ^Groups:[[:space:]]*$ ]]
}

@test "user: run.oci.keep_original_groups keeps the caller's groups" {
	make_bundle '.process.user = { uid: 1000, gid: 1001 } | .annotations = { "run.oci.keep_original_groups": "1" }'
	edit_config '.process.args = ["/bin/sh", "-c", "grep Groups /proc/self/status"]'
	run -0 setpriv --groups 4,5,6 "$BIVALVE" --root "$STATE" run --bundle "$BUNDLE" "$ID"
	[[ $output == Groups:*4\ 5\ 6* ]]
}

@test "user: what the program makes is its user's" {
	make_bundle '.process.user = { uid: 1000, gid: 1001 } | .root.readonly = false'
	chmod 1777 "$BUNDLE/rootfs/tmp"
	prints '' 'touch /tmp/file'
	[ "$(stat -c %u:%g "$BUNDLE/rootfs/tmp/file")" = 1000:1001 ]
}

@test "umask: 0022, or the config's" {
	make_bundle '.process.user.umask = 63' # 0077
	prints 0077 'umask'
	edit_config 'del(.process.user.umask)'
	umask 0
	prints 0022 'umask'
	edit_config '.process.user.umask = 512'
	refused '/process/user/umask'
}

@test "HOME: from the container's passwd by id, / where it has none; the config's own stays" {
	make_bundle
	local user home
	while read -r user home; do
		edit_config '.process.user.uid = $u' --argjson u "$user"
		prints "$home" 'echo $HOME'
	done <<-'EOH'
		0 /root
		1000 /home/user
		4321 /
	EOH
	edit_config '.process.env += ["HOME=/elsewhere"]'
	prints /elsewhere 'echo $HOME'
	# A hostile passwd is no reason to fail, hang, or leave the root.
	edit_config '.process.env -= ["HOME=/elsewhere"]'
	rm "$BUNDLE/rootfs/etc/passwd"
	mkfifo "$BUNDLE/rootfs/etc/passwd"
	prints / 'echo $HOME'
}

@test "user: a pipe that is stdout can be opened again by a user who is not root" {
	make_bundle '.process.user = { uid: 1000, gid: 1001 }'
	edit_config '.process.args = ["/bin/sh", "-c", "echo again >/dev/stdout; echo err >/dev/stderr"]'
	[ "$(bivalve run --bundle "$BUNDLE" "$ID" 2>&1 </dev/null | sort | tr '\n' ' ')" = 'again err ' ]
}

@test "user: no file, device or terminal of the caller changes its owner" {
	make_bundle '.process.user = { uid: 1000, gid: 1001 } | .process.args = ["/bin/true"]'
	touch file
	bivalve run --bundle "$BUNDLE" "$ID" </dev/null >/dev/null 2>file
	[ "$(stat -c %u file)" = 0 ]
	[ "$(stat -c %u:%a /dev/null)" = 0:666 ]
}

@test "user namespace: root inside is another user outside" {
	make_bundle "$USERNS"' | .process.args = ["/bin/sleep", "1000"]'
	background
	local pid
	pid=$(pid_of)
	[ "$(stat -c %u:%g "/proc/$pid")" = 100000:100000 ] || [ "$(awk '/^Uid/ { print $2 }' "/proc/$pid/status")" = 100000 ]
	[ "$(tr -s ' ' <"/proc/$pid/uid_map")" = ' 0 100000 65536' ]
	[ "$(tr -s ' ' <"/proc/$pid/gid_map")" = ' 0 100000 65536' ]
	[ "$(readlink "/proc/$pid/ns/user")" != "$(readlink /proc/self/ns/user)" ]
	run -0 bivalve exec "$ID" /bin/id
	[[ $output == 'uid=0(root) gid=0(root)'* ]]
	run -0 bivalve exec --user 1000:1001 "$ID" /bin/id
	[[ $output == 'uid=1000(user) gid=1001(users)'* ]]
}

@test "user namespace: the whole of a default container works in it" {
	make_bundle "$USERNS"' | .process.user.additionalGids = [10]'
	prints 'bivalve 10 ro c c 1' '
		echo $(hostname) $(grep Groups /proc/self/status | tr -dc 0-9) \
			$(awk "\$5 == \"/sys\" { print substr(\$6, 1, 2) }" /proc/self/mountinfo) \
			$([ -c /dev/null ] && echo c) $([ -c /dev/zero ] && echo c) $$
		echo x >/dev/null && head -c 1 /dev/zero >/dev/shm/file && ls /dev/pts /dev/mqueue /sys/fs/cgroup >/dev/null'
}

@test "user namespace: files of the host belong to whom the map says" {
	make_bundle "$USERNS"' | .root.readonly = false'
	mkdir "$WORK/data"
	chown 100005:100006 "$WORK/data"
	add_mount /data none "$WORK/data" bind
	chown 100000:100000 "$BUNDLE/rootfs" "$BUNDLE/rootfs/tmp"
	prints '5:6 0:0' 'echo $(stat -c %u:%g /data) $(stat -c %u:%g /tmp); touch /tmp/file'
	[ "$(stat -c %u:%g "$BUNDLE/rootfs/tmp/file")" = 100000:100000 ]
	# Unmapped ones are nobody's.
	chown 50:50 "$WORK/data"
	prints 65534:65534 'stat -c %u:%g /data'
}

@test "user namespace: an id-mapped mount shows the bundle's own files as root's" {
	make_bundle "$USERNS"
	mkdir "$WORK/data" "$BUNDLE/rootfs/plain" "$BUNDLE/rootfs/mapped"
	echo text >"$WORK/data/file"
	add_mount /plain none "$WORK/data" bind
	add_mount /mapped none "$WORK/data" bind idmap
	prints '65534 0' 'echo $(stat -c %u /plain/file) $(stat -c %u /mapped/file); echo x >/mapped/new'
	[ "$(stat -c %u "$WORK/data/new")" = 0 ]
}

@test "user namespace: maps of many pieces, in any order" {
	make_bundle '.linux.namespaces += [{ type: "user" }]
		| .linux.uidMappings = [range(200) | { containerID: (199 - .), hostID: (200000 + 2 * .), size: 1 }]
		| .linux.gidMappings = [{ containerID: 10, hostID: 300000, size: 5 }, { containerID: 0, hostID: 400000, size: 6 }]
		| .process.user = { uid: 7, gid: 12 }'
	prints '7 12 200' 'echo $(id -u) $(id -g) $(wc -l </proc/self/uid_map)'
}

@test "user namespace: faults of the maps are named" {
	make_bundle
	local text filter
	while IFS='|' read -r text filter; do
		cp "$BUNDLE/config.json" good
		edit_config "$USERNS | $filter"
		refused "$text"
		mv good "$BUNDLE/config.json"
	done <<-'EOF'
		/linux/uidMappings: is required| del(.linux.uidMappings, .linux.gidMappings)
		/linux/gidMappings: is required| del(.linux.gidMappings)
		/linux/uidMappings/1: overlaps| .linux.uidMappings += [{ containerID: 5, hostID: 9, size: 1 }]
		/linux/uidMappings/0/size| .linux.uidMappings[0].size = 0
		/process/user/uid: 70000 is not in /linux/uidMappings| .process.user.uid = 70000
		/process/user/gid: 70000 is not in /linux/gidMappings| .process.user.gid = 70000
		/process/user/additionalGids/0: 70000 is not| .process.user.additionalGids = [70000]
		/linux/uidMappings: needs a user namespace| .linux.namespaces |= map(select(.type != "user"))
	EOF
}

@test "user namespace: one that exists is joined by its path" {
	make_bundle "$USERNS"' | .process.args = ["/bin/sleep", "1000"]'
	background
	local pid
	pid=$(pid_of)
	# With the network namespace that belongs to it, as the containers of a pod.
	edit_config '(.linux.namespaces[] | select(.type == "user")).path = $u
		| (.linux.namespaces[] | select(.type == "network")).path = $n
		| del(.linux.uidMappings, .linux.gidMappings)
		| .process.args = ["/bin/sh", "-c", "id -u; readlink /proc/self/ns/user; readlink /proc/self/ns/net"]' \
		--arg u "/proc/$pid/ns/user" --arg n "/proc/$pid/ns/net"
	run -0 bivalve run --bundle "$BUNDLE" "$ID-second"
	[ "${lines[0]}" = 0 ]
	[ "${lines[1]}" = "$(readlink "/proc/$pid/ns/user")" ]
	[ "${lines[2]}" = "$(readlink "/proc/$pid/ns/net")" ]
}

@test "user namespace: without a network or pid namespace of its own" {
	make_bundle "$USERNS"' | .linux.namespaces |= map(select(.type | IN("network", "pid") | not))'
	prints "$(readlink /proc/self/ns/net) $(readlink /proc/self/ns/pid) 0" \
		'echo $(readlink /proc/self/ns/net) $(readlink /proc/self/ns/pid) $(id -u)'
}

@test "user namespace: its root has no rights over the host" {
	make_bundle "$USERNS"' | del(.linux.seccomp) | .root.readonly = false
		| .process.noNewPrivileges = false
		| .process.capabilities = (["CAP_SYS_ADMIN", "CAP_MKNOD", "CAP_CHOWN", "CAP_DAC_OVERRIDE"]
			| { bounding: ., effective: ., permitted: . })'
	touch "$WORK/hosts-file" "$BUNDLE/rootfs/file"
	chmod 600 "$WORK/hosts-file"
	add_mount /file none "$WORK/hosts-file" bind
	prints '' '
		mknod /dev/shm/sda b 8 0 2>/dev/null && echo "made a device"
		cat /file 2>/dev/null && echo "read a file of the host root"
		chown 0:0 /file 2>/dev/null && echo "took it"
		echo 1 2>/dev/null >/proc/sys/kernel/sysrq && echo "wrote sysrq"
		true'
}
