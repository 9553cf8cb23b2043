// SPDX-License-Identifier: GPL-2.0-or-later
/* The messages about links, byte by byte, and what the kernel makes of them. */
#include <linux/rtnetlink.h>

#include "netns/rtnl.h"
#include "tests/unit/netns.h"

static const struct mac_addr mac = { { 2, 1, 2, 3, 4, 5 } };

static void test_names(void)
{
	static const struct {
		const char *name;
		bool ok;
	} cases[] = {
		{ "eth0", true },
		{ "fifteen-letters", true },
		{ "a.b_c-d", true },
		{ "", false },
		{ "sixteen-letters-", false },
		{ ".", false },
		{ "..", false },
		{ "a/b", false },
		{ "a b", false },
		{ "eth%d", false },
		{ "eth0:1", false },
		{ "a\n", false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		CHECK_EQ(link_name_ok(cases[i].name), cases[i].ok);
}

static void test_bridge(void)
{
	auto_nl_batch struct nl_batch b;

	CHECK_EQ(nl_batch_init(&b, NULL), 0);
	link_add_bridge(&b, "br0", &mac, 1500, "mine");
	CHECK_BATCH(
	    &b,
	    /* RTM_NEWLINK, REQUEST | CREATE | EXCL */
	    "5c000000 10000106 00000000 00000000 00000000 00000000 00000000 00000000 "
	    /* IFLA_IFNAME, IFLA_ADDRESS, IFLA_MTU */
	    "08000300 62723000 0a000100 02010203 04050000 08000400 dc050000 "
	    /* IFLA_LINKINFO { IFLA_INFO_KIND, IFLA_INFO_DATA { MULTI_BOOLOPT value, mask } } */
	    "20001280 0b000100 62726964 67650000 10000280 0c002e00 01000000 01000000 "
	    /* RTM_SETLINK by name, IFLA_IFALIAS */
	    "30000000 13000100 00000000 00000000 00000000 00000000 00000000 00000000 "
	    "08000300 62723000 08001400 6d696e65");
}

static void test_pin(void)
{
	auto_nl_batch struct nl_batch b;

	CHECK_EQ(nl_batch_init(&b, NULL), 0);
	link_pin_port(&b, 5, "bvp1", &mac);
	CHECK_BATCH(&b,
		    /* RTM_NEWLINK by name */
		    "48000000 10000100 00000000 00000000 00000000 00000000 00000000 00000000 "
		    "09000300 62767031 00000000 "
		    /* IFLA_LINKINFO { SLAVE_KIND, SLAVE_DATA { BRPORT_LEARNING 0 } } */
		    "1c001280 0b000400 62726964 67650000 0c000580 05000800 00000000 "
		    /* RTM_NEWNEIGH, CREATE | REPLACE; bridge, NUD_NOARP, NTF_MASTER; NDA_LLADDR */
		    "28000000 1c000105 00000000 00000000 07000000 05000000 40000400 "
		    "0a000200 02010203 04050000");
}

static void test_veth(void)
{
	auto_nl_batch struct nl_batch b;

	CHECK_EQ(nl_batch_init(&b, NULL), 0);
	link_add_veth(&b, &(struct veth_spec){ .host_name = "bvp1",
					       .peer_name = "eth0",
					       .peer_mac = &mac,
					       .master = 7,
					       .mtu = 1500,
					       .netns_fd = 9 });
	CHECK_BATCH(&b,
		    /* RTM_NEWLINK; IFLA_IFNAME, IFLA_MTU */
		    "ac000000 10000106 00000000 00000000 00000000 00000000 00000000 00000000 "
		    "09000300 62767031 00000000 08000400 dc050000 "
		    /* IFLA_NUM_TX_QUEUES, IFLA_NUM_RX_QUEUES, IFLA_MASTER */
		    "08001f00 01000000 08002000 01000000 08000a00 07000000 "
		    /* IFLA_LINKINFO { KIND, DATA { VETH_INFO_PEER { ifinfomsg, IFNAME, ADDRESS,
		     * MTU, NUM_TX_QUEUES, NUM_RX_QUEUES, IFLA_NET_NS_FD } } } */
		    "60001280 09000100 76657468 00000000 50000280 4c000180 00000000 00000000 "
		    "00000000 00000000 09000300 65746830 00000000 0a000100 02010203 04050000 "
		    "08000400 dc050000 08001f00 01000000 08002000 01000000 08001c00 09000000 "
		    /* RTM_SETLINK; IFLA_AF_SPEC { AF_INET6 { ADDR_GEN_MODE none } } */
		    "3c000000 13000100 00000000 00000000 00000000 00000000 00000000 00000000 "
		    "09000300 62767031 00000000 10001a80 0c000a80 05000800 01000000 "
		    /* RTM_SETLINK; up */
		    "2c000000 13000100 00000000 00000000 00000000 00000000 01000000 01000000 "
		    "09000300 62767031 00000000");
}

static void test_changes(void)
{
	auto_nl_batch struct nl_batch b;

	CHECK_EQ(nl_batch_init(&b, NULL), 0);
	link_move(&b, 5, "a", 9, "b", 12);
	CHECK_BATCH(&b, "38000000 13000100 00000000 00000000 00000000 05000000 00000000 00000000 "
			"08001c00 09000000 06000300 62000000 08003100 0c000000");
	nl_batch_clear(&b);
	link_del(&b, "br0");
	CHECK_BATCH(&b, "28000000 11000100 00000000 00000000 00000000 00000000 00000000 00000000 "
			"08000300 62723000");
	nl_batch_clear(&b);
	link_set(&b, &(struct link_change){ .index = 3,
					    .name = "x",
					    .set_up = true,
					    .set_noarp = true,
					    .set_master = true,
					    .master = 4,
					    .mtu = 1400,
					    .mac = &mac });
	CHECK_BATCH(&b, "3c000000 13000100 00000000 00000000 00000000 03000000 81000000 81000000 "
			"0a000100 02010203 04050000 08000400 78050000 08000a00 04000000");
	nl_batch_clear(&b);
	link_set_hairpin(&b, "br0");
	/* IFLA_LINKINFO { IFLA_INFO_SLAVE_KIND, IFLA_INFO_SLAVE_DATA { IFLA_BRPORT_MODE } } */
	CHECK_BATCH(&b, "44000000 10000100 00000000 00000000 00000000 00000000 00000000 00000000 "
			"08000300 62723000 1c001280 0b000400 62726964 67650000 0c000580 05000400 "
			"01000000");
	nl_batch_clear(&b);
	link_set_no_snooping(&b, "br0");
	/* IFLA_LINKINFO { IFLA_INFO_KIND, IFLA_INFO_DATA { IFLA_BR_MCAST_SNOOPING } } */
	CHECK_BATCH(&b, "44000000 10000100 00000000 00000000 00000000 00000000 00000000 00000000 "
			"08000300 62723000 1c001280 0b000100 62726964 67650000 0c000280 05001700 "
			"00000000");
}

static void test_parse(void)
{
	struct {
		struct nlmsghdr h;
		struct ifinfomsg ifi;
		struct nlattr a;
		char name[8];
	} m = { .h = { .nlmsg_len = sizeof(m), .nlmsg_type = RTM_NEWLINK },
		.ifi = { .ifi_index = 3, .ifi_flags = IFF_UP },
		.a = { .nla_len = 8, .nla_type = IFLA_IFNAME },
		.name = "eth" };
	struct link_info link;

	CHECK_EQ(link_parse(&m.h, &link), 0);
	CHECK_EQ(link.index, 3);
	CHECK_EQ(link.is_up, true);
	CHECK_STR(link.name, "eth");
	m.a.nla_len = 13; /* longer than the message */
	CHECK_EQ(link_parse(&m.h, &link), 0);
	CHECK_STR(link.name, "");
	m.h.nlmsg_len = sizeof(m.h) + 4; /* no room for its header */
	CHECK_EQ(link_parse(&m.h, &link), -EPROTO);
	m.h.nlmsg_len = sizeof(m);
	m.h.nlmsg_type = RTM_DELLINK;
	CHECK_EQ(link_parse(&m.h, &link), -EPROTO);
}

static int count(const struct link_info *link, void *data)
{
	(void)link;
	(*(int *)data)++;
	return 0;
}

static void test_live(void)
{
	auto_nl struct nl nl = NL_INIT;
	auto_nl_batch struct nl_batch b;
	struct err err = ERR_INIT;
	struct link_info link;
	uint32_t index = 0;
	int before = 0;
	int after = 0;

	NEED_NETNS();
	CHECK_EQ(nl_open(-1, NETLINK_ROUTE, &nl, &err), 0);
	CHECK_EQ(nl_batch_init(&b, &err), 0);
	CHECK_EQ(link_each(&nl, count, &before, &err), 0);
	for (int i = 0; i < 2; i++) { /* the second time it is there already */
		nl_batch_clear(&b);
		link_add_bridge(&b, "br0", &mac, 1400, "mine");
		CHECK_EQ(nl_talk(&nl, &b, &err), 0);
	}
	CHECK_EQ(link_each(&nl, count, &after, &err), 0);
	CHECK_EQ(after, before + 1);
	CHECK_EQ(link_find(&nl, "br0", &link, &err), 0);
	CHECK_STR(link.kind, "bridge");
	CHECK_STR(link.alias, "mine");
	CHECK_EQ(link.mtu, 1400);
	CHECK_MEM(link.mac.b, mac.b, 6);
	CHECK_EQ(link_index(&nl, "br0", &index), 0);
	CHECK_EQ(index, link.index);
	CHECK_EQ(link_index(&nl, "none", &index), -ENODEV);
	/* An error of the first message is reported, and the second is carried out. */
	nl_batch_clear(&b);
	link_set(&b, &(struct link_change){ .name = "none", .set_up = true });
	link_set(&b, &(struct link_change){ .name = "br0", .set_up = true });
	CHECK_EQ(nl_talk(&nl, &b, &err), -ENODEV);
	CHECK_STR(err.msg, "change network device 'none': No such device");
	CHECK_EQ(link_find(&nl, "br0", &link, &err), 0);
	CHECK_EQ(link.is_up, true);
	nl_batch_clear(&b);
	link_del(&b, "br0");
	link_del(&b, "br0"); /* tolerated */
	CHECK_EQ(nl_talk(&nl, &b, &err), 0);
	CHECK_EQ(link_find(&nl, "br0", &link, &err), -ENODEV);
}

TEST_MAIN(TEST(test_names), TEST(test_bridge), TEST(test_pin), TEST(test_veth), TEST(test_changes),
	  TEST(test_parse), TEST(test_live))
