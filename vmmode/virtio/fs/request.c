// SPDX-License-Identifier: GPL-2.0-or-later
/* The parts of a request: strings, reply, the caller, and the buffers that hold file data. */
#include "vmmode/virtio/fs/request.h"

#include <stdio.h>
#include <string.h>

bool fs_is_component(const char *name)
{
	if (name[0] == '\0' || strchr(name, '/'))
		return false;
	return strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

int fs_req_string(struct fs_req *r, char *out, size_t room)
{
	const size_t left = r->end - r->at;
	const size_t want = left < room ? left : room;
	const size_t got = virtq_chain_read(r->chain, r->at, out, want);
	const char *nul = memchr(out, '\0', got);

	if (!nul)
		return got == room ? -ENAMETOOLONG : -EINVAL;
	r->at += (size_t)(nul - out) + 1;
	return (int)(nul - out);
}

int fs_req_name(struct fs_req *r, char out[FS_NAME_ROOM])
{
	int rc = fs_req_string(r, out, FS_NAME_ROOM);

	if (rc < 0)
		return rc;
	return fs_is_component(out) ? rc : -EINVAL;
}

size_t fs_req_room(const struct fs_req *r)
{
	const size_t bytes = r->chain->write_bytes;

	return bytes < sizeof(struct fuse_out_header) ? 0 : bytes - sizeof(struct fuse_out_header);
}

int fs_req_reply(struct fs_req *r, const void *data, size_t len)
{
	if (len > fs_req_room(r))
		return -EIO;
	(void)virtq_chain_write(r->chain, sizeof(struct fuse_out_header), data, len);
	r->body = (uint32_t)len;
	return 0;
}

/* The group in the extensions at the end of the input. Returns 1 found, 0 none, -EINVAL. */
static int supp_group(const struct fs_req *r, gid_t *out)
{
	size_t at = r->end;

	while (at < r->in.len) {
		struct fuse_ext_header ext;
		uint32_t groups[2]; /* their number, and the one that the kernel sends */

		if (r->in.len - at < sizeof(ext))
			return -EINVAL;
		(void)virtq_chain_read(r->chain, at, &ext, sizeof(ext));
		if (ext.size < sizeof(ext) || ext.size > r->in.len - at)
			return -EINVAL;
		if (ext.type == FUSE_EXT_GROUPS && ext.size >= sizeof(ext) + sizeof(groups)) {
			(void)virtq_chain_read(r->chain, at + sizeof(ext), groups, sizeof(groups));
			if (groups[0] != 1)
				return groups[0] ? -EINVAL : 0;
			*out = groups[1];
			return 1;
		}
		at += ext.size;
	}
	return 0;
}

int fs_req_caller(const struct fs_req *r, struct fs_caller *out)
{
	int rc = supp_group(r, &out->group);

	if (rc < 0)
		return rc;
	out->uid = r->in.uid;
	out->gid = r->in.gid;
	out->has_group = rc > 0;
	return 0;
}

int fs_iov_part(const struct iovec *in, size_t n, size_t off, size_t len, struct iovec *out)
{
	int count = 0;

	for (size_t i = 0; i < n && len > 0; i++) {
		size_t part = in[i].iov_len;

		if (off >= part) {
			off -= part;
			continue;
		}
		part -= off;
		if (part > len)
			part = len;
		out[count++] = (struct iovec){ (uint8_t *)in[i].iov_base + off, part };
		len -= part;
		off = 0;
	}
	return count;
}

const char *fs_proc_name(char *buf, int fd)
{
	(void)snprintf(buf, 16, "%d", fd);
	return buf;
}
