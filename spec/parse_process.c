// SPDX-License-Identifier: GPL-2.0-or-later
/* The process object: config's "process", and the whole of exec's process.json. */
#include <limits.h>

#include "spec/base/log.h"
#include "spec/parse_internal.h"

static void parse_gid(struct json_reader *r, const struct json *node, uint32_t *out)
{
	uint64_t v;

	if (json_as_u64(r, node, UINT32_MAX, &v))
		*out = (uint32_t)v;
}

/* Absent ids are 0: callers in Go leave zeros out, though the specification requires both. */
static void parse_user(struct json_reader *r, const struct json *obj, struct config_user *out)
{
	uint64_t v = 0;

	if (json_get_u64(r, obj, "uid", UINT32_MAX, &v))
		out->uid = (uint32_t)v;
	if (json_get_u64(r, obj, "gid", UINT32_MAX, &v))
		out->gid = (uint32_t)v;
	parse_opt_u32(r, obj, "umask", 0777, &out->umask);
	PARSE_LIST(r, json_get_array(r, obj, "additionalGids"), &out->additional_gids, parse_gid);
}

/*
 * The specification wants a warning for a name that is not known, and no failure. It is a debug
 * line: podman reads the log as one JSON object, and any line beside the error spoils that.
 */
static uint64_t parse_cap_set(struct json_reader *r, const struct json *caps, const char *key)
{
	const struct json *list = json_get_array(r, caps, key);
	uint64_t set = 0;

	for (const struct json *e = json_first(list); e; e = json_next(e)) {
		const char *name;
		uint64_t cap;

		if (!json_as_str(r, e, &name))
			return 0;
		if (name_table_find(&table_capabilities, name, &cap))
			set |= UINT64_C(1) << cap;
		else
			log_debug("capability '%s' is not known, ignoring", name);
	}
	return set;
}

static void parse_caps(struct json_reader *r, const struct json *obj, struct config_process *out)
{
	out->caps = parse_alloc(r, obj != NULL, sizeof(*out->caps));
	if (!out->caps)
		return;
	out->caps->effective = parse_cap_set(r, obj, "effective");
	out->caps->bounding = parse_cap_set(r, obj, "bounding");
	out->caps->inheritable = parse_cap_set(r, obj, "inheritable");
	out->caps->permitted = parse_cap_set(r, obj, "permitted");
	out->caps->ambient = parse_cap_set(r, obj, "ambient");
}

static void parse_rlimit(struct json_reader *r, const struct json *obj, struct config_rlimit *out)
{
	const struct json *m;
	uint64_t v;

	if (!json_check_object(r, obj))
		return;
	if (parse_name(r, json_require(r, obj, "type"), &table_rlimits, &v))
		out->resource = (int)v;
	m = json_require(r, obj, "soft");
	if (m)
		(void)json_as_u64(r, m, UINT64_MAX, &out->soft);
	m = json_require(r, obj, "hard");
	if (m)
		(void)json_as_u64(r, m, UINT64_MAX, &out->hard);
}

static void parse_scheduler(struct json_reader *r, const struct json *obj,
			    struct config_process *process)
{
	const struct json_range i32 = { INT32_MIN, INT32_MAX };
	struct config_scheduler *out = parse_alloc(r, obj != NULL, sizeof(*out));
	uint64_t policy;
	int64_t v = 0;

	process->scheduler = out;
	if (!out)
		return;
	if (parse_name(r, json_require(r, obj, "policy"), &table_sched_policies, &policy))
		out->policy = (uint32_t)policy;
	if (json_get_i64(r, obj, "nice", i32, &v))
		out->nice = (int32_t)v;
	if (json_get_i64(r, obj, "priority", i32, &v))
		out->priority = (int32_t)v;
	parse_flags(r, obj, "flags", &table_sched_flags, &out->flags);
	(void)json_get_u64(r, obj, "runtime", UINT64_MAX, &out->runtime_ns);
	(void)json_get_u64(r, obj, "deadline", UINT64_MAX, &out->deadline_ns);
	(void)json_get_u64(r, obj, "period", UINT64_MAX, &out->period_ns);
}

static void parse_io_priority(struct json_reader *r, const struct json *obj,
			      struct config_process *process)
{
	struct config_io_priority *out = parse_alloc(r, obj != NULL, sizeof(*out));
	uint64_t class;
	int64_t v = 0;

	process->io_priority = out;
	if (!out)
		return;
	if (parse_name(r, json_require(r, obj, "class"), &table_ioprio_classes, &class))
		out->class = (int)class;
	parse_i64(r, obj, "priority", (struct json_range){ 0, 7 }, &v);
	out->priority = (int)v;
}

/* Read only with a terminal: without one the specification says to ignore whatever is there. */
static void parse_console_size(struct json_reader *r, const struct json *obj,
			       struct config_process *out)
{
	const struct json_range u16 = { 0, UINT16_MAX };
	int64_t height = 0;
	int64_t width = 0;

	if (!out->terminal || !obj)
		return;
	parse_i64(r, obj, "height", u16, &height);
	parse_i64(r, obj, "width", u16, &width);
	out->console_size.height = (uint16_t)height;
	out->console_size.width = (uint16_t)width;
	out->console_size.is_set = height != 0 && width != 0;
}

void parse_process(struct json_reader *r, const struct json *obj, struct config_process *out)
{
	const struct json *affinity;

	(void)json_get_bool(r, obj, "terminal", &out->terminal);
	parse_console_size(r, json_get_object(r, obj, "consoleSize"), out);
	parse_user(r, json_get_object(r, obj, "user"), &out->user);
	(void)json_get_strv(r, obj, "args", &out->args);
	(void)json_get_strv(r, obj, "env", &out->env);
	parse_str_required(r, obj, "cwd", &out->cwd);
	parse_caps(r, json_get_object(r, obj, "capabilities"), out);
	PARSE_LIST(r, json_get_array(r, obj, "rlimits"), &out->rlimits, parse_rlimit);
	(void)json_get_bool(r, obj, "noNewPrivileges", &out->no_new_privileges);
	parse_str(r, obj, "apparmorProfile", &out->apparmor_profile);
	parse_str(r, obj, "selinuxLabel", &out->selinux_label);
	parse_opt_i64(r, obj, "oomScoreAdj", (struct json_range){ -1000, 1000 },
		      &out->oom_score_adj);
	parse_scheduler(r, json_get_object(r, obj, "scheduler"), out);
	parse_io_priority(r, json_get_object(r, obj, "ioPriority"), out);
	affinity = json_get_object(r, obj, "execCPUAffinity");
	parse_str(r, affinity, "initial", &out->exec_cpu_initial);
	parse_str(r, affinity, "final", &out->exec_cpu_final);
}
