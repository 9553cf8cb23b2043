# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What every bats file uses. A test gets, before it begins:
#   BIVALVE  the program            WORK    a folder of its own
#   STATE    its state root         ID      a container id that no other test or user has
#   BUNDLE   where make_bundle puts a bundle, by default
# and is followed by a check that nothing of it is left: no container, mount, cgroup, process.
bats_require_minimum_version 1.5.0

# The root file system of all bundles: busybox and nothing else. Made once per bats run.
base_rootfs() {
	local root=$BATS_RUN_TMPDIR/rootfs applet

	if [ ! -d "$root" ]; then
		mkdir -p "$root.new"/{bin,etc,proc,dev,sys,tmp,run}
		cp "$(command -v busybox)" "$root.new/bin/busybox"
		for applet in $(busybox --list); do
			[ "$applet" = busybox ] || ln -s busybox "$root.new/bin/$applet"
		done
		printf 'root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1001::/home/user:/bin/sh\n' >"$root.new/etc/passwd"
		printf 'root:x:0:\nusers:x:1001:\nwheel:x:10:user\n' >"$root.new/etc/group"
		mv "$root.new" "$root"
	fi
	echo "$root"
}

common_setup() {
	BIVALVE=$(realpath "${BIVALVE_BIN:-$BATS_TEST_DIRNAME/../../build/release}")/bivalve
	WORK=$BATS_TEST_TMPDIR
	STATE=$WORK/state
	BUNDLE=$WORK/bundle
	ID=bats-$$-$BATS_TEST_NUMBER
	export BIVALVE WORK STATE BUNDLE ID
	# LeakSanitizer stops the world by a child that it looks for by pid: after exec's setns into
	# a pid namespace it never finds it. Leaks are the unit tests' to find.
	export ASAN_OPTIONS=detect_leaks=0
	umask 022
	unset NOTIFY_SOCKET LISTEN_FDS LISTEN_PID
	cd "$WORK" || return 1
}

# A file that needs more defines its own, which begins with common_setup.
setup() {
	common_setup
}

# bivalve ARG...: the program with this test's state root.
bivalve() {
	"$BIVALVE" --root "$STATE" "$@"
}

# edit_config FILTER [JQ-OPTION...]: changes $BUNDLE/config.json.
edit_config() {
	jq "${@:2}" "$1" "$BUNDLE/config.json" >"$BUNDLE/.config" && mv "$BUNDLE/.config" "$BUNDLE/config.json"
}

# make_bundle [FILTER [JQ-OPTION...]]: `bivalve spec` without a terminal, then FILTER.
make_bundle() {
	mkdir -p "$BUNDLE"
	cp -a "$(base_rootfs)" "$BUNDLE/rootfs"
	bivalve spec --bundle "$BUNDLE"
	edit_config '.process.terminal = false'
	edit_config "${1:-.}" "${@:2}"
}

# set_args PROGRAM ARG...
set_args() {
	edit_config '.process.args = $args' --argjson args \
		"$(printf '%s\0' "$@" | head -c -1 | jq -Rs 'split("\u0000")')"
}

# sleeper: a bundle whose program does nothing for long.
sleeper() {
	make_bundle '.process.args = ["/bin/sleep", "1000"]'
}

# start_sleeper [ID]: runs it detached.
start_sleeper() {
	[ -e "$BUNDLE/config.json" ] || sleeper
	bivalve run --detach --bundle "$BUNDLE" "${1:-$ID}" </dev/null >/dev/null 2>&1
}

# status [ID]: what `state` says.
status() {
	bivalve state "${1:-$ID}" | jq -r .status
}

pid_of() {
	bivalve state "${1:-$ID}" | jq -r .pid
}

# wait_until COMMAND...: at most ten seconds.
wait_until() {
	local i

	for ((i = 0; i < 200; i++)); do
		"$@" && return 0
		sleep 0.05
	done
	echo "never true: $*" >&2
	return 1
}

is_status() {
	[ "$(status "${2:-$ID}")" = "$1" ]
}

require_root() {
	[ "$(id -u)" -eq 0 ] || skip 'needs root'
}

# The folders of this test's containers in every hierarchy. A folder of others that goes meanwhile is
# no failure.
own_cgroups() {
	find /sys/fs/cgroup -maxdepth 4 -type d -name "*$ID*" 2>/dev/null || true
}

# own_processes: the living ones; who has ended waits for the host's init, which takes its time.
own_processes() {
	local file

	grep -l -- "$ID" /proc/[0-9]*/cgroup 2>/dev/null | while read -r file; do
		! grep -qs '^State:.[^ZX]' "${file%/cgroup}/status" || echo "${file%/cgroup}"
	done
}

# nothing_left: no container, mount, cgroup or process of this test.
nothing_left() {
	local left

	left=$(bivalve list --quiet)
	[ -z "$left" ] || { echo "containers are left: $left" >&2; return 1; }
	left=$(own_cgroups)
	[ -z "$left" ] || { echo "cgroups are left: $left" >&2; return 1; }
	left=$(grep -F -- "$WORK" /proc/self/mountinfo || true)
	[ -z "$left" ] || { echo "mounts are left: $left" >&2; return 1; }
	left=$(own_processes)
	[ -z "$left" ] || { echo "processes are left: $left" >&2; return 1; }
}

teardown() {
	local id failed=0

	for id in $(bivalve list --quiet 2>/dev/null); do
		bivalve delete --force "$id" || failed=1
	done
	# What a file made beside containers, it takes away in its clean_up.
	! declare -F clean_up >/dev/null || clean_up || failed=1
	nothing_left || failed=1
	return $failed
}
