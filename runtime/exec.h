/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One more process in a running container, as the backends take it. */
#ifndef BIVALVE_RUNTIME_EXEC_H
#define BIVALVE_RUNTIME_EXEC_H

#include "namespaces/launch.h"
#include "spec/base/str.h"
#include "spec/config.h"

struct exec_request {
	const struct config_process *process; /* borrowed */
	const char *console_socket;           /* NULL: a terminal's master is given */
	struct strv cgroups;                  /* --cgroup: "SUB" or "CTRL:SUB" */
	unsigned int preserve_fds;
	bool is_sealed; /* final_self_protect() */

	/* Given on success: the program runs. */
	struct ns_child child; /* ns_child_fini() */
	int console_fd;        /* owned; -1: no terminal, or sent */
};

#endif
