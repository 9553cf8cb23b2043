#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# state: the shape that callers read, and what is on disk.
load helpers

@test "state: the members of the specification, and those that callers want" {
	make_bundle '.process.args = ["/bin/sleep", "1000"] | .annotations = {"org.example.a": "b \"quoted\" é"}'
	start_sleeper
	bivalve state "$ID" >state.json
	[ "$(jq -r .ociVersion state.json)" = 1.3.0 ]
	[ "$(jq -r .id state.json)" = "$ID" ]
	[ "$(jq -r .status state.json)" = running ]
	[ "$(jq -r .bundle state.json)" = "$BUNDLE" ]
	[ "$(jq -r .rootfs state.json)" = "$BUNDLE/rootfs" ]
	[ "$(jq -r .owner state.json)" = root ]
	[ "$(jq -r '.annotations["org.example.a"]' state.json)" = 'b "quoted" é' ]
	[ "$(jq -r .pid state.json)" -gt 1 ]
	[[ $(jq -r .created state.json) =~ ^20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{9}Z$ ]]
	[ "$(($(date +%s) - $(date --date "$(jq -r .created state.json)" +%s)))" -lt 60 ]
}

@test "state: created, running, paused, stopped" {
	sleeper
	bivalve create --bundle "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1
	[ "$(status)" = created ]
	bivalve start "$ID"
	[ "$(status)" = running ]
	bivalve pause "$ID"
	[ "$(status)" = paused ]
	bivalve resume "$ID"
	bivalve kill "$ID" KILL
	wait_until is_status stopped
	[ "$(pid_of)" = 0 ]
}

@test "state: a start that was killed after it let the program go does not make it created" {
	sleeper
	bivalve create --bundle "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1
	cp -a "$STATE/$ID/start" "$STATE/$ID/start.copy" 2>/dev/null || true
	ln "$STATE/$ID/start" "$STATE/$ID/kept"
	bivalve start "$ID"
	# The socket's file is there again, as if nobody had removed it; who listened is gone.
	mv "$STATE/$ID/kept" "$STATE/$ID/start"
	[ "$(status)" = running ]
	run -1 bivalve start "$ID"
}

@test "state: a pid that was given to another process is not the container's" {
	start_sleeper
	bivalve kill "$ID" KILL
	wait_until is_status stopped
	# The record now names a living process, but not the start time of it.
	ln -sfn "$$ 1" "$STATE/$ID/init"
	[ "$(status)" = stopped ]
	bivalve delete "$ID"
	kill -0 $$
}

@test "state: the folder is closed to others; its content is the caller's alone" {
	start_sleeper
	[ "$(stat -c %a "$STATE/$ID")" = 700 ]
	[ "$(stat -c %a "$STATE/$ID/state.json")" = 600 ]
	[ "$(stat -c %a "$STATE/$ID/config.json")" = 600 ]
	cmp "$STATE/$ID/config.json" "$BUNDLE/config.json"
}

@test "state: creating, while createRuntime hooks run" {
	sleeper
	edit_config '.hooks.createRuntime = [{"path": "/bin/sh", "args": ["sh", "-c", $c]}]' \
		--arg c "$BIVALVE --root $STATE state $ID >$WORK/during"
	bivalve create --bundle "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1
	[ "$(jq -r .status during)" = creating ]
	[ "$(jq -r .pid during)" = "$(pid_of)" ]
	[ "$(status)" = created ]
}

@test "state: a folder without a state is no container; delete removes it" {
	mkdir -m 700 "$STATE"
	mkdir "$STATE/$ID"
	run -1 bivalve state "$ID"
	[[ $output == *"does not exist"* ]]
	run -1 bivalve create --bundle / "$ID"
	bivalve delete "$ID"
	[ ! -e "$STATE/$ID" ]
}

@test "state: damaged files are errors that name the container, and delete --force still removes it" {
	start_sleeper
	echo '{' >"$STATE/$ID/config.json"
	run -255 bivalve exec "$ID" true
	[[ $output == *"config of container '$ID'"* ]]
	[ "$(status)" = running ]
	bivalve delete --force "$ID"
	nothing_left
}

@test "root: XDG_RUNTIME_DIR is not root's business" {
	require_root
	run -0 env XDG_RUNTIME_DIR="$WORK/xdg" "$BIVALVE" list
	[ ! -e "$WORK/xdg" ]
}
