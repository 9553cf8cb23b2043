// SPDX-License-Identifier: GPL-2.0-or-later
/* The option parser of bivalve-net; knows no verb. */
#include "netns/program/options.h"

#include <stdio.h>
#include <string.h>

#include "spec/base/str.h"

enum { HELP_COLUMN = 30 }; /* as in the help of the runtime's commands */

static const struct option_row *find(const struct option_row *rows, const char *word, size_t len)
{
	for (; rows && rows->name; rows++) {
		if (len == 1 && word[0] == rows->letter)
			return rows;
		if (len > 1 && strncmp(rows->name, word, len) == 0 && rows->name[len] == '\0')
			return rows;
	}
	return NULL;
}

static int store(const struct option_row *row, const char *value, void *out, struct err *err)
{
	void *member = (char *)out + row->offset;
	struct option_list *list = member;

	switch (row->kind) {
	case OPTION_FLAG:
		*(bool *)member = true;
		return 0;
	case OPTION_TEXT:
		*(const char **)member = value;
		return 0;
	case OPTION_LIST:
		if (list->n == OPTION_LIST_MAX)
			return err_set(err, -EINVAL, "option '--%s': more than %d of them",
				       row->name, OPTION_LIST_MAX);
		list->v[list->n++] = value;
		return 0;
	}
	return -EINVAL;
}

/* Takes the option @word; its value is behind '=' or the next word. */
static int take(const struct option_row *rows, char *word, char ***next, void *out, struct err *err)
{
	const char *name = word + (word[1] == '-' ? 2 : 1);
	size_t len = strcspn(name, "=");
	const char *value = name[len] == '=' ? name + len + 1 : NULL;
	const struct option_row *row = len ? find(rows, name, len) : NULL;

	if (!row)
		return err_set(err, -EINVAL, "unknown option '%.*s'", (int)(name - word) + (int)len,
			       word);
	if (!row->value && value)
		return err_set(err, -EINVAL, "option '--%s' is a flag and takes no '%s'", row->name,
			       value);
	if (row->value && !value) {
		if (!**next)
			return err_set(err, -EINVAL, "option '--%s' needs a value (%s)", row->name,
				       row->value);
		value = *(*next)++;
	}
	return store(row, value, out, err);
}

int options_parse(const struct option_row *rows, char **argv, bool stop_early, void *out,
		  struct err *err)
{
	char **next = argv;
	bool is_over = false;
	int n = 0;

	while (*next) {
		char *word = *next++;
		int rc;

		if (is_over || word[0] != '-' || word[1] == '\0') {
			argv[n++] = word;
			is_over |= stop_early;
		} else if (str_eq(word, "--")) {
			is_over = true;
		} else if (str_eq(word, "--help") || str_eq(word, "-h")) {
			return OPTIONS_WANT_HELP;
		} else {
			rc = take(rows, word, &next, out, err);
			if (rc < 0)
				return rc;
		}
	}
	argv[n] = NULL;
	return n;
}

void options_help(const struct option_row *rows, struct buf *out)
{
	char left[96];

	for (; rows && rows->name; rows++) {
		if (rows->letter)
			(void)snprintf(left, sizeof(left), "  -%c, --%s %s", rows->letter,
				       rows->name, rows->value ? rows->value : "");
		else
			(void)snprintf(left, sizeof(left), "      --%s %s", rows->name,
				       rows->value ? rows->value : "");
		buf_printf(out, "%-*s%s\n", HELP_COLUMN, left, rows->help);
	}
	buf_printf(out, "%-*s%s\n", HELP_COLUMN, "  -h, --help", "show this text");
}
