#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Runs one libFuzzer program: run.sh PROGRAM SECONDS. Seeds are tests/data/fuzz/NAME (for config
# also the good and bad configs); what it finds stays in build/fuzz/corpus/NAME.
set -eu
program=$1 seconds=$2
name=$(basename "$program")
name=${name#fuzz_}
found=build/fuzz/corpus/$name
set -- "tests/data/fuzz/$name"
[ "$name" != config ] || set -- "$@" tests/data/good tests/data/bad
mkdir -p "$found"
"$program" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=16384 \
	-artifact_prefix="build/fuzz/$name-" -print_final_stats=1 "$found" "$@"
