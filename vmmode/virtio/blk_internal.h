/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The block device's state and its two engines. An engine performs what blk_req.h says: io_uring by
 * one thread for each queue, or blocking calls by several that take turns. Between blk_start() and
 * the joined threads everything in struct blk_queue belongs to these threads.
 */
#ifndef BIVALVE_VMMODE_VIRTIO_BLK_INTERNAL_H
#define BIVALVE_VMMODE_VIRTIO_BLK_INTERNAL_H

#include <pthread.h>

#include "vmmode/virtio/blk_req.h"
#include "vmmode/virtio/uring.h"

enum { BLK_POOL_THREADS = 4 };

struct blk;

struct blk_queue {
	struct blk *blk;
	struct virtio_queue *q;
	struct virtq_chain chain; /* the one just popped */
	struct blk_req *reqs;     /* owned: BLK_QUEUE_SIZE, untouched pages until used */
	pthread_t threads[BLK_POOL_THREADS];
	unsigned int n_threads; /* that run; 0: the queue is not active */

	/* io_uring */
	struct uring ring; /* lives as long as the device */
	uint16_t free[BLK_QUEUE_SIZE];
	uint16_t n_free;                /* with threads: how many have begun */
	unsigned int in_ring;           /* completions that are still to come */
	bool kick_armed, timer_armed;   /* these two are among them */
	bool stopping;                  /* also the threads' */
	struct __kernel_timespec delay; /* of the timer */

	/* threads; @lock guards the virtq, chain, stopping, watched */
	pthread_mutex_t lock;
	pthread_cond_t turn;
	bool watched; /* a thread waits at the kick eventfd */
};

struct blk {
	struct virtio_device dev;
	struct blk_shared shared;
	struct ratelimit limit;
	bool use_uring;
	int stop_fd; /* owned: an eventfd, readable while the threads are to end */
	struct virtio_blk_config config;
	struct virtio_queue vqs[BLK_QUEUES_MAX];
	struct blk_queue *queues[BLK_QUEUES_MAX]; /* owned */
};

/*
 * blk_take - the next request of the queue, if the rate limit lets it pass.
 * @out_wait_ns: set when it does not: how long to wait
 * Returns true and fills @r; false: nothing to do now, and unless @out_wait_ns is set the driver
 * will kick for the next chain. After a broken ring it is always false.
 */
bool blk_take(struct blk_queue *bq, struct blk_req *r, uint64_t *out_wait_ns);

/* blk_next - blk_req_next(), charged to the rate limit. */
bool blk_next(struct blk_queue *bq, struct blk_req *r, struct blk_io *out);

/* blk_uring_init - the queue's ring: 0 or -errno as of uring_init(). */
MUST_CHECK int blk_uring_init(struct uring *ring);

/* The threads' bodies; @arg is a struct blk_queue. They return when stop_fd is readable and nothing
 * is in flight. */
void *blk_uring_thread(void *arg);
void *blk_pool_thread(void *arg);

#endif
