/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The five capability sets. A plan is what was asked for, clipped to what this process has: what
 * cannot be granted is logged at debug level and left out, never an error (OCI config.md: it must
 * not fail). The order of the steps is in creds.h.
 */
#ifndef BIVALVE_NAMESPACES_CAPS_H
#define BIVALVE_NAMESPACES_CAPS_H

#include "spec/base/err.h"
#include "spec/config.h"

/*
 * caps_clip - the part of @want that a process with @permitted and @inheritable can give itself.
 * The result obeys the kernel: effective in permitted; ambient in permitted and inheritable.
 * Source: capabilities(7), capset(2).
 */
void caps_clip(const struct config_caps *want, uint64_t permitted, uint64_t inheritable,
	       struct config_caps *out);

/*
 * caps_plan - reads this process's sets and clips @want.
 * @want: NULL ("capabilities" absent): every set is empty, as in runc and crun
 */
MUST_CHECK int caps_plan(const struct config_caps *want, struct config_caps *out, struct err *err);

/* caps_drop_bounding - drops what @plan->bounding lacks. Needs CAP_SETPCAP. */
MUST_CHECK int caps_drop_bounding(const struct config_caps *plan, struct err *err);

/* caps_keep - the permitted set survives the next setresuid (PR_SET_KEEPCAPS; execve clears it). */
MUST_CHECK int caps_keep(struct err *err);

/*
 * caps_apply - effective, permitted, inheritable, then ambient.
 * After caps_drop_bounding(): the kernel refuses an inheritable capability that was added while it
 * is not in the bounding set.
 */
MUST_CHECK int caps_apply(const struct config_caps *plan, struct err *err);

#endif
