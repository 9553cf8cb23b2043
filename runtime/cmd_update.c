// SPDX-License-Identifier: GPL-2.0-or-later
/* `update`: new limits for a live container. */
#include <fcntl.h>
#include <unistd.h>

#include "runtime/backend.h"
#include "runtime/commands.h"
#include "spec/base/fd.h"
#include "spec/base/num.h"
#include "spec/parse.h"
#include "spec/validate.h"

struct update_options {
	const char *resources;
	const char *blkio_weight;
	const char *cpu_period, *cpu_quota, *cpu_burst, *cpu_share, *cpu_idle;
	const char *cpu_rt_period, *cpu_rt_runtime;
	const char *cpuset_cpus, *cpuset_mems;
	const char *memory, *memory_reservation, *memory_swap;
	const char *pids_limit;
	const char *l3_cache_schema, *mem_bw_schema;
};

#define ROW(member) CLI_TEXT, offsetof(struct update_options, member)

static const struct cli_option update_rows[] = {
	{ "resources", 'r', "FILE", "a Resources object as JSON ('-': stdin)", ROW(resources) },
	{ "memory", 0, "SIZE", "memory limit, such as 256m; -1: none", ROW(memory) },
	{ "memory-reservation", 0, "SIZE", "soft limit", ROW(memory_reservation) },
	{ "memory-swap", 0, "SIZE", "limit of memory and swap together; -1: none",
	  ROW(memory_swap) },
	{ "cpu-quota", 0, "US", "CPU time in each period; -1: no limit", ROW(cpu_quota) },
	{ "cpu-period", 0, "US", "length of a period", ROW(cpu_period) },
	{ "cpu-burst", 0, "US", "unused quota that may be saved up", ROW(cpu_burst) },
	{ "cpu-share", 0, "N", "weight beside other groups (default 1024)", ROW(cpu_share) },
	{ "cpu-idle", 0, "0|1", "run only when nobody else wants to", ROW(cpu_idle) },
	{ "cpu-rt-period", 0, "US", "period for realtime tasks", ROW(cpu_rt_period) },
	{ "cpu-rt-runtime", 0, "US", "quota for realtime tasks", ROW(cpu_rt_runtime) },
	{ "cpuset-cpus", 0, "LIST", "CPUs to run on, such as 0-3,8", ROW(cpuset_cpus) },
	{ "cpuset-mems", 0, "LIST", "memory nodes", ROW(cpuset_mems) },
	{ "blkio-weight", 0, "N", "block IO weight, 10 to 1000", ROW(blkio_weight) },
	{ "pids-limit", 0, "N", "number of processes; -1: no limit", ROW(pids_limit) },
	{ "l3-cache-schema", 0, "TEXT", "Intel RDT cache schema", ROW(l3_cache_schema) },
	{ "mem-bw-schema", 0, "TEXT", "Intel RDT memory bandwidth schema", ROW(mem_bw_schema) },
	/* Dead since Linux 5.4; callers may still pass them. */
	{ "kernel-memory", 0, "SIZE", NULL, CLI_NOOP, 0 },
	{ "kernel-memory-tcp", 0, "SIZE", NULL, CLI_NOOP, 0 },
};

/* The options that are numbers, and where they go. */
enum number_kind { NUMBER_I64, NUMBER_U64, NUMBER_U32, NUMBER_BYTES };
struct number_row {
	const char *name;
	size_t from, to;
	enum number_kind kind;
};

#define NUMBER(name, member, field, kind)                                                          \
	{                                                                                          \
		name, offsetof(struct update_options, member),                                     \
		    offsetof(struct config_resources, field), kind                                 \
	}

static const struct number_row numbers[] = {
	NUMBER("--memory", memory, memory.limit, NUMBER_BYTES),
	NUMBER("--memory-reservation", memory_reservation, memory.reservation, NUMBER_BYTES),
	NUMBER("--memory-swap", memory_swap, memory.swap, NUMBER_BYTES),
	NUMBER("--cpu-quota", cpu_quota, cpu.quota_us, NUMBER_I64),
	NUMBER("--cpu-period", cpu_period, cpu.period_us, NUMBER_U64),
	NUMBER("--cpu-burst", cpu_burst, cpu.burst_us, NUMBER_U64),
	NUMBER("--cpu-share", cpu_share, cpu.shares, NUMBER_U64),
	NUMBER("--cpu-idle", cpu_idle, cpu.idle, NUMBER_I64),
	NUMBER("--cpu-rt-period", cpu_rt_period, cpu.realtime_period_us, NUMBER_U64),
	NUMBER("--cpu-rt-runtime", cpu_rt_runtime, cpu.realtime_runtime_us, NUMBER_I64),
	NUMBER("--blkio-weight", blkio_weight, block_io.weight, NUMBER_U32),
	NUMBER("--pids-limit", pids_limit, pids_limit, NUMBER_I64),
};

static int parse_bytes(const char *text, int64_t *out)
{
	uint64_t v;
	int rc;

	if (str_eq(text, "-1")) {
		*out = -1;
		return 0;
	}
	rc = num_bytes(text, &v);
	if (rc == 0)
		*out = (int64_t)v;
	return rc;
}

static int set_number(const struct number_row *row, const char *text, struct config_resources *r)
{
	void *field = (char *)r + row->to;
	struct opt_i64 i64 = { .is_set = true };
	struct opt_u64 u64 = { .is_set = true };
	int rc = -EINVAL;

	switch (row->kind) {
	case NUMBER_BYTES:
	case NUMBER_I64:
		rc = row->kind == NUMBER_BYTES ? parse_bytes(text, &i64.v)
					       : num_i64(text, INT64_MIN, INT64_MAX, &i64.v);
		*(struct opt_i64 *)field = i64;
		break;
	case NUMBER_U64:
		rc = num_u64(text, 0, UINT64_MAX, &u64.v);
		*(struct opt_u64 *)field = u64;
		break;
	case NUMBER_U32:
		rc = num_u64(text, 0, UINT32_MAX, &u64.v);
		*(struct opt_u32 *)field = (struct opt_u32){ true, (uint32_t)u64.v };
		break;
	}
	return rc;
}

static int from_options(const struct update_options *o, struct config_resources *r, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		const void *member = (const char *)o + numbers[i].from;
		const char *text = *(const char *const *)member;

		if (text && set_number(&numbers[i], text, r) < 0)
			return err_set(err, -EINVAL, "option '%s': '%s' is not a valid number",
				       numbers[i].name, text);
	}
	if (o->cpuset_cpus)
		r->cpu.cpus = o->cpuset_cpus;
	if (o->cpuset_mems)
		r->cpu.mems = o->cpuset_mems;
	return 0;
}

static int from_file(const char *path, struct resources_doc *out, struct err *err)
{
	auto_buf struct buf text = BUF_INIT;
	int rc;

	if (str_eq(path, "-"))
		rc = fd_read_all(STDIN_FILENO, CONFIG_MAX_BYTES, &text);
	else
		rc = file_read_at(AT_FDCWD, path, CONFIG_MAX_BYTES, &text);
	if (rc < 0)
		return err_code(err, rc, "read resources '%s'", path);
	rc = resources_parse(buf_str(&text), text.len, out, err);
	return rc < 0 ? err_wrap(err, rc, "resources '%s'", path) : 0;
}

static int update_container(struct invocation *inv, const struct update_request *u, struct err *err)
{
	auto_container struct container c = CONTAINER_INIT;
	int rc = container_open(inv->app, inv->args[0], CONTAINER_LOCK, &c, err);

	if (rc < 0)
		return rc;
	/* A paused one can be updated as well. */
	if (!container_find_init(&c))
		return err_set(err, -ESRCH, "container '%s': container not running", c.state.id);
	return c.backend->update(&c, u, err);
}

static int update_run(struct invocation *inv, struct err *err)
{
	const struct update_options *o = inv->options;
	auto_resources_doc struct resources_doc doc = { .arena = ARENA_INIT };
	const struct update_request u = { .resources = &doc.resources,
					  .l3_cache_schema = o->l3_cache_schema,
					  .mem_bw_schema = o->mem_bw_schema };
	int rc = 0;

	/* Options go over what the file says. */
	if (o->resources)
		rc = from_file(o->resources, &doc, err);
	if (rc == 0)
		rc = from_options(o, &doc.resources, err);
	if (rc == 0)
		rc = resources_validate(&doc.resources, "", err);
	return rc < 0 ? rc : update_container(inv, &u, err);
}

const struct command cmd_update = {
	.name = "update",
	.summary = "change the limits of a container",
	.usage = "[options] ID",
	.examples = "  bivalve update --memory 512m --pids-limit 100 web\n"
		    "  echo '{\"cpu\": {\"shares\": 512}}' | bivalve update --resources - web\n",
	.groups = { CLI_GROUP(update_rows) },
	.options_size = sizeof(struct update_options),
	.min_args = 1,
	.max_args = 1,
	.run = update_run,
};
