#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Gets a kernel for guests without installing one: Debian's cloud kernel, its virtio modules and an initrd with
# a shell, and prints how to boot them. Needs no root. OUTDIR gets:
#   cloud/vmlinux, cloud/bzImage   the kernel
#   cloud/modules/                 the modules, and their names in load order in the file "order"
#   initrd.cpio                    busybox and the modules; the small kernel (kernel.sh) takes it too
# usage: assets.sh OUTDIR
set -euo pipefail

# shellcheck source=vmmode/guest/lib.sh
. "$(dirname "$0")/lib.sh"

# depends_of FILE - the modules that a module needs. From the module itself: the package has no modules.dep,
# which depmod makes when it is installed.
depends_of() { tr '\0' '\n' <"$1" | sed -n 's/^depends=//p' | tr ',' '\n'; }

# take_module NAME - copies a module after those that it needs.
take_module() {
	local name=$1 file dep

	[ -z "${taken[$name]:-}" ] || return 0
	taken[$name]=yes
	# In a name as the kernel says it, '-' is '_'; in a file's name it is either.
	file=$(find "$tree/lib/modules" -name "${name//[-_]/[-_]}.ko*" | head -n 1)
	[ -n "$file" ] || die "the kernel has no module '$name'"
	case $file in
	*.ko) cp "$file" "$new/modules/" ;;
	*.ko.xz) xz -dc "$file" >"$new/modules/$name.ko" ;;
	*.ko.zst) zstd -qdc "$file" >"$new/modules/$name.ko" ;;
	*) die "'$file': unknown compression" ;;
	esac
	file=$(basename "$file")
	file=${file%%.ko*}.ko
	for dep in $(depends_of "$new/modules/$file"); do
		take_module "$dep"
	done
	echo "$file" >>"$new/modules/order"
}

cloud_kernel() {
	local name

	mkdir -p "$new/modules"
	cp "$(echo "$tree"/boot/vmlinuz-*)" "$new/bzImage"
	chmod 644 "$new/bzImage"
	"$guest_dir/vmlinux.sh" "$new/bzImage" "$new/vmlinux"
	declare -gA taken=()
	while read -r name; do
		take_module "$name"
	done < <(grep -v '^#' "$guest_dir/modules")
	rm -rf "$out/cloud"
	mv "$new" "$out/cloud"
}

# The init of the initrd: modules if the kernel wants any, a shell on the console, power off when it ends.
write_init() {
	cat >"$1" <<-'INIT'
	#!/bin/busybox sh
	/bin/busybox mount -t proc proc /proc
	/bin/busybox --install -s /bin
	export PATH=/bin HOME=/root TERM=linux
	mount -t sysfs sys /sys
	mount -t devtmpfs dev /dev
	mkdir -p /dev/pts /dev/shm && mount -t devpts devpts /dev/pts && mount -t tmpfs shm /dev/shm
	if [ -e /proc/modules ]; then
		while read -r m; do insmod "/modules/$m"; done </modules/order
	fi
	# Words of the kernel's command line of the form name=value are in the environment: run=COMMAND
	if [ -n "$run" ]; then sh -c "$run"; else setsid cttyhack sh; fi
	sync
	poweroff -f
	INIT
	chmod 755 "$1"
}

initrd() {
	local root=$tmp/initrd

	mkdir -p "$root"/{bin,proc,sys,dev,root,tmp}
	cp "$(command -v busybox)" "$root/bin/busybox"
	cp -r "$out/cloud/modules" "$root/modules"
	write_init "$root/init"
	(cd "$root" && find . | busybox cpio -o -H newc -R 0:0 2>/dev/null) >"$tmp/initrd.cpio"
	mv "$tmp/initrd.cpio" "$out/initrd.cpio"
}

[ $# = 1 ] || { sed -n 's/^# usage: /usage: /p' "$0" >&2; exit 2; }
need apt-get dpkg-deb lz4 xz zstd busybox
out=$1
mkdir -p "$out"
tmp=$(mktemp -d "$out/tmp.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
tree=$tmp/tree new=$tmp/cloud
# The package of that name only depends on the one with the kernel.
package=$(LC_ALL=C apt-cache depends linux-image-cloud-amd64 2>/dev/null | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1)
[ -n "$package" ] || die "apt knows no package 'linux-image-cloud-amd64': apt-get update, or another Debian release"
deb=$(fetch "$package")
dpkg-deb -x "$deb" "$tree"
cloud_kernel
initrd
cat <<DONE
kernel   $out/cloud/vmlinux (${package#linux-image-}, $(version_of "$package"))
modules  $out/cloud/modules, in the order of the file "order" there
initrd   $out/initrd.cpio

A shell in a guest:
  build/release/bivalve-vmm --kernel $out/cloud/vmlinux --initrd $out/initrd.cpio \\
    --append 'console=ttyS0 quiet panic=-1 cryptomgr.notests' --memory 256m --rng
DONE
