/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The container's file system tree: built under a private bind of the root folder, then made the
 * root of the process.
 *
 *   rootfs_open()     parent, before the clone: reads every mount's options, and opens what only
 *                     the caller's user may open (bind sources and id maps of a user namespace)
 *   rootfs_prepare()  child, in its namespaces: propagation, the root's bind, mounts, devices
 *   rootfs_enter()    child, after the hooks: masked and read-only paths, pivot_root, read-only
 *                     root
 *   rootfs_fini()     parent after the clone, child after rootfs_enter(): closes and frees
 *
 * Between prepare and enter the host's tree is in view at "/" and the container's at root_fd; names
 * inside the container are only ever resolved by openat2 below root_fd (spec/base/path.h). No
 * function forks, but rootfs_open() does for an id-mapped mount, whose user namespace needs a
 * process for a moment. Errors name the JSON path ("/mounts/3: ...").
 */
#ifndef BIVALVE_NAMESPACES_ROOTFS_H
#define BIVALVE_NAMESPACES_ROOTFS_H

#include <stddef.h>
#include <stdint.h>

#include "namespaces/plan.h"
#include "spec/base/err.h"

struct mount_plan; /* namespaces/mount.h */

struct rootfs {
	int root_fd; /* O_PATH, the top of the container's tree; -1 before prepare */
	int tree_fd; /* detached clone of the root folder made by the parent, or -1 */
	uint64_t root_mnt_id, root_ino; /* which mount and node root_fd is */
	struct mount_plan *mounts;      /* owned; as many as the config has */
	size_t n_mounts;
};

#define ROOTFS_INIT                                                                                \
	{                                                                                          \
		-1, -1, 0, 0, NULL, 0                                                              \
	}

/* rootfs_open - to be called with the caller's own rights, in the caller's mount namespace. */
MUST_CHECK int rootfs_open(const struct ns_plan *plan, struct rootfs *r, struct err *err);

/*
 * rootfs_prepare - builds the tree. To be called in the new mount, user, pid, net, ipc and cgroup
 * namespaces, with uid and gid 0 of the user namespace where these are mapped, before hooks.
 */
MUST_CHECK int rootfs_prepare(const struct ns_plan *plan, struct rootfs *r, struct err *err);

/*
 * rootfs_enter - makes the tree the process's root; the working directory is its "/".
 * root_fd stays valid (it is "/"). The host's tree is out of reach by name afterwards, and no
 * descriptor of @r refers to it.
 */
MUST_CHECK int rootfs_enter(const struct ns_plan *plan, struct rootfs *r, struct err *err);

void rootfs_fini(struct rootfs *r);

#define auto_rootfs auto_cleanup(rootfs_fini)

#endif
