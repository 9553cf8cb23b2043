// SPDX-License-Identifier: GPL-2.0-or-later
/* Elements and rules byte by byte, and the whole rule set in a kernel. */
#include "netns/nat.h"

#include <netinet/in.h>

#include "tests/unit/netns.h"

static struct ip_addr addr(const char *s)
{
	struct ip_addr a = { 0 };

	CHECK_EQ(ip_parse(s, &a), 0);
	return a;
}

static void test_marks(void)
{
	auto_nl_batch struct nl_batch b;

	CHECK_EQ(nl_batch_init(&b, NULL), 0);
	nft_begin(&b);
	nft_end(&b);
	/* NFNL_MSG_BATCH_BEGIN and _END; res_id is the subsystem, in network order */
	CHECK_BATCH(&b, "14000000 10000100 00000000 00000000 0000000a "
			"14000000 11000100 00000000 00000000 0000000a");
}

static void test_rule(void)
{
	static const struct nft_table t = { NFPROTO_INET, "t" };
	static const struct nft_op drop[] = { NFT_META(NFT_META_IIFNAME, 0), NFT_NOT_IN("s"),
					      NFT_DROP, NFT_END };
	auto_nl_batch struct nl_batch b;

	CHECK_EQ(nl_batch_init(&b, NULL), 0);
	nft_add_rule(&b, &t, "c", drop);
	CHECK_BATCH(
	    &b,
	    /* NFT_MSG_NEWRULE, CREATE | APPEND; NFPROTO_INET; table "t", chain "c" */
	    "a8000000 060a010c 00000000 00000000 01000000 06000100 74000000 06000200 63000000 "
	    /* meta: key iifname to register 8 */
	    "84000480 24000180 09000100 6d657461 00000000 14000280 08000200 00000006 08000100 "
	    "00000008 "
	    /* lookup: from register 8, set "s", inverted */
	    "2c000180 0b000100 6c6f6f6b 75700000 1c000280 08000200 00000008 06000100 73000000 "
	    "08000500 00000001 "
	    /* immediate: to the verdict register (0), verdict drop (0) */
	    "30000180 0e000100 696d6d65 64696174 65000000 1c000280 08000100 00000000 10000280 "
	    "0c000280 08000100 00000000");
}

static void test_publish(void)
{
	struct nat_publish p = { .proto = IPPROTO_TCP,
				 .host_port = 8080,
				 .port = 80,
				 .count = 1,
				 .to = addr("10.0.0.2"),
				 .object = "x" };
	auto_nl_batch struct nl_batch b;
	size_t one;
	size_t many;

	CHECK_EQ(nl_batch_init(&b, NULL), 0);
	nat_publish(&b, NFT_MSG_NEWSETELEM, &p);
	/* Set "ports4", table "bivalve"; key tcp . 8080, data 10.0.0.2 . 80, each in whole words */
	CHECK_BATCH(&b, "54000000 0c0a0104 00000000 00000000 01000000 0b000200 706f7274 73340000 "
			"0c000100 62697661 6c766500 28000380 24000180 10000180 0c000100 06000000 "
			"1f900000 10000280 0c000100 0a000002 00500000");
	(void)nl_bytes(&b, &one);
	nl_batch_clear(&b);
	nat_publish(&b, NFT_MSG_DELSETELEM, &p);
	(void)nl_bytes(&b, &many);
	CHECK_EQ(many, 2 * one); /* added, so that it is there, and deleted */
	nl_batch_clear(&b);
	p.count = 65;
	nat_publish(&b, NFT_MSG_NEWSETELEM, &p);
	CHECK_EQ(b.n, 2); /* 64 in a message */
}

static void test_guard(void)
{
	struct nat_guard g = { .port = "bvp1", .mac = { { 2, 1, 2, 3, 4, 5 } } };
	struct ip_addr local = nat_link_local(&g.mac);
	auto_nl_batch struct nl_batch b;
	char text[IP_STR_MAX];

	CHECK_STR(ip_str(&local, text), "fe80::1:2ff:fe03:405");
	CHECK_EQ(nl_batch_init(&b, NULL), 0);
	g.ip = addr("10.0.0.2");
	nat_guard(&b, NFT_MSG_NEWSETELEM, &g);
	/* NFPROTO_BRIDGE; set "senders4"; keys "bvp1" . 02:01:02:03:04:05 and 0x0800, or 0
	 * . 10.0.0.2 */
	CHECK_BATCH(&b, "84000000 0c0a0104 00000000 00000000 07000000 0d000200 73656e64 65727334 "
			"00000000 0c000100 62697661 6c766500 54000380 28000180 24000180 20000100 "
			"62767031 00000000 00000000 00000000 02010203 04050800 0a000002 28000280 "
			"24000180 20000100 62767031 00000000 00000000 00000000 02010203 04050000 "
			"0a000002");
	g.ip6 = addr("fd00::2");
	nl_batch_clear(&b);
	nat_guard(&b, NFT_MSG_NEWSETELEM, &g);
	CHECK_EQ(b.n, 2);
	g.any_ip = true;
	nl_batch_clear(&b);
	nat_guard(&b, NFT_MSG_NEWSETELEM, &g);
	CHECK_EQ(b.n, 1);
	g.is_lan = true;
	nl_batch_clear(&b);
	nat_guard(&b, NFT_MSG_NEWSETELEM, &g);
	CHECK_EQ(b.n, 2);
}

/* Everything that can be added, added and deleted twice, in a namespace of the test's. */
static void test_live(void)
{
	struct nat_guard g = { .port = "bvp1", .mac = { { 2, 1, 2, 3, 4, 5 } } };
	struct nat_publish p = {
		.proto = IPPROTO_UDP, .host_port = 53, .port = 53, .count = 300, .object = "x"
	};
	auto_nl struct nl nl = NL_INIT;
	auto_nl_batch struct nl_batch b;
	struct err err = ERR_INIT;

	NEED_NETNS();
	g.ip = addr("10.0.0.2");
	g.ip6 = addr("fd00::2");
	CHECK_EQ(nl_open(-1, NETLINK_NETFILTER, &nl, &err), 0);
	CHECK_EQ(nl_batch_init(&b, &err), 0);
	nft_begin(&b);
	nat_guard(&b, NFT_MSG_NEWSETELEM, &g);
	nft_end(&b);
	CHECK_EQ(nl_talk(&nl, &b, &err), -ENOENT); /* no tables yet */
	err.msg[0] = '\0';
	for (int i = 0; i < 4; i++) {
		uint16_t type = i < 2 ? NFT_MSG_NEWSETELEM : NFT_MSG_DELSETELEM;

		nl_batch_clear(&b);
		nft_begin(&b);
		if (i == 0)
			nat_add_tables(&b);
		nat_network(&b, type, "br0", NAT_OUT | NAT_IN | NAT_MASQUERADE | NAT_NO_HOST);
		nat_guard(&b, type, &g);
		p.to = addr("10.0.0.2");
		p.host = (struct ip_addr){ 0 };
		nat_publish(&b, type, &p);
		p.host = addr("192.0.2.1");
		nat_publish(&b, type, &p);
		p.to = addr("fd00::2");
		p.host = addr("2001:db8::1");
		nat_publish(&b, type, &p);
		nft_end(&b);
		CHECK_EQ(nl_talk(&nl, &b, &err), 0);
		CHECK_STR(err.msg, "");
		err.msg[0] = '\0';
	}
	/* A port that leads elsewhere. */
	for (int i = 0; i < 2; i++) {
		nl_batch_clear(&b);
		nft_begin(&b);
		p.to = addr(i ? "10.0.0.3" : "10.0.0.2");
		p.host = (struct ip_addr){ 0 };
		nat_publish(&b, NFT_MSG_NEWSETELEM, &p);
		nft_end(&b);
		CHECK_EQ(nl_talk(&nl, &b, &err), i ? -EEXIST : 0);
	}
	CHECK_HAS(err.msg, "change the rules of 'x': File exists");
	nl_close_later(&nl);
	CHECK(!nl.sock);
}

TEST_MAIN(TEST(test_marks), TEST(test_rule), TEST(test_publish), TEST(test_guard), TEST(test_live))
