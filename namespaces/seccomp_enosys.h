/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What goes in front of a compiled filter: a syscall whose number is above the largest one that the
 * profile names for its architecture answers ENOSYS. A profile cannot have meant to deny what did
 * not exist when it was written, and C libraries fall back on ENOSYS but not on EPERM. Other
 * architectures and smaller numbers go on to the filter.
 */
#ifndef BIVALVE_NAMESPACES_SECCOMP_ENOSYS_H
#define BIVALVE_NAMESPACES_SECCOMP_ENOSYS_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The two ABIs of x86-64 share one audit architecture; x32 numbers have bit 30 set. */
enum { SECCOMP_X32_BIT = 0x40000000 };

struct seccomp_newest {
	uint32_t audit_arch;      /* AUDIT_ARCH_*; each at most once */
	bool has_main, has_x32;   /* which of the two numbers are given */
	uint32_t main, x32;       /* largest number named; @x32 with its bit */
	bool is_zero_multiplexed; /* s390: number 0 stands for every number that is unknown */
};

enum { SECCOMP_ENOSYS_INSNS_MAX = 10 }; /* per architecture */

/*
 * seccomp_enosys_build - the instructions, to be put in front of a filter.
 * @out: room for @n_archs * SECCOMP_ENOSYS_INSNS_MAX. Returns how many were written.
 */
size_t seccomp_enosys_build(const struct seccomp_newest *archs, size_t n_archs,
			    struct sock_filter *out);

#endif
