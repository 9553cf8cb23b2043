// SPDX-License-Identifier: GPL-2.0-or-later
/* The vsock device: construction, life cycle, deadlines, the event queue. */
#include "vmmode/virtio/vsock.h"

#include <fcntl.h>
#include <linux/virtio_ids.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/timerfd.h>

#include "spec/base/log.h"
#include "spec/base/str.h"
#include "vmmode/virtio/ratelimit.h"
#include "vmmode/virtio/vsock_internal.h"

#ifndef VIRTIO_VSOCK_F_STREAM
#define VIRTIO_VSOCK_F_STREAM 0 /* virtio 1.2, 5.10.3 */
#endif

enum { NS_PER_MS = 1000000, OTHER_FDS = 64 };

static struct vsock *vsock_of(struct virtio_device *dev)
{
	return CONTAINER_OF(dev, struct vsock, dev);
}

/* ---- time --------------------------------------------------------------------------------------
 */

uint64_t vsock_now(void)
{
	return ratelimit_now();
}

uint64_t vsock_in(unsigned int ms)
{
	return vsock_now() + (uint64_t)ms * NS_PER_MS;
}

void vsock_set_timer(struct vsock *v, uint64_t at_ns)
{
	const uint64_t now = vsock_now();
	int rc;

	if (v->timer_ns != 0 && v->timer_ns <= at_ns)
		return;
	v->timer_ns = at_ns;
	rc = ratelimit_arm(v->timer.fd, at_ns > now ? at_ns - now : 1);
	if (rc < 0)
		log_debug("vsock: set a timer: %s, ignoring", strerror(-rc));
}

/* The next time that something is to be done. */
static void set_next_timer(struct vsock *v)
{
	uint64_t at = UINT64_MAX;

	if (v->n_connecting > 0)
		at = vsock_in(VSOCK_RETRY_MS);
	if (v->tx_stalled && v->stalled_ns + (uint64_t)VSOCK_DEAF_MS * NS_PER_MS < at)
		at = v->stalled_ns + (uint64_t)VSOCK_DEAF_MS * NS_PER_MS;
	for (const struct vsock_conn *c = v->n_timed ? TAILQ_FIRST(&v->all) : NULL; c;
	     c = TAILQ_NEXT(c, all_entry)) {
		if (c->deadline_ns != 0 && c->deadline_ns < at)
			at = c->deadline_ns;
	}
	if (at != UINT64_MAX)
		vsock_set_timer(v, at);
}

/*
 * The guest waits for us to take its packets and we for its buffers: when both keep to that, resets
 * are what can be lost.
 */
static void break_deadlock(struct vsock *v, uint64_t now)
{
	if (!v->tx_stalled || now < v->stalled_ns + (uint64_t)VSOCK_DEAF_MS * NS_PER_MS)
		return;
	log_debug("vsock: the guest takes no packets, dropping %u resets", v->n_resets);
	v->n_resets = 0;
}

static void on_timer(struct loop_source *src, uint32_t events)
{
	struct vsock *v = CONTAINER_OF(src, struct vsock, timer);
	struct vsock_conn *next;
	unsigned int retries = 0;
	uint64_t count;
	uint64_t now;

	(void)events;
	if (read(src->fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		log_debug("vsock: read a timer: %m, ignoring");
	v->timer_ns = 0;
	v->accept_failed = false;
	now = vsock_now();
	for (struct vsock_conn *c = TAILQ_FIRST(&v->all); c; c = next) {
		next = TAILQ_NEXT(c, all_entry); /* only c itself may go */
		if (c->deadline_ns != 0 && c->deadline_ns <= now)
			vsock_conn_timeout(c);
		else if (c->state == VSOCK_CONNECTING && retries++ < VSOCK_RETRIES)
			vsock_conn_retry(c);
	}
	break_deadlock(v, now);
	vsock_finish(v);
	set_next_timer(v);
}

/* ---- kicks -------------------------------------------------------------------------------------
 */

void vsock_again(struct virtio_queue *q)
{
	if (eventfd_write(q->kick_fd, 1) < 0)
		log_debug("vsock: signal an eventfd: %m, ignoring");
}

static void on_rx_kick(struct loop_source *src, uint32_t events)
{
	struct vsock *v = CONTAINER_OF(src, struct vsock, rx_kick);

	(void)events;
	virtio_queue_drain_kick(&v->vqs[VSOCK_RX]);
	v->rx_starved = false;
	vsock_finish(v);
}

static void on_tx_kick(struct loop_source *src, uint32_t events)
{
	struct vsock *v = CONTAINER_OF(src, struct vsock, tx_kick);

	(void)events;
	virtio_queue_drain_kick(&v->vqs[VSOCK_TX]);
	(void)vsock_tx_run(v, VSOCK_BATCH);
	vsock_finish(v);
}

/* 5.10.6.7: one event, after which the driver forgets the connections that we lost. */
static void on_event_kick(struct loop_source *src, uint32_t events)
{
	static const struct virtio_vsock_event event = { .id = VIRTIO_VSOCK_EVENT_TRANSPORT_RESET };
	struct vsock *v = CONTAINER_OF(src, struct vsock, event_kick);
	struct virtio_queue *q = &v->vqs[VSOCK_EVENT];
	int rc;

	(void)events;
	virtio_queue_drain_kick(q);
	do {
		rc = virtq_pop(&q->vq, &v->chain);
	} while (rc == 0 && virtq_kicks_on(&q->vq));
	if (rc > 0 && (v->chain.n_read != 0 || v->chain.write_bytes < sizeof(event)))
		rc = -EINVAL;
	if (rc < 0)
		vsock_broken(v, rc, "an event's buffer");
	if (rc > 0) {
		(void)virtq_chain_write(&v->chain, 0, &event, sizeof(event));
		virtq_push(&q->vq, v->chain.head, sizeof(event));
		virtio_queue_call(q);
		v->event_owed = false;
		loop_remove(v->loop, src);
	}
	vsock_finish(v);
}

static void on_listener(struct loop_source *src, uint32_t events)
{
	struct vsock *v = CONTAINER_OF(src, struct vsock, listener);

	(void)events;
	vsock_host_accept(v);
	vsock_finish(v);
}

/* ---- life cycle --------------------------------------------------------------------------------
 */

/* Ends all connections; what the guest sent lingers until the host has it. */
static void stop(struct vsock *v)
{
	struct vsock_conn *next;

	loop_remove(v->loop, &v->rx_kick);
	loop_remove(v->loop, &v->tx_kick);
	loop_remove(v->loop, &v->event_kick);
	loop_remove(v->loop, &v->listener);
	for (struct vsock_conn *c = TAILQ_FIRST(&v->all); c; c = next) {
		next = TAILQ_NEXT(c, all_entry);
		if (c->state == VSOCK_LINGER)
			continue;
		v->event_owed |= c->state == VSOCK_OPEN || c->state == VSOCK_CLOSING;
		vsock_conn_detach(c);
	}
	vsock_rx_forget(v);
	v->reset_first = v->n_resets = 0;
	v->rx_starved = v->tx_stalled = v->accept_paused = v->accept_failed = false;
	v->running = false;
}

void vsock_broken(struct vsock *v, int code, const char *what)
{
	virtio_device_broken(&v->dev, code, what);
}

void vsock_finish(struct vsock *v)
{
	if (!v->running)
		return;
	vsock_rx_run(v);
	if (atomic_load(&v->dev.broken)) {
		stop(v);
		return;
	}
	if (v->tx_stalled && v->n_resets < VSOCK_RESETS_STALL) {
		v->tx_stalled = false;
		vsock_again(&v->vqs[VSOCK_TX]);
	}
	vsock_host_resume(v);
}

static void reset(struct virtio_device *dev)
{
	struct vsock *v = vsock_of(dev);

	/* The last words of a guest that goes down: its kick and the reset race. */
	if (v->running && !atomic_load(&dev->broken))
		(void)vsock_tx_run(v, VSOCK_QUEUE_SIZE);
	stop(v);
}

static int watch(struct vsock *v)
{
	struct {
		struct loop_source *src;
		int fd;
	} sources[] = {
		{ &v->rx_kick, v->vqs[VSOCK_RX].kick_fd },
		{ &v->tx_kick, v->vqs[VSOCK_TX].kick_fd },
		{ &v->listener, v->listener.fd },
		{ &v->event_kick, v->vqs[VSOCK_EVENT].kick_fd },
	};
	const size_t n = ARRAY_LEN(sources) - (v->event_owed ? 0 : 1);
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++) {
		sources[i].src->fd = sources[i].fd;
		rc = loop_add(v->loop, sources[i].src, EPOLLIN);
	}
	return rc;
}

static int activate(struct virtio_device *dev)
{
	struct vsock *v = vsock_of(dev);
	int rc;

	for (size_t i = 0; i < VSOCK_QUEUES; i++) {
		if (!virtq_is_active(&v->vqs[i].vq))
			return -EINVAL;
	}
	v->running = true;
	rc = watch(v);
	if (rc < 0) {
		stop(v);
		return rc;
	}
	/* What is queued already has had its kick. */
	vsock_again(&v->vqs[VSOCK_TX]);
	if (v->event_owed)
		vsock_again(&v->vqs[VSOCK_EVENT]);
	return 0;
}

static void config_read(struct virtio_device *dev, uint32_t off, void *data, uint32_t len)
{
	const struct virtio_vsock_config c = { .guest_cid = vsock_of(dev)->cid };

	memcpy(data, (const uint8_t *)&c + off, len);
}

/* At the machine's end: what lingers is written as long as somebody reads it. */
static void drain(struct vsock *v)
{
	for (int step = 0; step < VSOCK_DRAIN_STEPS && v->n_conns > 0; step++) {
		auto_free struct pollfd *fds = calloc(v->n_conns, sizeof(*fds));
		struct vsock_conn *next = TAILQ_FIRST(&v->all);
		nfds_t n = 0;

		if (!fds)
			return;
		for (struct vsock_conn *c = next; c; c = TAILQ_NEXT(c, all_entry))
			fds[n++] = (struct pollfd){ .fd = c->source.fd, .events = POLLOUT };
		if (poll(fds, n, VSOCK_DRAIN_MS) <= 0)
			return;
		for (struct vsock_conn *c = next; c; c = next) {
			next = TAILQ_NEXT(c, all_entry);
			vsock_conn_flush(c);
			(void)vsock_conn_settle(c);
		}
	}
}

static void destroy(struct virtio_device *dev)
{
	struct vsock *v = vsock_of(dev);

	/* Nobody finds the machine any more, while its last words go out. */
	if (v->listener.fd >= 0)
		unix_socket_unlink(v->dir_fd, v->name, &v->id);
	drain(v);
	while (!TAILQ_EMPTY(&v->all))
		vsock_conn_free(TAILQ_FIRST(&v->all));
	loop_remove(v->loop, &v->timer);
	cleanup_close(&v->timer.fd);
	cleanup_close(&v->listener.fd);
	free(v->spare_buf);
	free(v);
}

static const struct virtio_device_ops vsock_ops = {
	.name = "vsock",
	.config_read = config_read,
	.activate = activate,
	.reset = reset,
	.destroy = destroy,
};

/* ---- construction ------------------------------------------------------------------------------
 */

/* A connection is a descriptor, and 1024 is a common limit for all. */
static void raise_file_limit(void)
{
	struct rlimit lim;

	if (getrlimit(RLIMIT_NOFILE, &lim) < 0)
		return;
	if (lim.rlim_max - lim.rlim_cur > VSOCK_CONNS_MAX + OTHER_FDS)
		lim.rlim_cur += VSOCK_CONNS_MAX + OTHER_FDS;
	else
		lim.rlim_cur = lim.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &lim) < 0)
		log_debug("vsock: raise the limit of open files: %m, ignoring");
}

static int check(const struct virtio_vsock_options *opts, struct err *err)
{
	const size_t len = strlen(opts->name);

	if (len == 0 || len > VSOCK_NAME_MAX || strchr(opts->name, '/') ||
	    str_eq(opts->name, ".") || str_eq(opts->name, ".."))
		return err_set(err, -EINVAL, "'%s': want a file name of 1 to %d bytes", opts->name,
			       VSOCK_NAME_MAX);
	if (opts->cid < VSOCK_CID_DEFAULT || opts->cid == UINT32_MAX)
		return err_set(err, -EINVAL, "cid %u: want %d to %u", opts->cid, VSOCK_CID_DEFAULT,
			       UINT32_MAX - 1);
	return 0;
}

static int init(struct vsock *v, struct err *err)
{
	uint32_t key;
	int rc;

	if (getrandom(&key, sizeof(key), 0) != sizeof(key))
		return err_sys(err, "get random bytes");
	vsock_table_init(v, key);
	v->timer.fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (v->timer.fd < 0)
		return err_sys(err, "make a timer");
	rc = loop_add(v->loop, &v->timer, EPOLLIN);
	if (rc < 0)
		return err_code(err, rc, "watch a timer");
	v->listener.fd = unix_socket_listen(v->dir_fd, v->name, &v->id, err);
	return v->listener.fd < 0 ? v->listener.fd : 0;
}

int virtio_vsock_new(const struct virtio_vsock_options *opts, struct loop *loop,
		     struct virtio_device **out, struct err *err)
{
	struct vsock *v;
	int rc = check(opts, err);

	if (rc < 0)
		return rc;
	v = calloc(1, sizeof(*v));
	if (!v)
		return err_set(err, -ENOMEM, "no memory");
	TAILQ_INIT(&v->all);
	v->loop = loop;
	v->cid = opts->cid;
	v->dir_fd = opts->dir_fd;
	memcpy(v->name, opts->name, strlen(opts->name) + 1);
	v->listener = (struct loop_source){ .fd = -1, .ready = on_listener };
	v->timer = (struct loop_source){ .fd = -1, .ready = on_timer };
	v->rx_kick = (struct loop_source){ .fd = -1, .ready = on_rx_kick };
	v->tx_kick = (struct loop_source){ .fd = -1, .ready = on_tx_kick };
	v->event_kick = (struct loop_source){ .fd = -1, .ready = on_event_kick };
	v->dev = (struct virtio_device){
		.ops = &vsock_ops,
		.id = VIRTIO_ID_VSOCK,
		.offered = UINT64_C(1) << VIRTIO_VSOCK_F_STREAM,
		.config_len = sizeof(struct virtio_vsock_config),
		.n_queues = VSOCK_QUEUES,
		.queues = v->vqs,
		.config_call_fd = -1,
	};
	for (size_t i = 0; i < VSOCK_QUEUES; i++)
		v->vqs[i] = (struct virtio_queue){ .size_max = VSOCK_QUEUE_SIZE,
						   .kick_fd = -1,
						   .call_fd = -1 };
	raise_file_limit();
	rc = init(v, err);
	if (rc < 0) {
		destroy(&v->dev);
		return rc;
	}
	*out = &v->dev;
	return 0;
}
