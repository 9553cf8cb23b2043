// SPDX-License-Identifier: GPL-2.0-or-later
/* The writer: layout, every kind of value, and text that is not UTF-8. */
#include "spec/json_write.h"

#include "tests/unit/test.h"

static void write_sample(struct json_writer *w)
{
	char *items[] = { (char[]){ "x" }, (char[]){ "y" }, NULL };
	const struct strv v = { items, 2 };

	json_write_object(w, NULL);
	json_write_str(w, "s", "a\"b\\c/\n\x01");
	json_write_str(w, "none", NULL);
	json_write_i64(w, "i", INT64_MIN);
	json_write_u64(w, "u", UINT64_MAX);
	json_write_milli(w, "m", 12050);
	json_write_bool(w, "t", true);
	json_write_strv(w, "v", &v);
	json_write_array(w, "a");
	json_write_null(w, NULL);
	json_write_object(w, NULL);
	json_write_end(w);
	json_write_end(w);
	json_write_end(w);
}

static void test_compact(void)
{
	auto_buf struct buf b = BUF_INIT;
	struct json_writer w;

	buf_add_str(&b, "before ");
	json_writer_init(&w, &b, JSON_COMPACT);
	write_sample(&w);
	CHECK_EQ(json_writer_finish(&w), 0);
	CHECK_STR(b.data, "before {\"s\":\"a\\\"b\\\\c/\\n\\u0001\",\"none\":null,"
			  "\"i\":-9223372036854775808,\"u\":18446744073709551615,\"m\":12.050,"
			  "\"t\":true,\"v\":[\"x\",\"y\"],\"a\":[null,{}]}");
}

static void test_pretty(void)
{
	auto_buf struct buf b = BUF_INIT;
	struct json_writer w;

	json_writer_init(&w, &b, JSON_PRETTY);
	json_write_object(&w, NULL);
	json_write_array(&w, "a");
	json_write_u64(&w, NULL, 1);
	json_write_u64(&w, NULL, 2);
	json_write_end(&w);
	json_write_end(&w);
	CHECK_EQ(json_writer_finish(&w), 0);
	CHECK_STR(b.data, "{\n\t\"a\": [\n\t\t1,\n\t\t2\n\t]\n}\n");
}

static void test_bad_utf8(void)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "", "[\"\"]" },
		{ "\xc3\xa9", "[\"\xc3\xa9\"]" },
		{ "\xff", "[\"\xef\xbf\xbd\"]" },
		{ "a\xc3", "[\"a\xef\xbf\xbd\"]" },
		{ "\xc0\xaf!", "[\"\xef\xbf\xbd\xef\xbf\xbd!\"]" },
		{ "\xed\xa0\x80", "[\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"]" },
		{ "\xf0\x9f\x98\x80\x80", "[\"\xf0\x9f\x98\x80\xef\xbf\xbd\"]" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		auto_buf struct buf b = BUF_INIT;
		struct json_writer w;

		json_writer_init(&w, &b, JSON_COMPACT);
		json_write_array(&w, NULL);
		json_write_str(&w, NULL, cases[i].in);
		json_write_end(&w);
		CHECK_EQ(json_writer_finish(&w), 0);
		CHECK_STR(b.data, cases[i].out);
	}
}

/* A buffer that ran out of memory is told at the end. */
static void test_no_memory(void)
{
	struct buf b = { .failed = true };
	struct json_writer w;

	json_writer_init(&w, &b, JSON_COMPACT);
	write_sample(&w);
	CHECK_EQ(json_writer_finish(&w), -ENOMEM);
}

TEST_MAIN(TEST(test_compact), TEST(test_pretty), TEST(test_bad_utf8), TEST(test_no_memory))
