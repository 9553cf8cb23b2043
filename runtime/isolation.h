/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which of the two shells a workload gets. What asks for it, the first that is there counts:
 * --isolation; the annotation org.bivalve.isolation; the config's "vm" object; the name that the
 * program is called by (bivalve-vm); else a container. A VM that cannot be had is an error, never
 * a container in its place.
 */
#ifndef BIVALVE_RUNTIME_ISOLATION_H
#define BIVALVE_RUNTIME_ISOLATION_H

#include "spec/base/err.h"
#include "spec/config.h"

#define ISOLATION_ANNOTATION "org.bivalve.isolation"

enum isolation { ISOLATION_UNSET, ISOLATION_CONTAINER, ISOLATION_VM };

/* isolation_name - "container" or "vm". */
const char *isolation_name(enum isolation i);

/* isolation_from_name - returns 0; -EINVAL names @what, the option or path that said it. */
MUST_CHECK int isolation_from_name(const char *name, const char *what, enum isolation *out,
				   struct err *err);

/* isolation_choose - @asked: of the command line; @program: basename of argv[0]. */
MUST_CHECK int isolation_choose(enum isolation asked, const struct config *config,
				const char *program, enum isolation *out, struct err *err);

#endif
