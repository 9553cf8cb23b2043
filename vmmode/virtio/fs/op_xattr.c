// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Extended attributes. An O_PATH descriptor has none of its own calls: the inode is reached by the
 * descriptor's name in the thread's working folder, which is /proc/self/fd.
 *
 * Of the names that rule the host only security.capability and ACLs are the guest's to change:
 * security labels and trusted.* of the tree belong to the host (the latter by option).
 */
#include <linux/xattr.h>
#include <string.h>
#include <sys/xattr.h>

#include "spec/base/str.h"
#include "vmmode/virtio/fs/request.h"

static bool is_allowed(const struct fs_server *s, const char *name)
{
	if (str_starts(name, XATTR_TRUSTED_PREFIX))
		return (s->flags & VIRTIO_FS_TRUSTED_XATTR) != 0;
	return str_starts(name, XATTR_USER_PREFIX) || str_eq(name, XATTR_NAME_CAPS) ||
	       str_eq(name, XATTR_NAME_POSIX_ACL_ACCESS) ||
	       str_eq(name, XATTR_NAME_POSIX_ACL_DEFAULT);
}

/* The attribute's name from the input. Returns 0; -EOPNOTSUPP not the guest's; -ERANGE; -EINVAL. */
static int take_name(struct fs_req *r, char name[XATTR_NAME_MAX + 1])
{
	int rc = fs_req_string(r, name, XATTR_NAME_MAX + 1);

	if (rc <= 0)
		return rc == -ENAMETOOLONG || rc == 0 ? -ERANGE : rc;
	return is_allowed(r->s, name) ? 0 : -EOPNOTSUPP;
}

int fs_op_setxattr(struct fs_req *r)
{
	struct fuse_setxattr_in *in = &r->arg.setxattr;
	char name[XATTR_NAME_MAX + 1];
	char proc[16];
	bool kills;
	int rc;

	in->setxattr_flags = 0;
	if (fs_has(r, FUSE_SETXATTR_EXT)) {
		/* The table asked for the short form: here is the rest of the long one. */
		const size_t rest = sizeof(*in) - FUSE_COMPAT_SETXATTR_IN_SIZE;

		if (r->end - r->at < rest)
			return -EINVAL;
		(void)virtq_chain_read(r->chain, r->at,
				       (uint8_t *)in + FUSE_COMPAT_SETXATTR_IN_SIZE, rest);
		r->at += rest;
	}
	if (in->size > XATTR_SIZE_MAX)
		return -E2BIG;
	rc = take_name(r, name);
	if (rc < 0)
		return rc;
	if (in->size > r->end - r->at)
		return -EINVAL;
	(void)virtq_chain_read(r->chain, r->at, r->t->scratch, in->size);
	kills = in->setxattr_flags & FUSE_SETXATTR_ACL_KILL_SGID;
	if (kills)
		rc = fs_creds_drop_fsetid(&r->t->creds);
	if (rc == 0 && setxattr(fs_proc_name(proc, r->node.fd), name, r->t->scratch, in->size,
				(int)in->flags) < 0)
		rc = -errno;
	if (kills)
		fs_creds_restore(&r->t->creds);
	return rc;
}

/* Replies with @n bytes in the thread's scratch, or with their number if the guest asked for it. */
static int reply_value(struct fs_req *r, size_t n)
{
	const uint32_t size = r->arg.getxattr.size;
	const struct fuse_getxattr_out out = { .size = (uint32_t)n };

	if (size == 0)
		return fs_req_reply(r, &out, sizeof(out));
	return n > size ? -ERANGE : fs_req_reply(r, r->t->scratch, n);
}

int fs_op_getxattr(struct fs_req *r)
{
	char name[XATTR_NAME_MAX + 1];
	char proc[16];
	ssize_t n;
	int rc = take_name(r, name);

	if (rc < 0)
		return rc;
	n = getxattr(fs_proc_name(proc, r->node.fd), name, r->t->scratch, XATTR_SIZE_MAX);
	return n < 0 ? -errno : reply_value(r, (size_t)n);
}

int fs_op_listxattr(struct fs_req *r)
{
	char *names = (char *)r->t->scratch;
	char proc[16];
	size_t kept = 0;
	ssize_t n = listxattr(fs_proc_name(proc, r->node.fd), names, XATTR_LIST_MAX);

	if (n < 0)
		return -errno;
	for (size_t at = 0; at < (size_t)n;) {
		const size_t len = strnlen(names + at, (size_t)n - at) + 1;

		if (at + len > (size_t)n)
			break;
		if (is_allowed(r->s, names + at)) {
			memmove(names + kept, names + at, len);
			kept += len;
		}
		at += len;
	}
	return reply_value(r, kept);
}

int fs_op_removexattr(struct fs_req *r)
{
	char name[XATTR_NAME_MAX + 1];
	char proc[16];
	int rc = take_name(r, name);

	if (rc < 0)
		return rc;
	return removexattr(fs_proc_name(proc, r->node.fd), name) < 0 ? -errno : 0;
}
