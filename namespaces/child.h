/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What launch.c and exec.c share: the clone, reading what a child says, helping it. */
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

/*
 * child_follow - serves an intermediate process (between.h) until @child, which is that one, is the
 * final child that it made; the intermediate one is reaped.
 * @map: writes the id maps of the process @pid and answers it; may be NULL when none are wanted
 */
typedef int child_map_fn(void *arg, pid_t pid, struct err *err);
MUST_CHECK int child_follow(int sync_fd, child_map_fn *map, void *arg, struct ns_child *child,
			    struct err *err);

/* child_serve - while the child works: what only a privileged parent can do for it. */
MUST_CHECK int child_serve(int proc_fd, pid_t pid, const struct config_process *p, struct err *err);

#endif
