// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * `checkpoint` and `restore`: not built. They are commands all the same, since callers look for
 * options in their help: it must not promise any.
 */
#include "runtime/commands.h"

enum { ANY_NUMBER_OF_ARGS = 1000 };

static int not_supported(struct invocation *inv, struct err *err)
{
	return err_set(err, -ENOTSUP, "%s: not supported yet", inv->command->name);
}

const struct command cmd_checkpoint = {
	.name = "checkpoint",
	.summary = "save a running container (not supported yet)",
	.usage = "ID",
	.max_args = ANY_NUMBER_OF_ARGS,
	.is_catch_all = true,
	.run = not_supported,
};

const struct command cmd_restore = {
	.name = "restore",
	.summary = "go on with a saved container (not supported yet)",
	.usage = "ID",
	.max_args = ANY_NUMBER_OF_ARGS,
	.is_catch_all = true,
	.run = not_supported,
};
