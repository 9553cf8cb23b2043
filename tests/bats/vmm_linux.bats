#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Debian's cloud kernel under the machine. Needs a KVM that runs normal kernels and /boot/vmlinux
# with its modules: the test bed (tests/bed/bats.sh tests/bats/vmm_linux.bats).
bats_require_minimum_version 1.5.0

load vmm_helpers

setup() {
	vmm_setup
}

@test "linux: vmlinux and bzImage boot, find the virtio device by ACPI, and power off" {
	# shellcheck disable=SC2016 # the guest's
	initrd virtio-rng 'echo cpus $(nproc) device $(cat /sys/class/misc/hw_random/rng_current)' \
		'dd if=/dev/hwrng bs=64 count=1 2>/dev/null | wc -c'
	boot "$KERNEL" --rng
	[ "$status" -eq 0 ]
	[[ $output = *'cpus 1 device virtio_rng.0'* ]]
	[[ $output = *$'\n64'* ]]
	boot "$(echo /boot/vmlinuz-*)" --rng
	[ "$status" -eq 0 ]
	[[ $output = *'cpus 1 device virtio_rng.0'* ]]
}

@test "linux: two processors" {
	# shellcheck disable=SC2016 # the guest's
	initrd '' 'echo cpus $(nproc)'
	boot "$KERNEL" --cpus 2
	[ "$status" -eq 0 ]
	[[ $output = *'cpus 2'* ]]
}

@test "linux: a disk and a folder, read and written" {
	head -c 3000000 /dev/urandom >folder.file
	mkdir folder
	mv folder.file folder/file
	truncate -s 16M disk
	initrd 'virtio_blk virtiofs' 'mkdir /f; mount -t virtiofs tag /f && dd if=/f/file of=/dev/vda bs=1M 2>/dev/null; sync' \
		'head -c 3000000 /dev/vda >/f/copy; sync'
	boot "$KERNEL" --disk disk --fs tag=folder
	[ "$status" -eq 0 ]
	cmp folder/file folder/copy
	cmp -n 3000000 folder/file disk
}

@test "linux: memory on both sides of the hole" {
	# shellcheck disable=SC2016 # the guest's
	initrd '' 'echo high $(grep -c "^1[0-9a-f]*-.*System RAM" /proc/iomem)'
	boot "$KERNEL" --memory 4g
	[ "$status" -eq 0 ]
	[[ $output = *'high 1'* ]]
}

@test "linux: a reboot ends the machine with its own exit status" {
	initrd '' 'reboot -f'
	boot "$KERNEL"
	[ "$status" -eq 249 ]
}

@test "linux: what ended the guest is told: an exit status of its own choice, a panic" {
	guest_file "$TOOLS/portout"
	initrd '' 'portout 0xf4 77'
	boot "$KERNEL"
	[ "$status" -eq 77 ]
	# The driver that tells a panic is a module, where the kernel has it.
	if module_files pvpanic-mmio >/dev/null 2>&1; then
		initrd 'pvpanic-mmio' 'echo 1 >/proc/sys/kernel/sysrq; echo c >/proc/sysrq-trigger'
		boot "$KERNEL"
		[ "$status" -eq 250 ]
	else
		initrd '' 'echo 1 >/proc/sys/kernel/sysrq; echo c >/proc/sysrq-trigger'
		boot "$KERNEL"
		[ "$status" -eq 249 ]
	fi
}

@test "linux: kill -9 leaves nothing behind" {
	initrd '' 'echo init is here' 'sleep 60'
	"$VMM" --kernel "$KERNEL" --initrd init.cpio --append 'console=ttyS0 quiet' </dev/null >serial 3>&- &
	until grep -q 'init is here' serial; do sleep 0.1; done
	kill -KILL $!
	run wait $!
	[ -z "$(pgrep bivalve-vmm)" ]
}

# With the small kernel: make guest-kernel, and --pack build/guest-assets/small for the bed.
@test "linux: the small kernel has every driver built in, and finds the devices by ACPI and by the command line" {
	small=$BATS_TEST_DIRNAME/../../build/guest-assets/small/vmlinux
	[ -f "$small" ] || skip "no small kernel (make guest-kernel)"
	mkdir folder
	echo hello >folder/file
	truncate -s 16M disk
	guest_file "$TOOLS/portout" # without ACPI nothing powers off
	# shellcheck disable=SC2016 # the guest's
	initrd '' 'echo cpus $(nproc) device $(cat /sys/class/misc/hw_random/rng_current)' \
		'mkdir /f; mount -t virtiofs tag /f && cat /f/file' \
		'echo disk $(cat /sys/block/vda/size)' \
		'mount -t overlay -o lowerdir=/f:/bin o /mnt && cat /mnt/file >/tmp/file && echo overlay' \
		'! grep -q acpi=off /proc/cmdline || portout 0xf4 0'
	for how in '' --no-acpi; do
		# shellcheck disable=SC2086 # or nothing
		boot "$small" $how --cpus 2 --rng --disk disk --fs tag=folder
		[ "$status" -eq 0 ]
		[[ $output = *'cpus 2 device virtio_rng.0'* ]]
		[[ $output = *hello* ]]
		[[ $output = *'disk 32768'* ]]
		[[ $output = *overlay* ]]
	done
}
