// SPDX-License-Identifier: GPL-2.0-or-later
/* `network`: the program bivalve-net takes this one's place. */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "netns/helper.h"
#include "runtime/commands.h"
#include "runtime/network.h"
#include "runtime/state.h"
#include "spec/base/fd.h"

enum { GLOBAL_WORDS = 6 }; /* program, descriptor, log, format, level, "network" */

static char *option(struct arena *a, const char *name, const char *value)
{
	return arena_printf(a, "--%s=%s", name, value);
}

static int network_run(struct invocation *inv, struct err *err)
{
	const struct app *app = inv->app;
	auto_close int root_fd = -1;
	char program[PATH_MAX];
	char fds[16];
	char **v;
	size_t n = 0;
	int rc;

	if (app->is_rootless)
		return err_set(err, -EPERM, "networks need root's rights over the host");
	rc = network_program(app, program, err);
	if (rc < 0)
		return rc;
	root_fd = state_root_open(app, true, err);
	if (root_fd < 0)
		return root_fd;
	(void)snprintf(fds, sizeof(fds), "%d", root_fd);
	v = arena_alloc(&inv->arena, inv->n_args + GLOBAL_WORDS + 1, sizeof(*v));
	if (!v)
		return err_set(err, -ENOMEM, "out of memory");
	v[n++] = arena_strdup(&inv->arena, HELPER_PROGRAM);
	v[n++] = option(&inv->arena, "fds", fds);
	if (app->log)
		v[n++] = option(&inv->arena, "log", app->log);
	if (app->log_format)
		v[n++] = option(&inv->arena, "log-format", app->log_format);
	if (app->log_level)
		v[n++] = option(&inv->arena, "log-level", app->log_level);
	v[n++] = arena_strdup(&inv->arena, "network");
	for (size_t i = 0; i < n; i++) {
		if (!v[i])
			return err_set(err, -ENOMEM, "out of memory");
	}
	memcpy(v + n, inv->args, inv->n_args * sizeof(*v));
	rc = fd_set_cloexec(root_fd, 0);
	if (rc < 0)
		return err_code(err, rc, "pass the state root on");
	(void)execv(program, v);
	return err_sys(err, "execute '%s'", program);
}

const struct command cmd_network = {
	.name = "network",
	.summary = "create, list, inspect and remove networks",
	.usage = "create [options] NAME | list [--format json] | inspect NAME | remove NAME",
	.examples = "  bivalve network create web                    # nat, subnets of its own\n"
		    "  bivalve network create db --mode isolated --subnet 10.5.0.0/24\n"
		    "  bivalve network create lan --mode bridge --bridge-name br0\n"
		    "  bivalve network create --help                 # its options\n"
		    "  bivalve run --rootfs /srv/root --network web -p 8080:80 www\n",
	.min_args = 1,
	.max_args = (size_t)-1,
	.has_program = true,
	.run = network_run,
};
