// SPDX-License-Identifier: GPL-2.0-or-later
/* `list`: every container of the state root. */
#include <stdio.h>

#include "runtime/commands.h"
#include "runtime/container.h"
#include "runtime/network_view.h"
#include "runtime/owner.h"
#include "runtime/select.h"
#include "spec/base/log.h"

struct list_options {
	const char *format;
	bool quiet;
};

static const struct cli_option list_rows[] = {
	{ "format", 'f', "FORMAT", "'table' or 'json'", CLI_TEXT,
	  offsetof(struct list_options, format) },
	{ "quiet", 'q', NULL, "names only", CLI_FLAG, offsetof(struct list_options, quiet) },
};

/* One container as it is now; strings are owned by its container. */
struct listed {
	struct container c;
	struct net_ends networks;
	struct state_view view;
	char owner[OWNER_MAX];
};

static int look_at(const struct app *app, const char *id, struct listed *out, struct err *err)
{
	int rc = container_open(app, id, 0, &out->c, err);

	if (rc < 0)
		return rc;
	rc = container_status(&out->c, &out->view.status, err);
	if (rc < 0) {
		container_fini(&out->c);
		return rc;
	}
	out->view.pid = out->view.status == CTR_STOPPED ? 0 : out->c.init.pid;
	out->view.owner = owner_of(out->c.dir_fd, out->owner);
	network_view_load(&out->c, &out->networks);
	out->view.networks = &out->networks;
	return 0;
}

/* A container that cannot be shown hides no other one. */
static int skip(const char *id, int rc, const struct err *err)
{
	if (rc != -ENOENT)
		log_warn("%s: %s, skipping", id, err->msg);
	return 0;
}

static int list_json(const struct app *app, const char *id, void *data, struct err *err)
{
	struct listed l = { .c = CONTAINER_INIT };
	struct err own_err = ERR_INIT;
	int rc = look_at(app, id, &l, &own_err);

	(void)err;
	if (rc < 0)
		return skip(id, rc, &own_err);
	state_write_object(data, &l.c.state, &l.view);
	container_fini(&l.c);
	return 0;
}

enum { ID_WIDTH = 20, BUNDLE_WIDTH = 30 };

static int list_row(const struct app *app, const char *id, void *data, struct err *err)
{
	struct listed l = { .c = CONTAINER_INIT };
	struct err own_err = ERR_INIT;
	int rc = look_at(app, id, &l, &own_err);

	(void)err;
	if (rc < 0)
		return skip(id, rc, &own_err);
	buf_printf(data, "%-*s %-8d %-9s %-*s %s   %-8s ", ID_WIDTH, id, l.view.pid,
		   container_status_name(l.view.status), BUNDLE_WIDTH, l.c.state.bundle,
		   l.c.state.created, l.view.owner);
	network_view_text(&l.networks, data);
	buf_add_char(data, '\n');
	container_fini(&l.c);
	return 0;
}

static int list_name(const struct app *app, const char *id, void *data, struct err *err)
{
	(void)app;
	(void)err;
	buf_printf(data, "%s\n", id);
	return 0;
}

static int list_run(struct invocation *inv, struct err *err)
{
	const struct list_options *o = inv->options;
	auto_buf struct buf text = BUF_INIT;
	struct json_writer w;
	int rc;

	if (o->format && !str_eq(o->format, "table") && !str_eq(o->format, "json"))
		return err_set(err, -EINVAL, "option '--format': '%s' is not 'table' or 'json'",
			       o->format);
	if (o->quiet) {
		rc = select_each(inv->app, NULL, list_name, &text, err);
	} else if (o->format && str_eq(o->format, "json")) {
		json_writer_init(&w, &text, JSON_COMPACT);
		json_write_array(&w, NULL);
		rc = select_each(inv->app, NULL, list_json, &w, err);
		json_write_end(&w);
		if (json_writer_finish(&w) < 0 && rc == 0)
			rc = err_set(err, -ENOMEM, "out of memory");
		buf_add_char(&text, '\n');
	} else {
		buf_printf(&text, "%-*s %-8s %-9s %-*s %-30s   %-8s %s\n", ID_WIDTH, "ID", "PID",
			   "STATUS", BUNDLE_WIDTH, "BUNDLE", "CREATED", "OWNER", "ADDRESSES");
		rc = select_each(inv->app, NULL, list_row, &text, err);
	}
	return rc < 0 ? rc : cli_print(&text, err);
}

const struct command cmd_list = {
	.name = "list",
	.summary = "show all containers",
	.usage = "[options]",
	.examples = "  bivalve list\n"
		    "  bivalve list --format json | jq -r '.[].id'\n"
		    "  bivalve list --quiet\n",
	.groups = { CLI_GROUP(list_rows) },
	.options_size = sizeof(struct list_options),
	.run = list_run,
};
