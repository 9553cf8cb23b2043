/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Our rules. Two tables, `inet bivalve` (forwarding, NAT, published ports) and `bridge bivalve`
 * (what a port may send). The rules are fixed and know no network: networks, containers and ports
 * are elements of sets, so a packet costs the same with one or a thousand of them, and a change is
 * a few elements in one transaction. The rules are in nat.c as a table; netns/README.md explains
 * them.
 *
 * The functions write into a batch between nft_begin() and nft_end(). Elements can be added and
 * deleted again and again; without our tables that fails with -ENOENT, and adding a published port
 * that leads elsewhere with -EEXIST. @type is NFT_MSG_NEWSETELEM or NFT_MSG_DELSETELEM.
 */
#ifndef BIVALVE_NETNS_NAT_H
#define BIVALVE_NETNS_NAT_H

#include <net/if.h>

#include "netns/ip.h"
#include "netns/nft.h"

/* Names of host interfaces that are ports of containers begin with this; the rules rely on it. */
#define NAT_PORT_PREFIX "bvp"

/* nat_add_tables - makes both tables anew; what they held is gone with the same transaction. */
void nat_add_tables(struct nl_batch *b);

/* What a network may do. */
enum {
	NAT_OUT = 1 << 0,        /* its members reach beyond the host */
	NAT_IN = 1 << 1,         /* the world reaches its members by their addresses */
	NAT_MASQUERADE = 1 << 2, /* they do so under the host's address; ports can be published */
	NAT_NO_HOST = 1 << 3,    /* its members do not reach the host */
};

/*
 * nat_network - adds or deletes the network on @bridge_name. @flags must be the same both times.
 */
void nat_network(struct nl_batch *b, uint16_t type, const char *bridge_name, unsigned int flags);

/* What one port of a bridge may send. */
struct nat_guard {
	const char *port; /* host interface, NAT_PORT_PREFIX... */
	struct mac_addr mac;
	struct ip_addr ip, ip6; /* family 0 = none */
	bool any_ip; /* its addresses are not ours to know: the MAC address alone counts */
	bool is_lan; /* on a user's LAN: it may talk to routers and switches there */
};

/* nat_guard - lets @g->port send as itself; without this a port sends nothing. */
void nat_guard(struct nl_batch *b, uint16_t type, const struct nat_guard *g);

struct nat_publish {
	uint8_t proto;      /* IPPROTO_TCP or IPPROTO_UDP */
	uint16_t host_port; /* host order; the first of a range */
	uint16_t port;      /* of the container; the first of a range */
	uint16_t count;
	struct ip_addr host; /* family 0 = every address of the host */
	struct ip_addr to;   /* the container; says the family */
	const char *object;  /* for error texts */
};

/* nat_publish - adds or deletes published ports. */
void nat_publish(struct nl_batch *b, uint16_t type, const struct nat_publish *p);

/* nat_link_local - the address that IPv6 makes of @mac. Source: RFC 4291, appendix A. */
struct ip_addr nat_link_local(const struct mac_addr *mac);

#endif
