// SPDX-License-Identifier: GPL-2.0-or-later
/* UTF-8: the first and last sequence of each form, and what is next to them. */
#include "spec/base/utf8.h"

#include "tests/unit/test.h"

static void test_char_len(void)
{
	static const struct {
		const char *s;
		size_t left, want;
	} cases[] = {
		{ "a", 1, 1 },
		{ "\x7f", 1, 1 },
		{ "\x80", 1, 0 },
		{ "\xc1\xbf", 2, 0 }, /* overlong */
		{ "\xc2\x80", 2, 2 },
		{ "\xdf\xbf", 2, 2 },
		{ "\xc2", 1, 0 },
		{ "\xc2x", 2, 0 },
		{ "\xe0\x9f\xbf", 3, 0 }, /* overlong */
		{ "\xe0\xa0\x80", 3, 3 },
		{ "\xe0\xa0\x80", 2, 0 },
		{ "\xed\x9f\xbf", 3, 3 },
		{ "\xed\xa0\x80", 3, 0 }, /* a surrogate */
		{ "\xee\x80\x80", 3, 3 },
		{ "\xef\xbf\xbf", 3, 3 },
		{ "\xef\xbf\xc0", 3, 0 },
		{ "\xf0\x8f\xbf\xbf", 4, 0 }, /* overlong */
		{ "\xf0\x90\x80\x80", 4, 4 },
		{ "\xf4\x8f\xbf\xbf", 4, 4 },
		{ "\xf4\x90\x80\x80", 4, 0 }, /* above U+10FFFF */
		{ "\xf5\x80\x80\x80", 4, 0 },
		{ "\xff", 1, 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t got = utf8_char_len((const unsigned char *)cases[i].s, cases[i].left);

		if (got != cases[i].want)
			TEST_FAIL("case %zu gives %zu", i, got);
	}
}

static void test_prefix(void)
{
	CHECK_EQ(utf8_valid_prefix("", 0), 0);
	CHECK_EQ(utf8_valid_prefix("ab\xc3\xa9", 4), 4);
	CHECK_EQ(utf8_valid_prefix("ab\xc3\xa9", 3), 2);
	CHECK_EQ(utf8_valid_prefix("a\0b\xff", 4), 3);
}

TEST_MAIN(TEST(test_char_len), TEST(test_prefix))
