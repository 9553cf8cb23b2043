/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The container's init from its birth to its program. It is the child of launch.c, which fills in
 * struct init before the clone; the child works on its copy of it.
 *
 * Stages, with what each needs:
 *
 *   1 dies with its parent; joins the v1 cgroups by descriptors that the parent opened
 *   2 waits for its id maps (new user namespace); joins namespaces by path; the cgroup namespace
 *     comes last, for its root is where the process is at that moment
 *   3 opens its attribute files in the host's procfs; becomes root of its user namespace
 *   4 names, sysctls
 *   5 root file system: mounts and devices; `lo`; terminal
 *   6 HOOKS: the runtime's hooks; then createContainer hooks, in these namespaces
 *   7 pivot_root, masked and read-only paths; from here on every name is the container's
 *   8 workload.h: rights, READY, program
 */
#ifndef BIVALVE_NAMESPACES_INIT_H
#define BIVALVE_NAMESPACES_INIT_H

#include <stdbool.h>
#include <stdnoreturn.h>

#include "namespaces/ns.h"
#include "namespaces/plan.h"
#include "namespaces/rootfs.h"
#include "namespaces/workload.h"

struct init {
	const struct ns_plan *plan; /* borrowed */
	struct ns_joins joins;      /* owned */
	struct rootfs rootfs;       /* owned */
	struct workload work;       /* owned */
	int proc_fd;                /* owned; the host's procfs, or -1: nothing needs it */
	int sync_fds[2];            /* owned; [0] the parent's end, [1] the child's */
	bool is_between;            /* an intermediate process entered the user namespace */
};

/* init_run - the child's whole life. */
noreturn void init_run(struct init *init);

/* What an intermediate process (between.h) does too. */

/* init_begin - stage 1: SIGKILL when the parent dies, no blocked signals, no environment, cgroups.
 */
MUST_CHECK int init_begin(const struct ns_cgroup_join *cgroup, struct err *err);

/*
 * init_follow - the first step of the child that an intermediate process made: SIGKILL when the
 * parent dies; nothing is said before the parent knows the child's pid.
 */
MUST_CHECK int init_follow(struct sync *sync, struct err *err);

/* init_fail - tells the parent, and ends the process. */
noreturn void init_fail(int sync_fd, const struct err *err);

#endif
