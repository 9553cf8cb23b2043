// SPDX-License-Identifier: GPL-2.0-or-later
/* The texts of names.c. */
#include "netns/program/names.h"
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

static void test_resolv(void)
{
	auto_buf struct buf out = BUF_INIT;

	names_filter_resolv("search example.org\nnameserver 127.0.0.53\nnameserver\t::1\n"
			    "nameserver 192.0.2.53\noptions edns0",
			    &out);
	CHECK_STR(buf_str(&out), "search example.org\nnameserver 192.0.2.53\noptions edns0\n");
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
		struct option_list add = { { cases[i].add_host }, cases[i].add_host ? 1 : 0 };
		struct option_list dns = { { cases[i].dns }, cases[i].dns ? 1 : 0 };
		const struct names_wish w = { "id", NULL, &add, &dns };

		CHECK_EQ(names_check(&w, NULL), cases[i].rc);
	}
}

TEST_MAIN(TEST(test_drop), TEST(test_resolv), TEST(test_check))
