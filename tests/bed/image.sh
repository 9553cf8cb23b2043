#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Makes the root image and the kernel of the test bed, once, and prints the folder that holds them:
#   root.ext4   a Debian host (packages: see the file of that name)
#   vmlinux     its kernel as an ELF file, which QEMU starts faster than a bzImage
#   versions    the packages that went in
# usage: image.sh [--rebuild]
set -euo pipefail

bed_dir=$(cd "$(dirname "$0")" && pwd)
vmlinux_sh=$bed_dir/../../vmmode/guest/vmlinux.sh
cache=${BIVALVE_BED_CACHE:-$HOME/.cache/bivalve/bed}
image_mb=4096     # size of the file system; the file is sparse
unused_days=14    # an image that nobody asked for so long is removed
PATH=$PATH:/usr/sbin:/sbin

die() { echo "image.sh: $*" >&2; exit 1; }

# shellcheck source=/dev/null
. "$bed_dir/packages"

# The apt sources of this machine, or those in the folder or file $BIVALVE_BED_SOURCES.
sources() {
	local from=${BIVALVE_BED_SOURCES:-/etc/apt}

	find -L "$from" -maxdepth 2 -type f \( -path '*/sources.list' -o -path '*/sources.list.d/*.list' \
		-o -path '*/sources.list.d/*.sources' -o -path "${BIVALVE_BED_SOURCES:-none}" \) -size +0 | sort
}

suite() { sed -n 's/^VERSION_CODENAME=//p' /etc/os-release; }

# The date of the Debian release: a point release makes a new image. The security archive's date
# is left out, as it would make one nearly every day.
release_date() {
	local file date=

	for file in /var/lib/apt/lists/*_dists_"$(suite)"_*Release; do
		grep -qs '^Origin: Debian$' "$file" && date=$(grep -m1 '^Date:' "$file") && break
	done
	echo "${date:-$(cat /etc/debian_version)}"
}

image_key() {
	{ suite; release_date; cat "$bed_dir/packages" "$bed_dir/image.sh" "$vmlinux_sh"; } | sha256sum | cut -c1-16
}

# The whole file system as root.tar. Needs root, or a user with subordinate ids (mmdebstrap picks).
# INITRD=No: the bed needs no initramfs, and making one takes a while.
root_tar() {
	local -a src

	mapfile -t src < <(sources)
	[ ${#src[@]} -gt 0 ] || die "no apt sources found"
	# shellcheck disable=SC2086,SC2016 # a list of words; $1 is the hook's, the root folder
	INITRD=No mmdebstrap --quiet --variant=minbase --format=tar \
		--aptopt='APT::Install-Recommends "false"' --aptopt='Acquire::Retries "3"' \
		--dpkgopt='path-exclude=/usr/share/man/*' \
		--dpkgopt='path-exclude=/usr/share/doc/*' \
		--dpkgopt='path-exclude=/usr/share/locale/*' \
		--include="$(echo $BED_GUEST_PACKAGES | tr ' ' ,)" \
		--customize-hook='chroot "$1" useradd -m -u 1000 -s /bin/bash tester' \
		--customize-hook='chroot "$1" dpkg-query -W >"$1/versions"' \
		"$(suite)" "$1/root.tar" "${src[@]}" >&2
}

# The only part of the bed in the image: all else comes with each job, so that it may change without
# a new image. Debian's kernel does not mount /dev by itself; the other disks may come up after the first.
write_stub() {
	cat >"$1" <<-'STUB'
	#!/bin/sh
	export PATH=/usr/sbin:/usr/bin:/sbin:/bin
	mount -t devtmpfs devtmpfs /dev
	until [ -b /dev/nvme0n2 ] && [ -b /dev/nvme0n3 ]; do sleep 0.02; done
	tar -xf /dev/nvme0n2 -C / && exec /bed/init
	exec busybox poweroff -f
	STUB
	chmod 755 "$1"
}

# Runs as root or under fakeroot, so that owners go into the image as they are in the archive.
root_image() {
	local dir=$1 root=$1/root

	mkdir "$root"
	tar -xf "$dir/root.tar" -C "$root" --numeric-owner
	rm "$dir/root.tar"
	mv "$root/versions" "$dir/versions"
	rm -rf "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/* "$root"/boot/initrd.img-*
	mkdir -p "$root/bed" "$root/job"
	write_stub "$root/bed/stub"
	echo bed >"$root/etc/hostname"
	printf '127.0.0.1 localhost bed\n::1 localhost\n' >"$root/etc/hosts"
	: >"$root/etc/resolv.conf"
	"$vmlinux_sh" "$(echo "$root"/boot/vmlinuz-*)" "$dir/vmlinux"
	cp "$dir/vmlinux" "$root/boot/vmlinux" # for guests of the bed
	mke2fs -q -t ext4 -O ^has_journal,^metadata_csum -E lazy_itable_init=1,root_owner=0:0 -m 0 \
		-d "$root" "$dir/root.ext4" "${image_mb}m" >&2
	rm -rf "$root"
}

build() {
	local tmp=$cache/tmp.$$ tool
	local -a as_root=()

	for tool in mmdebstrap mke2fs lz4 zstd xz; do
		command -v "$tool" >/dev/null || die "'$tool' is missing: install $BED_HOST_PACKAGES"
	done
	[ "$(id -u)" = 0 ] || as_root=(fakeroot)
	# shellcheck disable=SC2064 # the path of now
	trap "rm -rf '$tmp'" EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	rm -rf "$cache"/tmp.* # of a run that was killed: we hold the lock
	mkdir "$tmp"
	echo "image.sh: making the test bed's image, this takes a minute or two" >&2
	root_tar "$tmp"
	"${as_root[@]}" "$bed_dir/image.sh" --root-image "$tmp"
	mv "$tmp" "$1"
}

prune() {
	find "$cache" -mindepth 1 -maxdepth 1 -type d -mtime "+$unused_days" -exec rm -rf {} +
}

case ${1:-} in
--root-image) root_image "$2"; exit ;;
--rebuild | '') ;;
*) die "usage: image.sh [--rebuild]" ;;
esac

mkdir -p "$cache"
image=$cache/$(image_key)
exec 9>"$cache/lock"
flock 9
[ "${1:-}" != --rebuild ] || rm -rf "$image"
[ -d "$image" ] || build "$image"
touch "$image"
prune
echo "$image"
