/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The device's side of a split virtqueue. Everything in the rings is hostile: an address is
 * translated before it is used, each field is read once, a chain is at most the queue's size long,
 * and a malformed ring is an error that the caller turns into NEEDS_RESET.
 *
 *   virtq_activate()   once the driver said DRIVER_OK: checks and translates the three rings
 *   virtq_pop()        the next chain, as host iovecs: what the device reads, then what it writes
 *   virtq_push()       gives the chain back with the number of bytes written
 *   virtq_needs_call() after a batch: whether the driver wants an interrupt (EVENT_IDX honoured)
 *   virtq_kicks_on() / virtq_kicks_off()   asks the driver for notifications, or for none
 *
 * A queue belongs to one thread at a time. Source: virtio 1.2, 2.7 "Split Virtqueues".
 */
#ifndef BIVALVE_VMMODE_VIRTIO_QUEUE_H
#define BIVALVE_VMMODE_VIRTIO_QUEUE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "vmmode/virtio/guest_mem.h"

enum { VIRTQ_SIZE_MAX = 1024 };

/* What the driver wrote into the transport's registers; nothing in it is checked yet. */
struct virtq_config {
	uint16_t size;
	bool ready;
	gpa_t desc, avail, used;
};

struct virtq {
	const struct guest_mem *mem;  /* borrowed; NULL: not active */
	uint16_t size;                /* a power of two, 1 .. VIRTQ_SIZE_MAX */
	bool event_idx;               /* VIRTIO_F_EVENT_IDX was negotiated */
	bool indirect;                /* VIRTIO_F_INDIRECT_DESC was negotiated */
	uint16_t next_avail;          /* the next entry of the available ring to look at */
	uint16_t next_used;           /* the next entry of the used ring to fill */
	uint16_t called_used;         /* next_used at the last interrupt */
	uint16_t in_flight;           /* popped and not pushed, at most size */
	uint8_t *desc, *avail, *used; /* host addresses of the rings, whole ranges checked */
};

/* A chain of buffers, translated. iov[0 .. n_read) is read by the device, the rest is written. */
struct virtq_chain {
	uint16_t head;
	uint16_t n_read, n_write;
	uint32_t read_bytes,
	    write_bytes; /* sums; a chain whose sum exceeds UINT32_MAX is malformed */
	struct iovec iov[VIRTQ_SIZE_MAX];
};

/*
 * virtq_activate - checks @config and makes @q ready.
 * @max: the size that the device offered
 * Returns 0; -EINVAL the size is no power of two or above @max, or a ring is misaligned;
 * -EFAULT a ring is not wholly in guest memory.
 */
MUST_CHECK int virtq_activate(struct virtq *q, const struct guest_mem *mem,
			      const struct virtq_config *config, uint16_t max);

/* virtq_reset - not active; nothing of the guest is referred to any more. */
void virtq_reset(struct virtq *q);

/*
 * virtq_pop - takes the next chain.
 * Returns 1; 0 the ring is empty; or a malformed ring: -EPROTO the available index jumped or more
 * chains are in flight than the queue is long; -EINVAL an index out of range, a bad indirect table,
 * a writable buffer before a readable one; -ELOOP longer than the queue; -EFAULT an address outside
 * guest memory; -EOVERFLOW the sum of lengths.
 */
MUST_CHECK int virtq_pop(struct virtq *q, struct virtq_chain *out);

/* virtq_unpop - puts the chain just popped back: it will be the next one popped. */
void virtq_unpop(struct virtq *q);

/* virtq_push - publishes @head as used with @written bytes. */
void virtq_push(struct virtq *q, uint16_t head, uint32_t written);

/*
 * virtq_push() in two steps, for answers that the driver must see together (net's merged buffers):
 * virtq_fill() writes the used element that is @ahead places from the next one, virtq_publish()
 * shows the first @n to the driver.
 */
void virtq_fill(struct virtq *q, uint16_t ahead, uint16_t head, uint32_t written);
void virtq_publish(struct virtq *q, uint16_t n);

/* virtq_needs_call - the driver wants an interrupt for what was pushed since the last call. */
bool virtq_needs_call(struct virtq *q);

/* virtq_kicks_off - the driver need not notify: the device is looking. */
void virtq_kicks_off(struct virtq *q);

/* virtq_kicks_on - asks for a notification for the next chain. True: chains came meanwhile, go on.
 */
bool virtq_kicks_on(struct virtq *q);

/* virtq_is_active - between virtq_activate() and virtq_reset(). */
static inline bool virtq_is_active(const struct virtq *q)
{
	return q->mem != NULL;
}

/* Copies between a chain and a flat buffer, from byte @off of its readable or writable part.
 * Return the number of bytes copied, less than @len at the end of the chain. */
size_t virtq_chain_read(const struct virtq_chain *c, size_t off, void *data, size_t len);
size_t virtq_chain_write(const struct virtq_chain *c, size_t off, const void *data, size_t len);

#endif
