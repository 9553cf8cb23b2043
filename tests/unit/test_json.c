// SPDX-License-Identifier: GPL-2.0-or-later
/* Strict JSON: what is refused as text is in tests/data/bad; here are the reads and the caps. */
#include "spec/json.h"

#include <errno.h>

#include "spec/base/buf.h"
#include "spec/base/cleanup.h"
#include "tests/unit/test.h"

struct rig {
	struct arena arena;
	struct err err;
	struct json_reader r;
	struct json_doc *doc;
	const struct json *root;
};

static void rig_open(struct rig *g, const char *text)
{
	memset(g, 0, sizeof(*g));
	g->r = (struct json_reader){ .arena = &g->arena, .err = &g->err };
	g->doc = json_doc_parse(&g->r, text, strlen(text));
	g->root = g->doc ? json_doc_root(g->doc) : NULL;
}

static void rig_close(struct rig *g)
{
	json_doc_free(g->doc);
	arena_fini(&g->arena);
}

static void test_tree(void)
{
	const struct json *list;
	struct rig g;

	rig_open(&g, " {\"a\":[1,\"x\",null,{\"b\":true}],\"z\":null} ");
	CHECK(json_check_object(&g.r, g.root));
	CHECK_EQ(json_count(g.root), 2);
	list = json_get_array(&g.r, g.root, "a");
	CHECK_EQ(json_count(list), 4);
	CHECK_STR(json_key(list), "a");
	CHECK_STR(json_key(json_next(list)), "z");
	CHECK_STR(json_key(json_first(list)), NULL);
	CHECK(json_next(json_next(list)) == NULL);
	CHECK(json_get(g.root, "z") == NULL); /* null is absent */
	CHECK(json_get(g.root, "none") == NULL);
	CHECK(json_get(list, "a") == NULL); /* no object */
	CHECK(json_get(NULL, "a") == NULL && json_count(NULL) == 0 && json_first(NULL) == NULL);
	CHECK_EQ(g.r.rc, 0);
	rig_close(&g);
}

static void test_strings(void)
{
	struct strv v = { 0 };
	const char *s = "kept";
	struct rig g;

	rig_open(&g, "{\"s\":\"a\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud83d\\ude00\",\"e\":\"\","
		     "\"v\":[\"x\",\"y\"],\"n\":[]}");
	CHECK(json_get_str(&g.r, g.root, "none", &s) == NULL);
	CHECK_STR(s, "kept");
	CHECK(json_get_str(&g.r, g.root, "s", &s));
	CHECK_STR(s, "a\"\\/\b\f\n\r\t\xc3\xa9\xf0\x9f\x98\x80");
	CHECK(json_get_str(&g.r, g.root, "e", &s));
	CHECK_STR(s, "");
	CHECK(json_get_strv(&g.r, g.root, "v", &v));
	CHECK_EQ(v.n, 2);
	CHECK_STR(v.v[1], "y");
	CHECK(v.v[2] == NULL);
	CHECK(json_get_strv(&g.r, g.root, "n", &v));
	CHECK(v.n == 0 && v.v && v.v[0] == NULL);
	json_doc_free(g.doc); /* strings outlive the document */
	g.doc = NULL;
	CHECK_STR(s, "");
	rig_close(&g);
}

static void test_numbers(void)
{
	static const struct {
		const char *text;
		uint64_t max;
		const char *msg; /* NULL: it is read */
		uint64_t want;
	} cases[] = {
		{ "0", 0, NULL, 0 },
		{ "-0", 9, "/n: must be from 0 to 9, not -0", 0 },
		{ "18446744073709551615", UINT64_MAX, NULL, UINT64_MAX },
		{ "18446744073709551616", UINT64_MAX,
		  "/n: must be from 0 to 18446744073709551615, not 18446744073709551616", 0 },
		{ "10", 9, "/n: must be from 0 to 9, not 10", 0 },
		{ "-1", 9, "/n: must be from 0 to 9, not -1", 0 },
		{ "1.0", 9, "/n: must be written without fraction or exponent, not as 1.0", 0 },
		{ "1E1", 99, "/n: must be written without fraction or exponent, not as 1E1", 0 },
		{ "\"1\"", 9, "/n: must be a number", 0 },
		{ "true", 9, "/n: must be a number", 0 },
		{ "01", 9,
		  "line 1, column 7: parse error: after key and value, inside map, I expect "
		  "',' or '}'",
		  0 },
		{ "+1", 9, "line 1, column 7: lexical error: invalid char in json text.", 0 },
		{ "NaN", 9, "line 1, column 7: lexical error: invalid char in json text.", 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[64];
		uint64_t v = 0;
		struct rig g;

		(void)snprintf(text, sizeof(text), "{\"n\":%s}", cases[i].text);
		rig_open(&g, text);
		CHECK((json_get_u64(&g.r, g.root, "n", cases[i].max, &v) != NULL) == !cases[i].msg);
		CHECK(v == cases[i].want);
		CHECK_EQ(g.r.rc, cases[i].msg ? -EINVAL : 0);
		if (cases[i].msg)
			CHECK_STR(g.err.msg, cases[i].msg);
		rig_close(&g);
	}
}

static void test_signed_numbers(void)
{
	int64_t v = 5;
	struct rig g;

	rig_open(&g, "{\"min\":-9223372036854775808,\"low\":-3}");
	CHECK(json_get_i64(&g.r, g.root, "min", (struct json_range){ INT64_MIN, 0 }, &v));
	CHECK(v == INT64_MIN);
	CHECK(!json_get_i64(&g.r, g.root, "none", (struct json_range){ 0, 1 }, &v));
	CHECK(!json_get_i64(&g.r, g.root, "low", (struct json_range){ -2, 7 }, &v));
	CHECK_STR(g.err.msg, "/low: must be from -2 to 7, not -3");
	rig_close(&g);
}

/* After the first failure nothing is read any more, and its text stays. */
static void test_sticky(void)
{
	const char *s = NULL;
	bool b = false;
	uint64_t v = 0;
	int64_t i = 0;
	struct strv list = { 0 };
	struct rig g;

	rig_open(
	    &g, "{\"a\":{\"b c\":[0,{\"d\":\"x\"}]},\"s\":\"x\",\"t\":true,\"n\":1,\"v\":[\"a\"]}");
	CHECK(!json_get_bool(&g.r, g.root, "s", &b));
	CHECK_EQ(g.r.rc, -EINVAL);
	CHECK_EQ(g.err.code, -EINVAL);
	CHECK(!json_get_bool(&g.r, g.root, "t", &b) && !b);
	CHECK(!json_get_str(&g.r, g.root, "s", &s) && !s);
	CHECK(!json_get_u64(&g.r, g.root, "n", 9, &v) && v == 0);
	CHECK(!json_get_i64(&g.r, g.root, "n", (struct json_range){ 0, 9 }, &i) && i == 0);
	CHECK(!json_get_strv(&g.r, g.root, "v", &list) && list.n == 0);
	CHECK(!json_get_object(&g.r, g.root, "a") && !json_require(&g.r, g.root, "s"));
	CHECK(!json_check_object(&g.r, g.root));
	CHECK(!json_as_str(&g.r, json_get(g.root, "s"), &s));
	json_fail(&g.r, g.root, "second");
	json_no_memory(&g.r);
	CHECK_STR(g.err.msg, "/s: must be true or false");
	rig_close(&g);
}

static void test_paths(void)
{
	const struct json *n;
	const char *s;
	struct rig g;

	rig_open(&g, "{\"a\":{\"b c\":[0,{\"d\":\"x\"}]}}");
	n = json_next(json_first(json_get(json_get(g.root, "a"), "b c")));
	CHECK(!json_require(&g.r, n, "e"));
	CHECK_STR(g.err.msg, "/a/b c/1/e: is required");
	rig_close(&g);
	rig_open(&g, "[[\"a\",[]]]");
	n = json_first(json_first(g.root));
	CHECK(json_as_str(&g.r, n, &s));
	CHECK(!json_as_str(&g.r, json_next(n), &s));
	CHECK_STR(g.err.msg, "/0/1: must be a string");
	rig_close(&g);
}

/* A key as long as it likes: the message is cut, not overrun, and stays one line. */
static void test_long_path(void)
{
	auto_buf struct buf text = BUF_INIT;
	const char *s;
	struct rig g;

	buf_add_str(&text, "{\"");
	for (int i = 0; i < 5000; i++)
		buf_add_str(&text, "k\\n");
	buf_add_str(&text, "\":1}");
	rig_open(&g, text.data);
	CHECK(!json_as_str(&g.r, json_first(g.root), &s));
	CHECK(strlen(g.err.msg) < sizeof(g.err.msg));
	CHECK(!strchr(g.err.msg, '\n'));
	CHECK_HAS(g.err.msg, ": must be a string");
	rig_close(&g);
}

static void test_caps(void)
{
	auto_buf struct buf text = BUF_INIT;
	struct rig g;

	buf_add_str(&text, "[0");
	for (int i = 0; i < JSON_MAX_NODES; i++)
		buf_add_str(&text, ",0");
	buf_add_str(&text, "]");
	rig_open(&g, text.data);
	CHECK(!g.doc);
	CHECK_STR(g.err.msg, "/: the document has more than 262144 values");
	rig_close(&g);
	buf_clear(&text);
	for (int i = 0; i <= JSON_MAX_BYTES; i++)
		buf_add_char(&text, ' ');
	rig_open(&g, text.data);
	CHECK_EQ(g.r.rc, -EFBIG);
	rig_close(&g);
	buf_clear(&text);
	for (int i = 0; i < JSON_MAX_DEPTH; i++)
		buf_add_char(&text, '[');
	for (int i = 0; i < JSON_MAX_DEPTH; i++)
		buf_add_char(&text, ']');
	rig_open(&g, text.data);
	CHECK_EQ(g.r.rc, 0); /* one level more is in tests/data/bad */
	rig_close(&g);
}

TEST_MAIN(TEST(test_tree), TEST(test_strings), TEST(test_numbers), TEST(test_signed_numbers),
	  TEST(test_sticky), TEST(test_paths), TEST(test_long_path), TEST(test_caps))
