/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The terminal of a process: a pseudo-terminal of the container's own devpts. The child opens it by
 * descriptor below its root, keeps the slave as stdio and gives the master to the runtime; no name
 * in the container is trusted to be what it seems (CVE-2025-52565).
 */
#ifndef BIVALVE_NAMESPACES_CONSOLE_H
#define BIVALVE_NAMESPACES_CONSOLE_H

#include "spec/base/err.h"
#include "spec/config.h"

struct console {
	int master_fd, slave_fd; /* owned; -1: the process has no terminal */
};

#define CONSOLE_INIT                                                                               \
	{                                                                                          \
		-1, -1                                                                             \
	}

/*
 * console_open - opens a new pair below @root_fd, of the process's size and owner; nothing when it
 * wants no terminal. Errors name /process/terminal. Source: pts(4), TIOCGPTPEER.
 */
MUST_CHECK int console_open(int root_fd, const struct config_process *p, struct console *out,
			    struct err *err);

/* console_bind - makes the slave /dev/console below @root_fd, by a bind mount. */
MUST_CHECK int console_bind(int root_fd, const struct console *c, struct err *err);

/*
 * console_attach - the slave becomes the caller's controlling terminal and descriptors 0, 1, 2. The
 * caller is a session leader. Both descriptors of @c are closed.
 */
MUST_CHECK int console_attach(struct console *c, struct err *err);

void console_fini(struct console *c);
#define auto_console auto_cleanup(console_fini)

#endif
