// SPDX-License-Identifier: GPL-2.0-or-later
/* Leases: in turn, exclusive, given back by their owner alone. */
#include "netns/ipam.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/stat.h>

#include "netns/store.h"
#include "tests/unit/test.h"

struct place {
	char dir[32];
	int root_fd;
	struct net_store s;
	struct network n;
};

static void open_place(struct place *p, const char *subnet, const char *subnet6)
{
	*p = (struct place){ .dir = "/tmp/test_ipam.XXXXXX", .n = { .name = "n" } };
	CHECK(mkdtemp(p->dir) != NULL);
	p->root_fd = open(p->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CHECK_EQ(net_store_open(p->root_fd, "net", NULL, NULL, &p->s, NULL), 0);
	CHECK_EQ(ip_prefix_parse(subnet, &p->n.subnet), 0);
	CHECK_EQ(ip_prefix_parse(subnet6, &p->n.subnet6), 0);
	CHECK_EQ(ip_at(&p->n.subnet, 1, &p->n.gateway), 0);
}

static void close_place(struct place *p)
{
	char cmd[64];

	net_store_close(&p->s);
	(void)close(p->root_fd);
	(void)snprintf(cmd, sizeof(cmd), "rm -r %s", p->dir);
	CHECK_EQ(system(cmd), 0);
}

/* Leases the next address for @id; the text of it, or of the error. */
static const char *next(struct place *p, uint8_t family, const char *id)
{
	static char text[ERR_MSG_MAX];
	struct ipam_wish w = { .network = &p->n, .family = family, .id = id };
	struct err err = ERR_INIT;
	struct ip_prefix got;

	if (ipam_lease(&p->s, &w, &got, &err) < 0)
		(void)snprintf(text, sizeof(text), "%s", err.msg);
	else
		(void)ip_prefix_str(&got, text);
	return text;
}

static const char *wanted(struct place *p, const char *addr, const char *id)
{
	static char text[ERR_MSG_MAX];
	struct err err = ERR_INIT;
	struct ip_prefix got;
	struct ip_addr a = { 0 };
	struct ipam_wish w;

	CHECK_EQ(ip_parse(addr, &a), 0);
	w = (struct ipam_wish){ .network = &p->n, .family = a.family, .addr = a, .id = id };
	if (ipam_lease(&p->s, &w, &got, &err) < 0)
		(void)snprintf(text, sizeof(text), "%s", err.msg);
	else
		(void)ip_prefix_str(&got, text);
	return text;
}

static void release(struct place *p, const char *addr, const char *id)
{
	struct ip_addr a = { 0 };

	CHECK_EQ(ip_parse(addr, &a), 0);
	ipam_release(&p->s, "n", &a, id);
}

static void test_in_turn(void)
{
	struct place p;

	open_place(&p, "10.0.0.0/29", "fd00::/64");
	CHECK_STR(next(&p, AF_INET, "a"), "10.0.0.2/29");
	CHECK_STR(next(&p, AF_INET, "b"), "10.0.0.3/29");
	CHECK_STR(next(&p, AF_INET6, "a"), "fd00::2/64");
	release(&p, "10.0.0.2", "b"); /* not b's */
	release(&p, "10.0.0.3", "b");
	CHECK_STR(next(&p, AF_INET, "c"), "10.0.0.4/29"); /* 3 rests */
	CHECK_STR(next(&p, AF_INET, "d"), "10.0.0.5/29");
	CHECK_STR(next(&p, AF_INET, "e"), "10.0.0.6/29");
	CHECK_STR(next(&p, AF_INET, "f"), "10.0.0.3/29");
	CHECK_STR(next(&p, AF_INET, "g"), "network 'n' has no free address");
	close_place(&p);
}

static void test_wanted(void)
{
	static const struct {
		const char *addr, *id, *out;
	} cases[] = {
		{ "10.0.0.9", "a", "10.0.0.9/24" },
		{ "10.0.0.9", "a", "10.0.0.9/24" }, /* its own already */
		{ "10.0.0.9", "b", "network 'n': address '10.0.0.9' is in use by 'a'" },
		{ "10.0.1.9", "b", "network 'n': address '10.0.1.9' is not in '10.0.0.0/24'" },
		{ "10.0.0.0", "b", "network 'n': address '10.0.0.0' is not for a workload" },
		{ "10.0.0.1", "b", "network 'n': address '10.0.0.1' is not for a workload" },
		{ "10.0.0.255", "b", "network 'n': address '10.0.0.255' is not for a workload" },
		{ "fd00::", "b", "network 'n': address 'fd00::' is not for a workload" },
		{ "fd00::ffff:ffff", "b", "fd00::ffff:ffff/64" },
	};
	struct place p;

	open_place(&p, "10.0.0.0/24", "fd00::/64");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		CHECK_STR(wanted(&p, cases[i].addr, cases[i].id), cases[i].out);
	close_place(&p);
}

static void test_ports(void)
{
	struct net_port range = { .proto = IPPROTO_TCP, .host_port = 80, .port = 80, .count = 3 };
	struct net_port one = { .proto = IPPROTO_TCP, .host_port = 82, .port = 1, .count = 1 };
	struct net_port udp = { .proto = IPPROTO_UDP, .host_port = 82, .port = 1, .count = 1 };
	struct err err = ERR_INIT;
	struct stat st;
	struct place p;

	open_place(&p, "10.0.0.0/24", "fd00::/64");
	CHECK_EQ(ipam_lease_port(&p.s, &one, "a", &err), 0);
	CHECK_EQ(ipam_lease_port(&p.s, &udp, "b", &err), 0);
	CHECK_EQ(ipam_lease_port(&p.s, &range, "b", &err), -EADDRINUSE);
	CHECK_STR(err.msg, "port 'tcp-any-82' is published by 'a' already");
	CHECK(fstatat(p.s.dir_fd, "ports/tcp-any-80", &st, AT_SYMLINK_NOFOLLOW) < 0); /* none */
	ipam_release_port(&p.s, &one, "b");
	CHECK_EQ(ipam_lease_port(&p.s, &range, "b", &err), -EADDRINUSE);
	ipam_release_port(&p.s, &one, "a");
	CHECK_EQ(ipam_lease_port(&p.s, &range, "b", &err), 0);
	close_place(&p);
}

static bool lives(const char *id, void *data)
{
	return strcmp(id, data) == 0;
}

static void test_sweep(void)
{
	char owner[NET_ID_MAX + 1];
	char living[] = "a";
	struct place p;

	open_place(&p, "10.0.0.0/24", "fd00::/64");
	(void)snprintf(p.n.bridge, sizeof(p.n.bridge), "bv-n");
	CHECK_EQ(store_network_save(&p.s, &p.n, NULL), 0); /* all networks are searched */
	CHECK_STR(next(&p, AF_INET, "a"), "10.0.0.2/24");
	CHECK_STR(next(&p, AF_INET, "b"), "10.0.0.3/24");
	p.s.alive = lives;
	p.s.alive_data = living;
	CHECK_EQ(ipam_release_all(&p.s, NULL, NULL), 0);
	CHECK_STR(wanted(&p, "10.0.0.3", "a"), "10.0.0.3/24");
	CHECK_STR(wanted(&p, "10.0.0.2", "b"), "network 'n': address '10.0.0.2' is in use by 'a'");
	CHECK_EQ(ipam_owner(&p.s, "n", owner), 0);
	CHECK_STR(owner, "a");
	CHECK_EQ(ipam_release_all(&p.s, "a", NULL), 0);
	CHECK_EQ(ipam_owner(&p.s, "n", owner), -ENOENT);
	close_place(&p);
}

TEST_MAIN(TEST(test_in_turn), TEST(test_wanted), TEST(test_ports), TEST(test_sweep))
