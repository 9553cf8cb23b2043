// SPDX-License-Identifier: GPL-2.0-or-later
/* virtio-rng. */
#include "vmmode/virtio/rng.h"

#include <linux/virtio_ids.h>
#include <sys/random.h>

struct rng {
	struct virtio_device dev;
	struct virtio_queue queue;
	struct loop *loop;
	struct loop_source kick;
	struct virtq_chain chain;
};

static void no_config(struct virtio_device *dev, uint32_t off, void *data, uint32_t len)
{
	(void)dev; /* config_len is 0: never called */
	(void)off;
	(void)data;
	(void)len;
}

/* Fills the chain from the front. Returns the bytes written, or -errno. */
static int fill(const struct virtq_chain *c)
{
	uint8_t bytes[RNG_BYTES_MAX];
	const size_t want = c->write_bytes < sizeof(bytes) ? c->write_bytes : sizeof(bytes);
	size_t have = 0;

	while (have < want) {
		ssize_t n = getrandom(bytes + have, want - have, 0);

		if (n < 0 && errno != EINTR)
			return -errno;
		have += n < 0 ? 0 : (size_t)n;
	}
	return (int)virtq_chain_write(c, 0, bytes, want);
}

/* One chain. Returns 1; 0 there is none; -errno: the driver or the host broke the rules. */
static int serve_one(struct rng *r)
{
	int rc = virtq_pop(&r->queue.vq, &r->chain);

	if (rc <= 0)
		return rc;
	/* 5.4.6.1: the driver puts only buffers that the device writes. */
	if (r->chain.n_read || r->chain.write_bytes == 0)
		return -EINVAL;
	rc = fill(&r->chain);
	if (rc < 0)
		return rc;
	virtq_push(&r->queue.vq, r->chain.head, (uint32_t)rc);
	return 1;
}

static void on_kick(struct loop_source *src, uint32_t events)
{
	struct rng *r = CONTAINER_OF(src, struct rng, kick);
	int rc;

	(void)events;
	virtio_queue_drain_kick(&r->queue);
	/* A queue's length at most: a driver that refills it all the time must not starve the other
	 * devices of this loop. */
	for (uint16_t i = 0; (rc = serve_one(r)) > 0 && i < r->queue.vq.size; i++)
		;
	virtio_queue_call(&r->queue);
	if (rc < 0) {
		virtio_device_broken(&r->dev, rc, "the request queue");
		loop_remove(r->loop, src);
	} else if (virtq_kicks_on(&r->queue.vq)) {
		virtio_queue_kick_self(&r->queue);
	}
}

static int activate(struct virtio_device *dev)
{
	struct rng *r = CONTAINER_OF(dev, struct rng, dev);

	if (!virtq_is_active(&r->queue.vq))
		return 0;
	r->kick = (struct loop_source){ .fd = r->queue.kick_fd, .ready = on_kick };
	(void)virtq_kicks_on(&r->queue.vq);
	return loop_add(r->loop, &r->kick, EPOLLIN);
}

static void reset(struct virtio_device *dev)
{
	struct rng *r = CONTAINER_OF(dev, struct rng, dev);

	loop_remove(r->loop, &r->kick);
}

static void destroy(struct virtio_device *dev)
{
	free(CONTAINER_OF(dev, struct rng, dev));
}

static const struct virtio_device_ops rng_ops = {
	.name = "rng",
	.config_read = no_config,
	.activate = activate,
	.reset = reset,
	.destroy = destroy,
};

int virtio_rng_new(struct loop *loop, struct virtio_device **out, struct err *err)
{
	struct rng *r = calloc(1, sizeof(*r));

	if (!r)
		return err_code(err, -ENOMEM, "create the rng device");
	r->loop = loop;
	r->queue.size_max = RNG_QUEUE_SIZE;
	r->dev = (struct virtio_device){
		.ops = &rng_ops,
		.id = VIRTIO_ID_RNG,
		.n_queues = 1,
		.queues = &r->queue,
	};
	*out = &r->dev;
	return 0;
}
