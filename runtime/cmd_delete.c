// SPDX-License-Identifier: GPL-2.0-or-later
/* `delete`: removes what create made. */
#include "runtime/commands.h"
#include "runtime/container.h"
#include "runtime/select.h"

struct delete_options {
	bool force;
	bool regex;
};

static const struct cli_option delete_rows[] = {
	{ "force", 'f', NULL, "also while it runs (SIGKILL), and after a crash of any command",
	  CLI_FLAG, offsetof(struct delete_options, force) },
	{ "regex", 'r', NULL, "ID is a regular expression", CLI_FLAG,
	  offsetof(struct delete_options, regex) },
};

static int delete_one(const struct app *app, const char *id, void *data, struct err *err)
{
	const struct delete_options *o = data;
	auto_container struct container c = CONTAINER_INIT;
	int rc = container_open(app, id, CONTAINER_LOCK | CONTAINER_EVEN_BROKEN, &c, err);

	/* Callers say --force once more to be sure. */
	if (rc == -ENOENT && o->force)
		return 0;
	return rc < 0 ? rc : container_delete(&c, o->force, err);
}

static int delete_run(struct invocation *inv, struct err *err)
{
	struct delete_options *o = inv->options;

	if (o->regex)
		return select_each(inv->app, inv->args[0], delete_one, o, err);
	return delete_one(inv->app, inv->args[0], o, err);
}

const struct command cmd_delete = {
	.name = "delete",
	.summary = "remove a stopped or created container",
	.usage = "[options] ID",
	.examples = "  bivalve delete web\n"
		    "  bivalve delete --force web       # a missing one is no error then\n"
		    "  bivalve delete --force --regex '^test-'\n",
	.groups = { CLI_GROUP(delete_rows) },
	.options_size = sizeof(struct delete_options),
	.min_args = 1,
	.max_args = 1,
	.run = delete_run,
};
