/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The unit test harness: TAP on stdout, one process per file. A test is a function that uses the
 * CHECK macros; TEST_MAIN lists them. A failed check prints both values and fails its test.
 *
 *   static void test_parse(void) { CHECK_EQ(num_u64("1", 0, 9, &v), 0); }
 *   TEST_MAIN(TEST(test_parse))
 */
#ifndef BIVALVE_TESTS_UNIT_TEST_H
#define BIVALVE_TESTS_UNIT_TEST_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct test_case {
	const char *name;
	void (*run)(void);
};

static bool test_failed;
static const char *test_skipped;

#define TEST_FAIL(...)                                                                             \
	do {                                                                                       \
		test_failed = true;                                                                \
		printf("# %s:%d: ", __FILE__, __LINE__);                                           \
		printf(__VA_ARGS__);                                                               \
		printf("\n");                                                                      \
	} while (0)

#define CHECK(cond)                                                                                \
	do {                                                                                       \
		if (!(cond))                                                                       \
			TEST_FAIL("not true: %s", #cond);                                          \
	} while (0)

/* CHECK_EQ - integers of any type. */
#define CHECK_EQ(got, want)                                                                        \
	do {                                                                                       \
		long long got_ = (long long)(got);                                                 \
		long long want_ = (long long)(want);                                               \
		if (got_ != want_)                                                                 \
			TEST_FAIL("%s is %lld, wanted %lld", #got, got_, want_);                   \
	} while (0)

/* CHECK_STR - strings; NULL equals NULL alone. */
#define CHECK_STR(got, want)                                                                       \
	do {                                                                                       \
		const char *got_ = (got);                                                          \
		const char *want_ = (want);                                                        \
		if (!got_ || !want_ ? got_ != want_ : strcmp(got_, want_) != 0)                    \
			TEST_FAIL("%s is \"%s\", wanted \"%s\"", #got, got_ ? got_ : "(null)",     \
				  want_ ? want_ : "(null)");                                       \
	} while (0)

/* CHECK_HAS - @got holds @want somewhere. */
#define CHECK_HAS(got, want)                                                                       \
	do {                                                                                       \
		const char *got_ = (got);                                                          \
		if (!got_ || !strstr(got_, (want)))                                                \
			TEST_FAIL("%s is \"%s\", lacks \"%s\"", #got, got_ ? got_ : "(null)",      \
				  (want));                                                         \
	} while (0)

#define CHECK_MEM(got, want, len)                                                                  \
	do {                                                                                       \
		if (memcmp((got), (want), (len)) != 0)                                             \
			TEST_FAIL("%s differs in its first %zu bytes", #got, (size_t)(len));       \
	} while (0)

/* TEST_SKIP - leaves the test; the reason is printed. */
#define TEST_SKIP(why)                                                                             \
	do {                                                                                       \
		test_skipped = (why);                                                              \
		return;                                                                            \
	} while (0)

#define TEST(fn)                                                                                   \
	{                                                                                          \
#fn, fn                                                                            \
	}

#define TEST_MAIN(...)                                                                             \
	int main(void)                                                                             \
	{                                                                                          \
		static const struct test_case cases[] = { __VA_ARGS__ };                           \
		size_t n = sizeof(cases) / sizeof(cases[0]);                                       \
		int rc = 0;                                                                        \
		printf("1..%zu\n", n);                                                             \
		for (size_t i = 0; i < n; i++) {                                                   \
			test_failed = false;                                                       \
			test_skipped = NULL;                                                       \
			cases[i].run();                                                            \
			printf("%sok %zu - %s%s%s\n", test_failed ? "not " : "", i + 1,            \
			       cases[i].name, test_skipped ? " # SKIP " : "",                      \
			       test_skipped ? test_skipped : "");                                  \
			(void)fflush(stdout);                                                      \
			rc |= test_failed;                                                         \
		}                                                                                  \
		return rc;                                                                         \
	}

#endif
