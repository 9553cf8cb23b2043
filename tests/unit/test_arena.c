// SPDX-License-Identifier: GPL-2.0-or-later
/* The bump allocator: alignment, zeroes, large objects, overflow. */
#include "spec/base/arena.h"

#include <stdalign.h>

#include "tests/unit/test.h"

static void test_alloc(void)
{
	struct arena a = ARENA_INIT;
	unsigned char *last = NULL;

	for (size_t i = 1; i < 3000; i += 7) {
		unsigned char *p = arena_alloc(&a, i, 1);

		CHECK(p && (uintptr_t)p % alignof(max_align_t) == 0);
		for (size_t k = 0; k < i; k++)
			CHECK(p[k] == 0);
		memset(p, 0xff, i);
		if (last)
			CHECK(*last == 0xff); /* objects never move or overlap */
		last = p;
	}
	CHECK(arena_alloc(&a, 1 << 20, 4) != NULL);
	arena_fini(&a);
	CHECK(a.chunks == NULL);
	arena_fini(&a);
}

static void test_overflow(void)
{
	struct arena a = ARENA_INIT;

	CHECK(arena_alloc(&a, SIZE_MAX, 2) == NULL);
	CHECK(arena_alloc(&a, SIZE_MAX, 1) == NULL);
	CHECK(arena_strndup(&a, "x", SIZE_MAX) == NULL);
	CHECK(arena_alloc(&a, 0, 8) != NULL);
	arena_fini(&a);
}

static void test_strings(void)
{
	struct arena a = ARENA_INIT;

	CHECK_STR(arena_strdup(&a, "text"), "text");
	CHECK_STR(arena_strdup(&a, ""), "");
	CHECK_STR(arena_strndup(&a, "text", 2), "te");
	CHECK_STR(arena_printf(&a, "%s-%d", "a", 1), "a-1");
	arena_fini(&a);
}

TEST_MAIN(TEST(test_alloc), TEST(test_overflow), TEST(test_strings))
