/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A virtio device without its transport: a backend that sees guest memory, queues, and for each
 * queue a kick eventfd (the driver's notification) and a call eventfd (the interrupt). The mmio
 * transport wires the eventfds to KVM's ioeventfd and irqfd; vhost-user gets them from messages.
 *
 * Life of a device: the backend's constructor fills struct virtio_device and its ops; the transport
 * negotiates features, fills queues[i].config, and calls virtio_device_activate() at DRIVER_OK;
 * virtio_device_reset() at a reset. Between the two the queues belong to the thread that
 * ops->activate() chose: the loop's, or threads of the device's own that ops->reset() ends.
 *
 * A guest that breaks the rules: the backend calls virtio_device_broken(), which marks the device
 * NEEDS_RESET, tells the driver by a configuration interrupt, logs once, and stops the queues.
 * Source: virtio 1.2, chapter 2.
 */
#ifndef BIVALVE_VMMODE_VIRTIO_DEVICE_H
#define BIVALVE_VMMODE_VIRTIO_DEVICE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "spec/base/err.h"
#include "vmmode/virtio/queue.h"
#include "vmmode/virtio/thread.h"

enum { VIRTIO_QUEUES_MAX = 64 };

struct virtio_device;

/* All operations are called in the loop's thread. */
struct virtio_device_ops {
	/* Short name for logs: "blk". */
	const char *name;

	/* The device's configuration space. @off and @len are inside config_len. */
	void (*config_read)(struct virtio_device *dev, uint32_t off, void *data, uint32_t len);
	/* NULL: the configuration is read-only and writes are ignored. */
	void (*config_write)(struct virtio_device *dev, uint32_t off, const void *data,
			     uint32_t len);

	/* The driver is ready: dev->features and all queues that are ready are set. Starts the
	 * work. Returns 0 or -errno (the device then is broken). */
	int (*activate)(struct virtio_device *dev);

	/* Stops the work and waits until no thread touches a queue or guest memory any more. */
	void (*reset)(struct virtio_device *dev);

	/* Frees the backend; after reset. */
	void (*destroy)(struct virtio_device *dev);
};

struct virtio_queue {
	struct virtq vq;
	struct virtq_config config; /* as the driver wrote it */
	uint16_t size_max;          /* set by the backend */
	int kick_fd;                /* eventfd, owned by the transport */
	int call_fd;                /* eventfd, owned by the transport */
};

struct virtio_device {
	const struct virtio_device_ops *ops;
	uint32_t id;         /* VIRTIO_ID_* */
	uint64_t offered;    /* feature bits; VERSION_1, EVENT_IDX and INDIRECT_DESC are added */
	uint64_t features;   /* negotiated */
	uint32_t config_len; /* bytes of configuration space */
	uint16_t n_queues;
	struct virtio_queue *queues;    /* owned by the backend */
	const struct guest_mem *mem;    /* borrowed; set before activate */
	struct thread_starter *starter; /* borrowed; of the threads that activate makes, or NULL */
	int config_call_fd; /* eventfd: configuration change interrupt; owned by the transport */
	_Atomic uint32_t config_generation; /* odd numbers do not occur: bumped after a change */
	atomic_bool broken;                 /* NEEDS_RESET */
	bool active; /* between activate and reset; the transport's thread only */
};

/* The features that every device here offers beside its own. */
#define VIRTIO_COMMON_FEATURES                                                                     \
	((UINT64_C(1) << 32 /* VIRTIO_F_VERSION_1 */) |                                            \
	 (UINT64_C(1) << 29 /* VIRTIO_F_EVENT_IDX */) |                                            \
	 (UINT64_C(1) << 28 /* VIRTIO_F_INDIRECT_DESC */))

/*
 * virtio_device_activate - checks and activates every queue that the driver made ready, then starts
 * the backend. On an error the device is marked broken. Called by the transport, once per reset.
 */
MUST_CHECK int virtio_device_activate(struct virtio_device *dev, const struct guest_mem *mem);

/* virtio_device_reset - stops the backend and forgets the queues; safe when not active. */
void virtio_device_reset(struct virtio_device *dev);

/* virtio_device_broken - see the head; @what goes to the log (once per reset). Any thread. */
void virtio_device_broken(struct virtio_device *dev, int code, const char *what);

/* virtio_device_config_changed - tells the driver that configuration space changed. Any thread. */
void virtio_device_config_changed(struct virtio_device *dev);

/* virtio_queue_call - interrupts the driver if it wants to know of what was pushed. */
void virtio_queue_call(struct virtio_queue *q);

/* virtio_queue_drain_kick - empties the kick eventfd before the ring is looked at. */
void virtio_queue_drain_kick(struct virtio_queue *q);

/* virtio_queue_kick_self - as if the driver had notified: the rest of the work comes after the
 * other sources of the loop have had their turn. */
void virtio_queue_kick_self(struct virtio_queue *q);

#endif
