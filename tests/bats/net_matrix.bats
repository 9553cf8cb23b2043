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
	ctl create lan bridge bridge=lan0 subnet=198.51.100.0/24 gateway=198.51.100.1
	for net in nat nat2 ho routed iso; do
		join "${net}_a" "$net-a" -n "$net"
		join "${net}_b" "$net-b" -n "$net"
		local a="${net}_a" b="${net}_b"
		serve "${!a}" "$net-a"
		serve "${!b}" "$net-b"
	done
	join lan_a lan-a -n lan:ip=198.51.100.10
	join lan_b lan-b -n lan:ip=198.51.100.11
	serve "$lan_a" lan-a
	serve "$lan_b" lan-b
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

# The questions that every mode answers; $1 is the state of br_netfilter.
ask_matrix() {
	bridge_nf "$1"
	all <<-'END'
		expect yes $nat_a 10.1.0.3
		expect yes $nat_a fd00:1::3
		expect yes $nat_a 10.1.0.1
		expect yes $nat_a fd00:1::1
		expect yes $nat_a 192.0.2.2
		expect yes $nat_a 2001:db8::2
		expect yes $nat_a 198.51.100.2
		expect no $nat_a 10.2.0.2
		expect no $nat_a fd00:2::2
		expect no $nat_a 10.3.0.2
		expect no $nat_a 10.5.0.2
	END
	all <<-'END'
		expect yes $HOST 10.1.0.2
		expect yes $HOST fd00:1::2
		expect no $OUTSIDE 10.1.0.2
		expect no $OUTSIDE fd00:1::2
		expect no $LAN 10.1.0.2
		expect no $OUTSIDE 10.3.0.2
		expect no $OUTSIDE fd00:3::2
		expect yes $OUTSIDE 10.4.0.2
		expect yes $OUTSIDE fd00:4::2
		expect no $OUTSIDE 10.5.0.2
		expect no $HOST 10.5.0.2
		expect no $HOST fd00:5::2
	END
	all <<-'END'
		expect yes $ho_a 10.3.0.3
		expect yes $ho_a fd00:3::3
		expect yes $ho_a 10.3.0.1
		expect yes $ho_a fd00:3::1
		expect no $ho_a 192.0.2.2
		expect no $ho_a 2001:db8::2
		expect no $ho_a 10.1.0.2
		expect yes $HOST 10.3.0.2
		expect yes $routed_a 10.4.0.3
		expect yes $routed_a 192.0.2.2
		expect yes $routed_a 2001:db8::2
		expect no $routed_a 10.1.0.2
	END
	all <<-'END'
		expect yes $iso_a 10.5.0.3
		expect yes $iso_a fd00:5::3
		expect no $iso_a 10.5.0.1
		expect no $iso_a 192.0.2.1
		expect no $iso_a 192.0.2.2
		expect no $iso_a 10.1.0.2
		expect yes $lan_a 198.51.100.11
		expect yes $lan_a 198.51.100.2
		expect yes $lan_a 198.51.100.1
		expect yes $LAN 198.51.100.10
		expect no $lan_a 10.1.0.2
	END
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
