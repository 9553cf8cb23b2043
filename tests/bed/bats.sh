#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Runs bats files in the test bed, prints their TAP and ends with their exit code (124, 125: see run.sh).
# The programs in the folder $BIVALVE_BIN and the paths in $BIVALVE_BED_PACK are copied into the bed.
# usage: bats.sh [--pack PATH]... [--env NAME=VALUE]... [--filter REGEX] [--out DIR] [RUN.SH OPTION]... FILE.bats...
set -euo pipefail

bed_dir=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$bed_dir/../.." && pwd)
bin=${BIVALVE_BIN-$top/build/release} # empty: no programs
read -r -a pack <<<"${BIVALVE_BED_PACK-tests}" # relative to the top of the source tree
env=() files=() run_options=() filter='' out='' tmp='' run_pid=''

usage() { sed -n 's/^# usage: /usage: /p' "$0" >&2; exit 125; }
die() { echo "bats.sh: $*" >&2; exit 125; }

# shellcheck disable=SC2317 # called by the trap
clean_up() {
	trap '' INT TERM HUP
	if [ -n "$run_pid" ]; then
		kill "$run_pid" 2>/dev/null || true
		wait "$run_pid" 2>/dev/null || true
	fi
	[ -z "$tmp" ] || rm -rf "$tmp"
}

# in_tree PATH - PATH relative to the top of the source tree
in_tree() {
	local path

	path=$(realpath --relative-base="$top" -e "$1") || die "no '$1'"
	case $path in
	/*) die "'$1' is not in the source tree" ;;
	esac
	echo "$path"
}

parse_args() {
	while [ $# -gt 0 ]; do
		case $1 in
		--pack | --env | --filter | --out | --timeout | --smp | --mem) [ $# -gt 1 ] || usage ;;&
		--pack) pack+=("$(in_tree "$2")"); shift ;;
		--env) env+=("$2"); shift ;;
		--filter) filter=$2; shift ;;
		--out) out=$2; shift ;;
		--timeout | --smp | --mem) run_options+=("$1" "$2"); shift ;;
		--systemd | --icount) run_options+=("$1") ;;
		-*) usage ;;
		*) files+=("$(in_tree "$1")") ;;
		esac
		shift
	done
	[ ${#files[@]} -gt 0 ] || usage
}

# The job is src/ (the packed part of the tree), bin/ (the programs), rootfs/ (made inside, from the
# bed's own static busybox) and run.
make_job() {
	local job=$1 program

	mkdir -p "$job/src" "$job/bin"
	# Code 1: a file changed while it was read, as happens in a tree that people work in.
	tar -cf - -C "$top" "${pack[@]}" "${files[@]}" | tar -xf - -C "$job/src" || [ $? = 1 ] ||
		die "cannot pack ${pack[*]}"
	if [ -n "$bin" ]; then
		while read -r -d '' program; do
			cp "$program" "$job/bin/"
		done < <(find "$bin" -maxdepth 1 -type f -perm -u=x -print0)
		for program in tools guest; do
			[ ! -d "$bin/$program" ] || cp -r "$bin/$program" "$job/bin/"
		done
		[ -n "$(ls -A "$job/bin")" ] || die "no programs in '$bin' (BIVALVE_BIN)"
	fi
	{
		cat <<-'RUN'
		#!/bin/bash
		mkdir -p rootfs/{bin,dev,etc,proc,root,sys,tmp,var}
		cp /bin/busybox rootfs/bin/
		chroot rootfs /bin/busybox --install -s /bin
		echo 'root:x:0:0:root:/root:/bin/sh' >rootfs/etc/passwd
		echo 'root:x:0:' >rootfs/etc/group
		chmod 1777 rootfs/tmp
		export BIVALVE_BIN=$PWD/bin BIVALVE_ROOTFS=$PWD/rootfs BIVALVE_OUT=$PWD/out PATH=$PWD/bin:$PATH
		RUN
		[ ${#env[@]} = 0 ] || printf 'export %q\n' "${env[@]}"
		echo 'cd src || exit 125'
		printf 'exec bats --tap --timing'
		[ -z "$filter" ] || printf ' --filter %q' "$filter"
		printf ' %q' "${files[@]}"
		echo
	} >"$job/run"
	chmod 755 "$job/run"
}

main() {
	local rc=0

	parse_args "$@"
	trap clean_up EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM
	trap 'exit 129' HUP
	tmp=$(mktemp -d "${TMPDIR:-/tmp}/bivalve-bed.XXXXXX")
	make_job "$tmp/job"
	# In the background, as a trap waits for the end of what runs in the foreground.
	"$bed_dir/run.sh" "${run_options[@]}" "$tmp/job" "${out:-$tmp/out}" &
	run_pid=$!
	wait "$run_pid" || rc=$?
	run_pid=''
	exit "$rc"
}

main "$@"
