#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Size gate: no function over 80 lines, no file over 700. Usage: size.sh FILE...
set -eu
ctags --languages=C --langmap=C:+.h --kinds-C=f --fields=+ne -f - "$@" | awk -F'\t' -v max=80 '
/^!/ { next }
{
	line = end = 0
	for (i = 4; i <= NF; i++) {
		if ($i ~ /^line:/) line = substr($i, 6)
		if ($i ~ /^end:/) end = substr($i, 5)
	}
	if (end - line + 1 > max) {
		printf "%s:%d: %s has %d lines (limit %d)\n", $2, line, $1, end - line + 1, max
		bad = 1
	}
}
END { exit bad }'
awk -v max=700 '
FNR == 1 && NR > 1 { check() }
{ name = FILENAME; lines = FNR }
function check() { if (lines > max) { printf "%s: %d lines (limit %d)\n", name, lines, max; bad = 1 } }
END { check(); exit bad }' "$@"
