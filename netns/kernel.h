/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Networks and ends in the kernel, for the files of netns/ alone: bridges, ports, rules, sysctls.
 * Everything here can be done again: what is there already is left, what is gone is not missed.
 * The caller holds the store's lock, except for kernel_end_*().
 */
#ifndef BIVALVE_NETNS_KERNEL_H
#define BIVALVE_NETNS_KERNEL_H

#include "netns/nat.h"
#include "netns/net.h"
#include "netns/rtnl.h"

bool kernel_has_ipv6(void);

/* kernel_hash48 - a name's and a number's place in 2^48, for names of interfaces. */
uint64_t kernel_hash48(const char *name, unsigned int number);

/* kernel_is_our_bridge - @link is the bridge that was made for @n. */
bool kernel_is_our_bridge(const struct link_info *link, const struct network *n);

MUST_CHECK int kernel_network_up(const struct net_store *s, struct nl *nl, const struct network *n,
				 struct err *err);
MUST_CHECK int kernel_network_down(const struct net_store *s, struct nl *nl,
				   const struct network *n, struct err *err);

/* kernel_rebuild_rules - both tables anew, in one transaction, from what the store holds. */
MUST_CHECK int kernel_rebuild_rules(const struct net_store *s, struct nl *nft, struct err *err);

/* Sockets that one set-up needs; opened on first use. */
struct kernel_sockets {
	struct nl route; /* of the host */
	struct nl nft;
};

void kernel_sockets_close(struct kernel_sockets *k);

/*
 * kernel_end_up - makes the device of @end on @n's bridge, and dresses it in the workload's
 * namespace
 * @netns_fd (-1: a TAP, whose descriptor goes to @end->tap_fd).
 * Returns 0; -ENODEV the bridge is gone: kernel_network_up() and try again.
 */
MUST_CHECK int kernel_end_up(struct kernel_sockets *k, const struct network *n, int netns_fd,
			     struct net_end *end, bool has_default_route, struct err *err);

/* kernel_end_rules, kernel_port_rules - what all ends and ports of @e need, into a batch. */
void kernel_ends_rules(struct nl_batch *b, uint16_t type, const struct net_ends *e);

/* kernel_ends_down - deletes the devices of @e. */
MUST_CHECK int kernel_ends_down(struct nl *route, const struct net_ends *e, struct err *err);

/* ---- net.c and network.c among themselves; the lock is held ---- */

MUST_CHECK int network_create_locked(const struct net_store *s, const struct network *wanted,
				     struct network *out, struct err *err);

/* net_reclaim_locked - takes down what workloads that do not exist any more have left. */
MUST_CHECK int net_reclaim_locked(const struct net_store *s, struct err *err);

/* net_user_of - copies an id that is on @network. Returns 0, or -ENOENT when there is none. */
MUST_CHECK int net_user_of(const struct net_store *s, const char *network,
			   char out[NET_ID_MAX + 1]);

#endif
