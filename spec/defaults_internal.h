/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the defaults*.c files share. */
#ifndef BIVALVE_SPEC_DEFAULTS_INTERNAL_H
#define BIVALVE_SPEC_DEFAULTS_INTERNAL_H

#include <stdbool.h>

#include "spec/base/arena.h"
#include "spec/base/str.h"
#include "spec/config.h"

/* default_strv - a vector of @n constant strings. False: out of memory. */
bool default_strv(struct arena *a, struct strv *out, const char *const *strings, size_t n);

/* default_seccomp - sets l->seccomp. False: out of memory. */
bool default_seccomp(struct arena *a, struct config_linux *l);

#endif
