/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Limits as data: linux.resources turned into values for files (pure, unit-tested byte by byte),
 * then written by one loop. Each controller's file builds its part for v1 and for v2; what a
 * version does not have is an error that names the JSON path.
 */
#ifndef BIVALVE_CGROUPS_LIMITS_H
#define BIVALVE_CGROUPS_LIMITS_H

#include "cgroups/cgroup_internal.h"
#include "spec/base/arena.h"

enum cg_write_flags {
	/* The next write sets the same thing in another file: those that exist are written, one of
	 * them must exist. */
	CG_WRITE_ALT = 1,
	CG_WRITE_OPTIONAL = 2,   /* the file may be missing: without it the value holds anyway */
	CG_WRITE_ADVICE = 4,     /* a refusal is logged and passed over: kernels took it away */
	CG_WRITE_KEEP_FIRST = 8, /* the file's present first word goes in front of the value */
	CG_WRITE_LINES = 16,     /* every line of the value is a write of its own */
};

/* One value for one file of the group. All strings live in the list's arena or for ever. */
struct cg_write {
	enum cg_ctl ctl;
	bool on_v2;        /* in the cgroup2 hierarchy */
	const char *file;  /* "memory.max" */
	const char *value; /* text as the kernel takes it, no newline at the end */
	const char *json;  /* the property, for messages */
	unsigned int flags;
};

struct cg_limits {
	struct arena arena;
	struct cg_write *items; /* owned by the arena */
	size_t n, cap;
	/* memory.checkBeforeUpdate: the usage must be below this first. */
	struct opt_u64 usage_below;
	/* v2: memory+swap was given without a memory limit: the group's present one is taken off.
	 */
	struct opt_u64 swap_total;
};

/* Which version has a controller: bit set = cgroup2. */
struct cg_layout {
	uint32_t on_v2;
	bool has_v2; /* there is a cgroup2 hierarchy (for "unified") */
};

/* cg_limits_build - all of @res but devices. *@out is filled also on failure (cg_limits_fini). */
MUST_CHECK int cg_limits_build(const struct config_resources *res, const struct cg_layout *layout,
			       struct cg_limits *out, struct err *err);
void cg_limits_fini(struct cg_limits *l);

/* cg_limits_write - writes the list to the group. */
MUST_CHECK int cg_limits_write(struct cgroup *cg, const struct cg_limits *l, struct err *err);

/* cg_limits_apply - build and write for the handle's host. */
MUST_CHECK int cg_limits_apply(struct cgroup *cg, const struct config_resources *res,
			       struct err *err);

/* ---- for the controllers' files -------------------------------------------------------------- */

/* cg_limits_add - appends a write; the value is formatted into the arena. 0 or -ENOMEM. */
MUST_CHECK int cg_limits_add(struct cg_limits *l, struct cg_write w, struct err *err,
			     const char *fmt, ...) PRINTF_LIKE(4, 5);
/* cg_limits_json - a formatted JSON path; on ENOMEM a fixed text. */
const char *cg_limits_json(struct cg_limits *l, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* cg_not_on - the error for a property that this cgroup version does not have. */
int cg_not_on(const char *json, bool is_v2, struct err *err);

MUST_CHECK int cg_build_memory(const struct config_memory *m, bool v2, struct cg_limits *out,
			       struct err *err);
MUST_CHECK int cg_build_cpu(const struct config_cpu *c, const struct cg_layout *layout,
			    struct cg_limits *out, struct err *err);
MUST_CHECK int cg_build_io(const struct config_block_io *io, bool v2, struct cg_limits *out,
			   struct err *err);
MUST_CHECK int cg_build_pids(const struct opt_i64 *limit, bool v2, struct cg_limits *out,
			     struct err *err);
MUST_CHECK int cg_build_hugetlb(const struct config_resources *res, bool v2, struct cg_limits *out,
				struct err *err);
MUST_CHECK int cg_build_rdma(const struct config_resources *res, bool v2, struct cg_limits *out,
			     struct err *err);
MUST_CHECK int cg_build_net(const struct config_resources *res, const struct cg_layout *layout,
			    struct cg_limits *out, struct err *err);
MUST_CHECK int cg_build_unified(const struct config_resources *res, const struct cg_layout *layout,
				struct cg_limits *out, struct err *err);

/* cg_weight_from_shares - cpu.weight for v1's cpu.shares. */
uint64_t cg_weight_from_shares(uint64_t shares);
/* cg_io_weight_from_blkio - io.weight for v1's blkio.weight. */
uint64_t cg_io_weight_from_blkio(uint32_t weight);

#endif
