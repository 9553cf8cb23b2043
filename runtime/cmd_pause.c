// SPDX-License-Identifier: GPL-2.0-or-later
/* `pause` and `resume`. */
#include "runtime/commands.h"
#include "runtime/container.h"

static int pause_run(struct invocation *inv, struct err *err)
{
	auto_container struct container c = CONTAINER_INIT;
	int rc = container_open(inv->app, inv->args[0], CONTAINER_LOCK, &c, err);

	return rc < 0 ? rc : container_pause(&c, err);
}

static int resume_run(struct invocation *inv, struct err *err)
{
	auto_container struct container c = CONTAINER_INIT;
	int rc = container_open(inv->app, inv->args[0], CONTAINER_LOCK, &c, err);

	return rc < 0 ? rc : container_resume(&c, err);
}

const struct command cmd_pause = {
	.name = "pause",
	.summary = "stop all processes of a container where they are",
	.usage = "ID",
	.examples = "  bivalve pause web\n",
	.min_args = 1,
	.max_args = 1,
	.run = pause_run,
};

const struct command cmd_resume = {
	.name = "resume",
	.summary = "let a paused container go on",
	.usage = "ID",
	.examples = "  bivalve resume web\n",
	.min_args = 1,
	.max_args = 1,
	.run = resume_run,
};
