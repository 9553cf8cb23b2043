/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The virtio network device over TAP: frames go straight between the TAP's descriptor and guest
 * memory, offloads pass through in the header that both sides share. It works in the loop's thread;
 * with vhost-net descriptors the host's kernel moves the frames and this file only sets it up.
 *
 * Checksum and TCP segmentation offloads both ways, mergeable receive buffers, several queue pairs
 * (control queue), MAC, MTU, link status. No buffer from the guest: the TAP is not polled, and the
 * host's queue drops. Source: virtio 1.2, 5.1.
 */
#ifndef BIVALVE_VMMODE_VIRTIO_NET_H
#define BIVALVE_VMMODE_VIRTIO_NET_H

#include "vmmode/virtio/device.h"
#include "vmmode/virtio/loop.h"
#include "vmmode/virtio/ratelimit.h"

enum { NET_PAIRS_MAX = 8, NET_QUEUE_SIZE = 256, NET_MAC_BYTES = 6 };

struct virtio_net_options {
	/* One for each queue pair, borrowed for the life of the device, made non-blocking here:
	 * the queues of one TAP with IFF_VNET_HDR | IFF_NO_PI (IFF_MULTI_QUEUE with several), or a
	 * datagram socket whose packets begin with the 12 bytes of struct virtio_net_hdr_v1. */
	int tap_fds[NET_PAIRS_MAX];
	/* With use_vhost: one open /dev/vhost-net for each pair, borrowed. The limits must be 0. */
	int vhost_fds[NET_PAIRS_MAX];
	bool use_vhost;
	bool no_offloads; /* no checksum or segmentation offloads, no merged buffers */
	uint16_t n_pairs; /* 1 .. NET_PAIRS_MAX */
	uint8_t mac[NET_MAC_BYTES];
	uint16_t mtu; /* 0: not told to the guest; else 68 .. 65535 */
	struct ratelimit_options rx_limit, tx_limit;
};

/* virtio_net_new - the device; its work is done in the thread of @loop (borrowed, outlives it).
 * Returns 0, or -errno with the reason in @err. */
MUST_CHECK int virtio_net_new(const struct virtio_net_options *opts, struct loop *loop,
			      struct virtio_device **out, struct err *err);

#endif
