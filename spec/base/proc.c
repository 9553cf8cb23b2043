// SPDX-License-Identifier: GPL-2.0-or-later
/* Processes seen from outside. */
#include "spec/base/proc.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "spec/base/fd.h"
#include "spec/base/num.h"

int proc_stat_read(pid_t pid, struct proc_stat *out)
{
	auto_buf struct buf b = BUF_INIT;
	char path[32];
	char *save = NULL;
	char *p;
	int rc;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	rc = file_read_at(AT_FDCWD, path, 4096, &b);
	if (rc < 0)
		return rc == -ENOENT ? -ESRCH : rc;
	/* The second field is the command in parentheses and may itself hold any character. */
	p = b.data ? strrchr(b.data, ')') : NULL;
	if (!p || p[1] != ' ')
		return -EPROTO;
	p = strtok_r(p + 1, " ", &save);
	for (int field = 3; p; field++, p = strtok_r(NULL, " ", &save)) {
		uint64_t v;

		if (field == 3) {
			out->state = *p;
		} else if (field == 4) {
			if (num_u64(p, 0, INT_MAX, &v) < 0)
				return -EPROTO;
			out->ppid = (pid_t)v;
		} else if (field == 22) {
			return num_u64(p, 0, UINT64_MAX, &out->start_ticks) < 0 ? -EPROTO : 0;
		}
	}
	return -EPROTO;
}

bool proc_is_alive(pid_t pid, uint64_t start_ticks)
{
	struct proc_stat st;

	return pid > 0 && proc_stat_read(pid, &st) == 0 && st.start_ticks == start_ticks &&
	       st.state != 'Z' && st.state != 'X';
}

int proc_pidfd(pid_t pid, uint64_t start_ticks)
{
	auto_close int fd = -1;
	struct proc_stat st;
	int rc;

	if (pid <= 0)
		return -ESRCH;
	fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (fd < 0)
		return -errno;
	/* Read after the pidfd is held: if the start time fits now, the pidfd is of that process.
	 */
	rc = proc_stat_read(pid, &st);
	if (rc < 0)
		return rc;
	if (st.start_ticks != start_ticks)
		return -ESRCH;
	return take_fd(&fd);
}

int proc_signal(int pidfd, int sig)
{
	return syscall(SYS_pidfd_send_signal, pidfd, sig, NULL, 0) < 0 ? -errno : 0;
}

int proc_wait_exit(int pidfd, int timeout_ms)
{
	int64_t deadline = proc_now_ms() + timeout_ms;
	struct pollfd p = { .fd = pidfd, .events = POLLIN };

	for (;;) {
		int64_t left = deadline - proc_now_ms();
		int n = poll(&p, 1, timeout_ms < 0 ? -1 : (int)(left > 0 ? left : 0));

		if (n > 0)
			return 0;
		if (n == 0)
			return -ETIMEDOUT;
		if (errno != EINTR)
			return -errno;
	}
}

int proc_reap(pid_t pid, int *out_status)
{
	while (waitpid(pid, out_status, 0) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	return 0;
}

int proc_exit_code(int wait_status)
{
	return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

int64_t proc_now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}
