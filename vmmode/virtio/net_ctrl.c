// SPDX-License-Identifier: GPL-2.0-or-later
/* The control queue: receive modes, number of pairs, offloads. Source: virtio 1.2, 5.1.6.5. */
#include <string.h>

#include "spec/base/log.h"
#include "vmmode/virtio/net_internal.h"

#define GUEST_OFFLOADS                                                                             \
	((UINT64_C(1) << VIRTIO_NET_F_GUEST_CSUM) | (UINT64_C(1) << VIRTIO_NET_F_GUEST_TSO4) |     \
	 (UINT64_C(1) << VIRTIO_NET_F_GUEST_TSO6) | (UINT64_C(1) << VIRTIO_NET_F_GUEST_ECN))

static int set_pairs(struct net *n, const struct virtq_chain *c)
{
	uint16_t pairs = 0;

	if (virtq_chain_read(c, sizeof(struct virtio_net_ctrl_hdr), &pairs, sizeof(pairs)) !=
		sizeof(pairs) ||
	    !net_has(n, VIRTIO_NET_F_MQ) || pairs == 0 || pairs > n->n_pairs)
		return -EINVAL;
	return net_set_pairs(n, pairs);
}

static int set_offloads(struct net *n, const struct virtq_chain *c)
{
	uint64_t wanted = 0;
	int rc = 0;

	if (virtq_chain_read(c, sizeof(struct virtio_net_ctrl_hdr), &wanted, sizeof(wanted)) !=
		sizeof(wanted) ||
	    (wanted & ~(n->dev.features & GUEST_OFFLOADS)))
		return -EINVAL;
	for (uint16_t i = 0; i < n->n_pairs && rc == 0; i++)
		rc = tap_set_offloads(&n->pairs[i]->tap, net_offloads(wanted));
	return rc;
}

static int command(struct net *n, const struct virtq_chain *c)
{
	struct virtio_net_ctrl_hdr h = { 0 };

	(void)virtq_chain_read(c, 0, &h, sizeof(h));
	switch (h.class) {
	case VIRTIO_NET_CTRL_RX:
		/* Every frame is passed on: modes and filters ask for no more than that. */
		return h.cmd <= VIRTIO_NET_CTRL_RX_ALLMULTI ? 0 : -EINVAL;
	case VIRTIO_NET_CTRL_MAC:
		return h.cmd == VIRTIO_NET_CTRL_MAC_TABLE_SET ? 0 : -EINVAL;
	case VIRTIO_NET_CTRL_MQ:
		return h.cmd == VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET ? set_pairs(n, c) : -EINVAL;
	case VIRTIO_NET_CTRL_GUEST_OFFLOADS:
		return h.cmd == VIRTIO_NET_CTRL_GUEST_OFFLOADS_SET ? set_offloads(n, c) : -EINVAL;
	default:
		return -EINVAL;
	}
}

void net_ctrl_run(struct net *n)
{
	struct virtq *vq = &n->ctrl->vq;
	int i;

	for (i = 0; i < NET_BATCH; i++) {
		uint8_t ack = VIRTIO_NET_OK;
		int rc;

		do {
			rc = virtq_pop(vq, &n->chain);
		} while (rc == 0 && virtq_kicks_on(vq));
		if (rc == 0)
			break;
		if (rc > 0 && (n->chain.read_bytes < sizeof(struct virtio_net_ctrl_hdr) ||
			       n->chain.write_bytes < sizeof(ack)))
			rc = -EINVAL;
		if (rc < 0) {
			virtio_device_broken(&n->dev, rc, "a control command's buffers");
			break;
		}
		rc = command(n, &n->chain);
		if (rc < 0) {
			ack = VIRTIO_NET_ERR;
			log_debug("virtio-net: a control command: %s, refusing", strerror(-rc));
		}
		(void)virtq_chain_write(&n->chain, 0, &ack, sizeof(ack));
		virtq_push(vq, n->chain.head, sizeof(ack));
	}
	virtio_queue_call(n->ctrl);
	if (i == NET_BATCH)
		net_again(n->ctrl);
}
