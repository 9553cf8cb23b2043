// SPDX-License-Identifier: GPL-2.0-or-later
/* Attributes of inodes and of the file system. */
#include <fcntl.h>
#include <sys/statfs.h>
#include <sys/syscall.h>

#include "vmmode/virtio/fs/request.h"

int fs_statx(int fd, struct statx *out)
{
	const unsigned int mask = STATX_BASIC_STATS | STATX_MNT_ID;

	return statx(fd, "", AT_EMPTY_PATH | AT_NO_AUTOMOUNT, mask, out) < 0 ? -errno : 0;
}

/* The encoding of a device number in FUSE: new_encode_dev() of the kernel. */
static uint32_t encode_dev(uint32_t maj, uint32_t min)
{
	return (min & 0xff) | (maj << 8) | ((min & ~0xffU) << 12);
}

void fs_attr_fill(struct fuse_attr *out, const struct statx *stx)
{
	*out = (struct fuse_attr){
		.ino = stx->stx_ino,
		.size = stx->stx_size,
		.blocks = stx->stx_blocks,
		.atime = (uint64_t)stx->stx_atime.tv_sec,
		.mtime = (uint64_t)stx->stx_mtime.tv_sec,
		.ctime = (uint64_t)stx->stx_ctime.tv_sec,
		.atimensec = stx->stx_atime.tv_nsec,
		.mtimensec = stx->stx_mtime.tv_nsec,
		.ctimensec = stx->stx_ctime.tv_nsec,
		.mode = stx->stx_mode,
		.nlink = stx->stx_nlink,
		.uid = stx->stx_uid,
		.gid = stx->stx_gid,
		.rdev = encode_dev(stx->stx_rdev_major, stx->stx_rdev_minor),
		.blksize = stx->stx_blksize,
	};
}

uint64_t fs_valid_s(const struct fs_server *s)
{
	switch (s->cache) {
	case VIRTIO_FS_CACHE_ALWAYS:
		return 86400;
	case VIRTIO_FS_CACHE_AUTO:
		return 1;
	case VIRTIO_FS_CACHE_NONE:
		break;
	}
	return 0;
}

static int reply_attr(struct fs_req *r)
{
	struct fuse_attr_out out = { .attr_valid = fs_valid_s(r->s) };
	struct statx stx;
	int rc = fs_statx(r->node.fd, &stx);

	if (rc < 0)
		return rc;
	fs_attr_fill(&out.attr, &stx);
	return fs_req_reply(r, &out, sizeof(out));
}

int fs_op_getattr(struct fs_req *r)
{
	/* An inode's descriptor lives as long as its node id: fh would say nothing more. */
	return reply_attr(r);
}

/* FUSE 7.39, struct fuse_statx_out: the layout of the fields is that of struct statx. */
int fs_op_statx(struct fs_req *r)
{
	struct {
		uint64_t valid;
		uint32_t valid_nsec;
		uint32_t flags;
		uint64_t spare[2];
		struct statx stat;
	} out = { .valid = fs_valid_s(r->s) };
	const unsigned int mask = (r->arg.statx.sx_mask & (STATX_BASIC_STATS | STATX_BTIME));

	_Static_assert(sizeof(out) == 32 + 256, "fuse_statx_out");
	if (statx(r->node.fd, "", AT_EMPTY_PATH | AT_NO_AUTOMOUNT, mask, &out.stat) < 0)
		return -errno;
	out.stat.stx_mask &= STATX_BASIC_STATS | STATX_BTIME;
	out.stat.stx_mnt_id = 0; /* numbers of the host say nothing to the guest */
	out.stat.stx_dev_major = 0;
	out.stat.stx_dev_minor = 0;
	return fs_req_reply(r, &out, sizeof(out));
}

static int set_mode(struct fs_req *r)
{
	char name[16];

	/* A symbolic link has no mode of its own, and fchmodat(2) would follow no further. */
	if (r->node.type == S_IFLNK)
		return -EOPNOTSUPP;
	return fchmodat(r->s->proc_fd, fs_proc_name(name, r->node.fd), r->arg.setattr.mode & 07777,
			0) < 0
		   ? -errno
		   : 0;
}

static int set_owner(struct fs_req *r)
{
	const struct fuse_setattr_in *in = &r->arg.setattr;
	const uid_t uid = (in->valid & FATTR_UID) ? in->uid : (uid_t)-1;
	const gid_t gid = (in->valid & FATTR_GID) ? in->gid : (gid_t)-1;

	return fchownat(r->node.fd, "", uid, gid, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) < 0 ? -errno
											   : 0;
}

static int truncate_fd(const struct fs_req *r, int fd)
{
	const bool kills = r->arg.setattr.valid & FATTR_KILL_SUIDGID;
	int rc = kills ? fs_creds_drop_fsetid(&r->t->creds) : 0;

	if (rc == 0 && ftruncate(fd, (off_t)r->arg.setattr.size) < 0)
		rc = -errno;
	if (kills)
		fs_creds_restore(&r->t->creds);
	return rc;
}

/* A new size, by the guest's open file where it has one: that may be all that can still write. */
static int set_size(struct fs_req *r)
{
	const struct fuse_setattr_in *in = &r->arg.setattr;
	struct fs_file *file;
	char name[16];
	int fd;
	int rc;

	if (r->node.type != S_IFREG || in->size > INT64_MAX)
		return -EINVAL;
	if (in->valid & FATTR_FH) {
		rc = fs_file_get(&r->s->files, in->fh, r->in.nodeid, false, &file);
		if (rc < 0)
			return rc;
		rc = truncate_fd(r, file->fd);
		fs_file_put(&r->s->files, &file);
		return rc;
	}
	fd = openat(r->s->proc_fd, fs_proc_name(name, r->node.fd),
		    O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	rc = truncate_fd(r, fd);
	(void)close(fd);
	return rc;
}

static struct timespec time_of(uint32_t valid, uint32_t bit, uint32_t now_bit, uint64_t sec,
			       uint32_t nsec)
{
	if (!(valid & bit))
		return (struct timespec){ .tv_nsec = UTIME_OMIT };
	if (valid & now_bit)
		return (struct timespec){ .tv_nsec = UTIME_NOW };
	/* UTIME_NOW and UTIME_OMIT are no nanoseconds; the kernel refuses what else is too big. */
	if (nsec >= 1000000000)
		nsec = 999999999;
	return (struct timespec){ .tv_sec = (time_t)sec, .tv_nsec = (long)nsec };
}

static int set_times(struct fs_req *r)
{
	const struct fuse_setattr_in *in = &r->arg.setattr;
	const struct timespec times[2] = {
		time_of(in->valid, FATTR_ATIME, FATTR_ATIME_NOW, in->atime, in->atimensec),
		time_of(in->valid, FATTR_MTIME, FATTR_MTIME_NOW, in->mtime, in->mtimensec),
	};

	return utimensat(r->node.fd, "", times, AT_EMPTY_PATH) < 0 ? -errno : 0;
}

/* Owner before mode: chown(2) clears set-user-id bits, which the mode may ask for. */
int fs_op_setattr(struct fs_req *r)
{
	const uint32_t valid = r->arg.setattr.valid;
	int rc = 0;

	if (valid & (FATTR_UID | FATTR_GID))
		rc = set_owner(r);
	if (rc == 0 && (valid & FATTR_MODE))
		rc = set_mode(r);
	if (rc == 0 && (valid & FATTR_SIZE))
		rc = set_size(r);
	if (rc == 0 && (valid & (FATTR_ATIME | FATTR_MTIME)))
		rc = set_times(r);
	return rc < 0 ? rc : reply_attr(r);
}

int fs_op_access(struct fs_req *r)
{
	struct fs_caller who;
	int rc = fs_req_caller(r, &who);

	/* With default_permissions the guest checks by itself; this asks about the file system. */
	if (rc < 0)
		return rc;
	if (r->arg.access.mask & ~(uint32_t)(R_OK | W_OK | X_OK))
		return -EINVAL;
	if ((r->arg.access.mask & W_OK) && (r->s->flags & VIRTIO_FS_READ_ONLY))
		return -EROFS;
	return syscall(SYS_faccessat2, r->node.fd, "", r->arg.access.mask,
		       AT_EMPTY_PATH | AT_EACCESS) < 0
		   ? -errno
		   : 0;
}

int fs_op_statfs(struct fs_req *r)
{
	struct fuse_statfs_out out = { 0 };
	struct statfs st;

	if (fstatfs(r->node.fd, &st) < 0)
		return -errno;
	out.st = (struct fuse_kstatfs){ .blocks = st.f_blocks,
					.bfree = st.f_bfree,
					.bavail = st.f_bavail,
					.files = st.f_files,
					.ffree = st.f_ffree,
					.bsize = (uint32_t)st.f_bsize,
					.namelen = (uint32_t)st.f_namelen,
					.frsize = (uint32_t)st.f_frsize };
	return fs_req_reply(r, &out, sizeof(out));
}
