// SPDX-License-Identifier: GPL-2.0-or-later
/* The virtio block device: configuration, life cycle, and what both engines share. */
#include "vmmode/virtio/blk.h"

#include <linux/virtio_ids.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

#include "vmmode/virtio/blk_internal.h"

#define FEATURE(bit) (UINT64_C(1) << (bit))

enum {
	ZEROS_BYTES = 1 << 20,
	/* The secure erase fields are not offered. */
	CONFIG_BYTES = offsetof(struct virtio_blk_config, max_secure_erase_sectors),
};

static struct blk *blk_of(struct virtio_device *dev)
{
	return CONTAINER_OF(dev, struct blk, dev);
}

/* ---- what the engines share --------------------------------------------------------------------
 */

bool blk_take(struct blk_queue *bq, struct blk_req *r, uint64_t *out_wait_ns)
{
	struct blk *b = bq->blk;
	struct virtq *vq = &bq->q->vq;
	int rc;

	*out_wait_ns = 0;
	if (bq->stopping || atomic_load(&b->dev.broken))
		return false;
	if (ratelimit_is_on(&b->limit)) {
		*out_wait_ns = ratelimit_wait(&b->limit, ratelimit_now());
		if (*out_wait_ns != 0)
			return false;
	}
	virtq_kicks_off(vq);
	do {
		rc = virtq_pop(vq, &bq->chain);
	} while (rc == 0 && virtq_kicks_on(vq));
	if (rc == 0)
		return false;
	if (rc > 0)
		rc = blk_req_start(r, &b->shared, &bq->chain);
	if (rc < 0) {
		virtio_device_broken(&b->dev, rc, "a request's buffers");
		return false;
	}
	return true;
}

bool blk_next(struct blk_queue *bq, struct blk_req *r, struct blk_io *out)
{
	struct blk *b = bq->blk;

	if (!blk_req_next(r, &b->shared, out))
		return false;
	if (ratelimit_is_on(&b->limit)) {
		bool moves = out->op == BLK_OP_READ || out->op == BLK_OP_WRITE;

		ratelimit_charge(&b->limit, moves ? (uint32_t)out->bytes : 0, ratelimit_now());
	}
	return true;
}

/* ---- life cycle --------------------------------------------------------------------------------
 */

static void queue_stop(struct blk_queue *bq)
{
	for (unsigned int i = 0; i < bq->n_threads; i++)
		(void)pthread_join(bq->threads[i], NULL);
	bq->n_threads = 0;
}

static int queue_start(struct blk_queue *bq)
{
	const bool use_uring = bq->blk->use_uring;
	const unsigned int n = use_uring ? 1 : BLK_POOL_THREADS;
	const struct thread_options o = {
		.kind = THREAD_DISK,
		.name = "disk",
		.run = use_uring ? blk_uring_thread : blk_pool_thread,
		.arg = bq,
	};
	int rc = 0;

	/* A ring that failed once is gone. */
	if (use_uring && bq->ring.fd < 0)
		return -EIO;
	bq->stopping = false;
	bq->n_free = 0;
	bq->watched = false;
	while (bq->n_threads < n && rc == 0) {
		rc = thread_start(bq->blk->dev.starter, &o, &bq->threads[bq->n_threads]);
		if (rc == 0)
			bq->n_threads++;
	}
	return rc;
}

static void blk_reset(struct virtio_device *dev)
{
	struct blk *b = blk_of(dev);
	uint64_t count = 1;

	if (write(b->stop_fd, &count, sizeof(count)) < 0)
		abort(); /* the threads would never end */
	for (uint16_t i = 0; i < dev->n_queues; i++)
		queue_stop(b->queues[i]);
	if (read(b->stop_fd, &count, sizeof(count)) < 0)
		abort();
}

static int blk_activate(struct virtio_device *dev)
{
	struct blk *b = blk_of(dev);
	int rc = 0;

	b->shared.writeback = dev->features & FEATURE(VIRTIO_BLK_F_FLUSH);
	for (uint16_t i = 0; i < dev->n_queues && rc == 0; i++) {
		if (virtq_is_active(&dev->queues[i].vq))
			rc = queue_start(b->queues[i]);
	}
	if (rc < 0)
		blk_reset(dev);
	return rc;
}

static void blk_config_read(struct virtio_device *dev, uint32_t off, void *data, uint32_t len)
{
	memcpy(data, (const uint8_t *)&blk_of(dev)->config + off, len);
}

static void queue_free(struct blk_queue *bq)
{
	if (!bq)
		return;
	uring_fini(&bq->ring);
	(void)pthread_mutex_destroy(&bq->lock);
	(void)pthread_cond_destroy(&bq->turn);
	free(bq->reqs);
	free(bq);
}

static void blk_destroy(struct virtio_device *dev)
{
	struct blk *b = blk_of(dev);

	for (uint16_t i = 0; i < dev->n_queues; i++)
		queue_free(b->queues[i]);
	if (b->shared.zeros.iov_base)
		(void)munmap(b->shared.zeros.iov_base, ZEROS_BYTES);
	cleanup_close(&b->stop_fd);
	free(b);
}

static const struct virtio_device_ops blk_ops = {
	.name = "blk",
	.config_read = blk_config_read,
	.activate = blk_activate,
	.reset = blk_reset,
	.destroy = blk_destroy,
};

/* ---- construction ------------------------------------------------------------------------------
 */

static void fill_config(struct blk *b)
{
	const struct disk *d = &b->shared.disk;
	struct virtio_blk_config *c = &b->config;
	uint64_t offered =
	    VIRTIO_COMMON_FEATURES | FEATURE(VIRTIO_BLK_F_SEG_MAX) | FEATURE(VIRTIO_BLK_F_BLK_SIZE);

	c->capacity = d->sectors;
	c->seg_max = BLK_SEG_MAX;
	c->blk_size = d->block_bytes;
	c->num_queues = b->dev.n_queues;
	if (b->dev.n_queues > 1)
		offered |= FEATURE(VIRTIO_BLK_F_MQ);
	if (d->read_only) {
		offered |= FEATURE(VIRTIO_BLK_F_RO);
	} else {
		offered |= FEATURE(VIRTIO_BLK_F_FLUSH) | FEATURE(VIRTIO_BLK_F_WRITE_ZEROES);
		c->max_write_zeroes_sectors = BLK_RANGE_SECTORS_MAX;
		c->max_write_zeroes_seg = BLK_RANGES_MAX;
		c->write_zeroes_may_unmap = d->can_punch;
	}
	if (d->can_punch) {
		offered |= FEATURE(VIRTIO_BLK_F_DISCARD);
		c->max_discard_sectors = BLK_RANGE_SECTORS_MAX;
		c->max_discard_seg = BLK_RANGES_MAX;
		c->discard_sector_alignment = d->block_bytes >> SECTOR_SHIFT;
	}
	b->dev.offered = offered;
	b->dev.config_len = CONFIG_BYTES;
}

static int new_queue(struct blk *b, uint16_t i, enum blk_engine engine, struct err *err)
{
	struct blk_queue *bq = calloc(1, sizeof(*bq));
	int rc = -ENOSYS;

	if (!bq)
		return err_set(err, -ENOMEM, "blk: no memory for a queue");
	b->queues[i] = bq;
	bq->blk = b;
	bq->q = &b->vqs[i];
	bq->ring = (struct uring)URING_INIT;
	(void)pthread_mutex_init(&bq->lock, NULL);
	(void)pthread_cond_init(&bq->turn, NULL);
	b->vqs[i] =
	    (struct virtio_queue){ .size_max = BLK_QUEUE_SIZE, .kick_fd = -1, .call_fd = -1 };
	bq->reqs = calloc(BLK_QUEUE_SIZE, sizeof(*bq->reqs));
	if (!bq->reqs)
		return err_set(err, -ENOMEM, "blk: no memory for requests");
	if (engine != BLK_ENGINE_THREADS)
		rc = blk_uring_init(&bq->ring);
	if (rc < 0 && engine == BLK_ENGINE_URING)
		return err_code(err, rc, "blk: set up io_uring");
	/* One queue without a ring, and all use threads. */
	if (rc < 0)
		b->use_uring = false;
	return 0;
}

static int init(struct blk *b, const struct virtio_blk_options *opts, struct err *err)
{
	const size_t serial_bytes = opts->serial ? strlen(opts->serial) : 0;
	void *zeros;
	int rc = disk_init(&b->shared.disk, opts->fd, opts->read_only, err);

	if (rc < 0)
		return rc;
	if (serial_bytes > BLK_SERIAL_BYTES)
		return err_set(err, -EINVAL, "blk: a serial number has at most %d bytes",
			       BLK_SERIAL_BYTES);
	memcpy(b->shared.serial, serial_bytes ? opts->serial : "", serial_bytes);
	rc = ratelimit_init(&b->limit, &opts->limit, ratelimit_now());
	if (rc < 0)
		return err_code(err, rc, "blk: rate limit");
	/* Never written to, so all of it is the kernel's one page of zeros. */
	zeros = mmap(NULL, ZEROS_BYTES, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (zeros == MAP_FAILED)
		return err_sys(err, "blk: map zeros");
	b->shared.zeros = (struct iovec){ .iov_base = zeros, .iov_len = ZEROS_BYTES };
	b->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (b->stop_fd < 0)
		return err_sys(err, "blk: make an eventfd");
	b->use_uring = true;
	while (b->dev.n_queues < opts->n_queues) {
		rc = new_queue(b, b->dev.n_queues, opts->engine, err);
		b->dev.n_queues++;
		if (rc < 0)
			return rc;
	}
	fill_config(b);
	return 0;
}

int virtio_blk_new(const struct virtio_blk_options *opts, struct loop *loop,
		   struct virtio_device **out, struct err *err)
{
	struct blk *b;
	int rc;

	(void)loop;
	if (opts->n_queues == 0 || opts->n_queues > BLK_QUEUES_MAX)
		return err_set(err, -EINVAL, "blk: the number of queues must be 1 to %d",
			       BLK_QUEUES_MAX);
	b = calloc(1, sizeof(*b));
	if (!b)
		return err_set(err, -ENOMEM, "blk: no memory");
	b->dev.ops = &blk_ops;
	b->dev.id = VIRTIO_ID_BLOCK;
	b->dev.queues = b->vqs;
	b->dev.config_call_fd = -1;
	b->stop_fd = -1;
	rc = init(b, opts, err);
	if (rc < 0) {
		blk_destroy(&b->dev);
		return rc;
	}
	*out = &b->dev;
	return 0;
}

const char *virtio_blk_engine(struct virtio_device *dev)
{
	return blk_of(dev)->use_uring ? "io_uring" : "threads";
}
