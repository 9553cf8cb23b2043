#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Runs unit test programs and bats files, N files at a time, and prints one total.
# Usage: run.sh --bin DIR [--unit 'PROGRAM...'] [--bats 'FILE...'] [--jobs N] [--bats-runner COMMAND]
set -u
export LC_ALL=C
# A caller in the background may ignore SIGINT and others, and what is ignored cannot be trapped.
if [ -z "${RUN_DEFAULT_SIGNALS:-}" ]; then
	RUN_DEFAULT_SIGNALS=1 exec env --default-signal "$0" "$@"
fi
bin='' unit='' bats_files='' jobs=1
export BATS_RUNNER='bats --tap --timing'
while [ $# -gt 1 ]; do
	case $1 in
	--bin) bin=$2 ;;
	--unit) unit=$2 ;;
	--bats) bats_files=$2 ;;
	--jobs) jobs=$2 ;;
	--bats-runner) BATS_RUNNER=$2 ;;
	*) echo "run.sh: unknown option '$1'" >&2; exit 2 ;;
	esac
	shift 2
done
BIVALVE_BIN=$(realpath "$bin")
export BIVALVE_BIN
logs=$(mktemp -d)
log=$logs/unit
trap 'rm -rf "$logs"' EXIT
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
	timeout --kill-after=10 600 "$program" >"$log" 2>&1 </dev/null # one that hangs is a failure, not the end of all
	status=$?
	grep -v '^1\.\.' "$log"
	count $status
done
# Their output is kept, and comes in the order of the files.
run_bats() {
	SECONDS=0
	# shellcheck disable=SC2086 # a command and its options
	$BATS_RUNNER "$2" >"$1/$(basename "$2")" 2>&1 </dev/null
	echo $? $SECONDS >"$1/$(basename "$2").status"
}
export -f run_bats
# A process group of its own: its signals are not ignored, and reach all of it.
set -m
# shellcheck disable=SC2086 # a list of words
[ -z "$bats_files" ] || printf '%s\n' $bats_files | xargs -P "$jobs" -I FILE bash -c 'run_bats "$@"' bash "$logs" FILE &
runner=$!
set +m
trap 'kill -INT -- "-$runner"; wait "$runner"; exit 130' INT TERM
for file in $bats_files; do
	log=$logs/$(basename "$file")
	while [ ! -s "$log.status" ] && kill -0 "$runner" 2>/dev/null; do
		sleep 0.2
	done
	read -r status seconds <"$log.status" || status=1 seconds='?'
	echo "# $file, $seconds s"
	grep -v '^1\.\.' "$log"
	count "$status"
done
wait "$runner"
echo
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ $((passed + failed)) -gt 0 ]
