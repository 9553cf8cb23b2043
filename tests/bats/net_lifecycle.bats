#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Networks as objects, leases, faults: what is left behind, what heals, what is refused.

bats_require_minimum_version 1.5.0
load net_helpers

setup() {
	net_setup
}

teardown() {
	net_teardown
}

# refused TEXT VERB...: the command fails and says TEXT, in one line.
refused() {
	local text=$1
	shift
	run ctl "$@"
	echo "$output"
	[ "$status" -ne 0 ]
	[ "${#lines[@]}" -eq 1 ]
	[[ $output = *"$text"* ]]
}

# The sanitizer build makes many more calls, each of them slower: every eighth there.
STEP=1
FEW=1
[[ ${BIVALVE_BIN:-} != */asan ]] || { STEP=8 FEW=8; }

@test "create, list, up, members, down, remove leave the host as it was" {
	ctl create x nat
	ctl remove x
	local before after
	before=$(snapshot "$HOST")
	ctl create mine nat
	[[ $(ctl list) = "mine nat bridge=bv-mine subnet=10.90.0.0/24 gateway=10.90.0.1 "* ]]
	join a a -n mine -p 8080:80 -h web
	[[ $(ctl members mine) = "a mine eth0 "* ]]
	[ "$(addr_of a ip)" = 10.90.0.2 ]
	ctl down a
	ctl down a
	ctl remove mine
	after=$(snapshot "$HOST")
	diff <(echo "$before") <(echo "$after")
	[ -z "$(find "$DIR/root/net" -type l -o -type f ! -name lock)" ]
}

@test "the network 'default' is made when somebody asks for it" {
	join a a -n default
	[[ $(ctl list) = "default nat "* ]]
	ask "$a" icmp 192.0.2.2
	ask "$a" icmp 2001:db8::2
}

@test "a join is not heard by the other members" {
	ctl create quiet nat
	join a a -n quiet
	sleep 2 # its own first packets, and the bridge's
	local before
	before=$(in_ns "$a" grep Ip6InMcastPkts /proc/net/snmp6)
	join b b -n quiet
	in_ns "$b" ip -6 addr show dev eth0 scope link | grep -q 'inet6 fe80:'
	[ -z "$(in_ns "$b" ip -6 addr show dev eth0 tentative)" ]
	sleep 2
	[ "$before" = "$(in_ns "$a" grep Ip6InMcastPkts /proc/net/snmp6)" ]
	ask "$b" icmp "$(addr_of a ip6)"
}

@test "two networks: two interfaces, one default route" {
	ctl create one nat
	ctl create two host-only
	join a a -n one -n two:ifname=back
	in_ns "$a" ip -br link show eth0
	in_ns "$a" ip -br link show back
	[ "$(in_ns "$a" ip route show default | wc -l)" = 1 ]
}

@test "wishes for addresses are kept, and refused when they cannot be" {
	ctl create n nat subnet=10.7.0.0/24 subnet6=fd00:7::/64
	join a a -n n:ip=10.7.0.9,ip6=fd00:7::99,mac=02:00:00:00:00:09
	in_ns "$a" ip -br addr show eth0 | grep -q '10.7.0.9/24.*fd00:7::99/64'
	in_ns "$a" ip -br link show eth0 | grep -q 02:00:00:00:00:09
	ask "$a" icmp 10.7.0.1
	ns_new b
	refused "network 'n': address '10.7.0.9' is in use by 'a'" up b "/proc/$b/ns/net" -n n:ip=10.7.0.9
	refused "address '10.8.0.9' is not in '10.7.0.0/24'" up b "/proc/$b/ns/net" -n n:ip=10.8.0.9
	refused "address '10.7.0.1' is not for a workload" up b "/proc/$b/ns/net" -n n:ip=10.7.0.1
	refused "address '10.7.0.255' is not for a workload" up b "/proc/$b/ns/net" -n n:ip=10.7.0.255
	refused "network 'none-such' does not exist" up b "/proc/$b/ns/net" -n none-such
	[ "$(ctl members n | wc -l)" = 1 ]
	run ! in_ns "$b" ip link show eth0
}

@test "a port is published once" {
	ctl create n nat
	join a a -n n -p 8080:80
	ns_new b
	refused "port 'tcp-any-8080' is published by 'a' already" up b "/proc/$b/ns/net" -n n -p 8000-8090:100-190
	ctl up b "/proc/$b/ns/net" -n n -p 8080:80/udp
	ctl down b
	ctl down a
	ctl up b "/proc/$b/ns/net" -n n -p 8000-8090:100-190
}

@test "a thousand published ports" {
	ctl create n nat
	join a a -n n -p 10000-10999:20000-20999
	serve "$a" a 20567
	[ "$(ask "$OUTSIDE" tcp 192.0.2.1 10567)" = "a 192.0.2.2" ]
	ctl down a
	[ -z "$(ls "$DIR/root/net/ports")" ]
}

@test "impossible networks are refused in one line, with nothing left" {
	ctl create x nat
	ctl remove x
	local before
	before=$(snapshot "$HOST")
	refused "'192.0.2.128/25' overlaps" create n nat subnet=192.0.2.128/25
	refused "not a possible IPv4 subnet" create n nat subnet=10.0.0.0/31
	refused "the gateway is not in '10.7.0.0/24'" create n nat subnet=10.7.0.0/24 gateway=10.8.0.1
	refused "'../x': not a possible name" create ../x nat
	refused "only host-only networks can be routed" create n nat route=1
	refused "only bridge networks have an uplink" create n nat uplink=wan0
	refused "the host has a device 'wan0' already" create n nat bridge=wan0
	refused "the host has a device 'lan0' already" create n nat bridge=lan0
	refused "does not exist" remove n
	ctl create n nat subnet=10.7.0.0/24
	refused "'10.7.0.0/16' overlaps" create m nat subnet=10.7.0.0/16
	refused "exists already" create n nat
	join a a -n n
	refused "network 'n' is in use by 'a'" remove n
	ctl down a
	ctl remove n
	diff <(echo "$before") <(snapshot "$HOST")
}

@test "a full network says so, and takes back what the dead have left" {
	ctl create n nat subnet=10.7.0.0/29
	mkdir "$DIR/root/alive"
	local i
	for i in 2 3 4 5 6; do
		touch "$DIR/root/alive/w$i"
		join "w$i" "w$i" -n n
	done
	ns_new x
	touch "$DIR/root/alive/x"
	refused "network 'n' has no free address" up x "/proc/$x/ns/net" -n n
	rm "$DIR/root/alive/w4"
	kill "$w4"
	ctl up x "/proc/$x/ns/net" -n n
	[ "$(addr_of x ip)" = 10.7.0.4 ]
	ask "$x" icmp 10.7.0.1
}

@test "after a reboot, or a flush by somebody else, the next command heals" {
	ctl create n nat subnet=10.7.0.0/24
	join a a -n n -p 8080:80
	in_ns "$HOST" nft flush ruleset
	join b b -n n
	ask "$b" icmp 10.7.0.2
	serve "$a" a
	[ "$(ask "$OUTSIDE" tcp 192.0.2.1 8080)" = "a 192.0.2.2" ] # a's rules came back as well
	in_ns "$HOST" ip link del bv-n
	join c c -n n
	ask "$c" icmp 10.7.0.1
	ask "$c" icmp 192.0.2.2
}

@test "the store is lost, its bridge is still there: the network can be made again" {
	ctl create n nat subnet=10.7.0.0/24
	rm -r "$DIR/root/net"
	in_ns "$HOST" ip addr del 10.7.0.1/24 dev bv-n
	ctl create n nat subnet=10.7.0.0/24
	join a a -n n
	ask "$a" icmp 192.0.2.2
}

@test "a workload whose namespace dies: mute at once, gone soon, and its id can be used at once" {
	ctl create n nat subnet=10.7.0.0/24
	join a a -n n -p 8080:80
	ctl down a dying
	run ! ask "$a" icmp 10.7.0.1 0 300
	join b a -n n -p 8080:80
	ask "$b" icmp 10.7.0.1
	ctl down a dying
	kill "$b"
	local i
	for ((i = 0; i < 100; i++)); do
		in_ns "$HOST" ip -o link | grep -q bvp || break
		sleep 0.05
	done
	run ! in_ns "$HOST" sh -c 'ip -o link | grep bvp'
}

@test "ten at once get ten addresses" {
	ctl create n nat subnet=10.7.0.0/24
	local i
	local -a jobs=()
	for i in 0 1 2 3 4 5 6 7 8 9; do ns_new "p$i"; done
	for i in 0 1 2 3 4 5 6 7 8 9; do
		local pid="p$i"
		ctl up "w$i" "/proc/${!pid}/ns/net" -n n -p "80$i:80" >/dev/null &
		jobs+=("$!")
	done
	for i in "${jobs[@]}"; do wait "$i"; done
	[ "$(ctl members n | sed 's/.* ip=\([^ ]*\).*/\1/' | sort -u | wc -l)" = 10 ]
	for i in 0 1 2 3 4 5 6 7 8 9; do ctl down "w$i"; done
	ctl remove n
}

# System calls that change something or stand between two changes; strace counts each by itself.
CALLS="openat close write pwrite64 renameat symlinkat unlinkat mkdirat flock socket setns ioctl sendto recvmsg readlinkat io_uring_setup"

# killed_at CALL N VERB...: runs netctl, killed at the N-th CALL. Fails when it was not killed. (The leak check of the
# sanitizer build fails under strace, whatever it finds.)
killed_at() {
	local call=$1 n=$2 status=0
	shift 2
	ASAN_OPTIONS=detect_leaks=0 in_ns "$HOST" strace -qq -o /dev/null -e "inject=$call:signal=KILL:when=$n" \
		"$NETCTL" "$DIR/root" "$@" >/dev/null 2>&1 || status=$?
	[ $status -eq 137 ]
}

# nothing_left BEFORE: host and store are as they were.
nothing_left() {
	diff <(echo "$1") <(snapshot "$HOST")
	[ -z "$(find "$DIR/root/net/ends" "$DIR/root/net/leases" "$DIR/root/net/ports" \
		-type l -o -type f ! -name '.*')" ]
}

@test "killed at every system call of going up: down leaves nothing" {
	command -v strace >/dev/null || skip "needs strace"
	ctl create n nat subnet=10.7.0.0/24
	join warm warm -n n -p 9999:1
	ctl down warm
	local before call n kills=0
	before=$(snapshot "$HOST")
	for call in $CALLS; do
		for ((n = 1; n < 60; n += STEP)); do
			ns_new W
			killed_at "$call" "$n" up k "/proc/$W/ns/net" -n n -p 8080:80 || break
			kills=$((kills + 1))
			ctl down k
			kill "$W"
			nothing_left "$before"
		done
		ctl down k
		kill "$W" 2>/dev/null || true # ended above when every call was tried
	done
	echo "killed $kills times"
	[ "$kills" -gt $((40 / FEW)) ]
}

@test "killed at every system call of going down: down again leaves nothing" {
	command -v strace >/dev/null || skip "needs strace"
	ctl create n nat subnet=10.7.0.0/24
	join warm warm -n n -p 9999:1
	ctl down warm
	local before call n kills=0
	before=$(snapshot "$HOST")
	for call in $CALLS; do
		for ((n = 1; n < 60; n += STEP)); do
			ns_new W
			ctl up k "/proc/$W/ns/net" -n n -p 8080:80 >/dev/null
			killed_at "$call" "$n" down k || break
			kills=$((kills + 1))
			ctl down k
			kill "$W"
			nothing_left "$before"
		done
		kill "$W" 2>/dev/null || true
	done
	echo "killed $kills times"
	[ "$kills" -gt $((25 / FEW)) ]
}

@test "killed at every system call of making a network: remove leaves nothing" {
	command -v strace >/dev/null || skip "needs strace"
	ctl create x nat
	ctl remove x
	local before call n kills=0
	before=$(snapshot "$HOST")
	for call in $CALLS; do
		for ((n = 1; n < 60; n += STEP)); do
			killed_at "$call" "$n" create n nat subnet=10.7.0.0/24 || break
			kills=$((kills + 1))
			ctl remove n 2>/dev/null || true
			nothing_left "$before"
		done
		ctl remove n 2>/dev/null || true
	done
	echo "killed $kills times"
	[ "$kills" -gt $((40 / FEW)) ]
}

@test "a TAP and a container of one network reach each other, and the TAP is guarded" {
	[ -c /dev/net/tun ] || skip "needs /dev/net/tun"
	ctl create n nat subnet=10.7.0.0/24
	join a a -n n
	nsenter -t "$HOST" -n "$NETCTL" "$DIR/root" tap vm -n n:ip=10.7.0.50,mac=02:00:00:00:00:50 \
		"$PROBE" frames 3 02:00:00:00:00:50 10.7.0.50 3>&- </dev/null >"$DIR/tap" 2>&1 &
	echo "$!" >>"$DIR/pids"
	until grep -q port= "$DIR/tap"; do sleep 0.01; done
	ask "$a" icmp 10.7.0.50
	ask "$HOST" icmp 10.7.0.50
	nsenter -t "$HOST" -n "$NETCTL" "$DIR/root" tap liar -n n:ip=10.7.0.51,mac=02:00:00:00:00:51 \
		"$PROBE" frames 3 02:00:00:00:00:51 10.7.0.52 3>&- </dev/null >"$DIR/tap2" 2>&1 &
	echo "$!" >>"$DIR/pids"
	until grep -q port= "$DIR/tap2"; do sleep 0.01; done
	run ! ask "$a" icmp 10.7.0.52 0 400
	ctl down vm
	ctl down liar
}

@test "a network device of the host moves with its addresses" {
	ns_new a
	in_ns "$HOST" ip link add mv0 type veth peer name mv1
	in_ns "$HOST" ip addr add 203.0.113.7/24 dev mv0
	ctl move "/proc/$a/ns/net" mv0 'net%d'
	in_ns "$a" ip -br addr show net0 | grep -q 203.0.113.7/24
	refused "No such device" move "/proc/$a/ns/net" mv0
}
