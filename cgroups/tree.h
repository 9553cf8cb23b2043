/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A group with the groups below it, which the container may have made: in any number, depth and
 * with any name, and while we look. Nothing here recurses; sizes are bounded.
 */
#ifndef BIVALVE_CGROUPS_TREE_H
#define BIVALVE_CGROUPS_TREE_H

#include "cgroups/cgroup_internal.h"

struct cg_pid_list {
	pid_t *items; /* owned */
	size_t n, cap;
};

/* cg_tree_pids - appends the pids of the group and below in @hier. -ENOENT: no group there. */
MUST_CHECK int cg_tree_pids(const struct cgroup *cg, const struct cg_hier *hier,
			    struct cg_pid_list *out);
void cg_pid_list_fini(struct cg_pid_list *l);

/*
 * cg_tree_remove - removes the group and those below it in @hier, deepest first.
 * Returns 0 (also when it was not there); -EBUSY: a process is in one of them; -errno.
 */
MUST_CHECK int cg_tree_remove(const struct cgroup *cg, const struct cg_hier *hier);

#endif
