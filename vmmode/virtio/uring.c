// SPDX-License-Identifier: GPL-2.0-or-later
/* io_uring on the bare system calls. */
#include "vmmode/virtio/uring.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

/* 5.13, the first with multishot poll, shows itself by this one. */
#define FEATURES_NEEDED                                                                            \
	(IORING_FEAT_SINGLE_MMAP | IORING_FEAT_NODROP | IORING_FEAT_SUBMIT_STABLE |                \
	 IORING_FEAT_RSRC_TAGS)

static int setup(uint32_t entries, struct io_uring_params *p)
{
	int fd;

	/* COOP_TASKRUN (5.19): no interrupts of the thread for completions that it will see at its
	 * next io_uring_enter() anyway. */
	*p = (struct io_uring_params){ .flags =
					   IORING_SETUP_COOP_TASKRUN | IORING_SETUP_R_DISABLED };
	fd = (int)syscall(SYS_io_uring_setup, entries, p);
	if (fd < 0 && errno == EINVAL) {
		*p = (struct io_uring_params){ .flags = IORING_SETUP_R_DISABLED };
		fd = (int)syscall(SYS_io_uring_setup, entries, p);
	}
	return fd < 0 ? -errno : fd;
}

/* Allows @ops, nothing else, for ever; and then the ring begins to work. */
static int restrict_ops(int fd, const uint8_t *ops, size_t n_ops)
{
	struct io_uring_restriction rules[URING_OPS_MAX] = { 0 };

	if (n_ops == 0 || n_ops > URING_OPS_MAX)
		return -EINVAL;
	for (size_t i = 0; i < n_ops; i++) {
		rules[i].opcode = IORING_RESTRICTION_SQE_OP;
		rules[i].sqe_op = ops[i];
	}
	if (syscall(SYS_io_uring_register, fd, IORING_REGISTER_RESTRICTIONS, rules, n_ops) < 0 ||
	    syscall(SYS_io_uring_register, fd, IORING_REGISTER_ENABLE_RINGS, NULL, 0) < 0)
		return -errno;
	return 0;
}

static int map_ring(struct uring *r, const struct io_uring_params *p)
{
	const size_t sq_bytes = p->sq_off.array + p->sq_entries * sizeof(uint32_t);
	const size_t cq_bytes = p->cq_off.cqes + p->cq_entries * sizeof(struct io_uring_cqe);
	const int prot = PROT_READ | PROT_WRITE;
	uint8_t *base;
	void *sqes;

	r->rings_bytes = sq_bytes > cq_bytes ? sq_bytes : cq_bytes;
	base =
	    mmap(NULL, r->rings_bytes, prot, MAP_SHARED | MAP_POPULATE, r->fd, IORING_OFF_SQ_RING);
	if (base == MAP_FAILED)
		return -errno;
	r->rings = base;
	r->sqes_bytes = p->sq_entries * sizeof(struct io_uring_sqe);
	sqes = mmap(NULL, r->sqes_bytes, prot, MAP_SHARED | MAP_POPULATE, r->fd, IORING_OFF_SQES);
	if (sqes == MAP_FAILED)
		return -errno;
	r->sqes = sqes;
	r->sq_head = (uint32_t *)(void *)(base + p->sq_off.head);
	r->sq_tail = (uint32_t *)(void *)(base + p->sq_off.tail);
	r->sq_mask = *(const uint32_t *)(void *)(base + p->sq_off.ring_mask);
	r->cq_head = (uint32_t *)(void *)(base + p->cq_off.head);
	r->cq_tail = (uint32_t *)(void *)(base + p->cq_off.tail);
	r->cq_mask = *(const uint32_t *)(void *)(base + p->cq_off.ring_mask);
	r->cqes = (struct io_uring_cqe *)(void *)(base + p->cq_off.cqes);
	r->sq_size = p->sq_entries;
	/* Submission i is always entry i: the indirection is filled in once. */
	for (uint32_t i = 0; i < p->sq_entries; i++)
		((uint32_t *)(void *)(base + p->sq_off.array))[i] = i;
	return 0;
}

int uring_init(struct uring *r, uint32_t entries, const uint8_t *ops, size_t n_ops)
{
	struct io_uring_params p;
	int rc;

	*r = (struct uring)URING_INIT;
	rc = setup(entries, &p);
	if (rc < 0)
		return rc;
	r->fd = rc; /* close-on-exec by birth */
	rc = (p.features & FEATURES_NEEDED) == FEATURES_NEEDED ? map_ring(r, &p) : -EOPNOTSUPP;
	if (rc == 0)
		rc = restrict_ops(r->fd, ops, n_ops);
	if (rc < 0)
		uring_fini(r);
	return rc;
}

void uring_fini(struct uring *r)
{
	if (r->sqes)
		(void)munmap(r->sqes, r->sqes_bytes);
	if (r->rings)
		(void)munmap(r->rings, r->rings_bytes);
	cleanup_close(&r->fd);
	*r = (struct uring)URING_INIT;
}

struct io_uring_sqe *uring_sqe(struct uring *r)
{
	struct io_uring_sqe *sqe;

	/* Acquire: the kernel has copied an entry before it moves the head past it. */
	if (r->tail - __atomic_load_n(r->sq_head, __ATOMIC_ACQUIRE) == r->sq_size)
		return NULL;
	sqe = &r->sqes[r->tail++ & r->sq_mask];
	memset(sqe, 0, sizeof(*sqe));
	return sqe;
}

int uring_enter(struct uring *r, uint32_t wait)
{
	uint32_t todo;

	/* Release: the entries are filled in before the tail that publishes them. */
	__atomic_store_n(r->sq_tail, r->tail, __ATOMIC_RELEASE);
	todo = r->tail - __atomic_load_n(r->sq_head, __ATOMIC_ACQUIRE);
	/* GETEVENTS always: with COOP_TASKRUN this is where completions are run. */
	if (syscall(SYS_io_uring_enter, r->fd, todo, wait, IORING_ENTER_GETEVENTS, NULL, 0) < 0 &&
	    errno != EINTR && errno != EAGAIN && errno != EBUSY)
		return -errno;
	return 0;
}
