#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The known ways out of containers, tried. Each test ends with a look at what is outside: a folder of
# the host, the runtime's binary (a copy, in case that it does not hold), and /proc and /dev.
# shellcheck disable=SC2030,SC2031
load helpers


eval "$(declare -f setup | sed '1s/setup/base_setup/')"
eval "$(declare -f teardown | sed '1s/teardown/base_teardown/')"

setup() {
	base_setup
	TOOLS=$(dirname "$BIVALVE")/tools
	OUTSIDE=$WORK/outside
	export TOOLS OUTSIDE
	cp "$BIVALVE" "$WORK/bivalve"
	BIVALVE=$WORK/bivalve
	mkdir "$OUTSIDE"
	echo "the host's secret" >"$OUTSIDE/secret"
	printf 'root:x:0:0::/:/bin/sh\nhostuser:x:4242:4242::/host/home:/bin/sh\n' >"$OUTSIDE/passwd"
	chmod 600 "$OUTSIDE/secret"
	outside >"$WORK/outside.before"
}

# Everything that an attack would change.
outside() {
	find "$OUTSIDE" -printf '%p %y %m %U %G %s %T@\n' | sort
	sha256sum "$OUTSIDE"/* "$WORK/bivalve"
	cat /proc/sys/kernel/core_pattern /proc/sys/net/ipv4/ip_forward /proc/self/oom_score_adj
	stat -c '%n %F %t %T %a %u %g' /dev/null /dev/console /dev/ptmx /dev/tty 2>/dev/null || true
	grep -F -- "$WORK" /proc/self/mountinfo || true
}

teardown() {
	local failed=0

	outside >"$WORK/outside.after"
	diff "$WORK/outside.before" "$WORK/outside.after" || failed=1
	base_teardown || failed=1
	return $failed
}

# refused CODE TEXT COMMAND...: it fails in good time, with CODE and one clear line.
refused() {
	local code=$1 text=$2

	shift 2
	run "-$code" timeout -k 1 10 "$BIVALVE" --root "$STATE" "$@"
	echo "$output"
	[ "${#lines[@]}" -eq 1 ]
	[[ $output == bivalve:\ * ]]
	[[ $output == *"$text"* ]]
	[[ $output != *[[:cntrl:]]* ]]
}

# Both in one: made, run, and nothing left of it.
run_refused() {
	local code=$1 text=$2

	refused "$code" "$text" run --bundle "$BUNDLE" "$ID"
	nothing_left
}

# As `run`, whatever the exit code is; bats warns of 127.
run_any() {
	status=0
	output=$(timeout -k 1 10 "$BIVALVE" --root "$STATE" "$@" 2>&1) || status=$?
	mapfile -t lines < <(printf %s "$output")
}

without_mount() {
	edit_config '.mounts |= map(select(.destination != $dest)) | .linux.maskedPaths = [] | .linux.readonlyPaths = []' \
		--arg dest "$1"
}

# ---- CVE-2019-5736: the runtime's binary, through /proc/PID/exe ------------------------------------

# not_the_runtime TEXT COMMAND...: 126, or 127 where the runtime has an interpreter that the image lacks.
not_the_runtime() {
	run_any "${@:2}"
	echo "$status: $output"
	[ "$status" -eq 126 ] || [ "$status" -eq 127 ]
	[ "${#lines[@]}" -eq 1 ]
	[[ $output == "bivalve: $1"* ]]
}

@test "escape: /proc/self/exe as the program is not the runtime" {
	local name

	make_bundle
	printf '#!/proc/self/exe --version\n' >"$BUNDLE/rootfs/bin/loop"
	chmod 755 "$BUNDLE/rootfs/bin/loop"
	ln -s /proc/self/exe "$BUNDLE/rootfs/bin/me"
	for name in /proc/self/exe /proc/1/exe /bin/loop /bin/me; do
		set_args $name --version
		not_the_runtime "exec '$name'" run --bundle "$BUNDLE" "$ID"
		nothing_left
	done
}

@test "escape: exec of /proc/self/exe is not the runtime" {
	local name

	start_sleeper
	printf '#!/proc/self/exe\n' >"$BUNDLE/rootfs/bin/loop"
	chmod 755 "$BUNDLE/rootfs/bin/loop"
	ln -s /proc/self/exe "$BUNDLE/rootfs/bin/me"
	for name in /proc/self/exe /proc/thread-self/exe /bin/loop /bin/me; do
		not_the_runtime "exec '$name'" exec "$ID" $name --version
	done
	# The one that is there already is a plain program of the image.
	run -0 bivalve exec "$ID" readlink /proc/1/exe
	[ "$output" = /bin/busybox ]
}

# watched FILTER: a process in the container watches while others are executed in it.
watched() {
	local n

	make_bundle '.process.args = ["/bin/hostile", "watch", "60000", $secret]' --arg secret "$OUTSIDE/secret"
	edit_config "$1"
	cp "$TOOLS/hostile" "$BUNDLE/rootfs/bin"
	bivalve run --detach --bundle "$BUNDLE" "$ID" </dev/null >seen 2>&1
	wait_until grep -q watching seen
	for ((n = 0; n < 40; n++)); do
		timeout 5 "$BIVALVE" --root "$STATE" exec "$ID" /bin/true
	done
	bivalve delete --force "$ID"
	sort -u seen
	run ! grep -e reached -e overwrote seen
}

@test "escape: a process that watches exec sees no file of the host" {
	watched .
	run ! grep opened seen
}

@test "escape: nor one with CAP_SYS_PTRACE; it sees a sealed copy of the runtime" {
	watched '.process.capabilities |= map_values(. + ["CAP_SYS_PTRACE"])'
	run ! grep -F "$BIVALVE" seen
}

@test "escape: nor one with every capability but CAP_SYS_ADMIN, in its own user namespace" {
	chmod 755 "$WORK"
	watched '.linux.namespaces += [{"type": "user"}]
		| .linux.uidMappings = [{"containerID": 0, "hostID": 100000, "size": 65536}]
		| .linux.gidMappings = .linux.uidMappings
		| .process.capabilities |= map_values(. + ["CAP_SYS_PTRACE", "CAP_DAC_OVERRIDE", "CAP_CHOWN",
			"CAP_SETUID", "CAP_SETGID", "CAP_MKNOD", "CAP_NET_ADMIN", "CAP_SYS_CHROOT"])'
	run ! grep -F "$BIVALVE" seen
}

# ---- CVE-2024-21626: descriptors of the runtime, and the working directory -------------------------

@test "escape: a working directory through a descriptor of the runtime is refused" {
	local n

	make_bundle '.process.args = ["/bin/pwd"]'
	for ((n = 3; n < 21; n++)); do
		edit_config '.process.cwd = "/proc/self/fd/'$n'"'
		run_refused 1 /process/cwd: 7</ 8<"$OUTSIDE"
	done
	edit_config '.process.cwd = "/proc/self/fd/8/.."'
	run_refused 1 /process/cwd 8<"$OUTSIDE"
	# Handed on by the caller, it is there, but the working directory it is not.
	edit_config '.process.cwd = "/proc/self/fd/8"'
	refused 1 "is outside of the container" run --preserve-fds 6 --bundle "$BUNDLE" "$ID" \
		3</ 4</ 5</ 6</ 7</ 8<"$OUTSIDE"
}

@test "escape: exec --cwd through a descriptor of the runtime is refused" {
	local n

	start_sleeper
	for ((n = 3; n < 21; n++)); do
		refused 255 /process/cwd: exec --cwd "/proc/self/fd/$n" "$ID" /bin/pwd \
			7</ 8<"$OUTSIDE"
	done
	ln -s /proc/self/fd/8 "$BUNDLE/rootfs/door"
	refused 255 /process/cwd: exec --cwd /door "$ID" /bin/pwd 8<"$OUTSIDE"
}

@test "escape: no descriptor but 0, 1, 2 is open in a program, an exec or a hook" {
	make_bundle '.process.args = ["/bin/hostile", "fds"]
		| .hooks.startContainer = [{"path": "/bin/sh", "args": ["sh", "-c", "/bin/hostile fds >/hook"]}]
		| .root.readonly = false'
	cp "$TOOLS/hostile" "$BUNDLE/rootfs/bin"
	run -0 bivalve run --bundle "$BUNDLE" "$ID" 7</ 8<"$OUTSIDE"
	[ "$(cut -d ' ' -f 1 <<<"$output" | xargs)" = "0 1 2" ]
	[ "$(cut -d ' ' -f 1 "$BUNDLE/rootfs/hook" | xargs)" = "0 1 2" ]
	edit_config '.process.args = ["/bin/sleep", "1000"]'
	start_sleeper
	run -0 bivalve exec "$ID" /bin/hostile fds 7</ 8<"$OUTSIDE"
	[ "$(cut -d ' ' -f 1 <<<"$output" | xargs)" = "0 1 2" ]
}

# ---- CVE-2025-31133, 52565, 52881: what masks, consoles and procfs writes are made of --------------

@test "escape: the image's /dev/null is no mask" {
	make_bundle '.process.args = ["/bin/cat", "/proc/keys"]'
	without_mount /dev
	without_mount /dev/pts
	without_mount /dev/shm
	without_mount /dev/mqueue
	edit_config '.linux.maskedPaths = ["/proc/keys", "/masked"]'
	echo visible >"$BUNDLE/rootfs/masked"
	ln -s /proc/sys/kernel/core_pattern "$BUNDLE/rootfs/dev/null"
	run_refused 1 "make '/dev/null': something else is there"
	# A device of the caller's own choice at that name is no mask either.
	rm "$BUNDLE/rootfs/dev/null"
	mknod "$BUNDLE/rootfs/dev/null" c 1 3
	edit_config '.process.args = ["/bin/sh", "-c", "cat /proc/keys /masked; stat -c %t:%T /masked"]'
	run -0 bivalve run --bundle "$BUNDLE" "$ID"
	[ "$output" = 1:3 ]
}

@test "escape: masked and read-only paths that are links lead nowhere outside" {
	make_bundle '.process.args = ["/bin/true"]
		| .linux.maskedPaths = ["/way/secret", "/up/secret", "/chain/secret"] | .linux.readonlyPaths = ["/way", "/up"]'
	ln -s "$OUTSIDE" "$BUNDLE/rootfs/way"
	ln -s ../../../../../../../../../../../../.."$OUTSIDE" "$BUNDLE/rootfs/up"
	ln -s way "$BUNDLE/rootfs/chain"
	bivalve run --bundle "$BUNDLE" "$ID"
	nothing_left
}

@test "escape: /dev, /dev/console, /dev/pts, /dev/ptmx of an image are not followed" {
	local name

	make_bundle '.process.args = ["/bin/sh", "-c", ": >>/dev/console"] | .process.terminal = true'
	for name in /dev /dev/pts /dev/shm /dev/mqueue; do
		without_mount "$name"
	done
	"$TOOLS/recvfd" sock copy >console 2>&1 3>&- &
	local receiver=$!
	wait_until test -S sock
	ln -s /proc/sys/kernel/core_pattern "$BUNDLE/rootfs/dev/console"
	refused 1 /dev create --console-socket sock --bundle "$BUNDLE" "$ID"
	edit_config '.mounts += [{"destination": "/dev/pts", "type": "devpts", "source": "devpts", "options": ["newinstance", "ptmxmode=0666"]}]'
	refused 1 "'/dev/console' is a link or folder" create --console-socket sock --bundle "$BUNDLE" "$ID"
	kill $receiver
	wait $receiver || true
	# The whole of /dev elsewhere: what is made, is made inside.
	rm -rf "$BUNDLE/rootfs/dev" sock
	ln -s "$OUTSIDE" "$BUNDLE/rootfs/dev"
	edit_config '.process.terminal = false'
	run_any run --bundle "$BUNDLE" "$ID"
	echo "$output"
	[ "${#lines[@]}" -le 1 ]
}

@test "escape: a /proc that is none is not mounted, and nothing is written to it" {
	local type

	make_bundle '.process.args = ["/bin/true"] | .linux.sysctl = {"net.ipv4.ip_forward": "1"}
		| .process.oomScoreAdj = 777'
	mkdir -p "$WORK/fake/sys/net/ipv4" "$WORK/fake/self/attr" "$WORK/fake/1"
	echo planted >"$WORK/fake/sys/net/ipv4/ip_forward"
	echo planted | tee "$WORK/fake/self/oom_score_adj" >"$WORK/fake/1/oom_score_adj"
	without_mount /proc
	cp -a "$WORK/fake/." "$BUNDLE/rootfs/proc/"
	bivalve run --bundle "$BUNDLE" "$ID"
	[ "$(cat "$BUNDLE/rootfs/proc/sys/net/ipv4/ip_forward" "$BUNDLE/rootfs/proc/self/oom_score_adj" | uniq)" = planted ]
	edit_config '.mounts += [{"destination": "/proc", "type": "bind", "source": "'"$WORK"'/fake", "options": ["rbind"]}]'
	run_refused 1 "destination '/proc': only a procfs"
	for type in tmpfs sysfs; do
		edit_config '.mounts[-1] = {"destination": "/proc", "type": "'$type'", "source": "x"}'
		run_refused 1 "destination '/proc': only a procfs"
	done
	edit_config '.mounts[-1].destination = "/./proc//"'
	run_refused 1 "only a procfs"
	grep -q planted "$WORK/fake/sys/net/ipv4/ip_forward"
}

@test "escape: sysctls are written where the kernel keeps them, whatever is mounted" {
	make_bundle '.process.args = ["/bin/cat", "/proc/sys/net/ipv4/ip_forward", "/proc/sys/kernel/msgmax"]
		| .linux.sysctl = {"net.ipv4.ip_forward": "1", "kernel.msgmax": "9999"}'
	run -0 bivalve run --bundle "$BUNDLE" "$ID"
	[ "$output" = $'1\n9999' ]
	edit_config '.linux.sysctl = {"net.ipv4/../../kernel/core_pattern": "|/x"}'
	run_refused 1 "/linux/sysctl/net.ipv4/../../kernel/core_pattern"
	edit_config '.linux.sysctl = {"kernel.core_pattern": "|/x"}'
	run_refused 1 "/linux/sysctl/kernel.core_pattern"
}

# ---- CVE-2019-16884, 2023-27561: over, into and instead of /proc and /sys ---------------------------

@test "escape: no volume goes over a part of /proc, however it is spelt" {
	local dest

	make_bundle '.process.args = ["/bin/true"] | .mounts += [{}]'
	mkdir -p "$WORK/volume"
	ln -s /proc "$BUNDLE/rootfs/link"
	ln -s /proc/sys "$BUNDLE/rootfs/way"
	for dest in /proc/sys /proc/self/attr /proc/1 /link/sys /way/kernel /bin/../proc/sys /../../proc/sys/kernel; do
		edit_config '.mounts[-1] = {"destination": $dest, "type": "bind", "source": "'"$WORK"'/volume", "options": ["bind"]}' \
			--arg dest $dest
		run_refused 1 "destination '$dest'"
	done
	edit_config '.mounts[-1] = {"destination": "/proc/self/attr/exec", "type": "bind", "source": "'"$OUTSIDE"'/secret", "options": ["bind"]}'
	run_refused 1 "is inside a procfs"
	edit_config '.mounts[-1].destination = "/"'
	run_refused 1 "destination '/'"
}

@test "escape: /proc and /sys that are links are refused" {
	local name

	for name in proc sys; do
		rm -rf "$BUNDLE"
		make_bundle '.process.args = ["/bin/true"]'
		rmdir "$BUNDLE/rootfs/$name"
		mkdir "$BUNDLE/rootfs/elsewhere"
		ln -s elsewhere "$BUNDLE/rootfs/$name"
		run_refused 1 "destination '/$name': must be an ordinary folder"
		ln -sfn "$OUTSIDE" "$BUNDLE/rootfs/$name"
		run_refused 1 "destination '/$name'"
		ln -sfn ../../../../../../../../.. "$BUNDLE/rootfs/$name"
		run_refused 1 "destination '/$name'"
		ln -sfn $name "$BUNDLE/rootfs/$name"
		run_refused 1 "destination '/$name'"
	done
}

# ---- CVE-2021-30465: a target that changes while it is mounted on ---------------------------------

@test "escape: a mount target that is exchanged for a link all the time never leaves the root" {
	local i swapper

	make_bundle '.process.args = ["/bin/true"]
		| .mounts += [{"destination": "/vol/new/sub", "type": "bind", "source": "'"$WORK"'/volume", "options": ["bind"]},
			{"destination": "/vol/tmp", "type": "tmpfs", "source": "tmpfs"}]
		| .linux.maskedPaths += ["/vol/secret"] | .linux.devices = [{"path": "/vol/dev/null", "type": "c", "major": 1, "minor": 3}]'
	mkdir -p "$WORK/volume" "$BUNDLE/rootfs/vol"
	ln -s "$(printf '../%.0s' {1..20})$OUTSIDE" "$BUNDLE/rootfs/trap"
	"$TOOLS/hostile" swap "$BUNDLE/rootfs/vol" "$BUNDLE/rootfs/trap" 3>&- &
	swapper=$!
	for ((i = 0; i < 60; i++)); do
		timeout 10 "$BIVALVE" --root "$STATE" run --bundle "$BUNDLE" "$ID" >>log 2>&1 || true
	done
	kill $swapper
	wait $swapper || true
	sort log | uniq -c
	[ "$(outside)" = "$(cat "$WORK/outside.before")" ]
	nothing_left
}

@test "escape: nor does a part of its path, nor /dev/console" {
	local i swapper

	make_bundle '.process.args = ["/bin/true"]
		| .mounts += [{"destination": "/a/b/c", "type": "bind", "source": "'"$WORK"'/volume", "options": ["bind"]}]'
	mkdir -p "$WORK/volume" "$BUNDLE/rootfs/a/b" "$WORK/bundle/rootfs/a/x"
	without_mount /dev
	ln -s "$OUTSIDE" "$BUNDLE/rootfs/a/trap"
	touch "$BUNDLE/rootfs/dev/console"
	"$TOOLS/hostile" swap "$BUNDLE/rootfs/a/b" "$BUNDLE/rootfs/a/trap" 3>&- &
	swapper=$!
	for ((i = 0; i < 40; i++)); do
		timeout 10 "$BIVALVE" --root "$STATE" run --bundle "$BUNDLE" "$ID" >>log 2>&1 || true
	done
	kill $swapper
	wait $swapper || true
	sort log | uniq -c
	[ "$(outside)" = "$(cat "$WORK/outside.before")" ]
	nothing_left
}

# ---- CVE-2022-29162: inheritable capabilities ------------------------------------------------------

@test "escape: nobody gets inheritable capabilities that were not asked for" {
	sleeper
	cp "$TOOLS/hostile" "$BUNDLE/rootfs/bin"
	edit_config '.process.args = ["/bin/hostile", "inheritable"]'
	run -0 bivalve run --bundle "$BUNDLE" "$ID"
	[[ $output == *CapInh:*0000000000000000*CapAmb:*0000000000000000* ]]
	edit_config '.process.args = ["/bin/sleep", "1000"]'
	start_sleeper
	run -0 bivalve exec "$ID" /bin/hostile inheritable
	[[ $output == *CapInh:*0000000000000000*CapAmb:*0000000000000000* ]]
	run -0 bivalve exec --cap CAP_KILL --cap net_raw "$ID" /bin/hostile inheritable
	[[ $output == *CapInh:*0000000000000000*CapAmb:*0000000000000000* ]]
}

# ---- the root itself --------------------------------------------------------------------------------

@test "escape: a rootfs that is a link is the caller's; a bad one is one clear line" {
	make_bundle '.process.args = ["/bin/ls", "/"]'
	mv "$BUNDLE/rootfs" "$WORK/real"
	ln -s "$WORK/real" "$BUNDLE/rootfs"
	run -0 bivalve run --bundle "$BUNDLE" "$ID"
	[[ $output == *bin*proc* ]]
	[[ $output != *outside* ]]
	ln -sfn rootfs "$BUNDLE/rootfs"
	run_refused 1 /root/path
	ln -sfn /nowhere "$BUNDLE/rootfs"
	run_refused 1 /root/path
	rm "$BUNDLE/rootfs"
	touch "$BUNDLE/rootfs"
	run_refused 1 /root/path
	rm "$BUNDLE/rootfs"
	mkfifo "$BUNDLE/rootfs"
	run_refused 1 /root/path
}

@test "escape: .. from the root of a container stays in it" {
	make_bundle '.process.args = ["/bin/sh", "-c", "cd / && cd ../../../../.. && ls; ls /proc/1/root/; ls /proc/self/cwd/../.."]'
	run -0 bivalve run --bundle "$BUNDLE" "$ID"
	[[ $output != *outside* ]]
	[[ $output != *bundle* ]]
}

# ---- accounts of a hostile image ------------------------------------------------------------------

# accounts: every kind of bad file at NAME, tried by COMMAND.
accounts() {
	local file=$1
	shift

	rm -f "$file"
	mkfifo "$file"
	"$@" fifo
	rm "$file"
	truncate -s 4G "$file"
	"$@" huge
	rm "$file"
	ln -s "$(printf '../%.0s' {1..20})$OUTSIDE/passwd" "$file"
	"$@" link
	ln -sf /proc/self/environ "$file"
	"$@" proc
	rm "$file"
	mkdir "$file"
	"$@" folder
	rmdir "$file"
	mknod "$file" c 1 5
	"$@" device
	rm "$file"
	head -c 100000 /dev/urandom >"$file"
	"$@" noise
	rm "$file"
}

home_of_1000() {
	run_any run --bundle "$BUNDLE" "$ID"
	echo "$1: $status: $output"
	[ "$output" = HOME=/ ]
}

user_by_name() {
	refused 1 "" run --rootfs "$BUNDLE/rootfs" --user hostuser "$ID" -- /bin/id
}

@test "escape: HOME from a hostile /etc/passwd" {
	make_bundle '.process.args = ["/bin/sh", "-c", "echo HOME=$HOME"] | .process.user = {"uid": 4242, "gid": 4242}
		| .process.env = ["PATH=/bin"]'
	accounts "$BUNDLE/rootfs/etc/passwd" home_of_1000
	# A name with what a shell or a terminal would take for its own is passed on as it is.
	printf 'x:x:4242:4242::/$(id)`id`;\n' >"$BUNDLE/rootfs/etc/passwd"
	run -0 bivalve run --bundle "$BUNDLE" "$ID"
	[ "$output" = 'HOME=/$(id)`id`;' ]
}

@test "escape: --user by name from a hostile /etc/passwd and /etc/group" {
	make_bundle
	accounts "$BUNDLE/rootfs/etc/passwd" user_by_name
	echo 'hostuser:x:99999999999:0::/:/bin/sh' >"$BUNDLE/rootfs/etc/passwd"
	user_by_name
	echo 'hostuser:x:4294967295:0::/:/bin/sh' >"$BUNDLE/rootfs/etc/passwd"
	user_by_name
	echo 'hostuser:x:-1:0::/:/bin/sh' >"$BUNDLE/rootfs/etc/passwd"
	user_by_name
	echo 'hostuser:x:5:6::/:/bin/sh' >"$BUNDLE/rootfs/etc/passwd"
	rm "$BUNDLE/rootfs/etc/group"
	ln -s "$OUTSIDE/passwd" "$BUNDLE/rootfs/etc/group"
	refused 1 "no group 'hostuser'" run --rootfs "$BUNDLE/rootfs" --user hostuser:hostuser "$ID" -- /bin/id
	nothing_left
}

# ---- programs of a hostile image --------------------------------------------------------------------

@test "escape: a program that is a FIFO, folder, device or socket is refused at once" {
	make_bundle
	mkfifo -m 755 "$BUNDLE/rootfs/bin/fifo"
	mkdir "$BUNDLE/rootfs/bin/folder"
	mknod -m 755 "$BUNDLE/rootfs/bin/device" c 1 5
	local name
	for name in fifo folder device; do
		set_args "/bin/$name"
		run_refused 126 "exec '/bin/$name'"
	done
	set_args fifo
	run_refused 126 "exec '/bin/fifo'"
	start_sleeper_beside
	for name in fifo folder device; do
		refused 126 "exec '/bin/$name'" exec "$ID" "/bin/$name"
	done
}

start_sleeper_beside() {
	edit_config '.process.args = ["/bin/sleep", "1000"]'
	bivalve run --detach --bundle "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1
}

@test "escape: ELF files that lie are refused in one clean line" {
	local kind

	make_bundle
	for kind in text far wide many none nowhere open short empty; do
		"$TOOLS/hostile" elf $kind >"$BUNDLE/rootfs/bin/evil"
		chmod 755 "$BUNDLE/rootfs/bin/evil"
		set_args /bin/evil
		run_any run --bundle "$BUNDLE" "$ID"
		echo "$kind: $status: $output"
		# The kernel takes some and kills the process: 128 + signal.
		[ "$status" -eq 126 ] || [ "$status" -eq 127 ] || [ "$status" -gt 128 ]
		[ "${#lines[@]}" -le 1 ]
		[[ $output != *[[:cntrl:]]* ]]
	done
	nothing_left
}

@test "escape: #! lines that lie are refused in one clean line" {
	local line

	make_bundle
	set_args /bin/evil
	for line in '#!' '#! ' '#!\n' '#!/no\033[31mwhere\n' '#!/bin/sh\r\n' '#!/bin/evil\n' '#!\0/bin/sh\n' \
		'#!/bin\n' "#!/$(printf 'x%.0s' {1..4000})\n" '#!/proc/self/fd/3\n' '#!/dev/fd/8\n'; do
		# shellcheck disable=SC2059 # the line has escapes
		printf "$line" >"$BUNDLE/rootfs/bin/evil"
		chmod 755 "$BUNDLE/rootfs/bin/evil"
		run_any run --bundle "$BUNDLE" "$ID" 8<"$OUTSIDE/secret"
		echo "$line: $status: $output"
		[ "$status" -eq 126 ] || [ "$status" -eq 127 ]
		[ "${#lines[@]}" -eq 1 ]
		[[ $output != *[[:cntrl:]]* ]]
	done
	nothing_left
}

# ---- too much of everything ---------------------------------------------------------------------------

@test "escape: environments and arguments that are too large are refused in one line" {
	make_bundle '.process.args = ["/bin/true"]'
	edit_config '.process.env += [range(10000) | "V\(.)=\("x" * 90)"]'
	bivalve run --bundle "$BUNDLE" "$ID"
	edit_config '.process.env = ["PATH=/bin", "LONG=" + ("x" * 200000)]'
	run_refused 126 "exec '/bin/true': Argument list too long"
	edit_config '.process.env = ["PATH=" + (":/nowhere" * 12000) + ":/bin"] | .process.args = ["true"]'
	bivalve run --bundle "$BUNDLE" "$ID"
	edit_config '.process.env = ["PATH=" + ("/x" * 60000)]'
	run_refused 127 "exec 'true'"
	edit_config '.process.env = [] | .process.args = ["/bin/true", (range(300000) | "x")]'
	run_any run --bundle "$BUNDLE" "$ID"
	[ "${#lines[@]}" -le 1 ]
	jq -n '[range(900000) | "aaaaaaaa"]' >"$BUNDLE/config.json"
	run_refused 1 config.json
}
