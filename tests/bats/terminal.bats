#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Terminals: in the foreground, and handed to a caller.
load helpers

# on_tty COMMAND...: runs it on a terminal of its own; what it shows comes out without CRs, and
# without the echo of the NUL that script sends when its own input ends.
on_tty() {
	local words
	printf -v words '%q ' "$@"
	script -qefc "$words" /dev/null | tr -d '\r' | sed 's/\^@//'
	return "${PIPESTATUS[0]}"
}

terminal_bundle() {
	make_bundle '.process.terminal = true'
	set_args "$@"
}

# receiver MODE: takes the descriptor on tty.sock; its output goes to the file "received".
receiver() {
	"${BIVALVE%/*}/tools/recvfd" "$WORK/tty.sock" "$1" >received 2>&1 3>&- &
	wait_until test -S tty.sock
}

@test "run with a terminal: the program has one, of the caller's size" {
	terminal_bundle sh -c 'test -t 0 && test -t 1 && test -t 2 && tty; stty size; exit 4'
	run -4 on_tty sh -c "stty rows 33 cols 77; exec '$BIVALVE' --root '$STATE' run --bundle '$BUNDLE' '$ID'"
	[ "${lines[0]}" = /dev/pts/0 ]
	[ "${lines[1]}" = "33 77" ]
}

@test "run with a terminal: the caller's terminal is as before afterwards" {
	terminal_bundle true
	run -0 on_tty sh -c "stty -a >before; '$BIVALVE' --root '$STATE' run --bundle '$BUNDLE' '$ID'; stty -a >after"
	cmp before after
}

@test "run with a terminal, but without one of the caller's: bytes are carried" {
	terminal_bundle sh -c 'read line; echo "got $line"; read line || echo end'
	echo text | bivalve run --bundle "$BUNDLE" "$ID" | tr -d '\r' >out
	grep -qx 'got text' out
	grep -qx 'end' out
}

@test "run with a terminal: much output comes out whole" {
	terminal_bundle sh -c 'seq 1 20000'
	bivalve run --bundle "$BUNDLE" "$ID" </dev/null | tr -d '\r' >out
	[ "$(wc -l <out)" -eq 20000 ]
	[ "$(tail -n 1 out)" = 20000 ]
}

@test "the program is the leader of a session with this controlling terminal" {
	terminal_bundle sh -c 'echo to-tty >/dev/tty; cut -d" " -f5,6,7 </proc/self/stat; ls -l /dev/console'
	run -0 on_tty "$BIVALVE" --root "$STATE" run --bundle "$BUNDLE" "$ID"
	[ "${lines[0]}" = to-tty ]
	[[ ${lines[1]} =~ ^[0-9]+\ 1\ 34816$ ]]
	[[ ${lines[2]} == *136,*"/dev/console" ]]
}

@test "Ctrl-C on the caller's terminal reaches the program" {
	terminal_bundle sh -c 'trap "echo interrupted; exit 3" INT; echo up; while :; do sleep 0.05; done'
	# shellcheck disable=SC2094
	(wait_until grep -q up out && printf '\003') 2>/dev/null |
		script -qefc "'$BIVALVE' --root '$STATE' run --bundle '$BUNDLE' '$ID'" /dev/null >out || [ $? -eq 3 ]
	grep -q interrupted out
}

@test "create --console-socket: one message with the terminal's master" {
	terminal_bundle sh -c 'stty size; echo from inside'
	edit_config '.process.consoleSize = {"height": 12, "width": 34}'
	receiver size
	bivalve create --bundle "$BUNDLE" --console-socket tty.sock "$ID" </dev/null
	wait_until grep -q '^size' received
	grep -q '^payload: .' received
	grep -q '^size: 12 34' received
	bivalve start "$ID"
	wait_until is_status stopped
	wait_until grep -q 'from inside' received
	tr -d '\r' <received | grep -qx '12 34'
}

@test "a socket path that is longer than sun_path" {
	local deep
	deep=$WORK/$(printf 'a%.0s' $(seq 90))/$(printf 'b%.0s' $(seq 90))
	terminal_bundle echo from inside
	mkdir -p "$deep"
	receiver copy
	mv tty.sock "$deep/tty.sock"
	bivalve run --detach --bundle "$BUNDLE" --console-socket "$deep/tty.sock" "$ID" </dev/null
	wait_until grep -q 'from inside' received
}

@test "exec --tty in the foreground" {
	start_sleeper
	run -5 on_tty sh -c "stty rows 20 cols 50; exec '$BIVALVE' --root '$STATE' exec -t '$ID' sh -c 'tty; stty size; exit 5'"
	[ "${lines[0]}" = /dev/pts/0 ]
	[ "${lines[1]}" = "20 50" ]
}

@test "exec --tty --detach --console-socket" {
	start_sleeper
	receiver copy
	bivalve exec --tty --detach --console-socket tty.sock --pid-file pid "$ID" sh -c 'tty; sleep 0.2; echo from exec' </dev/null
	wait_until grep -q 'from exec' received
	grep -q /dev/pts/0 received
}

@test "--pidfd-socket gives a pidfd of the container, and of an exec" {
	sleeper
	receiver pid
	bivalve create --bundle "$BUNDLE" --pidfd-socket tty.sock "$ID" </dev/null >/dev/null 2>&1
	wait_until grep -q '^pid' received
	[ "$(sed -n 's/^pid:\t*//p' received)" = "$(pid_of)" ]
	rm tty.sock
	bivalve start "$ID"
	receiver pid
	bivalve exec --detach --pidfd-socket tty.sock --pid-file exec.pid "$ID" sleep 999 </dev/null >/dev/null 2>&1
	wait_until grep -q '^pid' received
	[ "$(sed -n 's/^pid:\t*//p' received)" = "$(cat exec.pid)" ]
}

@test "terminal and socket must fit" {
	terminal_bundle true
	run -1 bivalve create --bundle "$BUNDLE" "$ID"
	[[ $output == *"/process/terminal"*"--console-socket"* ]]
	run -1 bivalve run --bundle "$BUNDLE" --console-socket x.sock "$ID"
	[[ $output == *"--console-socket is for"* ]]
	run -1 bivalve create --bundle "$BUNDLE" --console-socket no-such.sock "$ID"
	[[ $output == *"connect to --console-socket 'no-such.sock'"* ]]
	edit_config '.process.terminal = false'
	run -1 bivalve create --bundle "$BUNDLE" --console-socket x.sock "$ID"
	[[ $output == *"--console-socket is for"* ]]
	nothing_left
}
