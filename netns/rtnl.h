/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rtnetlink: links, addresses and routes. A function that takes a batch only writes a message into
 * it (pure); one that takes a socket asks the kernel.
 * Sources: rtnetlink(7), uapi linux/if_link.h, linux/if_addr.h, linux/rtnetlink.h.
 */
#ifndef BIVALVE_NETNS_RTNL_H
#define BIVALVE_NETNS_RTNL_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "netns/ip.h"
#include "netns/nl.h"

/* ---- links (link.c) ---- */

struct link_info {
	uint32_t index; /* 0 = there is no such link */
	uint32_t mtu;
	uint32_t master; /* 0 = none */
	bool is_up;
	bool has_mac;
	struct mac_addr mac;
	char name[IFNAMSIZ];
	char kind[16];  /* "bridge", "veth", "tun", ...; "" for hardware */
	char alias[96]; /* cut short when longer */
};

/* link_name_ok - a name that the kernel takes as it is: no "%d", no alias, no path. */
bool link_name_ok(const char *name);

/* link_find - asks for the link @name. Returns 0; -ENODEV there is none; other errors with text. */
MUST_CHECK int link_find(struct nl *nl, const char *name, struct link_info *out, struct err *err);

/* link_index - the index of @name by one ioctl, without the lock of rtnetlink; -ENODEV. */
MUST_CHECK int link_index(const struct nl *nl, const char *name, uint32_t *out);

/* link_each - calls @fn for every link of the namespace. @fn returns 0 or an error that ends it. */
typedef int (*link_fn)(const struct link_info *link, void *data);
MUST_CHECK int link_each(struct nl *nl, link_fn fn, void *data, struct err *err);

/* link_parse - reads an RTM_NEWLINK message. Returns 0 or -EPROTO. */
MUST_CHECK int link_parse(const struct nlmsghdr *msg, struct link_info *out);

/*
 * link_add_bridge - makes a bridge that learns no sender from frames to the groups of IEEE 802.1
 * (Linux 5.0); it is tolerated that it exists.
 * @mac: fixed, so that the bridge does not change its own with its ports
 */
void link_add_bridge(struct nl_batch *b, const char *name, const struct mac_addr *mac, uint32_t mtu,
		     const char *alias);

/* link_set_no_snooping - the bridge floods multicast, whatever listeners report. */
void link_set_no_snooping(struct nl_batch *b, const char *name);

struct veth_spec {
	const char *host_name;           /* the end on the bridge */
	const char *peer_name;           /* the end in the container */
	const struct mac_addr *host_mac; /* NULL = the kernel's choice */
	const struct mac_addr *peer_mac;
	uint32_t master; /* index of the bridge */
	uint32_t mtu;
	int netns_fd; /* the peer's namespace */
};

/*
 * link_add_veth - a veth pair: this end up and on the bridge, the peer in its namespace. The peer
 * is down: the kernel makes it before the pair is joined, and then cannot open it (ENOTCONN).
 */
void link_add_veth(struct nl_batch *b, const struct veth_spec *spec);

/* link_set_port_up - sets a port of a bridge up, without an address of its own on the host. */
void link_set_port_up(struct nl_batch *b, const char *name);

/* link_set_hairpin - lets a frame leave by the port that it came in by. */
void link_set_hairpin(struct nl_batch *b, const char *name);

/*
 * link_pin_port - the bridge knows @mac to be behind the port, and learns nothing from what comes
 * in there. Source: bridge(8), "learning off", "fdb add ... master static".
 */
void link_pin_port(struct nl_batch *b, uint32_t index, const char *name,
		   const struct mac_addr *mac);

struct link_change {
	uint32_t index;   /* 0 = by name */
	const char *name; /* for the error text, and the key without an index */
	bool set_up, set_down;
	bool set_noarp;  /* answers no ARP, and asks none */
	bool set_master; /* to @master; 0 = none */
	uint32_t master;
	uint32_t mtu;               /* 0 = as it is */
	const struct mac_addr *mac; /* NULL = as it is */
	const char *alias;          /* NULL = as it is */
};

void link_set(struct nl_batch *b, const struct link_change *c);

/*
 * link_move - to the namespace @netns_fd, where it is called @new_name (NULL = as now) and has
 * the index @new_index (Linux 5.13). It arrives down.
 */
void link_move(struct nl_batch *b, uint32_t index, const char *name, int netns_fd,
	       const char *new_name, uint32_t new_index);

/* link_del - deletes @name; it is tolerated that there is none. */
void link_del(struct nl_batch *b, const char *name);

/* ---- addresses (addr.c) ---- */

struct if_addr {
	struct ip_prefix local;
	struct ip_addr peer; /* family 0 = no point-to-point partner */
	struct ip_addr broadcast;
	uint32_t flags; /* IFA_F_* */
	uint8_t scope;
	char label[IFNAMSIZ]; /* IPv4 alias name; "" = none */
};

/* addr_add - gives @a to the link @index; @name is for the error text. */
void addr_add(struct nl_batch *b, uint32_t index, const char *name, const struct if_addr *a);

/* addr_add_plain - a permanent global address, without duplicate address detection; it is tolerated
 * that the link has it. */
void addr_add_plain(struct nl_batch *b, uint32_t index, const char *name,
		    const struct ip_prefix *p);

/* addr_list - the addresses of link @index, appended to *@out (an array the caller frees). */
MUST_CHECK int addr_list(struct nl *nl, uint32_t index, const char *name, struct if_addr **out,
			 size_t *out_n, struct err *err);

/* addr_parse - reads an RTM_NEWADDR message. Returns 0 or -EPROTO. */
MUST_CHECK int addr_parse(const struct nlmsghdr *msg, uint32_t *out_index, struct if_addr *out);

/* ---- routes (route.c) ---- */

/* route_add_default - by way of @gateway (directly on the link, even outside its prefixes). */
void route_add_default(struct nl_batch *b, uint32_t index, const char *name,
		       const struct ip_addr *gateway);

/*
 * route_add_loopback6 - ::1 is local for packets that come in by @index, too: the kernel looks for
 * a route to ::1 on that very link. Packets to ::1 itself never come in there (ip6_rcv_core() drops
 * them); those do whose destination NAT has turned back into ::1.
 */
void route_add_loopback6(struct nl_batch *b, uint32_t index, const char *name);

/* route_fn - a unicast route of the main table; @link is the index it leaves by, 0 = several. */
typedef int (*route_fn)(const struct ip_prefix *to, uint32_t link, void *data);

/* route_each - calls @fn for every unicast route of @family in the main table. */
MUST_CHECK int route_each(struct nl *nl, uint8_t family, route_fn fn, void *data, struct err *err);

#endif
