#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# mounts, propagation, masked and read-only paths: what a program sees of them.
load helpers
load inside

# flags_of PATH: a script that prints the mount's own options, its optional fields, its file system's.
flags_of() {
	echo "awk -v p=$1 '\$5 == p { o = \"\"; for (i = 7; \$i != \"-\"; i++) o = o \$i \" \"; print \$6, o \$NF }' /proc/self/mountinfo"
}

# tree: $WORK/tree is a tmpfs with another in "sub", a file in each.
tree() {
	host_mount -t tmpfs -o mode=755 tree "$WORK/tree"
	echo top >"$WORK/tree/file"
	host_mount -t tmpfs -o mode=755 sub "$WORK/tree/sub"
	echo below >"$WORK/tree/sub/file"
}

@test "mounts: every option of a file system's mount is in force" {
	make_bundle
	local option shown script=''
	# What is shown: "+word" must be there, "-word" must not, in /proc/self/mountinfo.
	while read -r option shown; do
		add_mount "/m/$option" tmpfs tmpfs "${option//,/ }"
		for word in $shown; do
			script+="has '$option' '$word'; "
		done
	done <<-'EOO'
		ro +ro
		rw +rw
		ro,rw +rw -ro
		nosuid +nosuid -nodev
		nosuid,suid -nosuid
		nodev +nodev -nosuid
		nodev,dev -nodev
		noexec +noexec
		noexec,exec -noexec
		noatime +noatime -relatime
		noatime,atime -noatime
		noatime,relatime +relatime -noatime
		noatime,norelatime -relatime
		relatime +relatime
		strictatime -relatime -noatime
		strictatime,nostrictatime +relatime
		nodiratime +nodiratime
		nodiratime,diratime -nodiratime
		nosymfollow +nosymfollow
		nosymfollow,symfollow -nosymfollow
		sync +sync
		sync,async -sync
		dirsync +dirsync
		lazytime +lazytime
		lazytime,nolazytime -lazytime
		iversion,noiversion +rw
		silent,loud +rw
		silent +rw
		defaults +rw +relatime -nosuid -nodev -noexec
		size=64k,mode=711 +size=64k +mode=711
	EOO
	prints '' '
		has() {
			line=$(awk -v p="/m/$1" "\$5 == p { print \$6 \",\" \$NF }" /proc/self/mountinfo)
			[ -n "$line" ] || echo "$1: no mount"
			case $2,,,$line, in
			+*,,*,${2#+},*) ;;
			+*) echo "$1: wanted $2: $line" ;;
			-*,,*,${2#-},*) echo "$1: wanted $2: $line" ;;
			esac
		}; '"$script"
}

@test "mounts: bind mounts take flags, and those of the source stay where nothing is said" {
	make_bundle
	host_mount -t tmpfs -o nosuid,noexec src "$WORK/src"
	add_mount /plain none "$WORK/src" bind
	add_mount /flags none "$WORK/src" bind ro nodev noatime exec
	run -0 run_script "$(flags_of /plain); $(flags_of /flags)"
	[[ ${lines[0]} == rw,nosuid,noexec,relatime* ]]
	[[ ${lines[1]} == ro,nosuid,nodev,noatime* ]]
	# A bind by its type alone is one, too.
	edit_config '.mounts |= map(select(.destination | IN("/plain", "/flags") | not))'
	add_mount /typed bind "$WORK/src" nodev
	run -0 run_script "$(flags_of /typed)"
	[[ $output == rw,nosuid,nodev,noexec,relatime* ]]
}

@test "mounts: a read-only bind cannot be written to; what is below it can, but not with rro" {
	make_bundle
	tree
	add_mount /ro none "$WORK/tree" rbind ro
	add_mount /rro none "$WORK/tree" rbind rro
	add_mount /single none "$WORK/tree" bind
	prints 'below
below' '
		for f in /ro/file /rro/file /rro/sub/file; do (echo x >$f) 2>/dev/null && echo "wrote $f"; done
		(cat /ro/sub/file && cat /rro/sub/file) || exit 1
		echo changed >/ro/sub/file || exit 2
		[ -z "$(ls /single/sub)" ] || echo "bind is recursive"'
	[ "$(cat "$WORK/tree/file")" = top ]
	[ "$(cat "$WORK/tree/sub/file")" = changed ]
}

@test "mounts: recursive options reach every mount below, and can be taken back" {
	make_bundle
	tree
	local option set script=''
	while read -r option set; do
		add_mount "/r/$option" none "$WORK/tree" rbind "${option//,/ }"
		for word in $set; do
			script+="has /r/$option $word; has /r/$option/sub $word; "
		done
	done <<-'EOO'
		rro +ro
		rro,rrw +rw
		rnosuid +nosuid
		rnosuid,rsuid -nosuid
		rnodev +nodev
		rnodev,rdev -nodev
		rnoexec +noexec
		rnoexec,rexec -noexec
		rnoatime +noatime
		rnoatime,rrelatime +relatime
		rnoatime,ratime +relatime
		rstrictatime -relatime -noatime
		rstrictatime,rnostrictatime +relatime
		rnodiratime +nodiratime
		rnodiratime,rdiratime -nodiratime
		rnosymfollow +nosymfollow
		rnosymfollow,rsymfollow -nosymfollow
		rrelatime,rnorelatime +relatime
	EOO
	prints '' '
		has() {
			line=$(awk -v p="$1" "\$5 == p { print \$6 }" /proc/self/mountinfo)
			[ -n "$line" ] || echo "$1: no mount"
			case $2,,,$line, in
			+*,,*,${2#+},*) ;;
			+*) echo "$1: wanted $2: $line" ;;
			-*,,*,${2#-},*) echo "$1: wanted $2: $line" ;;
			esac
		}; '"$script"
}

@test "mounts: recursive options override what the source has" {
	make_bundle
	tree
	mount -o remount,ro,bind,nosuid,nodev "$WORK/tree/sub"
	add_mount /r none "$WORK/tree" rbind rrw rsuid rdev
	run -0 run_script "$(flags_of /r/sub)"
	[[ $output == rw,relatime* ]]
}

@test "mounts: propagation of a bind is the one that was asked for" {
	make_bundle '.process.args = ["/bin/sleep", "1000"]'
	local kind
	host_mount -t tmpfs host "$WORK/host"
	mount --make-shared "$WORK/host"
	for kind in shared slave private unbindable; do
		add_mount "/p/$kind" none "$WORK/host" bind "$kind"
	done
	add_mount /p/none none "$WORK/host" bind
	background
	local table
	table=$(awk '$5 ~ "^/p/" { o = ""; for (i = 7; $i != "-"; i++) o = o $i " "; print $5, o }' "/proc/$(pid_of)/mountinfo")
	echo "$table"
	grep -q '^/p/shared shared:' <<<"$table"
	grep -q '^/p/slave master:' <<<"$table"
	grep -q '^/p/private $' <<<"$table"
	grep -q '^/p/unbindable unbindable' <<<"$table"
	# As the root's mounts are: what the host does comes in, nothing goes out.
	grep -Eq '^/p/none (master:[0-9]+ )?$' <<<"$table"
	# A mount of the host's comes to the shared and the slave one.
	host_mount -t tmpfs late "$WORK/host/late"
	for kind in shared slave; do
		grep -q " /p/$kind/late " "/proc/$(pid_of)/mountinfo"
	done
	run ! grep -Eq ' /p/(private|unbindable)/late ' "/proc/$(pid_of)/mountinfo"
	# One of the container's comes to the host from the shared one alone.
	mkdir "$WORK/host/out" "$WORK/host/kept"
	nsenter -t "$(pid_of)" -m -- mount -t tmpfs out /p/shared/out
	nsenter -t "$(pid_of)" -m -- mount -t tmpfs kept /p/slave/kept
	grep -q " $WORK/host/out " /proc/self/mountinfo
	run ! grep -q " $WORK/host/kept " /proc/self/mountinfo
	umount "$WORK/host/out"
}

@test "mounts: rslave and its like go through the whole tree" {
	make_bundle '.process.args = ["/bin/sleep", "1000"]'
	tree
	mount --make-rshared "$WORK/tree"
	add_mount /p/rprivate none "$WORK/tree" rbind rprivate
	add_mount /p/rslave none "$WORK/tree" rbind rslave
	add_mount /p/rshared none "$WORK/tree" rbind rshared
	add_mount /p/private none "$WORK/tree" rbind private
	background
	local table
	table=$(awk '$5 ~ "^/p/" { o = ""; for (i = 7; $i != "-"; i++) o = o $i " "; print $5, o }' "/proc/$(pid_of)/mountinfo")
	echo "$table"
	grep -q '^/p/rprivate $' <<<"$table"
	grep -q '^/p/rprivate/sub $' <<<"$table"
	grep -q '^/p/rslave/sub master:' <<<"$table"
	grep -q '^/p/rshared/sub shared:' <<<"$table"
	grep -q '^/p/private $' <<<"$table"
	run ! grep -q '^/p/private/sub $' <<<"$table"
}

@test "mounts: rootfsPropagation is that of the root" {
	local mode shown
	make_bundle
	while read -r mode shown; do
		edit_config '.linux.rootfsPropagation = $m' --arg m "$mode"
		run -0 run_script "$(flags_of /)"
		[[ " $output" == *" $shown"* ]] || { echo "$mode: $output" >&2; return 1; }
	done <<-'EOO'
		shared shared:
		rshared shared:
		unbindable unbindable
	EOO
	edit_config '.linux.rootfsPropagation = "rprivate"'
	run -0 run_script "$(flags_of /)"
	[[ $output != *shared:* && $output != *master:* ]]
	edit_config '.linux.rootfsPropagation = "sideways"'
	refused '/linux/rootfsPropagation'
}

@test "mounts: nothing that a container mounts reaches the host" {
	make_bundle '.process.args = ["/bin/sleep", "1000"] | .root.readonly = false'
	local before
	before=$(wc -l </proc/self/mountinfo)
	background
	[ "$(wc -l </proc/self/mountinfo)" -eq "$before" ]
	nsenter -t "$(pid_of)" -m -- mount -t tmpfs x /tmp
	[ "$(wc -l </proc/self/mountinfo)" -eq "$before" ]
}

@test "mounts: uidMappings and gidMappings of a mount change who owns its files" {
	make_bundle '.process.user = { uid: 1000, gid: 1001 }'
	mkdir "$WORK/data"
	echo text >"$WORK/data/file"
	chown 70000:70001 "$WORK/data" "$WORK/data/file"
	add_mount /data none "$WORK/data" bind
	edit_config '.mounts[-1] += { uidMappings: [{ containerID: 70000, hostID: 1000, size: 1 }],
		gidMappings: [{ containerID: 70001, hostID: 1001, size: 1 }] }'
	prints '1000:1001 text' 'echo $(stat -c %u:%g /data/file) $(cat /data/file); echo new >/data/new'
	[ "$(stat -c %u:%g "$WORK/data/new")" = 70000:70001 ]
	# The same as an option of the mount.
	edit_config '.mounts[-1] |= (del(.uidMappings, .gidMappings) | .options = ["bind", "idmap=uids=70000-1000-1;gids=70001-1001-1"])'
	prints '1000:1001' 'stat -c %u:%g /data/file'
}

@test "mounts: ridmap maps what is below as well, idmap the mount alone" {
	make_bundle
	tree
	chown 70000:70000 "$WORK/tree/file" "$WORK/tree/sub/file"
	local option
	for option in idmap ridmap; do
		add_mount "/$option" none "$WORK/tree" rbind "$option"
		edit_config '.mounts[-1] += { uidMappings: [{ containerID: 70000, hostID: 5, size: 1 }],
			gidMappings: [{ containerID: 70000, hostID: 6, size: 1 }] }'
	done
	prints '5:6 70000:70000
5:6 5:6' 'for d in /idmap /ridmap; do echo $(stat -c %u:%g $d/file $d/sub/file); done'
}

@test "mounts: tmpcopyup shows what the image had, and keeps changes away from it" {
	make_bundle
	local data=$BUNDLE/rootfs/data
	mkdir -m 2750 "$data"
	mkdir "$data/dir"
	echo text >"$data/dir/file"
	chmod 0640 "$data/dir/file"
	chown 0:8 "$data" "$data/dir/file"
	chmod 2750 "$data"
	ln -s dir/file "$data/link"
	add_mount /data tmpfs tmpfs tmpcopyup size=1m
	add_mount /hidden tmpfs tmpfs size=1m
	mkdir "$BUNDLE/rootfs/hidden"
	touch "$BUNDLE/rootfs/hidden/file"
	prints 'text 640 0:8 2750 0:8' '
		echo $(cat /data/link) $(stat -c "%a %u:%g" /data/dir/file) $(stat -c "%a %u:%g" /data)
		echo changed >/data/dir/file; rm /data/link; ls /hidden'
	[ "$(cat "$data/link")" = text ]
}

@test "mounts: files and folders can be bound; missing targets are made" {
	make_bundle
	mkdir "$WORK/dir"
	echo in-dir >"$WORK/dir/name"
	echo in-file >"$WORK/file"
	add_mount /new/deep/dir none "$WORK/dir" bind
	add_mount /new/deep/file none "$WORK/file" bind
	add_mount /etc/group none "$WORK/file" bind ro
	prints 'in-dir in-file in-file' 'echo $(cat /new/deep/dir/name /new/deep/file /etc/group)'
	[ "$(stat -c %F "$BUNDLE/rootfs/new/deep/file")" = 'regular empty file' ]
	[ "$(stat -c %a "$BUNDLE/rootfs/new/deep/dir")" = 755 ]
	grep -q wheel "$BUNDLE/rootfs/etc/group"
}

@test "mounts: a folder on a file, and a file on a folder, are errors that name the entry" {
	make_bundle
	mkdir "$WORK/dir"
	touch "$WORK/file"
	add_mount /etc/passwd none "$WORK/dir" bind
	refused "/mounts/7: destination '/etc/passwd': is no folder"
	edit_config 'del(.mounts[-1])'
	add_mount /etc none "$WORK/file" bind
	refused "/mounts/7: destination '/etc': is a folder"
}

@test "mounts: a relative source is below the bundle, whatever the caller's folder" {
	make_bundle
	mkdir "$BUNDLE/data"
	echo mine >"$BUNDLE/data/file"
	add_mount /data none data bind
	mkdir "$WORK/data"
	prints mine 'cat /data/file'
}

@test "mounts: are made in their order, a later one over an earlier one" {
	make_bundle
	local i
	for i in 1 2 3; do
		mkdir -p "$WORK/$i"
		echo "$i" >"$WORK/$i/file"
	done
	mkdir "$WORK/1/in"
	add_mount /a none "$WORK/1" bind
	add_mount /a/in none "$WORK/2" bind
	add_mount /b none "$WORK/2" bind
	add_mount /b none "$WORK/3" bind
	prints '1 2 3' 'echo $(cat /a/file /a/in/file /b/file)'
}

@test "mounts: links of the image in a destination stay inside the root" {
	make_bundle
	local root=$BUNDLE/rootfs
	mkdir -p "$WORK/data" "$root/real"
	echo data >"$WORK/data/file"
	ln -s /real "$root/absolute"
	ln -s ../../../../../../real "$root/climbing"
	ln -s "$WORK" "$root/outside"
	add_mount /absolute/one none "$WORK/data" bind
	add_mount /climbing/two none "$WORK/data" bind
	add_mount /outside/three none "$WORK/data" bind
	add_mount /../../../../four none "$WORK/data" bind
	prints 'data data data data' 'echo $(cat /real/one/file /real/two/file /outside/three/file /four/file)'
	[ ! -e "$WORK/three" ]
	[ -d "$root$WORK/three" ]
}

@test "mounts: copy-symlink, src-nofollow and dest-nofollow" {
	make_bundle
	echo text >"$BUNDLE/rootfs/target"
	ln -s /target "$WORK/link"
	add_mount /copied none "$WORK/link" bind copy-symlink
	prints '/target text' 'echo $(readlink /copied) $(cat /copied)'
	edit_config 'del(.mounts[-1])'
	mkdir "$WORK/data"
	touch "$WORK/data/seen"
	ln -s /etc "$BUNDLE/rootfs/there"
	add_mount /there none "$WORK/data" bind
	prints seen 'ls /etc'
	edit_config '.mounts[-1].options += ["dest-nofollow"]'
	run -1 bivalve run --bundle "$BUNDLE" "$ID"
	[[ $output == *'/mounts/7'*"'/there'"* ]]
}

@test "mounts: remount changes a mount that is there, and leaves its other flags" {
	make_bundle
	add_mount /t tmpfs tmpfs nosuid size=64k
	add_mount /t tmpfs tmpfs remount noexec size=128k
	mkdir "$WORK/data"
	add_mount /b none "$WORK/data" bind nosuid
	add_mount /b none '' bind remount ro
	run -0 run_script "$(flags_of /t); $(flags_of /b)"
	[[ ${lines[0]} == rw,nosuid,noexec,relatime*size=128k* ]]
	[[ ${lines[1]} == ro,nosuid,relatime* ]]
	# The source's own mount is not touched.
	touch "$WORK/data/writable"
}

@test "mounts: faults name the entry" {
	make_bundle
	local text destination type source options
	mkdir "$WORK/data"
	touch "$WORK/file"
	while IFS='|' read -r text destination type source options; do
		edit_config '.mounts = .mounts[0:7]'
		# shellcheck disable=SC2086 # options are words
		add_mount "$destination" "$type" "${source/WORK/$WORK}" $options
		refused "$text"
	done <<-'EOT'
		/mounts/7: mount 'nosuchfs' on '/x': No such device|/x|nosuchfs|x|
		/mounts/7: open the source|/x|none|WORK/missing|bind
		/mounts/7/options: 'size=1m' is an option of a file system|/x|none|WORK/data|bind size=1m
		/mounts/7/options: 'tmpcopyup' is for new tmpfs|/x|none|WORK/data|bind tmpcopyup
		/mounts/7: destination '/': is the container's root|/|none|WORK/data|bind
		/mounts/7: mount 'tmpfs' on '/x'|/x|tmpfs|tmpfs|nosuchoption=1
		/mounts/7: destination '/proc': is inside a procfs|/proc|none|WORK/data|bind
		/mounts/7: destination '/proc/sys': is inside a procfs|/proc/sys|none|WORK/data|bind
		/mounts/7: destination '/proc/self/status': |/proc/self/status|none|WORK/file|bind
	EOT
}

@test "mounts: known files of procfs may be replaced" {
	make_bundle
	echo 'MemTotal: 1 kB' >"$WORK/meminfo"
	add_mount /proc/meminfo none "$WORK/meminfo" bind
	prints 'MemTotal: 1 kB' 'cat /proc/meminfo'
}

@test "mounts: a read-only /dev and a read-only tmpfs are filled before they are closed" {
	make_bundle '(.mounts[] | select(.destination == "/dev")).options += ["ro"]'
	mkdir "$WORK/data"
	add_mount /t tmpfs tmpfs ro
	add_mount /t/in none "$WORK/data" bind
	prints 'null ok' '
		(touch /dev/new) 2>/dev/null && echo "wrote in /dev"
		(touch /t/new) 2>/dev/null && echo "wrote in /t"
		[ -c /dev/null ] && touch /t/in/new && echo null ok'
}
