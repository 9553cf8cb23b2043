// SPDX-License-Identifier: GPL-2.0-or-later
/* The option parser: every form of an option, every refusal, the help text. */
#include "runtime/cli.h"

#include "tests/unit/test.h"

struct opts {
	bool all;
	bool tty;
	const char *bundle;
	struct strv env;
	unsigned int fds;
};

static const struct cli_option rows[] = {
	{ "all", 'a', NULL, "everything", CLI_FLAG, offsetof(struct opts, all) },
	{ "tty", 't', NULL, "a terminal", CLI_FLAG, offsetof(struct opts, tty) },
	{ "bundle", 'b', "DIR", "the folder", CLI_TEXT, offsetof(struct opts, bundle) },
	{ "env", 'e', "NAME=VALUE", "a variable", CLI_LIST, offsetof(struct opts, env) },
};
static const struct cli_option more_rows[] = {
	{ "preserve-fds", 0, "N", "how many descriptors are to be passed on", CLI_COUNT,
	  offsetof(struct opts, fds) },
	{ "old", 0, "X", NULL, CLI_NOOP, 0 },
	{ "older", 0, NULL, NULL, CLI_NOOP, 0 },
};

static const struct command plain = {
	.name = "plain",
	.summary = "do something",
	.usage = "[options] ID [MORE]",
	.examples = "  bivalve plain x\n",
	.groups = { CLI_GROUP(rows), CLI_GROUP(more_rows) },
	.options_size = sizeof(struct opts),
	.min_args = 1,
	.max_args = 2,
};
static const struct command with_program = {
	.name = "program",
	.usage = "ID [PROGRAM]",
	.groups = { CLI_GROUP(rows), CLI_GROUP(more_rows) },
	.options_size = sizeof(struct opts),
	.min_args = 1,
	.max_args = 99,
	.has_program = true,
};
static const struct command catch_all = {
	.name = "later",
	.usage = "ID",
	.max_args = 99,
	.is_catch_all = true,
};

enum { MAX_WORDS = 16 };

/* Splits @line at blanks, in place, and parses it as the arguments of @c. "~" is an empty word. */
static int parse(struct invocation *inv, const struct command *c, char *line, struct err *err)
{
	char *argv[MAX_WORDS] = { NULL };
	size_t n = 0;

	for (char *w = strtok(line, " "); w && n < MAX_WORDS - 1; w = strtok(NULL, " ")) {
		if (strcmp(w, "~") == 0)
			*w = '\0';
		argv[n++] = w;
	}
	*inv = (struct invocation){ .command = c };
	return cli_command_parse(inv, argv, err);
}

/* What was found, as one line: "all tty bundle=.. env=..,.. fds=N | ARG ARG". */
static void describe(const struct invocation *inv, char *out, size_t size)
{
	const struct opts *o = inv->options;
	struct buf b = BUF_INIT;

	if (o->all)
		buf_add_str(&b, "all ");
	if (o->tty)
		buf_add_str(&b, "tty ");
	if (o->bundle)
		buf_printf(&b, "bundle=%s ", o->bundle);
	for (size_t i = 0; i < o->env.n; i++)
		buf_printf(&b, "env=%s ", o->env.v[i]);
	if (o->fds)
		buf_printf(&b, "fds=%u ", o->fds);
	buf_add_str(&b, "|");
	for (size_t i = 0; i < inv->n_args; i++)
		buf_printf(&b, " %s", inv->args[i]);
	(void)snprintf(out, size, "%s", buf_str(&b));
	buf_fini(&b);
}

static void test_forms(void)
{
	static const struct {
		const struct command *command;
		const char *line, *want;
	} cases[] = {
		{ &plain, "id", "| id" },
		{ &plain, "--bundle x id", "bundle=x | id" },
		{ &plain, "--bundle=x id", "bundle=x | id" },
		{ &plain, "--bundle= id", "bundle= | id" },
		{ &plain, "-b x id", "bundle=x | id" },
		{ &plain, "-bx id", "bundle=x | id" },
		{ &plain, "-b=x id", "bundle=x | id" },
		{ &plain, "id --bundle x", "bundle=x | id" },
		{ &plain, "id --bundle x more", "bundle=x | id more" },
		{ &plain, "-b x -b y id", "bundle=y | id" },
		{ &plain, "-b --all id", "bundle=--all | id" },
		{ &plain, "-at id", "all tty | id" },
		{ &plain, "-atb x id", "all tty bundle=x | id" },
		{ &plain, "-tbx id", "tty bundle=x | id" },
		{ &plain, "--all --tty=false id", "all | id" },
		{ &plain, "--all=true -t=0 id", "all | id" },
		{ &plain, "-e A=1 --env=B=2 -eC=3 id", "env=A=1 env=B=2 env=C=3 | id" },
		{ &plain, "--preserve-fds 3 id", "fds=3 | id" },
		{ &plain, "--old x --older id", "| id" },
		{ &plain, "-- --all -b", "| --all -b" },
		{ &plain, "id -- --all", "| id --all" },
		{ &plain, "- id", "| - id" },
		{ &plain, "~ id", "|  id" },
		{ &with_program, "-t id ls -a --bundle x", "tty | id ls -a --bundle x" },
		{ &with_program, "id -- ls -a", "| id ls -a" },
		{ &with_program, "id ls -- -a", "| id ls -- -a" },
		{ &with_program, "-- id ls -a", "| id ls -a" },
		{ &with_program, "id --help", "| id --help" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err err = ERR_INIT;
		struct invocation inv;
		char line[128];
		char got[256];

		(void)snprintf(line, sizeof(line), "%s", cases[i].line);
		CHECK_EQ(parse(&inv, cases[i].command, line, &err), 0);
		describe(&inv, got, sizeof(got));
		if (strcmp(got, cases[i].want) != 0)
			TEST_FAIL("'%s' gave '%s', wanted '%s'", cases[i].line, got, cases[i].want);
		invocation_fini(&inv);
	}
}

static void test_refusals(void)
{
	static const struct {
		const struct command *command;
		const char *line, *want;
	} cases[] = {
		{ &plain, "",
		  "plain: missing argument (usage: bivalve plain [options] ID [MORE])" },
		{ &plain, "a b c", "plain: unexpected argument 'c'" },
		{ &plain, "--bundel x id",
		  "unknown option '--bundel' (see 'bivalve plain --help')" },
		{ &plain, "--bundel=x id", "unknown option '--bundel' (" },
		{ &plain, "--bund x id", "unknown option '--bund'" },
		{ &plain, "-x id", "unknown option '-x'" },
		{ &plain, "-ax id", "unknown option '-ax'" },
		{ &plain, "id --bundle", "option '--bundle' needs a value (DIR)" },
		{ &plain, "id -b", "option '--bundle' needs a value" },
		{ &plain, "--all=yes id", "option '--all' is a flag and takes no 'yes'" },
		{ &plain, "--preserve-fds x id", "option '--preserve-fds': 'x' is not a number" },
		{ &plain, "--preserve-fds -1 id", "is not a number" },
		{ &plain, "--preserve-fds 2147483648 id", "is not a number" },
		{ &with_program, "", "missing argument" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err err = ERR_INIT;
		struct invocation inv;
		char line[128];

		(void)snprintf(line, sizeof(line), "%s", cases[i].line);
		CHECK_EQ(parse(&inv, cases[i].command, line, &err), -EINVAL);
		CHECK_HAS(err.msg, cases[i].want);
		invocation_fini(&inv);
	}
}

static void test_help_is_asked_for(void)
{
	static const char *const lines[] = { "--help", "-h", "id --help", "-ah x y z", "--all -h" };

	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		struct invocation inv;
		char line[64];

		(void)snprintf(line, sizeof(line), "%s", lines[i]);
		CHECK_EQ(parse(&inv, &plain, line, NULL), 1);
		invocation_fini(&inv);
	}
}

static void test_catch_all_takes_anything(void)
{
	struct invocation inv;
	char line[] = "--image-path x -z --leave-running id";
	char help[] = "--image-path x --help";

	CHECK_EQ(parse(&inv, &catch_all, line, NULL), 0);
	invocation_fini(&inv);
	CHECK_EQ(parse(&inv, &catch_all, help, NULL), 1);
	invocation_fini(&inv);
}

static void test_help_text(void)
{
	struct buf b = BUF_INIT;

	cli_help_command(&plain, &b);
	CHECK_STR(buf_str(&b),
		  "usage: bivalve plain [options] ID [MORE]\n\ndo something\n\noptions:\n"
		  "  -a, --all                   everything\n"
		  "  -t, --tty                   a terminal\n"
		  "  -b, --bundle DIR            the folder\n"
		  "  -e, --env NAME=VALUE        a variable\n"
		  "      --preserve-fds N        how many descriptors are to be passed on\n"
		  "  -h, --help                  show this text\n"
		  "\nexamples:\n  bivalve plain x\n");
	buf_fini(&b);
}

TEST_MAIN(TEST(test_forms), TEST(test_refusals), TEST(test_help_is_asked_for),
	  TEST(test_catch_all_takes_anything), TEST(test_help_text))
