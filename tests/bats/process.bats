#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The process object: what a program finds around itself, and why one does not start.
load helpers
load inside

@test "env: exactly that of the config, and HOME" {
	make_bundle '.process.env = ["PATH=/bin", "A=1", "B=two words", "EMPTY="]'
	CALLERS=yes prints 'A=1 B=two words EMPTY= HOME=/root PATH=/bin PWD=/ SHLVL=1' 'echo $(env | sort)'
	edit_config '.process.env = ["NOVALUE"]'
	refused '/process/env/0: must be NAME=VALUE'
}

@test "args: a bare name is looked for in the container's PATH" {
	make_bundle '.process.env = ["PATH=/none:/my"] | .process.args = ["hello", "a b", ""]'
	mkdir "$BUNDLE/rootfs/my"
	printf '#!/bin/sh\nprintf "%%s," "$0" "$@"\n' >"$BUNDLE/rootfs/my/hello"
	chmod 755 "$BUNDLE/rootfs/my/hello"
	run -0 bivalve run --bundle "$BUNDLE" "$ID"
	[ "$output" = '/my/hello,a b,,' ]
	# Without a PATH there is the usual one.
	edit_config '.process.env = [] | .process.args = ["echo", "found"]'
	run -0 bivalve run --bundle "$BUNDLE" "$ID"
	[ "$output" = found ]
	edit_config '.process.args = []'
	refused '/process/args: at least one entry is required'
	edit_config '.process.args = [""]'
	refused '/process/args/0: must not be empty'
}

# fails_to_execute CODE TEXT: `run` exits with CODE and TEXT, and so does `create` with 1.
fails_to_execute() {
	local command got code

	for command in run create; do
		code=0
		got=$(bivalve $command --bundle "$BUNDLE" "$ID" 2>&1) || code=$?
		echo "$command, $code: $got" >&2
		[ "$code" -eq "$([ $command = run ] && echo "$1" || echo 1)" ]
		[[ $got == *"$2"* ]]
	done
	nothing_left
}

@test "a program that is not there: 127, and what was looked for" {
	make_bundle
	set_args nothing-of-this-name
	fails_to_execute 127 "exec 'nothing-of-this-name': executable file not found in \$PATH"
	set_args /bin/nothing
	fails_to_execute 127 "exec '/bin/nothing': no such file or directory"
	set_args /etc/passwd/below
	fails_to_execute 127 "exec '/etc/passwd/below': no such file or directory"
	ln -s nowhere "$BUNDLE/rootfs/bin/dangling"
	set_args dangling
	fails_to_execute 127 "'dangling'"
}

@test "a missing interpreter is named, of a script and of an ELF program" {
	make_bundle
	printf '#!/usr/bin/python9 -u\n' >"$BUNDLE/rootfs/bin/script"
	chmod 755 "$BUNDLE/rootfs/bin/script"
	set_args script
	fails_to_execute 127 "exec '/bin/script': its interpreter '/usr/bin/python9': no such file or directory"
	printf '#!/bin/sh\r\necho hi\r\n' >"$BUNDLE/rootfs/bin/script"
	fails_to_execute 127 "its interpreter '/bin/sh?': no such file or directory (the first line ends in CR LF)"
	cp "$(command -v jq)" "$BUNDLE/rootfs/bin/jq" # dynamic, and there is no ld.so inside
	set_args jq
	fails_to_execute 127 "exec '/bin/jq': its interpreter '/lib"
}

@test "a program that may not be executed: 126, and why" {
	make_bundle
	set_args /etc/passwd
	fails_to_execute 126 "exec '/etc/passwd': permission denied"
	set_args /etc
	fails_to_execute 126 "exec '/etc': permission denied: is a directory"
	edit_config '.process.user.uid = 1000'
	cp "$BUNDLE/rootfs/bin/busybox" "$BUNDLE/rootfs/private"
	chmod 700 "$BUNDLE/rootfs/private"
	set_args /private
	fails_to_execute 126 "exec '/private': permission denied"
	# On a mount with noexec.
	mkdir "$WORK/data"
	cp "$(command -v busybox)" "$WORK/data/true"
	add_mount /data none "$WORK/data" bind noexec
	set_args /data/true
	fails_to_execute 126 "exec '/data/true': permission denied"
}

@test "files that are no programs: 126, and what they are" {
	make_bundle
	local text bytes
	set_args /bin/file
	while IFS='|' read -r text bytes; do
		printf '%b' "$bytes" >"$BUNDLE/rootfs/bin/file"
		chmod 755 "$BUNDLE/rootfs/bin/file"
		run -126 bivalve run --bundle "$BUNDLE" "$ID"
		[[ $output == *"exec '/bin/file': $text"* ]] || { echo "$text: $output" >&2; return 1; }
	done <<-'EOF'
		an empty file: Exec format error|
		neither an ELF program nor a script|just text
		the first line names no interpreter|#!\n
		a cut ELF file|\x7fELF\x02\x01
	EOF
	nothing_left
}

@test "a program of another architecture: 126, and which" {
	make_bundle
	set_args /bin/other
	cp "$BUNDLE/rootfs/bin/busybox" "$BUNDLE/rootfs/bin/other"
	# e_machine, at byte 18: 183 is aarch64, 62 x86_64.
	local machine=183 name=aarch64
	[ "$(uname -m)" = x86_64 ] || machine=62 name=x86_64
	# shellcheck disable=SC2059
	printf "\\x$(printf %x $machine)\\x00" | dd of="$BUNDLE/rootfs/bin/other" bs=1 seek=18 conv=notrunc status=none
	run -126 bivalve run --bundle "$BUNDLE" "$ID"
	[[ $output == *"exec '/bin/other': built for $name: Exec format error"* ]]
	nothing_left
}

@test "cwd: is where the program starts; a missing one is made, a file or a closed one is an error" {
	make_bundle '.process.cwd = "/tmp"'
	prints /tmp pwd
	edit_config '.process.cwd = "/work/new" | .root.readonly = false'
	prints /work/new pwd
	[ -d "$BUNDLE/rootfs/work/new" ]
	edit_config '.process.cwd = "/etc/passwd"'
	run -1 bivalve run --bundle "$BUNDLE" "$ID"
	[[ $output == *"/process/cwd: "*"'/etc/passwd'"* ]]
	edit_config '.process.cwd = "tmp"'
	refused "/process/cwd: 'tmp' must be an absolute path"
	edit_config 'del(.process.cwd)'
	refused '/process/cwd'
	nothing_left
}

@test "cwd: one that only the user may enter, and one that only root may" {
	make_bundle '.process.user = { uid: 1000, gid: 1001 } | .process.cwd = "/home"'
	mkdir -m 700 "$BUNDLE/rootfs/home"
	chown 1000:1001 "$BUNDLE/rootfs/home"
	prints /home pwd
	chown 5:5 "$BUNDLE/rootfs/home"
	run -0 run_script 'ls . 2>&1 || true'
	[[ $output == *'Permission denied'* || $output == *'denied'* ]]
}

@test "rlimits: every one is set, soft and hard" {
	make_bundle
	local type word
	local -A words=([AS]='Max address space' [CORE]='Max core file size' [CPU]='Max cpu time' [DATA]='Max data size'
		[FSIZE]='Max file size' [LOCKS]='Max file locks' [MEMLOCK]='Max locked memory' [MSGQUEUE]='Max msgqueue size'
		[NICE]='Max nice priority' [NOFILE]='Max open files' [NPROC]='Max processes' [RSS]='Max resident set'
		[RTPRIO]='Max realtime priority' [RTTIME]='Max realtime timeout' [SIGPENDING]='Max pending signals' [STACK]='Max stack size')
	# Within the hard limits of whoever runs this.
	local soft hard list='[]'
	for type in "${!words[@]}"; do
		hard=$(awk -v w="${words[$type]}" 'index($0, w) == 1 { sub(w, ""); print $2 }' /proc/self/limits)
		case $type in AS | DATA | STACK) want=1073741824 ;; MEMLOCK) want=65536 ;; *) want=500 ;; esac
		[ "$hard" = unlimited ] || [ "$hard" -ge $want ] || want=$hard
		soft=$((want > 4 && want < 100000 ? want - 3 : want))
		list=$(jq -c '. + [{ type: $t, soft: $s, hard: $h }]' --arg t "RLIMIT_$type" --argjson s "$soft" --argjson h "$want" <<<"$list")
	done
	edit_config '.process.rlimits = $l' --argjson l "$list"
	run -0 run_script 'cat /proc/self/limits'
	for type in "${!words[@]}"; do
		word=$(awk -v w="${words[$type]}" 'index($0, w) == 1 { sub(w, ""); print $1, $2 }' <<<"$output")
		[ "$word" = "$(jq -r '.[] | select(.type == $t) | "\(.soft) \(.hard)"' --arg t "RLIMIT_$type" <<<"$list")" ] ||
			{ echo "$type: $word" >&2; return 1; }
	done
}

@test "rlimits: exec has those of the container; they hold" {
	make_bundle '.process.rlimits = [{ type: "RLIMIT_NOFILE", soft: 10, hard: 20 }] | .process.args = ["/bin/sleep", "1000"]'
	background
	run -0 bivalve exec "$ID" /bin/sh -c 'ulimit -n; ulimit -Hn; (ulimit -n 21) 2>/dev/null || echo held'
	[ "$output" = $'10\n20\nheld' ]
	# Those of the runtime itself stay.
	[ "$(ulimit -n)" -gt 20 ]
}

@test "rlimits: faults are named" {
	make_bundle '.process.rlimits = [{ type: "RLIMIT_CORE", soft: 2, hard: 1 }]'
	refused '/process/rlimits/0/soft: 2 is above the hard limit 1'
	edit_config '.process.rlimits = [range(2) | { type: "RLIMIT_CORE", soft: 1, hard: 1 }]'
	refused '/process/rlimits/1/type: RLIMIT_CORE is given twice'
	edit_config '.process.rlimits = [{ type: "RLIMIT_NONE", soft: 1, hard: 1 }]'
	refused '/process/rlimits/0/type'
	edit_config '.process.rlimits = [{ type: "RLIMIT_CORE", soft: 1 }]'
	refused '/process/rlimits/0/hard'
}

@test "rlimits: above the caller's hard limit without CAP_SYS_RESOURCE is an error that says so" {
	make_bundle '.process.rlimits = [{ type: "RLIMIT_NOFILE", soft: 200, hard: 200 }]'
	edit_config '.process.args = ["/bin/true"]'
	run -1 setpriv --bounding-set=-sys_resource prlimit --nofile=100:100 \
		"$BIVALVE" --root "$STATE" run --bundle "$BUNDLE" "$ID"
	[[ $output == *'/process/rlimits/0: '*CAP_SYS_RESOURCE* ]]
	nothing_left
}

@test "oomScoreAdj: set, and untouched where the config has none" {
	make_bundle '.process.oomScoreAdj = 321'
	prints 321 'cat /proc/self/oom_score_adj'
	edit_config 'del(.process.oomScoreAdj) | .process.args = ["/bin/cat", "/proc/self/oom_score_adj"]'
	run -0 sh -c 'echo 123 >/proc/self/oom_score_adj; exec "$@"' sh "$BIVALVE" --root "$STATE" run --bundle "$BUNDLE" "$ID"
	[ "$output" = 123 ]
	edit_config '.process.oomScoreAdj = 1001'
	refused '/process/oomScoreAdj'
}

@test "scheduler: policy and nice value" {
	make_bundle
	# Fields 19 and 41 of stat(5): nice value and policy (0 OTHER, 3 BATCH, 5 IDLE).
	local script='awk "{ print \$19, \$41 }" /proc/self/stat'
	edit_config '.process.scheduler = { policy: "SCHED_BATCH", nice: 7 }'
	prints '7 3' "$script"
	edit_config '.process.scheduler = { policy: "SCHED_OTHER", nice: 3 }'
	prints '3 0' "$script"
	edit_config '.process.scheduler = { policy: "SCHED_IDLE" }'
	prints '0 5' "$script"
}

@test "scheduler: faults are named" {
	make_bundle
	local text scheduler
	while IFS='|' read -r text scheduler; do
		edit_config '.process.scheduler = $s' --argjson s "$scheduler"
		refused "$text"
	done <<-'EOS'
		/process/scheduler/policy|{ "policy": "SCHED_LATER" }
		/process/scheduler/policy|{ "nice": 1 }
		/process/scheduler/nice: must be from -20 to 19|{ "policy": "SCHED_OTHER", "nice": 20 }
		/process/scheduler/priority: must be from 1 to 99|{ "policy": "SCHED_FIFO" }
		/process/scheduler/priority: is only for|{ "policy": "SCHED_OTHER", "priority": 1 }
		/process/scheduler: SCHED_DEADLINE needs|{ "policy": "SCHED_DEADLINE", "runtime": 20, "deadline": 10, "period": 30 }
		/process/scheduler/flags/0|{ "policy": "SCHED_OTHER", "flags": ["SCHED_FLAG_NONE"] }
	EOS
}

@test "scheduler: real-time where the host's groups give it none is an error, not another policy" {
	[ "$(cat /sys/fs/cgroup/cpu/cpu.rt_runtime_us 2>/dev/null)" ] || skip 'needs real-time groups of cgroup v1'
	make_bundle '.process.scheduler = { policy: "SCHED_FIFO", priority: 10 }'
	refused '/process/scheduler: set policy 1'
}

@test "ioPriority" {
	make_bundle '.process.ioPriority = { class: "IOPRIO_CLASS_BE", priority: 6 }'
	prints 'best-effort: prio 6' 'ionice'
	edit_config '.process.ioPriority = { class: "IOPRIO_CLASS_IDLE", priority: 0 }'
	run -0 run_script ionice
	[[ $output == idle* ]]
	edit_config '.process.ioPriority = { class: "IOPRIO_CLASS_BE", priority: 8 }'
	refused '/process/ioPriority/priority'
	edit_config '.process.ioPriority = { class: "BEST" }'
	refused '/process/ioPriority/class'
}

@test "personality: LINUX32 shows a 32-bit machine" {
	[ "$(uname -m)" = x86_64 ] || skip 'knows the names of x86 only'
	make_bundle '.linux.personality = { domain: "LINUX32" }'
	prints i686 'uname -m'
	edit_config '.linux.personality = { domain: "LINUX" }'
	prints x86_64 'uname -m'
	edit_config '.linux.personality = { domain: "SOLARIS" }'
	refused '/linux/personality/domain'
	edit_config '.linux.personality = { domain: "LINUX", flags: ["X"] }'
	refused '/linux/personality/flags'
}

@test "noNewPrivileges: on and off" {
	make_bundle '.process.noNewPrivileges = true'
	prints 1 'sed -n "s/^NoNewPrivs:.//p" /proc/self/status'
	edit_config '.process.noNewPrivileges = false'
	prints 0 'sed -n "s/^NoNewPrivs:.//p" /proc/self/status'
}

@test "execCPUAffinity: an exec starts on initial CPUs and ends on final ones" {
	make_bundle '.process.execCPUAffinity = { initial: "0", final: "0" } | .process.args = ["/bin/sleep", "1000"]'
	background
	[ "$(awk '/^Cpus_allowed_list/ { print $2 }' "/proc/$(pid_of)/status")" = "$(awk '/^Cpus_allowed_list/ { print $2 }' /proc/self/status)" ]
	run -0 bivalve exec "$ID" /bin/sed -n 's/^Cpus_allowed_list:.//p' /proc/self/status
	[ "$output" = 0 ]
	bivalve delete --force "$ID"
	edit_config '.process.execCPUAffinity = { initial: "0-x" }'
	refused '/process/execCPUAffinity/initial'
}

@test "memoryPolicy: is set, or refused with its path" {
	make_bundle '.linux.memoryPolicy = { mode: "MPOL_INTERLEAVE", nodes: "0" }'
	if [ -e /proc/self/numa_maps ]; then
		prints 'interleave:0' "awk '{ print \$2; exit }' /proc/self/numa_maps"
	else
		refused '/linux/memoryPolicy: set mode'
	fi
	edit_config '.linux.memoryPolicy = { mode: "MPOL_BIND" }'
	refused '/linux/memoryPolicy/nodes: is required for MPOL_BIND'
	edit_config '.linux.memoryPolicy = { mode: "MPOL_SIDEWAYS" }'
	refused '/linux/memoryPolicy/mode'
}

@test "AppArmor and SELinux: an error where the host has none" {
	make_bundle '.process.apparmorProfile = "some"'
	[ -e /sys/kernel/security/apparmor ] || refused '/process/apparmorProfile'
	edit_config 'del(.process.apparmorProfile) | .process.selinuxLabel = "system_u:system_r:container_t:s0"'
	[ -e /sys/fs/selinux ] || refused '/process/selinuxLabel'
	edit_config 'del(.process.selinuxLabel) | .linux.mountLabel = "system_u:object_r:container_file_t:s0"'
	[ -e /sys/fs/selinux ] || refused '/linux/mountLabel'
}

@test "intelRdt: an error where the host has no resctrl" {
	[ ! -e /sys/fs/resctrl/schemata ] || skip 'this host has resctrl'
	make_bundle '.linux.intelRdt = { closID: "one", memBwSchema: "MB:0=50" }'
	refused '/linux/intelRdt'
}

@test "the session keyring is the container's own, but with --no-new-keyring" {
	make_bundle 'del(.linux.seccomp)'
	inside_tool rawcall
	# keyctl(KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0)
	edit_config '.process.args = ["/bin/rawcall", "250", "0", "-3", "0"]'
	run -0 bivalve run --bundle "$BUNDLE" "$ID"
	[ "$output" != ENOSYS ] || skip 'this kernel has no keyrings'
	local first=$output
	run -0 bivalve run --bundle "$BUNDLE" "$ID-other"
	[ "$output" != "$first" ]
	run -0 bivalve run --no-new-keyring --bundle "$BUNDLE" "$ID"
	first=$output
	run -0 bivalve run --no-new-keyring --bundle "$BUNDLE" "$ID-other"
	[ "$output" = "$first" ]
}
