/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Plays the transport and the driver for a whole device: guest memory, a driver for each queue,
 * kick and call eventfds. The device under test is made by the test itself.
 */
#ifndef BIVALVE_TESTS_UNIT_VQ_RIG_H
#define BIVALVE_TESTS_UNIT_VQ_RIG_H

#include <poll.h>
#include <sys/eventfd.h>

#include "tests/unit/test.h"
#include "tests/unit/vq_driver.h"
#include "vmmode/virtio/device.h"

enum { RIG_QUEUES = 8, RIG_SIZE = 64, RIG_WAIT_MS = 10000 };

struct rig {
	struct guest_mem mem;
	uint8_t *ram;
	struct virtio_device *dev;
	struct vqd d[RIG_QUEUES];
};

static inline int rig_eventfd(void)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	if (fd < 0)
		abort();
	return fd;
}

/* Takes @dev over. */
static inline void rig_init(struct rig *r, struct virtio_device *dev)
{
	memset(r, 0, sizeof(*r));
	r->ram = vqd_ram_new(&r->mem);
	r->dev = dev;
	dev->config_call_fd = rig_eventfd();
	for (uint16_t i = 0; i < dev->n_queues; i++) {
		dev->queues[i].kick_fd = rig_eventfd();
		dev->queues[i].call_fd = rig_eventfd();
	}
}

/* The driver's part up to DRIVER_OK, with fresh rings for the first @n_queues queues. */
static inline int rig_activate(struct rig *r, uint64_t features, uint16_t n_queues)
{
	r->dev->features = features;
	for (uint16_t i = 0; i < n_queues; i++) {
		vqd_init(&r->d[i], r->ram, i, RIG_SIZE);
		r->dev->queues[i].config = r->d[i].config;
	}
	return virtio_device_activate(r->dev, &r->mem);
}

static inline void rig_fini(struct rig *r)
{
	virtio_device_reset(r->dev);
	for (uint16_t i = 0; i < r->dev->n_queues; i++) {
		(void)close(r->dev->queues[i].kick_fd);
		(void)close(r->dev->queues[i].call_fd);
	}
	(void)close(r->dev->config_call_fd);
	r->dev->ops->destroy(r->dev);
	free(r->ram);
}

static inline void rig_kick(struct rig *r, uint16_t queue)
{
	if (eventfd_write(r->dev->queues[queue].kick_fd, 1) < 0)
		abort();
}

static inline bool rig_signalled(int fd, int timeout_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	eventfd_t n;

	return poll(&p, 1, timeout_ms) == 1 && eventfd_read(fd, &n) == 0;
}

/* Waits for the next used element of a device with threads, as a driver with EVENT_IDX does. */
static inline bool rig_wait_used(struct rig *r, uint16_t queue, uint32_t *out_head,
				 uint32_t *out_len)
{
	struct vqd *d = &r->d[queue];

	do {
		__atomic_store_n(&d->avail->ring[d->size], d->used_idx, __ATOMIC_SEQ_CST);
		if (vqd_used(d, out_head, out_len))
			return true;
	} while (rig_signalled(r->dev->queues[queue].call_fd, RIG_WAIT_MS));
	return vqd_used(d, out_head, out_len);
}

#endif
