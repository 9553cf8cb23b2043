/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The virtio block device: a raw disk, read and written straight from and to guest memory. Each
 * queue has a thread that owns it: by io_uring where the kernel allows it, else a few threads that
 * take turns at the queue and block. A reset waits for what is in flight.
 *
 * read, write, flush, get-id, discard, write-zeroes. The host caches; without FLUSH negotiated
 * every write is made durable before it is answered. Source: virtio 1.2, 5.2.
 */
#ifndef BIVALVE_VMMODE_VIRTIO_BLK_H
#define BIVALVE_VMMODE_VIRTIO_BLK_H

#include "vmmode/virtio/device.h"
#include "vmmode/virtio/loop.h"
#include "vmmode/virtio/ratelimit.h"

enum {
	BLK_QUEUES_MAX = 16,
	BLK_QUEUE_SIZE = 256,
	BLK_SERIAL_BYTES = 20, /* VIRTIO_BLK_ID_BYTES */
};

enum blk_engine {
	BLK_ENGINE_AUTO,    /* io_uring if it can be had, else threads */
	BLK_ENGINE_URING,   /* io_uring or an error */
	BLK_ENGINE_THREADS, /* blocking calls in threads */
};

struct virtio_blk_options {
	int fd; /* borrowed for the life of the device: a regular file or a block device */
	bool read_only;
	uint16_t n_queues;  /* 1 .. BLK_QUEUES_MAX; one for each vCPU is best */
	const char *serial; /* at most BLK_SERIAL_BYTES; NULL: none. Copied */
	enum blk_engine engine;
	struct ratelimit_options limit;
};

/*
 * virtio_blk_new - the device; @loop is not used (the queues have threads).
 * io_uring is set up here, before a sandbox; threads start at activation.
 * Returns 0, or -errno with the reason in @err.
 */
MUST_CHECK int virtio_blk_new(const struct virtio_blk_options *opts, struct loop *loop,
			      struct virtio_device **out, struct err *err);

/* virtio_blk_engine - which engine was chosen: "io_uring" or "threads". */
const char *virtio_blk_engine(struct virtio_device *dev);

#endif
