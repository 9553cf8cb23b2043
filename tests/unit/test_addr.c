// SPDX-License-Identifier: GPL-2.0-or-later
/* The messages about addresses and routes, byte by byte. */
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

#include "netns/rtnl.h"
#include "tests/unit/netns.h"

static struct ip_prefix prefix(const char *s)
{
	struct ip_prefix p = { 0 };

	CHECK_EQ(ip_prefix_parse(s, &p), 0);
	return p;
}

static void test_add(void)
{
	auto_nl_batch struct nl_batch b;
	struct ip_prefix p = prefix("10.0.0.2/24");
	struct ip_prefix p6 = prefix("fd00::2/64");

	CHECK_EQ(nl_batch_init(&b, NULL), 0);
	addr_add_plain(&b, 3, "eth0", &p);
	/* RTM_NEWADDR; AF_INET, /24, index 3; IFA_LOCAL, IFA_ADDRESS, IFA_BROADCAST */
	CHECK_BATCH(&b, "30000000 14000106 00000000 00000000 02180000 03000000 08000200 0a000002 "
			"08000100 0a000002 08000400 0a0000ff");
	nl_batch_clear(&b);
	addr_add_plain(&b, 3, "eth0", &p6);
	/* AF_INET6, /64, IFA_F_NODAD */
	CHECK_BATCH(&b, "40000000 14000106 00000000 00000000 0a400200 03000000 14000200 fd000000 "
			"00000000 00000000 00000002 14000100 fd000000 00000000 00000000 00000002");
	nl_batch_clear(&b);
	addr_add(&b, 3, "eth0",
		 &(struct if_addr){ .local = p, .flags = IFA_F_NOPREFIXROUTE, .scope = 0 });
	CHECK_BATCH(&b, "30000000 14000106 00000000 00000000 02180000 03000000 08000200 0a000002 "
			"08000100 0a000002 08000800 00020000");
}

static void test_route(void)
{
	auto_nl_batch struct nl_batch b;
	struct ip_prefix gateway = prefix("10.0.0.1/24");

	CHECK_EQ(nl_batch_init(&b, NULL), 0);
	route_add_default(&b, 3, "eth0", &gateway.addr);
	/* RTM_NEWROUTE; AF_INET, table main, static, unicast, ONLINK; RTA_GATEWAY, RTA_OIF */
	CHECK_BATCH(&b, "2c000000 18000106 00000000 00000000 02000000 fe040001 04000000 08000500 "
			"0a000001 08000400 03000000");
	nl_batch_clear(&b);
	route_add_loopback6(&b, 3, "br0");
	/* AF_INET6 /128, table local, static, local; RTA_DST, RTA_OIF, RTA_PRIORITY 1024 + 3 */
	CHECK_BATCH(&b, "40000000 18000106 00000000 00000000 0a800000 ff040002 00000000 14000100 "
			"00000000 00000000 00000000 00000001 08000400 03000000 08000600 03040000");
}

static int has_default(const struct ip_prefix *to, uint32_t link, void *data)
{
	if (to->len == 0)
		*(uint32_t *)data = link;
	return 0;
}

static void test_live(void)
{
	auto_nl struct nl nl = NL_INIT;
	auto_nl_batch struct nl_batch b;
	auto_free struct if_addr *list = NULL;
	static const struct mac_addr mac = { { 2, 0, 0, 0, 0, 9 } };
	struct ip_prefix p = prefix("10.0.0.2/32");
	struct ip_prefix p6 = prefix("fd00::2/128");
	struct ip_prefix gateway = prefix("10.0.0.1/32");
	struct ip_prefix gateway6 = prefix("fe80::1/128");
	struct err err = ERR_INIT;
	uint32_t index = 0;
	uint32_t by = 0;
	size_t n = 0;
	size_t globals = 0;

	NEED_NETNS();
	CHECK_EQ(nl_open(-1, NETLINK_ROUTE, &nl, &err), 0);
	CHECK_EQ(nl_batch_init(&b, &err), 0);
	link_add_bridge(&b, "br0", &mac, 1500, NULL);
	link_set(&b, &(struct link_change){ .name = "br0", .set_up = true });
	CHECK_EQ(nl_talk(&nl, &b, &err), 0);
	CHECK_EQ(link_index(&nl, "br0", &index), 0);
	for (int i = 0; i < 2; i++) { /* again: tolerated */
		nl_batch_clear(&b);
		addr_add_plain(&b, index, "br0", &p);
		addr_add_plain(&b, index, "br0", &p6);
		CHECK_EQ(nl_talk(&nl, &b, &err), 0);
	}
	nl_batch_clear(&b);
	route_add_default(&b, index, "br0", &gateway.addr);
	route_add_default(&b, index, "br0", &gateway6.addr);
	CHECK_EQ(nl_talk(&nl, &b, &err), 0);
	CHECK_STR(err.msg, "");
	CHECK_EQ(route_each(&nl, AF_INET, has_default, &by, &err), 0);
	CHECK_EQ(by, index);
	CHECK_EQ(addr_list(&nl, index, "br0", &list, &n, &err), 0);
	for (size_t i = 0; i < n; i++) {
		globals += list[i].scope == RT_SCOPE_UNIVERSE;
		CHECK(list[i].scope != RT_SCOPE_UNIVERSE || (list[i].flags & IFA_F_PERMANENT));
	}
	CHECK_EQ(globals, 2);
}

TEST_MAIN(TEST(test_add), TEST(test_route), TEST(test_live))
