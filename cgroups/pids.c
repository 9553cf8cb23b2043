// SPDX-License-Identifier: GPL-2.0-or-later
/* linux.resources.pids: -1 is unlimited, 0 is a real limit: what is inside may not fork. */
#include "cgroups/limits.h"

int cg_build_pids(const struct opt_i64 *limit, bool v2, struct cg_limits *out, struct err *err)
{
	struct cg_write w = { .ctl = CTL_PIDS,
			      .on_v2 = v2,
			      .file = "pids.max",
			      .json = "/linux/resources/pids/limit" };

	if (!limit->is_set)
		return 0;
	if (limit->v < -1)
		return err_set(err, -EINVAL, "%s: must be -1 (unlimited) or more", w.json);
	if (limit->v == -1)
		return cg_limits_add(out, w, err, "max");
	return cg_limits_add(out, w, err, "%lld", (long long)limit->v);
}
