#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Networks with a resolver of their own (--internal-dns).
load network_helpers

setup_file() {
	command -v dnsmasq >/dev/null || skip "needs dnsmasq"
	KILLAT=$(realpath "${BIVALVE_BIN:-$BATS_TEST_DIRNAME/../../build/release}")/tools/killat
	export KILLAT
}

# Also after a test that failed.
teardown() {
	local failed=0 p

	for p in $(resolvers); do
		kill "$p"
	done
	teardown_container || failed=1
	net_teardown
	return $failed
}

# resolvers: pids of dnsmasq in $HOST, without dead ones.
resolvers() {
	local p mine

	mine=$(readlink "/proc/$HOST/ns/net")
	for p in $(pgrep -x dnsmasq || true); do
		[ "$(readlink "/proc/$p/ns/net" 2>/dev/null)" != "$mine" ] || echo "$p"
	done
}

# lookup PID NAME SERVER: the addresses, sorted, in one line; fails without one.
lookup() {
	local out

	out=$(in_ns "$1" timeout 5 /bin/busybox nslookup "$2" "$3" 2>&1 | sed -n '1,/^$/d; s/^Address: //p' | sort | tr '\n' ' ')
	[ -n "$out" ] && echo "$out"
}

# knows WHAT PID NAME SERVER: soon.
knows() {
	local i

	for ((i = 0; i < 40; i++)); do
		[ "$(lookup "$2" "$3" "$4")" != "$1" ] || return 0
		sleep 0.05
	done
	echo "$3 is '$(lookup "$2" "$3" "$4")' and not '$1'" >&2
	return 1
}

@test "dns: members by host name and by id, over IPv4 and IPv6, in nat and host-only mode" {
	local mode
	for mode in nat host-only; do
		network create n --mode $mode --subnet 10.61.0.0/24 --subnet6 fd61::/64 --internal-dns
		[ "$(network inspect n | jq .internalDns)" = true ]
		start "$ID-a" --network n --hostname web
		start "$ID-b" --network n
		[ "$(bivalve exec "$ID-b" cat /etc/resolv.conf | head -n 2)" = "$(printf 'nameserver 10.61.0.1\nnameserver fd61::1')" ]
		knows "10.61.0.2 fd61::2 " "$(pid_of "$ID-b")" web 10.61.0.1
		knows "10.61.0.2 fd61::2 " "$(pid_of "$ID-b")" "$ID-a" fd61::1
		knows "10.61.0.3 fd61::3 " "$HOST" "$ID-b" 10.61.0.1
		# By the workload's own files: the resolver alone, not its hosts file.
		[[ $(bivalve exec "$ID-b" nslookup web) == *10.61.0.2* ]]
		bivalve delete --force "$ID-a"
		knows "" "$(pid_of "$ID-b")" web 10.61.0.1
		run ! lookup "$(pid_of "$ID-b")" no-such-name 10.61.0.1
		bivalve delete --force "$ID-b"
		network remove n
		[ -z "$(resolvers)" ]
	done
}

@test "dns: other names go to the host's resolver, one on its loopback, too" {
	local fake

	nsenter -t "$HOST" -n dnsmasq --keep-in-foreground --conf-file=/dev/null --pid-file= --user=root --bind-interfaces --no-resolv \
		--no-hosts --listen-address=127.0.0.1 --address=/example.org/192.0.2.99 </dev/null >/dev/null 2>&1 3>&- &
	fake=$!
	echo "nameserver 127.0.0.1" >"$WORK/resolv"
	# shellcheck disable=SC2016
	in_ns "$HOST" unshare -m sh -c 'mount --bind "$1" "$(realpath /etc/resolv.conf)" && shift && exec "$@"' sh "$WORK/resolv" \
		"$BIVALVE" --root "$STATE" network create n --subnet 10.61.0.0/24 --internal-dns
	start "$ID" --network n
	knows "192.0.2.99 " "$(pid_of)" www.example.org 10.61.0.1
	kill $fake
	wait $fake || true
	bivalve delete --force "$ID"
	network remove n
}

@test "dns: nobody else is answered: not the outside, not another network" {
	network create n --subnet 10.61.0.0/24 --internal-dns
	network create m --subnet 10.62.0.0/24
	start "$ID-a" --network n
	start "$ID-b" --network m
	knows "10.61.0.2 " "$(pid_of "$ID-a")" "$ID-a" 10.61.0.1
	run ! lookup "$(pid_of "$ID-b")" "$ID-a" 10.61.0.1
	run ! lookup "$OUTSIDE" "$ID-a" 10.61.0.1
	run ! lookup "$OUTSIDE" "$ID-a" 192.0.2.1
	# Who asked for a server of his own keeps it; a network without a resolver names none.
	[[ $(bivalve exec "$ID-b" cat /etc/resolv.conf) != *10.6* ]]
	start "$ID-c" --network n --dns 192.0.2.53
	[ "$(bivalve exec "$ID-c" cat /etc/resolv.conf)" = "nameserver 192.0.2.53" ]
	bivalve delete --force --regex "^$ID"
	network remove n
	network remove m
}

@test "dns: the process has no more than it needs, and nothing of who started it" {
	local p

	exec 7</etc/passwd
	network create n --subnet 10.61.0.0/24 --internal-dns
	exec 7<&-
	p=$(resolvers)
	[ "$(echo "$p" | wc -w)" -eq 1 ]
	[ "$(stat -c %U "/proc/$p")" = dnsmasq ]
	grep -qx $'CapEff:\t0000000000000400' "/proc/$p/status" # CAP_NET_BIND_SERVICE
	grep -qx $'NoNewPrivs:\t1' "/proc/$p/status"
	run ! grep -q "$WORK\|passwd" <(readlink /proc/"$p"/fd/*)
	[ "$(ps -o sid= -p "$p" | tr -d ' ')" = "$p" ]
	[ "$(tr '\0' '\n' <"/proc/$p/environ")" = "PATH=/usr/sbin:/usr/bin:/sbin:/bin" ]
	run ! grep -v ':/$' "/proc/$p/cgroup"
	# Of the host's mounts it keeps none busy: this one goes in the host alone.
	run ! grep "$WORK" <(cut -d' ' -f5 "/proc/$p/mountinfo")
	network remove n
	[ -z "$(resolvers)" ]
}

@test "dns: gone, it is started again by the next workload; remove takes it, running or not" {
	network create n --subnet 10.61.0.0/24 --internal-dns
	start "$ID-a" --network n
	kill -KILL "$(resolvers)"
	start "$ID-b" --network n
	knows "10.61.0.2 " "$HOST" "$ID-a" 10.61.0.1
	# The bridge as well: what a reboot leaves of a store that is on a disk.
	kill -KILL "$(resolvers)"
	in_ns "$HOST" ip link del bv-n
	in_ns "$HOST" nft flush ruleset
	bivalve delete --force --regex "^$ID"
	start "$ID-c" --network n
	knows "10.61.0.4 " "$(pid_of "$ID-c")" "$ID-c" 10.61.0.1
	bivalve delete --force "$ID-c"
	kill -KILL "$(resolvers)"
	network remove n
	[ ! -e "$STATE/.net/dns/n" ]
}

@test "dns: a process of another's with a recorded number is left alone" {
	local other

	network create n --subnet 10.61.0.0/24 --internal-dns
	sleep 1000 3>&- &
	other=$!
	kill -KILL "$(resolvers)"
	sed -i "s/^[0-9]*/$other/" "$STATE/.net/dns/n/pid"
	network remove n
	kill -0 $other
	kill $other
}

@test "dns: what cannot be is one clear line, and nothing is left" {
	local before

	network create x && network remove x # the tables, which stay
	before=$(host_network)
	refused "needs the host on the network: mode nat or host-only" network create n --internal-dns --mode isolated
	refused "needs the host on the network: mode nat or host-only" network create n --internal-dns --mode bridge --bridge-name lan0
	refused "dnsmasq takes no bridge with the name 'a,b'" network create n --internal-dns --bridge-name a,b
	# Another server on every address of the host.
	nsenter -t "$HOST" -n dnsmasq --keep-in-foreground --conf-file=/dev/null --pid-file= --user=root --no-resolv </dev/null >/dev/null 2>&1 3>&- &
	wait_until eval '[ -n "$(in_ns "$HOST" ss -Hlun sport = 53)" ]'
	refused "dnsmasq: failed to create listening socket for 10.61.0.1: Address already in use" \
		network create n --subnet 10.61.0.0/24 --internal-dns
	kill $!
	wait $! || true
	# shellcheck disable=SC2016
	refused "needs dnsmasq, which is not installed" in_ns "$HOST" unshare -m sh -c 'mount --bind /dev/null "$(command -v dnsmasq)" &&
		exec "$@"' sh "$BIVALVE" --root "$STATE" network create n --internal-dns
	host_is "$before"
	[ -z "$(resolvers)" ]
}

@test "dns: killed at any step of create and of remove: remove leaves nothing" {
	local before verb n step=${BIVALVE_ALL_STEPS:+1} every=7

	[[ $BIVALVE_BIN != */asan ]] || every=301 # it makes many more calls, each of them slower
	step=${step:-$every}
	network create x && network remove x
	before=$(host_network)
	for verb in create remove; do
		for ((n = 1; n < 1000; n += step)); do
			local -a words=(create n --subnet 10.61.0.0/24 --internal-dns)
			if [ $verb = remove ]; then
				network "${words[@]}" >/dev/null
				words=(remove n)
			fi
			local status=0
			in_ns "$HOST" "$KILLAT" at $n self "$BIVALVE" --root "$STATE" network "${words[@]}" \
				</dev/null >/dev/null 2>&1 3>&- || status=$?
			[ ! -e "$STATE/.net/networks/n" ] || network remove n
			host_is "$before"
			[ -z "$(resolvers)" ] || { echo "$verb, step $n: $(resolvers)"; return 1; }
			[ ! -e "$STATE/.net/dns/n" ] || { echo "$verb, step $n: its folder"; return 1; }
			[ $status -eq 0 ] || break
		done
		[ $n -gt 30 ]
	done
}
