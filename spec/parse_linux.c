// SPDX-License-Identifier: GPL-2.0-or-later
/* The "linux" object but for resources and seccomp. */
#include "spec/parse_internal.h"

static void parse_namespaces(struct json_reader *r, const struct json *list, struct config_ns *out)
{
	for (const struct json *e = json_first(list); e; e = json_next(e)) {
		const struct json *type;
		uint64_t kind;

		if (!json_check_object(r, e))
			return;
		type = json_require(r, e, "type");
		if (!parse_name(r, type, &table_namespaces, &kind))
			return;
		if (out[kind].is_set)
			json_fail(r, type, "'%s' is given twice",
				  name_table_name(&table_namespaces, kind));
		out[kind].is_set = true;
		parse_str(r, e, "path", &out[kind].path);
	}
}

static void parse_time_offset(struct json_reader *r, const struct json *obj,
			      struct config_time_offset *out)
{
	uint64_t nanosecs = 0;

	if (!obj)
		return;
	out->is_set = true;
	(void)json_get_i64(r, obj, "secs", RANGE_I64, &out->secs);
	if (json_get_u64(r, obj, "nanosecs", 999999999, &nanosecs))
		out->nanosecs = (uint32_t)nanosecs;
}

static void parse_time_offsets(struct json_reader *r, const struct json *obj,
			       struct config_linux *out)
{
	parse_time_offset(r, json_get_object(r, obj, "monotonic"), &out->monotonic);
	parse_time_offset(r, json_get_object(r, obj, "boottime"), &out->boottime);
	for (const struct json *m = json_first(obj); m; m = json_next(m)) {
		/* The keys are clock names, so an unknown one is a value, not a property. */
		if (!str_eq(json_key(m), "monotonic") && !str_eq(json_key(m), "boottime"))
			json_fail(r, m, "is not a clock with an offset");
	}
}

static void parse_device(struct json_reader *r, const struct json *obj, struct config_device *out)
{
	const char *type = "";

	if (!json_check_object(r, obj))
		return;
	parse_str_required(r, obj, "path", &out->path);
	parse_str_required(r, obj, "type", &type);
	if (r->rc)
		return;
	if (strlen(type) != 1 || !strchr("bcup", *type)) {
		json_fail(r, json_get(obj, "type"), "'%s' is not known", type);
		return;
	}
	out->type = *type;
	if (*type == 'u')
		out->type = 'c'; /* mknod(1): an unbuffered character device */
	if (*type != 'p') {
		parse_i64(r, obj, "major", RANGE_DEV_PART, &out->major);
		parse_i64(r, obj, "minor", RANGE_DEV_PART, &out->minor);
	}
	/* Some callers send st_mode with the file's type in it. */
	parse_opt_u32(r, obj, "fileMode", 0177777, &out->file_mode);
	out->file_mode.v &= 07777;
	parse_opt_u32(r, obj, "uid", UINT32_MAX, &out->uid);
	parse_opt_u32(r, obj, "gid", UINT32_MAX, &out->gid);
}

static void parse_net_device(struct json_reader *r, const struct json *node,
			     struct config_net_device *out)
{
	if (!json_check_object(r, node))
		return;
	out->host_name = arena_strdup(r->arena, json_key(node));
	if (!out->host_name)
		json_no_memory(r);
	parse_str(r, node, "name", &out->name);
}

static void parse_sysctl(struct json_reader *r, const struct json *node, struct config_sysctl *out)
{
	out->key = arena_strdup(r->arena, json_key(node));
	if (!out->key)
		json_no_memory(r);
	(void)json_as_str(r, node, &out->value);
}

static void parse_intel_rdt(struct json_reader *r, const struct json *obj,
			    struct config_linux *linux_)
{
	struct config_intel_rdt *out = parse_alloc(r, obj != NULL, sizeof(*out));
	bool enable_cmt = false;
	bool enable_mbm = false;

	linux_->intel_rdt = out;
	if (!out)
		return;
	parse_str(r, obj, "closID", &out->clos_id);
	parse_str(r, obj, "l3CacheSchema", &out->l3_cache_schema);
	parse_str(r, obj, "memBwSchema", &out->mem_bw_schema);
	(void)json_get_strv(r, obj, "schemata", &out->schemata);
	(void)json_get_bool(r, obj, "enableMonitoring", &out->enable_monitoring);
	/* Versions before 1.3 had two switches for what is one monitoring group. */
	(void)json_get_bool(r, obj, "enableCMT", &enable_cmt);
	(void)json_get_bool(r, obj, "enableMBM", &enable_mbm);
	out->enable_monitoring |= enable_cmt || enable_mbm;
}

static void parse_memory_policy(struct json_reader *r, const struct json *obj,
				struct config_linux *linux_)
{
	struct config_memory_policy *out = parse_alloc(r, obj != NULL, sizeof(*out));
	uint64_t mode;
	uint64_t flags = 0;

	linux_->memory_policy = out;
	if (!out)
		return;
	if (parse_name(r, json_require(r, obj, "mode"), &table_mpol_modes, &mode))
		out->mode = (int)mode;
	parse_str(r, obj, "nodes", &out->nodes);
	parse_flags(r, obj, "flags", &table_mpol_flags, &flags);
	out->flags = (unsigned int)flags;
}

static void parse_personality(struct json_reader *r, const struct json *obj,
			      struct config_linux *linux_)
{
	struct config_personality *out = parse_alloc(r, obj != NULL, sizeof(*out));
	const struct json *flags;
	uint64_t domain;

	linux_->personality = out;
	if (!out)
		return;
	if (parse_name(r, json_require(r, obj, "domain"), &table_personalities, &domain))
		out->domain = (unsigned long)domain;
	flags = json_get_array(r, obj, "flags");
	if (json_count(flags))
		json_fail(r, flags, "no flag is supported");
}

static void parse_propagation(struct json_reader *r, const struct json *obj,
			      struct config_linux *out)
{
	const char *name = NULL;
	uint64_t v;

	parse_str(r, obj, "rootfsPropagation", &name);
	if (name && parse_name(r, json_get(obj, "rootfsPropagation"), &table_propagations, &v))
		out->rootfs_propagation = (unsigned long)v;
}

void parse_linux(struct json_reader *r, const struct json *obj, struct config_linux *out)
{
	const struct json *seccomp = json_get_object(r, obj, "seccomp");

	parse_namespaces(r, json_get_array(r, obj, "namespaces"), out->namespaces);
	parse_id_maps(r, obj, "uidMappings", &out->uid_mappings);
	parse_id_maps(r, obj, "gidMappings", &out->gid_mappings);
	parse_time_offsets(r, json_get_object(r, obj, "timeOffsets"), out);
	PARSE_LIST(r, json_get_array(r, obj, "devices"), &out->devices, parse_device);
	PARSE_LIST(r, json_get_object(r, obj, "netDevices"), &out->net_devices, parse_net_device);
	parse_str(r, obj, "cgroupsPath", &out->cgroups_path);
	parse_resources(r, json_get_object(r, obj, "resources"), &out->resources);
	parse_intel_rdt(r, json_get_object(r, obj, "intelRdt"), out);
	parse_memory_policy(r, json_get_object(r, obj, "memoryPolicy"), out);
	PARSE_LIST(r, json_get_object(r, obj, "sysctl"), &out->sysctl, parse_sysctl);
	out->seccomp = parse_alloc(r, seccomp != NULL, sizeof(*out->seccomp));
	if (out->seccomp)
		parse_seccomp(r, seccomp, out->seccomp);
	parse_propagation(r, obj, out);
	(void)json_get_strv(r, obj, "maskedPaths", &out->masked_paths);
	(void)json_get_strv(r, obj, "readonlyPaths", &out->readonly_paths);
	parse_str(r, obj, "mountLabel", &out->mount_label);
	parse_personality(r, json_get_object(r, obj, "personality"), out);
}
