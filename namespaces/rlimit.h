/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Resource limits of one process. Raising a hard limit needs CAP_SYS_RESOURCE in the initial user
 * namespace, so for a child in a new user namespace the parent raises first. The child sets the
 * final values last of all (final.h): a low RLIMIT_NOFILE or RLIMIT_FSIZE would break its own
 * set-up.
 */
#ifndef BIVALVE_NAMESPACES_RLIMIT_H
#define BIVALVE_NAMESPACES_RLIMIT_H

#include <stddef.h>
#include <sys/types.h>

#include "spec/base/err.h"
#include "spec/config.h"

/*
 * rlimit_raise - raises those hard limits of @pid that are below the asked ones; nothing is
 * lowered. -EPERM: no CAP_SYS_RESOURCE; the error names /process/rlimits/N.
 */
MUST_CHECK int rlimit_raise(pid_t pid, const struct config_rlimit *items, size_t n,
			    struct err *err);

#endif
