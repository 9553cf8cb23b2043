#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# bivalve-vmm beside QEMU in the test bed (tests/bed/README.md), in counted time: 1 s = 10^9 instructions of guest, host
# kernel and machine together, which no load disturbs. Prints tables. The small kernel takes part if it was built.
# usage: run.sh BUILD-DIR KERNEL-DIR
set -euo pipefail
[ $# = 2 ] || { sed -n 's/^# usage: /usage: /p' "$0" >&2; exit 2; }
top=$(cd "$(dirname "$0")/../../.." && pwd)
bin=$1 kernels=$2
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

mkdir "$tmp/job"
cp "$bin/bivalve-vmm" "$bin"/bench/vm/{boot,init,io} "$bin/guest/pvh" "$tmp/job/"
cp "$top/tests/bench/vm/job.sh" "$tmp/job/run"
if [ -f "$kernels/small/vmlinux" ]; then
	cp "$kernels/small/vmlinux" "$tmp/job/small"
else
	echo "run.sh: without the small kernel (make guest-kernel)" >&2
fi
rc=0
# At most 20 minutes: counted time runs on while the bed waits for its disk, so the bed's own limit is wide.
timeout 1150 "$top/tests/bed/run.sh" --icount --timeout 250 "$tmp/job" "$tmp/out" >"$tmp/log" 2>&1 || rc=$?
grep -E '^(job|boot|bed):' "$tmp/log" >&2 || true
[ $rc = 0 ] || cat "$tmp/log" >&2
[ -f "$tmp/out/figures" ] || exit 1

# What was measured before a failure is printed all the same.
awk '
$1 == "start" {
	if (!starts++) print "| machine | ms of processor time, start to end of a guest that ends at once |\n| --- | ---: |"
	printf "| %s | %.1f |\n", $2, $3
}
$1 == "boot" {
	if (!boots++) {
		print "\n| kernel | machine | counted s to init | exits | of them I/O | EPT faults | MiB beyond guest RAM |"
		print "| --- | --- | ---: | ---: | ---: | ---: | ---: |"
	}
	printf "| %s | %s | %.3f | %d | %d | %d | %.1f |\n", $2, $3, $4, $5, $6, $7, $8 / 1024
}
$1 == "io" {
	key = $2 " " $4
	if (!(key in unit)) order[++n] = key
	unit[key] = $6
	value[key, $3] = $5
}
END {
	if (!n) exit
	print "\n| | bivalve-vmm | QEMU | ratio |\n| --- | ---: | ---: | ---: |"
	for (i = 1; i <= n; i++) {
		key = order[i]
		ours = value[key, "bivalve-vmm"]
		theirs = value[key, "QEMU"]
		printf "| %s, %s | %.0f | %.0f | %.2f |\n", key, unit[key], ours, theirs, theirs ? ours / theirs : 0
	}
}' "$tmp/out/figures"
exit $rc
