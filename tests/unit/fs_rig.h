/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Plays the guest's kernel for the virtio-fs device: a folder of its own below /tmp, the device
 * with its threads, and one call per FUSE request through a queue. rig_call() is well-behaved;
 * hostile tests change what it sends (lie_*) or write the rings by themselves.
 */
#ifndef BIVALVE_TESTS_UNIT_FS_RIG_H
#define BIVALVE_TESTS_UNIT_FS_RIG_H

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/fuse.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>

#include "tests/unit/test.h"
#include "tests/unit/vq_driver.h"
#include "vmmode/virtio/fs.h"

enum {
	RIG_QUEUES = 3, /* high priority, two of requests */
	RIG_SIZE = 64,
	RIG_IN = VQD_DATA, /* offsets into guest RAM: request and reply */
	RIG_OUT = VQD_DATA + 0x28000,
	RIG_OUT_BYTES = 0x11000,
	RIG_WAIT_MS = 10000,
};

struct rig {
	char path[32]; /* of the exported folder */
	int root_fd, proc_fd;
	struct guest_mem mem;
	uint8_t *ram;
	struct virtio_device *dev;
	struct vqd d[RIG_QUEUES];
	int kick[RIG_QUEUES], call[RIG_QUEUES];
	uint64_t unique;
	/* For the next call alone. */
	uint32_t uid, gid;
	uint32_t lie_len;  /* in.len, unless 0 */
	uint32_t out_room; /* bytes of reply buffer, unless 0 */
	unsigned int queue;
	uint32_t base; /* added to RIG_IN and RIG_OUT: a second rig shares the RAM */
};

static inline void rig_activate(struct rig *r)
{
	for (unsigned int i = 0; i < RIG_QUEUES; i++) {
		vqd_init(&r->d[i], r->ram, i, RIG_SIZE);
		r->dev->queues[i].config = r->d[i].config;
		r->dev->queues[i].kick_fd = r->kick[i];
		r->dev->queues[i].call_fd = r->call[i];
	}
	r->queue = 1;
	CHECK_EQ(virtio_device_activate(r->dev, &r->mem), 0);
}

static inline void rig_open(struct rig *r, const struct virtio_fs_options *opts)
{
	struct virtio_fs_options o = *opts;
	struct err err = ERR_INIT;

	memset(r, 0, sizeof(*r));
	strcpy(r->path, "/tmp/bivalve-fs.XXXXXX");
	if (!mkdtemp(r->path))
		abort();
	/* opts->root_fd: another folder, which rig_close() closes. */
	r->root_fd = o.root_fd > 0 ? o.root_fd : open(r->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	r->proc_fd = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
	r->ram = vqd_ram_new(&r->mem);
	for (unsigned int i = 0; i < RIG_QUEUES; i++) {
		r->kick[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		r->call[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	}
	o.tag = o.tag ? o.tag : "test";
	o.root_fd = r->root_fd;
	o.proc_fd = r->proc_fd;
	o.n_queues = RIG_QUEUES - 1;
	if (virtio_fs_new(&o, NULL, &r->dev, &err) < 0) {
		TEST_FAIL("%s", err.msg);
		abort();
	}
#ifdef BIVALVE_TESTS_UNIT_FILTERED_H
	r->dev->starter = filtered_threads();
#endif
	rig_activate(r);
}

static inline int rig_remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline void rig_close(struct rig *r)
{
	virtio_device_reset(r->dev);
	r->dev->ops->destroy(r->dev);
	for (unsigned int i = 0; i < RIG_QUEUES; i++) {
		(void)close(r->kick[i]);
		(void)close(r->call[i]);
	}
	free(r->ram);
	(void)close(r->root_fd);
	(void)close(r->proc_fd);
	(void)nftw(r->path, rig_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static inline void rig_kick(struct rig *r, unsigned int queue)
{
	const uint64_t one = 1;

	if (write(r->kick[queue], &one, sizeof(one)) < 0)
		abort();
}

/* Waits for the next used chain of @queue. Returns its length, or -1 after @timeout_ms. */
static inline int64_t rig_wait(struct rig *r, unsigned int queue, int timeout_ms)
{
	uint32_t head;
	uint32_t len;

	while (!vqd_used(&r->d[queue], &head, &len)) {
		struct pollfd p = { .fd = r->call[queue], .events = POLLIN };
		uint64_t count;

		if (poll(&p, 1, timeout_ms) <= 0)
			return -1;
		if (read(r->call[queue], &count, sizeof(count)) < 0)
			continue;
	}
	return len;
}

/* Writes header and arguments into guest memory. @parts: pointers and lengths, one after another.
 */
struct rig_part {
	const void *data;
	size_t len;
};

static inline uint32_t rig_put(struct rig *r, uint32_t opcode, uint64_t node,
			       const struct rig_part *parts, size_t n)
{
	struct fuse_in_header h = { .opcode = opcode,
				    .unique = ++r->unique,
				    .nodeid = node,
				    .uid = r->uid,
				    .gid = r->gid };
	size_t at = r->base + RIG_IN + sizeof(h);

	for (size_t i = 0; i < n; i++) {
		memcpy(r->ram + at, parts[i].data, parts[i].len);
		at += parts[i].len;
	}
	h.len = r->lie_len ? r->lie_len : (uint32_t)(at - RIG_IN - r->base);
	memcpy(r->ram + r->base + RIG_IN, &h, sizeof(h));
	return (uint32_t)(at - RIG_IN - r->base);
}

/* Sends one request; rig_receive() waits for its reply. */
static inline void rig_send(struct rig *r, uint32_t opcode, uint64_t node,
			    const struct rig_part *parts, size_t n)
{
	const uint32_t in_len = rig_put(r, opcode, node, parts, n);
	const uint32_t room = r->out_room ? r->out_room : RIG_OUT_BYTES;
	const struct vqd_buf bufs[] = { { r->base + RIG_IN, 40, false },
					{ r->base + RIG_IN + 40, in_len - 40, false },
					{ r->base + RIG_OUT, room, true } };

	r->lie_len = 0;
	memset(r->ram + r->base + RIG_OUT, 0xee, sizeof(struct fuse_out_header));
	vqd_add(&r->d[r->queue], bufs, 3);
	rig_kick(r, r->queue);
}

/* The body's length or the guest's -errno; -10000 without a reply, -10001 a reply that is none. */
static inline int rig_receive(struct rig *r)
{
	const uint32_t room = r->out_room ? r->out_room : RIG_OUT_BYTES;
	const int64_t len = rig_wait(r, r->queue, RIG_WAIT_MS);
	struct fuse_out_header out;

	r->out_room = 0;
	if (len < (int64_t)sizeof(out))
		return -10000;
	memcpy(&out, r->ram + r->base + RIG_OUT, sizeof(out));
	if (out.unique != r->unique || out.len != len || out.len > room)
		return -10001;
	return out.error ? out.error : (int)(out.len - sizeof(out));
}

/* One request and its reply, the body of which is then at rig_body(). Returns as rig_receive(). */
static inline int rig_call(struct rig *r, uint32_t opcode, uint64_t node,
			   const struct rig_part *parts, size_t n)
{
	rig_send(r, opcode, node, parts, n);
	return rig_receive(r);
}

static inline const void *rig_body(const struct rig *r)
{
	return r->ram + r->base + RIG_OUT + sizeof(struct fuse_out_header);
}

/* A call with one fixed structure and up to two strings (NULL: none). */
static inline int rig_op(struct rig *r, uint32_t opcode, uint64_t node, struct rig_part args,
			 const char *name, const char *name2)
{
	struct rig_part parts[3] = { args };
	size_t n = 1;

	if (name)
		parts[n++] = (struct rig_part){ name, strlen(name) + 1 };
	if (name2)
		parts[n++] = (struct rig_part){ name2, strlen(name2) + 1 };
	return rig_call(r, opcode, node, parts, n);
}

#define RIG_NONE     ((struct rig_part){ "", 0 })
#define RIG_ARGS(st) ((struct rig_part){ &(st), sizeof(st) })

static inline int rig_init(struct rig *r)
{
	const struct fuse_init_in in = { .major = FUSE_KERNEL_VERSION,
					 .minor = FUSE_KERNEL_MINOR_VERSION,
					 .max_readahead = 1 << 17,
					 .flags = INT32_MAX,
					 .flags2 = UINT32_MAX };

	return rig_op(r, FUSE_INIT, 0, RIG_ARGS(in), NULL, NULL);
}

/* LOOKUP: the node id, or 0 and the error in *rc. */
static inline uint64_t rig_lookup(struct rig *r, uint64_t dir, const char *name, int *rc)
{
	struct fuse_entry_out e;

	*rc = rig_op(r, FUSE_LOOKUP, dir, RIG_NONE, name, NULL);
	if (*rc != (int)sizeof(e))
		return 0;
	memcpy(&e, rig_body(r), sizeof(e));
	return e.nodeid;
}

/* OPEN or OPENDIR: the fh. */
static inline uint64_t rig_open_node(struct rig *r, uint32_t opcode, uint64_t node, uint32_t flags,
				     int *rc)
{
	const struct fuse_open_in in = { .flags = flags };
	struct fuse_open_out out = { 0 };

	*rc = rig_op(r, opcode, node, RIG_ARGS(in), NULL, NULL);
	if (*rc == (int)sizeof(out))
		memcpy(&out, rig_body(r), sizeof(out));
	return out.fh;
}

struct rig_created {
	uint64_t node, fh;
};

static inline struct rig_created rig_create(struct rig *r, uint64_t dir, const char *name,
					    uint32_t flags, uint32_t mode, int *rc)
{
	const struct fuse_create_in in = { .flags = flags, .mode = S_IFREG | mode, .umask = 022 };
	struct {
		struct fuse_entry_out entry;
		struct fuse_open_out open;
	} out = { 0 };

	*rc = rig_op(r, FUSE_CREATE, dir, RIG_ARGS(in), name, NULL);
	if (*rc == (int)sizeof(out))
		memcpy(&out, rig_body(r), sizeof(out));
	return (struct rig_created){ out.entry.nodeid, out.open.fh };
}

static inline int rig_write(struct rig *r, uint64_t node, uint64_t fh, uint64_t off,
			    const void *data, uint32_t len)
{
	const struct fuse_write_in in = { .fh = fh, .offset = off, .size = len };
	const struct rig_part parts[] = { RIG_ARGS(in), { data, len } };
	struct fuse_write_out out;
	int rc = rig_call(r, FUSE_WRITE, node, parts, 2);

	if (rc != (int)sizeof(out))
		return rc;
	memcpy(&out, rig_body(r), sizeof(out));
	return (int)out.size;
}

static inline int rig_read(struct rig *r, uint32_t opcode, uint64_t node, uint64_t fh, uint64_t off,
			   uint32_t len)
{
	const struct fuse_read_in in = { .fh = fh, .offset = off, .size = len };

	return rig_op(r, opcode, node, RIG_ARGS(in), NULL, NULL);
}

static inline int rig_release(struct rig *r, uint32_t opcode, uint64_t node, uint64_t fh)
{
	const struct fuse_release_in in = { .fh = fh };

	return rig_op(r, opcode, node, RIG_ARGS(in), NULL, NULL);
}

static inline struct fuse_attr rig_attr(struct rig *r, uint64_t node, int *rc)
{
	const struct fuse_getattr_in in = { 0 };
	struct fuse_attr_out out = { 0 };

	*rc = rig_op(r, FUSE_GETATTR, node, RIG_ARGS(in), NULL, NULL);
	if (*rc == (int)sizeof(out))
		memcpy(&out, rig_body(r), sizeof(out));
	return out.attr;
}

/* FORGET through the high-priority queue: no reply, an empty used chain. */
static inline int rig_forget(struct rig *r, uint64_t node, uint64_t n)
{
	const struct fuse_forget_in in = { .nlookup = n };
	const struct rig_part part = RIG_ARGS(in);
	const struct vqd_buf buf = { r->base + RIG_IN, rig_put(r, FUSE_FORGET, node, &part, 1),
				     false };

	vqd_add(&r->d[0], &buf, 1);
	rig_kick(r, 0);
	return (int)rig_wait(r, 0, RIG_WAIT_MS);
}

/* Another user of @r's device: @queue, and guest memory of its own. */
static inline struct rig rig_second(const struct rig *r, unsigned int queue)
{
	struct rig second = *r;

	second.base = 0x40000;
	second.queue = queue;
	return second;
}

/* How many descriptors this process has open. */
static inline int rig_open_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	while (readdir(d))
		n++;
	(void)closedir(d);
	return n;
}

#endif
