/* SPDX-License-Identifier: GPL-2.0-or-later */
/* process.oomScoreAdj. */
#ifndef BIVALVE_NAMESPACES_OOM_H
#define BIVALVE_NAMESPACES_OOM_H

#include <sys/types.h>

#include "spec/base/err.h"
#include "spec/config.h"

/*
 * oom_apply - writes oom_score_adj of @pid (0: the caller); nothing when @adj is not set.
 * @proc_fd: the host's procfs (procfs_open()), never the container's
 * Going below the value that a holder of CAP_SYS_RESOURCE set last needs that capability in the
 * initial user namespace: -EACCES. A parent does it for a child in a user namespace.
 */
MUST_CHECK int oom_apply(int proc_fd, pid_t pid, struct opt_i64 adj, struct err *err);

#endif
