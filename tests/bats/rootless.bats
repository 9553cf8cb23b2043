#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Without root: the user "nobody", with ranges of subordinate ids that only this test sees.
load helpers
load inside

USER_ID=65534

setup_file() {
	command -v newuidmap setpriv >/dev/null || skip 'needs newuidmap and setpriv'
	[ "$(id -u)" -eq 0 ] || skip 'needs root, to become another user'
	[ "$(cat /proc/sys/user/max_user_namespaces)" -gt 0 ] || skip 'this host gives users no user namespaces'
	[ ! -e /proc/sys/kernel/unprivileged_userns_clone ] || [ "$(cat /proc/sys/kernel/unprivileged_userns_clone)" = 1 ] ||
		skip 'this host gives users no user namespaces'
	[ ! -e /proc/sys/kernel/apparmor_restrict_unprivileged_userns ] ||
		[ "$(cat /proc/sys/kernel/apparmor_restrict_unprivileged_userns)" = 0 ] || skip 'AppArmor gives users no user namespaces'
}

# as_user COMMAND...: in a mount namespace where /etc/subuid and /etc/subgid are the test's.
as_user() {
	unshare --mount --propagation private sh -c '
		mount --bind "$0/subids" /etc/subuid && mount --bind "$0/subids" /etc/subgid && exec "$@"' "$WORK" \
		setpriv --reuid $USER_ID --regid $USER_ID --clear-groups --inh-caps=-all \
		env HOME="$WORK" XDG_RUNTIME_DIR="$WORK/run" PATH="$PATH" "$@"
}

# The user's own command: the state is below XDG_RUNTIME_DIR.
user_bivalve() {
	as_user "$WORK/bivalve" "$@"
}

# user_bundle [FILTER]: what `spec --rootless` gives, in a folder of the user's.
user_bundle() {
	chmod a+x "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR/test" "$WORK"
	echo "nobody:100000:65536" >subids
	cp "$BIVALVE" "$WORK/bivalve"
	mkdir -m 700 run
	chown $USER_ID:$USER_ID run
	mkdir -p "$BUNDLE"
	cp -a "$(base_rootfs)" "$BUNDLE/rootfs"
	chown -R $USER_ID:$USER_ID "$BUNDLE"
	user_bivalve spec --rootless --bundle "$BUNDLE"
	edit_config '.process.terminal = false'
	edit_config "${1:-.}"
}

# user_prints EXPECTED SCRIPT
user_prints() {
	edit_config '.process.args = ["/bin/sh", "-c", $script]' --arg script "$2"
	run --separate-stderr user_bivalve run --bundle "$BUNDLE" "$ID"
	[ "$status" -eq 0 ] && [ "$output" = "$1" ] && return
	printf 'wanted: %s\ngot (%d): %s\n%s\n' "$1" "$status" "$output" "$stderr" >&2
	return 1
}

user_refused() {
	run -1 timeout 20 "$BASH" -c 'as_user "$WORK/bivalve" run --bundle "$BUNDLE" "$ID"'
	[[ $output == *"$1"* ]] || { printf 'wanted: %s\ngot: %s\n' "$1" "$output" >&2; return 1; }
	[ -z "$(user_bivalve list --quiet)" ]
}
export -f as_user
export USER_ID

clean_up() {
	local id failed=0

	[ -e "$WORK/bivalve" ] || return 0
	for id in $(user_bivalve list --quiet); do
		user_bivalve delete --force "$id" || failed=1
	done
	[ -z "$(user_bivalve list --quiet)" ] || failed=1
	return $failed
}

@test "rootless: a container of spec --rootless runs, its root is the user" {
	user_bundle '.root.readonly = false'
	user_prints '0 0 1' 'echo $(id -u) $(id -g) $$; echo x >/tmp/file'
	[ "$(stat -c %u:%g "$BUNDLE/rootfs/tmp/file")" = $USER_ID:$USER_ID ]
}

@test "rootless: subordinate ids are mapped by newuidmap and newgidmap" {
	user_bundle '.linux.uidMappings = [{ containerID: 0, hostID: 65534, size: 1 }, { containerID: 1, hostID: 100000, size: 65536 }]
		| .linux.gidMappings = .linux.uidMappings | .root.readonly = false | .process.user = { uid: 1000, gid: 1001, additionalGids: [10] }'
	chmod 1777 "$BUNDLE/rootfs/tmp"
	user_prints '1000 1001 1001 10' 'echo $(id -u) $(id -g) $(id -G); echo x >/tmp/file'
	[ "$(stat -c %u:%g "$BUNDLE/rootfs/tmp/file")" = 100999:101000 ]
}

@test "rootless: ids that the user was not given are an error" {
	user_bundle '.linux.uidMappings = [{ containerID: 0, hostID: 0, size: 1 }]'
	user_refused 'uid'
	edit_config '.linux.uidMappings = [{ containerID: 0, hostID: 65534, size: 1 }, { containerID: 1, hostID: 300000, size: 10 }]'
	user_refused 'uid'
}

@test "rootless: the state is below XDG_RUNTIME_DIR, for the user alone" {
	user_bundle '.process.args = ["/bin/sleep", "1000"]'
	user_bivalve run --detach --bundle "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1
	[ -d "$WORK/run/bivalve/$ID" ]
	[ "$(stat -c %a:%u "$WORK/run/bivalve")" = 700:$USER_ID ]
	run -0 user_bivalve state "$ID"
	[ "$(jq -r .status <<<"$output")" = running ]
	run -1 bivalve state "$ID"
}

@test "rootless: create, start, exec, kill, delete" {
	user_bundle '.process.args = ["/bin/sleep", "1000"]'
	user_bivalve create --bundle "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1
	user_bivalve start "$ID"
	run -0 user_bivalve exec "$ID" /bin/sh -c 'id -u; cat /proc/1/cmdline | tr "\0" " "'
	[ "${lines[0]}" = 0 ]
	[ "${lines[1]}" = '/bin/sleep 1000 ' ]
	run -7 user_bivalve exec "$ID" /bin/sh -c 'exit 7'
	user_bivalve kill "$ID" KILL
	wait_until eval '[ "$(user_bivalve state "$ID" | jq -r .status)" = stopped ]'
	user_bivalve delete "$ID"
	[ ! -e "$WORK/run/bivalve/$ID" ]
}

@test "rootless: a limit without a group to set it on is an error with its path, not ignored" {
	user_bundle '.linux.resources = { memory: { limit: 67108864 } }'
	user_refused '/linux/resources/memory/limit'
	edit_config '.linux.resources = { pids: { limit: 10 } }'
	user_refused '/linux/resources/pids/limit'
}

@test "rootless: mounts, devices, host name and loopback work as for root" {
	user_bundle '.hostname = "mine" | .root.readonly = false'
	mkdir "$WORK/data"
	chown $USER_ID "$WORK/data"
	add_mount /data none "$WORK/data" bind
	add_mount /t tmpfs tmpfs size=64k noexec
	user_prints 'mine c UP ok' '
		echo $(hostname) $([ -c /dev/null ] && echo c) $(ip link show lo | grep -o "[<,]UP[,>]" | tr -d "<,>") \
			$(echo x >/data/file && echo x >/t/file && echo x >/dev/null && echo ok)'
	[ "$(stat -c %u "$WORK/data/file")" = $USER_ID ]
}

@test "rootless: a file that the user may not read stays closed" {
	user_bundle
	echo secret >"$WORK/private"
	chmod 600 "$WORK/private"
	mkdir "$BUNDLE/rootfs/x"
	touch "$BUNDLE/rootfs/x/file"
	chown -R $USER_ID "$BUNDLE/rootfs/x"
	add_mount /x/file none "$WORK/private" bind
	user_prints closed '(cat /x/file) 2>/dev/null || echo closed'
}

@test "rootless: groups cannot be dropped where the kernel denies setgroups" {
	user_bundle '.process.user.additionalGids = [0]'
	user_refused '/process/user/additionalGids'
}

@test "rootless: a caller's rlimits hold" {
	user_bundle '.process.rlimits = [{ type: "RLIMIT_NOFILE", soft: 64, hard: 64 }]'
	user_prints 64 'ulimit -n'
	edit_config '.process.rlimits[0] |= (.hard = 1000000000 | .soft = 1000000000)'
	user_refused '/process/rlimits/0'
}
