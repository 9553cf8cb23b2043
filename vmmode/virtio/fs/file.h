/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The files and folders that the guest has open: fh -> descriptor. As with node ids, an fh holds a
 * slot's index and a generation; a file released while another request uses it is closed at the end
 * of that request. Any thread may call; one mutex guards the table.
 */
#ifndef BIVALVE_VMMODE_VIRTIO_FS_FILE_H
#define BIVALVE_VMMODE_VIRTIO_FS_FILE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "spec/base/cleanup.h"

struct fs_file {
	int fd;      /* owned */
	bool is_dir; /* fh of OPENDIR, not of OPEN */
	bool is_live;
	uint64_t node_id;
	uint32_t gen, pins, next;
	pthread_mutex_t dir_lock; /* the position of a folder */
	uint64_t dir_pos;         /* where fd stands; guarded by dir_lock */
};

struct fs_files {
	pthread_mutex_t lock;
	struct fs_file **chunks; /* owned; slots never move */
	uint32_t n_slots, max_slots;
	uint32_t free;   /* first free slot + 1, 0: none */
	uint32_t n_live; /* open files */
};

/* fs_files_init - an empty table. Returns 0; -EINVAL @max_files is 0; -ENOMEM. */
MUST_CHECK int fs_files_init(struct fs_files *t, uint32_t max_files);
void fs_files_fini(struct fs_files *t);

/* fs_files_clear - closes every file, as FUSE_DESTROY and a reset ask for. */
void fs_files_clear(struct fs_files *t);

/*
 * fs_file_add - a new open file of node @node_id; *@fd is taken when 0 is returned.
 * Returns 0 and the fh; -EMFILE the bound is reached; -ENOMEM.
 */
MUST_CHECK int fs_file_add(struct fs_files *t, int *fd, uint64_t node_id, bool is_dir,
			   uint64_t *out_fh);

/*
 * fs_file_get - the open file @fh of @node_id, to be given back with fs_file_put().
 * Returns 0, or -EBADF: no such file, another node's, or a folder where a file is wanted.
 */
MUST_CHECK int fs_file_get(struct fs_files *t, uint64_t fh, uint64_t node_id, bool is_dir,
			   struct fs_file **out);
void fs_file_put(struct fs_files *t, struct fs_file **file);

/* fs_file_release - the guest is done with @fh. Returns 0 or -EBADF as fs_file_get(). */
MUST_CHECK int fs_file_release(struct fs_files *t, uint64_t fh, uint64_t node_id, bool is_dir);

#endif
