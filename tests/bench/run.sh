#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The benchmark: bivalve beside the floor, crun and runc (where installed), in turn in one run.
# Usage: run.sh BUILD-DIR. ROUNDS (default 100) rounds each; prints medians and ratios as a table.
set -euo pipefail
bin=$(realpath "$1")
# crun refuses hybrid hosts: there, all of them see the v1 hierarchies alone, in a mount namespace.
if mountpoint -q /sys/fs/cgroup/unified && [ -z "${BENCH_INSIDE:-}" ]; then
	BENCH_INSIDE=1 exec unshare --mount sh -c 'umount /sys/fs/cgroup/unified && exec "$@"' sh "$0" "$bin"
fi
rounds=${ROUNDS:-100}
many=${MANY:-500}
work=$(mktemp -d)
# In memory, as /run is, wherever $work may be: on a disk, a file's making costs as much as a mount.
state=$(mktemp -d -p /dev/shm)
bivalve="$bin/bivalve --root $state/bivalve"
measure=$bin/bench/measure

peers=()
cleanup() {
	local id
	for id in $($bivalve list --quiet 2>/dev/null); do
		$bivalve delete --force "$id" || true
	done
	for peer in "${peers[@]}"; do
		"$peer" --root "$state/$peer" delete --force bench >/dev/null 2>&1 || true
	done
	rm -rf "$work" "$state"
}
for peer in crun runc; do
	if command -v "$peer" >/dev/null; then
		peers+=("$peer")
	fi
done
trap cleanup EXIT

bundle=$work/bundle
mkdir -p "$bundle"/rootfs/{bin,proc,dev,sys}
cp "$(command -v busybox)" "$bundle/rootfs/bin/busybox"
ln -s busybox "$bundle/rootfs/bin/true"
ln -s busybox "$bundle/rootfs/bin/sleep"
$bivalve spec --bundle "$bundle"
# 1.0.2: the peers in Debian refuse newer ones
jq '.ociVersion = "1.0.2" | .process.terminal = false | .process.args = ["/bin/true"]' "$bundle/config.json" >"$work/config"
mv "$work/config" "$bundle/config.json"
mkdir -p "$work/sleeper"
jq --arg root "$bundle/rootfs" '.root.path = $root' "$bundle/config.json" >"$work/config"
mv "$work/config" "$bundle/config.json"
jq '.process.args = ["/bin/sleep", "3600"]' "$bundle/config.json" >"$work/sleeper/config.json"

heading() {
	printf '\n%s\n\n| %-22s | %8s | %6s | %8s | %7s |\n' "$1" command 'wall ms' ratio 'cpu ms' 'RSS MiB'
	printf '| %s | %s: | %s: | %s: | %s: |\n' ---------------------- ------- ----- ------- ------
}

# compare TITLE FIRST COMMANDS-OF-A-RUNTIME, in which RT stands for the runtime.
compare() {
	local list=("$2") peer
	list+=("bivalve:${3//RT/$bivalve}")
	for peer in "${peers[@]}"; do
		list+=("$peer:${3//RT/$peer --root $state/$peer}")
	done
	heading "$1"
	"$measure" "$rounds" "${list[@]}"
}

floor="floor: $bin/bench/floor $bundle/rootfs /bin/true"
compare "run of /bin/true, beside the floor" "$floor" " RT run --bundle $bundle b%n"
compare "create + start + delete, beside the floor" "$floor" \
	" RT create --bundle $work/sleeper b%n ; RT start b%n ; RT delete --force b%n"

# In a network namespace of its own, which plays the host: the machine's is not touched. With pauses: the kernel deletes a
# network namespace after its last process, some 10 ms long, holding the lock that making the next one needs.
cat >"$work/nat" <<-'END'
	difference() {
		printf '\n%s\n\n| %-22s | %8s | %6s | %8s | %7s | %7s | %7s |\n' "$1" command 'wall ms' ratio 'cpu ms' 'RSS MiB' 'more ms' quiet
		printf '| %s | %s: | %s: | %s: | %s: | %s: | %s: |\n' ---------------------- ------- ----- ------- ------ ------ ------
		"$measure" -d -p 40 "$rounds" "${@:2}"
	}
	ip link set lo up
	ip link add floor type bridge
	ip link set floor up
	floor=${measure%/*}/floor
	difference "the floor, and with a veth pair on a bridge and an address" \
		"floor: $floor $bundle/rootfs /bin/true" "with veth: $floor -n floor $bundle/rootfs /bin/true"
	$bivalve run --network default --bundle "$bundle" warm
	compare() {
		difference "run of /bin/true on the default nat network, beside none$1" \
			"none: $bivalve run --network none --bundle $bundle n%n" \
			"nat: $bivalve run --network default --bundle $bundle d%n"
	}
	compare
	for i in $(seq $members); do
		$bivalve create --network default --bundle "$work/sleeper" "m$i" </dev/null >/dev/null 2>&1
	done
	sleep 3 # their own first packets
	compare ", $members members on it"
	for i in $(seq $members); do
		$bivalve delete --force "m$i"
	done
	! command -v strace >/dev/null || {
		strace -f -e trace=sendto,sendmsg -o "$work/strace" $bivalve run --network default --bundle "$bundle" warm
		printf '\nnetlink round trips of one such run, its end included: %d\n' "$(grep -c AF_NETLINK "$work/strace")"
	}
END
printf '\n"more": the median, over the rounds, of the difference to the first row; "quiet": the difference of the lower quartiles\n'
export bivalve bundle measure rounds work
members=${MEMBERS:-200} unshare --net bash -e "$work/nat"

# What passes between two containers of a bridge, beside a veth pair by hand.
if command -v iperf3 >/dev/null; then
	printf '\n'
	"$(dirname "$0")/net.sh" "$bin" 0 1
fi

for rt in "$bivalve" "${peers[@]/#/}"; do
	case $rt in
	crun | runc) rt="$rt --root $state/$rt" ;;
	esac
	$rt run --detach --bundle "$work/sleeper" bench >/dev/null 2>&1 </dev/null
done
compare "exec of /bin/true, beside a bare one" "bare: $bundle/rootfs/bin/true" " RT exec bench /bin/true"
for peer in "${peers[@]}"; do
	"$peer" --root "$state/$peer" delete --force bench
done
$bivalve delete --force bench

heading "run of /bin/true with $many other containers there, beside none"
"$measure" "$rounds" "0 others: $bivalve run --bundle $bundle b%n" | sed 's/0 others/none/;s/^| none    /| none    /'
before=$("$measure" "$rounds" "none: $bivalve run --bundle $bundle b%n" | cut -d'|' -f3)
for i in $(seq "$many"); do
	$bivalve create --bundle "$work/sleeper" "many$i" >/dev/null 2>&1 </dev/null
done
"$measure" "$rounds" "$many others: $bivalve run --bundle $bundle b%n"
after=$("$measure" "$rounds" "x: $bivalve run --bundle $bundle b%n" | cut -d'|' -f3)
awk -v a="$after" -v b="$before" 'BEGIN { printf "\nratio %.2f\n", a / b }'
for i in $(seq "$many"); do
	$bivalve delete --force "many$i"
done

if command -v strace >/dev/null; then
	printf '\nsystem calls of one run of /bin/true\n\n'
	count() {
		strace -f -c -o "$work/strace" "${@:2}" >/dev/null 2>&1 </dev/null
		printf '| %-22s | %6s |\n' "$1" "$(awk '$NF == "total" { print $4 }' "$work/strace")"
	}
	count floor "$bin/bench/floor" "$bundle/rootfs" /bin/true
	# shellcheck disable=SC2086 # the runtime's command is meant to be split
	count bivalve $bivalve run --bundle "$bundle" counted
	for peer in "${peers[@]}"; do
		count "$peer" "$peer" --root "$state/$peer" run --bundle "$bundle" counted
	done
fi
