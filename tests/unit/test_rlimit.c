// SPDX-License-Identifier: GPL-2.0-or-later
/* What is raised for a child, and what is not. */
#include "namespaces/rlimit.h"

#include <errno.h>
#include <sys/resource.h>

#include "tests/unit/child.h"
#include "tests/unit/test.h"

static void child_is_refused(void *arg)
{
	static const struct rlimit files = { 10, 50 };
	struct config_rlimit l[] = { { RLIMIT_CORE, 0, 0 }, { RLIMIT_NOFILE, 10, 51 } };
	struct err err = ERR_INIT;

	(void)arg;
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &files), 0);
	CHECK_EQ(setresuid(1000, 1000, 1000), 0);
	CHECK_EQ(rlimit_raise(0, l, 2, &err), -EPERM);
	CHECK_HAS(err.msg,
		  "/process/rlimits/1: set limit to 10 (hard 51): operation not permitted");
	l[1] = (struct config_rlimit){ RLIMIT_NOFILE, 60, 50 };
	CHECK_EQ(rlimit_raise(0, l, 2, &err), 0);
	l[1] = (struct config_rlimit){ 999, 1, 1 };
	CHECK_EQ(rlimit_raise(0, l, 2, &err), -EINVAL);
}

/* A raise touches only the hard limits that are too low. */
static void child_raises(void *arg)
{
	static const struct rlimit files = { 10, 50 };
	const struct config_rlimit low = { RLIMIT_NOFILE, 5, 20 }, high = { RLIMIT_NOFILE, 5, 60 };
	struct rlimit got;

	(void)arg;
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &files), 0);
	CHECK_EQ(rlimit_raise(getpid(), &low, 1, NULL), 0);
	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &got), 0);
	CHECK_EQ(got.rlim_cur, 10);
	CHECK_EQ(got.rlim_max, 50);
	if (rlimit_raise(getpid(), &high, 1, NULL) == -EPERM)
		return; /* a host without CAP_SYS_RESOURCE */
	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &got), 0);
	CHECK_EQ(got.rlim_cur, 10);
	CHECK_EQ(got.rlim_max, 60);
}

static void test_limits(void)
{
	if (!is_root())
		TEST_SKIP("needs root");
	IN_CHILD(child_is_refused, NULL);
	IN_CHILD(child_raises, NULL);
}

TEST_MAIN(TEST(test_limits))
