/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The id maps of a new user namespace, written by the parent: directly where it may, else by
 * newuidmap(1) and newgidmap(1), which know the ranges that /etc/subuid and /etc/subgid grant.
 */
#ifndef BIVALVE_NAMESPACES_IDMAP_H
#define BIVALVE_NAMESPACES_IDMAP_H

#include <sys/types.h>

#include "spec/base/buf.h"
#include "spec/base/err.h"
#include "spec/config.h"

/* idmap_format - "CONTAINER HOST SIZE\n" lines, as /proc/PID/uid_map takes them. */
void idmap_format(const struct config_id_maps *maps, struct buf *out);

/* idmap_is_own - one id, the caller's @own: what a caller without rights may write itself. */
bool idmap_is_own(const struct config_id_maps *maps, uint32_t own);

/*
 * idmap_write - maps the user namespace of process @pid, a child of the caller.
 * @proc_fd: from procfs_open(). Errors name /linux/uidMappings or /linux/gidMappings.
 * Source: user_namespaces(7), "Defining user and group ID mappings".
 */
MUST_CHECK int idmap_write(int proc_fd, pid_t pid, const struct config *c, struct err *err);

/*
 * idmap_become_root - the child, once it is mapped: uid and gid 0 of its user namespace, so that
 * what it makes belongs to the container's root. Where 0 is not mapped the ids stay.
 */
MUST_CHECK int idmap_become_root(struct err *err);

#endif
