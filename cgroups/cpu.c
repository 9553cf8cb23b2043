// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * linux.resources.cpu as values, for the controllers cpu and cpuset. 0 counts as unset for shares,
 * quota, period and the realtime pair (callers send it so); burst 0 and idle 0 are real values.
 * Source: OCI config-linux, "CPU"; kernel scheduler/sched-bwc.rst, admin-guide/cgroup-v2.rst.
 */
#include <math.h>

#include "cgroups/limits.h"

#define CPU "/linux/resources/cpu/"

enum { SHARES_MIN = 2, SHARES_MAX = 262144, WEIGHT_MAX = 10000 };

uint64_t cg_weight_from_shares(uint64_t shares)
{
	double log_shares, exponent;

	if (shares == 0)
		return 0;
	if (shares <= SHARES_MIN)
		return 1;
	if (shares >= SHARES_MAX)
		return WEIGHT_MAX;
	/* The parabola through (2, 1), (1024, 100) and (262144, 10000) in logarithms, which keeps
	 * the default the default. Source: runc 1.3.2 and crun 1.23. */
	log_shares = log2((double)shares);
	exponent = (log_shares * log_shares + 125 * log_shares) / 612.0 - 7.0 / 34.0;
	return (uint64_t)ceil(pow(10, exponent));
}

static int add_u64(struct cg_limits *out, struct cg_write w, uint64_t v, struct err *err)
{
	return cg_limits_add(out, w, err, "%llu", (unsigned long long)v);
}

static int add_i64(struct cg_limits *out, struct cg_write w, int64_t v, struct err *err)
{
	return cg_limits_add(out, w, err, "%lld", (long long)v);
}

static int check_values(const struct config_cpu *c, struct err *err)
{
	if (c->quota_us.is_set && c->quota_us.v < -1)
		return err_set(err, -EINVAL, CPU "quota: must be -1 (unlimited) or more");
	if (c->realtime_runtime_us.is_set && c->realtime_runtime_us.v < -1)
		return err_set(err, -EINVAL, CPU "realtimeRuntime: must be -1 (unlimited) or more");
	if (c->idle.is_set && c->idle.v != 0 && c->idle.v != 1)
		return err_set(err, -EINVAL, CPU "idle: must be 0 or 1");
	if (c->burst_us.is_set && c->quota_us.is_set && c->quota_us.v > 0 &&
	    c->burst_us.v > (uint64_t)c->quota_us.v)
		return err_set(err, -EINVAL, CPU "burst: must not be above the quota");
	return 0;
}

static int build_bandwidth_v1(const struct config_cpu *c, struct cg_limits *out, struct err *err)
{
	int rc = 0;

	if (c->period_us.is_set && c->period_us.v)
		rc =
		    add_u64(out,
			    (struct cg_write){
				.ctl = CTL_CPU, .file = "cpu.cfs_period_us", .json = CPU "period" },
			    c->period_us.v, err);
	if (rc == 0 && c->quota_us.is_set && c->quota_us.v)
		rc = add_i64(out,
			     (struct cg_write){
				 .ctl = CTL_CPU, .file = "cpu.cfs_quota_us", .json = CPU "quota" },
			     c->quota_us.v, err);
	if (rc == 0 && c->burst_us.is_set)
		rc = add_u64(out,
			     (struct cg_write){
				 .ctl = CTL_CPU, .file = "cpu.cfs_burst_us", .json = CPU "burst" },
			     c->burst_us.v, err);
	return rc;
}

static int build_cpu_v1(const struct config_cpu *c, struct cg_limits *out, struct err *err)
{
	int rc = 0;

	if (c->shares.is_set && c->shares.v)
		rc = add_u64(
		    out,
		    (struct cg_write){ .ctl = CTL_CPU, .file = "cpu.shares", .json = CPU "shares" },
		    c->shares.v, err);
	if (rc == 0 && c->idle.is_set)
		rc = add_i64(
		    out,
		    (struct cg_write){ .ctl = CTL_CPU, .file = "cpu.idle", .json = CPU "idle" },
		    c->idle.v, err);
	if (rc == 0)
		rc = build_bandwidth_v1(c, out, err);
	if (rc == 0 && c->realtime_period_us.is_set && c->realtime_period_us.v)
		rc = add_u64(out,
			     (struct cg_write){ .ctl = CTL_CPU,
						.file = "cpu.rt_period_us",
						.json = CPU "realtimePeriod" },
			     c->realtime_period_us.v, err);
	if (rc == 0 && c->realtime_runtime_us.is_set && c->realtime_runtime_us.v)
		rc = add_i64(out,
			     (struct cg_write){ .ctl = CTL_CPU,
						.file = "cpu.rt_runtime_us",
						.json = CPU "realtimeRuntime" },
			     c->realtime_runtime_us.v, err);
	return rc;
}

/* cpu.max is "QUOTA PERIOD": a missing period is kept by the kernel, a missing quota by us. */
static int build_max(const struct config_cpu *c, struct cg_limits *out, struct err *err)
{
	struct cg_write w = {
		.ctl = CTL_CPU, .on_v2 = true, .file = "cpu.max", .json = CPU "quota"
	};
	bool has_quota = c->quota_us.is_set && c->quota_us.v;
	bool has_period = c->period_us.is_set && c->period_us.v;
	char quota[24] = "max";

	if (has_quota && c->quota_us.v > 0)
		(void)snprintf(quota, sizeof(quota), "%lld", (long long)c->quota_us.v);
	if (has_quota && !has_period)
		return cg_limits_add(out, w, err, "%s", quota);
	if (has_quota)
		return cg_limits_add(out, w, err, "%s %llu", quota,
				     (unsigned long long)c->period_us.v);
	if (!has_period)
		return 0;
	w.json = CPU "period";
	w.flags = CG_WRITE_KEEP_FIRST;
	return add_u64(out, w, c->period_us.v, err);
}

static int build_cpu_v2(const struct config_cpu *c, struct cg_limits *out, struct err *err)
{
	int rc = 0;

	if (c->realtime_runtime_us.is_set && c->realtime_runtime_us.v)
		return cg_not_on(CPU "realtimeRuntime", true, err);
	if (c->realtime_period_us.is_set && c->realtime_period_us.v)
		return cg_not_on(CPU "realtimePeriod", true, err);
	if (c->shares.is_set && c->shares.v)
		rc = add_u64(
		    out,
		    (struct cg_write){
			.ctl = CTL_CPU, .on_v2 = true, .file = "cpu.weight", .json = CPU "shares" },
		    cg_weight_from_shares(c->shares.v), err);
	if (rc == 0 && c->idle.is_set)
		rc = add_i64(
		    out,
		    (struct cg_write){
			.ctl = CTL_CPU, .on_v2 = true, .file = "cpu.idle", .json = CPU "idle" },
		    c->idle.v, err);
	if (rc == 0)
		rc = build_max(c, out, err);
	if (rc == 0 && c->burst_us.is_set)
		rc = add_u64(out,
			     (struct cg_write){ .ctl = CTL_CPU,
						.on_v2 = true,
						.file = "cpu.max.burst",
						.json = CPU "burst" },
			     c->burst_us.v, err);
	return rc;
}

int cg_build_cpu(const struct config_cpu *c, const struct cg_layout *layout, struct cg_limits *out,
		 struct err *err)
{
	bool cpu_v2 = layout->on_v2 & CTL_BIT(CTL_CPU);
	bool set_v2 = layout->on_v2 & CTL_BIT(CTL_CPUSET);
	int rc = check_values(c, err);

	if (rc == 0)
		rc = cpu_v2 ? build_cpu_v2(c, out, err) : build_cpu_v1(c, out, err);
	/* The same file names and syntax on both versions. */
	if (rc == 0 && c->cpus && *c->cpus)
		rc = cg_limits_add(out,
				   (struct cg_write){ .ctl = CTL_CPUSET,
						      .on_v2 = set_v2,
						      .file = "cpuset.cpus",
						      .json = CPU "cpus" },
				   err, "%s", c->cpus);
	if (rc == 0 && c->mems && *c->mems)
		rc = cg_limits_add(out,
				   (struct cg_write){ .ctl = CTL_CPUSET,
						      .on_v2 = set_v2,
						      .file = "cpuset.mems",
						      .json = CPU "mems" },
				   err, "%s", c->mems);
	return rc;
}
