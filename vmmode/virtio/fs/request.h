/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One FUSE request while it is served: the copied header and arguments, the inode it is about, what
 * is left of its input, and its reply. Source: uapi linux/fuse.h.
 */
#ifndef BIVALVE_VMMODE_VIRTIO_FS_REQUEST_H
#define BIVALVE_VMMODE_VIRTIO_FS_REQUEST_H

#include <linux/fuse.h>

#include "vmmode/virtio/fs/server.h"

/* Later than Debian 12's header: FUSE 7.38 and 7.39. */
#ifndef FUSE_CREATE_SUPP_GROUP
#define FUSE_CREATE_SUPP_GROUP (1ULL << 34)
#define FUSE_EXT_GROUPS        32U
#endif
#define FS_OP_STATX 52U /* FUSE_STATX, FUSE 7.39 */

struct fs_statx_in {
	uint32_t getattr_flags;
	uint32_t reserved;
	uint64_t fh;
	uint32_t sx_flags;
	uint32_t sx_mask;
};

/* The fixed arguments of an operation, copied from the guest once. */
union fs_args {
	struct fuse_forget_in forget;
	struct fuse_batch_forget_in batch_forget;
	struct fuse_getattr_in getattr;
	struct fuse_setattr_in setattr;
	struct fuse_mknod_in mknod;
	struct fuse_mkdir_in mkdir;
	struct fuse_rename_in rename;
	struct fuse_rename2_in rename2;
	struct fuse_link_in link;
	struct fuse_open_in open;
	struct fuse_create_in create;
	struct fuse_release_in release;
	struct fuse_flush_in flush;
	struct fuse_read_in read;
	struct fuse_write_in write;
	struct fuse_fsync_in fsync;
	struct fuse_setxattr_in setxattr;
	struct fuse_getxattr_in getxattr;
	struct fuse_lk_in lk;
	struct fuse_access_in access;
	struct fuse_init_in init;
	struct fuse_fallocate_in fallocate;
	struct fuse_lseek_in lseek;
	struct fuse_copy_file_range_in copy;
	struct fs_statx_in statx;
};

struct fs_req {
	struct fs_server *s;
	struct fs_thread *t;
	const struct virtq_chain *chain;
	struct fuse_in_header in;
	union fs_args arg;
	size_t at;           /* next input byte; what lies before it was copied */
	size_t end;          /* end of the input: in.len without extensions */
	struct fs_node node; /* of in.nodeid, for operations that want one */
	uint32_t body;       /* bytes of reply after its header */
	bool is_silent;      /* this operation has no reply */
	bool is_waiting;     /* see FS_WAITING */
};

/* fs_has - the INIT flag is in force. */
static inline bool fs_has(const struct fs_req *r, uint64_t flag)
{
	return (atomic_load_explicit(&r->s->init_flags, memory_order_relaxed) & flag) != 0;
}

/* fs_is_component - a name that openat(2) takes as one component: no '/', not "." or "..". */
bool fs_is_component(const char *name);

/*
 * fs_req_string - copies the next NUL-terminated string of the input, at most @room bytes with it.
 * Returns its length; -EINVAL it has no NUL; -ENAMETOOLONG.
 */
MUST_CHECK int fs_req_string(struct fs_req *r, char *out, size_t room);

/* fs_req_name - as fs_req_string(), one component of a path: -EINVAL else. */
MUST_CHECK int fs_req_name(struct fs_req *r, char out[FS_NAME_ROOM]);

/* fs_req_room - bytes of reply that fit after the header. */
size_t fs_req_room(const struct fs_req *r);

/* fs_req_reply - writes @len bytes of reply. Returns 0; -EIO the guest's buffer is too small. */
MUST_CHECK int fs_req_reply(struct fs_req *r, const void *data, size_t len);

/* fs_req_caller - who asks, with the group of a FUSE_CREATE_SUPP_GROUP extension. */
MUST_CHECK int fs_req_caller(const struct fs_req *r, struct fs_caller *out);

/*
 * fs_iov_part - buffers of @n at @in from byte @off on, at most @len bytes, into @out (room for
 * @n). Returns their number.
 */
int fs_iov_part(const struct iovec *in, size_t n, size_t off, size_t len, struct iovec *out);

/* fs_proc_name - the name of @fd below proc_fd. @buf has 16 bytes. */
const char *fs_proc_name(char *buf, int fd);

/* ---- operations: 0 or -errno, which is the guest's answer ------------------------------------ */

int fs_op_lookup(struct fs_req *r);
int fs_op_forget(struct fs_req *r);
int fs_op_batch_forget(struct fs_req *r);
int fs_op_symlink(struct fs_req *r);
int fs_op_mknod(struct fs_req *r);
int fs_op_mkdir(struct fs_req *r);
int fs_op_unlink(struct fs_req *r);
int fs_op_rmdir(struct fs_req *r);
int fs_op_rename(struct fs_req *r);
int fs_op_rename2(struct fs_req *r);
int fs_op_link(struct fs_req *r);
int fs_op_readlink(struct fs_req *r);

int fs_op_getattr(struct fs_req *r);
int fs_op_setattr(struct fs_req *r);
int fs_op_statx(struct fs_req *r);
int fs_op_access(struct fs_req *r);
int fs_op_statfs(struct fs_req *r);

int fs_op_open(struct fs_req *r);
int fs_op_create(struct fs_req *r);
int fs_op_tmpfile(struct fs_req *r);
int fs_op_read(struct fs_req *r);
int fs_op_write(struct fs_req *r);
int fs_op_flush(struct fs_req *r);
int fs_op_release(struct fs_req *r);
int fs_op_fsync(struct fs_req *r);
int fs_op_fallocate(struct fs_req *r);
int fs_op_lseek(struct fs_req *r);
int fs_op_copy_file_range(struct fs_req *r);
int fs_op_syncfs(struct fs_req *r);

int fs_op_opendir(struct fs_req *r);
int fs_op_readdir(struct fs_req *r);
int fs_op_readdirplus(struct fs_req *r);
int fs_op_releasedir(struct fs_req *r);
int fs_op_fsyncdir(struct fs_req *r);

int fs_op_setxattr(struct fs_req *r);
int fs_op_getxattr(struct fs_req *r);
int fs_op_listxattr(struct fs_req *r);
int fs_op_removexattr(struct fs_req *r);

int fs_op_getlk(struct fs_req *r);
int fs_op_setlk(struct fs_req *r);
int fs_op_setlkw(struct fs_req *r);

/* ---- shared by operations -------------------------------------------------------------------- */

/*
 * fs_entry_fill - counts a lookup of the inode behind *@fd (O_PATH, taken or closed in any case)
 * found in folder @dir, and fills @out. Returns 0 or -errno.
 */
MUST_CHECK int fs_entry_fill(struct fs_server *s, const struct fs_node *dir, int *fd,
			     struct fuse_entry_out *out);

/* fs_lookup_fd - an O_PATH descriptor of @name in @dir_fd, a symbolic link itself; or -errno. */
MUST_CHECK int fs_lookup_fd(int dir_fd, const char *name);

/* fs_attr_fill - @out from @stx. */
void fs_attr_fill(struct fuse_attr *out, const struct statx *stx);

/* fs_statx - statx(2) of @fd. Returns 0 or -errno. */
MUST_CHECK int fs_statx(int fd, struct statx *out);

/* fs_valid_s - seconds that attributes and names may be kept. */
uint64_t fs_valid_s(const struct fs_server *s);

/* fs_locks_drop - takes back the POSIX locks of @owner (@is_all: of anyone) on @node_id. */
void fs_locks_drop(struct fs_server *s, uint64_t node_id, uint64_t owner);
void fs_locks_clear(struct fs_server *s);

#endif
