#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The command `network`.
load network_helpers

@test "network: a default one is there without asking" {
	run -0 network list
	[ "${#lines[@]}" -eq 2 ]
	[[ ${lines[0]} =~ ^NAME\ +MODE\ +BRIDGE\ +SUBNET\ +SUBNET6\ +MEMBERS$ ]]
	[[ ${lines[1]} =~ ^default\ +nat\  ]]
	[ "$(network inspect default | jq -r .mode)" = nat ]
	[ "$(network list --format json | jq -r '.[].name')" = default ]
}

@test "network: create, inspect, list, remove in every mode; nothing is left" {
	local mode before

	network create x && network remove x # the tables, which stay
	before=$(host_network)
	for mode in nat host-only isolated; do
		run -0 network create "n-$mode" --mode "$mode"
		[ "$output" = "n-$mode" ]
		network inspect "n-$mode" | jq -e --arg mode "$mode" '.mode == $mode and .bridge and .subnet and .members == []'
	done
	in_ns "$HOST" ip link show bv-n-isolated
	network create routed --mode=host-only --route --subnet 10.44.0.0/24 --subnet6=fd44::/64 --gateway 10.44.0.9 --mtu 1400
	network create mine --mode bridge --bridge-name lan0 --subnet 198.51.100.0/24 --gateway 198.51.100.1
	[ "$(network inspect routed | jq -r '[.route, .subnet, .gateway, .subnet6, .mtu | tostring] | join(" ")')" = \
		"true 10.44.0.0/24 10.44.0.9 fd44::/64 1400" ]
	[ "$(network list --format json | jq length)" -eq 6 ]
	for mode in n-nat n-host-only n-isolated routed mine; do
		network remove $mode
	done
	host_is "$before"
	in_ns "$HOST" ip link show lan0 # the user's own
}

@test "network: what cannot be is one clear line, and nothing is made" {
	local before

	network create x --subnet 10.50.0.0/24
	before=$(host_network)
	refused "network 'x' exists already" network create x
	refused "10.50.0.128/25' overlaps" network create y --subnet 10.50.0.128/25
	refused "192.0.2.0/24' overlaps" network create y --subnet 192.0.2.0/24
	refused "not in '10.51.0.0/24'" network create y --subnet 10.51.0.0/24 --gateway 10.52.0.1
	refused "'--mode': 'vlan' is not" network create y --mode vlan
	refused "'--subnet': '10.5.0.0' is not" network create y --subnet 10.5.0.0
	refused "'--subnet6': 'fd::/200' is not" network create y --subnet6 fd::/200
	refused "'--gateway': 'x' is not" network create y --gateway x
	refused "'--mtu': '0' is not" network create y --mtu 0
	refused "mtu 100 is not" network create y --mtu 100
	refused "'--bridge-name': 'a-name-too-long-for-linux' is longer than 15" network create y --bridge-name a-name-too-long-for-linux
	refused "only host-only networks can be routed" network create y --route
	refused "only bridge networks have an uplink" network create y --uplink lan0p
	refused "needs the host on the network" network create y --internal-dns --mode isolated
	refused "needs the host on the network" network create y --internal-dns --mode bridge --bridge-name lan0
	refused "not a possible name" network create none
	refused "not a possible name" network create a/b
	refused "at most 64 bytes" network create "$(printf 'n%.0s' {1..65})"
	refused "the host has a device 'lan0p'" network create y --mode bridge --bridge-name lan0p
	refused "network 'y' does not exist" network inspect y
	refused "network 'y' does not exist" network remove y
	refused "missing argument" network create
	refused "unexpected argument 'y'" network remove x y
	refused "unknown option '--foo'" network create y --foo
	refused "'--subnet' needs a value" network create y --subnet
	refused "unknown command 'network foo'" network foo
	host_is "$before"
}

@test "network: one that is in use stays; its members are shown" {
	network create x --subnet 10.50.0.0/24 --subnet6 fd50::/64
	start "$ID" --network x --hostname web
	refused "network 'x' is in use by '$ID'" network remove x
	[ "$(network inspect x | jq -r '.members[] | [.id, .hostname, .addresses[]] | join(" ")')" = "$ID web 10.50.0.2/24 fd50::2/64" ]
	run -0 network list
	[[ $output =~ x\ +nat\ +bv-x\ +10.50.0.0/24\ +fd50::/64\ +1 ]]
	bivalve delete --force "$ID"
	network remove x
}

@test "network: help, with examples; errors go to the log as well" {
	run -0 network --help
	[[ $output == *"network create web"* ]]
	run -0 network create --help
	[[ $output == *"--subnet6 CIDR"* ]]
	run -1 bivalve --log "$WORK/log" --log-format json network remove nope
	[ "$(jq -r '.level + " " + .msg' "$WORK/log")" = "error network 'nope' does not exist" ]
}
