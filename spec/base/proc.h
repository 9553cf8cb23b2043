/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Processes seen from outside: identity over pid reuse, waiting, signals by pidfd. */
#ifndef BIVALVE_SPEC_BASE_PROC_H
#define BIVALVE_SPEC_BASE_PROC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "spec/base/cleanup.h"

struct proc_stat {
	char state; /* as in proc(5): R, S, D, Z, X, ... */
	pid_t ppid;
	uint64_t
	    start_ticks; /* clock ticks since boot; with the pid it names one process for ever */
};

/* proc_stat_read - reads /proc/@pid/stat. Returns 0; -ESRCH no such process; -errno. */
MUST_CHECK int proc_stat_read(pid_t pid, struct proc_stat *out);

/* proc_is_alive - @pid still is the process that started at @start_ticks, and is no zombie. */
bool proc_is_alive(pid_t pid, uint64_t start_ticks);

/*
 * proc_pidfd - a pidfd of the process that is @pid and started at @start_ticks.
 * Returns it (close-on-exec); -ESRCH when that process is gone (also when the pid is another's
 * now).
 */
MUST_CHECK int proc_pidfd(pid_t pid, uint64_t start_ticks);

/* proc_signal - pidfd_send_signal(2). Returns 0 or -errno. */
MUST_CHECK int proc_signal(int pidfd, int sig);

/* proc_wait_exit - waits until the process of @pidfd ended. @timeout_ms < 0: for ever.
 * Returns 0; -ETIMEDOUT; -errno. Does not reap. */
MUST_CHECK int proc_wait_exit(int pidfd, int timeout_ms);

/* proc_reap - waitpid(2) through EINTR. Returns 0 and the wait status, or -errno. */
MUST_CHECK int proc_reap(pid_t pid, int *out_status);

/* proc_exit_code - what a shell reports for @wait_status: the exit code, or 128 + signal. */
int proc_exit_code(int wait_status);

/* proc_now_ms - CLOCK_MONOTONIC in milliseconds, for deadlines. */
int64_t proc_now_ms(void);

#endif
