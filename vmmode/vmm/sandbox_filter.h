/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which system calls a thread may make, by its kind: the table is in sandbox_filter.c. What is not
 * in it ends the machine with one line that names the call and the thread, and the exit status
 * VMM_EXIT_FORBIDDEN.
 *
 * The programs are assembled at the start, in microseconds, without a library: the table is a list
 * of numbers with at most one condition on an argument, and so is the program; its order, in which
 * the hottest call stands first, stays the table's.
 * Source: seccomp(2); uapi linux/seccomp.h, linux/filter.h.
 */
#ifndef BIVALVE_VMMODE_VMM_SANDBOX_FILTER_H
#define BIVALVE_VMMODE_VMM_SANDBOX_FILTER_H

#include <linux/filter.h>

#include "spec/base/err.h"
#include "vmmode/virtio/thread.h"

enum { SANDBOX_INSNS_MAX = 1024 };

struct sandbox_filter {
	unsigned short n;
	struct sock_filter insns[SANDBOX_INSNS_MAX];
};

/* sandbox_filter_build - the program for threads of @kind. */
void sandbox_filter_build(enum thread_kind kind, struct sandbox_filter *out);

/* sandbox_filter_install - binds the calling thread, and what it makes, for good. Needs
 * no_new_privs. Returns 0 or -errno of seccomp(2). */
MUST_CHECK int sandbox_filter_install(const struct sandbox_filter *f);

/*
 * sandbox_report_forbidden - from now on a forbidden call is reported. Before the first filter.
 * Returns 0 or -errno of sigaction(2).
 */
MUST_CHECK int sandbox_report_forbidden(void);

/* sandbox_kind_name - "loop", "vcpu", ... */
const char *sandbox_kind_name(enum thread_kind kind);

#endif
