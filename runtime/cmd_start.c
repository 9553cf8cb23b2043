// SPDX-License-Identifier: GPL-2.0-or-later
/* `start`: lets the program of a created container run. */
#include "runtime/commands.h"
#include "runtime/container.h"

static int start_run(struct invocation *inv, struct err *err)
{
	auto_container struct container c = CONTAINER_INIT;
	int rc = container_open(inv->app, inv->args[0], CONTAINER_LOCK, &c, err);

	return rc < 0 ? rc : container_start(&c, err);
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
