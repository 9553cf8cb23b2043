#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Network cards of a Debian guest on a bridge with a peer in a namespace: with offloads and several queues, without
# any, by vhost-net; IPv4 and IPv6, TCP with its bytes checked both ways, UDP in fragments, MTU, a TAP that goes away.
# tests/bed/bats.sh tests/bats/vmm_net.bats
bats_require_minimum_version 1.5.0

load vmm_helpers

setup() {
	vmm_setup
	guest_file "$TOOLS/netpump"
	modprobe -a tun bridge veth vhost_net
	ip netns add peer
	ip link add br0 type bridge
	ip link set br0 up
	ip link add p0 type veth peer name eth0 netns peer
	ip link set p0 master br0 up
	ip -n peer link set lo up
	ip -n peer link set eth0 up
}

# A skipped test made neither.
teardown() {
	[ ! -e /run/netns/peer ] || ip netns del peer
	[ ! -e /sys/class/net/br0 ] || ip link del br0
}

# tap NUMBER [WORD...]: TAP tNUMBER on the bridge; the peer's addresses of that network.
tap() {
	local i=$1

	shift
	ip tuntap add dev "t$i" mode tap vnet_hdr "$@"
	ip link set "t$i" master br0 up
	ip -n peer addr add "10.7.$i.1/24" dev eth0
	ip -n peer addr add "fd07:$i::1/64" dev eth0 nodad
}

# card_script NUMBER MIB: what the guest does with card ethNUMBER: 3 * MIB each way, by IPv4 and IPv6. At its end the host
# takes a TAP away, and the machine says so into the same output.
card_script() {
	sed "s/@i/$1/g; s/@n/$2/g" <<-'END'
		echo 0 >/proc/sys/net/ipv6/conf/eth@i/accept_dad
		ip link set eth@i up; ip addr add 10.7.@i.2/24 dev eth@i; ip addr add fd07:@i::2/64 dev eth@i
		echo eth@i mtu $(cat /sys/class/net/eth@i/mtu) queues $(ls /sys/class/net/eth@i/queues | grep -c rx) features $(cut -c 1-25 /sys/class/net/eth@i/device/features)
		check eth@i-ping4 ping -c 3 -W 20 10.7.@i.1
		check eth@i-ping6 ping -c 3 -W 20 fd07:@i::1
		check eth@i-ping-big ping -c 2 -s 8000 -W 20 10.7.@i.1
		check eth@i-tcp4 netpump both 10.7.@i.1 5 @n
		check eth@i-tcp6 netpump both fd07:@i::1 5 @n
		check eth@i-send netpump send 10.7.@i.1 5 @n
		check eth@i-receive netpump receive fd07:@i::1 5 @n
		check eth@i-udp netpump udp 10.7.@i.1 5 1000
		check eth@i-udp6-fragments netpump udp fd07:@i::1 5 20000
	END
}

@test "net: two queues, no offloads, vhost-net; TCP, UDP and ping both ways; a TAP that goes away" {
	local vhost=,vhost

	[ -c /dev/vhost-net ] || vhost=
	tap 0 multi_queue
	tap 1
	tap 2
	{ # the TAP goes when all connections are served
		ip netns exec peer "$TOOLS/netpump" serve 5 18 && echo all >served
		ip link del t0
	} 3>&- &
	{
		card_script 0 14
		card_script 1 2
		card_script 2 6
		echo 'for i in $(seq 300); do [ "$(cat /sys/class/net/eth0/carrier)" = 0 ] && break; sleep 0.1; done'
		echo 'check eth0-lost [ "$(cat /sys/class/net/eth0/carrier)" = 0 ]'
		echo 'check eth2-lives ping -c 1 -W 20 10.7.2.1'
	} >script
	BOOT_SECONDS=400 run_guest virtio_net --cpus 2 --net tap:t0,queues=2,mtu=1400,mac=02:00:00:00:00:01 \
		--net tap:t1,no-offloads --net "tap:t2$vhost" <script
	[ "$(<served)" = all ]
	# Feature bits 0 (checksum), 7 (segments from the host), 11 (to the host), 15 (merged buffers), 22 (multiqueue).
	[[ $output = *'eth0 mtu 1400 queues 2 features 11'?????'1'???'1'???'1'??????'1'* ]]
	[[ $output = *'eth1 mtu 1500 queues 1 features 00'?????'0'???'0'???'0'??????'0'* ]]
	[[ $output = *'eth2 mtu 1500 queues 1 features 11'?????'1'???'1'???'1'??????'0'* ]]
}
