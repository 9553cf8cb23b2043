// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One request from header to reply. The table says for each operation how many bytes of fixed
 * arguments it has, whether it is about an inode, whether it changes the tree.
 */
#include <string.h>

#include "vmmode/virtio/fs/request.h"

enum {
	OP_NODE = 1 << 0,   /* in.nodeid names an inode */
	OP_CHANGE = 1 << 1, /* refused on a read-only device */
	OP_SLEEP = 1 << 2,  /* may wait for a disk for long */
	OP_EARLY = 1 << 3,  /* allowed before INIT */
};

static int op_init(struct fs_req *r);
static int op_destroy(struct fs_req *r);
static int op_interrupt(struct fs_req *r);

static const struct op {
	int (*run)(struct fs_req *r);
	uint16_t args; /* bytes */
	uint16_t flags;
} ops[] = {
	[FUSE_LOOKUP] = { fs_op_lookup, 0, OP_NODE },
	[FUSE_FORGET] = { fs_op_forget, sizeof(struct fuse_forget_in), 0 },
	[FUSE_GETATTR] = { fs_op_getattr, sizeof(struct fuse_getattr_in), OP_NODE },
	[FUSE_SETATTR] = { fs_op_setattr, sizeof(struct fuse_setattr_in), OP_NODE | OP_CHANGE },
	[FUSE_READLINK] = { fs_op_readlink, 0, OP_NODE },
	[FUSE_SYMLINK] = { fs_op_symlink, 0, OP_NODE | OP_CHANGE },
	[FUSE_MKNOD] = { fs_op_mknod, sizeof(struct fuse_mknod_in), OP_NODE | OP_CHANGE },
	[FUSE_MKDIR] = { fs_op_mkdir, sizeof(struct fuse_mkdir_in), OP_NODE | OP_CHANGE },
	[FUSE_UNLINK] = { fs_op_unlink, 0, OP_NODE | OP_CHANGE },
	[FUSE_RMDIR] = { fs_op_rmdir, 0, OP_NODE | OP_CHANGE },
	[FUSE_RENAME] = { fs_op_rename, sizeof(struct fuse_rename_in), OP_NODE | OP_CHANGE },
	[FUSE_LINK] = { fs_op_link, sizeof(struct fuse_link_in), OP_NODE | OP_CHANGE },
	[FUSE_OPEN] = { fs_op_open, sizeof(struct fuse_open_in), OP_NODE },
	[FUSE_READ] = { fs_op_read, sizeof(struct fuse_read_in), OP_SLEEP },
	[FUSE_WRITE] = { fs_op_write, sizeof(struct fuse_write_in), OP_CHANGE | OP_SLEEP },
	[FUSE_STATFS] = { fs_op_statfs, 0, OP_NODE },
	[FUSE_RELEASE] = { fs_op_release, sizeof(struct fuse_release_in), 0 },
	[FUSE_FSYNC] = { fs_op_fsync, sizeof(struct fuse_fsync_in), OP_SLEEP },
	[FUSE_SETXATTR] = { fs_op_setxattr, FUSE_COMPAT_SETXATTR_IN_SIZE, OP_NODE | OP_CHANGE },
	[FUSE_GETXATTR] = { fs_op_getxattr, sizeof(struct fuse_getxattr_in), OP_NODE },
	[FUSE_LISTXATTR] = { fs_op_listxattr, sizeof(struct fuse_getxattr_in), OP_NODE },
	[FUSE_REMOVEXATTR] = { fs_op_removexattr, 0, OP_NODE | OP_CHANGE },
	[FUSE_FLUSH] = { fs_op_flush, sizeof(struct fuse_flush_in), 0 },
	[FUSE_INIT] = { op_init, offsetof(struct fuse_init_in, flags2), OP_EARLY },
	[FUSE_OPENDIR] = { fs_op_opendir, sizeof(struct fuse_open_in), OP_NODE },
	[FUSE_READDIR] = { fs_op_readdir, sizeof(struct fuse_read_in), 0 },
	[FUSE_RELEASEDIR] = { fs_op_releasedir, sizeof(struct fuse_release_in), 0 },
	[FUSE_FSYNCDIR] = { fs_op_fsyncdir, sizeof(struct fuse_fsync_in), OP_SLEEP },
	[FUSE_GETLK] = { fs_op_getlk, sizeof(struct fuse_lk_in), OP_NODE },
	[FUSE_SETLK] = { fs_op_setlk, sizeof(struct fuse_lk_in), OP_NODE },
	[FUSE_SETLKW] = { fs_op_setlkw, sizeof(struct fuse_lk_in), OP_NODE },
	[FUSE_ACCESS] = { fs_op_access, sizeof(struct fuse_access_in), OP_NODE },
	[FUSE_CREATE] = { fs_op_create, sizeof(struct fuse_create_in), OP_NODE | OP_CHANGE },
	[FUSE_INTERRUPT] = { op_interrupt, 0, 0 },
	[FUSE_DESTROY] = { op_destroy, 0, OP_EARLY },
	[FUSE_BATCH_FORGET] = { fs_op_batch_forget, sizeof(struct fuse_batch_forget_in), 0 },
	[FUSE_FALLOCATE] = { fs_op_fallocate, sizeof(struct fuse_fallocate_in),
			     OP_CHANGE | OP_SLEEP },
	[FUSE_READDIRPLUS] = { fs_op_readdirplus, sizeof(struct fuse_read_in), OP_NODE },
	[FUSE_RENAME2] = { fs_op_rename2, sizeof(struct fuse_rename2_in), OP_NODE | OP_CHANGE },
	[FUSE_LSEEK] = { fs_op_lseek, sizeof(struct fuse_lseek_in), 0 },
	[FUSE_COPY_FILE_RANGE] = { fs_op_copy_file_range, sizeof(struct fuse_copy_file_range_in),
				   OP_CHANGE | OP_SLEEP },
	[FUSE_SYNCFS] = { fs_op_syncfs, 0, OP_NODE | OP_SLEEP },
	[FUSE_TMPFILE] = { fs_op_tmpfile, sizeof(struct fuse_create_in), OP_NODE | OP_CHANGE },
	[FS_OP_STATX] = { fs_op_statx, sizeof(struct fs_statx_in), OP_NODE },
};

/* INIT flags that the server knows how to serve, before the options and the guest choose. */
static uint64_t init_flags(const struct fs_server *s)
{
	uint64_t flags = FUSE_ASYNC_READ | FUSE_ATOMIC_O_TRUNC | FUSE_BIG_WRITES | FUSE_DONT_MASK |
			 FUSE_DO_READDIRPLUS | FUSE_READDIRPLUS_AUTO | FUSE_ASYNC_DIO |
			 FUSE_PARALLEL_DIROPS | FUSE_POSIX_ACL | FUSE_MAX_PAGES | FUSE_SUBMOUNTS |
			 FUSE_HANDLE_KILLPRIV_V2 | FUSE_SETXATTR_EXT | FUSE_INIT_EXT |
			 FUSE_CREATE_SUPP_GROUP;

	if (s->cache == VIRTIO_FS_CACHE_ALWAYS)
		flags |= FUSE_CACHE_SYMLINKS;
	else
		flags |= FUSE_AUTO_INVAL_DATA;
	if (s->flags & VIRTIO_FS_WRITEBACK)
		flags |= FUSE_WRITEBACK_CACHE;
	if (s->flags & VIRTIO_FS_LOCKS)
		flags |= FUSE_POSIX_LOCKS | FUSE_FLOCK_LOCKS;
	return flags;
}

static int op_init(struct fs_req *r)
{
	const struct fuse_init_in *in = &r->arg.init;
	struct fuse_init_out out = { .major = FUSE_KERNEL_VERSION,
				     .minor = FUSE_KERNEL_MINOR_VERSION,
				     .max_readahead = in->max_readahead,
				     .max_background = 64,
				     .congestion_threshold = 48,
				     .max_write = FS_WRITE_MAX,
				     .time_gran = 1,
				     .max_pages = FS_WRITE_MAX / 4096 };
	struct fuse_init_in tail = { 0 };
	uint64_t flags = in->flags;

	if (in->major > FUSE_KERNEL_VERSION) /* the guest asks again with our number */
		return fs_req_reply(r, &out, sizeof(out));
	/* virtio-fs came with Linux 5.4, FUSE 7.31: shorter structures never occur. */
	if (in->major != FUSE_KERNEL_VERSION || in->minor < 31)
		return -EPROTO;
	if (flags & FUSE_INIT_EXT) {
		const size_t want = offsetof(struct fuse_init_in, unused);

		if (virtq_chain_read(r->chain, sizeof(r->in), &tail, want) != want ||
		    r->in.len < sizeof(r->in) + want)
			return -EINVAL;
		flags |= (uint64_t)tail.flags2 << 32;
	}
	flags &= init_flags(r->s);
	out.minor = in->minor < FUSE_KERNEL_MINOR_VERSION ? in->minor : FUSE_KERNEL_MINOR_VERSION;
	out.flags = (uint32_t)flags;
	out.flags2 = (uint32_t)(flags >> 32);
	atomic_store(&r->s->init_flags, flags | UINT64_C(1) << 63);
	return fs_req_reply(r, &out, sizeof(out));
}

static int op_destroy(struct fs_req *r)
{
	fs_server_clear(r->s);
	return 0;
}

/* Only a waiting lock could be interrupted; no driver sends this (Linux 6.12). */
static int op_interrupt(struct fs_req *r)
{
	r->is_silent = true;
	return 0;
}

/* Checks the header against the chain and finds the operation. */
static int read_header(struct fs_req *r, const struct op **out)
{
	const size_t ext = (size_t)r->in.total_extlen * 8;
	const struct op *op = r->in.opcode < ARRAY_LEN(ops) ? &ops[r->in.opcode] : NULL;

	if (r->in.len > r->chain->read_bytes || r->in.len < sizeof(r->in))
		return -EINVAL;
	if (!op || !op->run)
		return -ENOSYS;
	if (!(op->flags & OP_EARLY) && !atomic_load(&r->s->init_flags))
		return -EIO;
	r->end = r->in.len;
	if (fs_has(r, FUSE_CREATE_SUPP_GROUP)) {
		if (ext > r->in.len - sizeof(r->in))
			return -EINVAL;
		r->end -= ext;
	}
	if (r->end - sizeof(r->in) < op->args)
		return -EINVAL;
	r->at = sizeof(r->in) + op->args;
	(void)virtq_chain_read(r->chain, sizeof(r->in), &r->arg, op->args);
	*out = op;
	return 0;
}

static int serve(struct fs_req *r)
{
	const struct op *op = NULL;
	int rc = read_header(r, &op);

	if (rc < 0)
		return rc;
	if ((op->flags & OP_CHANGE) && (r->s->flags & VIRTIO_FS_READ_ONLY))
		return -EROFS;
	if (op->flags & OP_NODE) {
		rc = fs_inode_get(&r->s->inodes, r->in.nodeid, &r->node);
		if (rc < 0)
			return rc;
	}
	rc = op->run(r);
	fs_inode_put(&r->s->inodes, &r->node);
	return rc;
}

enum fs_verdict fs_serve(struct fs_server *s, struct fs_thread *t, const struct virtq_chain *chain,
			 uint32_t *written)
{
	struct fs_req r = { .s = s, .t = t, .chain = chain };
	struct fuse_out_header out;
	enum fs_verdict verdict;
	int rc;

	*written = 0;
	if (virtq_chain_read(chain, 0, &r.in, sizeof(r.in)) != sizeof(r.in))
		return FS_BROKEN;
	rc = serve(&r);
	verdict = r.is_waiting ? FS_WAITING : FS_DONE;
	/* FORGET has no reply, whatever came of it: such a chain has no room for one. */
	if (r.is_silent || chain->write_bytes < sizeof(out))
		return verdict;
	if (rc < 0)
		r.body = 0;
	out = (struct fuse_out_header){ .len = (uint32_t)sizeof(out) + r.body,
					.error = rc < 0 ? rc : 0,
					.unique = r.in.unique };
	(void)virtq_chain_write(chain, 0, &out, sizeof(out));
	*written = out.len;
	return verdict;
}

bool fs_may_sleep(const struct virtq_chain *chain)
{
	uint32_t opcode = 0;

	(void)virtq_chain_read(chain, offsetof(struct fuse_in_header, opcode), &opcode,
			       sizeof(opcode));
	return opcode < ARRAY_LEN(ops) && (ops[opcode].flags & OP_SLEEP);
}
