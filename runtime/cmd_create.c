// SPDX-License-Identifier: GPL-2.0-or-later
/* `create`: all but the start of the program. */
#include "runtime/commands.h"
#include "runtime/create.h"

static int create_precheck(struct invocation *inv, struct err *err)
{
	const struct create_options *o = inv->options;

	return create_check_fds(o->preserve_fds, err);
}

static int create_run(struct invocation *inv, struct err *err)
{
	auto_creation struct creation cr;
	int rc;

	creation_init(&cr, inv->app, inv->options);
	rc = create_load_bundle(&cr, err);
	return rc < 0 ? rc : create_container(&cr, inv->args[0], err);
}

const struct command cmd_create = {
	.name = "create",
	.summary = "make a container whose program waits for 'start'",
	.usage = "[options] ID",
	.examples = "  bivalve create --bundle /srv/web web\n"
		    "  bivalve create --pid-file web.pid --console-socket tty.sock web\n",
	.groups = { { create_option_rows, CREATE_OPTION_COUNT } },
	.options_size = sizeof(struct create_options),
	.min_args = 1,
	.max_args = 1,
	.precheck = create_precheck,
	.run = create_run,
};
