#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Disks in a Debian guest: both engines, several queues, read-only, discard and write-zeroes, flush, a block device
# as the backend, rate limits. tests/bed/bats.sh tests/bats/vmm_blk.bats
bats_require_minimum_version 1.5.0

load vmm_helpers

setup() {
	vmm_setup
	guest_file "$TOOLS/blkcheck" /sbin/mke2fs
	LOOP=
}

teardown() {
	[ -z "$LOOP" ] || losetup -d "$LOOP"
}

# in_kib FILE: what it takes on the host.
in_kib() { du -k "$1" | cut -f 1; }

# libraries FILE: copies what it is linked with into the initrd.
libraries() {
	local lib

	for lib in $(ldd "$1" | grep -o '/[^ ]*'); do
		mkdir -p "root$(dirname "$lib")"
		cp "$lib" "root$lib"
	done
}

@test "blk: a file system, random writes and ranges, by io_uring and by threads" {
	truncate -s 64M uring threads
	truncate -s 16M ro
	truncate -s 32M back
	head -c 1M /dev/urandom | dd of=ro conv=notrunc status=none
	cp ro ro.was
	modprobe loop
	LOOP=$(losetup --find --show back)
	libraries /sbin/mke2fs
	BOOT_SECONDS=400 run_guest virtio_blk --cpus 2 --disk uring,engine=io_uring,serial=first --disk threads,engine=threads,queues=3 \
		--disk ro,ro --disk "$LOOP" <<-'END'
		echo queues $(ls /sys/block/vda/mq | wc -l) $(ls /sys/block/vdb/mq | wc -l) serial $(cat /sys/block/vda/serial)
		cd /tmp; mkdir m # the shell would take busybox's mke2fs for the name alone
		for d in vda vdb vdd; do
			check $d-fs sh -c "/bin/mke2fs -q -t ext4 -O ^has_journal /dev/$d && mount -t ext4 /dev/$d m"
			check $d-file blkcheck write m/file 4000000 1 300
			check $d-two sh -c 'blkcheck write m/a 2000000 2 150 direct & blkcheck write m/b 2000000 3 100 sync || exit 1; wait $!'
			check $d-remount sh -c "umount m && mount -t ext4 /dev/$d m"
			check $d-verify sh -c 'blkcheck verify m/file 4000000 1 300 && blkcheck verify m/a 2000000 2 150 && blkcheck verify m/b 2000000 3 100'
			check $d-umount umount m
		done
		for d in vda vdb; do
			check $d-raw blkcheck write /dev/$d 30000000 4 300 direct
			check $d-raw-verify blkcheck verify /dev/$d 30000000 4 300 direct
			check $d-zero blkcheck zero /dev/$d 40000000 1048576
			check $d-discard blkcheck discard /dev/$d 33554432 33554432
			check $d-unmap blkcheck zero-unmap /dev/$d 0 65536
			check $d-zeroed sh -c "cmp -n 65536 /dev/$d /dev/zero"
		done
		check vdd-discard blkcheck discard /dev/vdd 0 33554432
		refuse ro-write sh -c 'echo x >/dev/vdc'
		check ro-refuses blkcheck refused /dev/vdc
		echo ro has $(md5sum </dev/vdc | cut -c 1-32) end
		refuse past-the-end dd if=/dev/zero of=/dev/vda bs=1M seek=64 count=1
	END
	[[ $output = *'queues 2 2 serial first'* ]] # of three, one for each processor is used
	cmp ro ro.was
	[[ $output = *"ro has $(md5sum <ro | cut -c 1-32) end"* ]]
	# The second half was given back, and what was written there before too.
	[ "$(in_kib uring)" -lt 34000 ] && [ "$(in_kib threads)" -lt 34000 ]
	cmp -n 65536 uring /dev/zero
	# The loop device discards into its file.
	[ "$(in_kib back)" -lt 1000 ]
}

@test "blk: rate limits hold" {
	truncate -s 64M slow ops
	run_guest virtio_blk --disk slow,bytes=4m,bytes-burst=1m --disk ops,ops=50,ops-burst=10,engine=threads <<-'END'
		up() { cut -d ' ' -f 1 /proc/uptime | tr -d .; }
		t=$(up); dd if=/dev/vda of=/dev/null bs=1M count=17 iflag=direct 2>/dev/null; echo bytes took $(($(up) - t)) end
		t=$(up); dd if=/dev/vdb of=/dev/null bs=4k count=110 iflag=direct 2>/dev/null; echo ops took $(($(up) - t)) end
	END
	# 16 MiB behind the burst at 4 MiB/s; 100 reads at 50/s. In hundredths of a second; the guest's clock may drift.
	took=$(sed -n 's/^bytes took \([0-9]*\) end.*/\1/p' <<<"$output")
	[ "$took" -ge 350 ]
	took=$(sed -n 's/^ops took \([0-9]*\) end.*/\1/p' <<<"$output")
	[ "$took" -ge 170 ]
}

@test "blk: what cannot be a disk is refused" {
	: >empty
	head -c 1000 /dev/zero >odd
	for name in empty odd /dev/zero; do
		run "$VMM" --kernel "$KERNEL" --disk "$name" </dev/null
		[ "$status" -ge 240 ]
		[[ $output = *"--disk '$name'"* ]]
	done
}
