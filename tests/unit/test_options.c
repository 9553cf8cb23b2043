// SPDX-License-Identifier: GPL-2.0-or-later
/* The option parser of bivalve-net. */
#include "netns/program/options.h"
#include "spec/base/str.h"
#include "tests/unit/test.h"

struct values {
	bool flag;
	const char *text;
	struct option_list list;
};

static const struct option_row rows[] = {
	{ "flag", 0, NULL, "a flag", OPTION_FLAG, offsetof(struct values, flag) },
	{ "text", 't', "TEXT", "a text", OPTION_TEXT, offsetof(struct values, text) },
	{ "list", 0, "ITEM", "an item", OPTION_LIST, offsetof(struct values, list) },
	{ .name = NULL },
};

/* Parses the words of @line, which blanks end. */
static int parse(const char *line, bool stop_early, struct values *out, char **argv, char *copy)
{
	size_t n = 0;

	*out = (struct values){ 0 };
	(void)strcpy(copy, line);
	for (char *w = strtok(copy, " "); w; w = strtok(NULL, " "))
		argv[n++] = w;
	argv[n] = NULL;
	return options_parse(rows, argv, stop_early, out, NULL);
}

static void test_forms(void)
{
	static const struct {
		const char *line;
		int rc;
		bool flag;
		const char *text;
		size_t n_list;
		const char *first;
	} cases[] = {
		{ "a b", 2, false, NULL, 0, "a" },
		{ "--flag a --text x b", 2, true, "x", 0, "a" },
		{ "--text=x=y -t z", 0, false, "z", 0, NULL },
		{ "-t=q", 0, false, "q", 0, NULL },
		{ "--list 1 a --list=2", 1, false, NULL, 2, "a" },
		{ "-- --flag -", 2, false, NULL, 0, "--flag" },
		{ "- a", 2, false, NULL, 0, "-" },
		{ "--text=", 0, false, "", 0, NULL },
		{ "a --help", OPTIONS_WANT_HELP, false, NULL, 0, "a" },
		{ "-h", OPTIONS_WANT_HELP, false, NULL, 0, NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *argv[16];
		char copy[128];
		struct values v;

		CHECK_EQ(parse(cases[i].line, false, &v, argv, copy), cases[i].rc);
		CHECK_EQ(v.flag, cases[i].flag);
		CHECK_EQ(v.list.n, cases[i].n_list);
		if (cases[i].text)
			CHECK_STR(v.text, cases[i].text);
		else
			CHECK(!v.text);
		if (cases[i].first)
			CHECK_STR(argv[0], cases[i].first);
	}
}

static void test_stop_early(void)
{
	char *argv[16];
	char copy[128];
	struct values v;

	CHECK_EQ(parse("--flag verb --flag --unknown", true, &v, argv, copy), 3);
	CHECK_STR(argv[1], "--flag");
}

static void test_faults(void)
{
	static const char *const lines[] = { "--nope",   "-x",   "--text",  "-t",
					     "--flag=1", "--=x", "--tex=1", "-tq" };

	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		char *argv[16];
		char copy[128];
		struct values v;

		CHECK_EQ(parse(lines[i], false, &v, argv, copy), -EINVAL);
	}
}

static void test_list_is_bounded(void)
{
	char word[] = "--list=x";
	char *argv[OPTION_LIST_MAX + 2];
	struct values v = { 0 };

	for (size_t i = 0; i <= OPTION_LIST_MAX; i++)
		argv[i] = word;
	argv[OPTION_LIST_MAX + 1] = NULL;
	CHECK_EQ(options_parse(rows, argv, false, &v, NULL), -EINVAL);
	argv[OPTION_LIST_MAX] = NULL;
	v = (struct values){ 0 };
	CHECK_EQ(options_parse(rows, argv, false, &v, NULL), 0);
	CHECK_EQ(v.list.n, OPTION_LIST_MAX);
}

TEST_MAIN(TEST(test_forms), TEST(test_stop_early), TEST(test_faults), TEST(test_list_is_bounded))
