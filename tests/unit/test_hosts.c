// SPDX-License-Identifier: GPL-2.0-or-later
#include "netns/hosts.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "spec/base/fd.h"
#include "tests/unit/test.h"

static void test_names(void)
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
		CHECK_EQ(hosts_name_ok(cases[i].name), cases[i].ok);
}

static void test_entries(void)
{
	static const struct {
		const char *in;
		int rc;
		const char *name, *addr;
	} cases[] = {
		{ "db:10.0.0.9", 0, "db", "10.0.0.9" }, { "db:fd00::9", 0, "db", "fd00::9" },
		{ "db", -EINVAL, NULL, NULL },          { "db:", -EINVAL, NULL, NULL },
		{ ":10.0.0.9", -EINVAL, NULL, NULL },   { "d b:10.0.0.9", -EINVAL, NULL, NULL },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char copy[64];
		char text[IP_STR_MAX];
		struct host_entry e = { 0 };

		(void)snprintf(copy, sizeof(copy), "%s", cases[i].in);
		CHECK_EQ(host_entry_parse(copy, &e, NULL), cases[i].rc);
		if (cases[i].rc == 0) {
			CHECK_STR(e.name, cases[i].name);
			CHECK_STR(ip_str(&e.addr, text), cases[i].addr);
		}
	}
}

static void test_resolv(void)
{
	static const char host[] = "# comment\nnameserver 127.0.0.53\nnameserver  192.0.2.53 # x\n"
				   "search example.org a.b\noptions edns0\nnonsense\nsortlist x\n"
				   "nameserver ::1";
	auto_buf struct buf b = BUF_INIT;
	struct ip_addr dns = { 0 };

	resolv_text(host, NULL, 0, &b);
	CHECK_STR(buf_str(&b), "nameserver 192.0.2.53\nsearch example.org a.b\noptions edns0\n");
	buf_clear(&b);
	CHECK_EQ(ip_parse("198.51.100.1", &dns), 0);
	resolv_text(host, &dns, 1, &b);
	CHECK_STR(buf_str(&b), "nameserver 198.51.100.1\nsearch example.org a.b\noptions edns0\n");
	buf_clear(&b);
	resolv_text("", NULL, 0, &b);
	CHECK_STR(buf_str(&b), "");
}

static const char *read_shared(const struct net_store *s)
{
	static char text[1024];
	auto_buf struct buf b = BUF_INIT;

	CHECK_EQ(file_read_at(s->dir_fd, "hosts/n", sizeof(text) - 1, &b), 0);
	(void)snprintf(text, sizeof(text), "%s", buf_str(&b));
	return text;
}

static void test_shared(void)
{
	char dir[] = "/tmp/test_hosts.XXXXXX";
	auto_net_store struct net_store s = NET_STORE_INIT;
	struct net_end a = { .network = "n" };
	struct net_end b = { .network = "n" };
	struct stat before;
	struct stat after;
	char cmd[64];
	int root_fd;

	CHECK(mkdtemp(dir) != NULL);
	root_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CHECK_EQ(net_store_open(root_fd, "net", NULL, NULL, &s, NULL), 0);
	CHECK_EQ(ip_prefix_parse("10.0.0.2/24", &a.ip), 0);
	CHECK_EQ(ip_prefix_parse("fd00::2/64", &a.ip6), 0);
	CHECK_EQ(ip_prefix_parse("10.0.0.22/24", &b.ip), 0);
	CHECK_EQ(hosts_join(&s, &a, "web", NULL), 0);
	CHECK_EQ(fstatat(s.dir_fd, "hosts/n", &before, 0), 0);
	CHECK_EQ(hosts_join(&s, &b, "db", NULL), 0);
	CHECK_HAS(read_shared(&s), "127.0.0.1\tlocalhost\n");
	CHECK_HAS(read_shared(&s), "\n10.0.0.2\tweb\nfd00::2\tweb\n10.0.0.22\tdb\n");
	hosts_leave(&s, &a); /* 10.0.0.22 begins like 10.0.0.2, and stays */
	CHECK_HAS(read_shared(&s), "ip6-allrouters\n10.0.0.22\tdb\n");
	CHECK(!strstr(read_shared(&s), "web"));
	hosts_leave(&s, &a);
	CHECK_EQ(fstatat(s.dir_fd, "hosts/n", &after, 0), 0);
	CHECK_EQ(before.st_ino, after.st_ino); /* it may be mounted somewhere */
	hosts_forget(&s, "n");
	CHECK(fstatat(s.dir_fd, "hosts/n", &after, 0) < 0);
	(void)close(root_fd);
	(void)snprintf(cmd, sizeof(cmd), "rm -r %s", dir);
	CHECK_EQ(system(cmd), 0);
}

TEST_MAIN(TEST(test_names), TEST(test_entries), TEST(test_resolv), TEST(test_shared))
