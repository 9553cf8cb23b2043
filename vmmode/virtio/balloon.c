// SPDX-License-Identifier: GPL-2.0-or-later
/* virtio-balloon. */
#include "vmmode/virtio/balloon.h"

#include <linux/virtio_ids.h>
#include <stddef.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "spec/base/log.h"
#include "vmmode/virtio/ratelimit.h"

/* The queues by their use. The driver numbers them: see find_queues(). */
enum use { USE_INFLATE, USE_DEFLATE, USE_STATS, USE_REPORT, USES };

enum {
	QUEUES = 5,
	QUEUE_STATS = 2,        /* when it is negotiated */
	QUEUE_REPORT = 4,       /* by the specification */
	CHAINS_PER_TURN = 8,    /* then the loop's other sources */
	STAT_BYTES = 10,        /* struct virtio_balloon_stat */
	ACTUAL_MAX = UINT32_MAX /* pages: the width of the configuration's fields */
};

_Static_assert(sizeof(struct virtio_balloon_stat) == STAT_BYTES, "virtio 1.2, 5.5.6.3");
_Static_assert(sizeof(struct virtio_balloon_config) == 16, "virtio 1.2, 5.5.4");

struct balloon;

struct work {
	struct balloon *b;
	struct loop_source kick;
	struct virtio_queue *queue; /* NULL: the driver does not use it */
};

struct balloon {
	struct virtio_device dev;
	struct virtio_queue queues[QUEUES];
	struct loop *loop;
	struct work work[USES];
	struct loop_source timer; /* timer.fd: owned; -1: statistics only when asked */
	struct virtio_balloon_config config;
	struct virtio_balloon_state state; /* target_bytes, actual_bytes: see config */
	bool has_held;                     /* the driver's buffer of statistics is here */
	uint16_t held;                     /* its head; to give it back is to ask for new ones */
	uint64_t stats_ns;                 /* when they came */
	bool discard_failed;               /* said once */
	uint32_t pfns[BALLOON_PFNS_MAX];
	struct virtq_chain chain;
};

static struct balloon *of(struct virtio_device *dev)
{
	return CONTAINER_OF(dev, struct balloon, dev);
}

static bool has(const struct balloon *b, unsigned int feature)
{
	return b->dev.features & (UINT64_C(1) << feature);
}

/* ---- pages ------------------------------------------------------------------------------------
 */

/* The guest goes on when the host keeps pages that it need not keep. */
static void discard(struct balloon *b, void *p, uint64_t len)
{
	int rc = guest_mem_discard(b->dev.mem, p, len);

	if (rc == 0 || b->discard_failed)
		return;
	b->discard_failed = true;
	errno = -rc;
	log_warn("virtio-balloon: give memory back: %m, ignoring");
}

/* Copies the list of page numbers out of the chain, so that nobody changes it behind the checks.
 * Returns their number, or -EINVAL. */
static int take_pfns(struct balloon *b, const struct virtq_chain *c)
{
	const uint32_t n = c->read_bytes / sizeof(b->pfns[0]);

	if (c->n_write || n == 0 || c->read_bytes % sizeof(b->pfns[0]))
		return -EINVAL;
	return (int)(virtq_chain_read(c, 0, b->pfns, sizeof(b->pfns)) / sizeof(b->pfns[0]));
}

static void *page_at(const struct balloon *b, uint32_t pfn)
{
	return guest_mem_at(b->dev.mem, (gpa_t)pfn << VIRTIO_BALLOON_PFN_SHIFT, BALLOON_PAGE_BYTES);
}

/* All or none: a list with one bad page is no list. */
static int check_pfns(const struct balloon *b, int n)
{
	for (int i = 0; i < n; i++) {
		if (!page_at(b, b->pfns[i]))
			return -EFAULT;
	}
	return 0;
}

static int inflate(struct balloon *b, const struct virtq_chain *c)
{
	uint8_t *start = NULL;
	uint8_t *end = NULL;
	int n = take_pfns(b, c);
	int rc = n < 0 ? n : check_pfns(b, n);

	if (rc < 0)
		return rc;
	/* Drivers take pages from a free block one by one, from either end: runs, up or down. They
	 * are not sorted: the C library's qsort(3) asks the system how much memory there is. */
	for (int i = 0; i < n; i++) {
		uint8_t *p = page_at(b, b->pfns[i]);

		if (p == end) {
			end += BALLOON_PAGE_BYTES;
		} else if (p + BALLOON_PAGE_BYTES == start) {
			start = p;
		} else if (p < start || p > end) { /* not in the run already */
			if (start)
				discard(b, start, (uint64_t)(end - start));
			start = p;
			end = p + BALLOON_PAGE_BYTES;
		}
	}
	discard(b, start, (uint64_t)(end - start));
	b->state.inflated_bytes += (uint64_t)n * BALLOON_PAGE_BYTES;
	virtq_push(&b->work[USE_INFLATE].queue->vq, c->head, 0);
	return 1;
}

/* Nothing to do: the pages come back zeroed when the guest touches them. */
static int deflate(struct balloon *b, const struct virtq_chain *c)
{
	int n = take_pfns(b, c);
	int rc = n < 0 ? n : check_pfns(b, n);

	if (rc < 0)
		return rc;
	virtq_push(&b->work[USE_DEFLATE].queue->vq, c->head, 0);
	return 1;
}

/* The buffers are the free ranges themselves. */
static int report(struct balloon *b, const struct virtq_chain *c)
{
	/* 5.5.6.7: with a pattern that is not ours to give, the content must stay. */
	const bool keep = has(b, VIRTIO_BALLOON_F_PAGE_POISON) && b->config.poison_val != 0;

	if (c->n_read || c->write_bytes == 0)
		return -EINVAL;
	for (size_t i = 0; i < c->n_write && !keep; i++)
		discard(b, c->iov[i].iov_base, c->iov[i].iov_len);
	if (!keep)
		b->state.reported_bytes += c->write_bytes;
	virtq_push(&b->work[USE_REPORT].queue->vq, c->head, 0);
	return 1;
}

/* ---- statistics -------------------------------------------------------------------------------
 */

static int take_stats(struct balloon *b, const struct virtq_chain *c)
{
	struct virtio_balloon_stat list[BALLOON_STATS_MAX];
	size_t n;

	if (c->n_write || c->read_bytes == 0)
		return -EINVAL;
	/* There is one such buffer. A driver that brings a second gets the first back. */
	if (b->has_held)
		virtq_push(&b->work[USE_STATS].queue->vq, b->held, 0);
	n = virtq_chain_read(c, 0, list, sizeof(list)) / sizeof(list[0]);
	for (size_t i = 0; i < n; i++) {
		if (list[i].tag >= VIRTIO_BALLOON_S_NR)
			continue; /* of a later specification */
		b->state.stats[list[i].tag] = list[i].val;
		b->state.stats_mask |= 1U << list[i].tag;
	}
	b->stats_ns = ratelimit_now();
	b->held = c->head;
	b->has_held = true;
	return 1;
}

void virtio_balloon_refresh(struct virtio_device *dev)
{
	struct balloon *b = of(dev);
	struct virtio_queue *q = b->work[USE_STATS].queue;

	if (!b->has_held || atomic_load(&dev->broken))
		return;
	b->has_held = false;
	virtq_push(&q->vq, b->held, 0);
	virtio_queue_call(q);
}

static void on_timer(struct loop_source *src, uint32_t events)
{
	struct balloon *b = CONTAINER_OF(src, struct balloon, timer);
	uint64_t count;

	(void)events;
	if (read(src->fd, &count, sizeof(count)) == (ssize_t)sizeof(count))
		virtio_balloon_refresh(&b->dev);
}

/* ---- queues -----------------------------------------------------------------------------------
 */

static int (*const serve[USES])(struct balloon *b, const struct virtq_chain *c) = {
	[USE_INFLATE] = inflate,
	[USE_DEFLATE] = deflate,
	[USE_STATS] = take_stats,
	[USE_REPORT] = report,
};

static void stop(struct balloon *b)
{
	for (size_t i = 0; i < USES; i++)
		loop_remove(b->loop, &b->work[i].kick);
	loop_remove(b->loop, &b->timer);
}

static void on_kick(struct loop_source *src, uint32_t events)
{
	struct work *w = CONTAINER_OF(src, struct work, kick);
	struct balloon *b = w->b;
	int rc = 0;

	(void)events;
	virtio_queue_drain_kick(w->queue);
	for (int i = 0; i < CHAINS_PER_TURN; i++) {
		rc = virtq_pop(&w->queue->vq, &b->chain);
		if (rc > 0)
			rc = serve[w - b->work](b, &b->chain);
		if (rc <= 0)
			break;
	}
	virtio_queue_call(w->queue);
	if (rc < 0) {
		virtio_device_broken(&b->dev, rc, "a request");
		stop(b);
	} else if (virtq_kicks_on(&w->queue->vq)) {
		virtio_queue_kick_self(w->queue);
	}
}

/* The specification gives each queue a number of its own; Linux counts those that it uses. */
static void find_queues(struct balloon *b)
{
	uint16_t next = QUEUE_STATS;

	b->work[USE_INFLATE].queue = &b->queues[0];
	b->work[USE_DEFLATE].queue = &b->queues[1];
	b->work[USE_STATS].queue = NULL;
	b->work[USE_REPORT].queue = NULL;
	if (has(b, VIRTIO_BALLOON_F_STATS_VQ))
		b->work[USE_STATS].queue = &b->queues[next++];
	if (has(b, VIRTIO_BALLOON_F_REPORTING))
		b->work[USE_REPORT].queue =
		    &b->queues[virtq_is_active(&b->queues[QUEUE_REPORT].vq) ? QUEUE_REPORT : next];
}

static int activate(struct virtio_device *dev)
{
	struct balloon *b = of(dev);
	int rc = 0;

	find_queues(b);
	for (size_t i = 0; i < USES && rc == 0; i++) {
		struct work *w = &b->work[i];

		if (!w->queue || !virtq_is_active(&w->queue->vq))
			continue;
		w->b = b;
		w->kick = (struct loop_source){ .fd = w->queue->kick_fd, .ready = on_kick };
		/* Linux queues its first statistics before DRIVER_OK, when a kick goes nowhere. */
		if (virtq_kicks_on(&w->queue->vq))
			virtio_queue_kick_self(w->queue);
		rc = loop_add(b->loop, &w->kick, EPOLLIN);
	}
	if (rc == 0 && b->timer.fd >= 0)
		rc = loop_add(b->loop, &b->timer, EPOLLIN);
	if (rc < 0)
		stop(b);
	return rc;
}

/* The next driver begins with an empty balloon. */
static void reset(struct virtio_device *dev)
{
	struct balloon *b = of(dev);

	stop(b);
	b->has_held = false;
	b->state.stats_mask = 0;
	b->config.actual = 0;
	b->config.poison_val = 0;
}

/* ---- configuration ----------------------------------------------------------------------------
 */

static void config_read(struct virtio_device *dev, uint32_t off, void *data, uint32_t len)
{
	memcpy(data, (const uint8_t *)&of(dev)->config + off, len);
}

/* The driver's own are two of the four fields. */
static void config_write(struct virtio_device *dev, uint32_t off, const void *data, uint32_t len)
{
	struct balloon *b = of(dev);
	struct virtio_balloon_config c = b->config;

	memcpy((uint8_t *)&c + off, data, len);
	b->config.actual = c.actual;
	b->config.poison_val = c.poison_val;
}

int virtio_balloon_set_target(struct virtio_device *dev, uint64_t bytes)
{
	if (bytes / BALLOON_PAGE_BYTES > ACTUAL_MAX)
		return -ERANGE;
	of(dev)->config.num_pages = (uint32_t)(bytes / BALLOON_PAGE_BYTES);
	if (dev->active)
		virtio_device_config_changed(dev);
	return 0;
}

void virtio_balloon_get_state(const struct virtio_device *dev, struct virtio_balloon_state *out)
{
	const struct balloon *b =
	    (const struct balloon *)((const char *)dev - offsetof(struct balloon, dev));

	*out = b->state;
	out->target_bytes = (uint64_t)b->config.num_pages * BALLOON_PAGE_BYTES;
	out->actual_bytes = (uint64_t)b->config.actual * BALLOON_PAGE_BYTES;
	out->stats_age_ms = out->stats_mask ? (ratelimit_now() - b->stats_ns) / 1000000 : 0;
}

const char *virtio_balloon_stat_name(unsigned int i)
{
	static const char *const names[VIRTIO_BALLOON_S_NR] = VIRTIO_BALLOON_S_NAMES;

	return i < VIRTIO_BALLOON_S_NR ? names[i] : "";
}

/* ---- life -------------------------------------------------------------------------------------
 */

static void destroy(struct virtio_device *dev)
{
	struct balloon *b = of(dev);

	cleanup_close(&b->timer.fd);
	free(b);
}

static const struct virtio_device_ops balloon_ops = {
	.name = "balloon",
	.config_read = config_read,
	.config_write = config_write,
	.activate = activate,
	.reset = reset,
	.destroy = destroy,
};

static int open_timer(struct balloon *b, uint32_t seconds, struct err *err)
{
	const struct itimerspec every = { { seconds, 0 }, { seconds, 0 } };

	b->timer.fd = -1;
	b->timer.ready = on_timer;
	if (seconds == 0)
		return 0;
	b->timer.fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (b->timer.fd < 0 || timerfd_settime(b->timer.fd, 0, &every, NULL) < 0)
		return err_sys(err, "balloon: create a timer");
	return 0;
}

static uint64_t features_of(const struct virtio_balloon_options *o)
{
	uint64_t bits = UINT64_C(1) << VIRTIO_BALLOON_F_STATS_VQ;

	if (o->deflate_on_oom)
		bits |= UINT64_C(1) << VIRTIO_BALLOON_F_DEFLATE_ON_OOM;
	/* Without PAGE_POISON a guest that clears or fills free pages does not report them. */
	if (o->reporting)
		bits |= UINT64_C(1) << VIRTIO_BALLOON_F_REPORTING |
			UINT64_C(1) << VIRTIO_BALLOON_F_PAGE_POISON;
	return bits | VIRTIO_COMMON_FEATURES;
}

int virtio_balloon_new(const struct virtio_balloon_options *opts, struct loop *loop,
		       struct virtio_device **out, struct err *err)
{
	struct balloon *b;
	int rc;

	if (opts->target_bytes / BALLOON_PAGE_BYTES > ACTUAL_MAX ||
	    opts->stats_s > BALLOON_STATS_S_MAX)
		return err_set(err, -EINVAL, "balloon: the size or the interval is too large");
	b = calloc(1, sizeof(*b));
	if (!b)
		return err_code(err, -ENOMEM, "create the balloon device");
	b->loop = loop;
	for (size_t i = 0; i < QUEUES; i++)
		b->queues[i].size_max = BALLOON_QUEUE_SIZE;
	b->config.num_pages = (uint32_t)(opts->target_bytes / BALLOON_PAGE_BYTES);
	b->dev = (struct virtio_device){
		.ops = &balloon_ops,
		.id = VIRTIO_ID_BALLOON,
		.offered = features_of(opts),
		.config_len = sizeof(b->config),
		.n_queues = QUEUES,
		.queues = b->queues,
	};
	rc = open_timer(b, opts->stats_s, err);
	if (rc < 0) {
		destroy(&b->dev);
		return rc;
	}
	*out = &b->dev;
	return 0;
}
