// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * JSON text to a tree, and typed reads from it. yajl is the tokenizer; the tree is ours, because
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

enum json_kind { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json {
	enum json_kind kind;
	bool truth;       /* JSON_BOOL */
	size_t index;     /* in the parent */
	size_t n;         /* children */
	size_t key_len;   /* of key */
	const char *key;  /* NULL but for members of an object */
	const char *text; /* JSON_STRING: in the reader's arena; JSON_NUMBER: as it was written */
	const struct json *parent;
	struct json *first, *last, *next;
};

struct json_doc {
	struct arena nodes;
	struct json *root;
	size_t n_nodes;
};

/* What the tokenizer's callbacks share. */
struct builder {
	struct json_reader *r;
	struct json_doc *doc;
	struct json *open; /* innermost array or object */
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
	if (++b->depth > JSON_MAX_DEPTH) {
		json_fail(b->r, node, "is nested deeper than %d levels", JSON_MAX_DEPTH);
		return 0;
	}
	b->open = node;
	return 1;
}

static int close_container(struct builder *b)
{
	b->depth--;
	/* The tree is ours to change while it is built; readers see it const. */
	b->open = (struct json *)(uintptr_t)b->open->parent;
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

/* The tokenizer's complaint, one line, at the place where it stopped. */
static void fail_syntax(struct builder *b, yajl_handle h, const char *text, size_t len)
{
	size_t offset = yajl_get_bytes_consumed(h);
	unsigned char *why = yajl_get_error(h, 0, (const unsigned char *)text, len);

	if (why) {
		why[strcspn((char *)why, "\n")] = '\0';
		fail_at(b->r, text, offset > len ? len : offset, (const char *)why);
		yajl_free_error(h, why);
	} else {
		json_no_memory(b->r);
	}
}

static void run_tokenizer(struct builder *b, const char *text, size_t len)
{
	yajl_handle h = yajl_alloc(&callbacks, NULL, b);
	yajl_status status;

	if (!h) {
		json_no_memory(b->r);
		return;
	}
	status = yajl_parse(h, (const unsigned char *)text, len);
	if (status == yajl_status_ok)
		status = yajl_complete_parse(h);
	if (status != yajl_status_ok && b->r->rc == 0)
		fail_syntax(b, h, text, len);
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

/* ---- faults ---------------------------------------------------------------------------------- */

/* Writes the path of @node, outermost part first; a path that does not fit is cut at its end. */
static void format_path(const struct json *node, char *out, size_t size)
{
	const struct json *chain[JSON_MAX_DEPTH + 2];
	size_t n = 0;
	size_t len = 0;

	for (; node && node->parent && n < ARRAY_LEN(chain); node = node->parent)
		chain[n++] = node;
	(void)snprintf(out, size, "/");
	while (n-- && len < size) {
		const struct json *part = chain[n];
		int wrote = part->key ? snprintf(out + len, size - len, "/%s", part->key)
				      : snprintf(out + len, size - len, "/%zu", part->index);

		len += wrote > 0 ? (size_t)wrote : 0;
	}
}

void json_fail(struct json_reader *r, const struct json *node, const char *fmt, ...)
{
	char path[ERR_MSG_MAX / 2];
	va_list ap;

	if (r->rc)
		return;
	va_start(ap, fmt);
	r->rc = err_vset(r->err, -EINVAL, fmt, ap);
	va_end(ap);
	format_path(node, path, sizeof(path));
	r->rc = err_wrap(r->err, r->rc, "%s", path);
}

void json_no_memory(struct json_reader *r)
{
	if (r->rc == 0)
		r->rc = err_code(r->err, -ENOMEM, "read the document");
}

/* ---- reads ----------------------------------------------------------------------------------- */

bool json_check_object(struct json_reader *r, const struct json *node)
{
	if (r->rc)
		return false;
	if (node->kind != JSON_OBJECT)
		json_fail(r, node, "must be an object");
	return r->rc == 0;
}

const struct json *json_get(const struct json *obj, const char *key)
{
	size_t len = strlen(key);

	if (!obj || obj->kind != JSON_OBJECT)
		return NULL;
	for (const struct json *m = obj->first; m; m = m->next) {
		if (m->key_len == len && memcmp(m->key, key, len) == 0)
			return m->kind == JSON_NULL ? NULL : m;
	}
	return NULL;
}

const struct json *json_require(struct json_reader *r, const struct json *obj, const char *key)
{
	const struct json *m = json_get(obj, key);

	if (r->rc)
		return NULL;
	if (!m && obj) {
		const struct json missing = { .parent = obj, .key = key };

		json_fail(r, &missing, "is required");
	}
	return m;
}

/* The member @key of @obj, which must be of @kind. */
static const struct json *get_kind(struct json_reader *r, const struct json *obj, const char *key,
				   enum json_kind kind)
{
	static const char *const kinds[] = {
		[JSON_NULL] = "null",       [JSON_BOOL] = "true or false",
		[JSON_NUMBER] = "a number", [JSON_STRING] = "a string",
		[JSON_ARRAY] = "an array",  [JSON_OBJECT] = "an object",
	};
	const struct json *m = r->rc ? NULL : json_get(obj, key);

	if (m && m->kind != kind) {
		json_fail(r, m, "must be %s", kinds[kind]);
		return NULL;
	}
	return m;
}

const struct json *json_get_object(struct json_reader *r, const struct json *obj, const char *key)
{
	return get_kind(r, obj, key, JSON_OBJECT);
}

const struct json *json_get_array(struct json_reader *r, const struct json *obj, const char *key)
{
	return get_kind(r, obj, key, JSON_ARRAY);
}

const struct json *json_get_str(struct json_reader *r, const struct json *obj, const char *key,
				const char **out)
{
	const struct json *m = get_kind(r, obj, key, JSON_STRING);

	if (m)
		*out = m->text;
	return m;
}

const struct json *json_get_bool(struct json_reader *r, const struct json *obj, const char *key,
				 bool *out)
{
	const struct json *m = get_kind(r, obj, key, JSON_BOOL);

	if (m)
		*out = m->truth;
	return m;
}

/* A number that is written as an integer; else it fails. */
static bool check_integer(struct json_reader *r, const struct json *node)
{
	if (r->rc)
		return false;
	if (node->kind != JSON_NUMBER)
		json_fail(r, node, "must be a number");
	else if (strpbrk(node->text, ".eE"))
		json_fail(r, node, "must be written without fraction or exponent, not as %s",
			  node->text);
	return r->rc == 0;
}

bool json_as_u64(struct json_reader *r, const struct json *node, uint64_t max, uint64_t *out)
{
	if (!check_integer(r, node))
		return false;
	if (num_u64(node->text, 0, max, out) < 0)
		json_fail(r, node, "must be from 0 to %ju, not %s", (uintmax_t)max, node->text);
	return r->rc == 0;
}

const struct json *json_get_u64(struct json_reader *r, const struct json *obj, const char *key,
				uint64_t max, uint64_t *out)
{
	const struct json *m = r->rc ? NULL : json_get(obj, key);

	return m && json_as_u64(r, m, max, out) ? m : NULL;
}

const struct json *json_get_i64(struct json_reader *r, const struct json *obj, const char *key,
				struct json_range range, int64_t *out)
{
	const struct json *m = r->rc ? NULL : json_get(obj, key);

	if (!m || !check_integer(r, m))
		return NULL;
	if (num_i64(m->text, range.min, range.max, out) < 0) {
		json_fail(r, m, "must be from %jd to %jd, not %s", (intmax_t)range.min,
			  (intmax_t)range.max, m->text);
		return NULL;
	}
	return m;
}

bool json_as_str(struct json_reader *r, const struct json *node, const char **out)
{
	if (r->rc)
		return false;
	if (node->kind != JSON_STRING) {
		json_fail(r, node, "must be a string");
		return false;
	}
	*out = node->text;
	return true;
}

const struct json *json_get_strv(struct json_reader *r, const struct json *obj, const char *key,
				 struct strv *out)
{
	const struct json *m = json_get_array(r, obj, key);
	char **v;
	size_t i = 0;

	if (!m)
		return NULL;
	v = arena_alloc(r->arena, m->n + 1, sizeof(*v));
	if (!v) {
		json_no_memory(r);
		return NULL;
	}
	for (const struct json *e = m->first; e; e = e->next) {
		const char *text;

		if (!json_as_str(r, e, &text))
			return NULL;
		v[i++] = (char *)(uintptr_t)text; /* it is in the reader's arena, not the node's */
	}
	out->v = v;
	out->n = i;
	return m;
}

size_t json_count(const struct json *node)
{
	return node ? node->n : 0;
}

const struct json *json_first(const struct json *node)
{
	return node ? node->first : NULL;
}

const struct json *json_next(const struct json *node)
{
	return node->next;
}

const char *json_key(const struct json *node)
{
	return node->key;
}
