// SPDX-License-Identifier: GPL-2.0-or-later
/* `state`: the state of one container as JSON. */
#include "runtime/commands.h"
#include "runtime/container.h"
#include "runtime/network_view.h"
#include "runtime/owner.h"

static int state_run(struct invocation *inv, struct err *err)
{
	auto_container struct container c = CONTAINER_INIT;
	auto_buf struct buf text = BUF_INIT;
	char owner[OWNER_MAX];
	struct net_ends networks;
	struct state_view view = { .status = CTR_STOPPED, .networks = &networks };
	int rc = container_open(inv->app, inv->args[0], 0, &c, err);

	if (rc == 0)
		rc = container_status(&c, &view.status, err);
	if (rc < 0)
		return rc;
	view.pid = view.status == CTR_STOPPED ? 0 : c.init.pid;
	network_view_load(&c, &networks);
	view.owner = owner_of(c.dir_fd, owner);
	rc = state_write_text(&c.state, &view, JSON_PRETTY, &text, err);
	return rc < 0 ? rc : cli_print(&text, err);
}

const struct command cmd_state = {
	.name = "state",
	.summary = "show what a container is doing, as JSON",
	.usage = "ID",
	.examples = "  bivalve state web | jq -r .status\n",
	.min_args = 1,
	.max_args = 1,
	.run = state_run,
};
