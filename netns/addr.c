// SPDX-License-Identifier: GPL-2.0-or-later
/* Addresses of links over rtnetlink. Writes and reads messages. */
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "netns/rtnl.h"

enum { ADDR_LIST_MAX = 4096 };

static void put_ip(struct nlmsghdr *h, uint16_t type, const struct ip_addr *a)
{
	mnl_attr_put(h, type, ip_bytes(a), a->b);
}

static void add(struct nl_batch *b, uint32_t index, const struct nl_note *note,
		const struct if_addr *a)
{
	struct nlmsghdr *h = nl_add(b, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, note);
	struct ifaddrmsg *ifa = mnl_nlmsg_put_extra_header(h, sizeof(*ifa));

	ifa->ifa_family = a->local.addr.family;
	ifa->ifa_prefixlen = a->local.len;
	ifa->ifa_flags = (uint8_t)a->flags;
	ifa->ifa_scope = a->scope;
	ifa->ifa_index = index;
	put_ip(h, IFA_LOCAL, &a->local.addr);
	put_ip(h, IFA_ADDRESS, a->peer.family ? &a->peer : &a->local.addr);
	if (a->broadcast.family)
		put_ip(h, IFA_BROADCAST, &a->broadcast);
	if (a->label[0])
		mnl_attr_put_strz(h, IFA_LABEL, a->label);
	if (a->flags > UINT8_MAX)
		mnl_attr_put_u32(h, IFA_FLAGS, a->flags);
}

void addr_add(struct nl_batch *b, uint32_t index, const char *name, const struct if_addr *a)
{
	add(b, index, &(struct nl_note){ "give an address to", name, 0 }, a);
}

void addr_add_plain(struct nl_batch *b, uint32_t index, const char *name, const struct ip_prefix *p)
{
	struct if_addr a = { .local = *p };

	if (p->addr.family == AF_INET6)
		a.flags = IFA_F_NODAD; /* we give each address once; without this it is not usable
					  for a second */
	else if (p->len < 31)
		a.broadcast = ip_last(p);
	add(b, index, &(struct nl_note){ "give an address to", name, -EEXIST }, &a);
}

static bool read_ip(const struct nlattr *a, uint8_t family, struct ip_addr *out)
{
	struct ip_addr ip = { .family = family };

	if (mnl_attr_get_payload_len(a) != ip_bytes(&ip))
		return false;
	memcpy(ip.b, mnl_attr_get_payload(a), ip_bytes(&ip));
	*out = ip;
	return true;
}

int addr_parse(const struct nlmsghdr *msg, uint32_t *out_index, struct if_addr *out)
{
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(msg);
	struct ip_addr address = { 0 };
	const struct nlattr *a;
	bool ok = true;

	*out = (struct if_addr){ 0 };
	if (msg->nlmsg_type != RTM_NEWADDR || mnl_nlmsg_get_payload_len(msg) < sizeof(*ifa))
		return -EPROTO;
	if (ifa->ifa_family != AF_INET && ifa->ifa_family != AF_INET6)
		return -EPROTO;
	out->local.len = ifa->ifa_prefixlen;
	out->flags = ifa->ifa_flags;
	out->scope = ifa->ifa_scope;
	for (a = nl_attr_first(msg, sizeof(*ifa)); a; a = nl_attr_next(msg, a)) {
		size_t len = mnl_attr_get_payload_len(a);

		if (mnl_attr_get_type(a) == IFA_LOCAL)
			ok &= read_ip(a, ifa->ifa_family, &out->local.addr);
		else if (mnl_attr_get_type(a) == IFA_ADDRESS)
			ok &= read_ip(a, ifa->ifa_family, &address);
		else if (mnl_attr_get_type(a) == IFA_BROADCAST)
			ok &= read_ip(a, ifa->ifa_family, &out->broadcast);
		else if (mnl_attr_get_type(a) == IFA_FLAGS && len == sizeof(uint32_t))
			out->flags = mnl_attr_get_u32(a);
		else if (mnl_attr_get_type(a) == IFA_LABEL && len && len <= sizeof(out->label))
			memcpy(out->label, mnl_attr_get_payload(a), len - 1);
	}
	/* IPv6 without a partner has IFA_ADDRESS alone; with one, IFA_LOCAL is the own address. */
	if (!out->local.addr.family)
		out->local.addr = address;
	else if (address.family && !ip_eq(&address, &out->local.addr))
		out->peer = address;
	*out_index = ifa->ifa_index;
	return ok && out->local.addr.family ? 0 : -EPROTO;
}

struct list {
	uint32_t index;
	struct if_addr *items;
	size_t n;
};

static int collect(const struct nlmsghdr *msg, void *data)
{
	struct list *l = data;
	struct if_addr *items;
	struct if_addr a;
	uint32_t index;

	if (addr_parse(msg, &index, &a) < 0 || index != l->index)
		return 0; /* a family or link that nobody asked for (before Linux 4.20) */
	if (l->n == ADDR_LIST_MAX)
		return -E2BIG;
	items = realloc(l->items, (l->n + 1) * sizeof(*items));
	if (!items)
		return -ENOMEM;
	items[l->n++] = a;
	l->items = items;
	return 0;
}

int addr_list(struct nl *nl, uint32_t index, const char *name, struct if_addr **out, size_t *out_n,
	      struct err *err)
{
	auto_nl_batch struct nl_batch b = NL_BATCH_INIT;
	struct list l = { .index = index };
	struct ifaddrmsg *ifa;
	struct nlmsghdr *h;
	int rc = nl_batch_init(&b, err);

	if (rc < 0)
		return rc;
	for (int i = 0; i < 16; i++) { /* others change addresses meanwhile: ask again */
		l.n = 0;
		nl_batch_clear(&b);
		h = nl_add(&b, RTM_GETADDR, NLM_F_DUMP,
			   &(struct nl_note){ "list the addresses of", name, 0 });
		ifa = mnl_nlmsg_put_extra_header(h, sizeof(*ifa));
		ifa->ifa_index = index;
		rc = nl_query(nl, &b, collect, &l, err);
		if (rc != -EAGAIN)
			break;
	}
	if (rc < 0) {
		free(l.items);
		return rc;
	}
	*out = l.items;
	*out_n = l.n;
	return 0;
}
