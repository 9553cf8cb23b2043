// SPDX-License-Identifier: GPL-2.0-or-later
/* What all devices share: activation, reset, and the way out when a guest breaks the rules. */
#include "vmmode/virtio/device.h"

#include <linux/virtio_ring.h>

#include "spec/base/log.h"

static void signal_eventfd(int fd)
{
	const uint64_t one = 1;

	/* EAGAIN: the counter is full, so a signal is pending anyway. */
	if (fd >= 0 && write(fd, &one, sizeof(one)) < 0 && errno != EAGAIN)
		log_debug("signal an eventfd: %m, ignoring");
}

int virtio_device_activate(struct virtio_device *dev, const struct guest_mem *mem)
{
	int rc;

	dev->mem = mem;
	for (uint16_t i = 0; i < dev->n_queues; i++) {
		struct virtio_queue *q = &dev->queues[i];

		if (!q->config.ready)
			continue;
		rc = virtq_activate(&q->vq, mem, &q->config, q->size_max);
		if (rc < 0) {
			virtio_device_broken(dev, rc, "a queue's registers");
			return rc;
		}
		q->vq.event_idx = dev->features & (UINT64_C(1) << VIRTIO_RING_F_EVENT_IDX);
		q->vq.indirect = dev->features & (UINT64_C(1) << VIRTIO_RING_F_INDIRECT_DESC);
	}
	dev->active = true;
	rc = dev->ops->activate(dev);
	if (rc < 0)
		virtio_device_broken(dev, rc, "activation");
	return rc;
}

void virtio_device_reset(struct virtio_device *dev)
{
	if (dev->active)
		dev->ops->reset(dev);
	dev->active = false;
	for (uint16_t i = 0; i < dev->n_queues; i++) {
		virtq_reset(&dev->queues[i].vq);
		dev->queues[i].config = (struct virtq_config){ 0 };
	}
	dev->features = 0;
	atomic_store(&dev->broken, false);
}

void virtio_device_broken(struct virtio_device *dev, int code, const char *what)
{
	if (atomic_exchange(&dev->broken, true))
		return;
	errno = -code;
	log_warn("virtio-%s: the guest's driver broke the rules: %s: %m; the device needs a reset",
		 dev->ops->name, what);
	signal_eventfd(dev->config_call_fd);
}

void virtio_device_config_changed(struct virtio_device *dev)
{
	atomic_fetch_add(&dev->config_generation, 2);
	signal_eventfd(dev->config_call_fd);
}

void virtio_queue_call(struct virtio_queue *q)
{
	if (virtq_needs_call(&q->vq))
		signal_eventfd(q->call_fd);
}

void virtio_queue_drain_kick(struct virtio_queue *q)
{
	uint64_t count;

	if (read(q->kick_fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		log_debug("read a kick eventfd: %m, ignoring");
}

void virtio_queue_kick_self(struct virtio_queue *q)
{
	signal_eventfd(q->kick_fd);
}
