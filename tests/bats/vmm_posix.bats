#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What POSIX and Linux promise of a file system, of folders of the host in a Debian guest: every cache mode, two
# processors, a full disk, a host that renames meanwhile. tests/bed/bats.sh tests/bats/vmm_posix.bats
bats_require_minimum_version 1.5.0

load vmm_helpers

setup() {
	vmm_setup
	guest_file "$TOOLS/fsops" "$TOOLS/fsx"
}

@test "posix: file operations in every cache mode" {
	local failed=

	mkdir auto always none full
	mount -t tmpfs -o size=2m full full
	mkdir auto/many
	(cd auto/many && seq -f f%.0f 0 9999 | xargs touch)
	mkdir always/more
	(cd always/more && seq 15000 | xargs touch)
	BOOT_SECONDS=400 run_guest virtiofs --cpus 2 --fs auto=auto,locks,queues=2 --fs always=always,cache=always,writeback \
		--fs none=none,cache=none,direct-io,no-devices --fs full=full <<-'END' || failed=yes
		cd /mnt; mkdir auto always none full
		check mounts sh -c 'for t in auto always none full; do mount -t virtiofs $t $t || exit; done'
		# Linux 6.1's driver does not ask for the time of birth.
		fsops auto no-btime
		echo cache=always; fsops always no-btime no-many no-locks no-seek
		echo cache=none; fsops none no-btime no-many no-locks no-devices
		# What the guest knows costs the machine a descriptor each: 25000 of them, and the rest still works.
		check more sh -c '[ $(ls -l always/more | wc -l) = 15001 ]'
		check fsx-auto fsx auto/x 1 600
		check fsx-always fsx always/x 2 600
		check fsx-none fsx none/x 3 400 no-map
		check fsx-two sh -c 'fsx auto/y 4 300 & fsx always/y 5 300 || exit 1; wait $!'
		refuse no-nodes mknod none/node c 1 3
		refuse full dd if=/dev/zero of=full/x bs=1M count=4
		check full-says sh -c 'dd if=/dev/zero of=full/x bs=1M count=4 2>&1 | grep -q "No space left"'
		check full-again sh -c 'rm full/x && echo small >full/y && [ "$(cat full/y)" = small ]'
		check umount umount auto always none full
	END
	umount full
	[ -z "$failed" ]
	[ "$(cat auto/ap)" = a1b1a2 ] && [ "$(cat always/ap)" = a1b1a2 ]
	[ "$(stat -c '%t:%T' auto/null)" = 1:3 ]
	[ "$(stat -c %s auto/x)" = "$(wc -c <auto/x)" ]
}

@test "posix: a read-only folder refuses every change, and its host may change and race" {
	mkdir -p shared/dir outside
	echo secret >outside/file
	echo inside >shared/dir/file
	mkfifo shared/fifo
	ln -s ../../outside shared/dir/up
	# The host swaps a folder for a symbolic link that leads out, as fast as it can.
	(while :; do
		mv -T shared/dir shared/.was && ln -s ../outside shared/dir && rm shared/dir && mv -T shared/.was shared/dir
	done) 2>/dev/null 3>&- &
	run_guest virtiofs --fs ro=shared,ro --fs rw=shared <<-'END' || true
		cd /mnt; mkdir ro rw
		check mounts sh -c 'mount -t virtiofs ro ro && mount -t virtiofs rw rw'
		check race sh -c 'i=0; while [ $i -lt 300 ]; do cat rw/dir/file ro/dir/file; i=$((i + 1)); done 2>/dev/null >seen; ! grep -v inside seen'
		# Each of these would succeed in a folder that is not read-only.
		refuse ro-create touch ro/new
		refuse ro-mkdir mkdir ro/new
		refuse ro-remove rm -f ro/fifo
		refuse ro-rename mv ro/fifo ro/x
		refuse ro-link ln ro/fifo ro/x
		refuse ro-symlink ln -s a ro/x
		refuse ro-mknod mknod ro/x c 1 3
		refuse ro-mode chmod 700 ro/fifo
		refuse ro-owner chown 5 ro/fifo
		refuse ro-time touch -c ro/fifo
		refuse ro-remount sh -c 'mount -o remount,rw ro && touch ro/new'
		check ro-reads sh -c 'ls -l ro >/dev/null && stat ro/fifo'
		check rw-writes sh -c 'touch rw/new && rm rw/new'
	END
	kill $!
	wait $! || true
	guest_is_well
	[ -z "$(find shared -newer outside/file -name new)" ]
	[ "$(cat outside/file)" = secret ]
}
