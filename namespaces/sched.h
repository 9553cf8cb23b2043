/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Scheduling attributes of the calling process: policy, I/O priority, CPU affinity, memory policy,
 * personality. All are inherited over fork and execve. Real-time policies need CAP_SYS_NICE in the
 * initial user namespace, so they come before capabilities are dropped.
 */
#ifndef BIVALVE_NAMESPACES_SCHED_H
#define BIVALVE_NAMESPACES_SCHED_H

#include <limits.h>
#include <stddef.h>
#include <sys/types.h>

#include "spec/base/err.h"
#include "spec/config.h"

/* A bit mask as sched_setaffinity(2) and set_mempolicy(2) take it. */
enum { SCHED_MASK_BITS = 8192, SCHED_MASK_WORD_BITS = sizeof(unsigned long) * CHAR_BIT };

struct sched_mask {
	unsigned long words[SCHED_MASK_BITS / SCHED_MASK_WORD_BITS];
	size_t n_bits; /* highest set bit + 1 */
};

/*
 * sched_mask_parse - reads a list as in cpuset(7): "0-3,7", also "0-31:2/8".
 * Returns 0; -EINVAL not a list, or an empty one; -ERANGE a number past SCHED_MASK_BITS - 1.
 */
MUST_CHECK int sched_mask_parse(const char *list, struct sched_mask *out);

/* Each is a no-op for NULL; errors name the JSON path. */
MUST_CHECK int sched_apply(const struct config_scheduler *s, struct err *err);
MUST_CHECK int sched_io_priority(const struct config_io_priority *p, struct err *err);
MUST_CHECK int sched_memory_policy(const struct config_memory_policy *p, struct err *err);
MUST_CHECK int sched_personality(const struct config_personality *p, struct err *err);

/*
 * sched_affinity - the CPUs of process @pid (0: the caller).
 * @json_path: for the error, "/process/execCPUAffinity/initial"
 */
MUST_CHECK int sched_affinity(pid_t pid, const char *list, const char *json_path, struct err *err);

#endif
