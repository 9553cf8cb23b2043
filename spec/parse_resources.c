// SPDX-License-Identifier: GPL-2.0-or-later
/* The "resources" object: config's /linux/resources, and the whole of what `update -r` reads. */
#include "spec/parse_internal.h"

/* A part of a device rule's number: absent or -1 (as the peers write it) means all. */
static void parse_rule_part(struct json_reader *r, const struct json *obj, const char *key,
			    struct opt_i64 *out)
{
	parse_opt_i64(r, obj, key, (struct json_range){ -1, UINT32_MAX }, out);
	if (out->is_set && out->v < 0)
		*out = (struct opt_i64){ 0 };
}

static void parse_device_rule(struct json_reader *r, const struct json *obj,
			      struct config_device_rule *out)
{
	const char *type = "a"; /* unset means all */
	const char *access = NULL;

	if (!json_check_object(r, obj))
		return;
	if (json_require(r, obj, "allow"))
		(void)json_get_bool(r, obj, "allow", &out->allow);
	parse_str(r, obj, "type", &type);
	if (strlen(type) != 1 || !strchr("abc", *type))
		json_fail(r, json_get(obj, "type"), "'%s' is not known", type);
	out->type = *type;
	parse_rule_part(r, obj, "major", &out->major);
	parse_rule_part(r, obj, "minor", &out->minor);
	parse_str(r, obj, "access", &access);
	if (!access)
		access = "rwm"; /* unset means all, as it does for the other members */
	if (access[strspn(access, "rwm")])
		json_fail(r, json_get(obj, "access"), "'%s' is not made of r, w and m", access);
	out->read = strchr(access, 'r') != NULL;
	out->write = strchr(access, 'w') != NULL;
	out->mknod = strchr(access, 'm') != NULL;
}

static void parse_memory(struct json_reader *r, const struct json *obj, struct config_memory *out)
{
	parse_opt_i64(r, obj, "limit", RANGE_LIMIT, &out->limit);
	parse_opt_i64(r, obj, "reservation", RANGE_LIMIT, &out->reservation);
	parse_opt_i64(r, obj, "swap", RANGE_LIMIT, &out->swap);
	parse_opt_i64(r, obj, "kernel", RANGE_LIMIT, &out->kernel);
	parse_opt_i64(r, obj, "kernelTCP", RANGE_LIMIT, &out->kernel_tcp);
	parse_opt_u64(r, obj, "swappiness", 100, &out->swappiness);
	parse_opt_bool(r, obj, "disableOOMKiller", &out->disable_oom_killer);
	parse_opt_bool(r, obj, "useHierarchy", &out->use_hierarchy);
	parse_opt_bool(r, obj, "checkBeforeUpdate", &out->check_before_update);
}

static void parse_cpu(struct json_reader *r, const struct json *obj, struct config_cpu *out)
{
	parse_opt_u64(r, obj, "shares", UINT64_MAX, &out->shares);
	parse_opt_i64(r, obj, "quota", RANGE_LIMIT, &out->quota_us);
	parse_opt_u64(r, obj, "burst", UINT64_MAX, &out->burst_us);
	parse_opt_u64(r, obj, "period", UINT64_MAX, &out->period_us);
	parse_opt_i64(r, obj, "realtimeRuntime", RANGE_LIMIT, &out->realtime_runtime_us);
	parse_opt_u64(r, obj, "realtimePeriod", UINT64_MAX, &out->realtime_period_us);
	parse_str(r, obj, "cpus", &out->cpus);
	parse_str(r, obj, "mems", &out->mems);
	parse_opt_i64(r, obj, "idle", (struct json_range){ 0, 1 }, &out->idle);
}

static void parse_weight_device(struct json_reader *r, const struct json *obj,
				struct config_weight_device *out)
{
	if (!json_check_object(r, obj))
		return;
	parse_i64(r, obj, "major", RANGE_DEV_PART, &out->major);
	parse_i64(r, obj, "minor", RANGE_DEV_PART, &out->minor);
	parse_opt_u32(r, obj, "weight", UINT16_MAX, &out->weight);
	parse_opt_u32(r, obj, "leafWeight", UINT16_MAX, &out->leaf_weight);
}

static void parse_throttle(struct json_reader *r, const struct json *obj,
			   struct config_throttle *out)
{
	const struct json *rate;

	if (!json_check_object(r, obj))
		return;
	parse_i64(r, obj, "major", RANGE_DEV_PART, &out->major);
	parse_i64(r, obj, "minor", RANGE_DEV_PART, &out->minor);
	rate = json_require(r, obj, "rate");
	if (rate)
		(void)json_as_u64(r, rate, UINT64_MAX, &out->rate);
}

static void parse_block_io(struct json_reader *r, const struct json *obj,
			   struct config_block_io *out)
{
	parse_opt_u32(r, obj, "weight", UINT16_MAX, &out->weight);
	parse_opt_u32(r, obj, "leafWeight", UINT16_MAX, &out->leaf_weight);
	PARSE_LIST(r, json_get_array(r, obj, "weightDevice"), &out->weight_devices,
		   parse_weight_device);
	PARSE_LIST(r, json_get_array(r, obj, "throttleReadBpsDevice"), &out->read_bps,
		   parse_throttle);
	PARSE_LIST(r, json_get_array(r, obj, "throttleWriteBpsDevice"), &out->write_bps,
		   parse_throttle);
	PARSE_LIST(r, json_get_array(r, obj, "throttleReadIOPSDevice"), &out->read_iops,
		   parse_throttle);
	PARSE_LIST(r, json_get_array(r, obj, "throttleWriteIOPSDevice"), &out->write_iops,
		   parse_throttle);
}

static void parse_hugepage_limit(struct json_reader *r, const struct json *obj,
				 struct config_hugepage_limit *out)
{
	const struct json *limit;

	if (!json_check_object(r, obj))
		return;
	parse_str_required(r, obj, "pageSize", &out->page_size);
	limit = json_require(r, obj, "limit");
	if (limit)
		(void)json_as_u64(r, limit, UINT64_MAX, &out->limit);
}

static void parse_net_priority(struct json_reader *r, const struct json *obj,
			       struct config_net_priority *out)
{
	if (!json_check_object(r, obj))
		return;
	parse_str_required(r, obj, "name", &out->name);
	parse_u32(r, obj, "priority", &out->priority);
}

static void parse_rdma(struct json_reader *r, const struct json *node, struct config_rdma *out)
{
	if (!json_check_object(r, node))
		return;
	out->device = arena_strdup(r->arena, json_key(node));
	if (!out->device)
		json_no_memory(r);
	parse_opt_u32(r, node, "hcaHandles", UINT32_MAX, &out->hca_handles);
	parse_opt_u32(r, node, "hcaObjects", UINT32_MAX, &out->hca_objects);
}

static void parse_unified(struct json_reader *r, const struct json *node,
			  struct config_unified *out)
{
	out->file = arena_strdup(r->arena, json_key(node));
	if (!out->file)
		json_no_memory(r);
	(void)json_as_str(r, node, &out->value);
}

void parse_resources(struct json_reader *r, const struct json *obj, struct config_resources *out)
{
	const struct json *pids = json_get_object(r, obj, "pids");
	const struct json *network = json_get_object(r, obj, "network");

	PARSE_LIST(r, json_get_array(r, obj, "devices"), &out->devices, parse_device_rule);
	parse_memory(r, json_get_object(r, obj, "memory"), &out->memory);
	parse_cpu(r, json_get_object(r, obj, "cpu"), &out->cpu);
	/* Required since 1.0, optional since 1.3.0: without it there is nothing to apply. */
	parse_opt_i64(r, pids, "limit", RANGE_LIMIT, &out->pids_limit);
	parse_block_io(r, json_get_object(r, obj, "blockIO"), &out->block_io);
	PARSE_LIST(r, json_get_array(r, obj, "hugepageLimits"), &out->hugepage_limits,
		   parse_hugepage_limit);
	parse_opt_u32(r, network, "classID", UINT32_MAX, &out->net_class_id);
	PARSE_LIST(r, json_get_array(r, network, "priorities"), &out->net_priorities,
		   parse_net_priority);
	PARSE_LIST(r, json_get_object(r, obj, "rdma"), &out->rdma, parse_rdma);
	PARSE_LIST(r, json_get_object(r, obj, "unified"), &out->unified, parse_unified);
}
