// SPDX-License-Identifier: GPL-2.0-or-later
/* The virtio network device: configuration, life cycle, and what wakes the pairs. */
#include "vmmode/virtio/net.h"

#include <linux/if_tun.h>
#include <linux/virtio_ids.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

#include "spec/base/log.h"
#include "vmmode/virtio/net_internal.h"

#define FEATURE(bit) (UINT64_C(1) << (bit))

enum { CONFIG_BYTES = offsetof(struct virtio_net_config, speed) };

static struct net *net_of(struct virtio_device *dev)
{
	return CONTAINER_OF(dev, struct net, dev);
}

/* ---- events ------------------------------------------------------------------------------------
 */

void net_watch_tap(struct net_pair *p)
{
	uint32_t events = 0;
	int rc;

	if (!p->tap_source.listed)
		return;
	if (net_go(p) && !p->rx_starved && !p->rx_held)
		events |= EPOLLIN;
	if (net_go(p) && p->tx_full)
		events |= EPOLLOUT;
	if (events == p->tap_events)
		return;
	rc = loop_change(p->net->loop, &p->tap_source, events);
	if (rc < 0)
		virtio_device_broken(&p->net->dev, rc, "watch the TAP");
	p->tap_events = events;
}

void net_hold(struct net_pair *p, struct loop_source *timer, uint64_t wait_ns)
{
	int rc = ratelimit_arm(timer->fd, wait_ns);

	if (rc < 0)
		virtio_device_broken(&p->net->dev, rc, "the rate limit's timer");
}

void net_again(struct virtio_queue *q)
{
	if (eventfd_write(q->kick_fd, 1) < 0)
		log_debug("virtio-net: signal an eventfd: %m, ignoring");
}

/* The host's side is gone: the guest sees its link go down. */
static void lose_tap(struct net_pair *p)
{
	p->tap_gone = true;
	loop_remove(p->net->loop, &p->tap_source);
	if (!p->net->link_up)
		return;
	log_warn("virtio-net: the host's side of the network is gone, skipping all frames");
	p->net->link_up = false;
	virtio_device_config_changed(&p->net->dev);
}

static void on_tap(struct loop_source *src, uint32_t events)
{
	struct net_pair *p = CONTAINER_OF(src, struct net_pair, tap_source);
	socklen_t len = sizeof(int);
	int error;

	if ((events & EPOLLOUT) && p->tx_full) {
		p->tx_full = false;
		net_tx_run(p);
	}
	if (events & EPOLLIN)
		net_rx_run(p);
	/* A socket's error is one failed packet, and asking clears it. */
	if (!(events & EPOLLHUP) && (events & EPOLLERR) && !p->tap.is_tap &&
	    getsockopt(p->tap.fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0)
		return;
	if (events & (EPOLLHUP | EPOLLERR))
		lose_tap(p);
}

static void on_rx_kick(struct loop_source *src, uint32_t events)
{
	struct net_pair *p = CONTAINER_OF(src, struct net_pair, rx_kick);

	(void)events;
	virtio_queue_drain_kick(p->rx);
	if (!p->rx_starved)
		return;
	p->rx_starved = false;
	if (!p->rx_held)
		net_rx_run(p);
}

static void on_tx_kick(struct loop_source *src, uint32_t events)
{
	struct net_pair *p = CONTAINER_OF(src, struct net_pair, tx_kick);

	(void)events;
	virtio_queue_drain_kick(p->tx);
	if (!p->tx_full && !p->tx_held)
		net_tx_run(p);
}

static void drain_timer(const struct loop_source *src)
{
	uint64_t n;

	if (read(src->fd, &n, sizeof(n)) < 0 && errno != EAGAIN)
		log_debug("virtio-net: read a timer: %m, ignoring");
}

static void on_rx_timer(struct loop_source *src, uint32_t events)
{
	struct net_pair *p = CONTAINER_OF(src, struct net_pair, rx_timer);

	(void)events;
	drain_timer(src);
	p->rx_held = false;
	net_rx_run(p);
}

static void on_tx_timer(struct loop_source *src, uint32_t events)
{
	struct net_pair *p = CONTAINER_OF(src, struct net_pair, tx_timer);

	(void)events;
	drain_timer(src);
	p->tx_held = false;
	if (!p->tx_full)
		net_tx_run(p);
}

static void on_vhost_error(struct loop_source *src, uint32_t events)
{
	struct net_pair *p = CONTAINER_OF(src, struct net_pair, vhost_error);

	(void)events;
	drain_timer(src);
	virtio_device_broken(&p->net->dev, -EINVAL, "a ring that vhost-net refuses");
}

static void on_ctrl_kick(struct loop_source *src, uint32_t events)
{
	struct net *n = CONTAINER_OF(src, struct net, ctrl_kick);

	(void)events;
	virtio_queue_drain_kick(n->ctrl);
	if (!atomic_load(&n->dev.broken))
		net_ctrl_run(n);
}

/* ---- life cycle --------------------------------------------------------------------------------
 */

unsigned int net_offloads(uint64_t features)
{
	unsigned int tun = 0;

	/* The kernel takes the others only together with the checksum. */
	if (!(features & FEATURE(VIRTIO_NET_F_GUEST_CSUM)))
		return 0;
	tun = TUN_F_CSUM;
	if (features & FEATURE(VIRTIO_NET_F_GUEST_TSO4))
		tun |= TUN_F_TSO4;
	if (features & FEATURE(VIRTIO_NET_F_GUEST_TSO6))
		tun |= TUN_F_TSO6;
	if ((features & FEATURE(VIRTIO_NET_F_GUEST_ECN)) && (tun & (TUN_F_TSO4 | TUN_F_TSO6)))
		tun |= TUN_F_TSO_ECN;
	return tun;
}

static void pair_stop(struct net_pair *p)
{
	struct loop *loop = p->net->loop;

	if (!p->running)
		return;
	p->running = false;
	if (p->net->use_vhost)
		net_vhost_stop(p);
	loop_remove(loop, &p->vhost_error);
	loop_remove(loop, &p->tap_source);
	loop_remove(loop, &p->rx_kick);
	loop_remove(loop, &p->tx_kick);
	loop_remove(loop, &p->rx_timer);
	loop_remove(loop, &p->tx_timer);
	if (tap_attach(&p->tap, false) < 0)
		log_debug("virtio-net: detach a queue of the TAP: %m, ignoring");
}

/* Watches what wakes the pair: the rate limit's timers only where there is a limit. */
static int pair_watch(struct net_pair *p)
{
	struct loop *loop = p->net->loop;
	int rc;

	if (p->net->use_vhost) {
		rc = net_vhost_start(p);
		return rc < 0 ? rc : loop_add(loop, &p->vhost_error, EPOLLIN);
	}
	p->rx_kick.fd = p->rx->kick_fd;
	p->tx_kick.fd = p->tx->kick_fd;
	p->tap_events = 0;
	rc = loop_add(loop, &p->tap_source, 0);
	if (rc == 0)
		rc = loop_add(loop, &p->rx_kick, EPOLLIN);
	if (rc == 0)
		rc = loop_add(loop, &p->tx_kick, EPOLLIN);
	if (rc == 0 && p->rx_timer.fd >= 0)
		rc = loop_add(loop, &p->rx_timer, EPOLLIN);
	if (rc == 0 && p->tx_timer.fd >= 0)
		rc = loop_add(loop, &p->tx_timer, EPOLLIN);
	return rc;
}

static int pair_start(struct net_pair *p)
{
	int rc;

	if (p->running)
		return 0;
	if (!virtq_is_active(&p->rx->vq) || !virtq_is_active(&p->tx->vq))
		return -EINVAL;
	rc = tap_attach(&p->tap, true);
	if (rc == 0)
		rc = tap_set_offloads(&p->tap, net_offloads(p->net->dev.features));
	if (rc < 0)
		return rc;
	p->running = true;
	p->rx_starved = p->rx_held = p->tx_held = p->tx_full = false;
	rc = pair_watch(p);
	if (rc < 0) {
		pair_stop(p);
		return rc;
	}
	/* What the driver queued before is not lost with a kick that nobody saw. Not here and now:
	 * the control queue's chain is still in use. */
	net_again(p->tx);
	net_watch_tap(p);
	return 0;
}

int net_set_pairs(struct net *n, uint16_t n_pairs)
{
	int rc = 0;

	for (uint16_t i = 0; i < n_pairs && rc == 0; i++)
		rc = pair_start(n->pairs[i]);
	for (uint16_t i = n_pairs; i < n->n_pairs && rc == 0; i++)
		pair_stop(n->pairs[i]);
	return rc;
}

static void net_reset(struct virtio_device *dev)
{
	struct net *n = net_of(dev);

	for (uint16_t i = 0; i < n->n_pairs; i++) {
		pair_stop(n->pairs[i]);
		net_rx_forget(n->pairs[i]);
	}
	loop_remove(n->loop, &n->ctrl_kick);
	n->ctrl = NULL;
}

static int net_activate(struct virtio_device *dev)
{
	struct net *n = net_of(dev);
	/* virtio 1.2, 5.1.2: without MQ the control queue is the third. */
	const uint16_t ctrl = net_has(n, VIRTIO_NET_F_MQ) ? (uint16_t)(2 * n->n_pairs) : 2;
	int rc = net_set_pairs(n, 1);

	if (rc == 0 && net_has(n, VIRTIO_NET_F_CTRL_VQ) && virtq_is_active(&n->vqs[ctrl].vq)) {
		n->ctrl = &n->vqs[ctrl];
		n->ctrl_kick.fd = n->ctrl->kick_fd;
		rc = loop_add(n->loop, &n->ctrl_kick, EPOLLIN);
	}
	if (rc < 0)
		net_reset(dev);
	return rc;
}

static void net_config_read(struct virtio_device *dev, uint32_t off, void *data, uint32_t len)
{
	const struct net *n = net_of(dev);
	struct virtio_net_config c = {
		.status = n->link_up ? VIRTIO_NET_S_LINK_UP : 0,
		.max_virtqueue_pairs = n->n_pairs,
		.mtu = n->mtu,
	};

	memcpy(c.mac, n->mac, sizeof(c.mac));
	memcpy(data, (const uint8_t *)&c + off, len);
}

static void net_destroy(struct virtio_device *dev)
{
	struct net *n = net_of(dev);

	for (uint16_t i = 0; i < n->n_pairs; i++) {
		cleanup_close(&n->pairs[i]->rx_timer.fd);
		cleanup_close(&n->pairs[i]->tx_timer.fd);
		cleanup_close(&n->pairs[i]->vhost_error.fd);
		free(n->pairs[i]);
	}
	free(n->trash);
	free(n);
}

static const struct virtio_device_ops net_ops = {
	.name = "net",
	.config_read = net_config_read,
	.activate = net_activate,
	.reset = net_reset,
	.destroy = net_destroy,
};

/* ---- construction ------------------------------------------------------------------------------
 */

static const uint64_t offloads =
    FEATURE(VIRTIO_NET_F_CSUM) | FEATURE(VIRTIO_NET_F_GUEST_CSUM) |
    FEATURE(VIRTIO_NET_F_GUEST_TSO4) | FEATURE(VIRTIO_NET_F_GUEST_TSO6) |
    FEATURE(VIRTIO_NET_F_GUEST_ECN) | FEATURE(VIRTIO_NET_F_HOST_TSO4) |
    FEATURE(VIRTIO_NET_F_HOST_TSO6) | FEATURE(VIRTIO_NET_F_HOST_ECN) |
    FEATURE(VIRTIO_NET_F_MRG_RXBUF) | FEATURE(VIRTIO_NET_F_CTRL_GUEST_OFFLOADS);

static uint64_t offered(const struct net *n, const struct virtio_net_options *opts)
{
	uint64_t f = VIRTIO_COMMON_FEATURES | FEATURE(VIRTIO_NET_F_STATUS) |
		     FEATURE(VIRTIO_NET_F_MAC) | FEATURE(VIRTIO_NET_F_CTRL_VQ) |
		     FEATURE(VIRTIO_NET_F_CTRL_RX);

	if (!opts->no_offloads)
		f |= offloads;
	if (n->n_pairs > 1)
		f |= FEATURE(VIRTIO_NET_F_MQ);
	if (n->mtu)
		f |= FEATURE(VIRTIO_NET_F_MTU);
	return f;
}

static int open_fds(struct net_pair *p, struct err *err)
{
	const int flags = TFD_CLOEXEC | TFD_NONBLOCK;

	if (ratelimit_is_on(&p->net->rx_limit)) {
		p->rx_timer.fd = timerfd_create(CLOCK_MONOTONIC, flags);
		if (p->rx_timer.fd < 0)
			return err_sys(err, "net: make a timer");
	}
	if (ratelimit_is_on(&p->net->tx_limit)) {
		p->tx_timer.fd = timerfd_create(CLOCK_MONOTONIC, flags);
		if (p->tx_timer.fd < 0)
			return err_sys(err, "net: make a timer");
	}
	if (p->net->use_vhost) {
		p->vhost_error.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (p->vhost_error.fd < 0)
			return err_sys(err, "net: make an eventfd");
	}
	return 0;
}

static int new_pair(struct net *n, const struct virtio_net_options *opts, struct err *err)
{
	const uint16_t i = n->n_pairs;
	struct net_pair *p = calloc(1, sizeof(*p));
	int rc;

	if (!p)
		return err_set(err, -ENOMEM, "net: no memory for a queue pair");
	n->pairs[n->n_pairs++] = p;
	p->net = n;
	p->rx = &n->vqs[(size_t)2 * i];
	p->tx = &n->vqs[(size_t)2 * i + 1];
	p->rx_timer = (struct loop_source){ .fd = -1, .ready = on_rx_timer };
	p->tx_timer = (struct loop_source){ .fd = -1, .ready = on_tx_timer };
	p->vhost_error = (struct loop_source){ .fd = -1, .ready = on_vhost_error };
	p->rx_kick = (struct loop_source){ .fd = -1, .ready = on_rx_kick };
	p->tx_kick = (struct loop_source){ .fd = -1, .ready = on_tx_kick };
	p->tap_source = (struct loop_source){ .fd = opts->tap_fds[i], .ready = on_tap };
	p->vhost_fd = n->use_vhost ? opts->vhost_fds[i] : -1;
	rc = tap_init(&p->tap, opts->tap_fds[i], err);
	if (rc < 0)
		return rc;
	if (opts->n_pairs > 1 && p->tap.is_tap && !p->tap.is_multi)
		return err_set(err, -EINVAL, "net: several queues need a TAP with IFF_MULTI_QUEUE");
	/* Only the first pair is in use until the driver asks for more. */
	rc = tap_attach(&p->tap, i == 0);
	if (rc < 0)
		return err_code(err, rc, "net: detach a queue of the TAP");
	return open_fds(p, err);
}

static int init(struct net *n, const struct virtio_net_options *opts, struct err *err)
{
	uint64_t able = UINT64_MAX;
	int rc = ratelimit_init(&n->rx_limit, &opts->rx_limit, ratelimit_now());

	if (rc == 0)
		rc = ratelimit_init(&n->tx_limit, &opts->tx_limit, ratelimit_now());
	if (rc < 0)
		return err_code(err, rc, "net: rate limit");
	if (n->use_vhost && (ratelimit_is_on(&n->rx_limit) || ratelimit_is_on(&n->tx_limit)))
		return err_set(err, -EINVAL, "net: vhost-net cannot limit rates");
	n->trash = malloc(NET_TRASH_BYTES);
	if (!n->trash)
		return err_set(err, -ENOMEM, "net: no memory");
	while (n->n_pairs < opts->n_pairs) {
		rc = new_pair(n, opts, err);
		if (rc == 0 && n->use_vhost)
			rc = net_vhost_own(opts->vhost_fds[n->n_pairs - 1], &able, err);
		if (rc < 0)
			return rc;
	}
	n->dev.n_queues = (uint16_t)(2 * n->n_pairs + 1);
	for (uint16_t i = 0; i < n->dev.n_queues; i++)
		n->vqs[i] = (struct virtio_queue){ .size_max = NET_QUEUE_SIZE,
						   .kick_fd = -1,
						   .call_fd = -1 };
	n->dev.offered = offered(n, opts) & able;
	return 0;
}

int virtio_net_new(const struct virtio_net_options *opts, struct loop *loop,
		   struct virtio_device **out, struct err *err)
{
	struct net *n;
	int rc;

	if (opts->n_pairs == 0 || opts->n_pairs > NET_PAIRS_MAX)
		return err_set(err, -EINVAL, "net: the number of queue pairs must be 1 to %d",
			       NET_PAIRS_MAX);
	if (opts->mtu && opts->mtu < 68)
		return err_set(err, -EINVAL, "net: the MTU must be at least 68");
	if (opts->mac[0] & 1)
		return err_set(err, -EINVAL, "net: the MAC address is a group's");
	n = calloc(1, sizeof(*n));
	if (!n)
		return err_set(err, -ENOMEM, "net: no memory");
	n->dev.ops = &net_ops;
	n->dev.id = VIRTIO_ID_NET;
	n->dev.queues = n->vqs;
	n->dev.config_len = CONFIG_BYTES;
	n->dev.config_call_fd = -1;
	n->loop = loop;
	n->mtu = opts->mtu;
	n->link_up = true;
	n->use_vhost = opts->use_vhost;
	n->ctrl_kick = (struct loop_source){ .fd = -1, .ready = on_ctrl_kick };
	memcpy(n->mac, opts->mac, sizeof(n->mac));
	rc = init(n, opts, err);
	if (rc < 0) {
		net_destroy(&n->dev);
		return rc;
	}
	*out = &n->dev;
	return 0;
}
