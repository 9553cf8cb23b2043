#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Capabilities: all five sets, and what they hold back.
load helpers
load inside

# caps_shown: a script that prints inheritable, permitted, effective, bounding and ambient.
caps_shown='echo $(sed -n "s/^Cap[A-Z][a-z]*:.0*\(.\)/\1/p" /proc/self/status)'

# sets JQ-OBJECT [FILTER]
sets() {
	edit_config ".process.capabilities = $1 ${2:-}"
}

@test "capabilities: the five sets are those of the config" {
	make_bundle
	# CHOWN 0x1, KILL 0x20, NET_BIND_SERVICE 0x400, NET_RAW 0x2000, AUDIT_WRITE 0x20000000
	sets '{ inheritable: ["CAP_CHOWN", "CAP_KILL"], permitted: ["CAP_CHOWN", "CAP_KILL", "CAP_NET_RAW"],
		effective: ["CAP_CHOWN", "CAP_KILL", "CAP_NET_RAW"], bounding: ["CAP_CHOWN", "CAP_KILL", "CAP_NET_RAW", "CAP_AUDIT_WRITE"],
		ambient: ["CAP_KILL"] }' '| .process.user.uid = 1000'
	# A user who is not root keeps over execve what is ambient.
	prints '21 20 20 20002021 20' "$caps_shown"
	# Root gets what is bounding or inheritable, unless that would be a new privilege.
	edit_config '.process.user.uid = 0'
	prints '21 2021 2021 20002021 20' "$caps_shown"
	edit_config '.process.noNewPrivileges = false'
	prints '21 20002021 20002021 20002021 20' "$caps_shown"
}

@test "capabilities: those of bivalve spec are few" {
	make_bundle
	prints '0 20000420 20000420 20000420 0' "$caps_shown"
}

@test "capabilities: without the object, and with empty sets, there is none" {
	make_bundle 'del(.process.capabilities)'
	prints '0 0 0 0 0' "$caps_shown"
	sets '{}'
	prints '0 0 0 0 0' "$caps_shown"
	sets '{ bounding: [], effective: [], permitted: [], inheritable: [], ambient: [] }'
	prints '0 0 0 0 0' "$caps_shown"
}

@test "capabilities: a user who is not root has none without ambient ones" {
	make_bundle '.process.user.uid = 1000'
	prints '0 0 0 20000420 0' "$caps_shown"
}

@test "capabilities: every one of the kernel's is known by its name" {
	make_bundle
	local names last
	last=$(cat /proc/sys/kernel/cap_last_cap)
	names=$(bivalve features | jq '.linux.capabilities')
	[ "$(jq length <<<"$names")" -ge "$((last + 1))" ]
	sets "{ bounding: $names, permitted: $names, effective: $names }"
	# All that the caller has itself.
	prints "$(sed -n 's/^CapBnd:.0*//p' /proc/self/status)" 'sed -n "s/^CapEff:.0*//p" /proc/self/status'
}

@test "capabilities: one that the caller does not have is left out, not an error" {
	make_bundle
	sets '(["CAP_KILL", "CAP_SYS_RESOURCE"] | { bounding: ., permitted: ., effective: . })'
	edit_config '.process.args = ["/bin/sh", "-c", "sed -n \"s/^CapEff:.0*//p\" /proc/self/status"]'
	run -0 setpriv --bounding-set=-sys_resource "$BIVALVE" --root "$STATE" run --bundle "$BUNDLE" "$ID"
	[ "$output" = 20 ]
}

@test "capabilities: an unknown name is no failure, and said at debug level" {
	make_bundle
	sets '(["CAP_KILL", "CAP_FROM_THE_FUTURE"] | { bounding: ., permitted: ., effective: . })'
	prints 20 'sed -n "s/^CapEff:.0*//p" /proc/self/status'
	run -0 bivalve --debug run --bundle "$BUNDLE" "$ID"
	[[ $output == *"'CAP_FROM_THE_FUTURE' is not known"* ]]
}

@test "capabilities: what is not granted is refused by the kernel" {
	make_bundle 'del(.linux.seccomp) | .root.readonly = false'
	local cap script
	inside_tool rawcall
	touch "$BUNDLE/rootfs/file" "$BUNDLE/rootfs/owned"
	chown 5 "$BUNDLE/rootfs/owned"
	while IFS='|' read -r cap script; do
		sets '{}'
		run ! run_script "$script 2>/dev/null"
		edit_config '.process.capabilities = ([$c] | { bounding: ., permitted: ., effective: . })' --arg c "$cap"
		prints '' "$script"
	done <<-'EOC'
		CAP_CHOWN|chown 5 /file
		CAP_FOWNER|chmod 700 /owned
		CAP_SETUID|[ $(rawcall 105 5) = 0 ]
		CAP_SYS_CHROOT|chroot / /bin/true
		CAP_MKNOD|mknod /node c 1 3 && rm /node
		CAP_SYS_ADMIN|mount -t tmpfs none /tmp
		CAP_NET_ADMIN|ip link set lo mtu 1400
		CAP_SYS_NICE|renice -n -5 $$
	EOC
}

@test "capabilities: a set-user-id program gains no more than the bounding set" {
	make_bundle '.process.user.uid = 1000 | .process.noNewPrivileges = false'
	inside_tool rawcall
	chmod 4755 "$BUNDLE/rootfs/bin/rawcall"
	# 107: geteuid
	prints '0' '/bin/rawcall 107'
	edit_config '.process.noNewPrivileges = true'
	prints '1000' '/bin/rawcall 107'
}

@test "capabilities: exec has those of the container" {
	make_bundle '.process.args = ["/bin/sleep", "1000"]'
	sets '(["CAP_CHOWN"] | { bounding: ., permitted: ., effective: . })'
	background
	run -0 bivalve exec "$ID" /bin/sh -c 'echo $(sed -n "s/^Cap[A-Z][a-z]*:.0*\(.\)/\1/p" /proc/self/status)'
	[ "$output" = '0 1 1 1 0' ]
}
