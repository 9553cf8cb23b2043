#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Streams between a Debian guest and the host, by its own vsock driver: tests/bed/bats.sh
# tests/bats/vmm_vsock.bats
bats_require_minimum_version 1.5.0
load vmm_helpers

setup() {
	vmm_setup
	STREAM=$TOOLS/vsock_stream
}

# until_done COMMAND...: again and again, as long as the guest has no server yet; a minute and a half.
until_done() {
	local i

	for ((i = 0; i < 180; i++)); do
		"$@" >attempt 2>&1 && { cat attempt; return 0; }
		sleep 0.5
	done
	cat attempt
	return 1
}

# The host's clients; each of their lines begins with "host", a failure with "host failed". They begin
# when the guest says so.
host_clients() {
	"$STREAM" listen unix:v.sock_83 take 1 >/dev/null || echo failed go
	until_done "$STREAM" connect unix:v.sock:1000 echo 3000000 || echo failed echo
	"$STREAM" connect unix:v.sock:1000 slow 1500000 || echo failed slow
	"$STREAM" connect unix:v.sock:1000 many 300 || echo failed many
	"$STREAM" connect unix:v.sock:1000 many 700 || echo failed more
	until_done "$STREAM" connect unix:v.sock:1001 give 3000000 || echo failed give
	"$STREAM" connect unix:v.sock:4 refused && echo refused as it should
}

@test "vsock: streams both ways, at once, checked; half closes; a thousand connections each way" {
	"$STREAM" listen unix:v.sock_80 echo 1004 >echo.log 3>&- &
	"$STREAM" listen unix:v.sock_81 take 1 >take.log 3>&- &
	host_clients 3>&- 2>&1 | sed 's/^/host /' >host.log 3>&- &
	guest_file "$STREAM"
	BOOT_SECONDS=700 run_guest vmw_vsock_virtio_transport --memory 512m --vsock v.sock,cid=42 <<-'END'
		check cid sh -c '[ -c /dev/vsock ]'
		check echo vsock_stream connect vsock:2:80 echo 3000000; cat /tmp/.out
		check slow vsock_stream connect vsock:2:80 slow 1500000; cat /tmp/.out
		check give vsock_stream connect vsock:2:81 give 3000000; cat /tmp/.out
		check refused vsock_stream connect vsock:2:82 refused
		check other-cid vsock_stream connect vsock:9:80 refused
		check many vsock_stream connect vsock:2:80 many 800; cat /tmp/.out
		check more vsock_stream connect vsock:2:80 many 200; cat /tmp/.out
		vsock_stream connect vsock:2:80 echo 300000 & vsock_stream connect vsock:2:80 echo 300000
		wait
		check go vsock_stream connect vsock:2:83 give 0
		vsock_stream listen vsock:4294967295:1001 take 1 >/tmp/take &
		check server vsock_stream listen vsock:4294967295:1000 echo 1002; cat /tmp/.out
		wait
		check taken grep -q 'served 1, 3000000 bytes' /tmp/take
		sleep 1
	END
	wait
	cat echo.log take.log host.log
	sed 's/^/# /' host.log >&3 # the times of both sides
	grep ' in [0-9]* ms' <<<"$output" | sed 's/^/# guest /' >&3
	[[ $output = *'echo 300000 in'*'echo 300000 in'* ]]
	grep -q 'served 1004, ' echo.log
	grep -q 'served 1, 3000000 bytes' take.log
	[ "$(grep -c '^host' host.log)" -eq 7 ]
	run ! grep failed host.log
	grep -q 'host refused as it should' host.log
	[ ! -e v.sock ]
}
