#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Networks: what joining costs, whether it grows, and throughput against a veth pair made by hand.
# Everything happens in network namespaces of its own. Usage: net.sh BUILD-DIR [ROUNDS [SECONDS]];
# with 0 ROUNDS throughput alone.
set -eu
BIVALVE_BIN=$(realpath "$1")
export BIVALVE_BIN
rounds=${2:-200} seconds=${3:-2}
here=$(dirname "$(realpath "$0")")
# shellcheck source=/dev/null
. "$here/../bats/net_helpers.bash"
TMPDIR=/dev/shm net_setup # as /run: memory
trap net_teardown EXIT

ctl create v4 nat subnet=10.8.0.0/16 >/dev/null
joining() {
	echo "joining, median of $rounds new namespaces each:"
	ctl create v46 nat subnet=10.9.0.0/16 subnet6=fd00:9::/64 >/dev/null
	for net in none v4 v46; do
		printf '  %-28s' "$net"
		ctl time "$rounds" "$net"
	done
	for i in $(seq 200); do
		ns_new "c$i"
		name="c$i"
		ctl up "c$i" "/proc/${!name}/ns/net" -n v46 >/dev/null
	done
	printf '  %-28s' "v46 with 200 on the bridge"
	ctl time "$rounds" v46
	for i in $(seq 200); do
		name="c$i"
		kill "${!name}"
		ctl down "c$i"
	done
}
[ "$rounds" -eq 0 ] || joining

command -v iperf3 >/dev/null || { echo "throughput: needs iperf3"; exit 0; }
join a a -n v4 >/dev/null
join b b -n v4 >/dev/null
ns_new HAND_A
ns_new HAND_B
in_ns "$HOST" ip link add hand type bridge
in_ns "$HOST" ip link set hand up
for i in A B; do
	name="HAND_$i"
	in_ns "$HOST" ip link add "hand$i" type veth peer name eth0 netns "/proc/${!name}/ns/net"
	in_ns "$HOST" ip link set "hand$i" master hand up
	in_ns "${!name}" ip link set eth0 up
done
in_ns "$HAND_A" ip addr add 10.99.0.1/24 dev eth0
in_ns "$HAND_B" ip addr add 10.99.0.2/24 dev eth0

# gbits SERVER-PID CLIENT-PID ADDRESS
gbits() {
	in_ns "$1" iperf3 -s -1 >/dev/null 2>&1 &
	sleep 0.2
	in_ns "$2" iperf3 -c "$3" -t "$seconds" -f m | awk '/receiver/ { print $7 }'
}

ratios=()
for round in 1 2 3 4 5 6 7; do
	# In turn first, for a machine whose speed drifts.
	for which in $([ $((round % 2)) -eq 0 ] && echo ours hand || echo hand ours); do
		case $which in
		hand) by_hand=$(gbits "$HAND_A" "$HAND_B" 10.99.0.1) ;;
		ours) ours=$(gbits "$a" "$b" "$(addr_of a ip)") ;;
		esac
	done
	ratios+=("$(awk -v o="$ours" -v h="$by_hand" 'BEGIN { printf "%.3f", o / h }')")
	echo "throughput: by hand $by_hand Mbit/s, bivalve $ours Mbit/s, ratio ${ratios[-1]}"
done
printf '%s\n' "${ratios[@]}" | sort -n | sed -n '4s/^/throughput: median ratio /p'
