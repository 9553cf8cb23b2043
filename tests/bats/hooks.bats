#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Hooks: their moments, their input, what their failure does.
load helpers

# hook KIND COMMAND: appends a hook that runs a line of shell on the host.
hook() {
	edit_config '.hooks[$k] += [{"path": "/bin/sh", "args": ["sh", "-c", $c], "env": ["W=" + $w]}]' \
		--arg k "$1" --arg c "$2" --arg w "$WORK"
}

@test "hooks: every kind at its moment, in the listed order" {
	sleeper
	local kind
	for kind in prestart createRuntime poststart poststop; do
		hook $kind 'echo '$kind'1 >>$W/log'
		hook $kind 'echo '$kind'2 >>$W/log'
	done
	hook createContainer 'echo createContainer >>$W/log'
	# startContainer's path and files are the container's.
	edit_config '.hooks.startContainer = [{"path": "/bin/sh", "args": ["sh", "-c", "echo startContainer >>/tmp/log"]}]
		| .root.readonly = false'
	bivalve create --bundle "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1
	[ "$(tr '\n' ' ' <log)" = "prestart1 prestart2 createRuntime1 createRuntime2 createContainer " ]
	[ ! -e "$BUNDLE/rootfs/tmp/log" ]
	bivalve start "$ID"
	[ "$(cat "$BUNDLE/rootfs/tmp/log")" = startContainer ]
	[ "$(tail -n 2 log | tr '\n' ' ')" = "poststart1 poststart2 " ]
	bivalve delete --force "$ID"
	[ "$(tail -n 2 log | tr '\n' ' ')" = "poststop1 poststop2 " ]
	[ "$(wc -l <log)" -eq 9 ]
}

@test "hooks: the state is on stdin" {
	sleeper
	edit_config '.annotations = {"org.example.x": "y"}'
	local kind
	for kind in prestart createRuntime createContainer poststart poststop; do
		hook $kind 'cat >$W/'$kind
	done
	bivalve create --bundle "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1
	local pid
	pid=$(pid_of)
	bivalve start "$ID"
	bivalve delete --force "$ID"
	for kind in prestart createRuntime createContainer poststart poststop; do
		[ "$(jq -r .id $kind)" = "$ID" ]
		[ "$(jq -r .bundle $kind)" = "$BUNDLE" ]
		[ "$(jq -r .ociVersion $kind)" = 1.3.0 ]
		[ "$(jq -r '.annotations["org.example.x"]' $kind)" = y ]
	done
	[ "$(jq -r .status prestart)" = creating ]
	[ "$(jq -r .status createRuntime)" = creating ]
	[ "$(jq -r .pid createRuntime)" = "$pid" ]
	[ "$(jq -r .status poststart)" = running ]
	[ "$(jq -r .pid poststart)" = "$pid" ]
	[ "$(jq -r .status poststop)" = stopped ]
	[ "$(jq -r .pid poststop)" = null ]
}

@test "hooks: the environment is exactly the config's" {
	make_bundle '.process.args = ["/bin/true"]'
	edit_config '.hooks.createRuntime = [{"path": "/usr/bin/env", "args": ["env"], "env": ["ONLY=this"]}]
		| .annotations = {"run.oci.hooks.stdout": $f}' --arg f "$WORK/out"
	LEAK=1 bivalve run --bundle "$BUNDLE" "$ID"
	[ "$(cat out)" = "ONLY=this" ]
}

@test "hooks: createRuntime sees the container's namespaces before its program runs" {
	make_bundle '.process.args = ["/bin/sh", "-c", "ip link show | grep -c bats0; cat /proc/sys/kernel/hostname"]'
	hook createRuntime 'pid=$(sed "s/.*\"pid\":\([0-9]*\).*/\1/"); PATH=$PATH:/usr/sbin:/sbin
		nsenter -t $pid -n ip link add bats0 type veth peer name bats1; nsenter -t $pid -u hostname from-hook'
	run -0 bivalve run --bundle "$BUNDLE" "$ID"
	[ "${lines[1]}" = from-hook ]
}

@test "hooks: a failure in create leaves nothing, and poststop runs" {
	local kind
	for kind in prestart createRuntime createContainer; do
		rm -rf "$BUNDLE" poststop
		sleeper
		hook $kind 'echo because of that >&2; exit 3'
		hook poststop 'echo ran >$W/poststop'
		run -1 bivalve create --bundle "$BUNDLE" "$ID"
		[[ $output == *"hook /hooks/$kind/0 '/bin/sh': exit status 3: because of that"* ]]
		[ "$(cat poststop)" = ran ]
		nothing_left
	done
}

@test "hooks: a failure of startContainer fails start; the program does not run" {
	make_bundle '.process.args = ["/bin/touch", "/tmp/ran"] | .root.readonly = false
		| .hooks.startContainer = [{"path": "/bin/false"}]'
	bivalve create --bundle "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1
	run -1 bivalve start "$ID"
	[[ $output == *"/hooks/startContainer/0"* ]]
	[ ! -e "$BUNDLE/rootfs/tmp/ran" ]
	wait_until is_status stopped
	bivalve delete "$ID"
	run -1 bivalve run --bundle "$BUNDLE" "$ID"
	nothing_left
}

@test "hooks: a failure of poststart stops and removes the container" {
	sleeper
	hook poststart 'exit 4'
	hook poststop 'echo ran >$W/poststop'
	bivalve create --bundle "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1
	run -1 bivalve start "$ID"
	[[ $output == *"/hooks/poststart/0"*"exit status 4"* ]]
	[ "$(cat poststop)" = ran ]
	nothing_left
	rm poststop
	run -1 bivalve run --detach --bundle "$BUNDLE" "$ID"
	[ "$(cat poststop)" = ran ]
	nothing_left
}

@test "hooks: a failure of poststop is a warning, the next one runs" {
	make_bundle '.process.args = ["/bin/sh", "-c", "exit 6"]'
	hook poststop 'exit 4'
	hook poststop 'echo ran >$W/poststop'
	run -6 bivalve run --bundle "$BUNDLE" "$ID"
	[[ $output == *"warning"*"/hooks/poststop/0"*"ignoring"* ]]
	[ "$(cat poststop)" = ran ]
	nothing_left
}

@test "hooks: poststart runs after the program was executed, and may exec in the container" {
	sleeper
	hook poststart "tr '\\0' ' ' </proc/\$(sed 's/.*\"pid\":\\([0-9]*\\).*/\\1/')/cmdline >\$W/cmdline
		$BIVALVE --root $STATE exec $ID echo from-inside >\$W/exec"
	start_sleeper
	[ "$(cat cmdline)" = "/bin/sleep 1000 " ]
	[ "$(cat exec)" = from-inside ]
}

@test "hooks: one that takes too long is killed" {
	sleeper
	edit_config '.hooks.createRuntime = [{"path": "/bin/sh", "args": ["sh", "-c", "sleep 999 & sleep 998"], "timeout": 1}]'
	local before=$SECONDS
	run -1 bivalve create --bundle "$BUNDLE" "$ID"
	[[ $output == *"/hooks/createRuntime/0"*"imed out"* || $output == *"/hooks/createRuntime/0"*"timeout"* ]]
	[ $((SECONDS - before)) -lt 6 ]
	run ! pgrep -f 'sleep 99[89]$'
	nothing_left
}

@test "hooks: one that reads nothing, and one that is not there" {
	sleeper
	edit_config '.hooks.createRuntime = [{"path": "/bin/true"}] | .annotations = {"big": $b}' --arg b "$(head -c 100000 /dev/zero | tr '\0' x)"
	bivalve create --bundle "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1
	bivalve delete "$ID"
	edit_config '.hooks.createRuntime = [{"path": "/no/such/hook"}]'
	run -1 bivalve create --bundle "$BUNDLE" "$ID"
	[[ $output == *"/hooks/createRuntime/0"*"/no/such/hook"* ]]
	nothing_left
}
