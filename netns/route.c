// SPDX-License-Identifier: GPL-2.0-or-later
/* Routes over rtnetlink. Writes and reads messages. */
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <string.h>

#include "netns/rtnl.h"

enum { LOOPBACK_METRIC = 1024 };

void route_add_default(struct nl_batch *b, uint32_t index, const char *name,
		       const struct ip_addr *gateway)
{
	struct nlmsghdr *h = nl_add(b, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL,
				    &(struct nl_note){ "add the default route of", name, 0 });
	struct rtmsg *rt = mnl_nlmsg_put_extra_header(h, sizeof(*rt));

	rt->rtm_family = gateway->family;
	rt->rtm_table = RT_TABLE_MAIN;
	rt->rtm_protocol = RTPROT_STATIC;
	rt->rtm_scope = RT_SCOPE_UNIVERSE;
	rt->rtm_type = RTN_UNICAST;
	rt->rtm_flags = RTNH_F_ONLINK; /* a lease of one address (/32, /128) has no prefix on the
					  link that would hold the gateway */
	mnl_attr_put(h, RTA_GATEWAY, ip_bytes(gateway), gateway->b);
	mnl_attr_put_u32(h, RTA_OIF, index);
}

void route_add_loopback6(struct nl_batch *b, uint32_t index, const char *name)
{
	struct nlmsghdr *h =
	    nl_add(b, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL,
		   &(struct nl_note){ "add the loopback route of", name, -EEXIST });
	struct rtmsg *rt = mnl_nlmsg_put_extra_header(h, sizeof(*rt));

	rt->rtm_family = AF_INET6;
	rt->rtm_dst_len = 128;
	rt->rtm_table = RT_TABLE_LOCAL;
	rt->rtm_protocol = RTPROT_STATIC;
	rt->rtm_scope = RT_SCOPE_UNIVERSE;
	rt->rtm_type = RTN_LOCAL;
	mnl_attr_put(h, RTA_DST, sizeof(in6addr_loopback), &in6addr_loopback);
	mnl_attr_put_u32(h, RTA_OIF, index);
	/* One of each bridge, and all behind the loopback's own, whose metric is 0. */
	mnl_attr_put_u32(h, RTA_PRIORITY, LOOPBACK_METRIC + index);
}

struct each {
	uint8_t family;
	route_fn fn;
	void *data;
};

static int each_route(const struct nlmsghdr *msg, void *data)
{
	const struct rtmsg *rt = mnl_nlmsg_get_payload(msg);
	const struct each *e = data;
	struct ip_prefix to = { 0 };
	uint32_t table;
	uint32_t link = 0;
	const struct nlattr *a;

	if (msg->nlmsg_type != RTM_NEWROUTE || mnl_nlmsg_get_payload_len(msg) < sizeof(*rt))
		return -EPROTO;
	if (rt->rtm_family != e->family || rt->rtm_type != RTN_UNICAST)
		return 0;
	to.addr.family = rt->rtm_family;
	to.len = rt->rtm_dst_len;
	table = rt->rtm_table;
	for (a = nl_attr_first(msg, sizeof(*rt)); a; a = nl_attr_next(msg, a)) {
		size_t len = mnl_attr_get_payload_len(a);

		if (mnl_attr_get_type(a) == RTA_DST && len == ip_bytes(&to.addr))
			memcpy(to.addr.b, mnl_attr_get_payload(a), len);
		else if (mnl_attr_get_type(a) == RTA_OIF && len == sizeof(uint32_t))
			link = mnl_attr_get_u32(a);
		else if (mnl_attr_get_type(a) == RTA_TABLE && len == sizeof(uint32_t))
			table = mnl_attr_get_u32(a);
	}
	return table == RT_TABLE_MAIN ? e->fn(&to, link, e->data) : 0;
}

int route_each(struct nl *nl, uint8_t family, route_fn fn, void *data, struct err *err)
{
	auto_nl_batch struct nl_batch b = NL_BATCH_INIT;
	struct each e = { family, fn, data };
	struct rtmsg *rt;
	struct nlmsghdr *h;
	int rc = nl_batch_init(&b, err);

	if (rc < 0)
		return rc;
	h = nl_add(&b, RTM_GETROUTE, NLM_F_DUMP, &(struct nl_note){ "list", "routes", 0 });
	rt = mnl_nlmsg_put_extra_header(h, sizeof(*rt));
	rt->rtm_family = family;
	return nl_query(nl, &b, each_route, &e, err);
}
