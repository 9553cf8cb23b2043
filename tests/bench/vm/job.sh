#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The job of vm.sh in the test bed: boots guests under bivalve-vmm and QEMU with the same kernel, the same initrd
# and the same devices, and leaves lines in out/figures:
#   start MACHINE CPU_MS                                            from start to end with a guest that ends at once
#   boot KERNEL MACHINE SECONDS EXITS IO_EXITS EPT_FAULTS RSS_KIB
#   io DEVICE MACHINE NAME VALUE UNIT
# In the folder: bivalve-vmm, boot, init, io, pvh (the bare-metal test guest), and kernels (small: optional).
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
	machine=(./bivalve-vmm --memory "${mib}m" --kernel "$kernel" --initrd "$initrd" "$@")
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

# io_one DEVICE NAME - measures ${machine[@]}
io_one() {
	local line

	run | while read -r line; do
		[ "${line#io }" = "$line" ] || say "io $1 $2 ${line#io }"
	done
}

io_both() {
	local kernel=$1

	fresh
	bivalve "$kernel" $shm/io.cpio "${bivalve_disk[@]}" --append "$append io=blk"
	io_one blk bivalve-vmm
	fresh
	qemu "$kernel" $shm/io.cpio "${qemu_disk[@]}" -append "$append io=blk"
	io_one blk QEMU
	fresh
	bivalve "$kernel" $shm/io.cpio "${bivalve_fs[@]}" --append "$append io=fs"
	io_one fs bivalve-vmm
	fresh
	start_virtiofsd
	qemu "$kernel" $shm/io.cpio "${qemu_fs[@]}" -append "$append io=fs"
	io_one fs QEMU
	stop_virtiofsd
}

# start_one NAME COMMAND... - the processor time of a machine whose guest ends it at once, the firmware's included
start_one() {
	local name=$1 TIMEFORMAT='%U %S' rounds=10 used i

	shift
	"$@" </dev/null >/dev/null 2>&1 || true
	used=$({ time for ((i = 0; i < rounds; i++)); do
		"$@" </dev/null >/dev/null 2>&1 || true # QEMU's isa-debug-exit has no status 0
	done; } 2>&1)
	say "start $name $(awk -v n=$rounds '{ print ($1 + $2) * 1000 / n }' <<<"$used")"
}

# shellcheck disable=SC2054
start_both() {
	local quit=(-device isa-debug-exit,iobase=0xf4,iosize=1)

	start_one bivalve-vmm ./bivalve-vmm --memory "${mib}m" --kernel pvh --append exit=0 --serial none
	start_one QEMU qemu-system-x86_64 -M microvm,rtc=on -accel kvm -cpu host -m "$mib" -nodefaults -no-user-config \
		-display none -serial none -no-reboot -kernel pvh -append exit=0 "${quit[@]}"
}

modprobe vhost_vsock
ip tuntap add bench0 mode tap
ip link set bench0 up
initrd init $shm/init.cpio
initrd io $shm/io.cpio
fresh
mkdir -p out
start_both
[ ! -f small ] || boot_both small small "$append"
boot_both cloud /boot/vmlinux "$append cryptomgr.notests"
if [ -f small ] && [ -z "${BENCH_NO_IO:-}" ]; then
	io_both small
fi
