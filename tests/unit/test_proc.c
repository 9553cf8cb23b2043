// SPDX-License-Identifier: GPL-2.0-or-later
/* Processes from outside: identity, waiting, signals, exit codes. */
#include "spec/base/proc.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "tests/unit/test.h"

/* A child that waits to be killed; its name holds what would confuse a reader of stat. */
static pid_t start_child(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)prctl(PR_SET_NAME, ") Z 1 (x");
		for (;;)
			(void)pause();
	}
	return pid;
}

static void test_stat(void)
{
	struct proc_stat st = { 0 };
	pid_t pid = start_child();
	int status;

	CHECK_EQ(proc_stat_read(pid, &st), 0);
	CHECK_EQ(st.ppid, getpid());
	CHECK(st.start_ticks > 0 && (st.state == 'S' || st.state == 'R'));
	CHECK(proc_is_alive(pid, st.start_ticks));
	CHECK(!proc_is_alive(pid, st.start_ticks + 1)); /* another process with that number */
	CHECK(!proc_is_alive(0, 0) && !proc_is_alive(-1, 0));
	CHECK_EQ(kill(pid, SIGKILL), 0);
	while (proc_stat_read(pid, &st) == 0 && st.state != 'Z')
		(void)usleep(1000);
	CHECK(!proc_is_alive(pid, st.start_ticks)); /* a zombie is not alive */
	CHECK_EQ(proc_reap(pid, &status), 0);
	CHECK_EQ(proc_exit_code(status), 128 + SIGKILL);
	CHECK_EQ(proc_stat_read(pid, &st), -ESRCH);
	CHECK_EQ(proc_reap(pid, &status), -ECHILD);
}

static void test_pidfd(void)
{
	struct proc_stat st = { 0 };
	pid_t pid = start_child();
	auto_close int fd = -1;
	int status;

	CHECK_EQ(proc_stat_read(pid, &st), 0);
	CHECK_EQ(proc_pidfd(pid, st.start_ticks + 1), -ESRCH);
	CHECK_EQ(proc_pidfd(0, 0), -ESRCH);
	fd = proc_pidfd(pid, st.start_ticks);
	CHECK(fd >= 0);
	CHECK_EQ(proc_wait_exit(fd, 0), -ETIMEDOUT);
	CHECK_EQ(proc_wait_exit(fd, 20), -ETIMEDOUT);
	CHECK_EQ(proc_signal(fd, SIGTERM), 0);
	CHECK_EQ(proc_wait_exit(fd, 5000), 0);
	CHECK_EQ(proc_reap(pid, &status), 0);
	CHECK_EQ(proc_exit_code(status), 128 + SIGTERM);
	CHECK_EQ(proc_signal(fd, SIGTERM), -ESRCH);
	CHECK_EQ(proc_pidfd(pid, st.start_ticks), -ESRCH);
}

static void test_exit_code(void)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(42);
	CHECK_EQ(proc_reap(pid, &status), 0);
	CHECK_EQ(proc_exit_code(status), 42);
}

static void test_clock(void)
{
	int64_t before = proc_now_ms();

	(void)usleep(3000);
	CHECK(proc_now_ms() >= before + 3);
}

TEST_MAIN(TEST(test_stat), TEST(test_pidfd), TEST(test_exit_code), TEST(test_clock))
