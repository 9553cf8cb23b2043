// SPDX-License-Identifier: GPL-2.0-or-later
/* Reads that several parts of a config have in common. */
#include "spec/parse_internal.h"

void *parse_alloc(struct json_reader *r, size_t n, size_t size)
{
	void *p;

	if (r->rc || n == 0)
		return NULL;
	p = arena_alloc(r->arena, n, size);
	if (!p)
		json_no_memory(r);
	return p;
}

void parse_str(struct json_reader *r, const struct json *obj, const char *key, const char **out)
{
	const char *text;

	if (json_get_str(r, obj, key, &text) && *text)
		*out = text;
}

void parse_str_required(struct json_reader *r, const struct json *obj, const char *key,
			const char **out)
{
	const struct json *m = json_require(r, obj, key);

	if (!m || !json_as_str(r, m, out))
		return;
	if (!**out)
		json_fail(r, m, "must not be empty");
}

void parse_opt_bool(struct json_reader *r, const struct json *obj, const char *key,
		    struct opt_bool *out)
{
	if (json_get_bool(r, obj, key, &out->v))
		out->is_set = true;
}

void parse_opt_u64(struct json_reader *r, const struct json *obj, const char *key, uint64_t max,
		   struct opt_u64 *out)
{
	if (json_get_u64(r, obj, key, max, &out->v))
		out->is_set = true;
}

void parse_opt_u32(struct json_reader *r, const struct json *obj, const char *key, uint32_t max,
		   struct opt_u32 *out)
{
	uint64_t v;

	if (!json_get_u64(r, obj, key, max, &v))
		return;
	out->v = (uint32_t)v;
	out->is_set = true;
}

void parse_opt_i64(struct json_reader *r, const struct json *obj, const char *key,
		   struct json_range range, struct opt_i64 *out)
{
	if (json_get_i64(r, obj, key, range, &out->v))
		out->is_set = true;
}

void parse_u32(struct json_reader *r, const struct json *obj, const char *key, uint32_t *out)
{
	const struct json *m = json_require(r, obj, key);
	uint64_t v;

	if (m && json_as_u64(r, m, UINT32_MAX, &v))
		*out = (uint32_t)v;
}

void parse_i64(struct json_reader *r, const struct json *obj, const char *key,
	       struct json_range range, int64_t *out)
{
	if (json_require(r, obj, key))
		(void)json_get_i64(r, obj, key, range, out);
}

bool parse_name(struct json_reader *r, const struct json *node, const struct name_table *t,
		uint64_t *out)
{
	const char *name;

	if (!node || !json_as_str(r, node, &name))
		return false;
	if (name_table_find(t, name, out))
		return true;
	json_fail(r, node, "'%s' is not known", name);
	return false;
}

void parse_flags(struct json_reader *r, const struct json *obj, const char *key,
		 const struct name_table *t, uint64_t *out)
{
	const struct json *list = json_get_array(r, obj, key);

	for (const struct json *e = json_first(list); e; e = json_next(e)) {
		uint64_t bit;

		if (parse_name(r, e, t, &bit))
			*out |= bit;
	}
}

static void parse_id_map(struct json_reader *r, const struct json *obj, struct config_id_map *out)
{
	if (!json_check_object(r, obj))
		return;
	parse_u32(r, obj, "containerID", &out->container_id);
	parse_u32(r, obj, "hostID", &out->host_id);
	parse_u32(r, obj, "size", &out->size);
}

void parse_id_maps(struct json_reader *r, const struct json *obj, const char *key,
		   struct config_id_maps *out)
{
	PARSE_LIST(r, json_get_array(r, obj, key), out, parse_id_map);
}
