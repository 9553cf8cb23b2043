/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host's procfs, reached by descriptor: opened before any container tree is in view, verified,
 * and used below with openat2 that follows no link and stays inside. A write that means to change
 * a process attribute thus cannot be led to another file (CVE-2019-16884, CVE-2025-52881).
 */
#ifndef BIVALVE_NAMESPACES_PROCFS_H
#define BIVALVE_NAMESPACES_PROCFS_H

#include <sys/types.h>

#include "spec/base/err.h"

/* procfs_open - an O_PATH descriptor of /proc; -ENOTSUP when that is not the root of a procfs. */
MUST_CHECK int procfs_open(struct err *err);

/*
 * procfs_open_file - opens @path (relative, no links) below @proc_fd with open(2) @flags.
 * Returns a descriptor that is known to be on a procfs, or -errno.
 */
MUST_CHECK int procfs_open_file(int proc_fd, const char *path, int flags);

/*
 * procfs_open_task - as procfs_open_file(), below the folder of process @pid (0: the caller).
 * @proc_fd must show the caller's pid namespace, or for @pid 0 any namespace that the caller is in.
 */
MUST_CHECK int procfs_open_task(int proc_fd, pid_t pid, const char *path, int flags);

#endif
