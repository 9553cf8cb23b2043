// SPDX-License-Identifier: GPL-2.0-or-later
/* Typed reads from the tree, and faults with the path of the value. */
#include <stdio.h>
#include <string.h>

#include "spec/base/num.h"
#include "spec/json_internal.h"

/* Writes the path of @node, outermost part first; a path that does not fit is cut at its end. */
static void format_path(const struct json *node, char *out, size_t size)
{
	const struct json *chain[JSON_MAX_DEPTH + 2] = { NULL };
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
		v[i++] = e->text;
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
