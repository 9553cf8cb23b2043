// SPDX-License-Identifier: GPL-2.0-or-later
#include "netns/ip.h"

#include "tests/unit/test.h"

static struct ip_prefix prefix(const char *s)
{
	struct ip_prefix p = { 0 };

	CHECK_EQ(ip_prefix_parse(s, &p), 0);
	return p;
}

static struct ip_addr addr(const char *s)
{
	struct ip_addr a = { 0 };

	CHECK_EQ(ip_parse(s, &a), 0);
	return a;
}

static void test_parse(void)
{
	static const struct {
		const char *in, *out; /* out NULL: refused */
	} cases[] = {
		{ "10.0.0.0/24", "10.0.0.0/24" },
		{ "10.0.0.9/24", "10.0.0.9/24" },
		{ "0.0.0.0/0", "0.0.0.0/0" },
		{ "fd00::/64", "fd00::/64" },
		{ "FD00:0::1/128", "fd00::1/128" },
		{ "10.0.0.0", NULL },
		{ "10.0.0.0/33", NULL },
		{ "fd00::/129", NULL },
		{ "10.0.0/24", NULL },
		{ "10.0.0.0/", NULL },
		{ "10.0.0.0/ 8", NULL },
		{ "/8", NULL },
		{ "", NULL },
		{ "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc:dddd/1", NULL },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ip_prefix p;
		char text[IP_STR_MAX];
		int rc = ip_prefix_parse(cases[i].in, &p);

		CHECK_EQ(rc, cases[i].out ? 0 : -EINVAL);
		if (rc == 0)
			CHECK_STR(ip_prefix_str(&p, text), cases[i].out);
	}
	CHECK_STR(ip_str(&(struct ip_addr){ 0 }, (char[IP_STR_MAX]){ 0 }), "");
}

static void test_mac(void)
{
	static const char *const bad[] = { "",
					   "02:00:00:00:00",
					   "02:00:00:00:00:0",
					   "02-00-00-00-00-01",
					   "0g:00:00:00:00:01",
					   "01:00:00:00:00:01", /* a group */
					   "00:00:00:00:00:00",
					   "02:00:00:00:00:01 " };
	struct mac_addr m;
	char text[MAC_STR_MAX];

	CHECK_EQ(mac_parse("02:00:5e:10:AB:fF", &m), 0);
	CHECK_STR(mac_str(&m, text), "02:00:5e:10:ab:ff");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK_EQ(mac_parse(bad[i], &m), -EINVAL);
}

static void test_in_and_overlap(void)
{
	static const struct {
		const char *a, *b;
		bool overlap;
	} cases[] = {
		{ "10.0.0.0/8", "10.90.0.0/24", true },    { "10.90.0.0/24", "10.0.0.0/8", true },
		{ "10.90.0.0/24", "10.90.1.0/24", false }, { "10.90.0.0/23", "10.90.1.0/24", true },
		{ "0.0.0.0/0", "10.0.0.0/8", true },       { "fd00::/8", "fd12::/64", true },
		{ "fd00::/64", "fd00:0:0:1::/64", false }, { "10.0.0.0/8", "fd00::/8", false },
		{ "10.0.0.128/25", "10.0.0.0/25", false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ip_prefix a = prefix(cases[i].a);
		struct ip_prefix b = prefix(cases[i].b);

		CHECK_EQ(ip_prefix_overlaps(&a, &b), cases[i].overlap);
		CHECK_EQ(ip_prefix_overlaps(&b, &a), cases[i].overlap);
	}
}

static void test_numbers(void)
{
	struct ip_prefix p = prefix("10.0.3.77/22");
	struct ip_prefix p6 = prefix("fd00::/64");
	struct ip_prefix all = prefix("::/0");
	struct ip_addr a;
	char text[IP_STR_MAX];

	a = ip_first(&p);
	CHECK_STR(ip_str(&a, text), "10.0.0.0");
	a = ip_last(&p);
	CHECK_STR(ip_str(&a, text), "10.0.3.255");
	CHECK_EQ(ip_at(&p, 1023, &a), 0);
	CHECK_STR(ip_str(&a, text), "10.0.3.255");
	CHECK_EQ(ip_at(&p, 1024, &a), -ERANGE);
	CHECK_EQ(ip_at(&p6, 0x10002, &a), 0);
	CHECK_STR(ip_str(&a, text), "fd00::1:2");
	CHECK_EQ(ip_index(&p6, &a), 0x10002);
	a = addr("10.0.1.2");
	CHECK_EQ(ip_index(&p, &a), 258);
	CHECK_EQ(ip_index(&p6, &a) == UINT64_MAX, 1);
	a = addr("ff::1");
	CHECK_EQ(ip_index(&all, &a) == UINT64_MAX, 1); /* more than 64 bits of host */
}

TEST_MAIN(TEST(test_parse), TEST(test_mac), TEST(test_in_and_overlap), TEST(test_numbers))
