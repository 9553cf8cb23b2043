/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The id map of a mount, as the kernel takes it: a user namespace. The container's own, where the
 * mount names no mapping; else one that is made for the mount and lives as long as its descriptor.
 */
#ifndef BIVALVE_NAMESPACES_IDMAP_MOUNT_H
#define BIVALVE_NAMESPACES_IDMAP_MOUNT_H

#include "namespaces/mount.h"
#include "spec/base/buf.h"

/* The last map that was made: volumes of one container mostly share theirs. */
struct idmap_cache {
	struct buf uids, gids; /* owned */
	int fd;                /* owned, or -1 */
};

#define IDMAP_CACHE_INIT                                                                           \
	{                                                                                          \
		BUF_INIT, BUF_INIT, -1                                                             \
	}

/* idmap_is_wanted - by an option, or by mappings of the mount's own. */
bool idmap_is_wanted(const struct mount_plan *mp);

/*
 * idmap_texts - what goes to uid_map and gid_map for @mp: "fs-id host-id count" lines. Pure.
 * Returns 0; -EINVAL: no mapping there, or one that can not be read; -ENOMEM.
 */
MUST_CHECK int idmap_texts(const struct config *config, const struct mount_plan *mp,
			   struct buf *uids, struct buf *gids, struct err *err);

/*
 * idmap_open - a descriptor of the user namespace for @mp, to be closed by the caller. A process
 * is forked and ended to make it. Needs the rights to write such a map.
 */
MUST_CHECK int idmap_open(const struct ns_plan *plan, const struct mount_plan *mp,
			  struct idmap_cache *cache, struct err *err);

void idmap_cache_fini(struct idmap_cache *c);
#define auto_idmap_cache auto_cleanup(idmap_cache_fini)

#endif
