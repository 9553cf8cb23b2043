#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Folders of the host in a Debian guest, by its own virtio-fs driver. Needs a KVM that runs normal
# kernels and /boot/vmlinux with its modules: tests/bed/bats.sh tests/bats/vmm_fs.bats
bats_require_minimum_version 1.5.0

load vmm_helpers

setup() {
	vmm_setup
	mkdir folder
}

# guest WORDS <SCRIPT: boots with --fs t=folderWORDS on /f and runs SCRIPT there.
guest() {
	{
		echo 'mkdir /f; check mount mount -t virtiofs t /f; cd /f'
		cat
		echo 'cd /; check umount umount /f'
	} | run_guest virtiofs --fs "t=folder$1"
}

@test "fs: files, folders, links, owners and times as on a disk" {
	guest '' <<-'END'
		check write sh -c 'echo hello >a && echo world >>a'
		check append sh -c '[ "$(cat a)" = "$(printf "hello\nworld")" ]'
		check truncate sh -c 'truncate -s 3 a && [ "$(cat a)" = hel ]'
		check holes sh -c 'truncate -s 100M sparse && [ $(du -k sparse | cut -f1) -lt 100 ]'
		check mkdir mkdir -p d/e/f
		refuse rmdir rmdir d
		check rename sh -c 'mv d/e g && [ -d g/f ] && [ ! -e d/e ]'
		check hardlink sh -c 'ln a b && [ $(stat -c %h a) = 2 ] && [ $(stat -c %i a) = $(stat -c %i b) ]'
		check symlink sh -c 'ln -s a s && [ "$(cat s)" = hel ] && ln -s /etc/passwd out && grep -q ^u: out'
		check mode sh -c 'umask 027; touch m && [ $(stat -c %a m) = 640 ] && chmod 4711 m && [ $(stat -c %a m) = 4711 ]'
		check owner sh -c 'chown 7:8 m && [ $(stat -c %u:%g m) = 7:8 ]'
		check suid sh -c 'chmod 4755 m && echo x >>m && [ $(stat -c %a m) = 4755 ]'
		check times sh -c 'touch -d "2001-02-03 04:05:06" a && [ $(stat -c %Y a) = 981173106 ]'
		check fifo sh -c 'mkfifo p && { echo through >p & [ "$(cat p)" = through ]; }'
		check exec sh -c 'cp /bin/busybox . && ./busybox true'
		check unlinked sh -c 'exec 3<>gone && rm gone && echo x >&3 && [ ! -e gone ]'
		check user sh -c 'mkdir w && chmod 777 w && su u -c "echo mine >w/u" && [ $(stat -c %u w/u) = 1000 ]'
		refuse foreign su u -c 'echo x >a'
		check df df /f
		check many sh -c 'mkdir many && cd many && for i in $(seq 200); do echo $i >f$i; done && [ $(ls | wc -l) = 200 ]'
		check find sh -c '[ $(find . -name "f*" -type f | wc -l) -ge 200 ]'
		check sum sh -c 'cat many/f* | awk "{ s += \$1 } END { exit s != 20100 }"'
		check big sh -c 'dd if=/dev/urandom of=big bs=1M count=8 2>/dev/null && sync && md5sum big >big.md5'
		echo 3 >/proc/sys/vm/drop_caches
		check again md5sum -c big.md5
		check sum-again sh -c 'cat many/f* | awk "{ s += \$1 } END { exit s != 20100 }"'
		check rm sh -c 'rm -r many && [ ! -e many ]'
	END
	(cd folder && md5sum -c big.md5)
	[ "$(readlink folder/out)" = /etc/passwd ]
	[ "$(stat -c %u folder/w/u)" = 1000 ]
	[ ! -e folder/many ]
}

@test "fs: a read-only folder cannot be changed" {
	echo content >folder/a
	guest ,ro <<-'END'
		check read grep -q content a
		refuse write sh -c 'echo x >>a'
		refuse create touch b
		refuse remove rm -f a
		refuse mode chmod 777 a
	END
	[ "$(ls folder)" = a ]
}
