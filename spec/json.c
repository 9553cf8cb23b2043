// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * JSON text to a tree. yajl is the tokenizer; the tree is ours, because
 * yajl's own loses string lengths, parents and duplicate keys. One pass over the raw text comes
 * first and refuses what yajl lets through: loose UTF-8, \u0000, lone surrogates.
 */
#include "spec/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_parse.h>

#include "spec/base/num.h"
#include "spec/base/utf8.h"
#include "spec/json_internal.h"

struct json_doc {
	struct arena nodes;
	struct json *root;
	size_t n_nodes;
};

/* What the tokenizer's callbacks share. */
struct builder {
	struct json_reader *r;
	struct json_doc *doc;
	struct json *open;                  /* innermost array or object */
	struct json *outer[JSON_MAX_DEPTH]; /* what was open when each of those inside it began */
	unsigned int depth;
	const char *key; /* seen, its value not yet */
	size_t key_len;
};

/* ---- the raw text ---------------------------------------------------------------------------- */

/* The value of a \uXXXX escape at @p, or -1 when it is none. */
static int unicode_escape(const char *p, size_t left)
{
	char hex[5] = { 0 };
	uint64_t v;

	if (left < 6 || p[0] != '\\' || p[1] != 'u')
		return -1;
	memcpy(hex, p + 2, 4);
	return num_u64_base(hex, 16, 0, 0xffff, &v) < 0 ? -1 : (int)v;
}

/* What is wrong with the escape at @p, or NULL; *@out_len is its length, pairs as one. */
static const char *check_escape(const char *p, size_t left, size_t *out_len)
{
	int high;
	int low;

	*out_len = left < 2 ? left : 2;
	if (left < 2 || p[1] != 'u')
		return NULL; /* bad letters are the tokenizer's to refuse */
	high = unicode_escape(p, left);
	if (high < 0)
		return "must have four hexadecimal digits";
	if (high == 0)
		return "must not be a NUL character";
	*out_len = 6;
	if (high < 0xd800 || high > 0xdfff)
		return NULL;
	low = high < 0xdc00 ? unicode_escape(p + 6, left - 6) : -1;
	if (low < 0xdc00 || low > 0xdfff)
		return "must not be half of a surrogate pair";
	*out_len = 12;
	return NULL;
}

/* Fails with the line and column of @offset. */
static void fail_at(struct json_reader *r, const char *text, size_t offset, const char *what)
{
	size_t line = 1;
	size_t column = 1;

	if (r->rc)
		return;
	for (size_t i = 0; i < offset; i++) {
		column++;
		if (text[i] == '\n') {
			line++;
			column = 1;
		}
	}
	r->rc = err_set(r->err, -EINVAL, "line %zu, column %zu: %s", line, column, what);
}

static bool check_text(struct json_reader *r, const char *text, size_t len)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t i = 0;

	while (i < len) {
		size_t step = 1;

		if (p[i] == '\\') {
			const char *fault = check_escape(text + i, len - i, &step);

			if (fault) {
				char what[80];

				(void)snprintf(what, sizeof(what), "an escape %s", fault);
				fail_at(r, text, i, what);
				return false;
			}
		} else if (p[i] >= 0x80) {
			step = utf8_char_len(p + i, len - i);
			if (!step) {
				fail_at(r, text, i, "text must be UTF-8");
				return false;
			}
		}
		i += step;
	}
	return true;
}

/* ---- the tree -------------------------------------------------------------------------------- */

/* A new node as the next child of the open container. NULL: r->rc is set. */
static struct json *add_node(struct builder *b, enum json_kind kind)
{
	struct json *parent = b->open;
	struct json *node;

	if (b->doc->n_nodes++ >= JSON_MAX_NODES) {
		json_fail(b->r, parent, "the document has more than %d values", JSON_MAX_NODES);
		return NULL;
	}
	node = arena_alloc(&b->doc->nodes, 1, sizeof(*node));
	if (!node) {
		json_no_memory(b->r);
		return NULL;
	}
	node->kind = kind;
	node->parent = parent;
	node->key = b->key;
	node->key_len = b->key_len;
	b->key = NULL;
	b->key_len = 0;
	if (!parent) {
		b->doc->root = node;
		return node;
	}
	node->index = parent->n++;
	if (parent->last)
		parent->last->next = node;
	else
		parent->first = node;
	parent->last = node;
	return node;
}

/* For the tokenizer: 1 = go on, 0 = stop. */
static int open_container(struct builder *b, enum json_kind kind)
{
	struct json *node = add_node(b, kind);

	if (!node)
		return 0;
	if (b->depth == JSON_MAX_DEPTH) {
		json_fail(b->r, node, "is nested deeper than %d levels", JSON_MAX_DEPTH);
		return 0;
	}
	b->outer[b->depth++] = b->open;
	b->open = node;
	return 1;
}

static int close_container(struct builder *b)
{
	b->open = b->outer[--b->depth];
	return 1;
}

static int by_key(const void *a, const void *b)
{
	const struct json *const *x = a;
	const struct json *const *y = b;
	int diff = strcmp((*x)->key, (*y)->key);

	if (diff == 0)
		diff = (*x)->index < (*y)->index ? -1 : 1;
	return diff;
}

/* The second of two members of @obj with one name, or NULL. Sorts when there are many. */
static const struct json *find_duplicate(struct builder *b, const struct json *obj)
{
	enum { FEW = 12 };
	const struct json **sorted;
	size_t i = 0;

	if (obj->n <= FEW) {
		for (const struct json *m = obj->first; m; m = m->next) {
			for (const struct json *k = obj->first; k != m; k = k->next) {
				if (k->key_len == m->key_len && str_eq(k->key, m->key))
					return m;
			}
		}
		return NULL;
	}
	sorted = arena_alloc(&b->doc->nodes, obj->n, sizeof(struct json *));
	if (!sorted) {
		json_no_memory(b->r);
		return NULL;
	}
	for (const struct json *m = obj->first; m; m = m->next)
		sorted[i++] = m;
	qsort(sorted, i, sizeof(struct json *), by_key);
	for (i = 1; i < obj->n; i++) {
		if (str_eq(sorted[i - 1]->key, sorted[i]->key))
			return sorted[i];
	}
	return NULL;
}

static int on_null(void *ctx)
{
	return add_node(ctx, JSON_NULL) != NULL;
}

static int on_boolean(void *ctx, int truth)
{
	struct json *node = add_node(ctx, JSON_BOOL);

	if (!node)
		return 0;
	node->truth = truth != 0;
	return 1;
}

static int on_number(void *ctx, const char *text, size_t len)
{
	struct builder *b = ctx;
	struct json *node = add_node(b, JSON_NUMBER);

	if (!node)
		return 0;
	node->text = arena_strndup(&b->doc->nodes, text, len);
	if (!node->text)
		json_no_memory(b->r);
	return b->r->rc == 0;
}

static int on_string(void *ctx, const unsigned char *text, size_t len)
{
	struct builder *b = ctx;
	struct json *node = add_node(b, JSON_STRING);

	if (!node)
		return 0;
	node->text = arena_strndup(b->r->arena, (const char *)text, len);
	if (!node->text)
		json_no_memory(b->r);
	return b->r->rc == 0;
}

static int on_key(void *ctx, const unsigned char *text, size_t len)
{
	struct builder *b = ctx;

	b->key = arena_strndup(&b->doc->nodes, (const char *)text, len);
	b->key_len = len;
	if (!b->key)
		json_no_memory(b->r);
	return b->r->rc == 0;
}

static int on_object(void *ctx)
{
	return open_container(ctx, JSON_OBJECT);
}

static int on_object_end(void *ctx)
{
	struct builder *b = ctx;
	const struct json *twice = find_duplicate(b, b->open);

	if (twice)
		json_fail(b->r, twice, "is given twice");
	return b->r->rc == 0 && close_container(b);
}

static int on_array(void *ctx)
{
	return open_container(ctx, JSON_ARRAY);
}

static int on_array_end(void *ctx)
{
	return close_container(ctx);
}

static const yajl_callbacks callbacks = {
	.yajl_null = on_null,
	.yajl_boolean = on_boolean,
	.yajl_number = on_number, /* the text: 64-bit values would lose digits as doubles */
	.yajl_string = on_string,
	.yajl_start_map = on_object,
	.yajl_map_key = on_key,
	.yajl_end_map = on_object_end,
	.yajl_start_array = on_array,
	.yajl_end_array = on_array_end,
};

/* The tokenizer's complaint, one line, at @offset. */
static void fail_syntax(struct builder *b, yajl_handle h, const char *text, size_t offset)
{
	unsigned char *why = yajl_get_error(h, 0, NULL, 0);

	if (why) {
		why[strcspn((char *)why, "\n")] = '\0';
		fail_at(b->r, text, offset, (const char *)why);
		yajl_free_error(h, why);
	} else {
		json_no_memory(b->r);
	}
}

static void run_tokenizer(struct builder *b, const char *text, size_t len)
{
	yajl_handle h = yajl_alloc(&callbacks, NULL, b);
	yajl_status status;
	size_t offset;

	if (!h) {
		json_no_memory(b->r);
		return;
	}
	status = yajl_parse(h, (const unsigned char *)text, len);
	offset = yajl_get_bytes_consumed(h);
	if (status == yajl_status_ok) {
		status = yajl_complete_parse(h);
		offset = len; /* what is wrong now is that the text ends */
	}
	if (status != yajl_status_ok && b->r->rc == 0)
		fail_syntax(b, h, text, offset < len ? offset : len);
	yajl_free(h);
}

struct json_doc *json_doc_parse(struct json_reader *r, const char *text, size_t len)
{
	struct builder b = { .r = r };
	struct json_doc *doc;

	if (r->rc)
		return NULL;
	if (len > JSON_MAX_BYTES) {
		r->rc =
		    err_set(r->err, -EFBIG, "the document is longer than %d bytes", JSON_MAX_BYTES);
		return NULL;
	}
	if (!check_text(r, text, len))
		return NULL;
	doc = calloc(1, sizeof(*doc));
	if (!doc) {
		json_no_memory(r);
		return NULL;
	}
	b.doc = doc;
	run_tokenizer(&b, text, len);
	if (r->rc) {
		json_doc_free(doc);
		return NULL;
	}
	return doc;
}

void json_doc_free(struct json_doc *doc)
{
	if (!doc)
		return;
	arena_fini(&doc->nodes);
	free(doc);
}

const struct json *json_doc_root(const struct json_doc *doc)
{
	return doc->root;
}
