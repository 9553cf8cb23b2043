// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * bivalve-net: networks, for the runtime and for `bivalve network`. Never started by a user's hand:
 * the runtime passes on its state root as an open folder. See netns/helper.h.
 *
 * Stages, with the caller's rights throughout (all of it is the administration of the host):
 *   1. the command line is taken apart; --log is opened
 *   2. for `up` and `down`: it dies with the runtime; the store is opened
 *   3. the verb; its result goes to the runtime's socket, or to stdout, stderr and the log
 */
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>

#include "netns/helper.h"
#include "netns/program/program.h"
#include "spec/base/fd.h"
#include "spec/base/log.h"
#include "spec/base/num.h"
#include "spec/base/str.h"

struct global_options {
	const char *fds;
	const char *log, *log_format, *log_level;
};

#define ROW(member) OPTION_TEXT, offsetof(struct global_options, member)
static const struct option_row global_rows[] = {
	{ "fds", 0, "ROOT[,DIR,SOCKET]", "descriptors, see netns/helper.h", ROW(fds) },
	{ "log", 0, "FILE", "append errors to FILE, too", ROW(log) },
	{ "log-format", 0, "FORMAT", "of FILE: 'text' or 'json'", ROW(log_format) },
	{ "log-level", 0, "LEVEL", "'error', 'warning', 'info' or 'debug'", ROW(log_level) },
	{ .name = NULL },
};

int program_print(const struct buf *text, struct err *err)
{
	int rc = buf_failed(text) ? -ENOMEM : fd_write_all(STDOUT_FILENO, buf_str(text), text->len);

	return rc < 0 ? err_code(err, rc, "write to stdout") : 0;
}

int program_answer(const struct program *p, int result, const struct err *err)
{
	struct helper_reply reply = { .code = result };

	if (result < 0)
		(void)snprintf(reply.text, sizeof(reply.text), "%s", err->msg);
	return fd_send(p->sock_fd, &reply,
		       offsetof(struct helper_reply, text) + strlen(reply.text) + 1, NULL, 0);
}

/* The runtime has checked all of this; what it passes on cannot be at fault. */
static int setup_log(const struct global_options *g, struct err *err)
{
	enum log_level level = g->log ? LOG_LEVEL_ERROR : LOG_LEVEL_WARN;
	bool is_json = g->log_format && str_eq(g->log_format, "json");
	int fd = -1;

	if (g->log_level && log_level_from_name(g->log_level, &level) < 0)
		return err_set(err, -EINVAL, "option '--log-level': unknown level '%s'",
			       g->log_level);
	if (g->log && *g->log) {
		fd = open(g->log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0644);
		if (fd < 0)
			return err_sys(err, "open log '%s'", g->log);
	}
	log_setup(level, is_json ? LOG_FORMAT_JSON : LOG_FORMAT_TEXT, fd);
	return 0;
}

static int take_fds(const char *list, struct program *p, struct err *err)
{
	int *const fds[] = { &p->root_fd, &p->dir_fd, &p->sock_fd };
	char copy[64];
	char *rest = copy;
	uint64_t fd;

	if (list)
		(void)snprintf(copy, sizeof(copy), "%s", list);
	for (size_t i = 0; list && rest && i < ARRAY_LEN(fds); i++) {
		if (num_u64(strsep(&rest, ","), 0, INT_MAX, &fd) < 0 ||
		    fd_set_cloexec((int)fd, 1) < 0)
			break;
		*fds[i] = (int)fd;
	}
	return p->root_fd >= 0 ? 0
			       : err_set(err, -EINVAL,
					 "this program is started by bivalve: see 'bivalve network "
					 "--help'");
}

/* ---- verbs --------------------------------------------------------------------------------- */

static const struct verb *find_verb(const struct verb *v, const char *name)
{
	while (v->name && !str_eq(v->name, name))
		v++;
	return v->name ? v : NULL;
}

static int print_help(const struct verb *v, struct err *err)
{
	auto_buf struct buf text = BUF_INIT;

	buf_printf(&text, "usage: bivalve network %s %s\n\n%s\n\noptions:\n", v->name, v->usage,
		   v->summary);
	options_help(v->rows, &text);
	if (v->examples)
		buf_printf(&text, "\nexamples:\n%s", v->examples);
	return program_print(&text, err);
}

static bool is_alive(const char *id, void *data)
{
	const struct program *p = data;

	return faccessat(p->root_fd, id, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* A runtime that is killed takes us along; one that is gone already closed the socket. */
static void die_with_runtime(void)
{
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
}

static int run_verb(struct program *p, const struct verb *v, char **words, struct err *err)
{
	_Alignas(16) char options[VERB_OPTIONS_MAX_BYTES] = { 0 };
	int n = options_parse(v->rows, words, false, options, err);
	int rc;

	if (n < 0)
		return err_wrap(err, n, "network %s", v->name);
	if (n == OPTIONS_WANT_HELP)
		return print_help(v, err);
	if (n < v->min_args || n > v->max_args)
		return err_set(err, -EINVAL,
			       "network %s: %s arguments (usage: bivalve network %s %s)", v->name,
			       n < v->min_args ? "missing" : "too many", v->name, v->usage);
	rc = net_store_open(p->root_fd, HELPER_STORE, is_alive, p, &p->store, err);
	if (rc == 0)
		rc = v->run(p, options, words, err);
	net_store_close(&p->store);
	return rc;
}

static int run_program(char **argv, struct program *p, bool *out_answers, struct err *err)
{
	const struct verb *table = runtime_verbs;
	struct global_options g = { 0 };
	char **words = argv + 1;
	const struct verb *v;
	int rc = options_parse(global_rows, words, true, &g, err);

	if (rc >= 0)
		rc = take_fds(g.fds, p, err);
	if (rc == 0)
		rc = setup_log(&g, err);
	if (rc < 0)
		return rc;
	if (*words && str_eq(*words, "network")) {
		table = network_verbs;
		words++;
	}
	if (!*words)
		return err_set(err, -EINVAL, "no command (see 'bivalve network --help')");
	v = find_verb(table, *words);
	if (!v)
		return err_set(err, -EINVAL,
			       "unknown command 'network %s' (see 'bivalve network --help')",
			       *words);
	*out_answers = v->answers;
	if (v->answers)
		die_with_runtime();
	return run_verb(p, v, words + 1, err);
}

int main(int argc, char **argv)
{
	struct program p = { -1, -1, -1, NET_STORE_INIT };
	struct err err = ERR_INIT;
	bool answers = false;
	int rc;

	if (argc < 1)
		return 1;
	rc = run_program(argv, &p, &answers, &err);
	if (rc >= 0)
		return 0;
	if (!answers)
		log_error("%s", err.msg);
	else if (program_answer(&p, rc, &err) < 0)
		log_debug("%s (the runtime is gone), ignoring", err.msg);
	return 1;
}
