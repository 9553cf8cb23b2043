// SPDX-License-Identifier: GPL-2.0-or-later
/* Text forms of networks and ends: what is written is read again; what is not ours is refused. */
#include "netns/store.h"

#include <netinet/in.h>

#include "tests/unit/test.h"

static void test_network(void)
{
	struct network n = { .name = "lan",
			     .mode = NET_HOST_ONLY,
			     .is_routed = true,
			     .owns_bridge = true,
			     .bridge = "bv-lan",
			     .uplink = "eth1",
			     .mtu = 1400 };
	auto_buf struct buf a = BUF_INIT;
	auto_buf struct buf b = BUF_INIT;
	struct network read;

	CHECK_EQ(ip_prefix_parse("10.0.0.0/24", &n.subnet), 0);
	CHECK_EQ(ip_prefix_parse("fd00::/64", &n.subnet6), 0);
	CHECK_EQ(ip_parse("10.0.0.1", &n.gateway), 0);
	store_network_text(&n, &a);
	CHECK_STR(buf_str(&a), "name lan\nmode host-only\nbridge bv-lan\nmtu 1400\nrouted 1\n"
			       "owns-bridge 1\nuplink eth1\nsubnet 10.0.0.0/24\nsubnet6 fd00::/64\n"
			       "gateway 10.0.0.1\n");
	store_network_text(&n, &b);
	CHECK_EQ(store_network_parse(a.data, &read), 0);
	buf_clear(&a);
	store_network_text(&read, &a);
	CHECK_STR(buf_str(&a), buf_str(&b));
}

static void test_bad_networks(void)
{
	static const char *const bad[] = {
		"",
		"name a\n",
		"name ../a\nbridge b\n",
		"name a\nbridge sixteen-letters-\n",
		"name a\nbridge b/c\n",
		"name a\nbridge b\nmode other\n",
		"name a\nbridge b\nmtu x\n",
		"name a\nbridge b\nsubnet 10.0.0.0\n",
	};
	static const char later[] = "name a\nbridge b\nof-a-later-version 7\n";
	char copy[256];
	struct network n;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		(void)snprintf(copy, sizeof(copy), "%s", bad[i]);
		CHECK_EQ(store_network_parse(copy, &n), -EPROTO);
	}
	(void)snprintf(copy, sizeof(copy), "%s", later);
	CHECK_EQ(store_network_parse(copy, &n), 0);
}

static void test_ends(void)
{
	static const char text[] =
	    "host-name web\nend default\nif eth0\nport bvp000000000001\n"
	    "mac 02:00:00:00:00:01\nmtu 1500\npublished 1\nip 10.0.0.2/24\nip6 fd00::2/64\n"
	    "gateway 10.0.0.1\ngateway6 fd00::1\nend other\nif eth1\nport bvp000000000002\n"
	    "mac 02:00:00:00:00:02\nmtu 1400\nlan 1\npublish 8080-8080:80-80/tcp\n"
	    "publish 127.0.0.1:53-54:53-54/udp\npublish [fd00::9]:1-1:1-1/tcp\n";
	auto_buf struct buf b = BUF_INIT;
	struct net_ends e;
	char copy[1024];

	(void)snprintf(copy, sizeof(copy), "%s", text);
	CHECK_EQ(store_ends_parse(copy, &e), 0);
	CHECK_EQ(e.n, 2);
	CHECK_EQ(e.n_ports, 3);
	CHECK_EQ(e.ports[1].proto, IPPROTO_UDP);
	CHECK_EQ(e.end[1].tap_fd, -1);
	CHECK_EQ(e.end[0].is_lan, false);
	CHECK_EQ(e.end[1].is_lan, true);
	store_ends_text(&e, &b);
	CHECK_STR(buf_str(&b), text);
}

static void test_bad_ends(void)
{
	static const char *const bad[] = {
		"end ../x\n",
		"end a\nmac 1\n",
		"end a\nip 10.0.0.1\n",
		"publish 1\n",
		"end a\nif a-name-that-is-too-long\n",
		"end a\nend a\nend a\nend a\nend a\nend a\nend a\nend a\nend a\n",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct net_ends e;
		char copy[256];

		(void)snprintf(copy, sizeof(copy), "%s", bad[i]);
		CHECK_EQ(store_ends_parse(copy, &e), -EPROTO);
	}
}

static void test_names(void)
{
	CHECK(store_id_ok("a.b_c-d+1"));
	CHECK(store_name_ok("default"));
	CHECK(!store_id_ok(""));
	CHECK(!store_id_ok("."));
	CHECK(!store_id_ok("-a"));
	CHECK(!store_id_ok("a/b"));
	CHECK(!store_name_ok("a+b"));
	CHECK(!store_name_ok("sixty-five-characters-are-one-more-than-a-network-may-have-in-it-"));
}

TEST_MAIN(TEST(test_network), TEST(test_bad_networks), TEST(test_ends), TEST(test_bad_ends),
	  TEST(test_names))
