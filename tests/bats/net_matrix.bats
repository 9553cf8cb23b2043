#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Every mode by every question of reachability. br_netfilter is tried on and off.

bats_require_minimum_version 1.5.0
load net_helpers

setup_file() {
	net_setup
	serve "$HOST" host
	serve "$OUTSIDE" outside
	serve "$LAN" lan
	ctl create nat nat subnet=10.1.0.0/24 subnet6=fd00:1::/64
	ctl create nat2 nat subnet=10.2.0.0/24 subnet6=fd00:2::/64
	ctl create ho host-only subnet=10.3.0.0/24 subnet6=fd00:3::/64
	ctl create routed host-only route=1 subnet=10.4.0.0/24 subnet6=fd00:4::/64
	ctl create iso isolated subnet=10.5.0.0/24 subnet6=fd00:5::/64
	ctl create bridge bridge bridge=lan0 subnet=198.51.100.0/24 gateway=198.51.100.1 \
		subnet6=2001:db8:1::/64 gateway6=2001:db8:1::1
	for net in nat nat2 ho routed iso; do
		join "${net}_a" "$net-a" -n "$net"
		join "${net}_b" "$net-b" -n "$net"
		local a="${net}_a" b="${net}_b"
		serve "${!a}" "$net-a"
		serve "${!b}" "$net-b"
	done
	join bridge_a bridge-a -n bridge:ip=198.51.100.10,ip6=2001:db8:1::10
	join bridge_b bridge-b -n bridge:ip=198.51.100.11,ip6=2001:db8:1::11
	serve "$bridge_a" bridge-a
	serve "$bridge_b" bridge-b
	for net in nat ho routed iso bridge; do
		local t="${net}_t"
		local -a at gate=("" "")
		read -ra at < <(address_in "$net" 50)
		[ "$net" = iso ] || read -ra gate < <(address_in "$net" 1)
		join_tap "$t" "$net-t" "$net" "${at[@]}" "${gate[@]}"
		serve "${!t}" "$net-t"
	done
	join pub pub -n nat -p 8080:80 -p 8080:80/udp -p 192.0.2.1:9000-9002:80-82
	serve "$pub" pub
}

teardown_file() {
	net_teardown
}

bridge_nf() {
	local f
	for f in iptables ip6tables arptables; do
		in_ns "$HOST" sh -c "echo $1 > /proc/sys/net/bridge/bridge-nf-call-$f" || skip "no br_netfilter"
	done
}

# Who reaches whom, by ICMP, TCP and UDP, IPv4 and IPv6. Rows ask: _a has a veth, _t a TAP. "peer" and "tap" are of the
# own network, "host" is its gateway (or would be); the last columns are members of each mode's network.
MATRIX="
from      peer tap host lan outside nat nat2 ho routed iso bridge
nat_a     yes  yes yes  yes yes     -   no   no no     no  yes
nat_t     yes  -   yes  yes yes     -   no   no no     no  yes
ho_a      yes  yes yes  no  no      no  no   -  no     no  no
ho_t      yes  -   yes  no  no      no  no   -  no     no  no
routed_a  yes  yes yes  yes yes     no  no   no -      no  yes
routed_t  yes  -   yes  yes yes     no  no   no -      no  yes
iso_a     yes  yes no   no  no      no  no   no no     -   no
iso_t     yes  -   no   no  no      no  no   no no     -   no
bridge_a  yes  yes yes  yes yes     no  no   no yes    no  -
bridge_t  yes  -   yes  yes yes     no  no   no yes    no  -
HOST      -    -   -    yes yes     yes yes  yes yes   no  yes
LAN       -    -   yes  -   yes     no  no   no yes    no  yes
OUTSIDE   -    -   yes  yes -       no  no   no yes    no  yes
"

# address_in NETWORK NUMBER: IPv4 and IPv6 address of its member.
address_in() {
	case $1 in
	nat) echo "10.1.0.$2 fd00:1::$2" ;;
	nat2) echo "10.2.0.$2 fd00:2::$2" ;;
	ho) echo "10.3.0.$2 fd00:3::$2" ;;
	routed) echo "10.4.0.$2 fd00:4::$2" ;;
	iso) echo "10.5.0.$2 fd00:5::$2" ;;
	bridge) echo "198.51.100.$2 2001:db8:1::$2" ;;
	esac
}

# address_of WHO-ASKS COLUMN
address_of() {
	case $1-$2 in
	*-lan) echo "198.51.100.2 2001:db8:1::2" ;;
	*-outside) echo "192.0.2.2 2001:db8::2" ;;
	LAN-host) address_in bridge 1 ;;
	OUTSIDE-host) echo "192.0.2.1 2001:db8::1" ;;
	*-host) address_in "${1%_*}" 1 ;;
	bridge_*-peer) address_in bridge 11 ;;
	*-peer) address_in "${1%_*}" 3 ;;
	*-tap) address_in "${1%_*}" 50 ;;
	*-bridge) address_in bridge 10 ;;
	*) address_in "$2" 2 ;;
	esac
}

# $1 is the state of br_netfilter.
ask_matrix() {
	local -a columns=() cells=() pids=()
	local row i address from asked=0 bad=0

	bridge_nf "$1"
	while read -r row; do
		read -ra cells <<<"$row"
		[ "${#cells[@]}" -gt 0 ] || continue
		if [ "${#columns[@]}" -eq 0 ]; then
			columns=("${cells[@]}")
			continue
		fi
		from=${cells[0]}
		: >"$DIR/ask-$from"
		for ((i = 1; i < ${#columns[@]}; i++)); do
			[ "${cells[i]}" != - ] || continue
			for address in $(address_of "$from" "${columns[i]}"); do
				echo "${cells[i]} $address" >>"$DIR/ask-$from"
				asked=$((asked + 1))
			done
		done
		nsenter -t "${!from}" -n "$PROBE" expect <"$DIR/ask-$from" >"$DIR/asked-$from" 2>&1 3>&- &
		pids+=("$from=$!")
	done <<<"$MATRIX"
	for row in "${pids[@]}"; do
		wait "${row#*=}" || { bad=1; sed "s/^/${row%=*}: /" "$DIR/asked-${row%=*}"; }
	done
	[ "$asked" -eq 238 ] || { echo "asked $asked"; bad=1; }
	return $bad
}

# Published ports from everywhere.
ask_ports() {
	bridge_nf "$1"
	all <<-'END'
		expect yes $OUTSIDE 192.0.2.1 8080
		expect yes $OUTSIDE 2001:db8::1 8080
		expect yes $LAN 198.51.100.1 8080
		expect yes $HOST 192.0.2.1 8080
		expect yes $HOST 127.0.0.1 8080
		expect yes $HOST 2001:db8::1 8080
		expect yes $nat_a 10.1.0.1 8080
		expect yes $nat_a 192.0.2.1 8080
		expect yes $nat_a fd00:1::1 8080
		expect yes $pub 192.0.2.1 8080
		expect yes $pub 2001:db8::1 8080
		expect yes $nat2_a 192.0.2.1 8080
		expect no $ho_a 192.0.2.1 8080
		expect no $iso_a 192.0.2.1 8080
		expect no $OUTSIDE 192.0.2.1 8081
	END
	# br_netfilter turns the answer's address into ::1 while it still is on the bridge, and the
	# kernel takes no packet to ::1 off a wire.
	expect "$([ "$1" = 1 ] && echo no || echo yes)" "$HOST" ::1 8080
	[[ $(ask "$OUTSIDE" tcp 192.0.2.1 9000) = "pub 192.0.2.2" ]] # the client's own address is seen
	run ! ask "$LAN" tcp 198.51.100.1 9000 400
}

@test "every mode answers every question, with br_netfilter off" {
	ask_matrix 0
}

@test "every mode answers every question, with br_netfilter on" {
	ask_matrix 1
}

@test "published ports answer the world, the host and the network itself, with br_netfilter off" {
	ask_ports 0
}

@test "published ports answer the world, the host and the network itself, with br_netfilter on" {
	ask_ports 1
}

@test "the outside sees the host's address, not the workload's" {
	[[ $(ask "$nat_a" tcp 192.0.2.2) = "outside 192.0.2.1" ]]
	[[ $(ask "$nat_a" tcp 2001:db8::2) = "outside 2001:db8::1" ]]
	[[ $(ask "$routed_a" tcp 192.0.2.2) = "outside 10.4.0.2" ]]
}

@test "a loopback service of the host is not reached from a workload" {
	serve "$HOST" secret 7000
	[ "$(ask "$HOST" tcp 127.0.0.1 7000)" = "secret 127.0.0.1" ]
	in_ns "$nat_a" ip route add 127.0.0.1/32 via 10.1.0.1 table 99
	in_ns "$nat_a" sh -c 'echo 1 > /proc/sys/net/ipv4/conf/all/route_localnet'
	in_ns "$nat_a" ip rule add pref 0 to 127.0.0.1 lookup 99 || skip "no policy routing"
	in_ns "$nat_a" ip rule del pref 0 lookup local
	in_ns "$nat_a" ip rule add pref 1 lookup local
	run ! ask "$nat_a" tcp 127.0.0.1 7000 400
}

@test "a workload cannot send under another's address" {
	in_ns "$nat_b" ip addr add 10.1.0.77/24 dev eth0
	in_ns "$nat_b" ip addr add fd00:1::77/64 dev eth0 nodad
	run ! in_ns "$nat_b" /bin/busybox ping -c 1 -W 1 -I 10.1.0.77 10.1.0.2
	run ! in_ns "$nat_b" /bin/busybox ping6 -c 1 -W 1 -I fd00:1::77 fd00:1::2
	run ! ask "$nat_a" icmp 10.1.0.77 0 400
	in_ns "$nat_b" ip addr del 10.1.0.77/24 dev eth0
	in_ns "$nat_b" ip addr del fd00:1::77/64 dev eth0
	expect yes "$nat_b" 10.1.0.2
}

@test "a workload cannot send under another's MAC address" {
	local mac
	in_ns "$nat_b" ip link set eth0 address 02:00:00:00:00:99
	run ! ask "$nat_b" icmp 10.1.0.2 0 400
	mac=$(ctl show nat-b | sed 's/.*mac=\([^ ]*\).*/\1/')
	in_ns "$nat_b" ip link set eth0 address "$mac"
	expect yes "$nat_b" 10.1.0.2
}

@test "a firewall of another's with its own tables is left alone" {
	in_ns "$HOST" nft 'add table inet theirs; add chain inet theirs forward { type filter hook forward priority 0; policy accept; }'
	ctl create extra nat
	ctl remove extra
	in_ns "$HOST" nft list table inet theirs | grep -q 'policy accept'
	in_ns "$HOST" nft delete table inet theirs
}
