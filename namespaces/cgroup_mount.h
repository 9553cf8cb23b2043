/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mounts of type "cgroup" and "cgroup2": the container sees its own group as the top, in every
 * hierarchy of the host. With a cgroup namespace the kernel does that; without one the own group's
 * folder is bound from the host's tree.
 */
#ifndef BIVALVE_NAMESPACES_CGROUP_MOUNT_H
#define BIVALVE_NAMESPACES_CGROUP_MOUNT_H

#include "namespaces/mount.h"
#include "namespaces/mountinfo.h"

/* cgroup_mount_apply - makes the mount @mp. To be called by a member of the container's group. */
MUST_CHECK int cgroup_mount_apply(const struct ns_plan *plan, struct rootfs *r,
				  struct mount_plan *mp, struct err *err);

/* One hierarchy, as a line of /proc/self/cgroup names it. */
struct cgroup_line {
	const char *controllers; /* "cpu,cpuacct", "name=systemd", "" for cgroup2 */
	const char *path;        /* the own group, from the top of the cgroup namespace */
};

/*
 * cgroup_lines_next - takes the next line off *@text, which is cut into strings.
 * Returns false at the end. Lines that are none are passed over. Pure.
 */
bool cgroup_lines_next(char **text, struct cgroup_line *out);

/* cgroup_mount_has - the mount @m is the hierarchy of @line. Pure. */
bool cgroup_mount_has(const struct mountinfo *m, const struct cgroup_line *line);

#endif
