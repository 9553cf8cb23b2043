// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Packets to the guest. Its buffers are taken into a stock first; one recvmsg(2) fills the payload
 * of many (Linux gives a page each), then each gets its header.
 */
#include <string.h>
#include <sys/socket.h>

#include "vmmode/virtio/vsock_internal.h"

enum { HEADER = sizeof(struct virtio_vsock_hdr) };

/* ---- the stock ---------------------------------------------------------------------------------
 */

void vsock_rx_forget(struct vsock *v)
{
	struct vsock_stock *s = &v->stock;

	s->iov_first = s->iov_end = 0;
	s->first = s->n = 0;
	s->room = 0;
}

static void add_chain(struct vsock_stock *s, const struct virtq_chain *c)
{
	if (s->iov_end + c->n_write > VSOCK_STOCK_IOV) {
		memmove(s->iov, s->iov + s->iov_first,
			(s->iov_end - s->iov_first) * sizeof(s->iov[0]));
		s->iov_end -= s->iov_first;
		s->iov_first = 0;
	}
	s->chains[(s->first + s->n++) % VSOCK_STOCK_CHAINS] =
	    (struct vsock_chain){ .head = c->head, .n_iov = c->n_write, .bytes = c->write_bytes };
	memcpy(s->iov + s->iov_end, c->iov, c->n_write * sizeof(c->iov[0]));
	s->iov_end += c->n_write;
	s->room += c->write_bytes - HEADER;
}

/*
 * Takes buffers until @wanted bytes of payload fit, one packet at least.
 * Returns 1; 0 there is none: the driver will kick; -errno a bad chain.
 */
static int fill_stock(struct vsock *v, uint32_t wanted)
{
	struct vsock_stock *s = &v->stock;
	struct virtq *vq = &v->vqs[VSOCK_RX].vq;

	while ((s->n == 0 || s->room < wanted) && s->n < VSOCK_STOCK_CHAINS &&
	       s->iov_end - s->iov_first < VSOCK_IOV_MAX) {
		int rc = virtq_pop(vq, &v->chain);

		if (rc < 0)
			return rc;
		if (rc == 0 && s->n > 0)
			break;
		if (rc == 0 && !virtq_kicks_on(vq))
			return 0;
		if (rc == 0)
			continue;
		/* A buffer with room for no data would never carry any. */
		if (v->chain.n_read != 0 || v->chain.write_bytes <= HEADER)
			return -EINVAL;
		add_chain(s, &v->chain);
	}
	return 1;
}

/* Writes @h into the first bytes of the chain whose buffers begin at @iov. */
static void put_header(const struct iovec *iov, const struct virtio_vsock_hdr *h)
{
	const uint8_t *from = (const uint8_t *)h;
	size_t left = HEADER;

	for (; left > 0; iov++) {
		const size_t part = left < iov->iov_len ? left : iov->iov_len;

		memcpy(iov->iov_base, from, part);
		from += part;
		left -= part;
	}
}

/*
 * Puts @h in front of @bytes of payload that are in the stock's first chains already, one packet
 * for each chain, and gives them to the driver.
 */
static void use_stock(struct vsock *v, struct virtio_vsock_hdr *h, uint32_t bytes)
{
	struct vsock_stock *s = &v->stock;
	struct virtq *vq = &v->vqs[VSOCK_RX].vq;
	uint16_t n = 0;

	do {
		const struct vsock_chain *c = &s->chains[s->first];
		const uint32_t room = c->bytes - HEADER;

		h->len = bytes < room ? bytes : room;
		bytes -= h->len;
		put_header(s->iov + s->iov_first, h);
		virtq_fill(vq, n++, c->head, HEADER + h->len);
		s->iov_first += c->n_iov;
		s->room -= room;
		s->first = (s->first + 1) % VSOCK_STOCK_CHAINS;
		s->n--;
	} while (bytes > 0);
	if (s->n == 0)
		s->iov_first = s->iov_end = 0;
	virtq_publish(vq, n);
}

/* ---- packets -----------------------------------------------------------------------------------
 */

/* A packet without data, or the header of one with: tells the credit. */
static struct virtio_vsock_hdr header(struct vsock_conn *c, uint16_t op, uint32_t flags)
{
	c->told_taken = c->taken;
	c->owed &= ~(unsigned int)VSOCK_OWE_CREDIT;
	return (struct virtio_vsock_hdr){
		.src_cid = VSOCK_CID_HOST,
		.dst_cid = c->v->cid,
		.src_port = c->host_port,
		.dst_port = c->guest_port,
		.type = VIRTIO_VSOCK_TYPE_STREAM,
		.op = op,
		.flags = flags,
		.buf_alloc = c->buf_size,
		.fwd_cnt = c->taken,
	};
}

static int send_reset(struct vsock *v)
{
	const struct vsock_reset *r = &v->resets[v->reset_first];
	struct virtio_vsock_hdr h = {
		.src_cid = r->src_cid,
		.dst_cid = v->cid,
		.src_port = r->src_port,
		.dst_port = r->dst_port,
		.type = r->type,
		.op = VIRTIO_VSOCK_OP_RST,
	};
	int rc = fill_stock(v, 0);

	if (rc <= 0)
		return rc;
	use_stock(v, &h, 0);
	v->reset_first = (v->reset_first + 1) % VSOCK_RESETS_MAX;
	v->n_resets--;
	return 1;
}

/* The payload rooms of the stock's first chains, @want bytes at most. Returns their number. */
static size_t payload_iov(struct vsock *v, uint32_t want)
{
	const struct vsock_stock *s = &v->stock;
	const struct iovec *iov = s->iov + s->iov_first;
	size_t n = 0;

	for (uint32_t i = 0; i < s->n && want > 0; i++) {
		const uint16_t n_iov = s->chains[(s->first + i) % VSOCK_STOCK_CHAINS].n_iov;
		size_t skip = HEADER;

		if (n + n_iov > VSOCK_IOV_MAX)
			break;
		for (uint16_t j = 0; j < n_iov && want > 0; j++, iov++) {
			size_t cut = skip < iov->iov_len ? skip : iov->iov_len;
			size_t part = iov->iov_len - cut;

			skip -= cut;
			if (part > want)
				part = want;
			want -= (uint32_t)part;
			if (part > 0)
				v->iov[n++] = (struct iovec){
					.iov_base = (uint8_t *)iov->iov_base + cut,
					.iov_len = part,
				};
		}
	}
	return n;
}

/* Reads once from the socket into the guest's buffers. Returns as send_owed(). */
static int send_data(struct vsock *v, struct vsock_conn *c)
{
	const uint32_t room = vsock_conn_room(c);
	const uint32_t want = room < VSOCK_TURN_BYTES ? room : VSOCK_TURN_BYTES;
	struct msghdr m = { .msg_iov = v->iov };
	struct virtio_vsock_hdr h;
	size_t asked = 0;
	ssize_t n;
	int rc = fill_stock(v, want);

	if (rc <= 0)
		return rc;
	m.msg_iovlen = payload_iov(v, want);
	for (size_t i = 0; i < m.msg_iovlen; i++)
		asked += v->iov[i].iov_len;
	n = recvmsg(c->source.fd, &m, MSG_DONTWAIT);
	if (n < 0 && errno == EINTR)
		return 1;
	if (n < 0 && errno == EAGAIN) {
		c->readable = false;
		return 1;
	}
	if (n <= 0) {
		vsock_conn_found_end(c, n < 0);
		return 1;
	}
	/* Short: there is no more for now, a new edge will tell. But the end is no edge when its
	 * own came before, and a message with descriptors (dropped) stops a read. */
	if ((size_t)n < asked && !c->at_end && !(m.msg_flags & MSG_CTRUNC))
		c->readable = false;
	h = header(c, VIRTIO_VSOCK_OP_RW, 0);
	use_stock(v, &h, (uint32_t)n);
	c->sent += (uint32_t)n;
	return 1;
}

/* The packets without data, in the order in which they make sense. After data, which tells the
 * credit by the way, there is seldom need for the last ones. */
static const struct kind {
	unsigned int owed;
	uint16_t op;
} kinds[] = {
	{ VSOCK_OWE_REQUEST, VIRTIO_VSOCK_OP_REQUEST },
	{ VSOCK_OWE_RESPONSE, VIRTIO_VSOCK_OP_RESPONSE },
	{ VSOCK_OWE_SHUTDOWN, VIRTIO_VSOCK_OP_SHUTDOWN },
	{ VSOCK_OWE_CREDIT, VIRTIO_VSOCK_OP_CREDIT_UPDATE },
	{ VSOCK_OWE_ASK, VIRTIO_VSOCK_OP_CREDIT_REQUEST },
};
enum { BEFORE_DATA = VSOCK_OWE_REQUEST | VSOCK_OWE_RESPONSE | VSOCK_OWE_SHUTDOWN };

/* One turn of a connection. Returns 1; 0 there is no buffer: the driver will kick; -errno a bad
 * one. */
static int send_owed(struct vsock *v, struct vsock_conn *c)
{
	const struct kind *k = kinds;
	struct virtio_vsock_hdr h;
	int rc;

	if (!(c->owed & BEFORE_DATA) && vsock_conn_can_read(c))
		return send_data(v, c);
	while (k < kinds + ARRAY_LEN(kinds) && !(c->owed & k->owed))
		k++;
	if (k == kinds + ARRAY_LEN(kinds))
		return 1;
	rc = fill_stock(v, 0);
	if (rc <= 0)
		return rc;
	h = header(c, k->op, k->op == VIRTIO_VSOCK_OP_SHUTDOWN ? c->host_shut : 0);
	use_stock(v, &h, 0);
	c->owed &= ~k->owed;
	return 1;
}

void vsock_rx_run(struct vsock *v)
{
	struct virtio_queue *q = &v->vqs[VSOCK_RX];
	unsigned int n;

	if (!virtq_is_active(&q->vq) || v->rx_starved)
		return;
	virtq_kicks_off(&q->vq);
	for (n = 0; n < VSOCK_BATCH && !atomic_load(&v->dev.broken); n++) {
		struct vsock_conn *c = v->n_resets == 0 ? TAILQ_FIRST(&v->ready) : NULL;
		int rc;

		if (v->n_resets > 0)
			rc = send_reset(v);
		else if (c)
			rc = send_owed(v, c);
		else
			break;
		v->rx_starved = rc == 0;
		if (rc < 0)
			vsock_broken(v, rc, "a receive buffer");
		if (rc <= 0)
			break;
		/* To the end of the list, if there is more. */
		if (c) {
			vsock_unready(v, c);
			(void)vsock_conn_settle(c);
		}
	}
	virtio_queue_call(q);
	if (n == VSOCK_BATCH)
		vsock_again(q);
}
