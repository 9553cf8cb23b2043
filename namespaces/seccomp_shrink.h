/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Makes a seccomp program smaller without changing any of its answers. Loading costs the kernel
 * about 0.2 us per instruction (its checks, the compiler, the bitmap of always-allowed calls), and
 * a usual profile of libseccomp's has 1250; here it gets about 270.
 *
 * How: numbers and architectures only matter through comparisons with constants, so between two
 * neighbouring constants every number has one fate. The program is run once for each such interval;
 * neighbours with one fate are merged, and a balanced search over what is left is written. Code
 * that looks at arguments is copied as it is. The result is run against the original once more, for
 * every interval, before it is used.
 */
#ifndef BIVALVE_NAMESPACES_SECCOMP_SHRINK_H
#define BIVALVE_NAMESPACES_SECCOMP_SHRINK_H

#include <linux/filter.h>
#include <stddef.h>

#include "spec/base/cleanup.h"

/* More than the kernel takes (BPF_MAXINSNS): the result may well fit. */
enum { SECCOMP_SHRINK_INSNS_MAX = 1 << 16 };

/*
 * seccomp_shrink - @insns is replaced by an equivalent program, *@n becomes its length.
 * Returns 0; -EOPNOTSUPP not a program of the kind that this understands, or one that would not
 * become smaller (both are left as they are); -ENOMEM.
 */
MUST_CHECK int seccomp_shrink(struct sock_filter *insns, size_t *n);

#endif
