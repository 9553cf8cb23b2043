// SPDX-License-Identifier: GPL-2.0-or-later
/* The texts of names.c. */
#include <sys/mman.h>
#include <unistd.h>

#include "netns/names.h"
#include "spec/base/fd.h"
#include "tests/unit/test.h"

static void test_drop(void)
{
	static const struct {
		const char *in, *id, *out;
	} cases[] = {
		{ "", "a", "" },
		{ "10.0.0.2 web a # a\n", "a", "" },
		{ "10.0.0.2 web a # a\n10.0.0.3 b # b\n", "a", "10.0.0.3 b # b\n" },
		{ "10.0.0.2 x # xa\n", "a", "10.0.0.2 x # xa\n" }, /* an id that ends alike */
		{ "10.0.0.2 a\n", "a", "10.0.0.2 a\n" },           /* not marked: --add-host */
		{ "10.0.0.2 x # ab\n10.0.0.3 # a\n", "a", "10.0.0.2 x # ab\n" },
		{ "10.0.0.2 b # b\nfd::2 b # b", "b", "" },          /* without its last end */
		{ "1.1.1.1 z\n10.0.0.2 # a\n", "a", "1.1.1.1 z\n" }, /* a line without a name */
		{ "# a", "a", "# a" },                               /* nothing but a mark */
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		auto_buf struct buf out = BUF_INIT;

		names_drop(cases[i].in, cases[i].id, &out);
		CHECK_STR(buf_str(&out), cases[i].out);
	}
}

/* The file behind @fd has @want, but for its blank lines. */
static void check_lines(int fd, const char *want, size_t max_blank)
{
	auto_buf struct buf got = BUF_INIT;
	auto_buf struct buf lines = BUF_INIT;
	size_t blank = 0;

	CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
	CHECK_EQ(fd_read_all(fd, 1 << 20, &got), 0);
	for (const char *p = buf_str(&got); *p;) {
		size_t len = strcspn(p, "\n") + 1;

		if (*p != '#')
			buf_add(&lines, p, len);
		else if (strspn(p, "# ") + 1 == len)
			blank += len;
		else
			TEST_FAIL("'%.*s' is not blank", (int)len, p);
		p += len;
	}
	CHECK_STR(buf_str(&lines), want);
	CHECK(blank <= max_blank);
}

static int blank(int fd, const char *id)
{
	auto_buf struct buf text = BUF_INIT;

	CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
	CHECK_EQ(fd_read_all(fd, 1 << 20, &text), 0);
	return names_blank(fd, &text, id);
}

static void test_blank(void)
{
	auto_close int fd = memfd_create("hosts", MFD_CLOEXEC);
	char line[64];

	CHECK(fd >= 0);
	CHECK_EQ(blank(fd, "a"), 0); /* empty */
	CHECK_EQ(fd_write_all(fd, "127.0.0.1 localhost\n", 20), 0);
	for (int i = 0; i < 400; i++) {
		int n =
		    snprintf(line, sizeof(line), "10.0.%d.%d w%d # w%d\n", i / 250, i % 250, i, i);

		CHECK_EQ(fd_write_all(fd, line, (size_t)n), 0);
	}
	CHECK_EQ(blank(fd, "w40"), 1);
	CHECK_EQ(blank(fd, "w40"), 0);
	CHECK_EQ(blank(fd, "40"), 0); /* an id that ends alike */
	for (int i = 0; i < 399; i++) {
		(void)snprintf(line, sizeof(line), "w%d", i);
		CHECK_EQ(blank(fd, line), i != 40);
	}
	/* The blanks of hundreds have gone meanwhile. */
	check_lines(fd, "127.0.0.1 localhost\n10.0.1.149 w399 # w399\n", 4500);
	CHECK_EQ(blank(fd, "w399"), 1);
	check_lines(fd, "127.0.0.1 localhost\n", 4500);
}

static void test_resolv(void)
{
	struct net_ends ends = { .n = 2, .end = { [1] = { .has_dns = true } } };
	auto_buf struct buf out = BUF_INIT;

	names_resolv("search example.org\nnameserver 127.0.0.53\nnameserver\t::1\n"
		     "nameserver 192.0.2.53\noptions edns0",
		     &(struct net_ends){ 0 }, &out);
	CHECK_STR(buf_str(&out), "search example.org\nnameserver 192.0.2.53\noptions edns0\n");
	buf_clear(&out);
	CHECK_EQ(ip_parse("10.0.0.1", &ends.end[1].gateway), 0);
	CHECK_EQ(ip_parse("fd00::1", &ends.end[1].gateway6), 0);
	names_resolv("nameserver 192.0.2.53\noptions edns0\n", &ends, &out);
	CHECK_STR(buf_str(&out), "nameserver 10.0.0.1\nnameserver fd00::1\noptions edns0\n");
}

static void test_check(void)
{
	static const struct {
		const char *add_host, *dns;
		int rc;
	} cases[] = {
		{ "db:192.0.2.1", "192.0.2.53", 0 },
		{ "db:fd00::1", "fd00::53", 0 },
		{ "gate:host-gateway", NULL, 0 },
		{ "db", NULL, -EINVAL },
		{ ":192.0.2.1", NULL, -EINVAL },
		{ "a b:192.0.2.1", NULL, -EINVAL },
		{ "db\n1.1.1.1 evil:192.0.2.1", NULL, -EINVAL },
		{ "db:", NULL, -EINVAL },
		{ NULL, "host-gateway", -EINVAL },
		{ NULL, "192.0.2.1\nnameserver 1.1.1.1", -EINVAL },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *add_host = drop_const(cases[i].add_host);
		char *server = drop_const(cases[i].dns);
		struct strv add = { &add_host, add_host ? 1 : 0 };
		struct strv dns = { &server, server ? 1 : 0 };
		const struct names_wish w = { "id", NULL, &add, &dns };

		CHECK_EQ(names_check(&w, NULL), cases[i].rc);
	}
}

TEST_MAIN(TEST(test_drop), TEST(test_blank), TEST(test_resolv), TEST(test_check))
