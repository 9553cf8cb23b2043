// SPDX-License-Identifier: GPL-2.0-or-later
/* The rule set as tables of data, and the elements that networks, ports and containers are. */
#include "netns/nat.h"

#include <linux/if_ether.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter_bridge.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "spec/base/str.h"

static const struct nft_table inet = { NFPROTO_INET, "bivalve" };
static const struct nft_table bridge = { NFPROTO_BRIDGE, "bivalve" };

/* Type numbers of nft(8) (datatype.h), which lists concatenations as 6 bits each. */
enum { T_IP = 7, T_IP6 = 8, T_ETHER = 9, T_PROTO = 12, T_PORT = 13, T_IF = 41 };
#define T2(a, b)    ((uint32_t)(a) << 6 | (b))
#define T3(a, b, c) (T2(a, b) << 6 | (c))

enum inet_set { BRIDGES, OUT, IN, MASQ, NO_HOST, SAME, PORTS4, PORTS4_AT, PORTS6, PORTS6_AT };

static const struct nft_set inet_sets[] = {
	[BRIDGES] = { "bridges", 16, 0, T_IF, 0, true },      /* of all networks */
	[OUT] = { "out", 16, 0, T_IF, 0, true },              /* may send beyond the host */
	[IN] = { "in", 16, 0, T_IF, 0, true },                /* may be reached from there */
	[MASQ] = { "masq", 16, 0, T_IF, 0, true },            /* under the host's address */
	[NO_HOST] = { "no-host", 16, 0, T_IF, 0, true },      /* apart from the host */
	[SAME] = { "same", 32, 0, T2(T_IF, T_IF), 0, false }, /* every bridge, paired with itself */
	[PORTS4] = { "ports4", 8, 8, T2(T_PROTO, T_PORT), T2(T_IP, T_PORT), false },
	[PORTS4_AT] = { "ports4-at", 12, 8, T3(T_IP, T_PROTO, T_PORT), T2(T_IP, T_PORT), false },
	[PORTS6] = { "ports6", 8, 20, T2(T_PROTO, T_PORT), T2(T_IP6, T_PORT), false },
	[PORTS6_AT] = { "ports6-at", 24, 20, T3(T_IP6, T_PROTO, T_PORT), T2(T_IP6, T_PORT), false },
};

enum bridge_set { GUARD4, GUARD6, GUARD_MAC, LAN };

static const struct nft_set bridge_sets[] = {
	[GUARD4] = { "senders4", 28, 0, T3(T_IF, T_ETHER, T_IP), 0, false },
	[GUARD6] = { "senders6", 40, 0, T3(T_IF, T_ETHER, T_IP6), 0, false },
	[GUARD_MAC] = { "guard-mac", 24, 0, T2(T_IF, T_ETHER), 0, false },
	[LAN] = { "lan", 16, 0, T_IF, 0, true }, /* ports on a user's LAN */
};

static const struct nft_chain inet_chains[] = {
	{ "publish", NULL, 0, 0 },
	{ "loopback", "filter", NF_INET_PRE_ROUTING, -300 },
	{ "arriving", "nat", NF_INET_PRE_ROUTING, -100 },
	{ "own", "nat", NF_INET_LOCAL_OUT, -100 },
	{ "leaving", "nat", NF_INET_POST_ROUTING, 100 },
	{ "forward", "filter", NF_INET_FORWARD, 0 },
	{ "to-host", "filter", NF_INET_LOCAL_IN, 0 },
	{ "from-host", "filter", NF_INET_LOCAL_OUT, 0 },
};

static const struct nft_chain bridge_chains[] = {
	{ "guard", NULL, 0, 0 },
	{ "icmp6", NULL, 0, 0 },
	{ "ports", "filter", NF_BR_PRE_ROUTING, -300 },
};

#define IIF(word)          NFT_META(NFT_META_IIFNAME, word)
#define OIF(word)          NFT_META(NFT_META_OIFNAME, word)
#define IPV4               NFT_META(NFT_META_NFPROTO, 0), NFT_IS(0, 1, NFPROTO_IPV4)
#define IPV6               NFT_META(NFT_META_NFPROTO, 0), NFT_IS(0, 1, NFPROTO_IPV6)
#define NET_HEADER         NFT_PAYLOAD_NETWORK_HEADER
#define TRANS_HEADER       NFT_PAYLOAD_TRANSPORT_HEADER
#define LINK_HEADER        NFT_PAYLOAD_LL_HEADER
#define L4PROTO(word)      NFT_META(NFT_META_L4PROTO, word)
#define DPORT(word)        NFT_PAYLOAD(TRANS_HEADER, 2, 2, word)
#define ETHER_TYPE(hi, lo) NFT_PAYLOAD(LINK_HEADER, 12, 2, 0), NFT_IS(0, 2, hi, lo)
#define PROTOCOL(hi, lo)   NFT_META(NFT_META_PROTOCOL, 0), NFT_IS(0, 2, hi, lo)
/* The sender's address and the frame's type in one load; behind a VLAN tag that is the tag's. */
#define SENDER      NFT_PAYLOAD(LINK_HEADER, 6, 8, 4)
#define SENDER_MAC  NFT_PAYLOAD(LINK_HEADER, 6, 6, 4)
#define ICMPV6_TYPE NFT_PAYLOAD(TRANS_HEADER, 0, 1, 0)
/*
 * IPv6: what it carries begins in it. A router advertisement could hide in two fragments, of which
 * the first ends within its chain of headers. Source: RFC 7113, 2.1.
 */
#define TRANSPORT(word) NFT_PAYLOAD(TRANS_HEADER, 0, 1, word)
/* A fragment but the first: its header follows, and the offset, above three other bits, is not 0.
 */
#define LATER_FRAGMENT(word)                                                                       \
	NFT_PAYLOAD(NET_HEADER, 6, 1, word), NFT_IS(word, 1, IPPROTO_FRAGMENT),                    \
	    NFT_PAYLOAD(NET_HEADER, 42, 2, word), NFT_IS_FROM(word, 2, 0, 8)

enum { RULE_OPS_MAX = 12 };

struct rule {
	const char *chain;
	struct nft_op ops[RULE_OPS_MAX];
};

/* In each chain the order counts; the comment says what goes on to the next rule. */
static const struct rule inet_rules[] = {
	/* 127.0.0.1 can be routed on bridges of NAT networks, so that published ports answer there;
	 * from a container it must not lead to the host's own loopback services. */
	{ "loopback",
	  { IIF(0), NFT_IN("bridges"), IPV4, NFT_PAYLOAD(NET_HEADER, 16, 1, 0), NFT_IS(0, 1, 127),
	    NFT_DROP, NFT_END } },

	{ "arriving",
	  { NFT_FIB_DADDR_TYPE(0), NFT_IS(0, 4, RTN_LOCAL), NFT_GO(NFT_JUMP, "publish"),
	    NFT_END } },
	{ "own",
	  { NFT_FIB_DADDR_TYPE(0), NFT_IS(0, 4, RTN_LOCAL), NFT_GO(NFT_JUMP, "publish"),
	    NFT_END } },
	{ "publish",
	  { IPV4, NFT_PAYLOAD(NET_HEADER, 16, 4, 0), L4PROTO(1), DPORT(2),
	    NFT_MAP_TO("ports4-at", 0), NFT_DNAT_TO(NFPROTO_IPV4, 0, 1), NFT_END } },
	{ "publish",
	  { IPV4, L4PROTO(0), DPORT(1), NFT_MAP_TO("ports4", 0), NFT_DNAT_TO(NFPROTO_IPV4, 0, 1),
	    NFT_END } },
	{ "publish",
	  { IPV6, NFT_PAYLOAD(NET_HEADER, 24, 16, 0), L4PROTO(4), DPORT(5),
	    NFT_MAP_TO("ports6-at", 0), NFT_DNAT_TO(NFPROTO_IPV6, 0, 4), NFT_END } },
	{ "publish",
	  { IPV6, L4PROTO(0), DPORT(1), NFT_MAP_TO("ports6", 0), NFT_DNAT_TO(NFPROTO_IPV6, 0, 4),
	    NFT_END } },

	{ "leaving",
	  { IIF(0), NFT_IN("masq"), OIF(0), NFT_NOT_IN("bridges"), NFT_MASQUERADE, NFT_END } },
	/* To a published port of the own network: the answer must come back by the host. */
	{ "leaving",
	  { NFT_CT(NFT_CT_STATUS, 0), NFT_MASK(0, IPS_DST_NAT), NFT_IS_NOT(0, 4, 0), IIF(0), OIF(4),
	    NFT_IN("same"), NFT_MASQUERADE, NFT_END } },
	/* The same with br_netfilter, where a frame has no incoming interface any more; and what
	 * the host itself sends, perhaps from 127.0.0.1. */
	{ "leaving",
	  { NFT_CT(NFT_CT_STATUS, 0), NFT_MASK(0, IPS_DST_NAT), NFT_IS_NOT(0, 4, 0), IIF(0),
	    NFT_IS(0, 1, 0), OIF(0), NFT_IN("masq"), NFT_MASQUERADE, NFT_END } },

	/* Not ours: others decide. */
	{ "forward",
	  { IIF(0), NFT_NOT_IN("bridges"), OIF(0), NFT_NOT_IN("bridges"), NFT_ACCEPT, NFT_END } },
	/* A network apart from the host reaches nothing by way of it, no published port either. */
	{ "forward", { IIF(0), NFT_IN("no-host"), OIF(4), NFT_NOT_IN("same"), NFT_DROP, NFT_END } },
	{ "forward",
	  { NFT_CT(NFT_CT_STATE, 0),
	    NFT_MASK(0, NF_CT_STATE_BIT(IP_CT_ESTABLISHED) | NF_CT_STATE_BIT(IP_CT_RELATED)),
	    NFT_IS_NOT(0, 4, 0), NFT_ACCEPT, NFT_END } },
	/* Within one bridge; frames come here only with br_netfilter. */
	{ "forward", { IIF(0), OIF(4), NFT_IN("same"), NFT_ACCEPT, NFT_END } },
	/* Published ports: for the world, and for networks that may send beyond the host. */
	{ "forward",
	  { NFT_CT(NFT_CT_STATUS, 0), NFT_MASK(0, IPS_DST_NAT), NFT_IS_NOT(0, 4, 0), OIF(0),
	    NFT_IN("masq"), IIF(0), NFT_IN("out"), NFT_ACCEPT, NFT_END } },
	{ "forward",
	  { NFT_CT(NFT_CT_STATUS, 0), NFT_MASK(0, IPS_DST_NAT), NFT_IS_NOT(0, 4, 0), OIF(0),
	    NFT_IN("masq"), IIF(0), NFT_NOT_IN("bridges"), NFT_ACCEPT, NFT_END } },
	{ "forward",
	  { IIF(0), NFT_IN("out"), OIF(0), NFT_NOT_IN("bridges"), NFT_ACCEPT, NFT_END } },
	{ "forward", { OIF(0), NFT_IN("in"), IIF(0), NFT_NOT_IN("bridges"), NFT_ACCEPT, NFT_END } },
	/* Between networks, from outside by a member's own address, out of a closed network. */
	{ "forward", { NFT_DROP, NFT_END } },

	{ "to-host", { IIF(0), NFT_IN("no-host"), NFT_DROP, NFT_END } },
	{ "from-host", { OIF(0), NFT_IN("no-host"), NFT_DROP, NFT_END } },
};

/* A frame leaves the guard chain as its sender's own, or not at all. */
static const struct rule bridge_rules[] = {
	{ "ports", { IIF(0), NFT_IS(0, 3, 'b', 'v', 'p'), NFT_GO(NFT_GOTO, "guard"), NFT_END } },

	/* What a packet is said to be costs next to nothing, and sorts out; the key proves it. */
	{ "guard",
	  { PROTOCOL(0x08, 0x00), IIF(0), SENDER, NFT_PAYLOAD(NET_HEADER, 12, 4, 6),
	    NFT_IN("senders4"), NFT_ACCEPT, NFT_END } },
	{ "guard",
	  { PROTOCOL(0x86, 0xdd), L4PROTO(0), NFT_IS(0, 1, IPPROTO_ICMPV6),
	    NFT_GO(NFT_JUMP, "icmp6"), NFT_END } },
	{ "guard",
	  { PROTOCOL(0x86, 0xdd), TRANSPORT(10), IIF(0), SENDER, NFT_PAYLOAD(NET_HEADER, 8, 16, 6),
	    NFT_IN("senders6"), NFT_ACCEPT, NFT_END } },
	{ "guard",
	  { PROTOCOL(0x86, 0xdd), LATER_FRAGMENT(10), IIF(0), SENDER,
	    NFT_PAYLOAD(NET_HEADER, 8, 16, 6), NFT_IN("senders6"), NFT_ACCEPT, NFT_END } },
	/* ARP: the sender of the frame, and the sender that the packet names. */
	{ "guard",
	  { ETHER_TYPE(0x08, 0x06), IIF(0), SENDER_MAC, NFT_PAYLOAD(NET_HEADER, 14, 4, 6),
	    NFT_IN("senders4"), NFT_PAYLOAD(NET_HEADER, 8, 6, 4), NFT_IN("senders4"), NFT_ACCEPT,
	    NFT_END } },
	{ "guard",
	  { PROTOCOL(0x86, 0xdd), TRANSPORT(10), IIF(0), SENDER, NFT_IN("guard-mac"), NFT_ACCEPT,
	    NFT_END } },
	{ "guard",
	  { PROTOCOL(0x86, 0xdd), LATER_FRAGMENT(10), IIF(0), SENDER, NFT_IN("guard-mac"),
	    NFT_ACCEPT, NFT_END } },
	{ "guard",
	  { NFT_META(NFT_META_PROTOCOL, 0), NFT_IS_NOT(0, 2, 0x86, 0xdd), IIF(0), SENDER,
	    NFT_IN("guard-mac"), NFT_ACCEPT, NFT_END } },
	/* VLAN tags lead to other networks behind an uplink; spanning tree is for bridges. */
	{ "guard", { NFT_DROP, NFT_END } },

	/* Router advertisements and redirects come from routers. Source: RFC 6105. */
	{ "icmp6", { ICMPV6_TYPE, NFT_IS(0, 1, 134), NFT_DROP, NFT_END } },
	{ "icmp6", { ICMPV6_TYPE, NFT_IS(0, 1, 137), NFT_DROP, NFT_END } },
	/* A neighbour advertisement for another's address. */
	{ "icmp6",
	  { ICMPV6_TYPE, NFT_IS(0, 1, 136), IIF(0), SENDER, NFT_PAYLOAD(TRANS_HEADER, 8, 16, 6),
	    NFT_NOT_IN("senders6"), NFT_NOT_IN("guard-mac"), NFT_DROP, NFT_END } },
	/* Whether its own address is free, it asks before it has one, from "::". Source: RFC 4862,
	 * 5.4. That key has no type, so it serves for nothing else. */
	{ "icmp6",
	  { ICMPV6_TYPE, NFT_IS(0, 1, 135), IIF(0), SENDER, NFT_PAYLOAD(TRANS_HEADER, 8, 16, 6),
	    NFT_IN("senders6"), SENDER_MAC, NFT_PAYLOAD(NET_HEADER, 8, 16, 6), NFT_IN("senders6"),
	    NFT_ACCEPT, NFT_END } },
	/* Multicast listener discovery (130 to 132, and 143, version 2) and router solicitations
	 * (133) are for routers and switches. On our own bridges nobody wants them, and each would
	 * be copied to every member: joining would cost the more, the more members there are. */
	{ "icmp6",
	  { ICMPV6_TYPE, NFT_IS_FROM(0, 1, 130), NFT_IS_UP_TO(0, 1, 133), IIF(0), NFT_NOT_IN("lan"),
	    NFT_DROP, NFT_END } },
	{ "icmp6",
	  { ICMPV6_TYPE, NFT_IS(0, 1, 143), IIF(0), NFT_NOT_IN("lan"), NFT_DROP, NFT_END } },
};

static void add_table(struct nl_batch *b, const struct nft_table *t)
{
	/* Deleting needs something to delete. */
	nft_add_table(b, t, false);
	nft_del_table(b, t);
	nft_add_table(b, t, true);
}

void nat_add_tables(struct nl_batch *b)
{
	uint32_t id = 1;

	add_table(b, &inet);
	for (size_t i = 0; i < ARRAY_LEN(inet_sets); i++)
		nft_add_set(b, &inet, &inet_sets[i], id++);
	for (size_t i = 0; i < ARRAY_LEN(inet_chains); i++)
		nft_add_chain(b, &inet, &inet_chains[i]);
	for (size_t i = 0; i < ARRAY_LEN(inet_rules); i++)
		nft_add_rule(b, &inet, inet_rules[i].chain, inet_rules[i].ops);

	add_table(b, &bridge);
	for (size_t i = 0; i < ARRAY_LEN(bridge_sets); i++)
		nft_add_set(b, &bridge, &bridge_sets[i], id++);
	for (size_t i = 0; i < ARRAY_LEN(bridge_chains); i++)
		nft_add_chain(b, &bridge, &bridge_chains[i]);
	for (size_t i = 0; i < ARRAY_LEN(bridge_rules); i++)
		nft_add_rule(b, &bridge, bridge_rules[i].chain, bridge_rules[i].ops);
}

/*
 * Adds or deletes elements. Both can be done again: adding what is there is nothing new, and a
 * deletion adds first, in the same transaction, so that there is something to delete.
 */
static void change(struct nl_batch *b, uint16_t type, const struct nft_elems *wanted,
		   const char *object)
{
	struct nl_note note = { "change the rules of", object, 0 };
	struct nft_elems e = *wanted;

	e.type = NFT_MSG_NEWSETELEM;
	e.flags = NLM_F_CREATE;
	nft_elems(b, &e, &note);
	if (type == NFT_MSG_DELSETELEM) {
		e.type = type;
		e.flags = 0;
		nft_elems(b, &e, &note);
	}
}

static void one_elem(struct nl_batch *b, uint16_t type, const struct nft_elems *where,
		     const void *key, const char *object)
{
	struct nft_elem elem = { key, NULL };
	struct nft_elems e = *where;

	e.elems = &elem;
	e.n = 1;
	change(b, type, &e, object);
}

/* In which set of which table. */
#define IN_INET(which)   (&(struct nft_elems){ .table = &inet, .set = &inet_sets[which] })
#define IN_BRIDGE(which) (&(struct nft_elems){ .table = &bridge, .set = &bridge_sets[which] })

void nat_network(struct nl_batch *b, uint16_t type, const char *bridge_name, unsigned int flags)
{
	static const struct {
		unsigned int flag;
		enum inet_set set;
	} sets[] = {
		{ NAT_OUT, OUT }, { NAT_IN, IN }, { NAT_MASQUERADE, MASQ }, { NAT_NO_HOST, NO_HOST }
	};
	char key[2 * IFNAMSIZ] = { 0 };

	(void)snprintf(key, IFNAMSIZ, "%s", bridge_name);
	(void)snprintf(key + IFNAMSIZ, IFNAMSIZ, "%s", bridge_name);
	one_elem(b, type, IN_INET(BRIDGES), key, bridge_name);
	one_elem(b, type, IN_INET(SAME), key, bridge_name);
	for (size_t i = 0; i < ARRAY_LEN(sets); i++) {
		if (flags & sets[i].flag)
			one_elem(b, type, IN_INET(sets[i].set), key, bridge_name);
	}
}

struct ip_addr nat_link_local(const struct mac_addr *mac)
{
	const uint8_t *m = mac->b;

	return (struct ip_addr){ .family = AF_INET6,
				 .b = { 0xfe, 0x80, 0, 0, 0, 0, 0, 0, m[0] ^ 2, m[1], m[2], 0xff,
					0xfe, m[3], m[4], m[5] } };
}

/*
 * The key of one sender: interface, Ethernet address, type of the frame in what fills that up to
 * two words (0: not asked for), address.
 */
struct guard_key {
	char port[IFNAMSIZ];
	uint8_t mac[6];
	uint8_t frame_type[2];
	uint8_t ip[16];
};
_Static_assert(sizeof(struct guard_key) == 40, "three fields of whole words");

/* Of all that a port may send. Source: uapi linux/if_ether.h. */
enum { TYPE_IPV4, TYPE_ARP, TYPE_IPV6, TYPES };
static const uint8_t frame_types[TYPES][2] = { { 0x08, 0x00 }, { 0x08, 0x06 }, { 0x86, 0xdd } };

void nat_guard(struct nl_batch *b, uint16_t type, const struct nat_guard *g)
{
	struct ip_addr local = nat_link_local(&g->mac);
	struct guard_key base = { 0 };
	struct guard_key keys[3];
	struct nft_elem elems[3];

	(void)snprintf(base.port, sizeof(base.port), "%s", g->port);
	memcpy(base.mac, g->mac.b, sizeof(g->mac.b));
	if (g->is_lan)
		one_elem(b, type, IN_BRIDGE(LAN), &base, g->port);
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		elems[i] = (struct nft_elem){ &keys[i], NULL };
	if (g->any_ip) {
		for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
			keys[i] = base;
			memcpy(keys[i].frame_type, frame_types[i], 2);
		}
		change(b, type,
		       &(struct nft_elems){ .table = &bridge,
					    .set = &bridge_sets[GUARD_MAC],
					    .elems = elems,
					    .n = ARRAY_LEN(elems) },
		       g->port);
		return;
	}
	if (g->ip.family) {
		memcpy(base.ip, g->ip.b, 4);
		keys[0] = keys[1] = base; /* the second for ARP */
		memcpy(keys[0].frame_type, frame_types[TYPE_IPV4], 2);
		change(b, type,
		       &(struct nft_elems){
			   .table = &bridge, .set = &bridge_sets[GUARD4], .elems = elems, .n = 2 },
		       g->port);
		memset(base.ip, 0, sizeof(base.ip));
	}
	if (!g->ip6.family)
		return;
	keys[2] = base; /* of "::" */
	memcpy(base.frame_type, frame_types[TYPE_IPV6], 2);
	keys[0] = keys[1] = base;
	memcpy(keys[0].ip, g->ip6.b, 16);
	memcpy(keys[1].ip, local.b, 16);
	change(b, type,
	       &(struct nft_elems){ .table = &bridge,
				    .set = &bridge_sets[GUARD6],
				    .elems = elems,
				    .n = ARRAY_LEN(elems) },
	       g->port);
}

enum { PORT_CHUNK = 64 };

/* Keys and values of published ports; every field fills whole words. */
struct port_pairs {
	uint8_t keys[PORT_CHUNK][24];
	uint8_t values[PORT_CHUNK][20];
};

static void put_port(uint8_t *at, unsigned int port)
{
	at[0] = (uint8_t)(port >> 8);
	at[1] = (uint8_t)port;
}

static void publish_chunk(struct nl_batch *b, uint16_t type, const struct nat_publish *p,
			  unsigned int first, unsigned int n)
{
	struct port_pairs pairs = { 0 };
	struct nft_elem elems[PORT_CHUNK];
	size_t ip_len = ip_bytes(&p->to);
	size_t at = p->host.family ? ip_len : 0;
	enum inet_set any = p->to.family == AF_INET ? PORTS4 : PORTS6;

	for (unsigned int i = 0; i < n; i++) {
		if (at)
			memcpy(pairs.keys[i], p->host.b, ip_len);
		pairs.keys[i][at] = p->proto;
		put_port(pairs.keys[i] + at + 4, p->host_port + first + i);
		memcpy(pairs.values[i], p->to.b, ip_len);
		put_port(pairs.values[i] + ip_len, p->port + first + i);
		elems[i] = (struct nft_elem){ pairs.keys[i], pairs.values[i] };
	}
	change(b, type,
	       &(struct nft_elems){
		   .table = &inet, .set = &inet_sets[at ? any + 1 : any], .elems = elems, .n = n },
	       p->object);
}

void nat_publish(struct nl_batch *b, uint16_t type, const struct nat_publish *p)
{
	for (unsigned int i = 0; i < p->count; i += PORT_CHUNK)
		publish_chunk(b, type, p, i, p->count - i < PORT_CHUNK ? p->count - i : PORT_CHUNK);
}
