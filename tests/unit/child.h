/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of what changes a process for good: the function runs in a forked child, whose failed
 * checks fail the test.
 */
#ifndef BIVALVE_TESTS_UNIT_CHILD_H
#define BIVALVE_TESTS_UNIT_CHILD_H

#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/test.h"

/* run_child - the wait status of a child that runs @fn(@arg); it exits with 1 when a check failed.
 */
static inline int run_child(void (*fn)(void *), void *arg)
{
	int status = -1;
	pid_t pid;

	(void)fflush(stdout);
	pid = fork();
	if (pid == 0) {
		test_failed = false;
		fn(arg);
		(void)fflush(stdout);
		_exit(test_failed);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		TEST_FAIL("no child");
	return status;
}

#define IN_CHILD(fn, arg) CHECK_EQ(run_child((fn), (arg)), 0)

static inline bool is_root(void)
{
	return geteuid() == 0;
}

#endif
