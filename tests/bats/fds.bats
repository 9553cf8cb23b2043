#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Descriptors: those that are asked for get in, no other does.
load helpers
load inside

# open_fds: prints the descriptors of the shell that runs it, by itself and without a process of its own.
open_fds='for f in /proc/self/fd/*; do [ -e "$f" ] && printf "%s " "${f##*/}"; done; :'

@test "run: a program finds stdin, stdout and stderr, and nothing else" {
	make_bundle
	touch secret
	edit_config '.process.args = ["/bin/sh", "-c", $s]' --arg s "$open_fds"
	run -0 bivalve run --bundle "$BUNDLE" "$ID" 3<secret 7<secret 100<secret 9<"$WORK" </dev/null
	[ "$output" = '0 1 2 ' ]
}

@test "exec: the same" {
	sleeper
	background
	touch secret
	run -0 bivalve exec "$ID" /bin/sh -c "$open_fds" 3<secret 7<secret 100<secret 9<"$WORK" </dev/null
	[ "$output" = '0 1 2 ' ]
}

@test "create: a container that waits holds nothing of its caller's" {
	sleeper
	touch secret
	bivalve create --bundle "$BUNDLE" "$ID" 7<secret 9<"$WORK" 3>/dev/null </dev/null >/dev/null 2>&1
	local fd
	for fd in "/proc/$(pid_of)/fd"/*; do
		case $(readlink "$fd") in
		/dev/null | socket:*) ;;
		*) echo "$fd: $(readlink "$fd")" >&2; return 1 ;;
		esac
	done
	bivalve start "$ID"
	[ "$(find "/proc/$(pid_of)/fd" -mindepth 1 -printf '%f ')" = '0 1 2 ' ]
}

@test "--preserve-fds N: 3 to 2 + N stay, with what they are" {
	make_bundle
	echo first >one
	echo second >two
	edit_config '.process.args = ["/bin/sh", "-c", $s]' --arg s "cat <&3; cat <&4; $open_fds"
	run -0 bivalve run --preserve-fds 2 --bundle "$BUNDLE" "$ID" 3<one 4<two 5<one </dev/null
	[ "${lines[0]}" = first ]
	[ "${lines[1]}" = second ]
	[ "${lines[2]}" = '0 1 2 3 4 ' ]
	edit_config '.process.args = ["/bin/sleep", "1000"]'
	bivalve run --detach --preserve-fds 1 --bundle "$BUNDLE" "$ID" 3<one 4<two </dev/null >/dev/null 2>&1
	[ "$(readlink "/proc/$(pid_of)/fd/3")" = "$WORK/one" ]
	[ ! -e "/proc/$(pid_of)/fd/4" ]
}

@test "--preserve-fds: one that is not open is an error that names it" {
	make_bundle
	run -1 bivalve run --preserve-fds 2 --bundle "$BUNDLE" "$ID" 3</dev/null 4<&-
	[[ $output == *'descriptor 4, to be passed on: Bad file descriptor'* ]]
	run -1 bivalve run --preserve-fds x --bundle "$BUNDLE" "$ID"
	[[ $output == *--preserve-fds* ]]
	run -1 bivalve run --preserve-fds -1 --bundle "$BUNDLE" "$ID"
	run -1 bivalve run --preserve-fds 4294967295 --bundle "$BUNDLE" "$ID"
	nothing_left
}

@test "LISTEN_FDS: sockets are handed on with LISTEN_PID=1, before preserved ones" {
	make_bundle
	echo first >one
	echo second >two
	edit_config '.process.args = ["/bin/sh", "-c", $s]' --arg s "echo \$LISTEN_FDS \$LISTEN_PID; cat <&3; cat <&4; $open_fds"
	LISTEN_FDS=1 run -0 bivalve run --preserve-fds 1 --bundle "$BUNDLE" "$ID" 3<one 4<two 5<one </dev/null
	[ "$output" = $'1 1\nfirst\nsecond\n0 1 2 3 4 ' ]
	# Meant for another process: not ours to pass on.
	LISTEN_FDS=1 LISTEN_PID=1 run -0 bivalve run --bundle "$BUNDLE" "$ID" 3<one 4<two </dev/null
	[[ $output != *first* ]]
	[ "${lines[0]}" != '1 1' ]
	# None is open.
	LISTEN_FDS=2 run -1 bivalve run --bundle "$BUNDLE" "$ID" 3<one 4<&-
	[[ $output == *'descriptor 4, to be passed on'* ]]
}

@test "no descriptor leads out of the container" {
	make_bundle '.process.args = ["/bin/sleep", "1000"]'
	bivalve run --detach --bundle "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1
	local fd
	for fd in "/proc/$(pid_of)/fd"/*; do
		[ "$(readlink "$fd")" = /dev/null ] || { echo "$fd: $(readlink "$fd")" >&2; return 1; }
		# The container's own node, not the host's.
		[ "$(stat -L -c %d "$fd")" != "$(stat -c %d /dev/null)" ]
	done
	run -0 bivalve exec "$ID" /bin/sh -c 'ls -l /proc/1/fd /proc/self/fd 2>/dev/null | grep -c "$0" || true' "$STATE"
	[ "$output" = 0 ]
}

@test "no signal is blocked, and ignored are those of the caller" {
	local ignored
	make_bundle
	set_args /bin/grep Sig[BI] /proc/self/status
	# What this test's own caller ignores stays ignored, too.
	ignored=$(sed -n 's/^SigIgn:\t//p' /proc/self/status)
	ignored=$(printf '%016x' $((16#$ignored | 16#200)))
	run -0 setsid sh -c 'trap "" USR1; exec "$@"' sh "$BIVALVE" --root "$STATE" run --bundle "$BUNDLE" "$ID"
	[ "${lines[0]}" = $'SigBlk:\t0000000000000000' ]
	[ "${lines[1]}" = $'SigIgn:\t'"$ignored" ]
}
