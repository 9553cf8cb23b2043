#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Seccomp: each action, conditions, architectures, flags, new system calls, the notify listener.
# System calls are made by number (rawcall), those of x86_64.
load helpers
load inside

setup_file() {
	[ "$(uname -m)" = x86_64 ] || skip 'knows the system calls of x86_64 only'
}

# profile FILTER: a bundle that allows all but what FILTER says of .linux.seccomp.
profile() {
	make_bundle '.linux.seccomp = { defaultAction: "SCMP_ACT_ALLOW" } | .root.readonly = false'
	edit_config ".linux.seccomp |= ($1)"
	inside_tool rawcall
}

# answers EXPECTED NR ARG...: what the system call gives, or the exit code of who made it.
answers() {
	local expected=$1
	shift
	set_args /bin/rawcall "$@"
	if [[ $expected == exit* ]]; then
		run "-${expected#exit }" bivalve run --bundle "$BUNDLE" "$ID" </dev/null
	else
		run -0 bivalve run --bundle "$BUNDLE" "$ID" </dev/null
		# shellcheck disable=SC2031
		[ "$output" = "$expected" ] || { echo "$*: wanted $expected, got $output" >&2; return 1; }
	fi
}

@test "seccomp: every action does what it is called" {
	profile .
	local action ret expected
	while IFS='|' read -r action ret expected; do
		edit_config '.linux.seccomp.syscalls = [{ names: ["mkdir"], action: $a } + ($r | fromjson)]' --arg a "$action" --arg r "$ret"
		rm -rf "$BUNDLE/rootfs/new"
		answers "$expected" 83 /new 0755
		case $action in
		SCMP_ACT_ALLOW | SCMP_ACT_LOG) [ -d "$BUNDLE/rootfs/new" ] ;;
		*) [ ! -e "$BUNDLE/rootfs/new" ] ;;
		esac
	done <<-'EOA'
		SCMP_ACT_ALLOW|{}|0
		SCMP_ACT_LOG|{}|0
		SCMP_ACT_ERRNO|{}|EPERM
		SCMP_ACT_ERRNO|{ "errnoRet": 28 }|ENOSPC
		SCMP_ACT_ERRNO|{ "errnoRet": 0 }|0
		SCMP_ACT_TRACE|{}|ENOSYS
		SCMP_ACT_TRAP|{}|exit 159
		SCMP_ACT_KILL|{}|exit 159
		SCMP_ACT_KILL_THREAD|{}|exit 159
		SCMP_ACT_KILL_PROCESS|{}|exit 159
	EOA
}

@test "seccomp: the default action, and its errno" {
	make_bundle
	inside_tool rawcall
	# 165 is mount(2), which the profile of bivalve spec does not name.
	answers EPERM 165 0 0 0 0 0
	edit_config '.linux.seccomp.defaultErrnoRet = 13'
	answers EACCES 165 0 0 0 0 0
	edit_config 'del(.linux.seccomp.defaultErrnoRet) | .linux.seccomp.defaultAction = "SCMP_ACT_KILL_PROCESS"'
	answers 'exit 159' 165 0 0 0 0 0
	answers 0 102
}

@test "seccomp: the profile of bivalve spec keeps out what escapes are made of" {
	make_bundle '.process.capabilities = (["CAP_SYS_ADMIN", "CAP_SYS_MODULE", "CAP_SYS_BOOT"] | { bounding: ., permitted: ., effective: . })'
	inside_tool rawcall
	local call
	# unshare(NEWUSER), setns, bpf, keyctl, add_key, init_module, kexec_load, open_by_handle_at, userfaultfd
	for call in '272 0x10000000' '308 0 0' '321 0 0 0' '250 0 0' '248 0 0 0' '175 0 0 0' '246 0 0 0' '304 0 0 0' '323 0'; do
		# shellcheck disable=SC2086
		answers EPERM $call
	done
	# clone(NEWUSER) by its flags; clone3, whose flags no filter can read, as if it did not exist.
	answers EPERM 56 0x10000011 0 0 0 0
	answers ENOSYS 435 0 0
	# personality: only the harmless ones.
	answers EPERM 135 0x0040000
}

@test "seccomp: a system call newer than the profile answers ENOSYS, an older one as it says" {
	make_bundle
	inside_tool rawcall
	answers ENOSYS 900
	edit_config '.linux.seccomp |= (.defaultErrnoRet = 13
		| .syscalls = [{ names: ["read", "write", "execve", "exit_group", "arch_prctl", "brk", "set_tid_address",
			"set_robust_list", "rseq", "mprotect", "prlimit64", "readlink", "getrandom", "newfstatat", "mmap"], action: "SCMP_ACT_ALLOW" }])'
	# rseq is 334, the newest that is named: pidfd_send_signal is beyond, getuid (102) before it.
	answers ENOSYS 424 0 0
	answers ENOSYS 435
	answers EACCES 102
	# Where the default lets calls pass, the kernel answers.
	edit_config '.linux.seccomp |= { defaultAction: "SCMP_ACT_ALLOW", syscalls: [{ names: ["getuid"], action: "SCMP_ACT_ERRNO", errnoRet: 13 }] }'
	answers ENOSYS 900
	answers EACCES 102
}

@test "seccomp: every comparison of an argument, on all of its 64 bits" {
	profile .
	local op value two argument expected
	while read -r op value two argument expected; do
		# umask(2), 95, takes any argument and gives 022 = 18.
		edit_config '.linux.seccomp.syscalls = [{ names: ["umask"], action: "SCMP_ACT_ERRNO", errnoRet: 13,
			args: [{ index: 0, value: $v, valueTwo: $t, op: $o }] }]' --argjson v "$value" --argjson t "$two" --arg o "SCMP_CMP_$op"
		answers "$expected" 95 "$argument"
	done <<-'EOA'
		EQ 5 0 5 EACCES
		EQ 5 0 6 18
		EQ 5 0 0x100000005 18
		NE 5 0 5 18
		NE 5 0 6 EACCES
		LT 5 0 4 EACCES
		LT 5 0 5 18
		LE 5 0 5 EACCES
		LE 5 0 6 18
		GT 5 0 6 EACCES
		GT 5 0 5 18
		GT 5 0 0x100000000 EACCES
		GE 5 0 5 EACCES
		GE 5 0 4 18
		MASKED_EQ 6 2 0x3 EACCES
		MASKED_EQ 6 2 0x6 18
		MASKED_EQ 4294967296 4294967296 0x100000007 EACCES
	EOA
}

@test "seccomp: conditions on several arguments must all hold; on one argument, one of them" {
	# lseek(fd, offset, whence), 8: on /dev/null always 0.
	profile '.syscalls = [{ names: ["lseek"], action: "SCMP_ACT_ERRNO", errnoRet: 13,
		args: [{ index: 0, value: 0, op: "SCMP_CMP_EQ" }, { index: 2, value: 1, op: "SCMP_CMP_EQ" }] }]'
	answers EACCES 8 0 0 1
	answers 0 8 0 0 0
	answers 0 8 0 0 2
	edit_config '.linux.seccomp.syscalls[0].args = [1, 2 | { index: 2, value: ., op: "SCMP_CMP_EQ" }]'
	answers EACCES 8 0 0 1
	answers EACCES 8 0 0 2
	answers 0 8 0 0 0
}

@test "seccomp: an architecture that the profile does not name is kept out" {
	# Not every kernel runs them, nor every virtual machine that says it would.
	"$BIVALVE_BIN/tools/rawcall" --i386 20 >/dev/null 2>&1 || skip 'this host has no 32-bit system calls'
	make_bundle
	inside_tool rawcall
	answers ENOSYS --i386 900
	profile '.architectures = ["SCMP_ARCH_X86_64"] | .syscalls = [{ names: ["getppid"], action: "SCMP_ACT_ERRNO", errnoRet: 13 }]'
	answers EACCES 110
	answers 'exit 159' --i386 24 # getuid
	edit_config '.linux.seccomp.architectures += ["SCMP_ARCH_X86"]'
	answers 0 --i386 24
	answers EACCES --i386 64 # getppid
}

@test "seccomp: flags" {
	profile '.syscalls = [{ names: ["mkdir"], action: "SCMP_ACT_ERRNO" }]'
	local flags
	for flags in '[]' '["SECCOMP_FILTER_FLAG_LOG"]' '["SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_SPEC_ALLOW"]'; do
		edit_config '.linux.seccomp.flags = $f' --argjson f "$flags"
		answers EPERM 83 /new 0755
	done
	edit_config '.linux.seccomp.flags = ["SECCOMP_FILTER_FLAG_NONE"]'
	refused '/linux/seccomp/flags/0'
	edit_config '.linux.seccomp.flags = ["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"]'
	refused '/linux/seccomp/flags: SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV needs'
}

@test "seccomp: one filter is in force, for exec as well; without the object none" {
	profile '.syscalls = [{ names: ["mkdir"], action: "SCMP_ACT_ERRNO" }]'
	local script='echo $(sed -n "s/^Seccomp.*:.//p" /proc/self/status)'
	prints '2 1' "$script"
	edit_config '.process.args = ["/bin/sleep", "1000"]'
	background
	run -0 bivalve exec "$ID" /bin/sh -c "$script"
	[ "$output" = '2 1' ]
	run -0 bivalve exec "$ID" /bin/rawcall 83 /new 0755
	[ "$output" = EPERM ]
	bivalve delete --force "$ID"
	edit_config 'del(.linux.seccomp)'
	prints '0 0' "$script"
}

@test "seccomp: without noNewPrivileges, as root and as a user" {
	profile '.syscalls = [{ names: ["mkdir"], action: "SCMP_ACT_ERRNO", errnoRet: 13 }]'
	edit_config '.process.noNewPrivileges = false'
	answers EACCES 83 /new 0755
	edit_config '.process.user.uid = 1000'
	answers EACCES 83 /new 0755
	edit_config 'del(.process.capabilities)'
	answers EACCES 83 /new 0755
}

@test "seccomp: a profile may deny all that is needed to start; then the program fails, not silently" {
	profile '.defaultAction = "SCMP_ACT_ERRNO"'
	run ! bivalve run --bundle "$BUNDLE" "$ID"
	nothing_left
	edit_config '.linux.seccomp = { defaultAction: "SCMP_ACT_KILL_PROCESS" }'
	run ! bivalve run --bundle "$BUNDLE" "$ID"
	nothing_left
}

@test "seccomp: unknown names are passed over, or an error where that is asked for" {
	profile '.syscalls = [{ names: ["call_from_the_future", "mkdir"], action: "SCMP_ACT_ERRNO" }]'
	answers EPERM 83 /new 0755
	edit_config '.annotations = { "run.oci.seccomp_fail_unknown_syscall": "1" }'
	refused "/linux/seccomp/syscalls/0/names/0: unknown syscall 'call_from_the_future'"
}

@test "seccomp: faults are named" {
	profile .
	local text filter
	while IFS='|' read -r text filter; do
		cp "$BUNDLE/config.json" good
		edit_config ".linux.seccomp |= ($filter)"
		refused "$text"
		mv good "$BUNDLE/config.json"
	done <<-'EOF'
		/linux/seccomp/defaultAction|.defaultAction = "SCMP_ACT_SING"
		/linux/seccomp/defaultAction|del(.defaultAction)
		/linux/seccomp/defaultAction: must not be SCMP_ACT_NOTIFY|.defaultAction = "SCMP_ACT_NOTIFY"
		/linux/seccomp/architectures/0|.architectures = ["SCMP_ARCH_Z80"]
		/linux/seccomp/syscalls/0/names|.syscalls = [{ names: [], action: "SCMP_ACT_ALLOW" }]
		/linux/seccomp/syscalls/0/action|.syscalls = [{ names: ["read"] }]
		/linux/seccomp/syscalls/0/errnoRet|.syscalls = [{ names: ["read"], action: "SCMP_ACT_ALLOW", errnoRet: 1 }]
		/linux/seccomp/syscalls/0/errnoRet|.syscalls = [{ names: ["read"], action: "SCMP_ACT_ERRNO", errnoRet: 5000 }]
		/linux/seccomp/syscalls/0/args/0/index|.syscalls = [{ names: ["read"], action: "SCMP_ACT_KILL", args: [{ index: 6, value: 0, op: "SCMP_CMP_EQ" }] }]
		/linux/seccomp/syscalls/0/args/0/op|.syscalls = [{ names: ["read"], action: "SCMP_ACT_KILL", args: [{ index: 0, value: 0, op: "LIKE" }] }]
		/linux/seccomp/syscalls/1/names/0: contradicts|.syscalls = ["KILL", "ERRNO" | { names: ["mkdir"], action: ("SCMP_ACT_" + .), args: [{ index: 1, value: 0, op: "SCMP_CMP_EQ" }] }]
		/linux/seccomp/listenerPath: is required|.syscalls = [{ names: ["mkdir"], action: "SCMP_ACT_NOTIFY" }]
		/linux/seccomp/listenerMetadata: needs listenerPath|.listenerMetadata = "x"
	EOF
}

# ---- the listener ---------------------------------------------------------------------------------

# agent ANSWER: starts one on $WORK/agent.sock, with its report in "agent".
agent() {
	rm -f agent.sock
	"$(dirname "$BIVALVE")/tools/notify_agent" "$WORK/agent.sock" "$1" >agent 2>&1 3>&- &
	wait_until test -S agent.sock
}

notifying() {
	profile '.syscalls = [{ names: ["mkdir"], action: "SCMP_ACT_NOTIFY" }]
		| .listenerPath = $ENV.WORK + "/agent.sock" | .listenerMetadata = "for me \"quoted\""'
}

@test "seccomp: a listener's agent answers the calls of the program" {
	notifying
	edit_config '.annotations = { "org.test": "yes" }'
	agent EXDEV
	answers EXDEV 83 /new 0755
	wait
	[ "$(sed -n 2p agent)" = 'call 83' ]
	[ "$(wc -l <agent)" -eq 2 ]
	# The message: OCI config-linux, "The Container Process State".
	head -n 1 agent | jq -e --arg id "$ID" --arg bundle "$BUNDLE" \
		'.fds == ["seccompFd"] and .metadata == "for me \"quoted\"" and (.pid | type) == "number" and (.ociVersion | length) > 0
		and .state.id == $id and .state.bundle == $bundle and .state.status == "created"
		and .state.annotations["org.test"] == "yes" and .state.pid == .pid' >/dev/null || { head -n 1 agent >&2; return 1; }
	agent continue
	answers 0 83 /new 0755
	[ -d "$BUNDLE/rootfs/new" ]
	wait
}

@test "seccomp: create and start hand the listener on, exec one of its own" {
	notifying
	edit_config '.process.args = ["/bin/sleep", "1000"]'
	agent EXDEV
	bivalve create --bundle "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1
	bivalve start "$ID"
	wait_until test -s agent
	[ "$(head -n 1 agent | jq .pid)" = "$(pid_of)" ]
	mv agent first
	agent EMLINK
	run -0 bivalve exec "$ID" /bin/rawcall 83 /new 0755
	[ "$output" = EMLINK ]
	wait_until grep -q 'call 83' agent
	[ "$(head -n 1 agent | jq -r .state.status)" = running ]
	[ "$(head -n 1 agent | jq .state.pid)" = "$(pid_of)" ]
	[ "$(head -n 1 agent | jq .pid)" != "$(pid_of)" ]
	bivalve delete --force "$ID"
	wait
}

@test "seccomp: with a listener, calls that the hand-over itself makes may be notified as well" {
	notifying
	edit_config '.linux.seccomp.syscalls[0].names += ["sendmsg", "execve", "capset", "prctl", "close", "futex"]'
	agent continue
	answers 0 83 /new 0755
	wait
	grep -q 'call 59' agent
}

@test "seccomp: no agent, or one that is not a socket: an error that names the path" {
	notifying
	refused "/linux/seccomp/listenerPath: connect to '$WORK/agent.sock'"
	touch agent.sock
	refused "/linux/seccomp/listenerPath: connect to '$WORK/agent.sock'"
}
