// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Locks, where they are shared with the host. A POSIX lock belongs to an owner in the guest and an
 * inode: each such pair has a descriptor of its own here, with open-file-description locks on it
 * (fcntl(2), F_OFD_SETLK), and closing it drops them. flock(2) is taken on the guest's open file.
 * No thread ever waits: a request that would is served again later (FS_WAITING).
 */
#include <fcntl.h>
#include <sys/file.h>

#include "vmmode/virtio/fs/request.h"

struct fs_lock_owner {
	struct fs_lock_owner *next; /* owned */
	uint64_t node_id, owner;
	int fd; /* owned */
};

void fs_locks_drop(struct fs_server *s, uint64_t node_id, uint64_t owner)
{
	pthread_mutex_lock(&s->locks_lock);
	for (struct fs_lock_owner **p = &s->lock_owners; *p;) {
		struct fs_lock_owner *o = *p;

		if (o->node_id == node_id && o->owner == owner) {
			*p = o->next;
			(void)close(o->fd);
			free(o);
			s->n_lock_owners--;
		} else {
			p = &o->next;
		}
	}
	pthread_mutex_unlock(&s->locks_lock);
}

void fs_locks_clear(struct fs_server *s)
{
	struct fs_lock_owner *o;

	pthread_mutex_lock(&s->locks_lock);
	while ((o = s->lock_owners)) {
		s->lock_owners = o->next;
		(void)close(o->fd);
		free(o);
	}
	s->n_lock_owners = 0;
	pthread_mutex_unlock(&s->locks_lock);
}

/* Opens the inode for locks of both kinds; a file that cannot be written takes read locks alone. */
static int open_for_locks(const struct fs_req *r)
{
	static const int modes[] = { O_RDWR, O_RDONLY, O_WRONLY };
	char name[16];
	int fd = -1;

	for (size_t i = 0; i < ARRAY_LEN(modes) && fd < 0; i++) {
		fd = openat(r->s->proc_fd, fs_proc_name(name, r->node.fd),
			    modes[i] | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	}
	return fd < 0 ? -errno : fd;
}

/* The descriptor of the owner's locks, made when there is none. Called with locks_lock held. */
static int owner_fd(struct fs_req *r, int *out)
{
	struct fs_server *s = r->s;
	struct fs_lock_owner *o;
	int fd;

	for (o = s->lock_owners; o; o = o->next) {
		if (o->node_id == r->in.nodeid && o->owner == r->arg.lk.owner) {
			*out = o->fd;
			return 0;
		}
	}
	if (s->n_lock_owners == FS_LOCK_OWNERS_MAX)
		return -ENOLCK;
	fd = open_for_locks(r);
	if (fd < 0)
		return fd;
	o = malloc(sizeof(*o));
	if (!o) {
		(void)close(fd);
		return -ENOMEM;
	}
	*o = (struct fs_lock_owner){ s->lock_owners, r->in.nodeid, r->arg.lk.owner, fd };
	s->lock_owners = o;
	s->n_lock_owners++;
	*out = fd;
	return 0;
}

static int to_flock(const struct fuse_file_lock *in, struct flock *out)
{
	const uint64_t max = INT64_MAX;

	if (in->type != F_RDLCK && in->type != F_WRLCK && in->type != F_UNLCK)
		return -EINVAL;
	if (in->start > max || in->end < in->start)
		return -EINVAL;
	*out = (struct flock){
		.l_type = (short)in->type,
		.l_whence = SEEK_SET,
		.l_start = (off_t)in->start,
		/* 0: to the end of the file, however far; the guest writes that as INT64_MAX. */
		.l_len = in->end >= max ? 0 : (off_t)(in->end - in->start + 1),
	};
	return 0;
}

/* One fcntl on the owner's descriptor. */
static int lock_call(struct fs_req *r, int cmd, struct flock *lock)
{
	int fd;
	int rc;

	if (!(r->s->flags & VIRTIO_FS_LOCKS))
		return -ENOSYS;
	if (r->node.type != S_IFREG)
		return -EINVAL;
	rc = to_flock(&r->arg.lk.lk, lock);
	if (rc < 0)
		return rc;
	pthread_mutex_lock(&r->s->locks_lock);
	rc = owner_fd(r, &fd);
	if (rc == 0 && fcntl(fd, cmd, lock) < 0)
		rc = errno == EACCES ? -EAGAIN : -errno;
	pthread_mutex_unlock(&r->s->locks_lock);
	return rc;
}

int fs_op_getlk(struct fs_req *r)
{
	struct fuse_lk_out out = { .lk.type = F_UNLCK };
	struct flock lock;
	int rc = lock_call(r, F_OFD_GETLK, &lock);

	if (rc < 0)
		return rc;
	if (lock.l_type != F_UNLCK) {
		out.lk.type = (uint32_t)lock.l_type;
		out.lk.start = (uint64_t)lock.l_start;
		out.lk.end = lock.l_len ? (uint64_t)(lock.l_start + lock.l_len - 1) : INT64_MAX;
	}
	return fs_req_reply(r, &out, sizeof(out));
}

static int flock_call(struct fs_req *r)
{
	static const int ops[] = { [F_RDLCK] = LOCK_SH, [F_WRLCK] = LOCK_EX, [F_UNLCK] = LOCK_UN };
	const uint32_t type = r->arg.lk.lk.type;
	struct fs_file *file;
	int rc;

	if (!(r->s->flags & VIRTIO_FS_LOCKS))
		return -ENOSYS;
	if (type >= ARRAY_LEN(ops))
		return -EINVAL;
	rc = fs_file_get(&r->s->files, r->arg.lk.fh, r->in.nodeid, false, &file);
	if (rc < 0)
		return rc;
	if (flock(file->fd, ops[type] | LOCK_NB) < 0)
		rc = -errno;
	fs_file_put(&r->s->files, &file);
	return rc;
}

int fs_op_setlk(struct fs_req *r)
{
	struct flock lock;

	if (r->arg.lk.lk_flags & FUSE_LK_FLOCK)
		return flock_call(r);
	return lock_call(r, F_OFD_SETLK, &lock);
}

int fs_op_setlkw(struct fs_req *r)
{
	int rc = fs_op_setlk(r);

	if (rc != -EAGAIN)
		return rc;
	r->is_waiting = true;
	return -ENOLCK; /* what the guest is told when no more requests can wait */
}
