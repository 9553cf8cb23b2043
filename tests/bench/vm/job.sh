#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The job of vm.sh in the test bed: boots guests under bivalve-vmm and QEMU with the same kernel, the same initrd
# and the same devices, and leaves lines in out/figures:
#   boot KERNEL MACHINE SECONDS EXITS IO_EXITS EPT_FAULTS RSS_KIB
#   io DEVICE MACHINE NAME VALUE UNIT
# In the folder: bivalve-vmm, boot, init, io, and kernels (small: optional).
set -euo pipefail
shm=/dev/shm
append='console=ttyS0 quiet panic=-1'
mib=256
qemu_fs_pid=''

# initrd PROGRAM OUT - a root with nothing but /init
initrd() {
	mkdir "$shm/root"
	cp "$1" "$shm/root/init"
	(cd "$shm/root" && find . | busybox cpio -o -H newc 2>/dev/null) >"$2"
	rm -r "$shm/root"
}

start_virtiofsd() {
	/usr/lib/qemu/virtiofsd --socket-path=$shm/fs.sock -o source=$shm/folder >"$shm/virtiofsd.log" 2>&1 &
	qemu_fs_pid=$!
	until [ -S $shm/fs.sock ]; do sleep 0.01; done
}

stop_virtiofsd() {
	kill "$qemu_fs_pid" 2>/dev/null || true
	wait "$qemu_fs_pid" 2>/dev/null || true
	rm -f $shm/fs.sock
}

# Sets the array machine to QEMU's command line. microvm with its clock: without one Linux spends a second asking.
# The small kernel does not end its boot under microvm without ACPI, and finds no device there with it: QEMU's row
# has no devices then, and its I/O rows are missing.
# shellcheck disable=SC2054 # the commas are QEMU's
qemu() {
	local kernel=$1 initrd=$2

	shift 2
	machine=(qemu-system-x86_64 -M microvm,rtc=on -accel kvm -cpu host -m "$mib" -nodefaults
		-no-user-config -display none -serial stdio -no-reboot -global virtio-mmio.force-legacy=false
		-kernel "$kernel" -initrd "$initrd" "$@")
}

bivalve() {
	local kernel=$1 initrd=$2

	shift 2
	machine=(./bivalve-vmm)
	[ "$acpi" = on ] || machine+=(--no-acpi)
	machine+=(--memory "${mib}m" --kernel "$kernel" --initrd "$initrd" "$@")
}

# The memory that virtiofsd shares with QEMU, and its device.
# shellcheck disable=SC2054
qemu_fs=(-object "memory-backend-memfd,id=mem,size=${mib}M,share=on" -machine memory-backend=mem
	-chardev "socket,id=fs,path=$shm/fs.sock" -device vhost-user-fs-device,chardev=fs,tag=tag)
# shellcheck disable=SC2054
qemu_disk=(-drive "file=$shm/disk,if=none,id=disk,format=raw" -device virtio-blk-device,drive=disk)
# shellcheck disable=SC2054
qemu_rest=(-device virtio-rng-device -netdev tap,id=net,ifname=bench0,script=no,downscript=no
	-device virtio-net-device,netdev=net -device vhost-vsock-device,guest-cid=9
	-chardev "file,id=console,path=$shm/console" -device virtio-serial-device -device virtconsole,chardev=console)
bivalve_disk=(--disk "$shm/disk")
bivalve_fs=(--fs "tag=$shm/folder")
bivalve_rest=(--rng --net tap:bench0 --vsock "$shm/vsock" --console "file:$shm/console" --serial stdio)

# run - prints what ./boot does; a machine that fails is said to, and the others go on
run() { timeout 60 ./boot "$mib" "${machine[@]}" </dev/null || echo "job: ${machine[0]} failed" >&2; }

say() { echo "$*" | tee -a out/figures; }

# boot_both NAME KERNEL WORDS... - to init with all devices, each machine twice: the first warms the page cache.
boot_both() {
	local name=$1 kernel=$2 words=$3 round figures

	for round in 1 2; do
		bivalve "$kernel" $shm/init.cpio "${bivalve_disk[@]}" "${bivalve_fs[@]}" "${bivalve_rest[@]}" --append "$words"
		figures=$(run)
		[ $round = 1 ] || [ -z "$figures" ] || say "boot $name bivalve-vmm $figures"
		start_virtiofsd
		qemu "$kernel" $shm/init.cpio "${qemu_disk[@]}" "${qemu_fs[@]}" "${qemu_rest[@]}" -append "$words"
		figures=$(run)
		[ $round = 1 ] || [ -z "$figures" ] || say "boot $name QEMU $figures"
		stop_virtiofsd
	done
}

fresh() {
	rm -rf $shm/folder $shm/disk
	mkdir $shm/folder
	truncate -s 64M $shm/disk
}

io_both() {
	local kernel=$1 what line

	for what in fs blk; do
		fresh
		case $what in
		fs) bivalve "$kernel" $shm/io.cpio "${bivalve_fs[@]}" --append "$append io=fs" ;;
		blk) bivalve "$kernel" $shm/io.cpio "${bivalve_disk[@]}" --append "$append io=blk" ;;
		esac
		run | while read -r line; do
			[ "${line#io }" = "$line" ] || say "io $what bivalve-vmm ${line#io }"
		done
		fresh
		start_virtiofsd
		case $what in
		fs) qemu "$kernel" $shm/io.cpio "${qemu_fs[@]}" -append "$append io=fs" ;;
		blk) qemu "$kernel" $shm/io.cpio "${qemu_disk[@]}" -append "$append io=blk" ;;
		esac
		run | while read -r line; do
			[ "${line#io }" = "$line" ] || say "io $what QEMU ${line#io }"
		done
		stop_virtiofsd
	done
}

modprobe vhost_vsock
ip tuntap add bench0 mode tap
ip link set bench0 up
initrd init $shm/init.cpio
initrd io $shm/io.cpio
fresh
mkdir -p out
acpi=off
if [ -f small ]; then
	boot_both small small "$append"
	[ -n "${BENCH_NO_IO:-}" ] || io_both small
fi
acpi=on
boot_both cloud /boot/vmlinux "$append cryptomgr.notests"
