/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Options as tables, in the forms that `bivalve` itself takes: --name=V, --name V, -n V; anywhere
 * among the arguments, until "--".
 */
#ifndef BIVALVE_NETNS_PROGRAM_OPTIONS_H
#define BIVALVE_NETNS_PROGRAM_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "spec/base/buf.h"
#include "spec/base/err.h"

enum option_kind {
	OPTION_FLAG, /* bool */
	OPTION_TEXT, /* const char *; the last one counts */
	OPTION_LIST, /* struct option_list */
};

enum { OPTION_LIST_MAX = 128 };

struct option_list {
	const char *v[OPTION_LIST_MAX]; /* borrowed from argv */
	size_t n;
};

struct option_row {
	const char *name; /* without "--"; NULL ends the table */
	char letter;      /* 0: none */
	const char *value, *help;
	enum option_kind kind;
	size_t offset; /* of the member in the struct of options */
};

/*
 * options_parse - takes the options of @rows off @argv (NULL-terminated), whose other words move
 * to its front.
 * @stop_early: the first of these ends the options
 * Returns how many there are; 1 << 16: --help was asked for; -EINVAL.
 */
enum { OPTIONS_WANT_HELP = 1 << 16 };
MUST_CHECK int options_parse(const struct option_row *rows, char **argv, bool stop_early, void *out,
			     struct err *err);

/* options_help - appends the table. */
void options_help(const struct option_row *rows, struct buf *out);

#endif
