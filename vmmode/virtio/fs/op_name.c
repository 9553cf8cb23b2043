// SPDX-License-Identifier: GPL-2.0-or-later
/* Operations on names: each is one component below a folder's descriptor. */
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "spec/base/sys.h"
#include "vmmode/virtio/fs/request.h"

int fs_lookup_fd(int dir_fd, const char *name)
{
	/* The name is one component: these rules only matter if that check ever failed. */
	const struct open_how how = { .flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
				      .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS };
	long fd = sys_openat2(dir_fd, name, &how);

	return fd < 0 ? -errno : (int)fd;
}

int fs_entry_fill(struct fs_server *s, const struct fs_node *dir, int *fd,
		  struct fuse_entry_out *out)
{
	const uint64_t valid = fs_valid_s(s);
	struct statx stx;
	int rc = fs_statx(*fd, &stx);

	*out = (struct fuse_entry_out){ .entry_valid = valid, .attr_valid = valid };
	if (rc == 0)
		rc = fs_inode_enter(&s->inodes, fd, &stx, &out->nodeid);
	cleanup_close(fd);
	*fd = -1;
	if (rc < 0)
		return rc;
	fs_attr_fill(&out->attr, &stx);
	/* A folder on another mount: the guest mounts it as one, with a device number of its own.
	 */
	if (S_ISDIR(stx.stx_mode) && stx.stx_mnt_id != dir->mnt_id &&
	    (atomic_load_explicit(&s->init_flags, memory_order_relaxed) & FUSE_SUBMOUNTS))
		out->attr.flags = FUSE_ATTR_SUBMOUNT;
	return 0;
}

/* Replies with the entry @name of the request's folder. */
static int reply_entry(struct fs_req *r, const char *name)
{
	struct fuse_entry_out out;
	int fd = fs_lookup_fd(r->node.fd, name);
	int rc;

	if (fd == -ENOENT && r->in.opcode == FUSE_LOOKUP && r->s->cache == VIRTIO_FS_CACHE_ALWAYS) {
		/* Node 0: there is no such name, and the guest may remember that. */
		out = (struct fuse_entry_out){ .entry_valid = fs_valid_s(r->s) };
		return fs_req_reply(r, &out, sizeof(out));
	}
	if (fd < 0)
		return fd;
	rc = fs_entry_fill(r->s, &r->node, &fd, &out);
	if (rc < 0)
		return rc;
	rc = fs_req_reply(r, &out, sizeof(out));
	if (rc < 0) /* the guest will never know this lookup */
		fs_inode_forget(&r->s->inodes, out.nodeid, 1);
	return rc;
}

int fs_op_lookup(struct fs_req *r)
{
	char name[FS_NAME_ROOM];
	int rc = fs_req_name(r, name);

	return rc < 0 ? rc : reply_entry(r, name);
}

int fs_op_forget(struct fs_req *r)
{
	r->is_silent = true;
	fs_inode_forget(&r->s->inodes, r->in.nodeid, r->arg.forget.nlookup);
	return 0;
}

int fs_op_batch_forget(struct fs_req *r)
{
	struct fuse_forget_one one;

	r->is_silent = true;
	/* The input's end bounds the loop, whatever the count says. */
	for (uint32_t i = 0; i < r->arg.batch_forget.count; i++) {
		if (r->end - r->at < sizeof(one))
			return -EINVAL;
		(void)virtq_chain_read(r->chain, r->at, &one, sizeof(one));
		r->at += sizeof(one);
		fs_inode_forget(&r->s->inodes, one.nodeid, one.nlookup);
	}
	return 0;
}

/* ---- names that come ----------------------------------------------------------------------- */

/* What is made: the file system's rules for owner, mode and default ACLs are the host kernel's. */
struct make {
	char name[FS_NAME_ROOM];
	mode_t mode;
	mode_t umask;
	dev_t rdev;
	const char *target; /* of a symbolic link */
};

static int make_node(int dir_fd, const struct make *m)
{
	int rc;

	if (m->target)
		rc = symlinkat(m->target, dir_fd, m->name);
	else if (S_ISDIR(m->mode))
		rc = mkdirat(dir_fd, m->name, m->mode & 07777);
	else
		rc = mknodat(dir_fd, m->name, m->mode, m->rdev);
	return rc < 0 ? -errno : 0;
}

static int make_and_reply(struct fs_req *r, const struct make *m)
{
	struct fs_caller who;
	int rc = fs_req_caller(r, &who);

	if (rc < 0)
		return rc;
	fs_creds_umask(&r->t->creds, m->umask & 0777);
	rc = fs_creds_become(&r->t->creds, &who);
	if (rc < 0)
		return rc;
	rc = make_node(r->node.fd, m);
	fs_creds_return(&r->t->creds, &who);
	return rc < 0 ? rc : reply_entry(r, m->name);
}

int fs_op_symlink(struct fs_req *r)
{
	char target[PATH_MAX];
	struct make m = { .target = target };
	int rc = fs_req_name(r, m.name);

	if (rc >= 0)
		rc = fs_req_string(r, target, sizeof(target));
	return rc < 0 ? rc : make_and_reply(r, &m);
}

int fs_op_mkdir(struct fs_req *r)
{
	struct make m = { .mode = S_IFDIR | (r->arg.mkdir.mode & 07777),
			  .umask = r->arg.mkdir.umask };
	int rc = fs_req_name(r, m.name);

	return rc < 0 ? rc : make_and_reply(r, &m);
}

int fs_op_mknod(struct fs_req *r)
{
	const uint32_t dev = r->arg.mknod.rdev;
	const mode_t type = r->arg.mknod.mode & S_IFMT;
	struct make m = { .mode = r->arg.mknod.mode & (S_IFMT | 07777),
			  .umask = r->arg.mknod.umask,
			  .rdev =
			      makedev((dev >> 8) & 0xfff, (dev & 0xff) | ((dev >> 12) & 0xfff00)) };
	const bool is_device = type == S_IFBLK || type == S_IFCHR;
	int rc;

	if (!is_device && type != S_IFREG && type != S_IFIFO && type != S_IFSOCK)
		return -EINVAL;
	/* Character device 0:0 is overlayfs's whiteout and opens nothing. */
	if (is_device && (r->s->flags & VIRTIO_FS_NO_DEVICES) && (type == S_IFBLK || dev != 0))
		return -EPERM;
	/* The guest's kernel asked for CAP_MKNOD there. */
	rc = fs_req_name(r, m.name);
	return rc < 0 ? rc : make_and_reply(r, &m);
}

int fs_op_link(struct fs_req *r)
{
	char name[FS_NAME_ROOM];
	char proc[16];
	struct fs_node old;
	int rc = fs_req_name(r, name);

	if (rc < 0)
		return rc;
	rc = fs_inode_get(&r->s->inodes, r->arg.link.oldnodeid, &old);
	if (rc < 0)
		return rc;
	/* Through /proc/self/fd: AT_EMPTY_PATH wants CAP_DAC_READ_SEARCH. */
	if (linkat(r->s->proc_fd, fs_proc_name(proc, old.fd), r->node.fd, name, AT_SYMLINK_FOLLOW) <
	    0)
		rc = -errno;
	fs_inode_put(&r->s->inodes, &old);
	return rc < 0 ? rc : reply_entry(r, name);
}

/* ---- names that go ------------------------------------------------------------------------- */

static int remove_name(struct fs_req *r, int flags)
{
	char name[FS_NAME_ROOM];
	int rc = fs_req_name(r, name);

	if (rc < 0)
		return rc;
	return unlinkat(r->node.fd, name, flags) < 0 ? -errno : 0;
}

int fs_op_unlink(struct fs_req *r)
{
	return remove_name(r, 0);
}

int fs_op_rmdir(struct fs_req *r)
{
	return remove_name(r, AT_REMOVEDIR);
}

static int rename_to(struct fs_req *r, uint64_t new_dir_id, unsigned int flags)
{
	char old_name[FS_NAME_ROOM];
	char new_name[FS_NAME_ROOM];
	struct fs_node new_dir;
	int rc = fs_req_name(r, old_name);

	if (rc >= 0)
		rc = fs_req_name(r, new_name);
	if (rc < 0)
		return rc;
	rc = fs_inode_get(&r->s->inodes, new_dir_id, &new_dir);
	if (rc < 0)
		return rc;
	if (renameat2(r->node.fd, old_name, new_dir.fd, new_name, flags) < 0)
		rc = -errno;
	fs_inode_put(&r->s->inodes, &new_dir);
	return rc;
}

int fs_op_rename(struct fs_req *r)
{
	return rename_to(r, r->arg.rename.newdir, 0);
}

int fs_op_rename2(struct fs_req *r)
{
	const uint32_t flags = r->arg.rename2.flags;

	if (flags & ~(uint32_t)(RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT))
		return -EINVAL;
	return rename_to(r, r->arg.rename2.newdir, flags);
}

int fs_op_readlink(struct fs_req *r)
{
	char target[PATH_MAX];
	ssize_t n;

	if (r->node.type != S_IFLNK)
		return -EINVAL;
	n = readlinkat(r->node.fd, "", target, sizeof(target));
	if (n < 0)
		return -errno;
	return n == (ssize_t)sizeof(target) ? -ENAMETOOLONG : fs_req_reply(r, target, (size_t)n);
}
