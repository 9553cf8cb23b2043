/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Cache and memory-bandwidth shares of the CPU (Intel RDT and alike) through the resctrl file
 * system: linux.intelRdt. A class of service (CLOS) is a folder of it, a monitoring group one below
 * its mon_groups. Source: OCI config-linux, "IntelRdt"; kernel, filesystems/resctrl.rst.
 *
 * Order: rdt_prepare() before the first process, rdt_join() with its pid before the program runs,
 * rdt_remove() at delete with what rdt_prepare() said it will make, recorded before.
 */
#ifndef BIVALVE_CGROUPS_RESCTRL_H
#define BIVALVE_CGROUPS_RESCTRL_H

#include <stdbool.h>
#include <sys/types.h>

#include "spec/base/buf.h"
#include "spec/base/err.h"
#include "spec/config.h"

/* rdt_clos_exists - 1, 0 or -errno; to be recorded before rdt_prepare(): only a 0 is ours. */
MUST_CHECK int rdt_clos_exists(const struct config_intel_rdt *rdt, const char *id, struct err *err);

/*
 * rdt_prepare - makes or checks the class of @rdt for container @id, and its monitoring group.
 * Undone on failure. -ENOTSUP: resctrl is not mounted; -EINVAL: an existing class has another
 * schema, a bad closID; -ENOENT: a class without schema does not exist.
 */
MUST_CHECK int rdt_prepare(const struct config_intel_rdt *rdt, const char *id, struct err *err);

/* rdt_join - puts process @pid into the class and monitoring group. */
MUST_CHECK int rdt_join(const struct config_intel_rdt *rdt, const char *id, pid_t pid,
			struct err *err);

/* rdt_update - writes new schemas (NULL: unchanged) to the class of @rdt. */
MUST_CHECK int rdt_update(const struct config_intel_rdt *rdt, const char *id,
			  const char *l3_cache_schema, const char *mem_bw_schema, struct err *err);

/*
 * rdt_remove - removes the monitoring group, and the class when @clos_is_ours.
 * What is gone already is no error.
 */
MUST_CHECK int rdt_remove(const struct config_intel_rdt *rdt, const char *id, bool clos_is_ours,
			  struct err *err);

/* rdt_legacy_schemata - l3CacheSchema (its MB: lines give way to @mb) and memBwSchema together. */
void rdt_legacy_schemata(const char *l3, const char *mb, struct buf *out);
/* rdt_schemata_has - every domain of @wanted is in @have with the same value. */
bool rdt_schemata_has(const char *have, const char *wanted);

#endif
