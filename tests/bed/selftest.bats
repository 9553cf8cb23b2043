# SPDX-License-Identifier: GPL-2.0-or-later
# What bats.sh gives to a bats file; run by selftest.sh.

@test "bed: programs, root file system, variables" {
	[ "$(bivalve)" = hello ]
	[ -x "$BIVALVE_BIN/bivalve" ]
	[ "$(chroot "$BIVALVE_ROOTFS" /bin/sh -c 'echo inside')" = inside ]
	[ "$FOO" = "a b" ]
	[ -f tests/bed/selftest.bats ]
	[ -d "$BIVALVE_OUT" ]
}
