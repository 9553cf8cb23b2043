// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * linux.resources.memory as values. "swap" of the specification is memory and swap together, as
 * memsw of v1; v2 limits swap alone, so the memory limit is taken off. 0 counts as unset: callers
 * send it for "no limit", and a group that may have no byte can run nothing.
 * Source: OCI config-linux, "Memory"; kernel admin-guide, cgroup-v1/memory.rst and cgroup-v2.rst.
 */
#include "cgroups/limits.h"

#define MEM "/linux/resources/memory/"

enum { SWAPPINESS_MAX = 100 };

/* "max" and -1: no limit, in the spelling of each version. */
static const char *limit_text(int64_t v, bool v2, char buf[24])
{
	if (v < 0)
		return v2 ? "max" : "-1";
	(void)snprintf(buf, 24, "%lld", (long long)v);
	return buf;
}

static bool is_given(const struct opt_i64 *o)
{
	return o->is_set && o->v != 0;
}

static int check_range(const struct opt_i64 *o, const char *json, struct err *err)
{
	if (o->is_set && o->v < -1)
		return err_set(err, -EINVAL, "%s: must be -1 (unlimited) or more", json);
	return 0;
}

static int check_values(const struct config_memory *m, struct err *err)
{
	int rc = check_range(&m->limit, MEM "limit", err);

	if (rc == 0)
		rc = check_range(&m->reservation, MEM "reservation", err);
	if (rc == 0)
		rc = check_range(&m->swap, MEM "swap", err);
	if (rc == 0)
		rc = check_range(&m->kernel, MEM "kernel", err);
	if (rc == 0)
		rc = check_range(&m->kernel_tcp, MEM "kernelTCP", err);
	if (rc == 0 && m->swappiness.is_set && m->swappiness.v > SWAPPINESS_MAX)
		rc = err_set(err, -EINVAL, MEM "swappiness: must be from 0 to 100");
	if (rc == 0 && is_given(&m->swap) && is_given(&m->limit) && m->swap.v > 0 &&
	    m->swap.v < m->limit.v)
		rc = err_set(err, -EINVAL,
			     MEM "swap: memory and swap together must not be below the limit");
	return rc;
}

static int add(struct cg_limits *out, struct cg_write w, int64_t v, struct err *err)
{
	char buf[24];

	w.ctl = CTL_MEMORY;
	return cg_limits_add(out, w, err, "%s", limit_text(v, w.on_v2, buf));
}

static int build_v1(const struct config_memory *m, struct cg_limits *out, struct err *err)
{
	struct opt_i64 swap = m->swap;
	int rc = 0;

	/* An unlimited memory under a limited sum is refused: both go up, as with runc. */
	if (m->limit.is_set && m->limit.v == -1 && !is_given(&swap))
		swap = (struct opt_i64){ true, -1 };
	if (is_given(&swap))
		rc = add(out,
			 (struct cg_write){ .file = "memory.memsw.limit_in_bytes",
					    .json = MEM "swap",
					    .flags = swap.v < 0 ? CG_WRITE_OPTIONAL : 0 },
			 swap.v, err);
	if (rc == 0 && is_given(&m->limit))
		rc = add(out,
			 (struct cg_write){ .file = "memory.limit_in_bytes", .json = MEM "limit" },
			 m->limit.v, err);
	if (rc == 0 && is_given(&m->reservation))
		rc = add(out,
			 (struct cg_write){ .file = "memory.soft_limit_in_bytes",
					    .json = MEM "reservation" },
			 m->reservation.v, err);
	/* Kernels from 5.16 on refuse it, some take it and do nothing. */
	if (rc == 0 && is_given(&m->kernel))
		rc = add(out,
			 (struct cg_write){ .file = "memory.kmem.limit_in_bytes",
					    .json = MEM "kernel",
					    .flags = CG_WRITE_ADVICE },
			 m->kernel.v, err);
	if (rc == 0 && is_given(&m->kernel_tcp))
		rc = add(out,
			 (struct cg_write){ .file = "memory.kmem.tcp.limit_in_bytes",
					    .json = MEM "kernelTCP" },
			 m->kernel_tcp.v, err);
	if (rc == 0 && m->swappiness.is_set)
		rc = add(out,
			 (struct cg_write){ .file = "memory.swappiness", .json = MEM "swappiness" },
			 (int64_t)m->swappiness.v, err);
	/* Always on from Linux 5.11 on, which takes the 1; false is the older kernels' default. */
	if (rc == 0 && m->use_hierarchy.is_set && m->use_hierarchy.v)
		rc = add(out,
			 (struct cg_write){ .file = "memory.use_hierarchy",
					    .json = MEM "useHierarchy",
					    .flags = CG_WRITE_OPTIONAL },
			 1, err);
	if (rc == 0 && m->disable_oom_killer.is_set && m->disable_oom_killer.v)
		rc = add(out,
			 (struct cg_write){ .file = "memory.oom_control",
					    .json = MEM "disableOOMKiller" },
			 1, err);
	return rc;
}

static int build_v2_swap(const struct config_memory *m, struct cg_limits *out, struct err *err)
{
	struct cg_write w = { .on_v2 = true, .file = "memory.swap.max", .json = MEM "swap" };
	int64_t v;

	if (!is_given(&m->swap)) {
		if (!m->limit.is_set || m->limit.v != -1)
			return 0;
		v = -1; /* unlimited memory means unlimited swap, as on v1 */
	} else if (m->swap.v < 0 || (m->limit.is_set && m->limit.v == -1)) {
		v = m->swap.v;
	} else if (!is_given(&m->limit)) {
		out->swap_total = (struct opt_u64){ true, (uint64_t)m->swap.v };
		return 0;
	} else {
		v = m->swap.v - m->limit.v;
	}
	/* Without swap accounting there is no file; no swap and any swap hold without it. */
	w.flags = v <= 0 ? CG_WRITE_OPTIONAL : 0;
	return add(out, w, v, err);
}

static int build_v2(const struct config_memory *m, struct cg_limits *out, struct err *err)
{
	int rc;

	if (m->swappiness.is_set)
		return cg_not_on(MEM "swappiness", true, err);
	if (m->disable_oom_killer.is_set && m->disable_oom_killer.v)
		return cg_not_on(MEM "disableOOMKiller", true, err);
	if (m->kernel_tcp.is_set && m->kernel_tcp.v > 0)
		return cg_not_on(MEM "kernelTCP", true, err);
	rc = build_v2_swap(m, out, err);
	if (rc == 0 && is_given(&m->limit))
		rc = add(
		    out,
		    (struct cg_write){ .on_v2 = true, .file = "memory.max", .json = MEM "limit" },
		    m->limit.v, err);
	if (rc == 0 && is_given(&m->reservation))
		rc = add(out,
			 (struct cg_write){
			     .on_v2 = true, .file = "memory.low", .json = MEM "reservation" },
			 m->reservation.v, err);
	/* No such file ever was: this one is here to be reported and passed over, as on v1. */
	if (rc == 0 && m->kernel.is_set && m->kernel.v > 0)
		rc = add(out,
			 (struct cg_write){ .on_v2 = true,
					    .file = "memory.kmem.max",
					    .json = MEM "kernel",
					    .flags = CG_WRITE_ADVICE },
			 m->kernel.v, err);
	return rc;
}

int cg_build_memory(const struct config_memory *m, bool v2, struct cg_limits *out, struct err *err)
{
	int rc = check_values(m, err);

	if (rc < 0)
		return rc;
	if (m->check_before_update.is_set && m->check_before_update.v && m->limit.is_set &&
	    m->limit.v > 0)
		out->usage_below = (struct opt_u64){ true, (uint64_t)m->limit.v };
	return v2 ? build_v2(m, out, err) : build_v1(m, out, err);
}
