/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names of the specification and their kernel values. A table is sorted by name (strcmp), so that
 * a lookup is a binary search and `bivalve features` prints it as it stands. Two names may have one
 * value (SCMP_ACT_KILL, SCMP_ACT_KILL_THREAD): the reverse lookup gives the first of them.
 */
#ifndef BIVALVE_SPEC_TABLES_H
#define BIVALVE_SPEC_TABLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "spec/base/cleanup.h"

struct name_value {
	const char *name;
	uint64_t value;
};

struct name_table {
	const struct name_value *items;
	size_t n;
};

extern const struct name_table table_capabilities;    /* "CAP_KILL" -> CAP_KILL */
extern const struct name_table table_rlimits;         /* "RLIMIT_NOFILE" -> RLIMIT_NOFILE */
extern const struct name_table table_namespaces;      /* "mount" -> NS_MOUNT */
extern const struct name_table table_hooks;           /* "prestart" -> HOOK_PRESTART */
extern const struct name_table table_propagations;    /* "rslave" -> MS_SLAVE | MS_REC */
extern const struct name_table table_personalities;   /* "LINUX32" -> PER_LINUX32 */
extern const struct name_table table_sched_policies;  /* "SCHED_FIFO" -> SCHED_FIFO */
extern const struct name_table table_sched_flags;     /* "SCHED_FLAG_RECLAIM" -> its bit */
extern const struct name_table table_ioprio_classes;  /* "IOPRIO_CLASS_BE" -> 2 */
extern const struct name_table table_mpol_modes;      /* "MPOL_BIND" -> MPOL_BIND */
extern const struct name_table table_mpol_flags;      /* "MPOL_F_STATIC_NODES" -> its bit */
extern const struct name_table table_seccomp_actions; /* "SCMP_ACT_ERRNO" -> its value, data 0 */
extern const struct name_table table_seccomp_ops;     /* "SCMP_CMP_EQ" -> enum scmp_compare */
extern const struct name_table table_seccomp_archs;   /* "SCMP_ARCH_X86_64" -> its token */
extern const struct name_table table_seccomp_flags;   /* "SECCOMP_FILTER_FLAG_LOG" -> its bit */

/* name_table_find - the value of @name; false when @t lacks it. */
bool name_table_find(const struct name_table *t, const char *name, uint64_t *out);

/* name_table_name - the first name of @value, or NULL. */
const char *name_table_name(const struct name_table *t, uint64_t value);

/*
 * signal_from_name - a signal as people and callers write it: "9", "KILL", "SIGKILL", "sigkill",
 * "RTMIN", "RTMIN+3", "SIGRTMAX-1". 0 is refused. Returns 0 or -EINVAL.
 */
MUST_CHECK int signal_from_name(const char *text, int *out);

#endif
