// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The block engine without io_uring: a few threads take turns at a virtqueue. One of them watches
 * the kick eventfd; when it has taken a request it wakes another to watch, and then blocks in its
 * own request's system calls. The lock covers the rings, never the disk.
 */
#include <fcntl.h>
#include <poll.h>
#include <sys/uio.h>

#include "spec/base/log.h"
#include "vmmode/virtio/blk_internal.h"

static int64_t perform(const struct disk *d, const struct blk_io *io)
{
	const int n = (int)io->n_iov;
	int64_t rc = -1;

	switch (io->op) {
	case BLK_OP_READ:
		rc = preadv2(d->fd, io->iov, n, (int64_t)io->off, 0);
		break;
	case BLK_OP_WRITE:
		rc = pwritev2(d->fd, io->iov, n, (int64_t)io->off, io->durable ? RWF_DSYNC : 0);
		break;
	case BLK_OP_SYNC:
		rc = fdatasync(d->fd);
		break;
	case BLK_OP_FALLOCATE:
		rc = fallocate(d->fd, io->mode, (int64_t)io->off, (int64_t)io->bytes);
		break;
	}
	return rc < 0 ? -errno : rc;
}

/* Waits for a kick, the end, or @wait_ns (0: no limit). */
static void watch(struct blk_queue *bq, uint64_t wait_ns)
{
	const struct timespec limit = { .tv_sec = (time_t)(wait_ns / 1000000000),
					.tv_nsec = (int64_t)(wait_ns % 1000000000) };
	struct pollfd p[] = {
		{ .fd = bq->blk->stop_fd, .events = POLLIN },
		/* While the rate limit holds requests back, kicks are of no use. */
		{ .fd = wait_ns ? -1 : bq->q->kick_fd, .events = POLLIN },
	};

	bq->watched = true;
	(void)pthread_mutex_unlock(&bq->lock);
	if (ppoll(p, ARRAY_LEN(p), wait_ns ? &limit : NULL, NULL) < 0 && errno != EINTR)
		log_debug("virtio-blk: poll: %m, ignoring");
	if (p[1].revents)
		virtio_queue_drain_kick(bq->q);
	(void)pthread_mutex_lock(&bq->lock);
	bq->watched = false;
	if (p[0].revents)
		bq->stopping = true;
}

void *blk_pool_thread(void *arg)
{
	struct blk_queue *bq = arg;
	struct blk_req *r = NULL;
	uint64_t wait_ns;

	(void)pthread_mutex_lock(&bq->lock);
	/* Each thread has one slot: the one of its place in line. */
	r = &bq->reqs[bq->n_free++];
	while (!bq->stopping) {
		struct blk_io io;

		if (!blk_take(bq, r, &wait_ns)) {
			if (bq->watched)
				(void)pthread_cond_wait(&bq->turn, &bq->lock);
			else
				watch(bq, wait_ns);
			continue;
		}
		if (!bq->watched)
			(void)pthread_cond_signal(&bq->turn);
		(void)pthread_mutex_unlock(&bq->lock);
		while (blk_next(bq, r, &io))
			blk_req_result(r, &bq->blk->shared, perform(&bq->blk->shared.disk, &io));
		(void)pthread_mutex_lock(&bq->lock);
		virtq_push(&bq->q->vq, r->head, blk_req_finish(r));
		virtio_queue_call(bq->q);
	}
	(void)pthread_cond_broadcast(&bq->turn);
	(void)pthread_mutex_unlock(&bq->lock);
	return NULL;
}
