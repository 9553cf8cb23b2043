#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Takes the ELF kernel out of a bzImage: a machine that loads it directly starts faster.
# Needs lz4, zstd, xz or gzip, whichever the kernel was packed with.
# Source: kernel Documentation/x86/boot.rst: setup_sects 0x1f1, payload_offset 0x248, payload_length 0x24c.
# usage: vmlinux.sh BZIMAGE OUT
set -euo pipefail

die() { echo "vmlinux.sh: $*" >&2; exit 1; }

# le_at FILE OFFSET SIZE - a little-endian number in FILE
le_at() { od -An -v -tu"$3" -j"$2" -N"$3" "$1" | tr -d ' '; }

[ $# = 2 ] || { sed -n 's/^# usage: /usage: /p' "$0" >&2; exit 2; }
packed=$2.packed
trap 'rm -f "$packed"' EXIT
sects=$(le_at "$1" $((0x1f1)) 1)
start=$(((${sects/#0/4} + 1) * 512 + $(le_at "$1" $((0x248)) 4)))
len=$(le_at "$1" $((0x24c)) 4)
# The last four bytes are the unpacked size, which is not part of the packed stream.
tail -c +$((start + 1)) "$1" | head -c $((len - 4)) >"$packed" || true
case $(od -An -tx1 -N4 "$packed" | tr -d ' ') in
02214c18) lz4 -qdc "$packed" >"$2" ;;
28b52ffd) zstd -qdc "$packed" >"$2" ;;
fd377a58) xz -dc "$packed" >"$2" ;;
1f8b*) gzip -dc "$packed" >"$2" ;;
*) die "'$1': unknown kernel compression" ;;
esac
[ "$(od -An -tx1 -N4 "$2" | tr -d ' ')" = 7f454c46 ] || die "'$1': no ELF file inside"
