#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# A runtime that is killed, at whatever system call: `delete --force` puts the host back.
# BIVALVE_ALL_STEPS=1 kills at every call; else at every K-th (a fifth of those with sanitizers, which are slow).
load helpers

# Built by `make test-tools`.
setup_file() {
	KILLAT=$(realpath "${BIVALVE_BIN:-$BATS_TEST_DIRNAME/../../build/release}")/tools/killat
	export KILLAT
}

# What the host looks like to this test: mounts (but those of other tests), groups, files.
host() {
	grep -v -e ' /tmp/' -e ' /var/tmp/' -e ' /run/netns' /proc/self/mountinfo || true
	grep -F -- "$WORK" /proc/self/mountinfo || true
	compgen -G "/sys/fs/cgroup/*/$ID*" || true
	find "$STATE" "$BUNDLE" "$WORK/out" -path '*/rootfs/bin' -prune -o ! -path "$STATE/.seccomp/[0-9a-f]*" -print
}

# Runs as "$KILLAT reap": one crash, and what a user does about it.
crash() {
	local verb=$1 whom=$2 n=$3 status=0
	local -a command=("$verb" "$ID")

	case $verb in
	create) command=(create --bundle "$BUNDLE" --pid-file "$WORK/out/pid" "$ID") ;;
	run) command=(run --detach --bundle "$BUNDLE" --pid-file "$WORK/out/pid" "$ID") ;;
	exec) command=(exec --detach --pid-file "$WORK/out/pid" "$ID" /bin/sleep 1000) ;;
	delete) command=(delete --force "$ID") ;;
	kill) command=(kill --all "$ID" KILL) ;;
	esac
	case $verb in
	create | run) ;;
	start) bivalve create --bundle "$BUNDLE" "$ID" || return 40 ;;
	*) bivalve run --detach --bundle "$BUNDLE" "$ID" || return 40 ;;
	esac
	[ "$verb" != resume ] || bivalve pause "$ID" || return 40
	[ "$whom" != init ] || whom=$(pid_of)
	"$KILLAT" at "$n" "$whom" "$BIVALVE" --root "$STATE" "${command[@]}" >"$WORK/at" 2>"$WORK/at.err" || status=$?
	bivalve list >/dev/null || return 41
	bivalve state "$ID" >/dev/null 2>&1 || [ $? -eq 1 ] || return 42
	bivalve delete --force "$ID" 2>"$WORK/delete.err" || return 43
	[ ! -s "$WORK/delete.err" ] || return 44
	rm -f "$WORK/out/pid"
	return $status
}

# kill_at_every VERB self|child|init: every K-th step from the first to the last.
kill_at_every() {
	local verb=$1 whom=$2 n=1 k=${3:-7} status before

	export -f bivalve crash pid_of
	mkdir -p "$WORK/out"
	[[ $BIVALVE_BIN != */asan ]] || k=$((5 * k))
	[ -z "${BIVALVE_ALL_STEPS:-}" ] || k=1
	# Not killed at all: what a first run makes for later ones is there.
	"$KILLAT" reap bash -c 'crash "$@"' - "$verb" "$whom" 99999 </dev/null >/dev/null 2>&1 3>&- || [ $? -eq 3 ]
	before=$(host)
	while :; do
		[ $n -lt 2000 ]
		rm -rf "$STATE/.seccomp/"
		mkdir -p "$STATE/.seccomp"
		status=0
		"$KILLAT" reap bash -c 'crash "$@"' - "$verb" "$whom" $n </dev/null >/dev/null 2>"$WORK/step.err" 3>&- || status=$?
		if [ $status -ne 0 ] && [ $status -ne 3 ]; then
			echo "$verb, $whom, step $n: status $status"
			cat "$WORK"/at* "$WORK"/*.err
			return 1
		fi
		if [ "$(host)" != "$before" ]; then
			echo "$verb, $whom, step $n: $(cat "$WORK/at")"
			diff <(echo "$before") <(host) || return 1
		fi
		[ $status -eq 0 ] || break
		n=$((n + k))
	done
	echo "$verb, $whom: $(cat "$WORK/at")"
	[ $n -gt $((k + 1)) ]
}

# A bundle that takes all ways: maps of ids, hooks of each kind, a volume.
rich_bundle() {
	make_bundle '.process.args = ["/bin/sleep", "1000"]
		| .linux.namespaces += [{"type": "user"}]
		| .linux.uidMappings = [{"containerID": 0, "hostID": 100000, "size": 65536}]
		| .linux.gidMappings = .linux.uidMappings
		| .mounts += [{"destination": "/volume", "source": "'"$WORK"'/volume", "options": ["bind"]}]
		| .hooks = ([("prestart", "createRuntime", "createContainer", "poststart", "poststop")
			| {(.): [{"path": "/bin/true"}]}] | add)
		| .hooks.startContainer = [{"path": "/bin/true"}]
		| .linux.resources.pids = {"limit": 64}'
	mkdir -p "$WORK/volume" "$BUNDLE/rootfs/volume"
	chmod 755 "$WORK"
}

@test "cleanup: create, killed at any step" {
	sleeper
	kill_at_every create self 5
}

@test "cleanup: create, its child killed at any step" {
	sleeper
	kill_at_every create child
}

@test "cleanup: start, killed at any step" {
	sleeper
	kill_at_every start self
}

@test "cleanup: start, the container killed at any step" {
	sleeper
	kill_at_every start init 2
}

@test "cleanup: run, killed at any step" {
	sleeper
	kill_at_every run self
}

@test "cleanup: run, its child killed at any step" {
	sleeper
	kill_at_every run child 11
}

@test "cleanup: exec, killed at any step" {
	sleeper
	kill_at_every exec self
}

@test "cleanup: exec, its child killed at any step" {
	sleeper
	kill_at_every exec child
}

@test "cleanup: delete, killed at any step" {
	sleeper
	kill_at_every delete self 3
}

@test "cleanup: kill --all, pause and resume, killed at any step" {
	sleeper
	kill_at_every kill self
	kill_at_every pause self
	kill_at_every resume self
}

@test "cleanup: create with a user namespace and hooks, killed at any step" {
	rich_bundle
	kill_at_every create self
	kill_at_every create child 23
}

@test "cleanup: start and delete with hooks, killed at any step" {
	rich_bundle
	kill_at_every start self
	kill_at_every start init
	kill_at_every delete self
}

@test "cleanup: run with a user namespace and hooks, killed at any step" {
	rich_bundle
	kill_at_every run self 11
	kill_at_every run child 31
}
