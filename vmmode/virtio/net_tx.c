// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Frames from the guest to the TAP. The 12 bytes of header are copied once, checked against what
 * was negotiated, and sent from the copy; the frame itself goes from guest memory as it is.
 */
#include <string.h>

#include "spec/base/log.h"
#include "vmmode/virtio/net_internal.h"

static bool has(uint64_t features, unsigned int bit)
{
	return features & (UINT64_C(1) << bit);
}

bool net_tx_header_ok(uint64_t features, const struct virtio_net_hdr_v1 *h, uint32_t bytes)
{
	const bool ecn = h->gso_type & VIRTIO_NET_HDR_GSO_ECN;

	if (h->flags & ~VIRTIO_NET_HDR_F_NEEDS_CSUM)
		return false;
	/* The 16 bits of the checksum are in the frame. */
	if (h->flags && (!has(features, VIRTIO_NET_F_CSUM) ||
			 (uint32_t)h->csum_start + h->csum_offset + 2 > bytes))
		return false;
	switch (h->gso_type & ~VIRTIO_NET_HDR_GSO_ECN) {
	case VIRTIO_NET_HDR_GSO_NONE:
		return !ecn;
	case VIRTIO_NET_HDR_GSO_TCPV4:
		if (!has(features, VIRTIO_NET_F_HOST_TSO4))
			return false;
		break;
	case VIRTIO_NET_HDR_GSO_TCPV6:
		if (!has(features, VIRTIO_NET_F_HOST_TSO6))
			return false;
		break;
	default:
		return false;
	}
	/* virtio 1.2, 5.1.6.2: segmentation wants the checksum too. */
	return h->gso_size != 0 && h->flags && (!ecn || has(features, VIRTIO_NET_F_HOST_ECN));
}

/* Sends the chain. Returns 0 (sent, or dropped), -EAGAIN the TAP takes no more now, -EINVAL a chain
 * that is no frame. */
static int send_chain(struct net_pair *p, const struct virtq_chain *c)
{
	struct virtio_net_hdr_v1 header;
	struct iovec iov[NET_QUEUE_SIZE + 1];
	size_t skip = sizeof(header);
	uint32_t n_iov = 1;
	ssize_t rc;

	if (c->n_write != 0 || c->read_bytes < sizeof(header))
		return -EINVAL;
	(void)virtq_chain_read(c, 0, &header, sizeof(header));
	header.num_buffers = 0;
	if (c->read_bytes - sizeof(header) < NET_FRAME_MIN ||
	    c->read_bytes - sizeof(header) > NET_FRAME_MAX ||
	    !net_tx_header_ok(p->net->dev.features, &header,
			      c->read_bytes - (uint32_t)sizeof(header)))
		return 0;
	iov[0] = (struct iovec){ .iov_base = &header, .iov_len = sizeof(header) };
	for (uint32_t i = 0; i < c->n_read; i++) {
		size_t cut = skip < c->iov[i].iov_len ? skip : c->iov[i].iov_len;

		skip -= cut;
		if (cut < c->iov[i].iov_len)
			iov[n_iov++] = (struct iovec){
				.iov_base = (uint8_t *)c->iov[i].iov_base + cut,
				.iov_len = c->iov[i].iov_len - cut,
			};
	}
	do {
		rc = writev(p->tap.fd, iov, (int)n_iov);
	} while (rc < 0 && errno == EINTR);
	if (rc < 0 && errno == EAGAIN)
		return -EAGAIN;
	/* The kernel refuses the frame, or the link is down: networks drop. */
	if (rc < 0)
		log_debug("virtio-net: write a frame: %m, dropping it");
	return 0;
}

/* One frame. False: there is no more to do now. */
static bool transmit(struct net_pair *p)
{
	struct net *n = p->net;
	struct virtq *vq = &p->tx->vq;
	uint64_t wait_ns = 0;
	uint64_t now = 0;
	int rc;

	if (ratelimit_is_on(&n->tx_limit)) {
		now = ratelimit_now();
		wait_ns = ratelimit_wait(&n->tx_limit, now);
	}
	if (wait_ns != 0) {
		p->tx_held = true;
		net_hold(p, &p->tx_timer, wait_ns);
		return false;
	}
	do {
		rc = virtq_pop(vq, &n->chain);
	} while (rc == 0 && virtq_kicks_on(vq));
	if (rc == 0)
		return false;
	if (rc > 0)
		rc = send_chain(p, &n->chain);
	if (rc == -EAGAIN) {
		virtq_unpop(vq);
		p->tx_full = true;
		return false;
	}
	if (rc < 0) {
		virtio_device_broken(&n->dev, rc, "a frame's buffers");
		return false;
	}
	if (now != 0)
		ratelimit_charge(&n->tx_limit, n->chain.read_bytes - TAP_HEADER_BYTES, now);
	virtq_push(vq, n->chain.head, 0);
	return true;
}

void net_tx_run(struct net_pair *p)
{
	int i = 0;

	virtq_kicks_off(&p->tx->vq);
	while (i < NET_BATCH && net_go(p) && transmit(p))
		i++;
	virtio_queue_call(p->tx);
	if (i == NET_BATCH)
		net_again(p->tx);
	net_watch_tap(p);
}
