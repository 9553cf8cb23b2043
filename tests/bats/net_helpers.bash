# SPDX-License-Identifier: GPL-2.0-or-later
# For net_*.bats: network namespaces that play the host, the outside world, a LAN and workloads.
# Nothing here touches an interface, an address or a rule of the machine.
#
#   outside (192.0.2.2, 2001:db8::2) --- host (192.0.2.1, 2001:db8::1) --- bridges of netctl
#   lan (198.51.100.2, 2001:db8:1::2) --- lan0, a bridge of the host's with 198.51.100.1, 2001:db8:1::1

NETCTL="$BIVALVE_BIN/net/netctl"
PROBE="$BIVALVE_BIN/net/probe"
MACHINE_NETNS=$(readlink /proc/self/ns/net) # netctl refuses to work there
export MACHINE_NETNS

# ns_new NAME: a process in a network namespace of its own; its pid is $NAME and recorded.
ns_new() {
	rm -f "$DIR/ready-$1" # one name may be used again
	unshare -n "$PROBE" hold </dev/null >"$DIR/ready-$1" 2>&1 &
	printf -v "$1" '%s' "$!"
	export "${1?}"
	echo "$!" >>"$DIR/pids"
	until grep -qs ready "$DIR/ready-$1"; do sleep 0.01; done
}

# in_ns PID COMMAND...
in_ns() {
	local pid=$1
	shift
	nsenter -t "$pid" -n "$@"
}

# ctl VERB...: netctl on the host.
ctl() {
	in_ns "$HOST" "$NETCTL" "$DIR/root" "$@"
}

# join VAR ID NETWORK...: a workload VAR with an end on each network; -p and -h are passed on.
join() {
	local var=$1 id=$2
	shift 2
	ns_new "$var"
	in_ns "${!var}" ip link set lo up
	ctl up "$id" "/proc/${!var}/ns/net" "$@"
}

# join_tap VAR ID NETWORK IP IP6 GATEWAY GATEWAY6: as join, but with a TAP in the place of a veth, as a VM.
join_tap() {
	local var=$1 mac=02:00:00:00:00:50

	ns_new "$var"
	# Not by in_ns, see serve.
	nsenter -t "$HOST" -n "$NETCTL" "$DIR/root" tap "$2" -n "$3:ip=$4,ip6=$5,mac=$mac" \
		"$PROBE" guest 3 "/proc/${!var}/ns/net" </dev/null >"$DIR/tap-$2" 2>&1 3>&- &
	echo "$!" >>"$DIR/pids"
	until in_ns "${!var}" ip link show eth0 >/dev/null 2>&1; do sleep 0.01; done
	in_ns "${!var}" ip link set lo up
	in_ns "${!var}" ip link set eth0 address "$mac" up
	in_ns "${!var}" ip addr add "$4/24" dev eth0
	in_ns "${!var}" ip addr add "$5/64" dev eth0 nodad
	[ -z "$6" ] || in_ns "${!var}" ip route add default via "$6"
	[ -z "$7" ] || in_ns "${!var}" ip route add default via "$7"
}

# addr_of ID FAMILY [NETWORK-NUMBER]: "ip" or "ip6" of an end.
addr_of() {
	ctl show "$1" | sed -n "${3:-1}s/.* $2=\([^ /]*\).*/\1/p"
}

# serve PID NAME [PORT]...: TCP and UDP, IPv4 and IPv6; whoever asks is told NAME and his address.
serve() {
	local pid=$1 name=$2
	shift 2
	# Not by in_ns: a function in the background is a shell of its own, and killing it is not enough.
	nsenter -t "$pid" -n "$PROBE" serve "$name" "${@:-80}" </dev/null >"$DIR/serve-$name" 2>&1 &
	echo "$!" >>"$DIR/pids"
	until grep -qs ready "$DIR/serve-$name"; do sleep 0.01; done
}

# ask PID tcp|udp|icmp ADDRESS [PORT [MS]]: prints the answer; fails without one.
ask() {
	in_ns "$1" "$PROBE" "$2" "$3" "${4:-80}" "${5:-2000}"
}

# expect WORD PID ADDRESS [PORT]: "yes" or "no" for ICMP (without PORT), TCP and UDP alike.
expect() {
	local want=$1 bad=0 kind kinds="icmp tcp udp" ms=3000
	[ $# -lt 4 ] || kinds="tcp udp"
	[ "$want" = yes ] || ms=400
	for kind in $kinds; do
		if ask "$2" "$kind" "$3" "${4:-80}" "$ms" >/dev/null; then
			[ "$want" = yes ] || { echo "$kind to $3 ${4:-} is answered"; bad=1; }
		else
			[ "$want" = no ] || { echo "$kind to $3 ${4:-} is not answered"; bad=1; }
		fi
	done
	return $bad
}

# all COMMAND LINES on stdin: run side by side; fails if one fails, and shows which.
all() {
	local line bad=0 i=0
	local -a pids=() lines=()
	while IFS= read -r line; do
		[ -n "$line" ] || continue
		eval "$line" >"$DIR/out-$i" 2>&1 </dev/null &
		pids+=("$!") lines+=("$line")
		i=$((i + 1))
	done
	for i in "${!pids[@]}"; do
		wait "${pids[i]}" || { echo "FAILED: ${lines[i]}"; cat "$DIR/out-$i"; bad=1; }
	done
	return $bad
}

# snapshot PID: links, addresses, routes and rules of a namespace, comparable.
snapshot() {
	in_ns "$1" ip -o link | sed 's/^[0-9]*: //; s/NO-CARRIER,//; s/@if[0-9]*/@/; s/state [A-Z]*//'
	in_ns "$1" ip -o addr | sed 's/^[0-9]*: //' | grep -v 'fe80::'
	in_ns "$1" ip route | sed 's/ linkdown//'
	in_ns "$1" ip -6 route | sed 's/ linkdown//' | grep -v 'fe80::'
	in_ns "$1" nft list ruleset
}

net_setup() {
	[ "$(id -u)" = 0 ] || skip "needs root"
	[ -x "$NETCTL" ] || skip "needs $NETCTL"
	DIR=$(mktemp -d)
	export DIR
	mkdir "$DIR/root"
	: >"$DIR/pids"
	ns_new HOST
	ns_new OUTSIDE
	ns_new LAN
	in_ns "$HOST" ip link set lo up
	in_ns "$HOST" ip link add wan0 type veth peer name eth0 netns "/proc/$OUTSIDE/ns/net"
	in_ns "$HOST" ip addr add 192.0.2.1/24 dev wan0
	in_ns "$HOST" ip addr add 2001:db8::1/64 dev wan0 nodad
	in_ns "$HOST" ip link set wan0 up
	in_ns "$OUTSIDE" ip addr add 192.0.2.2/24 dev eth0
	in_ns "$OUTSIDE" ip addr add 2001:db8::2/64 dev eth0 nodad
	in_ns "$OUTSIDE" ip link set eth0 up
	in_ns "$OUTSIDE" ip link set lo up
	# The outside knows the way back to every subnet: what is blocked, is blocked by us.
	in_ns "$OUTSIDE" ip route add 10.0.0.0/8 via 192.0.2.1
	in_ns "$OUTSIDE" ip route add fd00::/8 via 2001:db8::1
	in_ns "$OUTSIDE" ip route add 198.51.100.0/24 via 192.0.2.1
	in_ns "$OUTSIDE" ip route add 2001:db8:1::/64 via 2001:db8::1
	in_ns "$HOST" ip link add lan0 type bridge
	in_ns "$HOST" ip link add lan0p type veth peer name eth0 netns "/proc/$LAN/ns/net"
	in_ns "$HOST" ip link set lan0p master lan0 up
	in_ns "$HOST" ip addr add 198.51.100.1/24 dev lan0
	in_ns "$HOST" ip addr add 2001:db8:1::1/64 dev lan0 nodad
	in_ns "$HOST" ip link set lan0 up
	in_ns "$LAN" ip addr add 198.51.100.2/24 dev eth0
	in_ns "$LAN" ip link set eth0 up
	in_ns "$LAN" ip link set lo up
	in_ns "$LAN" ip addr add 2001:db8:1::2/64 dev eth0 nodad
	in_ns "$LAN" ip route add default via 198.51.100.1
	in_ns "$LAN" ip route add default via 2001:db8:1::1
}

net_teardown() {
	[ -n "${DIR:-}" ] || return 0
	while read -r pid; do
		kill "$pid" 2>/dev/null || true
	done <"$DIR/pids"
	rm -rf "$DIR"
}
