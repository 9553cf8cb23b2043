#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Each header compiles alone, and each file begins with its SPDX line. Usage: headers.sh CC FILE...
set -eu
cc=$1
shift
bad=0
for f in "$@"; do
	case $(head -n 2 "$f") in
	*SPDX-License-Identifier:\ GPL-2.0-or-later*) ;;
	*)
		echo "$f: lacks its SPDX line"
		bad=1
		;;
	esac
	case $f in
	*.h)
		"$cc" -std=gnu17 -D_GNU_SOURCE -iquote . -Wall -Wextra -fsyntax-only -x c "$f" 2>/dev/null || {
			echo "$f: does not compile alone"
			bad=1
		}
		;;
	esac
done
exit $bad
