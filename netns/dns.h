/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The resolver of a network (--internal-dns), for the files of netns/ alone: a dnsmasq on the
 * host's end of the bridge, that knows the members by host name and by id, and asks the host's own
 * name servers for all else. Below the store's folder:
 *
 *   dns/NETWORK/pid        its process
 *   dns/NETWORK/hosts/ID   the names of a member; whole or not there. dnsmasq watches the folder
 *
 * The caller holds the store's lock.
 */
#ifndef BIVALVE_NETNS_DNS_H
#define BIVALVE_NETNS_DNS_H

#include "netns/net.h"

/* dns_check - Returns 0, -EINVAL: the host is not on @n; or as dnsmasq_check(). */
MUST_CHECK int dns_check(const struct network *n, struct err *err);

/* dns_up - starts it unless it runs. */
MUST_CHECK int dns_up(const struct net_store *s, const struct network *n, struct err *err);

/* dns_down - ends it and removes its files; success when there is nothing. */
MUST_CHECK int dns_down(const struct net_store *s, const char *network, struct err *err);

/* dns_join, dns_leave - the names of the workload @id on the network of @end. */
MUST_CHECK int dns_join(const struct net_store *s, const struct net_end *end, const char *id,
			const char *host_name, struct err *err);
void dns_leave(const struct net_store *s, const struct net_end *end, const char *id);

#endif
