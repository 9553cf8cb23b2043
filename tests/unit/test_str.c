// SPDX-License-Identifier: GPL-2.0-or-later
/* String helpers. */
#include "spec/base/str.h"

#include "tests/unit/test.h"

static void test_compare(void)
{
	CHECK(str_eq("a", "a") && !str_eq("a", "ab") && !str_eq("a", "A"));
	CHECK(str_starts("abc", "ab") && str_starts("abc", "") && str_starts("abc", "abc"));
	CHECK(!str_starts("ab", "abc") && !str_starts("", "a"));
}

static void test_env(void)
{
	char *v[] = { (char[]){ "PATHX=no" }, (char[]){ "PATH=/bin" }, (char[]){ "PATH=/late" },
		      (char[]){ "EMPTY=" },   (char[]){ "BARE" },      NULL };
	const struct strv env = { v, 5 };
	const struct strv none = { NULL, 0 };

	CHECK_STR(strv_env(&env, "PATH"), "/bin");
	CHECK_STR(strv_env(&env, "EMPTY"), "");
	CHECK_STR(strv_env(&env, "BARE"), NULL);
	CHECK_STR(strv_env(&env, "PAT"), NULL);
	CHECK_STR(strv_env(&none, "PATH"), NULL);
}

TEST_MAIN(TEST(test_compare), TEST(test_env))
