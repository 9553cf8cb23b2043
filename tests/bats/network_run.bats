#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Workloads on networks, by the real commands. The matrix of every mode is in net_matrix.bats.
load network_helpers

# serves ID [OPTION...]: a workload whose port 80 tells its id.
serves() {
	start "$@" || return 1
	serve "$(pid_of "$1")" "$1" 80
}

@test "run: on a nat network, out, in by a port, to peers and by name" {
	serves "$ID-a" --network default --publish 8080:80 -p 8081:80/udp
	start "$ID-b" --network default
	local a b

	a=$(pid_of "$ID-a") b=$(pid_of "$ID-b")
	serve "$OUTSIDE" outside 80
	all <<-END
		expect yes $b 192.0.2.2
		expect yes $b 2001:db8::2
		expect yes $b $(address "$ID-a" 4)
		expect yes $b $(address "$ID-a" 6)
		expect no $OUTSIDE $(address "$ID-a" 4)
		ask $OUTSIDE tcp 192.0.2.1 8080
		ask $OUTSIDE tcp 2001:db8::1 8080
		ask $OUTSIDE udp 192.0.2.1 8081
		ask $HOST tcp 127.0.0.1 8080
		ask $b tcp 192.0.2.1 8080
		ask $a tcp 192.0.2.1 8080
	END
	run ! ask "$OUTSIDE" tcp 192.0.2.1 8081 300
	# By name, from inside.
	[ "$(bivalve exec "$ID-b" nc -w 5 "$ID-a" 80 </dev/null | head -c 100 | cut -d' ' -f1)" = "$ID-a" ]
	bivalve delete --force "$ID-a"
	run ! ask "$OUTSIDE" tcp 192.0.2.1 8080 300
}

@test "run: hosts, resolv.conf and hostname; peers come and go by name" {
	start "$ID-a" --network default --hostname web --dns 192.0.2.53 --dns 2001:db8::53 \
		--add-host db:192.0.2.7 --add-host gate:host-gateway
	[ "$(bivalve exec "$ID-a" cat /etc/hostname)" = web ]
	[ "$(bivalve exec "$ID-a" cat /etc/resolv.conf)" = "$(printf 'nameserver 192.0.2.53\nnameserver 2001:db8::53')" ]
	run -0 names "$ID-a"
	[[ $output == *"127.0.0.1 localhost"*"$(address "$ID-a" 4) web $ID-a"*"192.0.2.7 db"*" gate"* ]]
	[[ $output != *"$ID-b"* ]]
	start "$ID-b" --network default
	[[ $(names "$ID-b") == *"$(address "$ID-a" 4) web $ID-a"* ]]
	[[ $(names "$ID-a") == *"$(address "$ID-b" 6) $ID-b"* ]]
	bivalve delete --force "$ID-b"
	[[ $(names "$ID-a") != *"$ID-b"* ]]
	# The workload cannot change what its peers are called.
	run ! bivalve exec "$ID-a" sh -c 'echo x >>/etc/hosts'
}

@test "run: members of one network share a hosts file, but for those with lines of their own" {
	local file

	start "$ID-0" --network default # the network's file is there with its first member
	for i in 1 2; do
		start "$ID-$i" --network default --hostname "h$i"
	done
	start "$ID-own" --network default --add-host db:192.0.2.7
	file=$(bivalve exec "$ID-1" stat -c %i /etc/hosts)
	[ "$(bivalve exec "$ID-2" stat -c %i /etc/hosts)" = "$file" ]
	[ "$(bivalve exec "$ID-own" stat -c %i /etc/hosts)" != "$file" ]
	[[ $(names "$ID-1") != *"192.0.2.7 db"* ]]
	for i in 0 1 2 own; do
		for peer in 0 1 2 own; do
			grep -qE "^$(address "$ID-$peer" 4) (h$peer )?$ID-$peer # $ID-$peer\$" < <(names "$ID-$i")
		done
	done
	run ! bivalve exec "$ID-1" sh -c 'echo x >>/etc/hosts'
	bivalve delete --force "$ID-1"
	bivalve delete --force "$ID-own"
	for i in 0 2; do
		[[ $(names "$ID-$i") != *"$ID-1"* ]]
		[[ $(names "$ID-$i") != *"$ID-own"* ]]
		[[ $(names "$ID-$i") == *"h2 $ID-2 "* ]]
	done
}

@test "run: files of the workload's own /etc stay" {
	mkdir "$WORK/own"
	echo '192.0.2.9 own' >"$WORK/own/hosts"
	start "$ID" --network default --volume "$WORK/own/hosts:/etc/hosts:ro"
	[ "$(names "$ID")" = '192.0.2.9 own' ]
	[ "$(bivalve exec "$ID" cat /etc/hostname)" = "$ID" ]
}

@test "run: host-only, isolated and bridge reach what they should" {
	network create ho --mode host-only
	network create iso --mode isolated
	network create lan --mode bridge --bridge-name lan0 --subnet 198.51.100.0/24 --gateway 198.51.100.1
	serve "$HOST" host 80
	serve "$LAN" lan 80
	serves "$ID-ho" --network ho
	serves "$ID-iso" --network iso
	start "$ID-iso2" --network iso
	start "$ID-lan" --network lan:ip=198.51.100.77
	all <<-END
		expect yes $(pid_of "$ID-ho") $(network inspect ho | jq -r .gateway)
		expect yes $HOST $(address "$ID-ho" 4)
		expect no $(pid_of "$ID-ho") 192.0.2.2
		expect yes $(pid_of "$ID-iso2") $(address "$ID-iso" 4)
		expect yes $(pid_of "$ID-iso2") $(address "$ID-iso" 6)
		expect no $(pid_of "$ID-ho") $(address "$ID-iso" 4)
		expect yes $(pid_of "$ID-lan") 198.51.100.2
	END
	bivalve delete --force --regex "^$ID"
	for n in ho iso lan; do
		network remove "$n"
	done
}

@test "run: two networks, with wishes" {
	network create a --subnet 10.61.0.0/24 --subnet6 fd61::/64
	network create b --mode isolated --subnet 10.62.0.0/24
	start "$ID" --network a:ip=10.61.0.40,ip6=fd61::40,mac=02:00:00:00:00:40,ifname=front --network=b
	[ "$(bivalve state "$ID" | jq -r '.networks[] | [.network, .interface, .addresses[]] | join(" ")')" = \
		"$(printf 'a front 10.61.0.40/24 fd61::40/64\nb eth1 10.62.0.2/24')" ]
	[ "$(bivalve list --format json | jq -r '.[0].networks[0].mac')" = 02:00:00:00:00:40 ]
	[[ $(bivalve list) == *" 10.61.0.40,fd61::40,10.62.0.2"* ]]
	# ps: in our own table alone; JSON is what callers know.
	run -0 bivalve ps "$ID"
	[[ ${lines[0]} =~ \ S\ ADDRESSES\ +CMD$ ]]
	[[ ${lines[1]} =~ \ 10.61.0.40,fd61::40,10.62.0.2\ /bin/sleep\ 1000$ ]]
	[ "$(bivalve ps --format json "$ID")" = "[$(pid_of)]" ]
	run -0 bivalve ps "$ID" -e -o pid,comm
	[[ $output != *10.61.0.40* ]]
	bivalve events --stats "$ID" | jq -e --arg id "$ID" '.id == $id and
		.data.networks[0].addresses == ["10.61.0.40/24", "fd61::40/64"] and .data.networks[1].interface == "eth1" and
		(.data.network_interfaces[] | select(.Name == "front") | .RxBytes >= 0 and .TxBytes >= 0)'
	# exec: its output is the program's alone.
	[ "$(bivalve exec "$ID" echo hello 2>&1)" = hello ]
	bivalve --log "$WORK/log" --log-level debug exec "$ID" true
	grep -q "$ID: addresses 10.61.0.40,fd61::40,10.62.0.2" "$WORK/log"
	run -0 bivalve exec "$ID" cat /sys/class/net/front/address
	[ "$output" = 02:00:00:00:00:40 ]
	# Its names on both.
	start "$ID-2" --network b
	[[ $(names "$ID") == *"10.62.0.3 $ID-2"* ]]
	[[ $(names "$ID-2") == *"10.62.0.2 $ID"* ]]
	[[ $(names "$ID-2") != *10.61.0.40* ]]
	bivalve delete --force --regex "^$ID"
	network remove a
	network remove b
}

@test "create and start: a plain bundle asks by annotations" {
	network create a --subnet 10.61.0.0/24 --subnet6 fd61::/64
	network create b --mode isolated
	sleeper
	edit_config '.annotations = {"org.bivalve.network": "a:ip=10.61.0.9,ip6=fd61::9,b", "org.bivalve.publish": "8080:80,9000-9001:90-91/udp",
		"org.bivalve.dns": "192.0.2.53", "org.bivalve.add-host": "db:192.0.2.7"} | .hostname = "front"'
	bivalve create --bundle "$BUNDLE" "$ID" </dev/null >/dev/null
	[ "$(bivalve state "$ID" | jq -c '[.networks[] | .network, .ports] | map(values)')" = '["a",["8080:80/tcp","9000-9001:90-91/udp"],"b"]' ]
	bivalve start "$ID"
	serve "$(pid_of)" it 80
	ask "$OUTSIDE" tcp 192.0.2.1 8080
	[[ $(names "$ID") == *"192.0.2.7 db"* ]]
	bivalve delete --force "$ID"
	# The command line comes first.
	bivalve create --network b --bundle "$BUNDLE" "$ID" </dev/null >/dev/null
	[ "$(bivalve state "$ID" | jq -r '.networks[].network')" = b ]
	bivalve delete --force "$ID"
	network remove a
	network remove b
}

@test "run: hooks and the program wait for the network" {
	local -A hooks=(
		[createRuntime]='pid=$(sed "s/.*\"pid\":\([0-9]*\).*/\1/"); exec nsenter -t $pid -n ip -o address >$W/seen'
		[createContainer]='exec ip -o address >$W/seen'
	)
	local kind out

	sleeper
	edit_config '.process.args = ["ip", "-o", "address"]'
	for kind in createRuntime createContainer; do
		edit_config '.hooks = { ($k): [{ path: "/bin/sh", args: ["sh", "-c", $c], env: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "W=" + $w] }] }' \
			--arg k "$kind" --arg c "${hooks[$kind]}" --arg w "$WORK"
		# Every step of the set-up comes late.
		in_ns "$HOST" strace -o /dev/null -e trace=sendto -e inject=sendto:delay_enter=200ms \
			"$BIVALVE" --root "$STATE" run --network default --bundle "$BUNDLE" "$ID" >"$WORK/program"
		for out in "$WORK/seen" "$WORK/program"; do
			grep 'lo .*inet 127.0.0.1/8' "$out"
			grep 'eth0 .*inet 10\.' "$out"
			rm "$out"
		done
	done
}

@test "run: none, host, and no wish at all" {
	mkdir -p "$WORK/strace"
	cp -a "$(base_rootfs)" "$WORK/root"
	run -0 bivalve run --rootfs "$WORK/root" --network none "$ID" -- ls /sys/class/net
	[ "$output" = lo ]
	run -0 bivalve run --rootfs "$WORK/root" "$ID" -- ls /sys/class/net
	[ "$output" = lo ]
	run -0 bivalve run --rootfs "$WORK/root" --network host "$ID" -- readlink /proc/self/ns/net
	[ "$output" = "$(in_ns "$HOST" readlink /proc/self/ns/net)" ]
	# Nobody speaks netlink for those who ask for nothing.
	in_ns "$HOST" strace -f -e trace=socket -o "$WORK/trace" "$BIVALVE" --root "$STATE" run --rootfs "$WORK/root" "$ID" -- /bin/true
	run ! grep AF_NETLINK "$WORK/trace"
}

@test "run: wishes that cannot be are one line, and nothing is left" {
	local before

	network create a --subnet 10.61.0.0/24
	start "$ID-x" --network a --publish 8080:80
	sleeper
	before=$(host_network)
	refused "network 'nope' does not exist" bivalve run --network nope --bundle "$BUNDLE" "$ID"
	refused "10.61.0.2" bivalve run --network a:ip=10.61.0.2 --bundle "$BUNDLE" "$ID"
	refused "10.62.0.2" bivalve run --network a:ip=10.62.0.2 --bundle "$BUNDLE" "$ID"
	refused "published by '$ID-x' already" bivalve run --network a -p 8080:80 --bundle "$BUNDLE" "$ID"
	refused "'ip' is not ip=" bivalve run --network a:ip= --bundle "$BUNDLE" "$ID"
	refused "port '80': not [HOSTIP:]" bivalve run --network a -p 80 --bundle "$BUNDLE" "$ID"
	refused "'--publish' needs a network" bivalve run -p 80:80 --bundle "$BUNDLE" "$ID"
	refused "'none' excludes" bivalve run --network none --network a --bundle "$BUNDLE" "$ID"
	refused "'--dns': 'x' is not" bivalve run --network a --dns x --bundle "$BUNDLE" "$ID"
	refused "'--add-host': 'x' is not" bivalve run --network a --add-host x --bundle "$BUNDLE" "$ID"
	refused "'ifname' is not ip=" bivalve run --network a:ifname=much-too-long-a-name --bundle "$BUNDLE" "$ID"
	edit_config '.linux.sysctl = {"net.ipv4.conf.eth0.forwarding": "1"}'
	refused "/linux/sysctl/net.ipv4.conf.eth0.forwarding: of an interface" bivalve run --network a --bundle "$BUNDLE" "$ID"
	edit_config 'del(.linux.sysctl) | .linux.namespaces |= map(if .type == "network" then .path = "/proc/self/ns/net" else . end)'
	refused "option '--network': needs a new network namespace, and /linux/namespaces has one by path" \
		bivalve run --network a --bundle "$BUNDLE" "$ID"
	edit_config '.linux.namespaces |= map(select(.type != "network")) | .annotations = {"org.bivalve.network": "a"}'
	refused "annotation 'org.bivalve.network': needs a new network namespace, and /linux/namespaces has none" \
		bivalve run --bundle "$BUNDLE" "$ID"
	host_is "$before"
}

@test "run: in the foreground, killed or with its end missed: the next delete takes all back" {
	local before status=0

	network create a
	cp -a "$(base_rootfs)" "$WORK/root"
	bivalve run --rootfs "$WORK/root" --network a "$ID" -- /bin/true # what the first one makes
	wait_until eval '! in_ns "$HOST" ip -o link | grep -q bvp'
	before=$(host_network)
	# Another command deletes what it waits for.
	nsenter -t "$HOST" -n "$BIVALVE" --root "$STATE" run --rootfs "$WORK/root" --network a -p 8080:80 "$ID" \
		-- /bin/sleep 1000 </dev/null >/dev/null 2>"$WORK/stderr" &
	wait_until eval 'is_status running 2>/dev/null'
	bivalve delete --force "$ID"
	wait $! || status=$?
	[ $status -eq 137 ]
	[ ! -s "$WORK/stderr" ]
	host_is "$before"
	# And when it is the runtime that is killed.
	nsenter -t "$HOST" -n "$BIVALVE" --root "$STATE" run --rootfs "$WORK/root" --network a "$ID" \
		-- /bin/sleep 1000 </dev/null >/dev/null 2>&1 &
	wait_until eval 'is_status running 2>/dev/null'
	kill -KILL $!
	wait $! || true
	bivalve delete --force "$ID"
	host_is "$before"
}

@test "linux.netDevices: a device moves with its address; a failure puts it back" {
	sleeper
	in_ns "$HOST" ip link add dev0 type veth peer name dev0p
	in_ns "$HOST" ip link add dev1 type veth peer name dev1p
	in_ns "$HOST" ip addr add 192.0.2.65/28 dev dev0
	edit_config '.linux.netDevices = {"dev0": {"name": "eth7"}, "dev1": {}}'
	bivalve run --detach --bundle "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1
	run -0 in_ns "$(pid_of)" ip -br addr
	[[ $output =~ eth7@[a-z0-9]+\ +[A-Z]+\ +192.0.2.65/28 ]]
	[[ $output =~ dev1@ ]]
	run ! in_ns "$HOST" ip link show dev0
	bivalve delete --force "$ID"
	# The second one is not there: the first one comes back.
	in_ns "$HOST" ip link add dev0 type veth peer name dev0q
	in_ns "$HOST" ip addr add 192.0.2.65/28 dev dev0
	edit_config '.linux.netDevices = {"dev0": {"name": "eth7"}, "nope": {}}'
	refused "/linux/netDevices" bivalve run --bundle "$BUNDLE" "$ID"
	[[ $(in_ns "$HOST" ip -br addr show dev0) == *192.0.2.65/28* ]]
}
