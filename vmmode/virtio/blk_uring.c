// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The block engine on io_uring: one thread owns a virtqueue and a ring. Kicks, the end, the rate
 * limit's delay and the disk all arrive as completions, so one system call submits a batch and
 * waits for whatever comes first.
 *
 * The kick eventfd is watched by a multishot poll, which is edge-triggered, and never read: its
 * counter needs 2^64 kicks to fill up.
 */
#include <fcntl.h>
#include <linux/falloc.h>
#include <poll.h>
#include <sys/uio.h>

#include "vmmode/virtio/blk_internal.h"

/* user_data: below BLK_QUEUE_SIZE the index of a request. */
enum { DATA_KICK = BLK_QUEUE_SIZE, DATA_STOP, DATA_TIMER, DATA_CANCEL };

int blk_uring_init(struct uring *ring)
{
	static const uint8_t ops[] = {
		IORING_OP_POLL_ADD, IORING_OP_TIMEOUT, IORING_OP_ASYNC_CANCEL,
		IORING_OP_READ,     IORING_OP_READV,   IORING_OP_WRITE,
		IORING_OP_WRITEV,   IORING_OP_FSYNC,   IORING_OP_FALLOCATE,
	};

	return uring_init(ring, BLK_QUEUE_SIZE, ops, ARRAY_LEN(ops));
}

/* A submission of the ring, which is drained to make room if it is full. NULL: the ring failed. */
static struct io_uring_sqe *new_sqe(struct blk_queue *bq, uint8_t opcode, uint64_t data)
{
	struct io_uring_sqe *sqe;

	while (!(sqe = uring_sqe(&bq->ring))) {
		int rc = uring_enter(&bq->ring, 0);

		if (rc < 0) {
			virtio_device_broken(&bq->blk->dev, rc, "io_uring");
			return NULL;
		}
	}
	sqe->opcode = opcode;
	sqe->fd = -1;
	sqe->user_data = data;
	bq->in_ring++;
	return sqe;
}

static void watch(struct blk_queue *bq, int fd, uint64_t data, uint32_t flags)
{
	struct io_uring_sqe *sqe = new_sqe(bq, IORING_OP_POLL_ADD, data);

	if (!sqe)
		return;
	sqe->fd = fd;
	sqe->poll32_events = POLLIN;
	sqe->len = flags;
}

static void arm_kick(struct blk_queue *bq)
{
	watch(bq, bq->q->kick_fd, DATA_KICK, IORING_POLL_ADD_MULTI);
	bq->kick_armed = true;
}

static void arm_timer(struct blk_queue *bq, uint64_t wait_ns)
{
	struct io_uring_sqe *sqe = new_sqe(bq, IORING_OP_TIMEOUT, DATA_TIMER);

	if (!sqe)
		return;
	bq->delay = (struct __kernel_timespec){ .tv_sec = (int64_t)(wait_ns / 1000000000),
						.tv_nsec = (int64_t)(wait_ns % 1000000000) };
	sqe->addr = (uint64_t)(uintptr_t)&bq->delay;
	sqe->len = 1;
	bq->timer_armed = true;
}

static void cancel(struct blk_queue *bq, uint64_t data)
{
	struct io_uring_sqe *sqe = new_sqe(bq, IORING_OP_ASYNC_CANCEL, DATA_CANCEL);

	if (sqe)
		sqe->addr = data;
}

static uint8_t opcode_of(const struct blk_io *io)
{
	switch (io->op) {
	case BLK_OP_READ:
		return io->n_iov == 1 ? IORING_OP_READ : IORING_OP_READV;
	case BLK_OP_WRITE:
		return io->n_iov == 1 ? IORING_OP_WRITE : IORING_OP_WRITEV;
	case BLK_OP_SYNC:
		return IORING_OP_FSYNC;
	case BLK_OP_FALLOCATE:
		return IORING_OP_FALLOCATE;
	}
	return IORING_OP_NOP;
}

static void fill_sqe(struct io_uring_sqe *sqe, const struct blk_io *io)
{
	switch (io->op) {
	case BLK_OP_READ:
	case BLK_OP_WRITE:
		sqe->off = io->off;
		sqe->rw_flags = io->op == BLK_OP_WRITE && io->durable ? RWF_DSYNC : 0;
		if (io->n_iov == 1) {
			sqe->addr = (uint64_t)(uintptr_t)io->iov->iov_base;
			sqe->len = (uint32_t)io->iov->iov_len;
		} else {
			sqe->addr = (uint64_t)(uintptr_t)io->iov;
			sqe->len = io->n_iov;
		}
		break;
	case BLK_OP_SYNC:
		sqe->fsync_flags = IORING_FSYNC_DATASYNC;
		break;
	case BLK_OP_FALLOCATE:
		sqe->off = io->off;
		sqe->addr = io->bytes;
		sqe->len = (uint32_t)io->mode;
		break;
	}
}

/* Submits the next operation of request @i, or answers it. */
static void proceed(struct blk_queue *bq, uint16_t i)
{
	struct blk_req *r = &bq->reqs[i];
	struct io_uring_sqe *sqe;
	struct blk_io io;

	if (!blk_next(bq, r, &io)) {
		virtq_push(&bq->q->vq, r->head, blk_req_finish(r));
		bq->free[bq->n_free++] = i;
		return;
	}
	sqe = new_sqe(bq, opcode_of(&io), i);
	if (!sqe)
		return;
	sqe->fd = bq->blk->shared.disk.fd;
	fill_sqe(sqe, &io);
}

/* Starts all requests that are waiting. */
static void start_requests(struct blk_queue *bq)
{
	uint64_t wait_ns = 0;

	/* Without a free slot the queue's length is in flight, and virtq_pop() would say that the
	 * driver broke the rules if there was more. */
	while (bq->n_free > 0 && !bq->timer_armed) {
		uint16_t i = bq->free[bq->n_free - 1];

		if (!blk_take(bq, &bq->reqs[i], &wait_ns))
			break;
		bq->n_free--;
		proceed(bq, i);
	}
	if (wait_ns != 0)
		arm_timer(bq, wait_ns);
}

static void on_completion(struct blk_queue *bq, uint64_t data, int32_t res, uint32_t flags)
{
	if (!(flags & IORING_CQE_F_MORE))
		bq->in_ring--;
	switch (data) {
	case DATA_KICK:
		bq->kick_armed = flags & IORING_CQE_F_MORE;
		if (res < 0 && res != -ECANCELED)
			virtio_device_broken(&bq->blk->dev, res, "the kick's eventfd");
		break;
	case DATA_STOP:
		bq->stopping = true;
		break;
	case DATA_TIMER:
		bq->timer_armed = false;
		break;
	case DATA_CANCEL:
		break;
	default:
		blk_req_result(&bq->reqs[data], &bq->blk->shared, res);
		proceed(bq, (uint16_t)data);
	}
}

/* Submits, waits for a completion, handles all that are there. False: the ring failed. */
static bool turn(struct blk_queue *bq)
{
	uint64_t data;
	uint32_t flags;
	int32_t res;
	int rc = uring_enter(&bq->ring, 1);

	if (rc < 0) {
		virtio_device_broken(&bq->blk->dev, rc, "io_uring");
		return false;
	}
	while (uring_cqe(&bq->ring, &data, &res, &flags))
		on_completion(bq, data, res, flags);
	return true;
}

void *blk_uring_thread(void *arg)
{
	struct blk_queue *bq = arg;

	bq->n_free = 0;
	while (bq->n_free < BLK_QUEUE_SIZE) {
		/* The last one freed is used first: few pages are ever touched. */
		bq->free[bq->n_free] = (uint16_t)(BLK_QUEUE_SIZE - 1 - bq->n_free);
		bq->n_free++;
	}
	bq->in_ring = 0;
	bq->timer_armed = false;
	watch(bq, bq->blk->stop_fd, DATA_STOP, 0);
	arm_kick(bq);
	while (!bq->stopping) {
		start_requests(bq);
		virtio_queue_call(bq->q);
		if (!turn(bq))
			break;
		if (!bq->kick_armed && !atomic_load(&bq->blk->dev.broken))
			arm_kick(bq);
	}
	if (bq->kick_armed)
		cancel(bq, DATA_KICK);
	if (bq->timer_armed)
		cancel(bq, DATA_TIMER);
	/* What is in flight writes to guest memory: it is waited for, and answered. */
	while (bq->in_ring > 0 && turn(bq))
		;
	/* It failed: closing it ends what is in flight. It is not used again. */
	if (bq->in_ring > 0)
		uring_fini(&bq->ring);
	virtio_queue_call(bq->q);
	return NULL;
}
