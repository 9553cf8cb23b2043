/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the validate_*.c files share. Each returns 0 or -EINVAL with the JSON path in the text. */
#ifndef BIVALVE_SPEC_VALIDATE_INTERNAL_H
#define BIVALVE_SPEC_VALIDATE_INTERNAL_H

#include "spec/base/err.h"
#include "spec/config.h"

MUST_CHECK int validate_linux(const struct config *c, struct err *err);
MUST_CHECK int validate_seccomp(const struct config_seccomp *s, struct err *err);
MUST_CHECK int validate_sysctls(const struct config *c, struct err *err);

/*
 * validate_id_maps - a pair of mappings below @path ("/linux", "/mounts/3"): both or none, sizes,
 * no overlap, not more than the kernel takes.
 */
MUST_CHECK int validate_id_maps(const struct config_id_maps *uids,
				const struct config_id_maps *gids, const char *path,
				struct err *err);

/* validate_cpu_list - a list as in cpuset(7), "0-3,7", or as the kernel reads it, "0-31:2/8". */
MUST_CHECK int validate_cpu_list(const char *list, const char *path, struct err *err);

#endif
