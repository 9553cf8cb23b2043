#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What podman with conmon, containerd, Docker and buildah do, in their own words: the arguments are
# those of traced runs. Then what they read back.
# shellcheck disable=SC2030,SC2031
load helpers

eval "$(declare -f setup | sed '1s/setup/base_setup/')"

setup() {
	base_setup
	TOOLS=${BIVALVE%/*}/tools
	# As callers' ids are: 64 hexadecimal digits.
	LONG=$(printf '%s' "$ID" | sha256sum | cut -d ' ' -f 1)
	U=$WORK/userdata
	mkdir -p "$U"
}

own_cgroups() {
	compgen -G "/sys/fs/cgroup/*/*/*$LONG*" || true
	find /sys/fs/cgroup -maxdepth 4 -type d -name "*$ID*" 2>/dev/null || true
}

# What several callers have in common: values that mean unset, NOFILE and NPROC, device rules.
caller_bundle() {
	make_bundle '.ociVersion = "1.0.2-dev" | .process.args = $args | .process.oomScoreAdj = 200
		| .process.user = {"uid": 0, "gid": 0, "umask": 18, "additionalGids": [10]}
		| .process.rlimits = [{"type": "RLIMIT_NOFILE", "hard": 1024, "soft": 1024}, {"type": "RLIMIT_NPROC", "hard": 1024, "soft": 1024}]
		| .linux.cgroupsPath = $group
		| .linux.resources = {"devices": [{"allow": false, "access": "rwm"},
			{"allow": true, "type": "c", "major": 1, "minor": 3, "access": "rwm"},
			{"allow": true, "type": "c", "major": 136, "access": "rwm"}],
			"memory": {"disableOOMKiller": false}, "cpu": {"shares": 0}, "blockIO": {"weight": 0}, "pids": {"limit": 2048}}
		| .linux.seccomp.architectures = ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"]' \
		--arg group "$1" --argjson args "$2"
}

remove_parent() {
	rmdir "/sys/fs/cgroup/"*"/$1" 2>/dev/null || true
}

gone() {
	[ ! -e "/proc/$1/root" ] || grep -q '^State:.[ZX]' "/proc/$1/status"
}

# ---- podman and conmon -------------------------------------------------------------------------------

@test "podman: create, start, exec, stop and delete, as conmon and podman say them" {
	local pid

	caller_bundle "/bats-libpod-$$/libpod-$LONG" '["/bin/sh", "-c", "trap \"exit 5\" TERM; echo up; while :; do sleep 0.05; done"]'
	_OCI_SYNCPIPE=3 _OCI_STARTPIPE=4 XDG_RUNTIME_DIR='' bivalve --log-format=json --log "$U/oci-log" \
		create --bundle "$BUNDLE" --pid-file "$U/pidfile" "$LONG" </dev/null >out 2>&1
	pid=$(<"$U/pidfile")
	[ -d "/sys/fs/cgroup/pids/bats-libpod-$$/libpod-$LONG" ] || [ -d "/sys/fs/cgroup/bats-libpod-$$/libpod-$LONG" ]
	[ "$(cat "/proc/$pid/oom_score_adj")" = 200 ]
	bivalve start "$LONG"
	wait_until grep -q up out
	# conmon: exec with a Process file, as a detached process that it waits for.
	echo '{"args": ["/bin/sh", "-c", "exit 3"], "cwd": "/", "env": ["PATH=/bin"], "user": {"uid": 0, "gid": 0}}' >"$U/exec-process-1"
	XDG_RUNTIME_DIR='' bivalve --log-format=json --log "$U/oci-log" exec --pid-file "$U/exec_pid" \
		--process "$U/exec-process-1" --detach "$LONG" </dev/null
	[ "$(<"$U/exec_pid")" -gt 1 ]
	[ ! -s "$U/oci-log" ]
	bivalve pause "$LONG"
	bivalve resume "$LONG"
	bivalve kill "$LONG" 1
	bivalve kill "$LONG" 15
	wait_until gone "$pid"
	bivalve delete --force "$LONG"
	remove_parent "bats-libpod-$$"
}

@test "podman: an error is one JSON object in a file of its own, with the words that it looks for" {
	local name words

	caller_bundle "/$ID" '["/nowhere"]'
	touch "$BUNDLE/rootfs/bin/plain"
	while IFS='|' read -r name words; do
		edit_config '.process.args = [$name]' --arg name "$name"
		rm -f "$U/oci-log"
		run ! bivalve --log-format=json --log "$U/oci-log" create --bundle "$BUNDLE" --pid-file "$U/pidfile" "$LONG"
		# It decodes the whole file as one object.
		jq -se 'length == 1 and .[0].level == "error"' "$U/oci-log"
		jq -r .msg "$U/oci-log" | grep -Eiq "$words"
	done <<-END
		/nowhere|no such file or directory
		nowhere|executable file not found in
		/bin/plain|permission denied
		/bin|permission denied
	END
	[ ! -e "$U/pidfile" ]
	edit_config '.process.args = ["/bin/sleep", "1000"]'
	start_sleeper "$LONG"
	rm -f "$U/oci-log"
	echo '{"args": ["nowhere"], "cwd": "/", "user": {"uid": 0, "gid": 0}}' >"$U/process"
	run ! bivalve --log-format=json --log "$U/oci-log" exec --pid-file "$U/exec_pid" --process "$U/process" --detach "$LONG"
	jq -se 'length == 1' "$U/oci-log"
	jq -r .msg "$U/oci-log" | grep -q 'executable file not found in'
}

@test "podman: an exec with a terminal goes to its console socket" {
	caller_bundle "/$ID" '["/bin/sleep", "1000"]'
	start_sleeper "$LONG"
	echo '{"terminal": true, "args": ["/bin/sh", "-c", "tty; stty size"], "cwd": "/", "env": ["PATH=/bin"],
		"user": {"uid": 0, "gid": 0}, "consoleSize": {"height": 7, "width": 8}}' >"$U/process"
	"$TOOLS/recvfd" "$U/tty" copy >tty.out 2>&1 3>&- &
	local receiver=$!
	wait_until test -S "$U/tty"
	bivalve --log-format=json --log "$U/oci-log" exec --pid-file "$U/exec_pid" --process "$U/process" --detach --tty \
		--console-socket "$U/tty" "$LONG" </dev/null
	wait $receiver || true
	grep -q /dev/pts/0 tty.out
	grep -q '7 8' tty.out
}

@test "podman: preserved descriptors, update from a file, checkpoint --help, --version" {
	caller_bundle "/$ID" '["/bin/sh", "-c", "cat <&3; sleep 1000"]'
	echo 'through three' >text
	bivalve run --detach --preserve-fds 1 --bundle "$BUNDLE" "$LONG" 3<text >out 2>&1 </dev/null
	wait_until grep -q 'through three' out
	echo '{"memory": {"limit": 104857600}, "cpu": {}, "pids": {"limit": 33}}' >"$U/res.json"
	bivalve update --resources="$U/res.json" "$LONG"
	[ "$(cat "/sys/fs/cgroup/pids/$ID/pids.max" "/sys/fs/cgroup/$ID/pids.max" 2>/dev/null)" = 33 ]
	bivalve checkpoint --help >help
	run ! grep -e --tcp help
	bivalve --version >version
	[ "$(wc -l <version)" -eq 3 ]
	grep -Eq '^bivalve version [0-9]+\.[0-9]+\.[0-9]+' version
	grep -q '^commit: ' version
	grep -q '^spec: 1\.' version
}

# ---- containerd ----------------------------------------------------------------------------------------

@test "containerd: the life of a task" {
	local pid T=$BUNDLE
	local -a G=(--root "$STATE" --log "$T/log.json" --log-format json)

	caller_bundle "/bats-default-$$/$ID" '["/bin/sleep", "1000"]'
	cd "$T"
	"$BIVALVE" "${G[@]}" create --bundle "$T" --pid-file "$T/init.pid" "$ID" </dev/null >/dev/null 2>&1
	"$BIVALVE" "${G[@]}" start "$ID"
	pid=$(<init.pid)
	# Metrics and signals are its own business, by the pid's groups.
	grep -q "/bats-default-$$/$ID" "/proc/$pid/cgroup"
	echo '{"args": ["/bin/sleep", "1000"], "cwd": "/", "env": ["PATH=/bin"], "user": {"uid": 1, "gid": 1}}' >"$WORK/runc-process1"
	"$BIVALVE" "${G[@]}" exec --process "$WORK/runc-process1" --detach --pid-file "$T/e1.pid" "$ID" </dev/null >/dev/null 2>&1
	[ "$("$BIVALVE" "${G[@]}" ps --format json "$ID" | jq -c 'sort')" = "$(jq -nc "[$pid, $(<e1.pid)] | sort")" ]
	kill -KILL "$(<e1.pid)"
	wait_until gone "$(<e1.pid)"
	"$BIVALVE" "${G[@]}" pause "$ID"
	[ "$(status)" = paused ]
	"$BIVALVE" "${G[@]}" resume "$ID"
	"$BIVALVE" "${G[@]}" kill "$ID" 15
	"$BIVALVE" "${G[@]}" kill --all "$ID" 9
	wait_until is_status stopped
	# The texts that its client takes for "has ended" and "is not there".
	run -1 "$BIVALVE" "${G[@]}" kill "$ID" 15
	[[ $output == *"container not running"* ]]
	"$BIVALVE" "${G[@]}" kill --all "$ID" 9
	"$BIVALVE" "${G[@]}" delete "$ID"
	"$BIVALVE" "${G[@]}" delete --force "$ID"
	run -1 "$BIVALVE" "${G[@]}" kill "$ID" 15
	[[ $output == *"does not exist"* ]]
	# A stream of objects, of which it takes the last error.
	[ "$(jq -s 'map(select(.level == "error")) | length' log.json)" -eq 2 ]
	[[ $(jq -rs '.[-1].msg' log.json) == *"does not exist"* ]]
	remove_parent "bats-default-$$"
}

@test "containerd: a task that fails to start leaves nothing, and delete --force is content" {
	local -a G=(--root "$STATE" --log "$U/log.json" --log-format json)

	caller_bundle "/$ID" '["/nope"]'
	cd "$BUNDLE"
	run -1 "$BIVALVE" "${G[@]}" create --bundle "$BUNDLE" --pid-file "$BUNDLE/init.pid" "$ID"
	nothing_left
	"$BIVALVE" "${G[@]}" delete --force "$ID"
	[ "$(jq -r .msg "$U/log.json")" = "exec '/nope': no such file or directory" ]
}

# ---- Docker ------------------------------------------------------------------------------------------

@test "Docker: a prestart hook with the state on stdin; update from stdin" {
	local -a G=(--root "$STATE" --log "$U/log.json" --log-format json)

	caller_bundle "/bats-docker-$$/$LONG" '["/bin/sleep", "1000"]'
	cat >"$WORK/setkey" <<-'END'
		#!/bin/sh
		cat >"$2"
		exec readlink "/proc/$(sed 's/.*"pid":\([0-9]*\).*/\1/' "$2")/ns/net" >>"$2.ns"
	END
	chmod 755 "$WORK/setkey"
	edit_config '.hooks.prestart = [{"path": $hook, "args": ["libnetwork-setkey", "-x", $out]}]' \
		--arg hook "$WORK/setkey" --arg out "$U/state"
	"$BIVALVE" "${G[@]}" create --bundle "$BUNDLE" --pid-file "$BUNDLE/init.pid" "$LONG" </dev/null >/dev/null 2>&1
	[ "$(jq -r .id "$U/state")" = "$LONG" ]
	[ "$(jq .pid "$U/state")" = "$(<"$BUNDLE/init.pid")" ]
	[ "$(cat "$U/state.ns")" = "$(readlink "/proc/$(<"$BUNDLE/init.pid")/ns/net")" ]
	"$BIVALVE" "${G[@]}" start "$LONG"
	echo '{"memory": {"limit": 83886080, "swap": 167772160}, "cpu": {"shares": 0}, "blockIO": {"weight": 0}, "pids": {"limit": 21}}' |
		"$BIVALVE" "${G[@]}" update --resources - "$LONG"
	[ "$(cat "/sys/fs/cgroup/pids/bats-docker-$$/$LONG/pids.max" "/sys/fs/cgroup/bats-docker-$$/$LONG/pids.max" 2>/dev/null)" = 21 ]
	"$BIVALVE" "${G[@]}" kill "$LONG" 9
	wait_until is_status stopped "$LONG"
	"$BIVALVE" "${G[@]}" delete "$LONG"
	"$BIVALVE" "${G[@]}" delete --force "$LONG"
	remove_parent "bats-docker-$$"
}

# ---- buildah -----------------------------------------------------------------------------------------

@test "buildah: create, start, state until it is stopped, delete; the caller reaps" {
	local name=buildah-$ID

	make_bundle '.process.args = ["/bin/sh", "-c", "echo built; exit 6"]'
	cd "$BUNDLE"
	bivalve create --bundle "$BUNDLE" --pid-file "$BUNDLE/pid" "$name" </dev/null >out 2>&1
	bivalve start "$name"
	wait_until is_status stopped "$name"
	[ "$(cat out)" = built ]
	[ "$(bivalve state "$name" | jq .pid)" = 0 ]
	bivalve delete "$name"
	run -1 bivalve state "$name"
	[[ $output == *"does not exist"* ]]
}

@test "buildah: a terminal over the bundle's console.sock" {
	local name=buildah-$ID

	make_bundle '.process.args = ["/bin/tty"] | .process.terminal = true'
	"$TOOLS/recvfd" "$BUNDLE/console.sock" copy >tty.out 2>&1 3>&- &
	local receiver=$!
	wait_until test -S "$BUNDLE/console.sock"
	bivalve create --bundle "$BUNDLE" --pid-file "$BUNDLE/pid" --console-socket "$BUNDLE/console.sock" "$name"
	bivalve start "$name"
	wait $receiver || true
	grep -q /dev/pts/0 tty.out
	bivalve delete --force "$name"
}

# ---- a caller that is a subreaper ----------------------------------------------------------------------

# adopts FILTER CODE: the exit status that a subreaper gets for the pid of the pid file.
adopts() {
	edit_config "$1"
	"$TOOLS/killat" reap bash -e "$WORK/caller" >out 2>&1 3>&-
	cat out
	grep -qx "adopted $(<pid): $2" out
	[ "$(status)" = stopped ]
	bivalve delete "$ID"
}

@test "callers: who adopts the container, or an exec, gets the program's own exit status" {
	make_bundle
	cat >"$WORK/caller" <<-'END'
		"$BIVALVE" --root "$STATE" create --bundle "$BUNDLE" --pid-file pid "$ID" </dev/null >/dev/null 2>&1
		"$BIVALVE" --root "$STATE" start "$ID"
	END
	adopts '.process.args = ["/bin/sh", "-c", "exit 42"]' 42
	echo '"$BIVALVE" --root "$STATE" kill "$ID" KILL' >>"$WORK/caller"
	adopts '.process.args = ["/bin/sleep", "1000"]' 137
	cat >"$WORK/caller" <<-'END'
		"$BIVALVE" --root "$STATE" run --detach --bundle "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1
		"$BIVALVE" --root "$STATE" exec --detach --pid-file pid "$ID" /bin/sh -c 'exit 43' </dev/null >/dev/null 2>&1
		sleep 0.2
		"$BIVALVE" --root "$STATE" kill "$ID" KILL
	END
	adopts . 43
}
