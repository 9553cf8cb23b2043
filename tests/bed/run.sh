#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Runs JOBDIR/run as root in the test bed with a copy of JOBDIR as its working folder, prints what it
# printed, and ends with its exit code. The job's folder out/ comes back in OUTDIR, with the files
# rc, stdout, stderr and retries added. 124: the job took longer than --timeout. 125: the bed itself
# failed twice (or the job ended so). See README.md for the knobs.
# usage: run.sh [--timeout S] [--smp N] [--mem MB] [--systemd] [--icount] JOBDIR OUTDIR
set -euo pipefail

bed_dir=$(cd "$(dirname "$0")" && pwd)
timeout=300 smp=1 mem=2048 mode=init icount=no
grace=${BIVALVE_BED_GRACE:-90}        # seconds for boot, unpacking and results, on a loaded machine
result_mb=${BIVALVE_BED_RESULT_MB:-256} # room for results; sparse
icount_slowdown=4                     # wall seconds allowed for one second of counted time
tmp='' qemu_pid=''

usage() { sed -n 's/^# usage: /usage: /p' "$0" >&2; exit 125; }
die() { echo "bed: $*" >&2; exit 125; }

# Runs at every end of this script, Ctrl-C included.
# shellcheck disable=SC2317 # called by the trap
clean_up() {
	trap '' INT TERM HUP
	if [ -n "$qemu_pid" ]; then
		kill "$qemu_pid" 2>/dev/null || true # timeout(1), which passes it on
		wait "$qemu_pid" 2>/dev/null || true
	fi
	[ -z "$tmp" ] || rm -rf "$tmp"
}

parse_args() {
	while [ $# -gt 0 ]; do
		case $1 in
		--timeout | --smp | --mem)
			[[ ${2:-} =~ ^[0-9]+$ ]] || usage
			printf -v "${1#--}" %s "$2"
			shift
			;;
		--systemd) mode=systemd ;;
		--icount) icount=yes ;;
		--) shift; break ;;
		-*) usage ;;
		*) break ;;
		esac
		shift
	done
	[ $# = 2 ] || usage
	job=$1 out=$2
	[ -x "$job/run" ] || die "'$job/run' is not an executable file"
	[ $icount = no ] || [ "$smp" = 1 ] || die "--icount needs --smp 1"
}

# The job disk is a tar archive as it stands: bed/init and bed/conf for the stub in the image, job/*.
# Everything belongs to root. tar's code 1 says that a file changed while it was read.
pack_job() {
	mkdir "$tmp/bed"
	cp "$bed_dir/init" "$tmp/bed/init"
	printf 'BED_MODE=%s\nBED_TIMEOUT=%s\n' "$mode" "$timeout" >"$tmp/bed/conf"
	chmod 755 "$tmp/bed" "$tmp/bed/init"
	tar -cf "$tmp/job.tar" --owner=0 --group=0 --numeric-owner -C "$tmp" bed
	tar -rf "$tmp/job.tar" --owner=0 --group=0 --numeric-owner --transform='s,^\.,job,S' -C "$job" . ||
		[ $? = 1 ] || die "cannot pack '$job'"
	truncate -s %1M "$tmp/job.tar"
}

# One NVMe controller with three namespaces: their order is certain, that of three controllers is not.
# snapshot=on keeps the cached image as it is. No network device.
# shellcheck disable=SC2054 # the commas are QEMU's
qemu_args() {
	local append="console=ttyS0 quiet panic=-1 root=/dev/nvme0n1 rootfstype=ext4 rw init=/bed/stub mitigations=off"

	args=(-machine q35,accel=tcg -cpu "${BIVALVE_BED_CPU:-EPYC}" -smp "$smp" -m "$mem"
		-kernel "$image/vmlinux" -append "$append ${BIVALVE_BED_APPEND:-}"
		-nodefaults -no-user-config -no-reboot -display none -monitor none -nic none
		-serial "file:$tmp/console"
		-device nvme,id=disks,serial=bed
		-drive "file=$image/root.ext4,if=none,id=root,format=raw,snapshot=on,cache=unsafe"
		-device nvme-ns,drive=root,bus=disks,nsid=1,shared=off
		-drive "file=$tmp/job.tar,if=none,id=job,format=raw,readonly=on"
		-device nvme-ns,drive=job,bus=disks,nsid=2,shared=off
		-drive "file=$tmp/result,if=none,id=result,format=raw,cache=unsafe"
		-device nvme-ns,drive=result,bus=disks,nsid=3,shared=off)
	[ $icount = no ] || args+=(-icount shift=0,sleep=off)
	# shellcheck disable=SC2206 # a list of words
	args+=(${BIVALVE_BED_QEMU_ARGS:-})
}

# The job's own limit is kept inside; this one is for a bed that hangs. pdeathsig: a kill -9 of
# this script takes QEMU with it.
boot() {
	local limit=$((timeout + grace))

	[ $icount = no ] || limit=$((timeout * icount_slowdown + grace))
	[ "$timeout" != 0 ] || limit=0
	rm -f "$tmp/result" "$tmp/console"
	truncate -s "${result_mb}M" "$tmp/result"
	nice -n "${BIVALVE_BED_NICE:-10}" setpriv --pdeathsig TERM timeout -k 5 "$limit" \
		setpriv --pdeathsig KILL qemu-system-x86_64 "${args[@]}" </dev/null >"$tmp/qemu.log" 2>&1 &
	qemu_pid=$!
	wait "$qemu_pid" || true
	qemu_pid=''
}

# True if a whole result came back; the file rc says so.
take_result() {
	rm -rf "$tmp/out"
	mkdir "$tmp/out"
	tar -xf "$tmp/result" -C "$tmp/out" --no-same-owner 2>/dev/null || return
	grep -qsx '[0-9]*' "$tmp/out/rc"
}

explain_failure() {
	{
		echo "bed: no result came back; the end of QEMU's and of the console's log:"
		tail -n 20 "$tmp/qemu.log" "$tmp/console"
	} >&2 || true
}

main() {
	local retries=0 rc

	parse_args "$@"
	trap clean_up EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM
	trap 'exit 129' HUP
	PATH=$PATH:/usr/sbin:/sbin
	image=$("$bed_dir/image.sh") || die "no image"
	tmp=$(mktemp -d "${TMPDIR:-/tmp}/bivalve-bed.XXXXXX")
	mkdir -p "$out"
	rm -f "$out/rc" "$out/stdout" "$out/stderr" "$out/retries"
	pack_job
	qemu_args
	boot
	if ! take_result; then
		explain_failure
		echo "bed: retried once" >&2
		retries=1
		boot
		take_result || { explain_failure; echo $retries >"$out/retries"; exit 125; }
	fi
	cp -rT --preserve=mode,timestamps,links "$tmp/out" "$out"
	echo $retries >"$out/retries"
	cat "$out/stdout"
	cat "$out/stderr" >&2
	read -r rc <"$out/rc"
	[ "$rc" != 124 ] || echo "bed: the job was ended after ${timeout} s, or ended so by itself" >&2
	exit "$rc"
}

main "$@"
