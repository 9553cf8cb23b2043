/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mounts of the config, one by one. A mount is made detached where it can be (open_tree), gets its
 * attributes while nobody sees it, and is attached to a target that is held by descriptor, so that
 * it never appears with the wrong rights nor in the wrong place.
 *
 * mounts.c keeps the list, mount.c makes one mount, mount_target.c decides where it may go.
 */
#ifndef BIVALVE_NAMESPACES_MOUNT_H
#define BIVALVE_NAMESPACES_MOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "namespaces/plan.h"
#include "namespaces/rootfs.h"
#include "spec/base/err.h"
#include "spec/mount_opts.h"

/* One mount of the config, read; and what of it is open. */
struct mount_plan {
	const struct config_mount *conf; /* borrowed */
	size_t index;                    /* in /mounts */
	struct mount_opts opts;          /* owned; is_bind also for the types "bind" and "rbind" */
	char *source;                    /* owned: absolute source of a bind mount, or NULL */
	char *link;                      /* owned: what a copied source link says; or NULL */
	int tree_fd;                     /* owned: source of a bind, cloned by the parent; or -1 */
	int idmap_fd;                    /* owned: user namespace of an id-mapped mount; or -1 */
	int late_fd;                     /* owned: mount that becomes read-only at last; or -1 */
};

/* Where a mount goes. */
struct mount_target {
	int fd;      /* owned; O_PATH */
	bool is_new; /* was made for this mount */
	bool is_dir;
	mode_t mode; /* permission bits */
};

#define MOUNT_TARGET_INIT                                                                          \
	{                                                                                          \
		-1, false, false, 0                                                                \
	}

/* ---- the list (mounts.c) ------------------------------------------------------------------- */

/* mounts_plan - reads the options of every mount into @r->mounts. Pure. */
MUST_CHECK int mounts_plan(const struct ns_plan *plan, struct rootfs *r, struct err *err);

/*
 * mounts_open - the parent's part: clones the sources that the child may not reach (user
 * namespace), must not clone (a shared mount would have become a slave), or may not id-map.
 */
MUST_CHECK int mounts_open(const struct ns_plan *plan, struct rootfs *r, struct err *err);

/* mounts_apply - makes all mounts below @r->root_fd, in order. */
MUST_CHECK int mounts_apply(const struct ns_plan *plan, struct rootfs *r, struct err *err);

/* mounts_finish - makes read-only what had to stay writable while the tree was built. */
MUST_CHECK int mounts_finish(struct rootfs *r, struct err *err);

void mounts_fini(struct rootfs *r);

/* mounts_has_host_dev - "/dev" is a bind mount: its content is the caller's and is left alone. */
bool mounts_has_host_dev(const struct rootfs *r);

/* ---- one mount (mount.c) ------------------------------------------------------------------- */

/* mount_apply - makes the mount @mp. Error texts start with its JSON path. */
MUST_CHECK int mount_apply(const struct ns_plan *plan, struct rootfs *r, struct mount_plan *mp,
			   struct err *err);

/*
 * mount_clone - a detached clone of the tree at @path below @dir_fd ("" is @dir_fd itself).
 * @flags: 0, AT_RECURSIVE, AT_SYMLINK_NOFOLLOW. Returns a descriptor or -errno. Source:
 * open_tree(2).
 */
MUST_CHECK int mount_clone(int dir_fd, const char *path, unsigned int flags);

/* mount_attach - moves the mount @tree_fd onto @target_fd. Returns 0 or -errno. */
MUST_CHECK int mount_attach(int tree_fd, int target_fd);

/* mount_set_attrs - mount_setattr(2) with @flags 0 or AT_RECURSIVE. Returns 0 or -errno. */
MUST_CHECK int mount_set_attrs(int mount_fd, const struct mount_attrs *attrs, unsigned int flags);

/* mount_set_opts - @o's attributes and propagation on the mount @mount_fd. Returns 0 or -errno. */
MUST_CHECK int mount_set_opts(int mount_fd, const struct mount_opts *o);

/* mount_set_idmap - gives the detached mount the id map of @userns_fd. Returns 0 or -errno. */
MUST_CHECK int mount_set_idmap(int mount_fd, int userns_fd, unsigned int flags);

/*
 * mount_open_source - opens what a bind mount mounts: a clone in @mp->tree_fd, or, when the link
 * itself is to be copied, its text in @mp->link. Nothing is done when it is open already.
 */
MUST_CHECK int mount_open_source(struct mount_plan *mp, struct err *err);

/* A new file system, as mount(2) takes it. */
struct mount_fs {
	const char *type, *source, *data;
	unsigned long flags;
};

/*
 * mount_new - makes the file system and attaches it to @target_fd.
 * Returns 0 or -errno of mount(2).
 */
MUST_CHECK int mount_new(const struct mount_fs *fs, int target_fd);

/*
 * mount_new_staged - makes the file system, out of the container's sight, on top of the host's
 * /proc, from where mount_attach() takes it.
 * Returns a descriptor of the mount, or -errno. The mount is not unmounted when that is closed:
 * to be attached, or given up by ending the process.
 */
MUST_CHECK int mount_new_staged(const struct mount_fs *fs);

/* ---- where to (mount_target.c) ------------------------------------------------------------- */

struct mount_want {
	bool is_dir;    /* what is to be mounted is a folder */
	bool is_procfs; /* it is a procfs as a whole, which alone may go to "/proc" */
	bool no_links;  /* the path must be an ordinary one: no link in any part of it */
};

/*
 * mount_target_open - opens @mp's destination below @r->root_fd, and makes it when it is missing.
 * Links are followed inside the root. Refused: the root itself; a file where a folder is to be
 * mounted and the reverse; a place inside a procfs, but for the files that peers allow.
 * Source: CVE-2019-16884, CVE-2019-19921, CVE-2023-28642.
 */
MUST_CHECK int mount_target_open(const struct rootfs *r, const struct mount_plan *mp,
				 struct mount_want want, struct mount_target *out, struct err *err);

static inline void mount_target_fini(struct mount_target *t)
{
	cleanup_close(&t->fd);
}
#define auto_mount_target auto_cleanup(mount_target_fini)

/* mount_is_dest - @path, without double, trailing and "." parts, is @want ("/dev"). Pure. */
bool mount_is_dest(const char *path, const char *want);

#endif
