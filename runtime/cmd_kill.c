// SPDX-License-Identifier: GPL-2.0-or-later
/* `kill`: a signal to a container's first process, or to all of them. */
#include <signal.h>

#include "runtime/commands.h"
#include "runtime/container.h"
#include "runtime/select.h"
#include "spec/tables.h"

struct kill_options {
	bool all;
	bool regex;
	int sig;
};

static const struct cli_option kill_rows[] = {
	{ "all", 'a', NULL, "send it to every process of the container", CLI_FLAG,
	  offsetof(struct kill_options, all) },
	{ "regex", 'r', NULL, "ID is a regular expression", CLI_FLAG,
	  offsetof(struct kill_options, regex) },
};

static int kill_one(const struct app *app, const char *id, void *data, struct err *err)
{
	const struct kill_options *o = data;
	auto_container struct container c = CONTAINER_INIT;
	int rc = container_open(app, id, 0, &c, err);

	return rc < 0 ? rc : container_kill(&c, o->sig, o->all, err);
}

static int kill_run(struct invocation *inv, struct err *err)
{
	struct kill_options *o = inv->options;

	o->sig = SIGTERM;
	if (inv->n_args > 1 && signal_from_name(inv->args[1], &o->sig) < 0)
		return err_set(err, -EINVAL, "unknown signal '%s'", inv->args[1]);
	if (o->regex)
		return select_each(inv->app, inv->args[0], kill_one, o, err);
	return kill_one(inv->app, inv->args[0], o, err);
}

const struct command cmd_kill = {
	.name = "kill",
	.summary = "send a signal (default: TERM) to a container",
	.usage = "[options] ID [SIGNAL]",
	.examples = "  bivalve kill web            # SIGTERM\n"
		    "  bivalve kill web HUP        # also SIGHUP, 1\n"
		    "  bivalve kill --all web KILL\n",
	.groups = { CLI_GROUP(kill_rows) },
	.options_size = sizeof(struct kill_options),
	.min_args = 1,
	.max_args = 2,
	.run = kill_run,
};
