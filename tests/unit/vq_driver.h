/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Plays the guest's driver for one queue in plain memory: rings at fixed places of a malloc'ed
 * guest memory, helpers for well-behaved chains, and raw access for hostile ones.
 */
#ifndef BIVALVE_TESTS_UNIT_VQ_DRIVER_H
#define BIVALVE_TESTS_UNIT_VQ_DRIVER_H

#include <linux/virtio_ring.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "vmmode/virtio/queue.h"

enum {
	VQD_GPA = 0x100000, /* guest RAM begins here, so that address 0 is a hole */
	VQD_BYTES = 0x100000,
	VQD_RING_BYTES = 0x8000, /* per queue, at the start of RAM */
	VQD_DATA = 0x80000,      /* buffers of tests from here on (offset) */
};

struct vqd {
	uint8_t *ram; /* borrowed: VQD_BYTES, shared by the queues of a device */
	uint16_t size;
	uint16_t next_desc, avail_idx, used_idx;
	struct vring_desc *desc;
	struct vring_avail *avail;
	struct vring_used *used;
	struct virtq_config config; /* what the driver writes into the transport */
};

static inline uint8_t *vqd_ram_new(struct guest_mem *mem)
{
	uint8_t *ram = aligned_alloc(4096, VQD_BYTES); /* as a machine's: on whole pages */

	if (!ram || guest_mem_add(mem, VQD_GPA, VQD_BYTES, ram) < 0)
		abort();
	memset(ram, 0, VQD_BYTES);
	return ram;
}

/* Queue number @index of a device, @size entries. */
static inline void vqd_init(struct vqd *d, uint8_t *ram, unsigned int index, uint16_t size)
{
	size_t base = (size_t)index * VQD_RING_BYTES;

	memset(d, 0, sizeof(*d));
	d->ram = ram;
	d->size = size;
	d->desc = (struct vring_desc *)(void *)(ram + base);
	d->avail = (struct vring_avail *)(void *)(ram + base + 0x4000);
	d->used = (struct vring_used *)(void *)(ram + base + 0x5000);
	d->config = (struct virtq_config){ .size = size,
					   .ready = true,
					   .desc = VQD_GPA + base,
					   .avail = VQD_GPA + base + 0x4000,
					   .used = VQD_GPA + base + 0x5000 };
	memset(ram + base, 0, VQD_RING_BYTES);
}

static inline gpa_t vqd_gpa(const struct vqd *d, const void *p)
{
	return VQD_GPA + (gpa_t)((const uint8_t *)p - d->ram);
}

/* Writes descriptor @i. */
static inline void vqd_desc(struct vqd *d, uint16_t i, gpa_t addr, uint32_t len, uint16_t flags,
			    uint16_t next)
{
	d->desc[i] = (struct vring_desc){ addr, len, flags, next };
}

/* Publishes @head in the available ring. */
static inline void vqd_publish(struct vqd *d, uint16_t head)
{
	d->avail->ring[d->avail_idx++ % d->size] = head;
	__atomic_store_n(&d->avail->idx, d->avail_idx, __ATOMIC_RELEASE);
}

/* One buffer of a chain. */
struct vqd_buf {
	uint32_t off; /* into RAM */
	uint32_t len;
	bool write;
};

/* Adds a well-behaved chain of @n buffers and returns its head. */
static inline uint16_t vqd_add(struct vqd *d, const struct vqd_buf *bufs, size_t n)
{
	uint16_t head = d->next_desc % d->size;

	for (size_t i = 0; i < n; i++) {
		uint16_t at = d->next_desc++ % d->size;
		uint16_t flags = (uint16_t)((bufs[i].write ? VRING_DESC_F_WRITE : 0) |
					    (i + 1 < n ? VRING_DESC_F_NEXT : 0));

		vqd_desc(d, at, VQD_GPA + bufs[i].off, bufs[i].len, flags, d->next_desc % d->size);
	}
	vqd_publish(d, head);
	return head;
}

/* Takes the next used element. Returns false when there is none. */
static inline bool vqd_used(struct vqd *d, uint32_t *out_head, uint32_t *out_len)
{
	const struct vring_used_elem *e;

	if (__atomic_load_n(&d->used->idx, __ATOMIC_ACQUIRE) == d->used_idx)
		return false;
	e = &d->used->ring[d->used_idx++ % d->size];
	*out_head = e->id;
	*out_len = e->len;
	return true;
}

#endif
