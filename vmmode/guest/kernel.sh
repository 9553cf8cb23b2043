#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Builds the small guest kernel from Debian's kernel source and kernel.config, once: the result is kept by the
# source's version and that file. Some minutes on two cores, 2 GB of disk meanwhile. OUTDIR gets vmlinux
# (stripped), bzImage and config.
# usage: kernel.sh [--cached] OUTDIR     --cached: fail rather than build
set -euo pipefail

# shellcheck source=vmmode/guest/lib.sh
. "$(dirname "$0")/lib.sh"
source_package=linux-source-6.1

# Every line of the fragment must be in the result: kconfig drops in silence what it does not know.
check_config() {
	local line missing=

	while read -r line; do
		grep -qxF -- "$line" "$1" || missing+=" $line"
	done < <(grep '^CONFIG_' "$guest_dir/kernel.config")
	[ -z "$missing" ] || die "this kernel does not take:$missing"
}

# What no x86 build reads is left out: half of the files. Kconfig files stay, they are read for every processor.
unpack() {
	dpkg-deb --fsys-tarfile "$1" | tar -xO "./usr/src/$source_package.tar.xz" | xz -dc |
		tar -x -C "$2" --strip-components=1 --exclude='*/Documentation/*/*' --exclude='*/drivers/gpu/drm/*.[ch]' \
			--exclude='*/arch/[!x]*/*.[chS]' --exclude='*/arch/[!x]*/boot/dts' --exclude='*/tools/testing' --exclude="$source_package/sound/*.[ch]"
}

build() {
	local src=$tmp/src date

	mkdir "$src"
	unpack "$1" "$src"
	cd "$src"
	# The same source gives the same kernel.
	date=$(date -u -d "@$(stat -c %Y Makefile)")
	export KBUILD_BUILD_TIMESTAMP=$date KBUILD_BUILD_USER=bivalve KBUILD_BUILD_HOST=bivalve
	make -s KCONFIG_ALLCONFIG="$guest_dir/kernel.config" allnoconfig >&2
	check_config .config
	nice make -s -j"$(nproc)" bzImage >&2
	mkdir "$tmp/done"
	strip -s -o "$tmp/done/vmlinux" vmlinux
	cp arch/x86/boot/bzImage "$tmp/done/bzImage"
	cp .config "$tmp/done/config"
	cd "$cache"
	mv "$tmp/done" "$2"
}

only_cached=
[ "${1:-}" != --cached ] || { only_cached=yes; shift; }
[ $# = 1 ] || { sed -n 's/^# usage: /usage: /p' "$0" >&2; exit 2; }
mkdir -p "$cache" "$1"
out=$(cd "$1" && pwd)
version=$(version_of $source_package)
key=$({ echo "$version"; grep '^CONFIG_' "$guest_dir/kernel.config"; } | sha256sum | cut -c1-16)
kernel=$cache/kernel-$key
exec 9>"$cache/lock"
flock 9
if [ ! -d "$kernel" ]; then
	[ -z "$only_cached" ] || die "not built yet: make guest-kernel"
	need gcc make flex bison bc perl dpkg-deb xz lz4 strip
	deb=$(fetch $source_package)
	rm -rf "$cache"/build.* # of a run that was killed: we hold the lock
	tmp=$cache/build.$$
	mkdir "$tmp"
	trap 'rm -rf "$tmp"' EXIT
	echo "kernel.sh: building the guest kernel ($version), this takes some minutes" >&2
	build "$deb" "$kernel"
	find "$cache" -mindepth 1 -maxdepth 1 -name 'kernel-*' ! -name "kernel-$key" -mtime +14 -exec rm -rf {} +
	rm -f "$deb"
fi
touch "$kernel"
cp "$kernel"/* "$out/"
cat <<DONE
kernel   $1/vmlinux ($version, no modules)
         $1/bzImage, for other machines
DONE
