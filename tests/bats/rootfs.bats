#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The root file system as a whole: read-only root, masked and read-only paths, cgroup mounts.
load helpers
load inside

@test "masked paths: files are empty, folders are empty, nothing is written; missing ones are no error" {
	make_bundle '.linux.maskedPaths = ["/secret/file", "/secret/dir", "/no/such/path", "/link"] | .root.readonly = false'
	mkdir -p "$BUNDLE/rootfs/secret/dir"
	echo secret | tee "$BUNDLE/rootfs/secret/file" "$BUNDLE/rootfs/secret/dir/file" "$BUNDLE/rootfs/behind" >/dev/null
	ln -s /behind "$BUNDLE/rootfs/link"
	prints '0 0 0' '
		(echo x >/secret/dir/new) 2>/dev/null && echo "wrote in a masked folder"
		echo x >/secret/file; chmod 777 /secret/file 2>/dev/null
		echo $(cat /secret/file | wc -c) $(ls /secret/dir | wc -l) $(cat /behind | wc -c)'
	[ "$(cat "$BUNDLE/rootfs/secret/file")" = secret ]
	[ "$(stat -c %a /dev/null)" = 666 ]
}

@test "masked paths: the default ones hide the host's kernel" {
	make_bundle
	prints '0 0' 'echo $(cat /proc/keys /proc/timer_list 2>/dev/null | wc -c) $(ls /sys/firmware | wc -l)'
}

@test "read-only paths: cannot be written, nor what is mounted below them" {
	make_bundle '.linux.readonlyPaths = ["/data", "/proc/sys", "/no/such/path", "/single"] | .root.readonly = false'
	mkdir -p "$BUNDLE/rootfs/data/sub"
	touch "$BUNDLE/rootfs/data/file" "$BUNDLE/rootfs/single"
	add_mount /data/sub tmpfs tmpfs size=64k
	prints '' '
		for f in /data/file /data/sub/file /proc/sys/kernel/hostname /single; do
			(echo x >$f) 2>/dev/null && echo "wrote $f"
		done; touch /other'
	[ -e "$BUNDLE/rootfs/other" ]
}

@test "masked and read-only paths must be absolute, and not the root" {
	make_bundle '.linux.maskedPaths = ["proc/kcore"]'
	refused "/linux/maskedPaths/0: 'proc/kcore' must be an absolute path"
	edit_config '.linux.maskedPaths = [] | .linux.readonlyPaths = ["sys"]'
	refused "/linux/readonlyPaths/0: 'sys' must be an absolute path"
	edit_config '.linux.readonlyPaths = [] | .linux.maskedPaths = ["/.."]'
	refused "/linux/maskedPaths/0"
}

@test "root.readonly: the root cannot be written to, its mounts can" {
	make_bundle
	prints ok '(echo x >/file) 2>/dev/null && echo wrote; echo x >/dev/shm/file && echo ok'
	edit_config '.root.readonly = false'
	prints ok 'echo x >/file && echo ok'
	[ -s "$BUNDLE/rootfs/file" ]
}

@test "root.path: relative to the bundle, absolute, missing, a file, a link" {
	make_bundle
	mv "$BUNDLE/rootfs" "$WORK/elsewhere"
	edit_config '.root.path = $p' --arg p "$WORK/elsewhere"
	prints ok 'echo ok'
	edit_config '.root.path = "../elsewhere"'
	prints ok 'echo ok'
	ln -s ../elsewhere "$BUNDLE/link"
	edit_config '.root.path = "link"'
	prints ok 'echo ok'
	edit_config '.root.path = "missing"'
	refused "/root/path: open '$BUNDLE/missing"
	touch "$BUNDLE/file"
	edit_config '.root.path = "file"'
	refused "/root/path: open '$BUNDLE/file"
}

@test "cgroup mount: the container sees its own groups, read-only" {
	[ -d /sys/fs/cgroup/memory ] || skip 'needs cgroup v1'
	make_bundle '.linux.resources.pids = { limit: 77 }'
	prints '77 ro' '
		echo $(cat /sys/fs/cgroup/pids/pids.max) $(awk "\$5 == \"/sys/fs/cgroup/pids\" { print substr(\$6, 1, 2) }" /proc/self/mountinfo)
		(echo 78 >/sys/fs/cgroup/pids/pids.max) 2>/dev/null && echo wrote
		! grep -v ":/\$" /proc/self/cgroup'
	# Without a cgroup namespace: the same groups, by bind mounts.
	edit_config '.linux.namespaces |= map(select(.type != "cgroup"))'
	prints 77 'cat /sys/fs/cgroup/pids/pids.max
		(echo 78 >/sys/fs/cgroup/pids/pids.max) 2>/dev/null && echo wrote; true'
}

@test "cgroup mount: without ro a container may make groups below its own" {
	[ -d /sys/fs/cgroup/memory ] || skip 'needs cgroup v1'
	make_bundle '(.mounts[] | select(.type == "cgroup")).options -= ["ro"]'
	prints ok 'mkdir /sys/fs/cgroup/pids/sub && echo $$ >/sys/fs/cgroup/pids/sub/cgroup.procs && echo ok'
}

@test "cgroup mount: a folder for each hierarchy of the host" {
	[ -d /sys/fs/cgroup/memory ] || skip 'needs cgroup v1'
	make_bundle
	local hosts
	hosts=$(cut -d: -f2 /proc/self/cgroup | sed 's/^name=//; s/^$/unified/' | sort)
	run -0 run_script 'ls /sys/fs/cgroup | sort'
	local name
	for name in $hosts; do
		grep -qx "$name" <<<"$output" || { echo "$name is missing in: $output" >&2; return 1; }
	done
}

@test "--no-pivot: the same container, and the host's procfs is not to be found" {
	make_bundle
	edit_config '.process.args = ["/bin/sh", "-c", "[ -x /bin/busybox ] && [ ! -e /etc/shadow ] && grep -c \" proc proc \" /proc/self/mountinfo"]'
	run -0 bivalve run --no-pivot --bundle "$BUNDLE" "$ID"
}
