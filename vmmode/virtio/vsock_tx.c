// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Packets from the guest. The header is copied once and looked at in the copy. A malformed buffer
 * breaks the device; a packet that makes no sense for its connection ends that connection.
 */
#include "vmmode/virtio/vsock_internal.h"

_Static_assert(sizeof(struct virtio_vsock_hdr) == 44, "virtio 1.2, 5.10.6");

enum { BATCH_BYTES = 1 << 20 };

/* "There is no such connection", to the sender of @h. A reset is never answered. */
static void refuse(struct vsock *v, const struct virtio_vsock_hdr *h)
{
	const struct vsock_reset r = {
		.src_cid = h->dst_cid,
		.src_port = h->dst_port,
		.dst_port = h->src_port,
		.type = h->type,
	};

	if (h->op != VIRTIO_VSOCK_OP_RST)
		vsock_owe_reset(v, &r);
}

static void on_request(struct vsock *v, const struct virtio_vsock_hdr *h)
{
	struct vsock_conn *c = NULL;

	if (v->n_from_guest < VSOCK_FROM_GUEST_MAX)
		c = vsock_conn_new(v, VSOCK_CONNECTING, -1);
	if (!c) {
		refuse(v, h);
		return;
	}
	c->guest_port = h->src_port;
	c->host_port = h->dst_port;
	vsock_table_add(v, c);
	if (vsock_conn_credit(c, h->buf_alloc, h->fwd_cnt) < 0 || vsock_conn_connect(c) < 0)
		vsock_conn_abort(c);
	else
		(void)vsock_conn_settle(c);
}

static int on_response(struct vsock_conn *c)
{
	if (c->state != VSOCK_REQUESTED || (c->owed & VSOCK_OWE_REQUEST))
		return -EPROTO;
	vsock_host_accepted(c);
	return 0;
}

/* The payload is behind the header: the chain's buffers without their first 44 bytes, no longer
 * than the packet says. */
static int on_data(struct vsock_conn *c, const struct virtio_vsock_hdr *h)
{
	const struct virtq_chain *chain = &c->v->chain;
	struct iovec *iov = c->v->iov;
	size_t skip = sizeof(*h);
	size_t left = h->len;
	size_t n = 0;

	if ((c->state != VSOCK_OPEN && c->state != VSOCK_CLOSING) ||
	    (c->guest_shut & VIRTIO_VSOCK_SHUTDOWN_SEND))
		return -EPROTO;
	for (size_t i = 0; i < chain->n_read && left > 0; i++) {
		size_t cut = skip < chain->iov[i].iov_len ? skip : chain->iov[i].iov_len;
		size_t part = chain->iov[i].iov_len - cut;

		skip -= cut;
		if (part > left)
			part = left;
		left -= part;
		if (part > 0)
			iov[n++] = (struct iovec){
				.iov_base = (uint8_t *)chain->iov[i].iov_base + cut,
				.iov_len = part,
			};
	}
	return n ? vsock_conn_take(c, iov, n, h->len) : 0;
}

static int on_shutdown(struct vsock_conn *c, const struct virtio_vsock_hdr *h)
{
	if (c->state != VSOCK_OPEN && c->state != VSOCK_CLOSING)
		return -EPROTO;
	vsock_conn_shut_by_guest(c, h->flags);
	return 0;
}

/* A packet of a connection. May free @c. */
static void dispatch(struct vsock_conn *c, const struct virtio_vsock_hdr *h)
{
	int rc;

	if (h->op == VIRTIO_VSOCK_OP_RST) {
		vsock_conn_detach(c);
		return;
	}
	rc = vsock_conn_credit(c, h->buf_alloc, h->fwd_cnt);
	if (rc == 0) {
		switch (h->op) {
		case VIRTIO_VSOCK_OP_RESPONSE:
			rc = on_response(c);
			break;
		case VIRTIO_VSOCK_OP_RW:
			rc = on_data(c, h);
			break;
		case VIRTIO_VSOCK_OP_SHUTDOWN:
			rc = on_shutdown(c, h);
			break;
		case VIRTIO_VSOCK_OP_CREDIT_UPDATE:
			break;
		case VIRTIO_VSOCK_OP_CREDIT_REQUEST:
			c->owed |= c->state == VSOCK_OPEN ? VSOCK_OWE_CREDIT : 0;
			break;
		default: /* a second REQUEST, an operation that there is not */
			rc = -EPROTO;
			break;
		}
	}
	if (rc < 0)
		vsock_conn_abort(c);
	else
		(void)vsock_conn_settle(c);
}

/* Returns 0, or -EINVAL: the buffers are no packet. */
static int on_packet(struct vsock *v)
{
	struct virtio_vsock_hdr h;
	struct vsock_conn *c;

	if (v->chain.n_write != 0 || virtq_chain_read(&v->chain, 0, &h, sizeof(h)) != sizeof(h) ||
	    h.len > v->chain.read_bytes - sizeof(h))
		return -EINVAL;
	/* 5.10.6.2: not for us, or not from this guest. Who claims to be another gets no answer.
	 */
	if (h.src_cid != v->cid)
		return 0;
	if (h.dst_cid != VSOCK_CID_HOST || h.type != VIRTIO_VSOCK_TYPE_STREAM) {
		refuse(v, &h);
		return 0;
	}
	c = vsock_table_find(v, h.src_port, h.dst_port);
	if (c)
		dispatch(c, &h);
	else if (h.op == VIRTIO_VSOCK_OP_REQUEST)
		on_request(v, &h);
	else
		refuse(v, &h);
	return 0;
}

/* 5.10.6.1: resets wait and the guest gives no buffers: it is not heard until it does. */
static bool is_stalled(struct vsock *v)
{
	if (v->n_resets < VSOCK_RESETS_STALL)
		return false;
	if (!v->tx_stalled) {
		v->tx_stalled = true;
		v->stalled_ns = vsock_now();
		vsock_set_timer(v, vsock_in(VSOCK_DEAF_MS));
	}
	return true;
}

unsigned int vsock_tx_run(struct vsock *v, unsigned int max)
{
	struct virtio_queue *q = &v->vqs[VSOCK_TX];
	unsigned int n = 0;
	size_t bytes = 0;

	virtq_kicks_off(&q->vq);
	while (n < max && bytes < BATCH_BYTES && !atomic_load(&v->dev.broken) && !is_stalled(v)) {
		int rc;

		do {
			rc = virtq_pop(&q->vq, &v->chain);
		} while (rc == 0 && virtq_kicks_on(&q->vq));
		if (rc == 0)
			break;
		bytes += v->chain.read_bytes;
		if (rc > 0)
			rc = on_packet(v);
		if (rc < 0) {
			vsock_broken(v, rc, "a packet's buffers");
			break;
		}
		virtq_push(&q->vq, v->chain.head, 0);
		n++;
	}
	virtio_queue_call(q);
	if (n == max || bytes >= BATCH_BYTES)
		vsock_again(q);
	return n;
}
