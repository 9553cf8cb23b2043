/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The config of `bivalve spec`: what `runc spec` gives, and a seccomp profile. `run --rootfs` takes
 * the same as data.
 */
#ifndef BIVALVE_SPEC_DEFAULTS_H
#define BIVALVE_SPEC_DEFAULTS_H

#include "spec/base/err.h"
#include "spec/config.h"

struct config_default_opts {
	bool is_rootless; /* a new user namespace that maps root to @uid and @gid */
	uint32_t uid, gid;
};

/* config_default - gives @out (config_fini). @opts NULL: for root. Returns 0 or -ENOMEM. */
MUST_CHECK int config_default(const struct config_default_opts *opts, struct config *out,
			      struct err *err);

#endif
