// SPDX-License-Identifier: GPL-2.0-or-later
/* Folders: the host's entries one by one into the guest's form, with attributes for READDIRPLUS. */
#include <dirent.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>

#include "vmmode/virtio/fs/request.h"

enum {
	REPLY_MAX = 32768, /* bytes of one reply; more is asked for again */
	/* Enough for the longest entry of the host, so that getdents64(2) can always go on. */
	DENTS_MIN = offsetof(struct dirent64, d_name) + FS_NAME_ROOM + 8,
};

_Static_assert(REPLY_MAX * 2 <= FS_SCRATCH, "entries of the host, then the reply");

int fs_op_opendir(struct fs_req *r)
{
	struct fuse_open_out out = { 0 };
	auto_close int fd = -1;
	int rc;

	if (r->node.type != S_IFDIR)
		return -ENOTDIR;
	if (r->s->cache == VIRTIO_FS_CACHE_ALWAYS)
		out.open_flags = FOPEN_KEEP_CACHE | FOPEN_CACHE_DIR;
	fd = openat(r->node.fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	rc = fs_file_add(&r->s->files, &fd, r->in.nodeid, true, &out.fh);
	if (rc < 0)
		return rc;
	rc = fs_req_reply(r, &out, sizeof(out));
	if (rc < 0 && fs_file_release(&r->s->files, out.fh, r->in.nodeid, true) < 0)
		return -EBADF;
	return rc;
}

int fs_op_releasedir(struct fs_req *r)
{
	return fs_file_release(&r->s->files, r->arg.release.fh, r->in.nodeid, true);
}

/* A reply while it fills. */
struct listing {
	struct fs_req *r;
	uint8_t *out;
	size_t len, room;
	bool plus;
};

/* The inode of an entry for READDIRPLUS. An entry that is gone or may not be seen has node 0. */
static void look_up(const struct listing *l, const char *name, struct fuse_entry_out *out)
{
	int fd;

	*out = (struct fuse_entry_out){ 0 };
	if (!fs_is_component(name))
		return; /* "." and "..": the guest knows them, and counts no lookup */
	fd = fs_lookup_fd(l->r->node.fd, name);
	if (fd >= 0 && fs_entry_fill(l->r->s, &l->r->node, &fd, out) < 0)
		*out = (struct fuse_entry_out){ 0 };
}

/* Adds one entry. Returns false when it does not fit. */
static bool add_entry(struct listing *l, const struct dirent64 *d)
{
	const size_t name_len = strlen(d->d_name);
	const size_t head = l->plus ? sizeof(struct fuse_entry_out) : 0;
	const size_t size = FUSE_DIRENT_ALIGN(head + FUSE_NAME_OFFSET + name_len);
	struct fuse_dirent out = { .ino = d->d_ino,
				   .off = (uint64_t)d->d_off,
				   .namelen = (uint32_t)name_len,
				   .type = d->d_type };
	uint8_t *p = l->out + l->len;

	if (name_len >= FS_NAME_ROOM || size > l->room - l->len)
		return false;
	memset(p + size - 8, 0, 8); /* the padding */
	if (l->plus) {
		struct fuse_entry_out entry;

		look_up(l, d->d_name, &entry);
		memcpy(p, &entry, sizeof(entry));
		p += sizeof(entry);
	}
	memcpy(p, &out, FUSE_NAME_OFFSET);
	memcpy(p + FUSE_NAME_OFFSET, d->d_name, name_len);
	l->len += size;
	return true;
}

/* Takes the lookups of a reply back that the guest will not get. */
static void undo_lookups(const struct listing *l)
{
	size_t at = 0;

	while (l->plus && at < l->len) {
		struct fuse_direntplus d;

		memcpy(&d, l->out + at, FUSE_NAME_OFFSET_DIRENTPLUS);
		if (d.entry_out.nodeid)
			fs_inode_forget(&l->r->s->inodes, d.entry_out.nodeid, 1);
		at += FUSE_DIRENT_ALIGN(FUSE_NAME_OFFSET_DIRENTPLUS + d.dirent.namelen);
	}
}

/* Adds the @n bytes of host entries. Returns 1 when one did not fit: the next call seeks to it. */
static int add_entries(struct listing *l, struct fs_file *dir, const uint8_t *dents, size_t n)
{
	for (size_t at = 0; at < n;) {
		const struct dirent64 *d = (const void *)(dents + at);

		if (!add_entry(l, d)) {
			if (lseek(dir->fd, (off_t)dir->dir_pos, SEEK_SET) < 0)
				return -errno;
			return l->len ? 1 : -EINVAL;
		}
		dir->dir_pos = (uint64_t)d->d_off;
		at += d->d_reclen;
	}
	return 0;
}

/*
 * How many bytes of entries to ask the host for: no more than fit in the guest's form, which for
 * the shortest name is 32 bytes for 24, and 160 with attributes. Nothing is read twice then.
 */
static size_t ask(const struct listing *l)
{
	const size_t left = l->room - l->len;

	return l->plus ? left / 7 : left / 4 * 3;
}

/* Fills the reply from offset @off on. Called with the folder's lock held. */
static int fill(struct listing *l, struct fs_file *dir, uint64_t off)
{
	uint8_t *dents = l->r->t->scratch;

	if (off != dir->dir_pos && lseek(dir->fd, (off_t)off, SEEK_SET) < 0)
		return -errno;
	dir->dir_pos = off;
	while (l->len == 0 || ask(l) >= DENTS_MIN) {
		const size_t want = ask(l) < DENTS_MIN ? DENTS_MIN : ask(l);
		const ssize_t n = getdents64(dir->fd, dents, want);
		int rc;

		if (n <= 0)
			return n < 0 && l->len == 0 ? -errno : 0;
		rc = add_entries(l, dir, dents, (size_t)n);
		if (rc != 0)
			return rc < 0 ? rc : 0;
	}
	return 0;
}

static int list(struct fs_req *r, bool plus)
{
	const struct fuse_read_in *in = &r->arg.read;
	struct listing l = { .r = r, .out = r->t->scratch + REPLY_MAX, .plus = plus };
	struct fs_file *dir;
	int rc;

	l.room = fs_req_room(r);
	if (in->size < l.room)
		l.room = in->size;
	if (l.room > REPLY_MAX)
		l.room = REPLY_MAX;
	if (in->offset > INT64_MAX)
		return -EINVAL;
	rc = fs_file_get(&r->s->files, in->fh, r->in.nodeid, true, &dir);
	if (rc < 0)
		return rc;
	pthread_mutex_lock(&dir->dir_lock);
	rc = fill(&l, dir, in->offset);
	pthread_mutex_unlock(&dir->dir_lock);
	fs_file_put(&r->s->files, &dir);
	if (rc == 0)
		rc = fs_req_reply(r, l.out, l.len);
	if (rc < 0)
		undo_lookups(&l);
	return rc;
}

int fs_op_readdir(struct fs_req *r)
{
	return list(r, false);
}

int fs_op_readdirplus(struct fs_req *r)
{
	return list(r, true);
}
