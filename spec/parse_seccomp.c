// SPDX-License-Identifier: GPL-2.0-or-later
/* The "seccomp" object. An action and its errno become one SCMP_ACT_* value. */
#include <seccomp.h>

#include "spec/parse_internal.h"

enum { MAX_ERRNO = 4095 }; /* the kernel cuts larger values of SECCOMP_RET_ERRNO to this */

/* Reads @obj[@key] and the errno beside it; absent, the errno is EPERM. */
static void parse_action(struct json_reader *r, const struct json *obj, const char *key,
			 const char *errno_key, uint32_t *out)
{
	const struct json *node = json_require(r, obj, key);
	uint64_t data = EPERM;
	uint64_t action;
	bool has_data;
	bool is_errno;
	bool is_trace;

	if (!parse_name(r, node, &table_seccomp_actions, &action))
		return;
	is_errno = action == SCMP_ACT_ERRNO(0);
	is_trace = action == SCMP_ACT_TRACE(0);
	has_data = json_get_u64(r, obj, errno_key, is_errno ? MAX_ERRNO : UINT16_MAX, &data);
	if (has_data && !is_errno && !is_trace)
		json_fail(r, json_get(obj, errno_key), "%s takes no errno",
			  name_table_name(&table_seccomp_actions, action));
	*out = (uint32_t)(is_errno || is_trace ? action | data : action);
}

static void parse_arch(struct json_reader *r, const struct json *node, uint32_t *out)
{
	uint64_t token;

	if (parse_name(r, node, &table_seccomp_archs, &token))
		*out = (uint32_t)token;
}

static void parse_arg(struct json_reader *r, const struct json *obj, struct config_seccomp_arg *out)
{
	const struct json *m;
	uint64_t v = 0;

	if (!json_check_object(r, obj))
		return;
	m = json_require(r, obj, "index");
	if (m && json_as_u64(r, m, 5, &v))
		out->index = (uint32_t)v;
	m = json_require(r, obj, "value");
	if (m)
		(void)json_as_u64(r, m, UINT64_MAX, &out->value);
	(void)json_get_u64(r, obj, "valueTwo", UINT64_MAX, &out->value_two);
	if (parse_name(r, json_require(r, obj, "op"), &table_seccomp_ops, &v))
		out->op = (uint32_t)v;
}

static void parse_rule(struct json_reader *r, const struct json *obj,
		       struct config_seccomp_rule *out)
{
	if (!json_check_object(r, obj))
		return;
	if (json_require(r, obj, "names"))
		(void)json_get_strv(r, obj, "names", &out->names);
	parse_action(r, obj, "action", "errnoRet", &out->action);
	PARSE_LIST(r, json_get_array(r, obj, "args"), &out->args, parse_arg);
}

void parse_seccomp(struct json_reader *r, const struct json *obj, struct config_seccomp *out)
{
	uint64_t flags = 0;

	parse_action(r, obj, "defaultAction", "defaultErrnoRet", &out->default_action);
	PARSE_LIST(r, json_get_array(r, obj, "architectures"), &out->archs, parse_arch);
	out->has_flags = json_get_array(r, obj, "flags") != NULL;
	parse_flags(r, obj, "flags", &table_seccomp_flags, &flags);
	out->flags = (uint32_t)flags;
	parse_str(r, obj, "listenerPath", &out->listener_path);
	parse_str(r, obj, "listenerMetadata", &out->listener_metadata);
	PARSE_LIST(r, json_get_array(r, obj, "syscalls"), &out->rules, parse_rule);
}
