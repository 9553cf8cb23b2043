/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a foreground run or exec does while the workload runs: signals go on to it, a terminal's
 * bytes and size are carried both ways, and its end is waited for.
 *
 * relay_begin() before the process is made: from there on a signal waits for relay_wait(), so that
 * none can end the runtime half-way and leave things behind.
 */
#ifndef BIVALVE_RUNTIME_RELAY_H
#define BIVALVE_RUNTIME_RELAY_H

#include <stdbool.h>
#include <sys/types.h>

#include "spec/base/err.h"

struct relay {
	pid_t pid;      /* a child of the caller */
	int pid_fd;     /* borrowed */
	int console_fd; /* borrowed: the pty's master; -1: no terminal */
	int notify_fd;  /* borrowed: from notify_bind(); -1: none */
};

/* relay_begin - blocks the signals that will be forwarded. */
MUST_CHECK int relay_begin(struct err *err);

/*
 * relay_wait - until the process ended and the terminal's last bytes are out. The process is
 * reaped. Gives its exit code as a shell reports it.
 */
MUST_CHECK int relay_wait(const struct relay *r, int *out_exit_code, struct err *err);

/*
 * relay_reap_orphans - processes of a container without a pid namespace of its own, whose parent
 * ends, become children of this process instead of the host's init's, until it ends.
 */
MUST_CHECK int relay_adopt_orphans(struct err *err);

#endif
