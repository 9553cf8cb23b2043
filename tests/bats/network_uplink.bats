#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Bridge networks with an uplink: workloads as equals on a LAN.
load network_helpers

# A second LAN behind the host's interface up0, which has an address of the host's.
lan_behind_uplink() {
	ns_new LAN2
	in_ns "$HOST" ip link add up0 type veth peer name eth0 netns "/proc/$LAN2/ns/net"
	in_ns "$HOST" ip addr add 203.0.113.1/24 dev up0
	in_ns "$HOST" ip addr add 2001:db8:2::1/64 dev up0 nodad
	in_ns "$HOST" ip link set up0 up
	in_ns "$LAN2" ip addr add 203.0.113.2/24 dev eth0
	in_ns "$LAN2" ip addr add 2001:db8:2::2/64 dev eth0 nodad
	in_ns "$LAN2" ip link set eth0 up
	in_ns "$LAN2" ip link set lo up
	serve "$LAN2" lan2 80
}

lan_network() {
	network create lan --mode bridge --uplink up0 --subnet 203.0.113.0/24 --gateway 203.0.113.2 --subnet6 2001:db8:2::/64
}

@test "uplink: a workload is an equal on the LAN, with a static address or without any" {
	local before a

	network create x && network remove x # the tables, which stay
	lan_behind_uplink
	before=$(host_network)
	[ "$(lan_network)" = lan ]
	[ "$(network inspect lan | jq -r .uplink)" = up0 ]
	# The host's addresses are where they were.
	[[ $(in_ns "$HOST" ip -br addr show up0) == *"203.0.113.1/24 2001:db8:2::1/64"* ]]
	[ -z "$(in_ns "$HOST" ip -o addr show bv-lan scope global)" ]
	start "$ID-a" --network lan:ip=203.0.113.10,ip6=2001:db8:2::10
	start "$ID-b" --network lan:ip=203.0.113.11,ip6=2001:db8:2::11
	a=$(pid_of "$ID-a")
	serve "$a" a 80
	all <<-END
		expect yes $a 203.0.113.2
		expect yes $a 2001:db8:2::2
		expect yes $LAN2 203.0.113.10
		expect yes $LAN2 2001:db8:2::10
		expect yes $(pid_of "$ID-b") 203.0.113.10
		expect yes $(pid_of "$ID-b") 2001:db8:2::10
		expect no $OUTSIDE 203.0.113.10
	END
	[ "$(ask "$LAN2" tcp 203.0.113.10)" = "a 203.0.113.2" ]
	[ "$(ask "$a" tcp 203.0.113.2)" = "lan2 203.0.113.10" ] # nothing is masqueraded
	# No leases of ours there: without a wish the workload may ask the LAN's DHCP server by itself.
	start "$ID-c" --network lan
	[ "$(bivalve state "$ID-c" | jq -c '.networks[0].addresses')" = "[]" ]
	in_ns "$(pid_of "$ID-c")" ip addr add 203.0.113.12/24 dev eth0
	ask "$(pid_of "$ID-c")" icmp 203.0.113.2
	# But under its own MAC address.
	in_ns "$(pid_of "$ID-c")" ip link set eth0 address 02:00:00:00:00:99
	run ! ask "$(pid_of "$ID-c")" icmp 203.0.113.2 0 400
	refused "network 'lan' is in use by" network remove lan
	kill "$(tail -n 1 "$DIR/pids")" # the server in a's namespace
	bivalve delete --force --regex "^$ID"
	network remove lan
	host_is "$before"
	ask "$HOST" icmp 203.0.113.2
}

@test "uplink: moving the host's addresses to the bridge is the user's step, and works" {
	lan_behind_uplink
	lan_network
	start "$ID" --network lan:ip=203.0.113.10
	serve "$(pid_of)" a 80
	in_ns "$HOST" ip addr del 203.0.113.1/24 dev up0
	in_ns "$HOST" ip addr add 203.0.113.1/24 dev bv-lan
	all <<-END
		expect yes $HOST 203.0.113.10
		expect yes $LAN2 203.0.113.10
		ask $HOST icmp 203.0.113.2
		ask $(pid_of) icmp 203.0.113.1
		ask $LAN2 icmp 203.0.113.1
	END
	bivalve delete --force "$ID"
	network remove lan
}

@test "uplink: wishes that cannot be are one line, and the interface stays as it was" {
	local before

	lan_behind_uplink
	network create x && network remove x
	before=$(host_network)
	refused "the host has no device 'no-such' for an uplink" network create lan --mode bridge --uplink no-such
	refused "uplink 'lan0p' is a port of another bridge" network create lan --mode bridge --uplink lan0p
	refused "the host has a device 'lan0' already" network create lan --mode bridge --uplink up0 --bridge-name lan0
	refused "only bridge networks have an uplink" network create lan --uplink up0
	refused "gateway '203.0.113.2' without its subnet" network create lan --mode bridge --uplink up0 --gateway 203.0.113.2
	host_is "$before"
	lan_network
	refused "uplink 'up0' is a port of another bridge" network create lan2 --mode bridge --uplink up0
	network remove lan
	host_is "$before"
}

@test "uplink: after a reboot the bridge is made again, with it" {
	lan_behind_uplink
	lan_network
	in_ns "$HOST" ip link del bv-lan
	in_ns "$HOST" nft flush ruleset
	start "$ID" --network lan:ip=203.0.113.10
	ask "$(pid_of)" icmp 203.0.113.2
	bivalve delete --force "$ID"
	network remove lan
	ask "$HOST" icmp 203.0.113.2
}
