#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The machine, driven by bare-metal guests (tests/guest/), which run under any KVM.
bats_require_minimum_version 1.5.0

setup() {
	VMM=${BIVALVE_BIN:?}/bivalve-vmm
	GUEST=$BIVALVE_BIN/guest
	[ -w /dev/kvm ] || skip "no /dev/kvm"
	cd "$BATS_TEST_TMPDIR" || return
}

# boot GUEST TEST [OPTION...]: the guest's serial output is in $output, the exit status in $status.
boot() {
	local kernel=$GUEST/$1 test=$2

	shift 2
	run timeout -s KILL 60 "$VMM" --kernel "$kernel" --append "$test" "$@" </dev/null
}

@test "machine: both boot protocols enter the guest and give it its command line" {
	boot linux64 'exit=7 and more'
	[ "$status" -eq 7 ]
	[ "${lines[0]}" = 'entry: linux64' ]
	[ "${lines[1]}" = 'cmdline: exit=7 and more' ]
	boot pvh 'exit=8'
	[ "$status" -eq 8 ]
	[ "${lines[0]}" = 'entry: pvh' ]
}

@test "machine: the exit status tells how the guest ended" {
	boot linux64 poweroff
	[ "$status" -eq 0 ]
	boot linux64 reset
	[ "$status" -eq 249 ]
	boot linux64 panic
	[ "$status" -eq 250 ]
	boot linux64 triple
	[ "$status" -eq 251 ]
	[[ $output = *'triple fault at 0x'* ]]
	boot linux64 exit=255
	[ "$status" -eq 255 ]
}

@test "machine: timer interrupts, and a second processor by INIT and SIPI" {
	boot linux64 timer
	[ "$status" -eq 0 ]
	boot linux64 smp --cpus 2
	[ "$status" -eq 0 ]
	[[ $output = *'processor 1 is alive'* ]]
}

@test "machine: memory is as large as was asked for" {
	boot linux64 memory=64 --memory 64m
	[ "$status" -eq 0 ]
	boot linux64 memory=512 --memory 512m,shared
	[ "$status" -eq 0 ]
	boot linux64 memory=32 --memory 32m --mergeable
	[ "$status" -eq 0 ]
}

@test "machine: a virtio device is notified, and interrupts the guest" {
	boot linux64 rng --rng
	[ "$status" -eq 0 ]
	[[ $output = *'ten interrupts'* ]]
	boot pvh rng --rng --cpus 2
	[ "$status" -eq 0 ]
}

@test "machine: disks and folders are devices beside each other" {
	truncate -s 1M disk
	mkdir folder
	boot linux64 rng --rng --disk disk --disk disk,ro --fs one=folder --fs two=folder,ro
	[ "$status" -eq 0 ]
	[[ $output = *'ten interrupts'* ]]
}

@test "machine: a disk, by either engine" {
	local engine

	for engine in io_uring threads; do
		truncate -s 0 disk
		truncate -s 1M disk
		printf 'from the host' | dd of=disk bs=512 seek=1 conv=notrunc status=none
		boot linux64 blk --disk disk,engine=$engine
		[ "$status" -eq 0 ]
		[[ $output = *'the disk is well'* ]]
		[ "$(dd if=disk bs=512 skip=3 count=1 status=none | head -c 14)" = 'from the guest' ]
	done
}

@test "machine: a folder: FUSE by hand" {
	mkdir folder
	echo 'hello, guest!' >folder/hello
	echo outside >hello
	boot linux64 fs --fs tag=folder
	[ "$status" -eq 0 ]
	[[ $output = *'the folder is well'* ]]
}

@test "machine: a network card, in a namespace of its own" {
	[ "$(id -u)" -eq 0 ] || skip "not root"
	[ -e /dev/net/tun ] || skip "no /dev/net/tun"
	# shellcheck disable=SC2016 # the inner shell's
	run timeout -s KILL 60 unshare --net sh -ec '
		ip tuntap add dev t0 mode tap vnet_hdr
		ip addr add 10.9.9.1/24 dev t0
		ip link set t0 up
		exec "$@"' sh "$VMM" --kernel "$GUEST/linux64" --append net \
		--net tap:t0,mac=02:11:22:33:44:55 </dev/null
	[ "$status" -eq 0 ]
	[[ $output = *'the card is well'* ]]
}

@test "machine: streams to the host and from it, by a minimal driver; the socket goes with the machine" {
	local stream=$BIVALVE_BIN/tools/vsock_stream i

	"$stream" listen unix:v.sock_80 echo 1 >server 3>&- &
	until [ -S v.sock_80 ]; do sleep 0.05; done
	for ((i = 0; i < 600; i++)); do
		[ -S v.sock ] && "$stream" connect unix:v.sock:7 echo 20000 && break
		sleep 0.05
	done >client 3>&- &
	boot linux64 vsock --vsock v.sock,cid=42
	[ "$status" -eq 0 ]
	[[ $output = *'the host answered'*'the host was served'* ]]
	wait
	grep -q 'served 1, 1000 bytes' server
	grep -q 'echo 20000 in' client
	[ ! -e v.sock ]
}

@test "machine: the vsock socket is private, replaced only when nobody listens, and gone with the machine" {
	boot linux64 reset --vsock v.sock
	[ "$status" -eq 249 ]
	[ ! -e v.sock ]
	"$VMM" --kernel "$GUEST/linux64" --append hlt --vsock v.sock </dev/null >serial 3>&- &
	until grep -q cmdline serial; do sleep 0.05; done
	[ "$(stat -c %a v.sock)" = 600 ]
	boot linux64 hlt --vsock v.sock
	[ "$status" -eq 247 ]
	[[ $output = *"somebody does already"* ]]
	kill -KILL $!
	wait $! || true
	[ -S v.sock ] # nobody is left to remove it: the next one takes its place
	boot linux64 poweroff --vsock v.sock
	[ "$status" -eq 0 ]
	[ ! -e v.sock ]
}

@test "machine: a console repeats what it is told, a port's file is read to its end" {
	echo from a file >file
	exec 5<file
	run --separate-stderr timeout -s KILL 60 "$VMM" --kernel "$GUEST/linux64" --append console \
		--console stdio --port one=fd:5 <<<'hello, quit'
	exec 5<&-
	echo "status $status: $output $stderr"
	[ "$status" -eq 0 ]
	[ "$output" = $'!FROM A FILE\nHELLO, QUIT' ]
	boot pvh console --console file:out --port one=fd:99 --cpus 2
	[ "$status" -eq 247 ]
	[[ $output = *"--port 'fd:99': Bad file descriptor"* ]]
}

@test "machine: a driver that breaks the rules loses its device until it resets it, and nothing else" {
	boot linux64 mmio --rng
	[ "$status" -eq 0 ]
	[[ $output = *"virtio-rng: the guest's driver broke the rules"* ]]
}

@test "machine: signals stop it, whatever the guest does" {
	local pid what sig

	for what in hlt spin; do
		for sig in TERM INT; do
			# A background job of a shell ignores SIGINT; env takes that back.
			env --default-signal=INT "$VMM" --kernel "$GUEST/linux64" --append $what --cpus 2 \
				</dev/null >serial 3>&- &
			pid=$!
			until grep -q cmdline serial; do sleep 0.05; done
			kill -$sig $pid
			status=0
			wait $pid || status=$?
			[ "$status" -eq $((128 + $(kill -l $sig))) ]
		done
	done
}

@test "machine: a flood of serial output that nobody reads does not hold the guest up" {
	local count=4000

	[ -z "$BIVALVE_BED" ] || count=2300 # an exit costs ten times as much there; pipe and FIFO take 2048
	{ timeout -s KILL 100 "$VMM" --kernel "$GUEST/linux64" --append "flood=$count" </dev/null; echo $? >rc; } |
		{ until [ -s rc ]; do sleep 0.1; done; cat >serial; }
	[ "$(<rc)" -eq 0 ]
	grep -q 'entry: linux64' serial
	[ "$(stat -c %s serial)" -lt $((count * 64)) ]
}

@test "machine: each mistake has a line and an exit status of its own" {
	run -241 "$VMM"
	[[ $output = *"option '--kernel' is missing"* ]]
	run -241 "$VMM" --frobnicate
	[[ $output = *"unknown option '--frobnicate'"* ]]
	run -241 "$VMM" --kernel "$GUEST/linux64" --cpus 0
	run -241 "$VMM" --kernel "$GUEST/linux64" --memory 1m
	run -247 "$VMM" --kernel missing
	[[ $output = *"--kernel 'missing': No such file or directory"* ]]
	head -c 100000 /dev/urandom >noise
	run -245 "$VMM" --kernel noise
	[[ $output = *"neither an ELF file nor a bzImage"* ]]
	truncate -s 30M initrd
	run -246 "$VMM" --kernel "$GUEST/linux64" --memory 16m --initrd initrd
	[[ $output = *"does not fit"* ]]
	run -248 "$VMM" --kernel "$GUEST/linux64" --fs a=/tmp --fs a=/usr
	[[ $output = *"the tag 'a' was given twice"* ]]
	run -248 "$VMM" --kernel "$GUEST/linux64" --rng --rng
	run -247 "$VMM" --kernel "$GUEST/linux64" --disk missing
	[[ $output = *"--disk 'missing': No such file or directory"* ]]
	run -247 "$VMM" --kernel "$GUEST/linux64" --fs a=missing
	run -241 "$VMM" --kernel "$GUEST/linux64" --disk noise,rw
	[[ $output = *"unknown word 'rw'"* ]]
	run -241 "$VMM" --kernel "$GUEST/linux64" --net tap:x,mac=1
	for value in '' v,cid=2 v,cid=4294967295 v,cid= v,cid=3,x /tmp/ ..; do
		run -241 "$VMM" --kernel "$GUEST/linux64" --vsock "$value"
		[[ $output = *"--vsock '$value': "* ]]
	done
	run -247 "$VMM" --kernel "$GUEST/linux64" --vsock missing/v
	run -247 "$VMM" --kernel "$GUEST/linux64" --vsock noise
	[[ $output = *"it exists and is no socket"* ]]
}

@test "machine: no /dev/kvm, and no permission for it" {
	[ "$(id -u)" -eq 0 ] || skip "not root"
	run -242 unshare -m sh -c 'mount -t tmpfs none /dev && exec "$@"' sh \
		"$VMM" --kernel "$GUEST/linux64"
	[[ $output = *"open '/dev/kvm': No such file or directory"* ]]
	run -243 unshare -m sh -c 'mount -t tmpfs none /dev && mknod -m 600 /dev/kvm c 10 232 &&
		exec setpriv --reuid 65534 --regid 65534 --clear-groups "$@"' sh \
		"$VMM" --kernel "$GUEST/linux64"
}

@test "machine: the self-test tells a KVM that only emulates" {
	run "$VMM" --self-test
	[ "$status" -eq 0 ] || [ "$status" -eq 244 ]
}
