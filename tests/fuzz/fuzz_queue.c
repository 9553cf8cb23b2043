// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A hostile driver of a bare queue. RUN takes a chain, and reads and writes every byte that it is
 * told to be the guest's. HOST n b: gives a chain back, puts one back, asks about notifications, or
 * begins anew with rings where n says.
 */
#include "tests/fuzz/device.h"

enum { STEPS_MAX = 128 };

static struct {
	struct guest_mem mem;
	uint8_t *ram;
	struct vqd d;
	struct virtq vq;
	struct virtq_chain chain;
	uint16_t heads[FUZZ_QUEUE_SIZE]; /* in flight */
	unsigned int n_heads;
	bool just_popped;
	unsigned int sum; /* so that reading is not left out */
} m;

static void begin(const struct virtq_config *config, uint32_t features)
{
	virtq_reset(&m.vq);
	m.n_heads = 0;
	m.just_popped = false;
	if (virtq_activate(&m.vq, &m.mem, config, FUZZ_QUEUE_SIZE) < 0)
		return;
	m.vq.event_idx = features & 1;
	m.vq.indirect = features & 2;
}

static void touch(const struct virtq_chain *c)
{
	uint64_t read_bytes = 0;
	uint64_t write_bytes = 0;

	for (unsigned int i = 0; i < c->n_read + (unsigned int)c->n_write; i++) {
		uint8_t *p = c->iov[i].iov_base;
		const size_t len = c->iov[i].iov_len;

		if (p < m.ram || len > (size_t)(m.ram + VQD_BYTES - p))
			abort();
		/* The ends are enough for a sanitizer. */
		m.sum += len ? (unsigned int)p[0] + p[len - 1] : 0;
		if (i >= c->n_read && len)
			p[0] = p[len - 1] = (uint8_t)i;
		*(i < c->n_read ? &read_bytes : &write_bytes) += len;
	}
	if (c->n_read + c->n_write > FUZZ_QUEUE_SIZE || read_bytes != c->read_bytes ||
	    write_bytes != c->write_bytes)
		abort();
}

static void run(size_t queue)
{
	int rc;

	(void)queue;
	if (!virtq_is_active(&m.vq))
		return;
	rc = virtq_pop(&m.vq, &m.chain);
	m.just_popped = rc > 0;
	if (rc < 0)
		virtq_reset(&m.vq); /* as a device that is broken: it looks no more */
	if (rc <= 0)
		return;
	if (m.n_heads == FUZZ_QUEUE_SIZE || m.chain.head >= FUZZ_QUEUE_SIZE)
		abort();
	m.heads[m.n_heads++] = m.chain.head;
	touch(&m.chain);
}

static void host(struct vq_input *in)
{
	const uint32_t n = vq_take(in, 2);
	const uint32_t what = vq_take(in, 1);
	struct virtq_config c = m.d.config;

	if (what & 0x80) {
		c.size = (uint16_t)(what & 0x40 ? n : FUZZ_QUEUE_SIZE);
		c.desc += what & 0x20 ? (gpa_t)n << 4 : 0;
		c.avail -= what & 0x10 ? (gpa_t)n << 1 : 0;
		c.used += what & 0x08 ? (gpa_t)n << 2 : 0;
		begin(&c, what);
	} else if (!virtq_is_active(&m.vq)) {
		return;
	} else if (what & 0x40 && m.just_popped) {
		virtq_unpop(&m.vq);
		m.n_heads--;
		m.just_popped = false;
	} else if (what & 0x20 && m.n_heads) {
		virtq_push(&m.vq, m.heads[--m.n_heads], n);
		m.just_popped = false;
	} else if (what & 0x10) {
		virtq_kicks_off(&m.vq);
	} else {
		m.sum += virtq_kicks_on(&m.vq) + (unsigned int)virtq_needs_call(&m.vq);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vq_input in = { data, size };

	if (!m.ram)
		m.ram = vqd_ram_new(&m.mem);
	memset(m.ram, 0, VQD_BYTES);
	vqd_init(&m.d, m.ram, 0, FUZZ_QUEUE_SIZE);
	begin(&m.d.config, vq_take(&in, 1));
	for (int i = 0; i < STEPS_MAX && in.left > 0; i++) {
		size_t queue;
		const enum vq_op op = vq_step(&in, &m.d, 1, &queue);

		if (op == VQ_RUN)
			run(queue);
		else if (op == VQ_HOST)
			host(&in);
		else if (op == VQ_FRESH)
			begin(&m.d.config, vq_take(&in, 1));
	}
	return 0;
}
