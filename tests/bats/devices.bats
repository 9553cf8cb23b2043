#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Devices: the default ones, those of the config, and which may be used.
load helpers
load inside

@test "devices: the default ones are there and work" {
	make_bundle
	prints '1:3 666
1:5 666
1:7 666
1:8 666
1:9 666
5:0 666' 'for d in null zero full random urandom tty; do echo $(stat -c "%t:%T %a" /dev/$d); done'
	prints '4 4 full' '
		echo x >/dev/null && echo $(head -c 4 /dev/zero | wc -c) $(head -c 4 /dev/urandom | wc -c) \
			$( (echo x >/dev/full) 2>/dev/null || echo full)'
}

@test "devices: the links of /dev, and its own ptmx" {
	make_bundle
	prints '/proc/self/fd /proc/self/fd/0 /proc/self/fd/1 /proc/self/fd/2 pts/ptmx' \
		'echo $(for l in fd stdin stdout stderr ptmx; do readlink /dev/$l; done)'
	# One of the image is not taken for it.
	edit_config '.mounts |= map(select(.destination != "/dev"))'
	mknod "$BUNDLE/rootfs/dev/ptmx" c 5 2
	prints 'pts/ptmx' 'readlink /dev/ptmx'
}

@test "devices: character, block, FIFO, with mode and owner" {
	make_bundle '.linux.devices = [
		{ type: "c", path: "/dev/one", major: 1, minor: 3, fileMode: 384, uid: 5, gid: 6 },
		{ type: "b", path: "/dev/deep/two", major: 7, minor: 200 },
		{ type: "p", path: "/run/pipe", fileMode: 288 },
		{ type: "u", path: "/three", major: 1, minor: 5, fileMode: 438 }]'
	prints 'character special file 1:3 600 5:6
block special file 7:c8 666 0:0
fifo 0:0 440 0:0
character special file 1:5 666 0:0' 'stat -c "%F %t:%T %a %u:%g" /dev/one /dev/deep/two /run/pipe /three'
}

@test "devices: one of the config takes the place of a default one" {
	make_bundle '.linux.devices = [{ type: "c", path: "/dev/null", major: 1, minor: 3, fileMode: 384 }]'
	prints 600 'stat -c %a /dev/null'
}

@test "devices: faults are named" {
	make_bundle
	local text device
	while IFS='|' read -r text device; do
		edit_config '.linux.devices = [$d]' --argjson d "$device"
		refused "$text"
	done <<-'EOD'
		/linux/devices/0/type|{ "type": "x", "path": "/dev/x", "major": 1, "minor": 1 }
		/linux/devices/0/path|{ "type": "c", "path": "dev/x", "major": 1, "minor": 1 }
		/linux/devices/0/path|{ "type": "c", "path": "/dev/../x", "major": 1, "minor": 1 }
		/linux/devices/0/path|{ "type": "c", "path": "/", "major": 1, "minor": 1 }
		/linux/devices/0/path|{ "type": "c", "major": 1, "minor": 1 }
		/linux/devices/0/major|{ "type": "c", "path": "/dev/x", "minor": 1 }
		/linux/devices/0: major 5000, minor 1: out of range|{ "type": "c", "path": "/dev/x", "major": 5000, "minor": 1 }
		/linux/devices/0|{ "type": "c", "path": "/dev/x", "major": -1, "minor": 1 }
		/linux/devices/0: make '/dev/pts'|{ "type": "c", "path": "/dev/pts", "major": 1, "minor": 1 }
	EOD
}

@test "devices: a link in the image does not lead a node outside" {
	make_bundle '.linux.devices = [{ type: "c", path: "/out/node", major: 1, minor: 3 }] | .root.readonly = false'
	ln -s "$WORK" "$BUNDLE/rootfs/out"
	prints 1:3 'stat -c %t:%T /out/node'
	[ ! -e "$WORK/node" ]
	[ -c "$BUNDLE/rootfs$WORK/node" ]
}

@test "devices: in a user namespace they are the host's, and cannot be changed" {
	make_bundle '.linux.namespaces += [{ type: "user" }]
		| .linux.uidMappings = [{ containerID: 0, hostID: 0, size: 65536 }]
		| .linux.gidMappings = .linux.uidMappings
		| .linux.devices = [{ type: "c", path: "/dev/zero", major: 1, minor: 5 }]
		| .process.capabilities = (["CAP_FOWNER", "CAP_CHOWN"] | { bounding: ., permitted: ., effective: . })'
	prints '1:3 1:5 ok' '
		chmod 600 /dev/null 2>/dev/null; chown 5 /dev/zero 2>/dev/null
		echo x >/dev/null && echo $(stat -c %t:%T /dev/null) $(stat -c %t:%T /dev/zero) ok'
	[ "$(stat -c %a:%u /dev/null)" = 666:0 ]
	[ "$(stat -c %a:%u /dev/zero)" = 666:0 ]
}

@test "devices: a bound /dev is left as it is" {
	make_bundle '.mounts |= map(select(.destination | startswith("/dev") | not))'
	mkdir -p "$WORK/dev"
	mknod -m 666 "$WORK/dev/null" c 1 3
	add_mount /dev none "$WORK/dev" bind
	prints null 'ls /dev'
}

# Which nodes may be opened is the devices controller's to say. The kernel's log wants CAP_SYSLOG, too.
KMSG='.linux.devices = [{ type: "c", path: "/dev/kmsg", major: 1, minor: 11, fileMode: 438 }]
	| .process.capabilities = (["CAP_SYSLOG"] | { bounding: ., permitted: ., effective: . })'

@test "devices: what no rule allows cannot be opened, also with CAP_MKNOD" {
	make_bundle 'del(.linux.seccomp) | .root.readonly = false
		| .process.capabilities = (["CAP_MKNOD", "CAP_SYS_RAWIO", "CAP_SYSLOG"] | { bounding: ., permitted: ., effective: . })'
	# 1:1 is the machine's memory, 1:11 the kernel's log.
	prints 'refused refused' '
		mknod /dev/mem c 1 1 && mknod /dev/kmsg c 1 11 || exit 1
		for d in mem kmsg; do head -c 1 /dev/$d >/dev/null 2>&1 && echo "read $d" || echo refused; done | tr "\n" " " | sed "s/ \$//"'
}

@test "devices: rules allow reading, writing, or both" {
	make_bundle "$KMSG"
	local access result
	while read -r access result; do
		edit_config '.linux.resources.devices = [{ allow: false, access: "rwm" }, { allow: true, type: "c", major: 1, minor: 11, access: $a }]' \
			--arg a "$access"
		prints "$result" '(exec 4</dev/kmsg) 2>/dev/null && printf r; (exec 4>/dev/kmsg) 2>/dev/null && printf w; echo .'
	done <<-'EOA'
		r r.
		w w.
		rw rw.
		m .
	EOA
}

@test "devices: a later rule takes back an earlier one; all of a major number" {
	make_bundle "$KMSG"' | .linux.resources.devices = [{ allow: false, access: "rwm" }, { allow: true, type: "c", major: 1, access: "rw" }]'
	prints open '(exec 4</dev/kmsg) && echo open'
	edit_config '.linux.resources.devices += [{ allow: false, type: "c", major: 1, access: "rw" }]'
	prints refused '(exec 4</dev/kmsg) 2>/dev/null || echo refused'
	# The default ones stay usable whatever the rules say.
	prints ok 'echo x >/dev/null && head -c 1 /dev/zero >/dev/null && echo ok'
}

@test "devices: everything may be allowed" {
	make_bundle "$KMSG"' | .linux.resources.devices = [{ allow: true, access: "rwm" }]'
	prints open '(exec 4</dev/kmsg) && echo open'
}

@test "devices: without any rule they are denied as well" {
	make_bundle "$KMSG"' | del(.linux.resources)'
	prints refused '(exec 4</dev/kmsg) 2>/dev/null || echo refused'
}

@test "devices: an exec is bound by the same rules" {
	sleeper
	edit_config "$KMSG"
	background
	run -0 bivalve exec "$ID" /bin/sh -c '(exec 4</dev/kmsg) 2>/dev/null || echo refused'
	[ "$output" = refused ]
}

@test "devices: rules that cannot be are errors that name the entry" {
	make_bundle
	local text rule
	while IFS='|' read -r text rule; do
		edit_config '.linux.resources.devices = [{ allow: false, access: "rwm" }, $r]' --argjson r "$rule"
		refused "$text"
	done <<-'EOR'
		/linux/resources/devices/1/type|{ "allow": true, "type": "x" }
		/linux/resources/devices/1/access|{ "allow": true, "access": "rwx" }
		/linux/resources/devices/1/allow|{ "type": "c" }
		/linux/resources/devices/1|{ "allow": true, "type": "c", "major": -5 }
	EOR
}
