/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Leases of addresses and of host ports, for the files of netns/ alone. The caller holds the
 * store's lock. See store.h for the files.
 */
#ifndef BIVALVE_NETNS_IPAM_H
#define BIVALVE_NETNS_IPAM_H

#include "netns/net.h"

struct ipam_wish {
	const struct network *network;
	uint8_t family;
	struct ip_addr addr; /* family 0 = the next free one */
	const char *id;
};

/*
 * ipam_lease - gives @w->id an address of its network.
 * Addresses are handed out in turn, so that one that was given back rests as long as possible.
 * The first address, the last of IPv4, and the gateway are never leased.
 * Returns 0; -EADDRINUSE the wanted one has an owner; -EINVAL it is not of the network or not for a
 * workload; -ENOSPC none is left. Owners may be dead: the caller takes back and asks again.
 */
MUST_CHECK int ipam_lease(const struct net_store *s, const struct ipam_wish *w,
			  struct ip_prefix *out, struct err *err);

/* ipam_release - gives back @addr, if it is @id's. */
void ipam_release(const struct net_store *s, const char *network, const struct ip_addr *addr,
		  const char *id);

/* ipam_lease_port - takes host ports for @id, all or none. Returns 0 or -EADDRINUSE. */
MUST_CHECK int ipam_lease_port(const struct net_store *s, const struct net_port *p, const char *id,
			       struct err *err);
void ipam_release_port(const struct net_store *s, const struct net_port *p, const char *id);

/*
 * ipam_release_all - gives back what @id (NULL: every id that does not exist any more) has, in all
 * networks, by reading every lease. For ids without a record.
 */
MUST_CHECK int ipam_release_all(const struct net_store *s, const char *id, struct err *err);

/* ipam_owner - copies an owner of a lease of @network to @out. Returns 0, or -ENOENT: none. */
MUST_CHECK int ipam_owner(const struct net_store *s, const char *network, char out[NET_ID_MAX + 1]);

/* ipam_forget - removes the (empty) leases of @network. */
void ipam_forget(const struct net_store *s, const char *network);

#endif
