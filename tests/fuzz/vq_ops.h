/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A fuzzer's input as a driver's deeds. Each begins with one byte, its kind modulo VQ_OPS; numbers
 * are little-endian; what is missing at the end is zero.
 *   0 DESC     queue u8, index u8, offset u32, length u32, flags u16, next u16
 *   1 PUBLISH  queue u8, head u16
 *   2 BYTES    offset u32, count u8, the bytes
 *   3 RUN      queue u8: the device works
 *   4 INDEX    queue u8, available index u16: a jump
 *   5 HOST     count u16, byte u8: the other side of the device acts
 *   6 FRESH    reset, and the queues again as at the start
 */
#ifndef BIVALVE_TESTS_FUZZ_VQ_OPS_H
#define BIVALVE_TESTS_FUZZ_VQ_OPS_H

#include <stdint.h>
#include <string.h>

#include "tests/unit/vq_driver.h"

enum vq_op { VQ_DESC, VQ_PUBLISH, VQ_BYTES, VQ_RUN, VQ_INDEX, VQ_HOST, VQ_FRESH, VQ_OPS };

struct vq_input {
	const uint8_t *p;
	size_t left;
};

static inline uint32_t vq_take(struct vq_input *in, size_t bytes)
{
	uint32_t v = 0;
	size_t n = bytes < in->left ? bytes : in->left;

	memcpy(&v, in->p, n);
	in->p += n;
	in->left -= n;
	return v;
}

/* Does what concerns memory alone. Returns the kind, with @out_queue of those that name one. */
static inline enum vq_op vq_step(struct vq_input *in, struct vqd *d, size_t n_queues,
				 size_t *out_queue)
{
	const enum vq_op op = (enum vq_op)(vq_take(in, 1) % VQ_OPS);
	uint32_t at;
	uint32_t n;

	*out_queue = 0;
	if (op == VQ_DESC || op == VQ_PUBLISH || op == VQ_RUN || op == VQ_INDEX)
		*out_queue = vq_take(in, 1) % n_queues;
	if (op == VQ_DESC) {
		struct vqd *q = &d[*out_queue];
		uint16_t i = (uint16_t)(vq_take(in, 1) % q->size);
		/* Addresses in two reads: one expression would not fix their order. */
		uint32_t off = vq_take(in, 4);
		uint32_t len = vq_take(in, 4);
		uint16_t flags = (uint16_t)vq_take(in, 2);

		vqd_desc(q, i, VQD_GPA + (gpa_t)off, len, flags, (uint16_t)vq_take(in, 2));
	} else if (op == VQ_PUBLISH) {
		vqd_publish(&d[*out_queue], (uint16_t)vq_take(in, 2));
	} else if (op == VQ_BYTES) {
		at = vq_take(in, 4) % (VQD_BYTES - 256);
		n = vq_take(in, 1);
		for (uint32_t i = 0; i < n; i++)
			d->ram[at + i] = (uint8_t)vq_take(in, 1);
	} else if (op == VQ_INDEX) {
		d[*out_queue].avail_idx = (uint16_t)vq_take(in, 2);
		d[*out_queue].avail->idx = d[*out_queue].avail_idx;
	}
	return op;
}

#endif
