// SPDX-License-Identifier: GPL-2.0-or-later
/* The growable byte string. */
#include "spec/base/buf.h"

#include "tests/unit/test.h"

static void test_empty(void)
{
	auto_buf struct buf b = BUF_INIT;

	CHECK_STR(buf_str(&b), "");
	CHECK(!buf_failed(&b) && b.data == NULL);
	buf_clear(&b);
	buf_add(&b, NULL, 0);
	CHECK_STR(b.data, "");
	CHECK_EQ(b.len, 0);
}

static void test_add(void)
{
	auto_buf struct buf b = BUF_INIT;

	buf_add(&b, "a\0b", 3);
	CHECK_EQ(b.len, 3);
	CHECK_MEM(b.data, "a\0b", 4); /* with the NUL behind */
	buf_clear(&b);
	CHECK_STR(b.data, "");
	buf_add_str(&b, "x=");
	buf_printf(&b, "%d%s", 42, ",");
	buf_add_char(&b, '!');
	CHECK_STR(b.data, "x=42,!");
	CHECK_EQ(b.len, 6);
}

static void test_growth(void)
{
	auto_buf struct buf b = BUF_INIT;
	char wide[600];

	for (int i = 0; i < 1000; i++)
		buf_printf(&b, "%03d", i);
	CHECK_EQ(b.len, 3000);
	CHECK_MEM(b.data + 2997, "999", 4);
	memset(wide, 'w', sizeof(wide) - 1);
	wide[sizeof(wide) - 1] = '\0';
	buf_clear(&b);
	buf_printf(&b, "%s|%s", wide, wide);
	CHECK_EQ(b.len, 2 * 599 + 1);
	CHECK_EQ(b.data[599], '|');
	CHECK_EQ(b.data[b.len], '\0');
}

/* A failure sticks, and what was there stays readable. */
static void test_failure(void)
{
	auto_buf struct buf b = BUF_INIT;

	buf_add_str(&b, "kept");
	buf_add(&b, "x", SIZE_MAX - 2);
	CHECK(buf_failed(&b));
	buf_add_str(&b, "more");
	buf_printf(&b, "%d", 1);
	CHECK_STR(buf_str(&b), "kept");
	buf_fini(&b);
	CHECK(!buf_failed(&b));
	buf_add_str(&b, "again");
	CHECK_STR(buf_str(&b), "again");
}

TEST_MAIN(TEST(test_empty), TEST(test_add), TEST(test_growth), TEST(test_failure))
