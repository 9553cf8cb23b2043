/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A device in a loop, driven by a fuzzer's input (vq_ops.h). */
#ifndef BIVALVE_TESTS_FUZZ_DEVICE_H
#define BIVALVE_TESTS_FUZZ_DEVICE_H

#include <sys/eventfd.h>

#include "spec/base/log.h"
#include "tests/fuzz/vq_ops.h"
#include "vmmode/virtio/device.h"
#include "vmmode/virtio/loop.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FUZZ_QUEUE_SIZE = 16 };

struct fuzz_device {
	struct guest_mem mem;
	uint8_t *ram; /* NULL: fuzz_setup() is to be called */
	struct vqd d[VIRTIO_QUEUES_MAX];
	size_t n_queues;
	struct virtio_device *dev;
	struct loop loop;
	struct loop_source stop;
	int stop_calls;
	uint64_t features; /* what the driver takes, of what is offered */
};

/* What is done for the steps that are not about memory alone. */
struct fuzz_ops {
	void (*run)(size_t queue);
	void (*host)(struct vq_input *in);
	void (*fresh)(void);
};

static inline void fuzz_on_stop(struct loop_source *src, uint32_t events)
{
	struct fuzz_device *f = CONTAINER_OF(src, struct fuzz_device, stop);

	(void)events;
	/* All that is ready has its turn between two calls. */
	if (++f->stop_calls % 2 == 0)
		loop_stop(&f->loop);
}

/* Memory and a loop. */
static inline void fuzz_setup(struct fuzz_device *f)
{
	log_setup(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT, -1);
	f->ram = vqd_ram_new(&f->mem);
	if (loop_init(&f->loop) < 0)
		abort();
}

/* For fuzz_run(): the loop comes back. */
static inline void fuzz_add_stop(struct fuzz_device *f)
{
	f->stop = (struct loop_source){ .fd = eventfd(1, EFD_CLOEXEC), .ready = fuzz_on_stop };
	if (loop_add(&f->loop, &f->stop, EPOLLIN) < 0)
		abort();
}

/* A new device's eventfds. */
static inline void fuzz_add_eventfds(struct fuzz_device *f)
{
	for (size_t i = 0; i < f->n_queues; i++) {
		f->dev->queues[i].kick_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		f->dev->queues[i].call_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	}
}

/* Empty memory, and the features that the input begins with. */
static inline void fuzz_begin(struct fuzz_device *f, struct vq_input *in)
{
	memset(f->ram, 0, VQD_BYTES);
	f->features = (uint64_t)vq_take(in, 4) | UINT64_C(1) << 32;
}

/* A reset, and the first @n queues as at the start. */
static inline void fuzz_activate(struct fuzz_device *f, size_t n)
{
	virtio_device_reset(f->dev);
	f->dev->features = f->features & (f->dev->offered | VIRTIO_COMMON_FEATURES);
	for (uint16_t i = 0; i < n; i++) {
		vqd_init(&f->d[i], f->ram, i, FUZZ_QUEUE_SIZE);
		f->dev->queues[i].config = f->d[i].config;
	}
	if (virtio_device_activate(f->dev, &f->mem) < 0)
		abort();
}

static inline void fuzz_run(struct fuzz_device *f, size_t queue)
{
	if (eventfd_write(f->dev->queues[queue].kick_fd, 1) < 0 || loop_run(&f->loop) < 0)
		abort();
	f->loop.stopping = false; /* the machine goes on */
}

static inline void fuzz_step(struct fuzz_device *f, struct vq_input *in, const struct fuzz_ops *ops)
{
	size_t queue;
	const enum vq_op op = vq_step(in, f->d, f->n_queues, &queue);

	if (op == VQ_RUN)
		ops->run(queue);
	else if (op == VQ_HOST)
		ops->host(in);
	else if (op == VQ_FRESH)
		ops->fresh();
}

#endif
