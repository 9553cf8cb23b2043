// SPDX-License-Identifier: GPL-2.0-or-later
/* `exec`: one more process in a running container. */
#include <limits.h>
#include <sys/stat.h>

#include "namespaces/final.h"
#include "runtime/backend.h"
#include "runtime/commands.h"
#include "runtime/console_relay.h"
#include "runtime/exec_process.h"
#include "runtime/handover.h"
#include "runtime/network_view.h"
#include "runtime/relay.h"
#include "spec/base/log.h"

enum { EXEC_FAILURE_CODE = 255 }; /* as runc's: callers tell it from the program's own codes */

struct exec_options {
	struct exec_process_options process; /* what runs */
	const char *console_socket;
	const char *pid_file;
	const char *pidfd_socket;
	struct strv cgroups;
	unsigned int preserve_fds;
	bool detach;
	bool ignore_paused;
};

#define ROW(kind, member) CLI_##kind, offsetof(struct exec_options, member)

static const struct cli_option exec_rows[] = {
	{ "detach", 'd', NULL, "return when the program runs", ROW(FLAG, detach) },
	{ "tty", 't', NULL, "with a terminal", ROW(FLAG, process.tty) },
	{ "env", 'e', "NAME=VALUE", "add a variable to the container's", ROW(LIST, process.env) },
	{ "cwd", 0, "DIR", "working directory", ROW(TEXT, process.cwd) },
	{ "user", 'u', "UID[:GID]", "numbers", ROW(TEXT, process.user) },
	{ "additional-gids", 'g', "GID", "one more group", ROW(LIST, process.additional_gids) },
	{ "cap", 'c', "CAP", "add a capability", ROW(LIST, process.caps) },
	{ "no-new-privs", 0, NULL, "no privileges by execve", ROW(FLAG, process.no_new_privs) },
	{ "process", 'p', "FILE", "a Process object as JSON instead of a command line",
	  ROW(TEXT, process.file) },
	{ "process-label", 0, "LABEL", "SELinux label", ROW(TEXT, process.selinux_label) },
	{ "apparmor", 0, "PROFILE", "AppArmor profile", ROW(TEXT, process.apparmor) },
	{ "cgroup", 0, "[CTRL:]PATH", "group below the container's to run in", ROW(LIST, cgroups) },
	{ "ignore-paused", 0, NULL, "also in a paused container", ROW(FLAG, ignore_paused) },
	{ "pid-file", 0, "FILE", "gets the process id", ROW(TEXT, pid_file) },
	{ "console-socket", 0, "SOCKET", "Unix socket that gets the terminal's master",
	  ROW(TEXT, console_socket) },
	{ "pidfd-socket", 0, "SOCKET", "Unix socket that gets a pidfd", ROW(TEXT, pidfd_socket) },
	{ "preserve-fds", 0, "N", "pass on N descriptors from 3 on, beside LISTEN_FDS",
	  ROW(COUNT, preserve_fds) },
	{ "no-subreaper", 0, NULL, NULL, CLI_NOOP, 0 },
};

static int exec_precheck(struct invocation *inv, struct err *err)
{
	const struct exec_options *o = inv->options;

	if (o->process.file && inv->n_args > 1)
		return err_set(err, -EINVAL, "--process and a command line exclude each other");
	if (!o->process.file && inv->n_args < 2)
		return err_set(err, -EINVAL, "exec: no program (usage: bivalve exec %s)",
			       inv->command->usage);
	return create_check_fds(o->preserve_fds, err);
}

static int check_terminal(const struct exec_options *o, const struct config_process *p,
			  struct err *err)
{
	if (p->terminal && o->detach && !o->console_socket)
		return err_set(err, -EINVAL,
			       "a detached process with a terminal needs --console-socket");
	if (o->console_socket && (!p->terminal || !o->detach))
		return err_set(err, -EINVAL,
			       "--console-socket is for a detached process with a terminal");
	return 0;
}

/* Its process lives, and may be joined now. */
static int check_status(struct container *c, bool ignore_paused, struct err *err)
{
	int rc;

	if (!container_find_init(c) || c->init.is_new)
		return err_set(err, -ESRCH, "cannot exec in container '%s': container not running",
			       c->state.id);
	rc = c->backend->is_paused(c, err);
	if (rc > 0 && !ignore_paused)
		return err_set(err, -EBUSY,
			       "cannot exec in container '%s': container is paused "
			       "(--ignore-paused starts it when resumed)",
			       c->state.id);
	return rc < 0 ? rc : 0;
}

static int hand_over(const struct exec_options *o, const struct exec_request *r, struct err *err)
{
	int rc = 0;

	if (o->pid_file)
		rc = handover_pid_file(o->pid_file, r->child.pid, err);
	if (rc == 0 && o->pidfd_socket)
		rc = handover_fd(o->pidfd_socket, "--pidfd-socket", "setns", r->child.pid_fd, err);
	return rc;
}

static int wait_for_end(const struct exec_request *r, struct err *err)
{
	const struct relay relay = { .pid = r->child.pid,
				     .pid_fd = r->child.pid_fd,
				     .console_fd = r->console_fd,
				     .notify_fd = -1 };
	int code = 0;
	int rc = relay_wait(&relay, &code, err);

	return rc < 0 ? rc : code;
}

static int exec_in(struct container *c, struct invocation *inv, struct exec_request *r,
		   struct err *err)
{
	const struct exec_options *o = inv->options;
	int rc =
	    final_self_protect(inv->app->argv, final_needs_sealed(&c->config, r->process), err);

	if (rc < 0)
		return rc;
	r->is_sealed = rc > 0;
	rc = check_terminal(o, r->process, err);
	if (rc == 0)
		rc = check_status(c, o->ignore_paused, err);
	if (rc == 0 && !o->detach)
		rc = relay_begin(err);
	if (rc == 0)
		rc = c->backend->exec(c, r, err);
	if (rc < 0) {
		if (r->child.is_program_bad)
			inv->failure_code = program_exit_code(rc);
		return rc;
	}
	rc = hand_over(o, r, err);
	if (rc < 0)
		ns_kill(&r->child);
	return rc < 0 || o->detach ? rc : wait_for_end(r, err);
}

/* Its output is the program's alone, and its environment the config's: the addresses are logged. */
static void log_addresses(const struct container *c)
{
	struct net_ends networks;
	auto_buf struct buf text = BUF_INIT;

	if (c->state.networks.n == 0 || !log_enabled(LOG_LEVEL_DEBUG))
		return;
	network_view_load(c, &networks);
	network_view_text(&networks, &text);
	log_debug("%s: addresses %s", c->state.id, buf_str(&text));
}

static int exec_run(struct invocation *inv, struct err *err)
{
	const struct exec_options *o = inv->options;
	const struct strv args = { inv->args + 1, inv->n_args - 1 };
	auto_process_doc struct process_doc doc = { .arena = ARENA_INIT };
	auto_container struct container c = CONTAINER_INIT;
	struct exec_request r = { .console_socket = o->console_socket,
				  .cgroups = o->cgroups,
				  .preserve_fds = o->preserve_fds,
				  .child = NS_CHILD_INIT,
				  .console_fd = -1 };
	int rc = container_open(inv->app, inv->args[0], 0, &c, err);

	if (rc == 0)
		rc = container_load_config(&c, err);
	if (rc == 0)
		rc = exec_process_make(&o->process, &c.config, &args, &doc, err);
	if (rc < 0)
		return rc;
	log_addresses(&c);
	if (!o->detach)
		console_relay_size(&doc.process);
	r.process = &doc.process;
	rc = exec_in(&c, inv, &r, err);
	ns_child_fini(&r.child);
	cleanup_close(&r.console_fd);
	return rc;
}

const struct command cmd_exec = {
	.name = "exec",
	.summary = "run one more program in a running container",
	.usage = "[options] ID PROGRAM [ARG...]  |  exec [options] --process FILE ID",
	.examples = "  bivalve exec web ps aux\n"
		    "  bivalve exec -t --user 1000 web sh\n"
		    "  bivalve exec --detach --pid-file job.pid web /bin/job\n",
	.groups = { CLI_GROUP(exec_rows) },
	.options_size = sizeof(struct exec_options),
	.min_args = 1,
	.max_args = (size_t)-1,
	.has_program = true,
	.failure_code = EXEC_FAILURE_CODE,
	.precheck = exec_precheck,
	.run = exec_run,
};
