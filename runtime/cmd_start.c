// SPDX-License-Identifier: GPL-2.0-or-later
/* `start`: lets the program of a created container run. */
#include "runtime/commands.h"
#include "runtime/container.h"
#include "runtime/notify.h"

static int start_run(struct invocation *inv, struct err *err)
{
	auto_container struct container c = CONTAINER_INIT;
	auto_close int notify_fd = -1;
	int rc = container_open(inv->app, inv->args[0], CONTAINER_LOCK, &c, err);

	if (rc == 0)
		rc = notify_bind(&c, &notify_fd, err);
	if (rc == 0)
		rc = container_start(&c, err);
	if (rc < 0 || notify_fd < 0)
		return rc;
	container_unlock(&c);
	notify_wait(notify_fd, c.init_pid_fd, c.init.pid);
	return 0;
}

const struct command cmd_start = {
	.name = "start",
	.summary = "run the program of a created container",
	.usage = "ID",
	.examples = "  bivalve create web && bivalve start web\n",
	.min_args = 1,
	.max_args = 1,
	.run = start_run,
};
