// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Open files. Only regular files are ever opened: the type was taken from the O_PATH descriptor,
 * and an inode never changes it. The open goes through /proc/self/fd, so no name is looked at
 * again.
 */
#include <fcntl.h>
#include <linux/falloc.h>
#include <string.h>
#include <sys/file.h>

#include "spec/base/sys.h"
#include "vmmode/virtio/fs/request.h"

/* Flags that a guest may choose; the rest is ours or means nothing to an open inode. */
enum { OPEN_FLAGS = O_ACCMODE | O_APPEND | O_TRUNC | O_DSYNC | O_SYNC | O_NOATIME };

static int host_flags(const struct fs_req *r, uint32_t flags)
{
	int out = (int)(flags & (uint32_t)OPEN_FLAGS);

	if ((flags & O_DIRECT) && (r->s->flags & VIRTIO_FS_DIRECT_IO))
		out |= O_DIRECT;
	if (fs_has(r, FUSE_WRITEBACK_CACHE)) {
		/* The guest appends by itself, and reads to fill partly written pages. */
		out &= ~O_APPEND;
		if ((out & O_ACCMODE) == O_WRONLY)
			out = (out & ~O_ACCMODE) | O_RDWR;
	}
	/* O_NONBLOCK: a file lease of another process must not hold up the thread. */
	return out | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
}

static uint32_t reply_flags(const struct fs_req *r)
{
	switch (r->s->cache) {
	case VIRTIO_FS_CACHE_ALWAYS:
		return FOPEN_KEEP_CACHE;
	case VIRTIO_FS_CACHE_NONE:
		return FOPEN_DIRECT_IO;
	case VIRTIO_FS_CACHE_AUTO:
		break;
	}
	return 0;
}

/* Opens the inode of @node_fd as a file. Returns a descriptor or -errno. */
static int open_node(struct fs_req *r, int node_fd, uint32_t guest_flags, bool kills)
{
	const int flags = host_flags(r, guest_flags);
	const bool drops = kills && (flags & O_TRUNC);
	char name[16];
	int rc = drops ? fs_creds_drop_fsetid(&r->t->creds) : 0;
	int fd;

	if (rc < 0)
		return rc;
	fd = openat(r->s->proc_fd, fs_proc_name(name, node_fd), flags);
	rc = fd < 0 ? -errno : fd;
	if (drops)
		fs_creds_restore(&r->t->creds);
	return rc;
}

/* Adds *@fd as an open file and replies with it. */
static int reply_open(struct fs_req *r, int *fd)
{
	struct fuse_open_out out = { .open_flags = reply_flags(r) };
	int rc = fs_file_add(&r->s->files, fd, r->in.nodeid, false, &out.fh);

	if (rc < 0)
		return rc;
	rc = fs_req_reply(r, &out, sizeof(out));
	if (rc < 0 && fs_file_release(&r->s->files, out.fh, r->in.nodeid, false) < 0)
		return -EBADF;
	return rc;
}

int fs_op_open(struct fs_req *r)
{
	const uint32_t flags = r->arg.open.flags;
	const bool writes = (flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC);
	auto_close int fd = -1;

	if (r->node.type != S_IFREG)
		return r->node.type == S_IFDIR ? -EISDIR : -ENXIO;
	if (writes && (r->s->flags & VIRTIO_FS_READ_ONLY))
		return -EROFS;
	fd = open_node(r, r->node.fd, flags, r->arg.open.open_flags & FUSE_OPEN_KILL_SUIDGID);
	return fd < 0 ? fd : reply_open(r, &fd);
}

/* ---- create --------------------------------------------------------------------------------- */

struct create_out {
	struct fuse_entry_out entry;
	struct fuse_open_out open;
};

/* An O_PATH descriptor of the inode that is open as @fd. Returns it or -errno. */
static int path_fd_of(const struct fs_server *s, int fd)
{
	char name[16];
	int path_fd = openat(s->proc_fd, fs_proc_name(name, fd), O_PATH | O_CLOEXEC);

	return path_fd < 0 ? -errno : path_fd;
}

/* Makes @name, or a file without a name when it is NULL. Returns a descriptor or -errno. */
static int make_file(struct fs_req *r, const char *name)
{
	const int flags = host_flags(r, r->arg.create.flags) & ~(O_TRUNC | O_NOATIME);
	const mode_t mode = r->arg.create.mode & 07777;
	struct fs_caller who;
	int rc = fs_req_caller(r, &who);
	int fd;

	if (rc < 0)
		return rc;
	fs_creds_umask(&r->t->creds, r->arg.create.umask & 0777);
	rc = fs_creds_become(&r->t->creds, &who);
	if (rc < 0)
		return rc;
	if (name) {
		fd = openat(r->node.fd, name, flags | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
	} else {
		/* O_EXCL: such a file can never be given a name. */
		fd = openat(r->node.fd, ".",
			    flags | O_TMPFILE | (int)(r->arg.create.flags & O_EXCL), mode);
	}
	rc = fd < 0 ? -errno : fd;
	fs_creds_return(&r->t->creds, &who);
	return rc;
}

/* Opens what is there already: looked up, its type checked, as LOOKUP and OPEN would. */
static int open_existing(struct fs_req *r, const char *name, int *out_path_fd)
{
	auto_close int path_fd = fs_lookup_fd(r->node.fd, name);
	struct statx stx;
	int fd;
	int rc;

	if (path_fd < 0)
		return path_fd;
	rc = fs_statx(path_fd, &stx);
	if (rc < 0)
		return rc;
	if (!S_ISREG(stx.stx_mode))
		return S_ISDIR(stx.stx_mode) ? -EISDIR : -EEXIST;
	fd = open_node(r, path_fd, r->arg.create.flags,
		       r->arg.create.open_flags & FUSE_OPEN_KILL_SUIDGID);
	if (fd >= 0)
		*out_path_fd = take_fd(&path_fd);
	return fd;
}

/* Replies with entry and open file; @path_fd is taken or closed, *@fd taken on success. */
static int reply_create(struct fs_req *r, int path_fd, int *fd)
{
	struct create_out out = { .open.open_flags = reply_flags(r) };
	struct fs_server *s = r->s;
	int rc = fs_entry_fill(s, &r->node, &path_fd, &out.entry);

	if (rc < 0)
		return rc;
	rc = fs_file_add(&s->files, fd, out.entry.nodeid, false, &out.open.fh);
	if (rc == 0) {
		rc = fs_req_reply(r, &out, sizeof(out));
		if (rc < 0 && fs_file_release(&s->files, out.open.fh, out.entry.nodeid, false) < 0)
			rc = -EBADF;
	}
	if (rc < 0)
		fs_inode_forget(&s->inodes, out.entry.nodeid, 1);
	return rc;
}

int fs_op_create(struct fs_req *r)
{
	auto_close int fd = -1;
	char name[FS_NAME_ROOM];
	int path_fd = -1;
	int rc = fs_req_name(r, name);

	if (rc < 0)
		return rc;
	fd = make_file(r, name);
	if (fd >= 0)
		path_fd = path_fd_of(r->s, fd);
	else if (fd == -EEXIST && !(r->arg.create.flags & O_EXCL))
		fd = open_existing(r, name, &path_fd);
	if (fd < 0)
		return fd;
	return path_fd < 0 ? path_fd : reply_create(r, path_fd, &fd);
}

int fs_op_tmpfile(struct fs_req *r)
{
	auto_close int fd = -1;
	int path_fd;

	if ((r->arg.create.flags & O_ACCMODE) == O_RDONLY)
		return -EINVAL;
	fd = make_file(r, NULL);
	if (fd < 0)
		return fd;
	path_fd = path_fd_of(r->s, fd);
	return path_fd < 0 ? path_fd : reply_create(r, path_fd, &fd);
}

/* ---- data ----------------------------------------------------------------------------------- */

static int get_file(struct fs_req *r, uint64_t fh, struct fs_file **out)
{
	return fs_file_get(&r->s->files, fh, r->in.nodeid, false, out);
}

int fs_op_read(struct fs_req *r)
{
	const struct virtq_chain *c = r->chain;
	const struct fuse_read_in *in = &r->arg.read;
	struct fs_file *file;
	size_t len = fs_req_room(r);
	ssize_t n;
	int count;
	int rc;

	if (in->offset > INT64_MAX)
		return -EINVAL;
	if (in->size < len)
		len = in->size;
	rc = get_file(r, in->fh, &file);
	if (rc < 0)
		return rc;
	count = fs_iov_part(c->iov + c->n_read, c->n_write, sizeof(struct fuse_out_header), len,
			    r->t->iov);
	n = preadv(file->fd, r->t->iov, count, (off_t)in->offset);
	if (n < 0)
		rc = -errno;
	else
		r->body = (uint32_t)n;
	fs_file_put(&r->s->files, &file);
	return rc;
}

int fs_op_write(struct fs_req *r)
{
	const struct fuse_write_in *in = &r->arg.write;
	const bool kills = in->write_flags & FUSE_WRITE_KILL_SUIDGID;
	struct fuse_write_out out = { 0 };
	struct fs_file *file;
	ssize_t n = -1;
	int count;
	int rc;

	if (in->offset > INT64_MAX || in->size > r->end - r->at)
		return -EINVAL;
	rc = get_file(r, in->fh, &file);
	if (rc < 0)
		return rc;
	count = fs_iov_part(r->chain->iov, r->chain->n_read, r->at, in->size, r->t->iov);
	if (kills)
		rc = fs_creds_drop_fsetid(&r->t->creds);
	if (rc == 0) {
		n = pwritev(file->fd, r->t->iov, count, (off_t)in->offset);
		rc = n < 0 ? -errno : 0;
	}
	if (kills)
		fs_creds_restore(&r->t->creds);
	fs_file_put(&r->s->files, &file);
	out.size = (uint32_t)n;
	return rc < 0 ? rc : fs_req_reply(r, &out, sizeof(out));
}

/* One close(2) in the guest: its POSIX locks go, and errors that close(2) reports come out. */
int fs_op_flush(struct fs_req *r)
{
	struct fs_file *file;
	int copy;
	int rc = get_file(r, r->arg.flush.fh, &file);

	if (rc < 0)
		return rc;
	fs_locks_drop(r->s, r->in.nodeid, r->arg.flush.lock_owner);
	/* Network file systems report a failed write here. */
	copy = fcntl(file->fd, F_DUPFD_CLOEXEC, 0);
	fs_file_put(&r->s->files, &file);
	if (copy < 0 || close(copy) < 0)
		return -errno;
	return 0;
}

int fs_op_release(struct fs_req *r)
{
	return fs_file_release(&r->s->files, r->arg.release.fh, r->in.nodeid, false);
}

static int sync_fd(int fd, uint32_t flags)
{
	const int rc = (flags & FUSE_FSYNC_FDATASYNC) ? fdatasync(fd) : fsync(fd);

	return rc < 0 ? -errno : 0;
}

int fs_op_fsync(struct fs_req *r)
{
	struct fs_file *file;
	int rc = get_file(r, r->arg.fsync.fh, &file);

	if (rc < 0)
		return rc;
	rc = sync_fd(file->fd, r->arg.fsync.fsync_flags);
	fs_file_put(&r->s->files, &file);
	return rc;
}

int fs_op_fsyncdir(struct fs_req *r)
{
	struct fs_file *file;
	int rc = fs_file_get(&r->s->files, r->arg.fsync.fh, r->in.nodeid, true, &file);

	if (rc < 0)
		return rc;
	rc = sync_fd(file->fd, r->arg.fsync.fsync_flags);
	fs_file_put(&r->s->files, &file);
	return rc;
}

int fs_op_syncfs(struct fs_req *r)
{
	auto_close int fd = -1;
	char name[16];

	if (r->node.type != S_IFDIR && r->node.type != S_IFREG)
		return -EINVAL;
	fd = openat(r->s->proc_fd, fs_proc_name(name, r->node.fd),
		    O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	return syncfs(fd) < 0 ? -errno : 0;
}

int fs_op_fallocate(struct fs_req *r)
{
	const struct fuse_fallocate_in *in = &r->arg.fallocate;
	const uint32_t known = FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE |
			       FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_INSERT_RANGE |
			       FALLOC_FL_UNSHARE_RANGE;
	struct fs_file *file;
	int rc;

	if (in->mode & ~known)
		return -EOPNOTSUPP;
	if (in->offset > INT64_MAX || in->length > INT64_MAX)
		return -EINVAL;
	rc = get_file(r, in->fh, &file);
	if (rc < 0)
		return rc;
	if (fallocate(file->fd, (int)in->mode, (off_t)in->offset, (off_t)in->length) < 0)
		rc = -errno;
	fs_file_put(&r->s->files, &file);
	return rc;
}

int fs_op_lseek(struct fs_req *r)
{
	const struct fuse_lseek_in *in = &r->arg.lseek;
	struct fuse_lseek_out out;
	struct fs_file *file;
	off_t off;
	int rc;

	/* The guest may hold data that are not here yet, and its driver does not send them first:
	 * a hole told of here would lose them in a copy. It then takes all of the file for data. */
	if (fs_has(r, FUSE_WRITEBACK_CACHE))
		return -ENOSYS;
	/* The guest keeps the position: only what the file system alone knows is asked for. */
	if ((in->whence != SEEK_DATA && in->whence != SEEK_HOLE) || in->offset > INT64_MAX)
		return -EINVAL;
	rc = get_file(r, in->fh, &file);
	if (rc < 0)
		return rc;
	off = lseek(file->fd, (off_t)in->offset, (int)in->whence);
	if (off < 0)
		rc = -errno;
	fs_file_put(&r->s->files, &file);
	out.offset = (uint64_t)off;
	return rc < 0 ? rc : fs_req_reply(r, &out, sizeof(out));
}

int fs_op_copy_file_range(struct fs_req *r)
{
	const struct fuse_copy_file_range_in *in = &r->arg.copy;
	struct fuse_write_out out = { 0 };
	struct fs_file *from = NULL;
	struct fs_file *to = NULL;
	off_t off_in = (off_t)in->off_in;
	off_t off_out = (off_t)in->off_out;
	ssize_t n = -1;
	int rc;

	if (in->flags || off_in < 0 || off_out < 0)
		return -EINVAL;
	rc = get_file(r, in->fh_in, &from);
	if (rc == 0)
		rc = fs_file_get(&r->s->files, in->fh_out, in->nodeid_out, false, &to);
	if (rc == 0) {
		/* The reply counts in 32 bits: a longer copy is a short one. */
		n = copy_file_range(from->fd, &off_in, to->fd, &off_out,
				    in->len < INT32_MAX ? in->len : INT32_MAX, 0);
		rc = n < 0 ? -errno : 0;
	}
	fs_file_put(&r->s->files, &to);
	fs_file_put(&r->s->files, &from);
	out.size = (uint32_t)n;
	return rc < 0 ? rc : fs_req_reply(r, &out, sizeof(out));
}
