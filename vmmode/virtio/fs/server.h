/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The FUSE server: takes one request from a chain of buffers and writes the reply into it. It knows
 * no queue: fs.c owns the queues and threads. Everything in a request is hostile: the header and
 * arguments are copied once, lengths are compared with the chain, ids and handles are looked up in
 * tables, names are single components.
 *
 *   dispatch.c  header, table of operations, reply        request.c  arguments and reply of one
 * request op_name.c   lookup, create, link, rename, unlink      op_attr.c  getattr, setattr, statfs
 *   op_file.c   open, read, write and what needs an fh    op_dir.c   readdir, readdirplus
 *   op_xattr.c  extended attributes                       op_lock.c  POSIX locks and flock
 */
#ifndef BIVALVE_VMMODE_VIRTIO_FS_SERVER_H
#define BIVALVE_VMMODE_VIRTIO_FS_SERVER_H

#include <stdatomic.h>
#include <stdint.h>

#include "vmmode/virtio/fs.h"
#include "vmmode/virtio/fs/creds.h"
#include "vmmode/virtio/fs/file.h"
#include "vmmode/virtio/fs/inode.h"
#include "vmmode/virtio/queue.h"

enum {
	FS_WRITE_MAX = 1 << 20,    /* bytes of one READ or WRITE */
	FS_SCRATCH = 65536 + 4096, /* the largest attribute value, and names */
	FS_LOCK_OWNERS_MAX = 4096, /* descriptors kept for POSIX locks */
	FS_NAME_ROOM = 256,        /* NAME_MAX and a NUL */
};

struct fs_lock_owner; /* op_lock.c */

struct fs_server {
	int proc_fd; /* borrowed: /proc/self/fd */
	unsigned int flags;
	enum virtio_fs_cache cache;
	struct fs_inodes inodes;
	struct fs_files files;
	_Atomic uint64_t init_flags; /* FUSE_INIT flags in force; 0: no INIT yet */
	pthread_mutex_t locks_lock;
	struct fs_lock_owner *lock_owners; /* owned list, guarded by locks_lock */
	uint32_t n_lock_owners;
};

/* What one thread brings along. */
struct fs_thread {
	struct fs_creds creds;
	uint8_t *scratch;                 /* owned: FS_SCRATCH bytes */
	struct iovec iov[VIRTQ_SIZE_MAX]; /* the part of a chain that holds file data */
};

enum fs_verdict {
	FS_DONE,    /* the chain can be given back */
	FS_WAITING, /* a lock is held by another: serve the chain again later, or give it back
		       with the error that is its reply */
	FS_BROKEN,  /* no FUSE request at all */
};

/* fs_server_init - @opts with all defaults filled in; @fds_hard: see fs_limits. Returns 0 or -errno
 * as virtio_fs_new(). */
MUST_CHECK int fs_server_init(struct fs_server *s, const struct virtio_fs_options *opts,
			      uint32_t fds_hard);
void fs_server_fini(struct fs_server *s);

/* fs_server_clear - as after an unmount: no inodes, files, locks; the next request is INIT. */
void fs_server_clear(struct fs_server *s);

/* fs_thread_init - for the calling thread. Returns 0 or -errno. */
MUST_CHECK int fs_thread_init(struct fs_thread *t, int proc_fd);
void fs_thread_fini(struct fs_thread *t);

/* fs_serve - serves the request in @chain. *@written: bytes of the reply. */
enum fs_verdict fs_serve(struct fs_server *s, struct fs_thread *t, const struct virtq_chain *chain,
			 uint32_t *written);

/*
 * fs_may_sleep - the request in @chain may wait for a disk: others should not wait behind it. A
 * hint: the guest may change the request before fs_serve() makes its one copy, to its own harm.
 */
bool fs_may_sleep(const struct virtq_chain *chain);

#endif
