/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a command leaves with its caller: the pid file, and descriptors over Unix sockets. */
#ifndef BIVALVE_RUNTIME_HANDOVER_H
#define BIVALVE_RUNTIME_HANDOVER_H

#include <sys/types.h>

#include "spec/base/err.h"

/* handover_pid_file - @path holds the decimal @pid, without a newline; whole or not at all. */
MUST_CHECK int handover_pid_file(const char *path, pid_t pid, struct err *err);

/*
 * handover_fd - connects to the Unix stream socket @path and sends @fd (borrowed) with @payload.
 * @option: names the option in errors ("--console-socket")
 */
MUST_CHECK int handover_fd(const char *path, const char *option, const char *payload, int fd,
			   struct err *err);

#endif
