#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Runs unit test programs and bats files and prints one total.
# Usage: run.sh --bin DIR [--unit 'PROGRAM...'] [--bats 'FILE...']
set -u
export LC_ALL=C
# A caller in the background may ignore SIGINT and others, and what is ignored cannot be trapped.
if [ -z "${RUN_DEFAULT_SIGNALS:-}" ]; then
	RUN_DEFAULT_SIGNALS=1 exec env --default-signal "$0" "$@"
fi
bin='' unit='' bats_files=''
while [ $# -gt 1 ]; do
	case $1 in
	--bin) bin=$2 ;;
	--unit) unit=$2 ;;
	--bats) bats_files=$2 ;;
	*) echo "run.sh: unknown option '$1'" >&2; exit 2 ;;
	esac
	shift 2
done
BIVALVE_BIN=$(realpath "$bin")
export BIVALVE_BIN
log=$(mktemp)
trap 'rm -f "$log"' EXIT
passed=0 failed=0 skipped=0

# count STATUS: adds the TAP lines of $log; a program that died early counts as one failure.
count() {
	local ok not skip planned
	not=$(grep -c '^not ok ' "$log")
	skip=$(grep -Eci '^ok .*# skip' "$log")
	ok=$(($(grep -c '^ok ' "$log") - skip))
	planned=$(sed -n 's/^1\.\.\([0-9]*\)$/\1/p' "$log" | head -n 1)
	if [ $((ok + not + skip)) -ne "${planned:-0}" ] || { [ "$1" -ne 0 ] && [ "$not" -eq 0 ]; }; then
		echo "# exit status $1 after $((ok + not + skip)) of ${planned:-0} tests"
		not=$((not + 1))
	fi
	passed=$((passed + ok)) failed=$((failed + not)) skipped=$((skipped + skip))
}

for program in $unit; do
	echo "# $(basename "$program")"
	"$program" >"$log" 2>&1 </dev/null
	status=$?
	grep -v '^1\.\.' "$log"
	count $status
done
for file in $bats_files; do
	echo "# $file"
	bats --tap "$file" </dev/null 2>&1 | tee "$log" | grep -v '^1\.\.'
	count "${PIPESTATUS[0]}"
done
echo
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ $((passed + failed)) -gt 0 ]
