// SPDX-License-Identifier: GPL-2.0-or-later
/* The split virtqueue, device's side. The layout of the rings is that of linux/virtio_ring.h. */
#include "vmmode/virtio/queue.h"

#include <linux/virtio_ring.h>
#include <string.h>

enum {
	AVAIL_FLAGS = 0, /* offsets in the available and the used ring */
	AVAIL_IDX = 2,
	AVAIL_RING = 4,
	USED_FLAGS = 0,
	USED_IDX = 2,
	USED_RING = 4,
	DESC_BYTES = 16,
	USED_ELEM_BYTES = 8,
};

/* Bytes of the rings of a queue of @size entries, event fields included. */
static uint64_t avail_bytes(uint16_t size)
{
	return AVAIL_RING + (uint64_t)2 * size + 2;
}

static uint64_t used_bytes(uint16_t size)
{
	return USED_RING + (uint64_t)USED_ELEM_BYTES * size + 2;
}

int virtq_activate(struct virtq *q, const struct guest_mem *mem, const struct virtq_config *config,
		   uint16_t max)
{
	const uint16_t size = config->size;
	uint8_t *desc;
	uint8_t *avail;
	uint8_t *used;

	if (size == 0 || size > max || size > VIRTQ_SIZE_MAX || (size & (size - 1)) != 0)
		return -EINVAL;
	if (config->desc % 16 || config->avail % 2 || config->used % 4)
		return -EINVAL;
	desc = guest_mem_at(mem, config->desc, (uint64_t)size * DESC_BYTES);
	avail = guest_mem_at(mem, config->avail, avail_bytes(size));
	used = guest_mem_at(mem, config->used, used_bytes(size));
	if (!desc || !avail || !used)
		return -EFAULT;
	*q = (struct virtq){
		.mem = mem,
		.size = size,
		.event_idx = q->event_idx,
		.indirect = q->indirect,
		.desc = desc,
		.avail = avail,
		.used = used,
	};
	return 0;
}

void virtq_reset(struct virtq *q)
{
	*q = (struct virtq){ 0 };
}

struct desc {
	gpa_t addr;
	uint32_t len;
	uint16_t flags;
	uint16_t next;
};

/* Each field is read exactly once: the guest may change the descriptor meanwhile. */
static struct desc load_desc(const uint8_t *table, uint16_t i)
{
	const uint8_t *p = table + (size_t)i * DESC_BYTES;

	return (struct desc){
		.addr = guest_load64(p),
		.len = guest_load32(p + 8),
		.flags = guest_load16(p + 12),
		.next = guest_load16(p + 14),
	};
}

/* Appends one buffer to the chain. virtio 1.2, 2.7.4.2: readable buffers come first. */
static int add_buffer(const struct virtq *q, struct virtq_chain *c, const struct desc *d)
{
	const bool is_write = d->flags & VRING_DESC_F_WRITE;
	uint32_t *sum = is_write ? &c->write_bytes : &c->read_bytes;
	const size_t n = (size_t)c->n_read + c->n_write;
	void *p;

	if (n == q->size)
		return -ELOOP;
	if (!is_write && c->n_write)
		return -EINVAL;
	p = guest_mem_at(q->mem, d->addr, d->len);
	if (!p)
		return -EFAULT;
	if (__builtin_add_overflow(*sum, d->len, sum))
		return -EOVERFLOW;
	c->iov[n] = (struct iovec){ .iov_base = p, .iov_len = d->len };
	if (is_write)
		c->n_write++;
	else
		c->n_read++;
	return 0;
}

/* A table of descriptors: the queue's own, or one that a descriptor of it refers to. */
struct table {
	const uint8_t *at;
	uint16_t size;
	bool is_indirect; /* not told from its address: that may be the queue's own */
};

/* The table that @d refers to. virtio 1.2, 2.7.5.3.1: not nested, not with NEXT, a whole number of
 * entries. */
static int open_indirect(const struct virtq *q, const struct desc *d, struct table *out)
{
	if (!q->indirect || (d->flags & VRING_DESC_F_NEXT) || d->len == 0 || d->len % DESC_BYTES ||
	    d->len / DESC_BYTES > q->size || d->addr % DESC_BYTES)
		return -EINVAL;
	out->at = guest_mem_at(q->mem, d->addr, d->len);
	out->size = (uint16_t)(d->len / DESC_BYTES);
	out->is_indirect = true;
	return out->at ? 0 : -EFAULT;
}

/* Appends the chain of descriptors that starts at @i. Its length bounds the walk. */
static int add_descs(const struct virtq *q, struct virtq_chain *c, uint16_t i)
{
	struct table t = { .at = q->desc, .size = q->size };

	for (;;) {
		struct desc d;
		int rc;

		if (i >= t.size)
			return -EINVAL;
		d = load_desc(t.at, i);
		if (d.flags & VRING_DESC_F_INDIRECT) {
			rc = t.is_indirect ? -EINVAL : open_indirect(q, &d, &t);
			if (rc < 0)
				return rc;
			i = 0;
			continue;
		}
		rc = add_buffer(q, c, &d);
		if (rc < 0)
			return rc;
		if (!(d.flags & VRING_DESC_F_NEXT))
			return 0;
		i = d.next;
	}
}

int virtq_pop(struct virtq *q, struct virtq_chain *out)
{
	uint16_t avail_idx;
	uint16_t waiting;
	uint16_t head;
	int rc;

	/* Acquire: the entries and descriptors that the index publishes are read after it. */
	avail_idx = guest_load16_acquire(q->avail + AVAIL_IDX);
	waiting = (uint16_t)(avail_idx - q->next_avail);
	if (waiting == 0)
		return 0;
	if (waiting > q->size || q->in_flight == q->size)
		return -EPROTO;
	head = guest_load16(q->avail + AVAIL_RING + 2 * (size_t)(q->next_avail & (q->size - 1)));
	out->head = head;
	out->n_read = 0;
	out->n_write = 0;
	out->read_bytes = 0;
	out->write_bytes = 0;
	rc = add_descs(q, out, head);
	if (rc < 0)
		return rc;
	q->next_avail++;
	q->in_flight++;
	return 1;
}

void virtq_unpop(struct virtq *q)
{
	q->next_avail--;
	q->in_flight--;
}

void virtq_fill(struct virtq *q, uint16_t ahead, uint16_t head, uint32_t written)
{
	const uint16_t at = (uint16_t)(q->next_used + ahead) & (q->size - 1);
	uint8_t *elem = q->used + USED_RING + USED_ELEM_BYTES * (size_t)at;

	guest_store32(elem, head);
	guest_store32(elem + 4, written);
}

void virtq_publish(struct virtq *q, uint16_t n)
{
	q->next_used = (uint16_t)(q->next_used + n);
	q->in_flight = (uint16_t)(q->in_flight - n);
	/* Release: the element, and what was written to the buffers, are visible before the index.
	 */
	guest_store16_release(q->used + USED_IDX, q->next_used);
}

void virtq_push(struct virtq *q, uint16_t head, uint32_t written)
{
	virtq_fill(q, 0, head, written);
	virtq_publish(q, 1);
}

bool virtq_needs_call(struct virtq *q)
{
	const uint16_t before = q->called_used;
	const uint16_t now = q->next_used;

	if (before == now)
		return false;
	/* The used index must be visible before the driver's wish is read, or both sides may sleep.
	 */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	q->called_used = now;
	if (q->event_idx) {
		uint16_t event = guest_load16(q->avail + AVAIL_RING + 2 * (size_t)q->size);

		return (uint16_t)(now - event - 1) < (uint16_t)(now - before);
	}
	return !(guest_load16(q->avail + AVAIL_FLAGS) & VRING_AVAIL_F_NO_INTERRUPT);
}

/* Where the device tells the driver which available index it wants a notification for. */
static uint8_t *avail_event(const struct virtq *q)
{
	return q->used + USED_RING + USED_ELEM_BYTES * (size_t)q->size;
}

void virtq_kicks_off(struct virtq *q)
{
	if (!q->event_idx)
		guest_store16(q->used + USED_FLAGS, VRING_USED_F_NO_NOTIFY);
	/* With EVENT_IDX the event index just stays behind: the driver passes it without a kick. */
}

bool virtq_kicks_on(struct virtq *q)
{
	if (q->event_idx)
		guest_store16(avail_event(q), q->next_avail);
	else
		guest_store16(q->used + USED_FLAGS, 0);
	/* The wish must be visible before the index is looked at again, or a kick may be lost. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return guest_load16_acquire(q->avail + AVAIL_IDX) != q->next_avail;
}

/* Copies between @data and the @n buffers at @iov from byte @off on. */
static size_t copy_iov(const struct iovec *iov, size_t n, size_t off, void *data, size_t len,
		       bool to_guest)
{
	size_t done = 0;

	for (size_t i = 0; i < n && done < len; i++) {
		size_t part;
		uint8_t *p;

		if (off >= iov[i].iov_len) {
			off -= iov[i].iov_len;
			continue;
		}
		part = iov[i].iov_len - off;
		if (part > len - done)
			part = len - done;
		p = (uint8_t *)iov[i].iov_base + off;
		if (to_guest)
			memcpy(p, (uint8_t *)data + done, part);
		else
			memcpy((uint8_t *)data + done, p, part);
		done += part;
		off = 0;
	}
	return done;
}

size_t virtq_chain_read(const struct virtq_chain *c, size_t off, void *data, size_t len)
{
	return copy_iov(c->iov, c->n_read, off, data, len, false);
}

size_t virtq_chain_write(const struct virtq_chain *c, size_t off, const void *data, size_t len)
{
	/* copy_iov only reads @data when it writes to the guest. */
	return copy_iov(c->iov + c->n_read, c->n_write, off, drop_const(data), len, true);
}
