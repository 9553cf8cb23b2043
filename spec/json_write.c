// SPDX-License-Identifier: GPL-2.0-or-later
/* The JSON writer: layout is yajl's, this adds keys, valid UTF-8 and the sticky failure. */
#include "spec/json_write.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <yajl/yajl_gen.h>

#include "spec/base/utf8.h"

static void emit(void *ctx, const char *text, size_t len)
{
	buf_add(ctx, text, len);
}

void json_writer_init(struct json_writer *w, struct buf *out, enum json_style style)
{
	*w = (struct json_writer){ .out = out };
	w->gen = yajl_gen_alloc(NULL);
	if (!w->gen) {
		w->rc = -ENOMEM;
		return;
	}
	(void)yajl_gen_config(w->gen, yajl_gen_print_callback, emit, out);
	if (style == JSON_PRETTY) {
		(void)yajl_gen_config(w->gen, yajl_gen_beautify, 1);
		(void)yajl_gen_config(w->gen, yajl_gen_indent_string, "\t");
	}
}

/* A generator call. It prints to a buf that keeps its own failure: what is left are our mistakes.
 */
static void must(yajl_gen_status status)
{
	assert(status == yajl_gen_status_ok);
	(void)status;
}

/* Writes @s; a byte that does not fit into UTF-8 becomes U+FFFD. */
static void write_text(struct json_writer *w, const char *s)
{
	auto_buf struct buf clean = BUF_INIT;
	const unsigned char *p = (const unsigned char *)s;
	size_t len = strlen(s);

	if (utf8_valid_prefix(s, len) < len) {
		for (size_t i = 0; i < len;) {
			size_t step = utf8_char_len(p + i, len - i);

			if (step)
				buf_add(&clean, p + i, step);
			else
				buf_add_str(&clean, "\xef\xbf\xbd");
			i += step ? step : 1;
		}
		if (buf_failed(&clean)) {
			w->rc = -ENOMEM;
			return;
		}
		p = (const unsigned char *)clean.data;
		len = clean.len;
	}
	must(yajl_gen_string(w->gen, p, len));
}

/* Before each value: its key, when the open container is an object. Returns whether to go on. */
static bool begin(struct json_writer *w, const char *key)
{
	if (w->rc)
		return false;
	assert((key != NULL) == (w->depth > 0 && !w->is_array[w->depth - 1]));
	if (key)
		write_text(w, key);
	return w->rc == 0;
}

static void push(struct json_writer *w, bool is_array)
{
	assert(w->depth < JSON_WRITE_DEPTH);
	w->is_array[w->depth++] = is_array;
}

void json_write_object(struct json_writer *w, const char *key)
{
	if (!begin(w, key))
		return;
	must(yajl_gen_map_open(w->gen));
	push(w, false);
}

void json_write_array(struct json_writer *w, const char *key)
{
	if (!begin(w, key))
		return;
	must(yajl_gen_array_open(w->gen));
	push(w, true);
}

void json_write_end(struct json_writer *w)
{
	if (w->rc)
		return;
	assert(w->depth > 0);
	w->depth--;
	must(w->is_array[w->depth] ? yajl_gen_array_close(w->gen) : yajl_gen_map_close(w->gen));
}

void json_write_str(struct json_writer *w, const char *key, const char *s)
{
	if (!s)
		json_write_null(w, key);
	else if (begin(w, key))
		write_text(w, s);
}

static void write_number(struct json_writer *w, const char *key, const char *text)
{
	if (begin(w, key))
		must(yajl_gen_number(w->gen, text, strlen(text)));
}

void json_write_i64(struct json_writer *w, const char *key, int64_t v)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%jd", (intmax_t)v);
	write_number(w, key, text);
}

void json_write_u64(struct json_writer *w, const char *key, uint64_t v)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%ju", (uintmax_t)v);
	write_number(w, key, text);
}

void json_write_milli(struct json_writer *w, const char *key, uint64_t v)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "%ju.%03ju", (uintmax_t)(v / 1000),
		       (uintmax_t)(v % 1000));
	write_number(w, key, text);
}

void json_write_bool(struct json_writer *w, const char *key, bool v)
{
	if (begin(w, key))
		must(yajl_gen_bool(w->gen, v));
}

void json_write_null(struct json_writer *w, const char *key)
{
	if (begin(w, key))
		must(yajl_gen_null(w->gen));
}

void json_write_strv(struct json_writer *w, const char *key, const struct strv *v)
{
	json_write_array(w, key);
	for (size_t i = 0; i < v->n; i++)
		json_write_str(w, NULL, v->v[i]);
	json_write_end(w);
}

int json_writer_finish(struct json_writer *w)
{
	assert(w->rc || w->depth == 0);
	if (w->gen)
		yajl_gen_free(w->gen);
	w->gen = NULL;
	if (w->rc)
		return w->rc;
	return buf_failed(w->out) ? -ENOMEM : 0;
}
