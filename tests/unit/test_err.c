// SPDX-License-Identifier: GPL-2.0-or-later
/* The error value: text, codes, wrapping, and what is cut or squashed. */
#include "spec/base/err.h"

#include "tests/unit/test.h"

static void test_set(void)
{
	struct err e = ERR_INIT;

	CHECK_STR(e.msg, "");
	CHECK_EQ(err_set(&e, -ENOENT, "open '%s': %d", "x", 5), -ENOENT);
	CHECK_EQ(e.code, -ENOENT);
	CHECK_STR(e.msg, "open 'x': 5");
	CHECK_EQ(err_set(NULL, -EPERM, "nobody reads this"), -EPERM);
}

static void test_sys(void)
{
	struct err e = ERR_INIT;

	errno = EACCES;
	CHECK_EQ(err_sys(&e, "mount '%s'", "proc"), -EACCES);
	CHECK_EQ(e.code, -EACCES);
	CHECK_STR(e.msg, "mount 'proc': Permission denied");
	errno = 0;
	CHECK_EQ(err_sys(&e, "read"), -EIO);
	errno = EBADF;
	CHECK_EQ(err_sys(NULL, "read"), -EBADF);
	CHECK_EQ(err_code(&e, -ESRCH, "kill %d", 7), -ESRCH);
	CHECK_STR(e.msg, "kill 7: No such process");
	CHECK_EQ(err_code(NULL, -ESRCH, "kill"), -ESRCH);
}

static void test_wrap(void)
{
	struct err e = ERR_INIT;

	CHECK_EQ(err_set(&e, -EINVAL, "must be a string"), -EINVAL);
	CHECK_EQ(err_wrap(&e, -EINVAL, "/a/%d", 0), -EINVAL);
	CHECK_EQ(err_wrap(&e, -EINVAL, "config '%s'", "c.json"), -EINVAL);
	CHECK_STR(e.msg, "config 'c.json': /a/0: must be a string");
	CHECK_EQ(err_wrap(NULL, -EIO, "x"), -EIO);
}

static void test_cut(void)
{
	char wide[2 * ERR_MSG_MAX];
	struct err e = ERR_INIT;

	memset(wide, 'w', sizeof(wide) - 1);
	wide[sizeof(wide) - 1] = '\0';
	CHECK_EQ(err_set(&e, -EINVAL, "%s", wide), -EINVAL);
	CHECK_EQ(strlen(e.msg), ERR_MSG_MAX - 1);
	CHECK_EQ(err_wrap(&e, -EINVAL, "%s", wide), -EINVAL);
	CHECK_EQ(strlen(e.msg), ERR_MSG_MAX - 1);
	errno = EPERM;
	CHECK_EQ(err_sys(&e, "%s", wide), -EPERM);
	CHECK_EQ(strlen(e.msg), ERR_MSG_MAX - 1);
}

/* One plain line, whatever names hold. */
static void test_one_line(void)
{
	struct err e = ERR_INIT;

	CHECK_EQ(err_set(&e, -EINVAL, "open '%s'", "a\nb\x1b[1m\x7f\tc"), -EINVAL);
	CHECK_STR(e.msg, "open 'a?b?[1m??c'");
	CHECK_EQ(err_wrap(&e, -EINVAL, "x\n"), -EINVAL);
	CHECK_STR(e.msg, "x?: open 'a?b?[1m??c'");
	CHECK_EQ(err_set(&e, -EINVAL, "\xc3\xa9"), -EINVAL);
	CHECK_STR(e.msg, "\xc3\xa9");
}

TEST_MAIN(TEST(test_set), TEST(test_sys), TEST(test_wrap), TEST(test_cut), TEST(test_one_line))
