// SPDX-License-Identifier: GPL-2.0-or-later
/* Token buckets, with a clock of the test's own. */
#include "vmmode/virtio/ratelimit.h"

#include <poll.h>
#include <sys/timerfd.h>

#include "tests/unit/test.h"

#define S UINT64_C(1000000000)

static void test_options(void)
{
	static const struct {
		struct ratelimit_options o;
		int rc;
		bool on;
	} cases[] = {
		{ { 0 }, 0, false },
		{ { .bytes_per_s = 1 }, 0, true },
		{ { .ops_per_s = 1, .ops_burst = 86400 }, 0, true },
		{ { .ops_per_s = 1, .ops_burst = 86401 }, -ERANGE, false },
		{ { .bytes_burst = 1 }, -EINVAL, false },
		{ { .ops_burst = 1 }, -EINVAL, false },
		{ { .bytes_per_s = UINT64_MAX, .bytes_burst = UINT64_MAX }, 0, true },
		{ { .bytes_per_s = 1, .bytes_burst = UINT64_MAX }, -ERANGE, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct ratelimit r;

		CHECK_EQ(ratelimit_init(&r, &cases[i].o, 0), cases[i].rc);
		if (cases[i].rc == 0)
			CHECK_EQ(ratelimit_is_on(&r), cases[i].on);
	}
}

static void test_no_limit(void)
{
	const struct ratelimit_options o = { 0 };
	struct ratelimit r;

	CHECK_EQ(ratelimit_init(&r, &o, 5), 0);
	for (int i = 0; i < 100; i++)
		ratelimit_charge(&r, UINT32_MAX, 5);
	CHECK_EQ(ratelimit_wait(&r, 5), 0);
}

static void test_burst_then_rate(void)
{
	const struct ratelimit_options o = { .bytes_per_s = 1000, .bytes_burst = 500 };
	struct ratelimit r;

	CHECK_EQ(ratelimit_init(&r, &o, 0), 0);
	CHECK_EQ(ratelimit_wait(&r, 0), 0);
	ratelimit_charge(&r, 400, 0);
	CHECK_EQ(ratelimit_wait(&r, 0), 0);
	ratelimit_charge(&r, 200, 0); /* 100 in debt: a tenth of a second */
	CHECK_EQ(ratelimit_wait(&r, 0), S / 10);
	CHECK_EQ(ratelimit_wait(&r, S / 20), S / 20);
	CHECK_EQ(ratelimit_wait(&r, S / 10), 0);
	/* A pause of any length earns no more than the burst. */
	ratelimit_charge(&r, 600, 100 * S);
	CHECK_EQ(ratelimit_wait(&r, 100 * S), S / 10);
}

static void test_large_request(void)
{
	const struct ratelimit_options o = { .bytes_per_s = 1 << 20 };
	struct ratelimit r;

	CHECK_EQ(ratelimit_init(&r, &o, 7), 0);
	CHECK_EQ(ratelimit_wait(&r, 7), 0);
	ratelimit_charge(&r, 4U << 20, 7);
	CHECK_EQ(ratelimit_wait(&r, 7), 4 * S);
}

static void test_ops_and_bytes(void)
{
	const struct ratelimit_options o = { .bytes_per_s = 1000, .ops_per_s = 10 };
	struct ratelimit r;

	CHECK_EQ(ratelimit_init(&r, &o, S), 0);
	ratelimit_charge(&r, 1, S);
	CHECK_EQ(ratelimit_wait(&r, S), S / 10); /* the operation costs more */
	ratelimit_charge(&r, 1000, 2 * S);
	CHECK_EQ(ratelimit_wait(&r, 2 * S), S); /* the bytes cost more */
}

static void test_average(void)
{
	const struct ratelimit_options o = { .bytes_per_s = 12345678, .bytes_burst = 65536 };
	struct ratelimit r;
	uint64_t now = 3;
	uint64_t bytes = 0;

	CHECK_EQ(ratelimit_init(&r, &o, now), 0);
	while (now < 10 * S) {
		uint64_t wait = ratelimit_wait(&r, now);

		now += wait;
		ratelimit_charge(&r, 4096 + (uint32_t)(bytes % 977), now);
		bytes += 4096 + bytes % 977;
	}
	CHECK(bytes > 123456780 - 100000 && bytes < 123456780 + 100000);
}

static void test_arm(void)
{
	auto_close int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	struct pollfd p = { .fd = fd, .events = POLLIN };
	uint64_t before = ratelimit_now();

	CHECK_EQ(ratelimit_arm(fd, S / 100), 0);
	CHECK_EQ(poll(&p, 1, 5000), 1);
	CHECK(ratelimit_now() - before >= S / 100);
	CHECK_EQ(ratelimit_arm(-1, 1), -EBADF);
}

TEST_MAIN(TEST(test_options), TEST(test_no_limit), TEST(test_burst_then_rate),
	  TEST(test_large_request), TEST(test_ops_and_bytes), TEST(test_average), TEST(test_arm))
