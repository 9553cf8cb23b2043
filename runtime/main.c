// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The command `bivalve`: global options, the table of commands, the one place that logs errors and
 * turns them into exit codes.
 *
 * Stages, with the caller's rights throughout (the processes that it makes drop theirs by
 * themselves, see namespaces/):
 *   1. the command line is parsed and checked; no descriptor of our own is open yet
 *   2. --log is opened, the command runs
 *   3. exit code: the command's own, or that of its failure
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/commands.h"
#include "runtime/version.h"
#include "spec/base/log.h"

static const struct command *const commands[] = {
	&cmd_run,    &cmd_create, &cmd_start,    &cmd_exec,       &cmd_state,   &cmd_list,
	&cmd_ps,     &cmd_kill,   &cmd_delete,   &cmd_pause,      &cmd_resume,  &cmd_update,
	&cmd_events, &cmd_spec,   &cmd_features, &cmd_checkpoint, &cmd_restore, &cmd_network,
};

struct global_options {
	const char *root;
	const char *log;
	const char *log_format;
	const char *log_level;
	const char *cgroup_manager;
	const char *rootless;
	const char *isolation;
	bool debug;
	bool systemd_cgroup;
	bool version;
};

#define ROW(kind, member) CLI_##kind, offsetof(struct global_options, member)

static const struct cli_option global_rows[] = {
	{ "root", 0, "DIR", "folder of the containers' state", ROW(TEXT, root) },
	{ "log", 0, "FILE", "append errors to FILE, too", ROW(TEXT, log) },
	{ "log-format", 0, "FORMAT", "of FILE: 'text' or 'json'", ROW(TEXT, log_format) },
	{ "log-level", 0, "LEVEL", "'error', 'warning', 'info' or 'debug'", ROW(TEXT, log_level) },
	{ "debug", 0, NULL, "same as --log-level debug", ROW(FLAG, debug) },
	{ "cgroup-manager", 0, "NAME", "'cgroupfs' or 'disabled'", ROW(TEXT, cgroup_manager) },
	{ "systemd-cgroup", 0, NULL, "not built yet", ROW(FLAG, systemd_cgroup) },
	{ "rootless", 0, "TRUTH", "'true', 'false' or 'auto'", ROW(TEXT, rootless) },
	{ "isolation", 0, "SHELL", "'container' or 'vm'", ROW(TEXT, isolation) },
	{ "version", 'v', NULL, "show the version", ROW(FLAG, version) },
};
static const struct cli_group global_groups[CLI_GROUPS_MAX] = { CLI_GROUP(global_rows) };

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		if (str_eq(commands[i]->name, name))
			return commands[i];
	}
	return NULL;
}

static int print_help(struct err *err)
{
	auto_buf struct buf text = BUF_INIT;

	buf_add_str(&text, "usage: bivalve [options] COMMAND [options] [ARG...]\n\n"
			   "Runs OCI containers.\n\ncommands:\n");
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		buf_printf(&text, "  %-12s %s\n", commands[i]->name, commands[i]->summary);
	buf_add_str(&text, "\noptions:\n");
	cli_help_options(global_groups, &text);
	buf_add_str(&text, "\n'bivalve COMMAND --help' shows a command's options and examples.\n");
	return cli_print(&text, err);
}

/* ---- the global options ---------------------------------------------------------------------- */

/*
 * Descriptors 0, 1, 2 must be there: else the next file that is opened would be taken for one of
 * them, and the container would get it.
 */
static int fill_stdio(struct err *err)
{
	struct pollfd p[] = { { 0, 0, 0 }, { 1, 0, 0 }, { 2, 0, 0 } };

	if (poll(p, ARRAY_LEN(p), 0) < 0)
		return err_sys(err, "examine stdin, stdout, stderr");
	for (size_t i = 0; i < ARRAY_LEN(p); i++) {
		if ((p[i].revents & POLLNVAL) && open("/dev/null", O_RDWR) < 0)
			return err_sys(err, "open '/dev/null'");
	}
	return 0;
}

static int setup_log(const struct global_options *g, struct err *err)
{
	/* A caller that reads the file wants the error alone in it (podman: as one object). */
	enum log_level level = g->log ? LOG_LEVEL_ERROR : LOG_LEVEL_WARN;
	enum log_format format = LOG_FORMAT_TEXT;
	const char *path = g->log;
	int fd = -1;

	if (g->log_level && log_level_from_name(g->log_level, &level) < 0)
		return err_set(err, -EINVAL, "option '--log-level': unknown level '%s'",
			       g->log_level);
	if (g->debug)
		level = LOG_LEVEL_DEBUG;
	if (g->log_format && str_eq(g->log_format, "json"))
		format = LOG_FORMAT_JSON;
	else if (g->log_format && !str_eq(g->log_format, "text"))
		return err_set(err, -EINVAL, "option '--log-format': '%s' is not 'text' or 'json'",
			       g->log_format);
	if (path && str_starts(path, "file:"))
		path += strlen("file:");
	else if (path && (str_starts(path, "syslog:") || str_starts(path, "journald:")))
		return err_set(err, -EINVAL, "option '--log': only files are supported, not '%s'",
			       path);
	if (path && *path) {
		fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0644);
		if (fd < 0)
			return err_sys(err, "open log '%s'", path);
	}
	log_setup(level, format, fd);
	return 0;
}

/* The first user namespace's inode number. Source: uapi linux/nsfs.h (6.18), PROC_USER_INIT_INO. */
enum { INITIAL_USER_NS = 0xEFFFFFFD };

/* Root of a user namespace has no rights over the host's cgroups and devices either. */
static bool in_user_namespace(void)
{
	struct stat st;

	return stat("/proc/self/ns/user", &st) == 0 && st.st_ino != (ino_t)INITIAL_USER_NS;
}

static int choose_rootless(const char *option, bool *out, struct err *err)
{
	if (!option || str_eq(option, "auto"))
		*out = geteuid() != 0 || in_user_namespace();
	else if (str_eq(option, "true"))
		*out = true;
	else if (str_eq(option, "false"))
		*out = false;
	else
		return err_set(err, -EINVAL,
			       "option '--rootless': '%s' is not 'true', 'false' or 'auto'",
			       option);
	return 0;
}

static int choose_root(const struct global_options *g, struct invocation *inv, struct app *app,
		       struct err *err)
{
	const char *run = getenv("XDG_RUNTIME_DIR");

	app->root = g->root;
	if (!app->root && !app->is_rootless)
		app->root = "/run/bivalve";
	if (!app->root && run && run[0] == '/') /* podman's monitor sets it to "" */
		app->root = arena_printf(&inv->arena, "%s/bivalve", run);
	else if (!app->root && geteuid() != 0)
		app->root = arena_printf(&inv->arena, "/run/user/%u/bivalve", geteuid());
	else if (!app->root)
		app->root = "/run/bivalve";
	if (!app->root)
		return err_set(err, -ENOMEM, "out of memory");
	if (app->root[0] == '\0' || strspn(app->root, "/") == strlen(app->root))
		return err_set(err, -EINVAL, "option '--root': '%s' cannot be the state root",
			       app->root);
	return 0;
}

static int check_cgroup_manager(const struct global_options *g, struct app *app, struct err *err)
{
	const char *name = g->cgroup_manager ? g->cgroup_manager : "cgroupfs";

	if (g->systemd_cgroup || str_eq(name, "systemd"))
		return err_set(err, -ENOTSUP,
			       "the systemd cgroup driver is not built yet: use the cgroupfs one");
	app->has_cgroups = !str_eq(name, "disabled");
	if (app->has_cgroups && !str_eq(name, "cgroupfs"))
		return err_set(err, -EINVAL,
			       "option '--cgroup-manager': '%s' is not 'cgroupfs', 'systemd' or "
			       "'disabled'",
			       name);
	return 0;
}

static int fill_app(const struct global_options *g, struct invocation *inv, struct app *app,
		    struct err *err)
{
	int rc = choose_rootless(g->rootless, &app->is_rootless, err);

	if (rc == 0)
		rc = choose_root(g, inv, app, err);
	if (rc == 0)
		rc = check_cgroup_manager(g, app, err);
	if (rc == 0 && g->isolation)
		rc =
		    isolation_from_name(g->isolation, "option '--isolation'", &app->isolation, err);
	return rc;
}

/* ---- running a command ----------------------------------------------------------------------- */

/* @words: the command's name and what follows. Returns the exit code or a negative errno. */
static int run_command(const struct global_options *g, const struct app *app, char **words,
		       struct err *err, int *out_failure_code)
{
	auto_invocation struct invocation inv = { .app = app, .command = find_command(words[0]) };
	auto_buf struct buf help = BUF_INIT;
	int rc;

	if (!inv.command)
		return err_set(err, -EINVAL, "unknown command '%s' (see 'bivalve --help')",
			       words[0]);
	rc = cli_command_parse(&inv, words + 1, err);
	if (rc > 0) {
		cli_help_command(inv.command, &help);
		return cli_print(&help, err);
	}
	if (rc == 0) {
		*out_failure_code = inv.command->failure_code ? inv.command->failure_code : 1;
		if (inv.command->precheck)
			rc = inv.command->precheck(&inv, err);
	}
	{
		struct err log_err = ERR_INIT;

		/* Before a fault of the command line is reported: it belongs into the log, too. */
		if (setup_log(g, &log_err) < 0 && rc >= 0) {
			*err = log_err;
			rc = log_err.code;
		}
	}
	if (rc < 0)
		return rc;
	/* A caller that ignores SIGCHLD would make our children vanish unseen. */
	(void)signal(SIGCHLD, SIG_DFL);
	rc = inv.command->run(&inv, err);
	if (inv.failure_code)
		*out_failure_code = inv.failure_code;
	return rc;
}

static int run_program(char **argv, struct err *err, int *out_failure_code)
{
	struct global_options g = { 0 };
	struct app app = { .name = "bivalve", .argv = argv };
	auto_invocation struct invocation inv = { .options = &g };
	const char *slash = argv[0] ? strrchr(argv[0], '/') : NULL;
	auto_buf struct buf text = BUF_INIT;
	int rc = fill_stdio(err);

	if (argv[0])
		app.name = slash ? slash + 1 : argv[0];
	if (rc == 0)
		rc = cli_parse(&inv, global_groups, argv[0] ? argv + 1 : argv, true, err);
	if (rc < 0)
		return rc;
	if (g.version) {
		buf_add_str(&text, version_text());
		return cli_print(&text, err);
	}
	if (rc > 0 || inv.n_args == 0)
		return rc > 0 ? print_help(err)
			      : err_set(err, -EINVAL, "no command (see 'bivalve --help')");
	rc = fill_app(&g, &inv, &app, err);
	if (rc < 0) {
		if (setup_log(&g, NULL) < 0)
			log_debug("the log could not be opened, ignoring");
		return rc;
	}
	return run_command(&g, &app, inv.args, err, out_failure_code);
}

int main(int argc, char **argv)
{
	struct err err = ERR_INIT;
	int failure_code = 1;
	int rc;

	(void)argc;
	rc = run_program(argv, &err, &failure_code);
	if (rc >= 0)
		return rc;
	log_error("%s", err.msg);
	return failure_code;
}
