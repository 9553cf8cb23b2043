/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The little of io_uring that a device needs, on the bare system calls: no library, so that its
 * whole interface to the kernel is on one page and in one seccomp rule (io_uring_enter) after
 * uring_init(). A ring belongs to one thread at a time.
 * Source: io_uring(7), io_uring_setup(2), io_uring_enter(2), uapi linux/io_uring.h.
 */
#ifndef BIVALVE_VMMODE_VIRTIO_URING_H
#define BIVALVE_VMMODE_VIRTIO_URING_H

#include <linux/io_uring.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "spec/base/cleanup.h"

struct uring {
	int fd; /* owned; -1: none */
	void *rings;
	size_t rings_bytes;
	struct io_uring_sqe *sqes;
	size_t sqes_bytes;
	uint32_t *sq_head, *sq_tail, *cq_head, *cq_tail;
	struct io_uring_cqe *cqes;
	uint32_t sq_mask, cq_mask;
	uint32_t sq_size;
	uint32_t tail; /* of the submissions filled in, published or not */
};

#define URING_INIT                                                                                 \
	{                                                                                          \
		.fd = -1                                                                           \
	}

/*
 * uring_init - a ring for @entries submissions (1 .. 4096) and twice as many completions.
 * @ops: the IORING_OP_* that it may ever carry out, @n_ops of them (at most URING_OPS_MAX). What a
 *       ring does passes by seccomp, so the kernel is told to refuse all else: other operations,
 *       flags of a submission, later registrations.
 * Returns 0; -ENOSYS, -EPERM io_uring can not be had here; -EOPNOTSUPP the kernel is older than
 * 5.13 (no multishot poll); -errno.
 */
enum { URING_OPS_MAX = 16 };
MUST_CHECK int uring_init(struct uring *r, uint32_t entries, const uint8_t *ops, size_t n_ops);
void uring_fini(struct uring *r);

/* uring_sqe - the next submission, zeroed, or NULL: full until uring_enter(). */
struct io_uring_sqe *uring_sqe(struct uring *r);

/* uring_enter - submits what was filled in and waits for @wait completions. 0 or -errno; EINTR,
 * EAGAIN and EBUSY (completions first) are not errors. */
MUST_CHECK int uring_enter(struct uring *r, uint32_t wait);

/* uring_cqe - takes the oldest completion, as a copy. False: there is none. */
static inline bool uring_cqe(struct uring *r, uint64_t *out_data, int32_t *out_res,
			     uint32_t *out_flags)
{
	const uint32_t head = *r->cq_head;
	const struct io_uring_cqe *c;

	/* Acquire: the entry is read after the tail that publishes it. */
	if (head == __atomic_load_n(r->cq_tail, __ATOMIC_ACQUIRE))
		return false;
	c = &r->cqes[head & r->cq_mask];
	*out_data = c->user_data;
	*out_res = c->res;
	*out_flags = c->flags;
	/* Release: the kernel may use the entry again once it sees the head. */
	__atomic_store_n(r->cq_head, head + 1, __ATOMIC_RELEASE);
	return true;
}

#endif
