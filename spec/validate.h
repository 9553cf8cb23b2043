/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rules of config.md and config-linux.md that need no host: what values mean together. Pure.
 * An error begins with the JSON path of the value at fault. Unknown capability names are no error
 * (the specification asks for a warning; the reader logs at debug level, since podman takes a log
 * of more than one line for garbage).
 */
#ifndef BIVALVE_SPEC_VALIDATE_H
#define BIVALVE_SPEC_VALIDATE_H

#include "spec/base/err.h"
#include "spec/config.h"

/* config_validate - the whole config. A missing process is no error: only start needs it. */
MUST_CHECK int config_validate(const struct config *c, struct err *err);

/* process_validate - one process. @path: the JSON path of the object, "/process" or "". */
MUST_CHECK int process_validate(const struct config_process *p, const char *path, struct err *err);

/* resources_validate - @path: "/linux/resources" or "" (for `update -r`). */
MUST_CHECK int resources_validate(const struct config_resources *r, const char *path,
				  struct err *err);

#endif
