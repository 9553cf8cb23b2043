# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Sourced by the scripts of this folder.
# shellcheck disable=SC2034 # they use the variables

guest_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${BIVALVE_GUEST_CACHE:-$HOME/.cache/bivalve/guest}

die() { echo "${0##*/}: $*" >&2; exit 1; }

# need PROGRAM... - says which are missing; the packages are in the Makefile.
need() {
	local tool

	for tool in "$@"; do
		command -v "$tool" >/dev/null || die "'$tool' is missing: make deps-guest"
	done
}

# version_of PACKAGE - the version that apt would install
version_of() {
	local v

	v=$(LC_ALL=C apt-cache policy "$1" 2>/dev/null | sed -n 's/^ *Candidate: //p')
	case $v in
	'' | '(none)') die "apt knows no package '$1': apt-get update, or another Debian release" ;;
	esac
	echo "$v"
}

# fetch PACKAGE - downloads a package into the cache, without installing it; prints its path.
# Older versions go. Works for any user: apt only reads its lists.
fetch() {
	local version dir=$cache/packages file

	version=$(version_of "$1")
	mkdir -p "$dir"
	file=$dir/$1_${version//:/%3a}.deb
	if [ ! -f "$file" ]; then
		find "$dir" -name "$1_*" -exec rm -rf {} +
		mkdir "$dir/$1_part.$$"
		(cd "$dir/$1_part.$$" && apt-get -qq -o APT::Sandbox::User="$(id -un)" download "$1=$version" >&2) ||
			{ rm -rf "$dir/$1_part.$$"; die "cannot download '$1'"; }
		mv "$dir/$1_part.$$/"*.deb "$file"
		rmdir "$dir/$1_part.$$"
	fi
	echo "$file"
}
