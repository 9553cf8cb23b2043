// SPDX-License-Identifier: GPL-2.0-or-later
/* The server's and its threads' life. */
#include "vmmode/virtio/fs/server.h"

#include "vmmode/virtio/fs/request.h"

int fs_server_init(struct fs_server *s, const struct virtio_fs_options *opts, uint32_t fds_hard)
{
	const struct fs_limits limits = { .inodes = opts->max_inodes,
					  .fds = opts->max_fds,
					  .fds_hard = fds_hard };
	int rc;

	*s = (struct fs_server){ .proc_fd = opts->proc_fd,
				 .flags = opts->flags,
				 .cache = opts->cache,
				 .locks_lock = PTHREAD_MUTEX_INITIALIZER };
	rc = fs_inodes_init(&s->inodes, opts->root_fd, opts->proc_fd, &limits);
	if (rc < 0)
		return rc;
	rc = fs_files_init(&s->files, opts->max_files);
	if (rc < 0)
		fs_inodes_fini(&s->inodes);
	return rc;
}

void fs_server_clear(struct fs_server *s)
{
	atomic_store(&s->init_flags, 0);
	fs_locks_clear(s);
	fs_files_clear(&s->files);
	fs_inodes_clear(&s->inodes);
}

void fs_server_fini(struct fs_server *s)
{
	fs_locks_clear(s);
	fs_files_fini(&s->files);
	fs_inodes_fini(&s->inodes);
}

int fs_thread_init(struct fs_thread *t, int proc_fd)
{
	int rc = fs_creds_init(&t->creds);

	if (rc < 0)
		return rc;
	/* Attributes of an O_PATH descriptor are reached by its name in this folder. */
	if (fchdir(proc_fd) < 0)
		return -errno;
	t->scratch = malloc(FS_SCRATCH);
	return t->scratch ? 0 : -ENOMEM;
}

void fs_thread_fini(struct fs_thread *t)
{
	free(t->scratch);
	t->scratch = NULL;
}
