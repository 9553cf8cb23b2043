/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What launch.c and exec.c share: the clone, and reading what a child says. */
#ifndef BIVALVE_NAMESPACES_CHILD_H
#define BIVALVE_NAMESPACES_CHILD_H

#include <stdint.h>

#include "namespaces/launch.h"
#include "namespaces/sync.h"
#include "spec/base/err.h"

struct child_clone {
	uint64_t flags; /* CLONE_NEW* */
	int cgroup_fd;  /* cgroup v2 folder that the child is born in; -1: the caller's */
};

/*
 * child_clone - clone3 without shared memory, with a pidfd.
 * Returns 1 in the child; 0 in the parent, with @out's pid and pid_fd set; or -errno.
 */
MUST_CHECK int child_clone(const struct child_clone *how, struct ns_child *out, struct err *err);

/*
 * child_recv - the next message of a child. Returns 0; the error that the child sent; -ECHILD when
 * the child is gone without a word (the parent must not hold the child's end).
 */
MUST_CHECK int child_recv(int sync_fd, struct sync_msg *out, int *out_fd, struct err *err);

#endif
