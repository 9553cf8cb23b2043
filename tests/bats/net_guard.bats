#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What the guard lets a port send: raw frames, each with its answer. Every table is asked twice: with the guard, and
# with the port's way around it, where all frames must arrive, so that no "drop" is another's doing.

bats_require_minimum_version 1.5.0
load net_helpers

FRAME="$BIVALVE_BIN/net/frame"
ALL=ff:ff:ff:ff:ff:ff
OTHER_MAC=02:00:00:00:00:99
NODES=33:33:00:00:00:01

setup_file() {
	local f cpu

	net_setup
	# What the TAP's other end sends stays in its order.
	cpu=$(sed -n 's/^Cpus_allowed_list:[^0-9]*\([0-9]*\).*/\1/p' /proc/self/status)
	taskset -cp "$cpu" $BASHPID >/dev/null
	# It would look at checksums, and frames have none here: no node that they get to shall heed them.
	for f in iptables ip6tables arptables; do
		in_ns "$HOST" sh -c "echo 0 > /proc/sys/net/bridge/bridge-nf-call-$f" 2>/dev/null || true
	done
	ctl create nat nat subnet=10.1.0.0/24 subnet6=fd00:1::/64
	ctl create iso isolated subnet=10.5.0.0/24 subnet6=fd00:5::/64
	ctl create bridge bridge bridge=lan0 subnet=198.51.100.0/24 gateway=198.51.100.1 \
		subnet6=2001:db8:1::/64 gateway6=2001:db8:1::1
	in_ns "$HOST" ip link set lan0 type bridge mcast_snooping 0
	join nat_a nat-a -n nat
	join nat_b nat-b -n nat
	join iso_a iso-a -n iso
	join iso_b iso-b -n iso
	join lan_a lan-a -n bridge:ip=198.51.100.10,ip6=2001:db8:1::10
	join lan_m lan-m -n bridge
	join_tap nat_t nat-t nat 10.1.0.50 fd00:1::50 10.1.0.1 fd00:1::1
}

teardown_file() {
	net_teardown
}

# mac_of PID DEVICE
mac_of() {
	in_ns "$1" ip link show "$2" | sed -n 's/.*link\/ether \([^ ]*\).*/\1/p'
}

# local_of MAC: the link-local address that follows from it.
local_of() {
	local -a m=()
	IFS=: read -ra m <<<"$1"
	printf 'fe80::%02x%s:%sff:fe%s:%s%s\n' $((0x${m[0]} ^ 2)) "${m[@]:1}"
}

# What follows prints the words of a frame behind its two MAC addresses; a frame's number is in the packet's length.

words() {
	printf '%s ' "$@"
}

# ip4 SOURCE DESTINATION [FRAGMENT]: a UDP packet, or a part of one.
ip4() {
	words 0800 45000024 "0000${3:-0000}" 40110000 "$1" "$2" 0009000900100000
}

# ip6 NEXT LENGTH SOURCE DESTINATION
ip6() {
	words 86dd 60000000 "$2" "$1" ff "$3" "$4"
}

udp6() {
	ip6 11 0010 "$1" "$2"
	words 0009000900100000
}

# icmp6 TYPE SOURCE DESTINATION [TARGET]. Types: 83 and 8f listener reports, 85 a router is asked for, 86 one advertises,
# 87 a neighbour is asked for, 88 one advertises, 89 redirect.
icmp6() {
	ip6 3a 0018 "$2" "$3"
	words "$1" 000000 00000000 "${4:-::}"
}

# hop6: the same behind a hop-by-hop header that asks routers to look, as listener reports have it.
hop6() {
	ip6 00 0020 "$2" "$3"
	words 3a00 05020000 0100 "$1" 000000 00000000 "${4:-::}"
}

# frag6 NEXT OFFSET SOURCE DESTINATION WORD...: one of several fragments; 24 bytes of words.
frag6() {
	ip6 2c 0020 "$3" "$4"
	words "$1" 00 "$2" 00000001 "${@:5}"
}

# arp OPERATION SENDER-MAC SENDER-IP IP
arp() {
	words 0806 000108000604000"$1" "$2" "$3" 00:00:00:00:00:00 "$4"
}

# tag WORDS KIND...: one frame in another.
tag() {
	words "${1//,/ }"
	"${@:2}"
}

# The answers for a port of an own bridge, for one on a LAN, and for one on a LAN that is bound to its MAC address alone;
# name, destination, source, what follows. M, I4, I6, L6 are the sender's, P, P4, P6 the peer's, H, G4, G6 the host's.
table() {
	cat <<-END
	mark mark mark      mark               $ALL $M ip4 $I4 255.255.255.255
	hello hello hello   hello              $ALL $P ip4 $P4 255.255.255.255

	pass pass pass      own-ip4            $P $M ip4 $I4 $P4
	pass pass pass      own-ip4-to-host    $H $M ip4 $I4 $G4
	pass pass pass      own-ip4-to-all     $ALL $M ip4 $I4 255.255.255.255
	pass pass pass      own-ip4-fragment   $P $M ip4 $I4 $P4 2000
	pass pass pass      own-ip6            $P $M udp6 $I6 $P6
	pass pass pass      own-ip6-to-host    $H $M udp6 $I6 $G6
	pass pass pass      own-ip6-to-nodes   $NODES $M udp6 $I6 ff02::1
	pass pass pass      own-link-local     $P $M udp6 $L6 $P6
	pass pass pass      dad                $NODES $M icmp6 87 :: ff02::1 $I6
	pass pass pass      solicit            $NODES $M icmp6 87 $I6 ff02::1 $P6

	drop drop drop      mac-unknown        $P $OTHER_MAC ip4 $I4 $P4
	drop drop drop      mac-unknown-ip6    $P $OTHER_MAC udp6 $I6 $P6
	drop drop drop      mac-unknown-dad    $NODES $OTHER_MAC icmp6 87 :: ff02::1 $I6
	drop drop drop      mac-of-peer        $H $P ip4 $I4 $G4
	drop drop drop      as-peer            $H $P ip4 $P4 $G4
	drop drop drop      as-peer-ip6        $H $P udp6 $P6 $G6
	drop drop drop      as-host            $P $H ip4 $G4 $P4
	drop drop drop      as-host-ip6        $P $H udp6 $G6 $P6

	drop drop pass      ip4-of-peer        $H $M ip4 $P4 $G4
	drop drop pass      ip4-of-gateway     $P $M ip4 $G4 $P4
	drop drop pass      ip4-outside        $H $M ip4 192.0.2.2 $G4
	drop drop pass      ip4-fragment       $H $M ip4 $P4 $G4 2000
	drop drop pass      ip4-last-fragment  $H $M ip4 $P4 $G4 0010
	drop drop pass      dhcp               $ALL $M ip4 0.0.0.0 255.255.255.255
	drop drop pass      ip6-of-peer        $H $M udp6 $P6 $G6
	drop drop pass      ip6-of-gateway     $P $M udp6 $G6 $P6
	drop drop pass      ip6-outside        $H $M udp6 2001:db8::2 $G6
	drop drop pass      ip6-other-local    $P $M udp6 fe80::99 $P6
	drop drop pass      ip6-fragment       $H $M frag6 11 0001 $P6 $G6 0009000900100000 ::

	pass pass pass      arp-request        $ALL $M arp 1 $M $I4 $P4
	pass pass pass      arp-reply          $P $M arp 2 $M $I4 $P4
	pass pass pass      arp-gratuitous     $ALL $M arp 1 $M $I4 $I4
	drop drop pass      arp-for-gateway    $P $M arp 2 $M $G4 $P4
	drop drop pass      arp-for-peer       $ALL $M arp 1 $M $P4 $G4
	drop drop pass      arp-gratuitous-for $ALL $M arp 1 $M $P4 $P4
	drop drop pass      arp-probe          $ALL $M arp 1 $M 0.0.0.0 $P4
	drop drop pass      arp-other-mac      $ALL $M arp 1 $OTHER_MAC $I4 $G4
	drop drop drop      arp-mac-inside     $ALL $OTHER_MAC arp 1 $M $I4 $G4
	drop drop pass      arp-cut            $ALL $M words 0806 0001

	pass pass pass      advertise          $NODES $M icmp6 88 $I6 ff02::1 $I6
	drop drop pass      advertise-as-peer  $NODES $M icmp6 88 $P6 ff02::1 $I6
	drop drop pass      advertise-outside  $H $M icmp6 88 2001:db8::99 2001:db8::2 $I6
	drop drop pass      nobody             $P $M udp6 :: $P6
	drop drop pass      nobody-echo        $NODES $M icmp6 80 :: ff02::1
	drop drop pass      dad-of-peer        $NODES $M icmp6 87 :: ff02::1 $P6
	drop drop pass      advertise-peer     $NODES $M icmp6 88 $I6 ff02::1 $P6
	drop drop pass      advertise-gateway  $P $M icmp6 88 $I6 $P6 $G6
	drop drop pass      advertise-hop      $P $M hop6 88 $I6 $P6 $G6
	drop drop pass      advertise-fragment $P $M frag6 3a 0001 $I6 $P6 88000000 00000000 $P6
	drop drop drop      router             $NODES $M icmp6 86 $L6 ff02::1
	drop drop drop      router-hop         $NODES $M hop6 86 $L6 ff02::1
	drop drop drop      router-fragment    $NODES $M frag6 3a 0001 $L6 ff02::1 86000000 00000000 ::
	drop drop drop      router-cut         $NODES $M frag6 3c 0001 $L6 ff02::1 3a050104 00000000 ::
	pass pass pass      ping-first-part    $P $M frag6 3a 0001 $I6 $P6 80000000 00000000 ::
	pass pass pass      ping-last-part     $P $M frag6 3a 0008 $I6 $P6 00000000 00000000 ::
	drop drop drop      redirect           $P $M icmp6 89 $L6 $P6 $G6
	drop pass pass      router-solicit     $NODES $M icmp6 85 $L6 ff02::1
	drop pass pass      listener-report    $NODES $M hop6 8f $L6 ff02::1
	drop pass pass      listener-report-1  $NODES $M hop6 83 $L6 ff02::1

	drop drop drop      vlan               $P $M tag 8100,0005 ip4 $I4 $P4
	drop drop drop      vlan-0             $P $M tag 8100,0000 ip4 $I4 $P4
	drop drop drop      vlan-spoofed       $P $OTHER_MAC tag 8100,0005 ip4 $P4 $P4
	drop drop drop      vlan-arp           $P $M tag 8100,0005 arp 2 $M $I4 $P4
	drop drop drop      vlan-ip6           $P $M tag 8100,0005 udp6 $I6 $P6
	drop drop drop      vlan-9100          $P $M tag 9100,0005 ip4 $I4 $P4
	drop drop drop      mpls               $P $M words 8847 00010100
	drop drop drop      qinq               $P $M tag 88a8,0005,8100,0006 ip4 $I4 $P4
	drop drop drop      qinq-spoofed       $P $OTHER_MAC tag 88a8,0005,8100,0006 ip4 $P4 $P4

	drop drop drop      stp                01:80:c2:00:00:00 $M words 0026 424203 0000000000
	drop drop drop      snap               $P $M words 0010 aaaa03000000 0800
	drop drop drop      unknown-type       $P $M words 88b5 00000000
	drop drop pass      ip4-cut            $P $M words 0800 4500
	drop drop drop      ip6-cut            $P $M words 86dd 6000
	drop drop drop      ether-cut          $P
	END
}

# Groups of IEEE 802.1, with a peer's MAC address: one that comes by the guard, one that the bridge throws away, and two
# that it takes for itself in different ways, past the guard.
link_local_groups() {
	cat <<-END
	mark mark mark      mark               $ALL $M ip4 $I4 255.255.255.255
	hello hello hello   hello              $ALL $P ip4 $P4 255.255.255.255
	drop drop drop      group-$GROUP       01:80:c2:00:00:$GROUP $P words 88cc 00000000
	END
}

# frames COLUMN [TABLE]: a table as tests/net/frame.c reads it; counts the questions in ASKED.
frames() {
	local -a w=()

	ASKED=-2 # "mark" and "hello" are none
	while read -ra w; do
		[ ${#w[@]} -gt 0 ] || continue
		words "${w[$1 - 1]}" "${w[@]:3:3}"
		"${w[@]:6}"
		echo
		ASKED=$((ASKED + 1))
	done < <("${2:-table}")
}

# ask_frames guarded|open PID PEER-PID BRIDGE: sends them all.
ask_frames() {
	run "$FRAME" "$1" "/proc/$2/ns/net" eth0 "/proc/$3/ns/net" eth0 "/proc/$HOST/ns/net" "$4" <"$DIR/frames"
	echo "$1:"
	echo "$output"
	[[ $status -eq 0 && $ASKED -gt 0 && $output = "$ASKED frames, 0 otherwise" ]]
}

# ask_both COLUMN ID PID PEER-PID BRIDGE [TABLE]: with the guard, and with the port of ID past it.
ask_both() {
	local port handle

	M=$(mac_of "$3" eth0) P=$(mac_of "$4" eth0) H=$(mac_of "$HOST" "$5")
	L6=$(local_of "$M")
	frames "$1" "${6:-table}" >"$DIR/frames"
	ask_frames guarded "${@:3}"
	port=$(ctl show "$2" | sed -n 's/.* port=\([^ ]*\).*/\1/p')
	in_ns "$HOST" nft insert rule bridge bivalve ports iifname "$port" accept
	handle=$(in_ns "$HOST" nft -a list chain bridge bivalve ports | sed -n "s/.*\"$port\" accept # handle //p")
	ask_frames open "${@:3}"
	in_ns "$HOST" nft delete rule bridge bivalve ports handle "$handle"
}

# stays PID PEER-PID BRIDGE PEER-PORT: the bridge finds the peer where it is, whatever is sent.
stays() {
	M=$(mac_of "$1" eth0) P=$(mac_of "$2" eth0)
	for GROUP in 00 01 02 0e; do
		frames 1 link_local_groups >"$DIR/frames"
		ask_frames guarded "${@:1:3}"
		in_ns "$HOST" bridge fdb show br "$3" | grep "^$P dev $4 " || { echo "by group $GROUP"; return 1; }
	done
}

@test "a container on a NAT network sends as itself, or nothing" {
	I4=10.1.0.2 I6=fd00:1::2 P4=10.1.0.3 P6=fd00:1::3 G4=10.1.0.1 G6=fd00:1::1
	ask_both 1 nat-a "$nat_a" "$nat_b" bv-nat
}

@test "a TAP on a NAT network sends as itself, or nothing" {
	I4=10.1.0.50 I6=fd00:1::50 P4=10.1.0.3 P6=fd00:1::3 G4=10.1.0.1 G6=fd00:1::1
	ask_both 1 nat-t "$nat_t" "$nat_b" bv-nat
}

@test "a container on an isolated network sends as itself, or nothing" {
	I4=10.5.0.2 I6=fd00:5::2 P4=10.5.0.3 P6=fd00:5::3 G4=10.5.0.1 G6=fd00:5::1
	ask_both 1 iso-a "$iso_a" "$iso_b" bv-iso
}

@test "a container with an address on a LAN sends as itself, and to routers and switches, or nothing" {
	I4=198.51.100.10 I6=2001:db8:1::10 P4=198.51.100.2 P6=2001:db8:1::2 G4=198.51.100.1 G6=2001:db8:1::1
	ask_both 2 lan-a "$lan_a" "$LAN" lan0
}

@test "a container without an address on a LAN is bound to its MAC address, and is no router" {
	I4=198.51.100.30 I6=2001:db8:1::30 P4=198.51.100.2 P6=2001:db8:1::2 G4=198.51.100.1 G6=2001:db8:1::1
	ask_both 3 lan-m "$lan_m" "$LAN" lan0
}

@test "no frame makes the bridge send a peer's frames to the sender" {
	I4=10.1.0.2 P4=10.1.0.3
	stays "$nat_a" "$nat_b" bv-nat "$(ctl show nat-b | sed -n 's/.* port=\([^ ]*\).*/\1/p')"
	I4=10.1.0.50
	stays "$nat_t" "$nat_b" bv-nat "$(ctl show nat-b | sed -n 's/.* port=\([^ ]*\).*/\1/p')"
	I4=198.51.100.10 P4=198.51.100.2
	stays "$lan_a" "$LAN" lan0 lan0p
}
