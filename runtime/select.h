/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Containers by name: all of them, or those that a regular expression matches (--regex). */
#ifndef BIVALVE_RUNTIME_SELECT_H
#define BIVALVE_RUNTIME_SELECT_H

#include <stddef.h>

#include "runtime/app.h"
#include "spec/base/err.h"

/* select_each's visitor; a negative result is remembered, the others are visited all the same. */
typedef int (*select_fn)(const struct app *app, const char *id, void *data, struct err *err);

/*
 * select_each - calls @fn for each id in the state root, in alphabetical order.
 * @regex: extended regular expression that the id must match somewhere; NULL: all
 * Returns the first failure of @fn, or its own (-EINVAL: not a regular expression).
 */
MUST_CHECK int select_each(const struct app *app, const char *regex, select_fn fn, void *data,
			   struct err *err);

#endif
