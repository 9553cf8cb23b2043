// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Frames from the TAP to the guest. Buffers are taken into a stock first, so that each chain is
 * looked at once however many frames it waits for; a frame is read straight into the oldest ones.
 * Behind them comes a buffer of our own: bytes in it mean that the frame did not fit.
 */
#include <string.h>

#include "spec/base/log.h"
#include "vmmode/virtio/net_internal.h"

void net_rx_forget(struct net_pair *p)
{
	struct net_stock *s = &p->stock;

	s->iov_first = s->iov_end = 0;
	s->chain_first = s->n_chains = 0;
	s->bytes = 0;
}

/* Bytes of buffers that are wanted before a frame is read. */
static uint64_t wanted_bytes(const struct net *n)
{
	const unsigned int mtu = n->mtu ? n->mtu : 1500;

	/* A frame goes into one chain: any chain will do, and the frame is dropped if not. */
	if (!net_has(n, VIRTIO_NET_F_MRG_RXBUF))
		return 1;
	if (net_has(n, VIRTIO_NET_F_GUEST_TSO4) || net_has(n, VIRTIO_NET_F_GUEST_TSO6))
		return TAP_HEADER_BYTES + NET_FRAME_MAX;
	return TAP_HEADER_BYTES + NET_FRAME_MIN + 4 + mtu;
}

static void add_chain(struct net_stock *s, const struct virtq_chain *c)
{
	struct net_chain *slot = &s->chains[(s->chain_first + s->n_chains) % NET_QUEUE_SIZE];

	*slot = (struct net_chain){ .head = c->head, .n_iov = c->n_write, .bytes = c->write_bytes };
	s->n_chains++;
	memcpy(s->iov + s->iov_end, c->iov, c->n_write * sizeof(c->iov[0]));
	s->iov_end += c->n_write;
	s->bytes += c->write_bytes;
}

/*
 * Takes buffers until a frame of the largest size fits, or as many as one readv(2) can use.
 * Returns 1; 0 there are too few: the driver will kick; -errno a bad chain.
 */
static int fill_stock(struct net_pair *p)
{
	const uint64_t wanted = wanted_bytes(p->net);
	struct net_stock *s = &p->stock;
	struct virtq_chain *c = &p->net->chain;

	while (s->bytes < wanted && s->iov_end - s->iov_first < NET_IOV_MAX - NET_QUEUE_SIZE) {
		int rc = virtq_pop(&p->rx->vq, c);

		if (rc < 0)
			return rc;
		if (rc == 0) {
			if (virtq_kicks_on(&p->rx->vq))
				continue;
			return 0;
		}
		if (c->n_read != 0 || c->write_bytes < TAP_HEADER_BYTES)
			return -EINVAL;
		if (s->iov_end + c->n_write > NET_STOCK_IOV) {
			memmove(s->iov, s->iov + s->iov_first,
				(s->iov_end - s->iov_first) * sizeof(s->iov[0]));
			s->iov_end -= s->iov_first;
			s->iov_first = 0;
		}
		add_chain(s, c);
	}
	virtq_kicks_off(&p->rx->vq);
	return 1;
}

/* Writes the number of buffers into the header at the start of the oldest ones. */
static void set_num_buffers(const struct net_stock *s, uint16_t n)
{
	size_t off = offsetof(struct virtio_net_hdr_v1, num_buffers);
	const struct iovec *v = s->iov + s->iov_first;

	for (size_t i = 0; i < sizeof(n); i++) {
		while (off >= v->iov_len)
			off -= (v++)->iov_len;
		((uint8_t *)v->iov_base)[off++] = (uint8_t)(n >> (8 * i));
	}
}

/* The first @len bytes of the stock hold a frame: gives the guest their chains. */
static void use_stock(struct net_pair *p, uint32_t len)
{
	struct net_stock *s = &p->stock;
	uint32_t iov_used = 0;
	uint64_t bytes_used = 0;
	uint16_t n = 0;

	while (len > 0) {
		const struct net_chain *c = &s->chains[(s->chain_first + n) % NET_QUEUE_SIZE];
		uint32_t part = len < c->bytes ? len : c->bytes;

		virtq_fill(&p->rx->vq, n, c->head, part);
		len -= part;
		iov_used += c->n_iov;
		bytes_used += c->bytes;
		n++;
	}
	set_num_buffers(s, n);
	virtq_publish(&p->rx->vq, n);
	s->chain_first = (s->chain_first + n) % NET_QUEUE_SIZE;
	s->n_chains -= n;
	s->bytes -= bytes_used;
	s->iov_first += iov_used;
	if (s->iov_first == s->iov_end)
		s->iov_first = s->iov_end = 0;
}

/* Reads one frame. Returns its length with the header; 0 it was dropped; or -errno. */
static ssize_t read_frame(struct net_pair *p)
{
	struct net *n = p->net;
	struct net_stock *s = &p->stock;
	const bool merge = net_has(n, VIRTIO_NET_F_MRG_RXBUF);
	const struct net_chain *first = &s->chains[s->chain_first];
	const uint64_t room = merge ? s->bytes : first->bytes;
	const uint32_t n_iov = merge ? s->iov_end - s->iov_first : first->n_iov;
	struct iovec *end = s->iov + s->iov_first + n_iov;
	const struct iovec kept = *end;
	ssize_t len;

	/* The entry behind may belong to the next chain; there always is one. */
	*end = (struct iovec){ .iov_base = n->trash, .iov_len = NET_TRASH_BYTES };
	len = readv(p->tap.fd, s->iov + s->iov_first, (int)n_iov + 1);
	*end = kept;
	if (len < 0)
		return -errno;
	if (len == 0)
		return -EAGAIN; /* a socket whose other end is closed also hangs up */
	if (len < TAP_HEADER_BYTES + NET_FRAME_MIN || (uint64_t)len > room)
		return 0;
	return len;
}

/* One frame. False: there is no more to do now. */
static bool receive(struct net_pair *p)
{
	struct net *n = p->net;
	uint64_t wait_ns = 0;
	uint64_t now = 0;
	ssize_t len;
	int rc;

	if (ratelimit_is_on(&n->rx_limit)) {
		now = ratelimit_now();
		wait_ns = ratelimit_wait(&n->rx_limit, now);
	}
	if (wait_ns != 0) {
		p->rx_held = true;
		net_hold(p, &p->rx_timer, wait_ns);
		return false;
	}
	rc = fill_stock(p);
	if (rc < 0)
		virtio_device_broken(&n->dev, rc, "a receive buffer");
	p->rx_starved = rc == 0;
	if (rc <= 0)
		return false;
	len = read_frame(p);
	if (len < 0) {
		if (len != -EAGAIN && len != -EINTR)
			log_debug("virtio-net: read a frame: %s, ignoring", strerror((int)-len));
		return len == -EINTR;
	}
	if (len > 0) {
		use_stock(p, (uint32_t)len);
		if (now != 0)
			ratelimit_charge(&n->rx_limit, (uint32_t)len - TAP_HEADER_BYTES, now);
	}
	return true;
}

void net_rx_run(struct net_pair *p)
{
	for (int i = 0; i < NET_BATCH; i++) {
		if (!net_go(p) || !receive(p))
			break;
	}
	virtio_queue_call(p->rx);
	/* A frame that is left keeps the TAP readable: the loop comes back. */
	net_watch_tap(p);
}
