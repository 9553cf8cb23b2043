/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The network device's state. All of it belongs to the loop's thread. A pair is one receive and
 * one transmit queue with a TAP queue of their own; it is watched while the driver has it in use.
 */
#ifndef BIVALVE_VMMODE_VIRTIO_NET_INTERNAL_H
#define BIVALVE_VMMODE_VIRTIO_NET_INTERNAL_H

#include <linux/virtio_net.h>
#include <sys/uio.h>

#include "vmmode/virtio/net.h"
#include "vmmode/virtio/tap.h"

enum {
	NET_QUEUES_MAX = 2 * NET_PAIRS_MAX + 1,
	NET_FRAME_MIN = 14,                        /* an Ethernet header */
	NET_FRAME_MAX = NET_FRAME_MIN + 4 + 65535, /* with a VLAN tag */
	NET_BATCH = 64,                            /* frames before other sources get their turn */
	NET_IOV_MAX = 1024,                        /* IOV_MAX: of one readv(2) or writev(2) */
	NET_STOCK_IOV = NET_IOV_MAX + NET_QUEUE_SIZE, /* one chain more is always room for */
};

struct net;

/* Receive buffers that were popped and not used yet, oldest first. */
struct net_stock {
	struct iovec iov[NET_STOCK_IOV + 1]; /* one more: see read_frame() */
	uint32_t iov_first, iov_end;
	struct net_chain {
		uint16_t head, n_iov;
		uint32_t bytes;
	} chains[NET_QUEUE_SIZE]; /* a ring: at most the queue's size is in flight */
	uint32_t chain_first, n_chains;
	uint64_t bytes;
};

struct net_pair {
	struct net *net;
	struct virtio_queue *rx, *tx;
	struct tap tap;
	int vhost_fd; /* borrowed; -1: none */
	struct loop_source tap_source, rx_kick, tx_kick;
	struct loop_source rx_timer, tx_timer; /* their descriptors are owned; -1: no limit */
	struct loop_source vhost_error;        /* the same; only with vhost */
	uint32_t tap_events;                   /* what tap_source is watched for now */
	bool running;                          /* the driver uses the pair: kicks are watched */
	bool tap_gone;                         /* the host's side went away */
	bool rx_starved;                       /* no buffer: a kick goes on */
	bool rx_held, tx_held;                 /* by the rate limit: a timer goes on */
	bool tx_full;                          /* the TAP took no more: EPOLLOUT goes on */
	struct net_stock stock;
};

struct net {
	struct virtio_device dev;
	struct loop *loop;
	struct virtio_queue vqs[NET_QUEUES_MAX];
	struct net_pair *pairs[NET_PAIRS_MAX]; /* owned */
	uint16_t n_pairs;
	uint8_t mac[NET_MAC_BYTES];
	uint16_t mtu;
	bool link_up;
	bool use_vhost;
	struct ratelimit rx_limit, tx_limit;
	struct loop_source ctrl_kick;
	struct virtio_queue *ctrl; /* NULL: not negotiated */
	struct virtq_chain chain;  /* the one just popped */
	uint8_t *trash;            /* owned: NET_TRASH_BYTES, what does not fit goes here */
};

/* Anything behind the guest's buffers: only whether there was any is asked. */
enum { NET_TRASH_BYTES = 65536 };

static inline bool net_has(const struct net *n, unsigned int feature)
{
	return n->dev.features & (UINT64_C(1) << feature);
}

/* net_rx_run, net_tx_run - move frames until there is nothing to do, or a batch is done. */
void net_rx_run(struct net_pair *p);
void net_tx_run(struct net_pair *p);

/* net_rx_forget - the stock is empty: at a reset. */
void net_rx_forget(struct net_pair *p);

/* net_watch_tap - watches the TAP for what the pair can use now. */
void net_watch_tap(struct net_pair *p);

/* net_hold - the rate limit: the timer of @timer comes in @wait_ns. */
void net_hold(struct net_pair *p, struct loop_source *timer, uint64_t wait_ns);

/* net_go - whether frames may move: the driver keeps to the rules and uses the pair. */
static inline bool net_go(struct net_pair *p)
{
	return p->running && !p->tap_gone && !atomic_load(&p->net->dev.broken);
}

/* net_again - a batch is done and there may be more: as if the driver had kicked. */
void net_again(struct virtio_queue *q);

/* net_ctrl_run - the control queue's commands. */
void net_ctrl_run(struct net *n);

/* net_set_pairs - the first @n pairs are in use (1 .. n_pairs), the others not. 0 or -errno. */
MUST_CHECK int net_set_pairs(struct net *n, uint16_t n_pairs);

/* net_offloads - TUN_F_* for the VIRTIO_NET_F_GUEST_* bits of @features. */
unsigned int net_offloads(uint64_t features);

/* net_tx_header_ok - the guest's header: only what was negotiated, and inside a frame of @bytes. */
bool net_tx_header_ok(uint64_t features, const struct virtio_net_hdr_v1 *h, uint32_t bytes);

/*
 * The same by the host's kernel (net_vhost.c).
 * net_vhost_own: once, at construction; @out_features: what vhost-net can do.
 * net_vhost_start, net_vhost_stop: for the queues that are active.
 */
MUST_CHECK int net_vhost_own(int vhost_fd, uint64_t *out_features, struct err *err);
MUST_CHECK int net_vhost_start(struct net_pair *p);
void net_vhost_stop(struct net_pair *p);

#endif
