/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line as tables. A command is one const struct: its options are rows that say where
 * in the command's own struct a value goes, and the same rows make the text of --help.
 *
 * Forms of an option: --name=V, --name V, -n V, -nV, -n=V; flags also bundled (-td) and with a
 * truth (--name=false). Options stand before and after the positional arguments, except for
 * commands that end in a program: there the first one ends the options. "--" ends them everywhere.
 */
#ifndef BIVALVE_RUNTIME_CLI_H
#define BIVALVE_RUNTIME_CLI_H

#include <stdbool.h>
#include <stddef.h>

#include "runtime/app.h"
#include "spec/base/arena.h"
#include "spec/base/buf.h"
#include "spec/base/err.h"
#include "spec/base/str.h"

enum cli_kind {
	CLI_FLAG,  /* bool */
	CLI_TEXT,  /* const char *; the last one counts */
	CLI_LIST,  /* struct strv; every one counts */
	CLI_COUNT, /* unsigned int */
	CLI_NOOP, /* taken for the callers' sake, with a value if it has a placeholder; no member */
};

struct cli_option {
	const char *name;  /* without "--" */
	char letter;       /* 0: none */
	const char *value; /* placeholder in the help; NULL: a flag */
	const char *help;  /* NULL: not shown */
	enum cli_kind kind;
	size_t offset; /* of the member in the struct of options */
};

/* Options that belong together; commands share groups whose struct begins their own. */
struct cli_group {
	const struct cli_option *items;
	size_t n;
};

#define CLI_GROUP(a)                                                                               \
	{                                                                                          \
		(a), ARRAY_LEN(a)                                                                  \
	}

enum { CLI_GROUPS_MAX = 3 };

/* The command line of one command, taken apart. */
struct invocation {
	const struct app *app;         /* borrowed */
	const struct command *command; /* borrowed */
	void *options;                 /* the command's struct; owned by the arena */
	char **args;                   /* positional arguments, NULL-terminated */
	size_t n_args;
	int failure_code; /* exit code if the command fails; 0: the command's */
	struct arena arena;
};

struct command {
	const char *name;
	const char *summary;  /* one line, lower case */
	const char *usage;    /* what stands behind the name */
	const char *examples; /* lines, each ends with \n */
	struct cli_group groups[CLI_GROUPS_MAX];
	size_t options_size; /* of the struct that the offsets point into */
	size_t min_args, max_args;
	bool has_program;  /* the first positional argument ends the options */
	bool is_catch_all; /* takes whatever comes, but for --help: a command that is not built */
	int failure_code;  /* exit code of the runtime's own failures; 0 means 1 */
	/*
	 * Checks that come before the program opens any descriptor of its own (--preserve-fds);
	 * may be NULL.
	 */
	int (*precheck)(struct invocation *inv, struct err *err);
	/* Returns the exit code (>= 0), or a negative errno with @err filled. */
	int (*run)(struct invocation *inv, struct err *err);
};

/*
 * cli_parse - takes the options of @groups off @argv (without the program's or command's name).
 * @options: zeroed struct that the offsets of the groups point into
 * @stop_early: the first positional argument ends the options
 * Gives the positional arguments in @inv->args. Strings are borrowed from @argv, lists live in
 * @inv->arena. Returns 0; 1: --help was asked for; -EINVAL; -ENOMEM.
 */
MUST_CHECK int cli_parse(struct invocation *inv, const struct cli_group *groups, char **argv,
			 bool stop_early, struct err *err);

/* cli_command_parse - cli_parse() for @inv->command, with the check of the number of arguments. */
MUST_CHECK int cli_command_parse(struct invocation *inv, char **argv, struct err *err);

/* cli_help_options - appends the table of options. */
void cli_help_options(const struct cli_group *groups, struct buf *out);

/* cli_help_command - appends the whole text of `bivalve COMMAND --help`. */
void cli_help_command(const struct command *c, struct buf *out);

/* cli_print - writes @text to stdout. Returns 0 or -errno, with @err filled. */
MUST_CHECK int cli_print(const struct buf *text, struct err *err);

void invocation_fini(struct invocation *inv);
#define auto_invocation auto_cleanup(invocation_fini)

#endif
