// SPDX-License-Identifier: GPL-2.0-or-later
/* The "hooks" object. */
#include <limits.h>

#include "spec/parse_internal.h"

static void parse_hook(struct json_reader *r, const struct json *obj, struct config_hook *out)
{
	int64_t timeout_s = 0;

	if (!json_check_object(r, obj))
		return;
	parse_str_required(r, obj, "path", &out->path);
	(void)json_get_strv(r, obj, "args", &out->args);
	(void)json_get_strv(r, obj, "env", &out->env);
	if (json_get_i64(r, obj, "timeout", (struct json_range){ 1, INT_MAX }, &timeout_s)) {
		out->timeout_s.v = (uint32_t)timeout_s;
		out->timeout_s.is_set = true;
	}
}

void parse_hooks(struct json_reader *r, const struct json *obj, struct config_hooks *out)
{
	for (size_t i = 0; i < table_hooks.n; i++) {
		const struct name_value *kind = &table_hooks.items[i];

		PARSE_LIST(r, json_get_array(r, obj, kind->name), &out[kind->value], parse_hook);
	}
}
