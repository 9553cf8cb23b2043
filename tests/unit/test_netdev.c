// SPDX-License-Identifier: GPL-2.0-or-later
/* Moving devices between two namespaces that the test makes. */
#include "netns/netdev.h"

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

#include "netns/rtnl.h"
#include "spec/base/str.h"
#include "tests/unit/netns.h"

/* A veth pair "NAME" and "NAME-far" in the current namespace, or NULL text on failure. */
static void make_pair(const char *name)
{
	auto_nl struct nl nl = NL_INIT;
	auto_nl_batch struct nl_batch b;
	struct err err = ERR_INIT;
	char far[IFNAMSIZ];
	int here = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

	(void)snprintf(far, sizeof(far), "%s-far", name);
	CHECK_EQ(nl_open(-1, NETLINK_ROUTE, &nl, &err), 0);
	CHECK_EQ(nl_batch_init(&b, &err), 0);
	link_add_veth(&b, &(struct veth_spec){
			      .host_name = name, .peer_name = far, .mtu = 1400, .netns_fd = here });
	link_set(&b, &(struct link_change){ .name = far, .set_up = true });
	CHECK_EQ(nl_talk(&nl, &b, &err), 0);
	CHECK_STR(err.msg, "");
	(void)close(here);
}

static void give(const char *name, const char *prefix)
{
	auto_nl struct nl nl = NL_INIT;
	auto_nl_batch struct nl_batch b;
	struct link_info link;
	struct ip_prefix p;

	CHECK_EQ(ip_prefix_parse(prefix, &p), 0);
	CHECK_EQ(nl_open(-1, NETLINK_ROUTE, &nl, NULL), 0);
	CHECK_EQ(link_find(&nl, name, &link, NULL), 0);
	CHECK_EQ(nl_batch_init(&b, NULL), 0);
	addr_add_plain(&b, link.index, name, &p);
	CHECK_EQ(nl_talk(&nl, &b, NULL), 0);
}

/* What the device @name of namespace @fd looks like: "up 1400 ADDR..." or "absent". */
static const char *describe(int fd, const char *name)
{
	static char text[512];
	auto_nl struct nl nl = NL_INIT;
	auto_free struct if_addr *addrs = NULL;
	struct link_info link;
	size_t n_addrs = 0;
	size_t n;

	CHECK_EQ(nl_open(fd, NETLINK_ROUTE, &nl, NULL), 0);
	if (link_find(&nl, name, &link, NULL) < 0)
		return "absent";
	CHECK_EQ(addr_list(&nl, link.index, name, &addrs, &n_addrs, NULL), 0);
	n = (size_t)snprintf(text, sizeof(text), "%s %u", link.is_up ? "up" : "down", link.mtu);
	for (size_t i = 0; i < n_addrs; i++) {
		char buf[IP_STR_MAX];

		if (addrs[i].scope != RT_SCOPE_UNIVERSE)
			continue;
		n += (size_t)snprintf(text + n, sizeof(text) - n, " %s",
				      ip_prefix_str(&addrs[i].local, buf));
	}
	return text;
}

static void test_move_keeps_addresses(void)
{
	struct err err = ERR_INIT;
	int there;

	NEED_NETNS();
	there = test_new_netns();
	make_pair("eth7");
	give("eth7", "192.0.2.7/24");
	give("eth7", "192.0.2.8/24");
	give("eth7", "2001:db8::7/64");
	CHECK_EQ(netdev_move(there, "eth7", NULL, &err), 0);
	CHECK_STR(err.msg, "");
	CHECK_STR(describe(-1, "eth7"), "absent");
	CHECK_STR(describe(there, "eth7"), "up 1400 192.0.2.7/24 192.0.2.8/24 2001:db8::7/64");
	(void)close(there);
}

static void test_move_renames(void)
{
	struct err err = ERR_INIT;
	int there;

	NEED_NETNS();
	there = test_new_netns();
	make_pair("eth0");
	make_pair("other");
	give("other", "198.51.100.1/32");
	CHECK_EQ(netdev_move(there, "eth0", "net%d", &err), 0);
	CHECK_EQ(netdev_move(there, "other", "net%d", &err), 0);
	CHECK_STR(err.msg, "");
	CHECK_STR(describe(there, "net0"), "up 1400");
	CHECK_STR(describe(there, "net1"), "up 1400 198.51.100.1/32");
	/* The old name is in use there, the new one is not. */
	make_pair("net0");
	CHECK_EQ(netdev_move(there, "net0", "net9", &err), 0);
	CHECK_STR(describe(there, "net9"), "up 1400");
	(void)close(there);
}

static void test_refusals(void)
{
	static const struct {
		const char *host, *name, *msg;
		int rc;
	} cases[] = {
		{ "none", NULL, "find network device 'none': No such device", -ENODEV },
		{ "a/b", NULL, "move network device 'a/b': not a possible name", -EINVAL },
		{ "eth1", "x/y",
		  "name network device 'eth1' in the container: 'x/y' is not a possible name",
		  -EINVAL },
		{ "eth1", "a%db%d",
		  "name network device 'eth1' in the container: 'a%db%d' is not a possible name",
		  -EINVAL },
		{ "eth1", "x%s",
		  "name network device 'eth1' in the container: 'x%s' is not a possible name",
		  -EINVAL },
		{ "eth1", "sixteen-letters-",
		  "name network device 'eth1' in the container: 'sixteen-letters-' is not a "
		  "possible name",
		  -EINVAL },
		{ "eth1", "lo",
		  "move network device 'eth1': the container has a device 'lo' already", -EEXIST },
	};
	int there;

	NEED_NETNS();
	there = test_new_netns();
	make_pair("eth1");
	give("eth1", "192.0.2.1/24");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err err = ERR_INIT;

		CHECK_EQ(netdev_move(there, cases[i].host, cases[i].name, &err), cases[i].rc);
		CHECK_STR(err.msg, cases[i].msg);
		CHECK_STR(describe(-1, "eth1"), "up 1400 192.0.2.1/24");
	}
	(void)close(there);
}

/* Its IPv6 address cannot be given in a namespace without IPv6: all is as before. */
static void test_put_back(void)
{
	struct err err = ERR_INIT;
	int home;
	int there;
	int fd;

	NEED_NETNS();
	there = test_new_netns();
	home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	CHECK_EQ(setns(there, CLONE_NEWNET), 0);
	fd = open("/proc/sys/net/ipv6/conf/default/disable_ipv6", O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, "1", 1) != 1) {
		CHECK_EQ(setns(home, CLONE_NEWNET), 0);
		TEST_SKIP("needs a writable /proc/sys");
	}
	(void)close(fd);
	CHECK_EQ(setns(home, CLONE_NEWNET), 0);
	make_pair("eth2");
	give("eth2", "192.0.2.2/24");
	give("eth2", "2001:db8::2/64");
	CHECK_EQ(netdev_move(there, "eth2", "x0", &err), -EACCES);
	CHECK_HAS(err.msg, "give an address to 'eth2': Permission denied");
	CHECK_STR(describe(-1, "eth2"), "up 1400 192.0.2.2/24 2001:db8::2/64");
	CHECK_STR(describe(there, "x0"), "absent");
	(void)close(there);
	(void)close(home);
}

TEST_MAIN(TEST(test_move_keeps_addresses), TEST(test_move_renames), TEST(test_refusals),
	  TEST(test_put_back))
