// SPDX-License-Identifier: GPL-2.0-or-later
#include <netinet/in.h>

#include "netns/net.h"
#include "tests/unit/test.h"

static void test_ports(void)
{
	static const struct {
		const char *in;
		int rc;
		uint8_t proto;
		uint16_t host_port, port, count;
		const char *host;
	} cases[] = {
		{ "8080:80", 0, IPPROTO_TCP, 8080, 80, 1, "" },
		{ "8080:80/tcp", 0, IPPROTO_TCP, 8080, 80, 1, "" },
		{ "53:5353/udp", 0, IPPROTO_UDP, 53, 5353, 1, "" },
		{ "127.0.0.1:8080:80", 0, IPPROTO_TCP, 8080, 80, 1, "127.0.0.1" },
		{ "[2001:db8::1]:8080:80", 0, IPPROTO_TCP, 8080, 80, 1, "2001:db8::1" },
		{ "8000-8009:80-89", 0, IPPROTO_TCP, 8000, 80, 10, "" },
		{ "1-65535:1-65535", 0, IPPROTO_TCP, 1, 1, 65535, "" },
		{ "8000-8009:80", -EINVAL, 0, 0, 0, 0, "" },
		{ "8000-8009:80-88", -EINVAL, 0, 0, 0, 0, "" },
		{ "8009-8000:80-89", -EINVAL, 0, 0, 0, 0, "" },
		{ "0:80", -EINVAL, 0, 0, 0, 0, "" },
		{ "80:65536", -EINVAL, 0, 0, 0, 0, "" },
		{ "80", -EINVAL, 0, 0, 0, 0, "" },
		{ ":80", -EINVAL, 0, 0, 0, 0, "" },
		{ "80:80/sctp", -EINVAL, 0, 0, 0, 0, "" },
		{ "80:80/", -EINVAL, 0, 0, 0, 0, "" },
		{ "2001:db8::1:8080:80", -EINVAL, 0, 0, 0, 0, "" },
		{ "localhost:80:80", -EINVAL, 0, 0, 0, 0, "" },
		{ "80: 80", -EINVAL, 0, 0, 0, 0, "" },
		{ "", -EINVAL, 0, 0, 0, 0, "" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err err = ERR_INIT;
		struct net_port p = { 0 };
		char text[IP_STR_MAX];

		CHECK_EQ(net_port_parse(cases[i].in, &p, &err), cases[i].rc);
		CHECK_EQ(p.proto, cases[i].proto);
		CHECK_EQ(p.host_port, cases[i].host_port);
		CHECK_EQ(p.port, cases[i].port);
		CHECK_EQ(p.count, cases[i].count);
		CHECK_STR(ip_str(&p.host, text), cases[i].host);
		if (cases[i].rc)
			CHECK_HAS(err.msg, "port '");
	}
}

static void test_attach(void)
{
	static const struct {
		const char *in, *msg; /* msg NULL: good */
	} cases[] = {
		{ "default", NULL },
		{ "a:ip=10.0.0.1,ip6=fd00::1,mac=02:00:00:00:00:01,ifname=lan0", NULL },
		{ "", "network '': not a possible name" },
		{ "../x", "network '../x': not a possible name" },
		{ ".x", "network '.x': not a possible name" },
		{ "a b", "network 'a b': not a possible name" },
		{ "a:", "network 'a': '' is not ip=, ip6=, mac= or ifname= with a fitting value" },
		{ "a:ip=fd00::1",
		  "network 'a': 'ip' is not ip=, ip6=, mac= or ifname= with a fitting value" },
		{ "a:ip6=10.0.0.1",
		  "network 'a': 'ip6' is not ip=, ip6=, mac= or ifname= with a fitting value" },
		{ "a:ifname=a/b",
		  "network 'a': 'ifname' is not ip=, ip6=, mac= or ifname= with a fitting value" },
		{ "a:mtu=1",
		  "network 'a': 'mtu' is not ip=, ip6=, mac= or ifname= with a fitting value" },
	};
	struct net_attach a;
	char text[IP_STR_MAX];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err err = ERR_INIT;

		CHECK_EQ(net_attach_parse(cases[i].in, &a, &err), cases[i].msg ? -EINVAL : 0);
		CHECK_STR(err.msg, cases[i].msg ? cases[i].msg : "");
	}
	CHECK_EQ(net_attach_parse(cases[1].in, &a, NULL), 0);
	CHECK_STR(a.network, "a");
	CHECK_STR(ip_str(&a.ip, text), "10.0.0.1");
	CHECK_STR(ip_str(&a.ip6, text), "fd00::1");
	CHECK_STR(mac_str(&a.mac, text), "02:00:00:00:00:01");
	CHECK_STR(a.if_name, "lan0");
}

static void test_host_names(void)
{
	static const struct {
		const char *name;
		bool ok;
	} cases[] = {
		{ "web", true },
		{ "web-1.example", true },
		{ "a_b", true },
		{ "", false },
		{ "-a", false },
		{ ".a", false },
		{ "a.", false },
		{ "a..b", false },
		{ "a b", false },
		{ "a\nb", false },
		{ "a\tb", false },
		{ "a#", false },
		{ "sixty-five-characters-is-one-more-than-the-kernel-takes-in-a-name-", false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		CHECK_EQ(net_host_name_ok(cases[i].name), cases[i].ok);
}

TEST_MAIN(TEST(test_ports), TEST(test_attach), TEST(test_host_names))
