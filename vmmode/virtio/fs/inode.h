/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The inodes that the guest knows: node id -> O_PATH descriptor. A node id holds the index of a
 * slot and a generation, so an id that was forgotten is never taken for another inode. Two lookups
 * of one inode (device, inode number, mount) give one id. The guest counts its lookups and forgets
 * them; a slot is freed when the count is 0 and no request uses it.
 *
 * Descriptors are bounded: beyond limits.fds one that was not used lately is closed, and the inode
 * is kept by its file handle (name_to_handle_at(2)). Where the file system has no handles
 * (overlayfs) or this process may not open them, descriptors stay open, up to limits.fds_hard. A
 * live descriptor keeps the inode number from being reused; an inode kept by handle is compared by
 * handle.
 *
 * Any thread may call; one mutex guards the table. Source: uapi linux/fuse.h, FUSE_FORGET.
 */
#ifndef BIVALVE_VMMODE_VIRTIO_FS_INODE_H
#define BIVALVE_VMMODE_VIRTIO_FS_INODE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "spec/base/cleanup.h"

struct fs_inode; /* one slot */
struct fs_mount; /* one mount that handles are opened on */

struct fs_limits {
	uint32_t inodes;   /* that the guest may know */
	uint32_t fds;      /* descriptors kept for them, the root's not counted */
	uint32_t fds_hard; /* the same where inodes cannot be kept by handle; at least fds */
};

struct fs_inodes {
	pthread_mutex_t lock;
	int proc_fd; /* borrowed: /proc/self/fd */
	uint32_t max_fds, hard_fds;
	uint32_t max_slots;       /* inodes, slot 0 (never used) and the root included */
	struct fs_inode **chunks; /* owned; slots never move */
	uint32_t n_slots;         /* slots ever used */
	uint32_t free;            /* first free slot, 0: none */
	uint32_t *heads;          /* owned: hash table of slot numbers */
	uint32_t n_heads;         /* a power of two */
	uint32_t n_hashed;
	uint64_t key; /* of the hash: the guest must not choose collisions */
	uint32_t n_fds;
	uint32_t hand;           /* of the clock that picks the descriptor to close */
	struct fs_mount *mounts; /* owned */
	uint32_t n_mounts;
};

/* An inode while a request uses it. fd stays open until fs_inode_put(). */
struct fs_node {
	struct fs_inode *inode; /* NULL: none */
	int fd;                 /* O_PATH, borrowed */
	uint32_t type;          /* S_IFMT bits; an inode never changes its type */
	uint64_t id;
	uint64_t mnt_id;
};

/*
 * fs_inodes_init - an empty table whose node 1 is @root_fd (duplicated).
 * Returns 0; -ENOTDIR; -EINVAL a bound below 2; -ENOMEM; -errno.
 */
MUST_CHECK int fs_inodes_init(struct fs_inodes *t, int root_fd, int proc_fd,
			      const struct fs_limits *limits);
void fs_inodes_fini(struct fs_inodes *t);

/* fs_inodes_clear - forgets everything but the root, as FUSE_DESTROY and a reset ask for. */
void fs_inodes_clear(struct fs_inodes *t);

/*
 * fs_inode_get - the inode of @id, to be given back with fs_inode_put().
 * Returns 0; -EINVAL no such node; -ESTALE it was kept by handle and is gone; -ENFILE, -errno.
 */
MUST_CHECK int fs_inode_get(struct fs_inodes *t, uint64_t id, struct fs_node *out);
void fs_inode_put(struct fs_inodes *t, struct fs_node *node);

/*
 * fs_inode_enter - counts one lookup of the inode behind *@fd (O_PATH, taken when 0 is returned).
 * @stx: of that inode, with STATX_BASIC_STATS and STATX_MNT_ID
 * Returns 0 and the node id; -ENFILE a bound is reached; -ENOMEM.
 */
MUST_CHECK int fs_inode_enter(struct fs_inodes *t, int *fd, const struct statx *stx,
			      uint64_t *out_id);

/* fs_inode_forget - takes back @n lookups, at most what there were; unknown ids are ignored. */
void fs_inode_forget(struct fs_inodes *t, uint64_t id, uint64_t n);

#endif
