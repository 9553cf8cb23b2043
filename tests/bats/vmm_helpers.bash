# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Debian's kernel under the machine: what bats files about its devices share. A test makes an initrd from
# modules and a script and boots it. It needs a KVM that runs normal kernels and /boot/vmlinux with its
# modules, as the test bed has (tests/bed/bats.sh FILE). A boot costs about six seconds there: put many
# checks into one.
#
#   initrd 'virtio_blk' 'check mounted mount /dev/vda /mnt'     lines, or the script from standard input
#   boot "$KERNEL" --disk disk                                  $status, $output as of run
#   run_guest 'virtio_blk' --disk disk <<<'SCRIPT'              both, and no check may have failed
#
# In the script: "check NAME COMMAND..." prints "NAME ok at UPTIME" or "NAME failed: what it said"; "refuse NAME
# COMMAND..." is right when COMMAND fails. The guest is root in a busybox; /tmp is a tmpfs. What a test puts
# into root/ before is there too: guest_file. A further processor: --cpus 2.

# vmm_setup: called by setup. VMM, KERNEL; the test's own folder is the working folder.
vmm_setup() {
	VMM=${BIVALVE_BIN:?}/bivalve-vmm
	KERNEL=/boot/vmlinux
	# shellcheck disable=SC2034 # for bats files
	TOOLS=$BIVALVE_BIN/tools
	[ -f "$KERNEL" ] || skip "no $KERNEL (run it in the test bed)"
	"$VMM" --self-test 2>/dev/null || skip "no KVM that runs a normal kernel"
	cd "$BATS_TEST_TMPDIR" || return
}

# guest_file FILE...: puts programs into the next initrd's /bin.
guest_file() {
	mkdir -p root/bin
	cp "$@" root/bin/
}

# module_files MODULE...: their files, with what they depend on, in the order in which they are loaded.
module_files() {
	modprobe --set-version "$(basename "$(echo /lib/modules/*)")" --show-depends --all "$@" |
		sed -n 's/^insmod \([^ ]*\).*/\1/p' | awk '!seen[$0]++'
}

# initrd 'MODULE...' [LINE...]: makes init.cpio; without LINEs the script is standard input.
# virtio_mmio is always loaded.
initrd() {
	local file files

	mkdir -p root/bin root/mod root/proc root/sys root/dev root/tmp root/etc root/mnt
	cp "$(command -v busybox)" root/bin/busybox
	printf 'root:x:0:0::/:/bin/sh\nu:x:1000:1000::/:/bin/sh\n' >root/etc/passwd
	printf 'root:x:0:\nu:x:1000:\n' >root/etc/group
	# shellcheck disable=SC2086 # a list of words
	files=$(module_files virtio_mmio $1)
	shift
	cat >root/init <<-'END'
		#!/bin/busybox sh
		/bin/busybox mount -t proc proc /proc # --install asks it where busybox is
		export PATH=/bin HOME=/; busybox --install -s /bin
		mount -t sysfs sys /sys; mount -t devtmpfs dev /dev; mount -t tmpfs tmp /tmp
		check() { local name="$1"; shift; if "$@" >/tmp/.out 2>&1; then echo "$name ok at $(cut -d " " -f 1 /proc/uptime)"; else echo "$name failed ($?): $(tail -n 5 /tmp/.out)"; fi; }
		refuse() { local name="$1"; shift; if "$@" >/tmp/.out 2>&1; then echo "$name failed: it was not refused"; else echo "$name ok"; fi; }
	END
	for file in $files; do
		cp "$file" root/mod/
		echo "insmod /mod/${file##*/}" >>root/init
	done
	if [ $# -gt 0 ]; then
		printf '%s\n' "$@" >root/script
	else
		cat >root/script
	fi
	printf '. /script\necho the script has ended\npoweroff -f\n' >>root/init
	chmod 755 root/init
	(cd root && find . | busybox cpio -o -H newc 2>/dev/null) >init.cpio
}

# boot KERNEL [OPTION...]: boots it with init.cpio, for at most BOOT_SECONDS (200).
boot() {
	local kernel=$1

	shift
	run timeout -s KILL "${BOOT_SECONDS:-200}" "$VMM" --kernel "$kernel" --initrd init.cpio \
		--append 'console=ttyS0 quiet panic=-1 cryptomgr.notests' "$@" </dev/null
	echo "$output" # shown when the test fails
}

# guest_is_well: the last boot powered off by itself behind the script's end, and no check failed.
guest_is_well() {
	[ "$status" -eq 0 ] && [[ $output = *'the script has ended'* ]] && [[ $output != *' failed'* ]]
}

# run_guest 'MODULE...' [OPTION...] <SCRIPT
run_guest() {
	initrd "$1"
	shift
	boot "$KERNEL" "$@"
	guest_is_well
}

# ended PID STATUS: waits for the end of a machine in the background, up to a minute. Without run, in whose
# subshell it is nobody's child.
ended() {
	local rc=0 i

	for ((i = 0; i < 600; i++)); do
		kill -0 "$1" 2>/dev/null || break
		sleep 0.1
	done
	kill -KILL "$1" 2>/dev/null || true
	wait "$1" || rc=$?
	[ "$rc" -eq "$2" ] || { echo "exit status $rc"; return 1; }
}
