// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * `ps`: the processes of a container, with the host's pids. The table is our own; with options of
 * ps(1) it is that program's, filtered.
 */
#include <ctype.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "runtime/backend.h"
#include "runtime/commands.h"
#include "runtime/network_view.h"
#include "spec/base/fd.h"
#include "spec/base/num.h"
#include "spec/base/proc.h"

enum { PS_MAX_BYTES = 64 << 20, COMMAND_MAX_BYTES = 1 << 20, ANY_NUMBER_OF_ARGS = 1000 };

struct ps_options {
	const char *format;
};

static const struct cli_option ps_rows[] = {
	{ "format", 'f', "FORMAT", "'table' or 'json'", CLI_TEXT,
	  offsetof(struct ps_options, format) },
};

struct pids {
	pid_t *v; /* owned; ascending */
	size_t n;
};

static void pids_fini(struct pids *p)
{
	free(p->v);
}

static bool has_pid(const struct pids *p, uint64_t pid)
{
	for (size_t i = 0; i < p->n; i++) {
		if ((uint64_t)p->v[i] == pid)
			return true;
	}
	return false;
}

static int write_json(const struct pids *p, struct buf *out, struct err *err)
{
	struct json_writer w;

	json_writer_init(&w, out, JSON_COMPACT);
	json_write_array(&w, NULL);
	for (size_t i = 0; i < p->n; i++)
		json_write_i64(&w, NULL, p->v[i]);
	json_write_end(&w);
	if (json_writer_finish(&w) < 0)
		return err_set(err, -ENOMEM, "out of memory");
	buf_add_char(out, '\n');
	return 0;
}

/* ---- our own table ------------------------------------------------------------------------- */

/* The command line with blanks between the words; the workload wrote it: no control characters. */
static void add_command(struct buf *out, pid_t pid)
{
	auto_buf struct buf text = BUF_INIT;
	char path[48];

	(void)snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
	if (file_read_at(AT_FDCWD, path, COMMAND_MAX_BYTES, &text) < 0)
		return;
	while (text.len && text.data[text.len - 1] == '\0')
		text.len--;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.data[i];

		if (c == '\0')
			c = ' ';
		else if (iscntrl((unsigned char)c))
			c = '?';
		buf_add_char(out, c);
	}
}

/* @addresses: of the container, which all of them share; "" leaves the column out. */
static void write_table(const struct pids *p, const char *addresses, struct buf *out)
{
	static const char title[] = "ADDRESSES";
	int width = *addresses ? (int)strlen(addresses) : 0;

	if (width && width < (int)strlen(title))
		width = (int)strlen(title);
	buf_printf(out, "%8s %8s %8s %s %-*s%s%s\n", "UID", "PID", "PPID", "S", width,
		   width ? title : "", width ? " " : "", "CMD");
	for (size_t i = 0; i < p->n; i++) {
		struct proc_stat st;
		struct stat owner;
		char path[32];

		(void)snprintf(path, sizeof(path), "/proc/%d", p->v[i]);
		if (stat(path, &owner) < 0 || proc_stat_read(p->v[i], &st) < 0)
			continue; /* it ended since */
		buf_printf(out, "%8u %8d %8d %c %-*s%s", owner.st_uid, p->v[i], st.ppid, st.state,
			   width, addresses, width ? " " : "");
		add_command(out, p->v[i]);
		buf_add_char(out, '\n');
	}
}

static int write_own(const struct container *c, const struct pids *p, struct buf *out,
		     struct err *err)
{
	struct net_ends networks;
	auto_buf struct buf addresses = BUF_INIT;

	if (c->state.networks.n) {
		network_view_load(c, &networks);
		network_view_text(&networks, &addresses);
	}
	if (buf_failed(&addresses))
		return err_set(err, -ENOMEM, "out of memory");
	write_table(p, buf_str(&addresses), out);
	return 0;
}

/* ---- ps(1) --------------------------------------------------------------------------------- */

/* Runs `ps @args` and gives what it printed. */
static int run_ps(char **args, struct buf *out, struct err *err)
{
	auto_close int read_fd = -1;
	posix_spawn_file_actions_t actions;
	int fds[2];
	pid_t pid;
	int status;
	int rc;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_sys(err, "make a pipe");
	read_fd = fds[0];
	(void)posix_spawn_file_actions_init(&actions);
	(void)posix_spawn_file_actions_adddup2(&actions, fds[1], STDOUT_FILENO);
	rc = -posix_spawnp(&pid, "ps", &actions, NULL, args, environ);
	(void)posix_spawn_file_actions_destroy(&actions);
	(void)close(fds[1]);
	if (rc < 0)
		return err_code(err, rc, "run 'ps'");
	rc = fd_read_all(read_fd, PS_MAX_BYTES, out);
	cleanup_close(&read_fd);
	read_fd = -1;
	if (proc_reap(pid, &status) < 0 || status != 0)
		return err_set(err, -EINVAL, "'ps' failed");
	return rc < 0 ? err_code(err, rc, "read from 'ps'") : 0;
}

/* The number of the column called PID, or -1. */
static int pid_column(const char *head)
{
	int column = 0;

	while (*head && *head != '\n') {
		size_t len;

		head += strspn(head, " \t");
		len = strcspn(head, " \t\n");
		if (len == 3 && strncmp(head, "PID", 3) == 0)
			return column;
		head += len;
		column++;
	}
	return -1;
}

static bool line_is_of(const char *line, int column, const struct pids *p)
{
	char number[24];
	uint64_t pid;
	size_t len;

	for (; column > 0; column--) {
		line += strspn(line, " \t");
		line += strcspn(line, " \t\n");
	}
	line += strspn(line, " \t");
	len = strcspn(line, " \t\n");
	if (len >= sizeof(number))
		return false;
	memcpy(number, line, len);
	number[len] = '\0';
	return num_u64(number, 1, INT_MAX, &pid) == 0 && has_pid(p, pid);
}

static int write_filtered(char **args, const struct pids *p, struct buf *out, struct err *err)
{
	auto_buf struct buf text = BUF_INIT;
	const char *line;
	int column;
	int rc = run_ps(args, &text, err);

	if (rc < 0)
		return rc;
	line = buf_str(&text);
	column = pid_column(line);
	if (column < 0)
		return err_set(err, -EINVAL, "the output of 'ps' has no column PID");
	for (bool is_head = true; *line; is_head = false) {
		size_t len = strcspn(line, "\n");

		if (is_head || line_is_of(line, column, p)) {
			buf_add(out, line, len);
			buf_add_char(out, '\n');
		}
		line += len + (line[len] == '\n');
	}
	return 0;
}

static int ps_run(struct invocation *inv, struct err *err)
{
	const struct ps_options *o = inv->options;
	auto_cleanup(pids_fini) struct pids pids = { NULL, 0 };
	auto_container struct container c = CONTAINER_INIT;
	auto_buf struct buf text = BUF_INIT;
	char name[] = "ps";
	int rc;

	if (o->format && !str_eq(o->format, "table") && !str_eq(o->format, "json"))
		return err_set(err, -EINVAL, "option '--format': '%s' is not 'table' or 'json'",
			       o->format);
	rc = container_open(inv->app, inv->args[0], 0, &c, err);
	if (rc < 0)
		return rc;
	if (!container_find_init(&c))
		return err_set(err, -ESRCH, "container '%s': container not running", c.state.id);
	rc = c.backend->pids(&c, &pids.v, &pids.n, err);
	if (rc < 0)
		return rc;
	if (o->format && str_eq(o->format, "json")) {
		rc = write_json(&pids, &text, err);
	} else if (inv->n_args > 1) {
		inv->args[0] = name; /* "ID OPTION..." becomes the argv of ps */
		rc = write_filtered(inv->args, &pids, &text, err);
	} else {
		rc = write_own(&c, &pids, &text, err);
	}
	return rc < 0 ? rc : cli_print(&text, err);
}

const struct command cmd_ps = {
	.name = "ps",
	.summary = "show the processes of a container",
	.usage = "[options] ID [PS-OPTION...]",
	.examples = "  bivalve ps web\n"
		    "  bivalve ps web -o pid,rss,cmd -e     # options of ps(1)\n"
		    "  bivalve ps --format json web\n",
	.groups = { CLI_GROUP(ps_rows) },
	.options_size = sizeof(struct ps_options),
	.min_args = 1,
	.max_args = ANY_NUMBER_OF_ARGS,
	.has_program = true,
	.run = ps_run,
};
