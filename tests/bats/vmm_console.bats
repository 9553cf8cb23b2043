#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The console device and its ports under Debian's kernel and its own driver. Needs a KVM that runs
# normal kernels and /boot/vmlinux with its modules: tests/bed/bats.sh tests/bats/vmm_console.bats
bats_require_minimum_version 1.5.0

load vmm_helpers

setup() {
	PID=
	vmm_setup
}

teardown() {
	tail -n 20 err 2>/dev/null || true # shown when a test fails
	[ -z "$PID" ] || kill "$PID" 2>/dev/null || true
}

# console_initrd <SCRIPT: an initrd whose init runs SCRIPT with hvc0 as its terminal. "port NAME" prints the device
# of a named port, and waits for it.
console_initrd() {
	local start

	start=$(cat <<-'END'
		exec </dev/null >/dev/null 2>&1 # there was no console yet
		find_port() { local d; for d in /sys/class/virtio-ports/*; do [ "$(cat $d/name)" != $1 ] || echo /dev/${d##*/}; done; }
		port() { until [ -n "$(find_port $1)" ]; do sleep 0.1; done; find_port $1; }
		# The name is there before the console is; and <> would make a file where there is no name yet.
		until [ -c /dev/hvc0 ] && (: <>/dev/hvc0); do sleep 0.1; done
		exec <>/dev/hvc0 >&0 2>&1
	END
	)
	initrd virtio_console "$start" "$(cat)"
}

# [INPUT=FILE] start OPTION...: the machine in the background; its messages are in the file err.
start() {
	"$VMM" --kernel "$KERNEL" --initrd init.cpio --append 'console=hvc0 quiet panic=-1 cryptomgr.notests' \
		"$@" <"${INPUT:-/dev/null}" 2>err 3>&- &
	PID=$!
}

# seen TEXT FILE: waits until the file has it.
seen() {
	local i

	for ((i = 0; i < 300; i++)); do
		! grep -qs -- "$1" "$2" || return 0
		sleep 0.1
	done
	echo "no '$1' in $2:"
	cat "$2"
	return 1
}

@test "console: a shell on the pseudo-terminal, the window's size, megabytes of output" {
	local pty

	console_initrd <<-'END'
		setsid -c sh -i
	END
	start --console pty
	seen '^console: /dev/pts/' err
	pty=$(sed -n 's/^console: //p' err)
	stty -F "$pty" rows 33 cols 111
	mkfifo typed
	cat "$pty" >screen 3>&- &
	exec 4>"$pty"
	seen '# ' screen
	echo 'echo answer $((6 * 7)) on $(tty)' >&4
	seen 'answer 42 on /dev/hvc0' screen
	echo 'stty size' >&4
	seen '^33 111' screen
	stty -F "$pty" rows 50 cols 120
	sleep 1
	echo 'stty size' >&4
	seen '^50 120' screen
	# A process group in the foreground, and Ctrl-C.
	echo 'sleep 1000' >&4
	sleep 2
	printf '\003' >&4
	sleep 1
	echo 'echo slept $?' >&4
	seen 'slept 130' screen
	# No newline of it may be changed: the output is the last thing on the screen.
	echo 'stty -opost; yes 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde | head -c 3000000 | tee /tmp/big | cat; md5sum /tmp/big | cut -c 1-32; stty opost; echo that was $((6 * 7))' >&4
	seen 'that was 42' screen
	exec 4>&-
	[ "$(grep -a -c '^0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde$' screen)" -ge 46874 ]
	grep -a -q "^$(yes 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde | head -c 3000000 | md5sum | cut -c 1-32)" screen
	echo exit >"$pty"
	ended "$PID" 0
}

@test "console: output to a pipe and a file, input from a pipe, the kernel's messages" {
	console_initrd <<-'END'
		echo init on hvc0
		echo '<1>the kernel speaks' >/dev/kmsg
		read line && echo "read: $line"
		cat
	END
	mkfifo typed
	INPUT=typed start --console stdio >out
	exec 4>typed
	seen 'init on hvc0' out # what comes before somebody has the terminal open is lost, as on any
	echo first line >&4
	exec 4>&-
	seen 'read: first line' out
	seen 'the kernel speaks' out
	kill -TERM "$PID" # the end of the input is not the guest's end
	ended "$PID" 143
}

@test "console: named ports both ways, ends of input, clients that come and go" {
	head -c 2000000 /dev/urandom >in
	console_initrd <<-'END'
		one=$(port one) two=$(port two) three=$(port three)
		sleep 1 # that they are open is the next message
		cat $one >/tmp/in; md5sum </tmp/in | cut -c 1-32
		cat /tmp/in >$two
		# A conversation: each session of the guest is one of the client. Without a client there is no input.
		exec 5<>$three
		until read word <&5; do sleep 0.2; done
		echo "heard $word"; echo "you said $word" >&5
		exec 5>&-
		until cat $three >/tmp/last && [ -s /tmp/last ]; do sleep 0.2; done
		cat /tmp/last; echo end of input
		sleep 1
	END
	exec 5<in
	start --console file:out --port one=fd:5 --port two=file:copy --port three=unix:sock
	exec 5<&-
	seen . out
	[ "$(stat -c %a sock)" = 600 ]
	mkfifo typed
	exec 6<>typed
	socat - UNIX-CONNECT:sock <typed >reply 3>&- &
	echo hello >&6
	wait $!
	[ "$(<reply)" = 'you said hello' ]
	seen 'heard hello' out
	grep -q "$(md5sum <in | cut -c 1-32)" out
	until printf 'last words\n' | socat - UNIX-CONNECT:sock; grep -q 'end of input' out; do sleep 1; done
	ended "$PID" 0
	grep -q 'last words' out
	cmp in copy
	[ ! -e sock ]
}
