// SPDX-License-Identifier: GPL-2.0-or-later
/* The option parser and the help texts; knows no command. */
#include "runtime/cli.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "spec/base/fd.h"
#include "spec/base/num.h"

enum { HELP_COLUMN = 30 }; /* where the explanations begin */

/* The state of one parse: the rest of argv, and what was found. */
struct parse {
	struct invocation *inv;
	const struct cli_group *groups;
	char **next; /* the next word of argv */
	size_t n_words;
	bool wants_help;
	struct err *err;
};

static const struct cli_option *find_long(const struct cli_group *groups, const char *name,
					  size_t len)
{
	for (size_t g = 0; g < CLI_GROUPS_MAX; g++) {
		for (size_t i = 0; i < groups[g].n; i++) {
			const struct cli_option *o = &groups[g].items[i];

			if (strncmp(o->name, name, len) == 0 && o->name[len] == '\0')
				return o;
		}
	}
	return NULL;
}

static const struct cli_option *find_letter(const struct cli_group *groups, char letter)
{
	for (size_t g = 0; g < CLI_GROUPS_MAX; g++) {
		for (size_t i = 0; i < groups[g].n; i++) {
			if (groups[g].items[i].letter == letter)
				return &groups[g].items[i];
		}
	}
	return NULL;
}

static int set_flag(const struct parse *p, const struct cli_option *o, const char *value)
{
	bool truth = true;

	if (value) {
		if (str_eq(value, "false") || str_eq(value, "0"))
			truth = false;
		else if (!str_eq(value, "true") && !str_eq(value, "1"))
			return err_set(p->err, -EINVAL, "option '--%s' is a flag and takes no '%s'",
				       o->name, value);
	}
	*(bool *)((char *)p->inv->options + o->offset) = truth;
	return 0;
}

static int add_to_list(const struct parse *p, struct strv *list, char *value)
{
	if (!list->v) {
		/* No list can be longer than the command line is. */
		list->v = arena_alloc(&p->inv->arena, p->n_words + 1, sizeof(*list->v));
		if (!list->v)
			return err_set(p->err, -ENOMEM, "out of memory");
	}
	list->v[list->n++] = value;
	return 0;
}

static int set_value(const struct parse *p, const struct cli_option *o, char *value)
{
	void *member = (char *)p->inv->options + o->offset;
	uint64_t v;

	switch (o->kind) {
	case CLI_TEXT:
		*(const char **)member = value;
		return 0;
	case CLI_LIST:
		return add_to_list(p, member, value);
	case CLI_COUNT:
		if (num_u64(value, 0, INT_MAX, &v) < 0)
			return err_set(p->err, -EINVAL, "option '--%s': '%s' is not a number",
				       o->name, value);
		*(unsigned int *)member = (unsigned int)v;
		return 0;
	case CLI_FLAG:
	case CLI_NOOP:
		break;
	}
	return 0;
}

/* Stores option @o, whose value is @attached (behind '=' or the letter) or the next word. */
static int take_option(struct parse *p, const struct cli_option *o, char *attached)
{
	if (!o->value)
		return o->kind == CLI_NOOP ? 0 : set_flag(p, o, attached);
	if (!attached) {
		if (!*p->next)
			return err_set(p->err, -EINVAL, "option '--%s' needs a value (%s)", o->name,
				       o->value);
		attached = *p->next++;
	}
	return set_value(p, o, attached);
}

static int unknown_option(const struct parse *p, const char *word)
{
	const struct command *c = p->inv->command;

	if (c && c->is_catch_all)
		return 0;
	return err_set(p->err, -EINVAL, "unknown option '%s' (see 'bivalve %s%s--help')", word,
		       c ? c->name : "", c ? " " : "");
}

static int take_long(struct parse *p, char *word)
{
	char *name = word + 2;
	size_t len = strcspn(name, "=");
	const struct cli_option *o = find_long(p->groups, name, len);

	if (!o && len == strlen("help") && strncmp(name, "help", len) == 0) {
		p->wants_help = true;
		return 0;
	}
	if (!o) {
		name[len] = '\0';
		return unknown_option(p, word);
	}
	return take_option(p, o, name[len] == '=' ? name + len + 1 : NULL);
}

static int take_letters(struct parse *p, char *word)
{
	for (char *s = word + 1; *s; s++) {
		const struct cli_option *o = find_letter(p->groups, *s);
		char *attached = NULL;
		int rc;

		if (!o && *s == 'h') {
			p->wants_help = true;
			continue;
		}
		if (!o)
			return unknown_option(p, word);
		if (s[1] && (o->value || s[1] == '='))
			attached = s[1] == '=' ? s + 2 : s + 1;
		rc = take_option(p, o, attached);
		if (rc < 0 || attached || o->value)
			return rc;
	}
	return 0;
}

int cli_parse(struct invocation *inv, const struct cli_group *groups, char **argv, bool stop_early,
	      struct err *err)
{
	struct parse p = { .inv = inv, .groups = groups, .next = argv, .err = err };
	bool is_over = false;

	while (argv[p.n_words])
		p.n_words++;
	inv->args = arena_alloc(&inv->arena, p.n_words + 1, sizeof(*inv->args));
	if (!inv->args)
		return err_set(err, -ENOMEM, "out of memory");
	while (*p.next && !p.wants_help) {
		char *word = *p.next++;
		int rc = 0;

		if (is_over || word[0] != '-' || word[1] == '\0') {
			inv->args[inv->n_args++] = word;
			if (stop_early && !is_over) {
				is_over = true;
				/* "ID -- PROGRAM": the two dashes are not the program. */
				if (*p.next && str_eq(*p.next, "--"))
					p.next++;
			}
		} else if (str_eq(word, "--")) {
			is_over = true;
		} else if (word[1] == '-') {
			rc = take_long(&p, word);
		} else {
			rc = take_letters(&p, word);
		}
		if (rc < 0)
			return rc;
	}
	return p.wants_help ? 1 : 0;
}

int cli_command_parse(struct invocation *inv, char **argv, struct err *err)
{
	const struct command *c = inv->command;
	int rc;

	if (c->options_size) {
		inv->options = arena_alloc(&inv->arena, 1, c->options_size);
		if (!inv->options)
			return err_set(err, -ENOMEM, "out of memory");
	}
	rc = cli_parse(inv, c->groups, argv, c->has_program, err);
	if (rc != 0)
		return rc;
	if (inv->n_args < c->min_args)
		return err_set(err, -EINVAL, "%s: missing argument (usage: bivalve %s %s)", c->name,
			       c->name, c->usage);
	if (inv->n_args > c->max_args)
		return err_set(err, -EINVAL, "%s: unexpected argument '%s' (usage: bivalve %s %s)",
			       c->name, inv->args[c->max_args], c->name, c->usage);
	return 0;
}

static void help_option(const struct cli_option *o, struct buf *out)
{
	char left[96];
	int len;

	if (!o->help)
		return;
	len = o->letter ? snprintf(left, sizeof(left), "  -%c, --%s", o->letter, o->name)
			: snprintf(left, sizeof(left), "      --%s", o->name);
	if (o->value && len > 0 && (size_t)len < sizeof(left))
		(void)snprintf(left + len, sizeof(left) - (size_t)len, " %s", o->value);
	if (strlen(left) >= HELP_COLUMN)
		buf_printf(out, "%s\n%*s%s\n", left, HELP_COLUMN, "", o->help);
	else
		buf_printf(out, "%-*s%s\n", HELP_COLUMN, left, o->help);
}

void cli_help_options(const struct cli_group *groups, struct buf *out)
{
	for (size_t g = 0; g < CLI_GROUPS_MAX; g++) {
		for (size_t i = 0; i < groups[g].n; i++)
			help_option(&groups[g].items[i], out);
	}
	buf_printf(out, "%-*s%s\n", HELP_COLUMN, "  -h, --help", "show this text");
}

void cli_help_command(const struct command *c, struct buf *out)
{
	buf_printf(out, "usage: bivalve %s %s\n\n%s\n\noptions:\n", c->name, c->usage, c->summary);
	cli_help_options(c->groups, out);
	if (c->examples)
		buf_printf(out, "\nexamples:\n%s", c->examples);
}

int cli_print(const struct buf *text, struct err *err)
{
	int rc = buf_failed(text) ? -ENOMEM : fd_write_all(STDOUT_FILENO, buf_str(text), text->len);

	return rc < 0 ? err_code(err, rc, "write to stdout") : 0;
}

void invocation_fini(struct invocation *inv)
{
	arena_fini(&inv->arena);
}
