/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers from outside: bounded parsing. Every function wants the whole string to be the number. */
#ifndef BIVALVE_SPEC_BASE_NUM_H
#define BIVALVE_SPEC_BASE_NUM_H

#include <stdbool.h>
#include <stdint.h>

#include "spec/base/cleanup.h"

/* num_u64 - decimal digits only. Returns 0; -EINVAL not a number; -ERANGE outside [@min, @max]. */
MUST_CHECK int num_u64(const char *s, uint64_t min, uint64_t max, uint64_t *out);

/* num_i64 - as num_u64(), with an optional leading '-'. */
MUST_CHECK int num_i64(const char *s, int64_t min, int64_t max, int64_t *out);

/* num_u64_base - as num_u64(), in base 8, 10 or 16 (no prefix). */
MUST_CHECK int num_u64_base(const char *s, unsigned int base, uint64_t min, uint64_t max,
			    uint64_t *out);

/*
 * num_bytes - a size as people write it: "268435456", "256m", "1.5g", "64K", "2GiB", "10kb".
 * Suffixes b, k, m, g, t (any case, an optional "b" or "ib" behind it) are powers of 1024.
 * Returns 0; -EINVAL not a size; -ERANGE more than INT64_MAX bytes.
 */
MUST_CHECK int num_bytes(const char *s, uint64_t *out);

/*
 * num_milli - a decimal fraction of at most three places, in thousandths: "1.5" gives 1500.
 * Returns 0; -EINVAL not such a number; -ERANGE above @max thousandths.
 */
MUST_CHECK int num_milli(const char *s, uint64_t max, uint64_t *out);

#endif
