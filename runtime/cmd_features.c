// SPDX-License-Identifier: GPL-2.0-or-later
/* `features`: what this build can do. */
#include "runtime/commands.h"
#include "runtime/version.h"
#include "spec/features.h"

static int features_run(struct invocation *inv, struct err *err)
{
	auto_buf struct buf text = BUF_INIT;
	int rc = features_write(version_number(), version_commit(), &text, err);

	(void)inv;
	return rc < 0 ? rc : cli_print(&text, err);
}

const struct command cmd_features = {
	.name = "features",
	.summary = "show what this build can do, as JSON",
	.usage = "",
	.examples = "  bivalve features | jq .linux.namespaces\n",
	.run = features_run,
};
