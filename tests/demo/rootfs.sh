#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Makes a root file system from Debian packages: rootfs.sh DIR PACKAGE...
# The packages and what they depend on are unpacked, not configured: a few seconds, no daemons.
# A finished DIR is kept; the list of packages beside it says what it holds.
set -euo pipefail
dir=$1
shift
list="$*"
if [ -f "$dir.packages" ] && [ "$(cat "$dir.packages")" = "$list" ]; then
	exit 0
fi
# shellcheck source=/dev/null
suite=$(. /etc/os-release && echo "${VERSION_CODENAME:-stable}")
sources=()
for f in /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources; do
	if [ -s "$f" ]; then
		sources+=("$f")
	fi
done
rm -rf "$dir" "$dir.packages"
mkdir -p "$(dirname "$dir")"
mmdebstrap --quiet --variant=extract --include="$(echo "$list" | tr ' ' ',')" \
	--dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
	"$suite" "$dir" "${sources[@]}"
echo "$list" >"$dir.packages"
