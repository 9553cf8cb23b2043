// SPDX-License-Identifier: GPL-2.0-or-later
/* `run`: create and start in one go, wait, delete. */
#include "runtime/commands.h"
#include "runtime/console_relay.h"
#include "runtime/create.h"
#include "runtime/notify.h"
#include "runtime/quick.h"
#include "runtime/relay.h"
#include "spec/base/log.h"
#include "spec/write.h"

struct run_options {
	struct create_options create; /* first: the shared rows' offsets are its */
	struct quick_options quick;
	bool detach;
	bool keep;
	bool rm;
};

#define ROW(kind, member)   CLI_##kind, offsetof(struct run_options, member)
#define QUICK(kind, member) CLI_##kind, offsetof(struct run_options, quick.member)

static const struct cli_option run_rows[] = {
	{ "detach", 'd', NULL, "return when the program runs", ROW(FLAG, detach) },
	{ "keep", 0, NULL, "do not delete the container at its end", ROW(FLAG, keep) },
	{ "rm", 0, NULL, "delete it at its end (what a foreground run does)", ROW(FLAG, rm) },
};

static const struct cli_option quick_rows[] = {
	{ "rootfs", 0, "DIR", "no bundle: DIR is the root, the defaults are those of 'spec'",
	  QUICK(TEXT, rootfs) },
	{ "env", 'e', "NAME=VALUE", "with --rootfs: add a variable; NAME alone: the caller's",
	  QUICK(LIST, env) },
	{ "cwd", 0, "DIR", "with --rootfs: working directory", QUICK(TEXT, cwd) },
	{ "user", 'u', "UID[:GID]", "with --rootfs: numbers, or names of the rootfs",
	  QUICK(TEXT, user) },
	{ "volume", 'v', "SRC:DST[:ro]", "with --rootfs: bind a folder or file",
	  QUICK(LIST, volumes) },
	{ "memory", 'm', "SIZE", "with --rootfs: memory limit, such as 256m", QUICK(TEXT, memory) },
	{ "cpus", 0, "N", "with --rootfs: CPU limit, such as 1.5", QUICK(TEXT, cpus) },
	{ "pids-limit", 0, "N", "with --rootfs: number of processes", QUICK(TEXT, pids_limit) },
	{ "hostname", 0, "NAME", "with --rootfs: host name (default: ID)", QUICK(TEXT, hostname) },
	{ "read-only", 0, NULL, "with --rootfs: the root cannot be written to",
	  QUICK(FLAG, read_only) },
	{ "tty", 't', NULL, "with --rootfs: with a terminal", QUICK(FLAG, tty) },
};

static int run_precheck(struct invocation *inv, struct err *err)
{
	const struct run_options *o = inv->options;
	const char *quick_only = o->quick.rootfs ? NULL : quick_any(&o->quick);

	if (o->rm && o->keep)
		return err_set(err, -EINVAL, "--rm and --keep exclude each other");
	if (o->rm && o->detach)
		return err_set(err, -EINVAL,
			       "--rm needs a foreground run: nobody is left to delete the "
			       "container of a detached one");
	if (o->quick.rootfs && (o->create.bundle || o->create.config_file))
		return err_set(err, -EINVAL, "--rootfs and a bundle exclude each other");
	if (quick_only)
		return err_set(err, -EINVAL,
			       "option '%s' needs --rootfs (a bundle says it in its config.json)",
			       quick_only);
	if (!o->quick.rootfs && inv->n_args > 1)
		return err_set(err, -EINVAL,
			       "run: unexpected argument '%s' (a program is given with --rootfs "
			       "only)",
			       inv->args[1]);
	return create_check_fds(o->create.preserve_fds, err);
}

static int load_quick(struct creation *cr, const struct invocation *inv, struct err *err)
{
	const struct run_options *o = inv->options;
	const struct strv args = { inv->args + 1, inv->n_args - 1 };
	int rc = state_check_id(inv->args[0], err);

	if (rc == 0)
		rc = quick_config(inv->app, &o->quick, inv->args[0], &args, &cr->c.config, err);
	if (rc < 0)
		return rc;
	cr->c.has_config = true;
	return config_write_json(&cr->c.config, JSON_COMPACT, &cr->config_text, err);
}

/* Waits for the end and deletes; what goes wrong then does not change the exit code. */
static int wait_and_delete(struct creation *cr, const struct run_options *o, struct err *err)
{
	const struct relay relay = { .pid = cr->child.pid,
				     .pid_fd = cr->child.pid_fd,
				     .console_fd = cr->console_fd,
				     .notify_fd = cr->notify_fd };
	struct err end_err = ERR_INIT;
	int code = 0;
	int rc;

	container_unlock(&cr->c);
	rc = relay_wait(&relay, &code, err);
	if (rc < 0)
		return rc;
	if (o->keep)
		return code;
	/* Another command may have deleted it meanwhile. */
	rc = container_relock(&cr->c, &end_err);
	if (rc == 0)
		rc = container_destroy(&cr->c, true, &end_err);
	if (rc < 0 && rc != -ENOENT)
		log_warn("%s: %s, ignoring", cr->c.state.id, end_err.msg);
	return code;
}

static int run_run(struct invocation *inv, struct err *err)
{
	const struct run_options *o = inv->options;
	auto_creation struct creation cr;
	int rc = 0;

	creation_init(&cr, inv->app, &o->create);
	cr.is_run = true;
	cr.is_foreground = !o->detach;
	rc = o->quick.rootfs ? load_quick(&cr, inv, err) : create_load_bundle(&cr, err);
	if (rc == 0 && cr.is_foreground)
		rc = relay_begin(err);
	if (rc == 0 && cr.is_foreground && !ns_is_new(&cr.c.config, NS_PID))
		rc = relay_adopt_orphans(err);
	if (rc == 0 && cr.is_foreground && cr.c.config.process)
		console_relay_size(cr.c.config.process);
	if (rc == 0)
		rc = create_container(&cr, inv->args[0], err);
	if (rc < 0 && cr.child.is_program_bad)
		inv->failure_code = program_exit_code(rc);
	if (rc == 0)
		rc = container_run_poststart(&cr.c, err);
	if (rc < 0)
		return rc;
	if (o->detach) {
		container_unlock(&cr.c);
		if (cr.notify_fd >= 0)
			notify_wait(cr.notify_fd, cr.child.pid_fd, cr.child.pid);
		return 0;
	}
	return wait_and_delete(&cr, o, err);
}

const struct command cmd_run = {
	.name = "run",
	.summary = "make a container, run its program, wait for it, delete the container",
	.usage = "[options] ID  |  run --rootfs DIR [options] ID [--] [PROGRAM ARG...]",
	.examples = "  bivalve run --bundle /srv/web web\n"
		    "  bivalve run --detach --pid-file web.pid web\n"
		    "  bivalve run --rootfs /srv/root --memory 256m --cpus 1.5 job -- /bin/job -x\n"
		    "  bivalve run --rootfs /srv/root -t --volume $PWD:/work:ro --cwd /work sh\n",
	.groups = { { create_option_rows, CREATE_OPTION_COUNT },
		    CLI_GROUP(run_rows),
		    CLI_GROUP(quick_rows) },
	.options_size = sizeof(struct run_options),
	.min_args = 1,
	.max_args = (size_t)-1,
	.has_program = true,
	.precheck = run_precheck,
	.run = run_run,
};
