// SPDX-License-Identifier: GPL-2.0-or-later
/* Bounded numbers, at and past each edge. */
#include "spec/base/num.h"

#include <errno.h>

#include "tests/unit/test.h"

static void test_u64(void)
{
	static const struct {
		const char *s;
		uint64_t min, max;
		int rc;
		uint64_t want;
	} cases[] = {
		{ "0", 0, 0, 0, 0 },
		{ "7", 7, 7, 0, 7 },
		{ "007", 0, 9, 0, 7 },
		{ "6", 7, 9, -ERANGE, 0 },
		{ "10", 7, 9, -ERANGE, 0 },
		{ "18446744073709551615", 0, UINT64_MAX, 0, UINT64_MAX },
		{ "18446744073709551616", 0, UINT64_MAX, -ERANGE, 0 },
		{ "99999999999999999999999", 0, UINT64_MAX, -ERANGE, 0 },
		{ "", 0, 9, -EINVAL, 0 },
		{ " 1", 0, 9, -EINVAL, 0 },
		{ "1 ", 0, 9, -EINVAL, 0 },
		{ "+1", 0, 9, -EINVAL, 0 },
		{ "-1", 0, 9, -EINVAL, 0 },
		{ "0x1", 0, 9, -EINVAL, 0 },
		{ "1e1", 0, 99, -EINVAL, 0 },
		{ "a", 0, 99, -EINVAL, 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t v = 0;
		int rc = num_u64(cases[i].s, cases[i].min, cases[i].max, &v);

		if (rc != cases[i].rc || v != cases[i].want)
			TEST_FAIL("'%s' gives %d, %ju", cases[i].s, rc, (uintmax_t)v);
	}
}

static void test_base(void)
{
	uint64_t v = 0;

	CHECK_EQ(num_u64_base("755", 8, 0, 07777, &v), 0);
	CHECK_EQ(v, 0755);
	CHECK_EQ(num_u64_base("8", 8, 0, 99, &v), -EINVAL);
	CHECK_EQ(num_u64_base("fF", 16, 0, 255, &v), 0);
	CHECK_EQ(v, 255);
	CHECK_EQ(num_u64_base("g", 16, 0, 255, &v), -EINVAL);
	CHECK_EQ(num_u64_base("a", 10, 0, 255, &v), -EINVAL);
	CHECK_EQ(num_u64_base("ffffffffffffffff", 16, 0, UINT64_MAX, &v), 0);
	CHECK(v == UINT64_MAX);
	CHECK_EQ(num_u64_base("10000000000000000", 16, 0, UINT64_MAX, &v), -ERANGE);
}

static void test_i64(void)
{
	static const struct {
		const char *s;
		int64_t min, max;
		int rc;
		int64_t want;
	} cases[] = {
		{ "-1", -1, 1, 0, -1 },
		{ "-0", -1, 1, 0, 0 },
		{ "1", -1, 1, 0, 1 },
		{ "-2", -1, 1, -ERANGE, 0 },
		{ "2", -1, 1, -ERANGE, 0 },
		{ "9223372036854775807", INT64_MIN, INT64_MAX, 0, INT64_MAX },
		{ "9223372036854775808", INT64_MIN, INT64_MAX, -ERANGE, 0 },
		{ "-9223372036854775808", INT64_MIN, INT64_MAX, 0, INT64_MIN },
		{ "-9223372036854775809", INT64_MIN, INT64_MAX, -ERANGE, 0 },
		{ "--1", -9, 9, -EINVAL, 0 },
		{ "-", -9, 9, -EINVAL, 0 },
		{ "- 1", -9, 9, -EINVAL, 0 },
		{ "", -9, 9, -EINVAL, 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int64_t v = 0;
		int rc = num_i64(cases[i].s, cases[i].min, cases[i].max, &v);

		if (rc != cases[i].rc || v != cases[i].want)
			TEST_FAIL("'%s' gives %d, %jd", cases[i].s, rc, (intmax_t)v);
	}
}

static void test_bytes(void)
{
	static const struct {
		const char *s;
		int rc;
		uint64_t want;
	} cases[] = {
		{ "0", 0, 0 },
		{ "268435456", 0, 268435456 },
		{ "256m", 0, 256ULL << 20 },
		{ "256M", 0, 256ULL << 20 },
		{ "64K", 0, 65536 },
		{ "10kb", 0, 10240 },
		{ "2GiB", 0, 2ULL << 30 },
		{ "2gi", 0, 2ULL << 30 },
		{ "1.5g", 0, 3ULL << 29 },
		{ "0.5k", 0, 512 },
		{ "1t", 0, 1ULL << 40 },
		{ "5b", 0, 5 },
		{ "1.5", 0, 1 },
		{ "7b ", -EINVAL, 0 },
		{ "5bb", -EINVAL, 0 },
		{ "5bi", -EINVAL, 0 },
		{ "1p", -EINVAL, 0 },
		{ "m", -EINVAL, 0 },
		{ "", -EINVAL, 0 },
		{ "-1m", -EINVAL, 0 },
		{ "1.", -EINVAL, 0 },
		{ ".5m", -EINVAL, 0 },
		{ "1.2345m", -EINVAL, 0 },
		{ "1 m", -EINVAL, 0 },
		{ "8192t", 0, 8192ULL << 40 },
		{ "8388607t", 0, 8388607ULL << 40 },
		{ "8388608t", -ERANGE, 0 }, /* INT64_MAX + 1 */
		{ "99999999999999999999t", -ERANGE, 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t v = 0;
		int rc = num_bytes(cases[i].s, &v);

		if (rc != cases[i].rc || v != cases[i].want)
			TEST_FAIL("'%s' gives %d, %ju", cases[i].s, rc, (uintmax_t)v);
	}
}

static void test_milli(void)
{
	static const struct {
		const char *s;
		int rc;
		uint64_t want;
	} cases[] = {
		{ "1.5", 0, 1500 },
		{ "2", 0, 2000 },
		{ "0.125", 0, 125 },
		{ "0.01", 0, 10 },
		{ "10", 0, 10000 },
		{ "10.001", -ERANGE, 0 },
		{ "1.0001", -EINVAL, 0 },
		{ "1.", -EINVAL, 0 },
		{ "", -EINVAL, 0 },
		{ "-1", -EINVAL, 0 },
		{ "1.5x", -EINVAL, 0 },
		{ "1,5", -EINVAL, 0 },
		{ "18446744073709552", -ERANGE, 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t v = 0;
		int rc = num_milli(cases[i].s, 10000, &v);

		if (rc != cases[i].rc || v != cases[i].want)
			TEST_FAIL("'%s' gives %d, %ju", cases[i].s, rc, (uintmax_t)v);
	}
}

TEST_MAIN(TEST(test_u64), TEST(test_base), TEST(test_i64), TEST(test_bytes), TEST(test_milli))
