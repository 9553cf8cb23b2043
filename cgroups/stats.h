/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a group uses and used, as numbers: everything that `events` shows, on v1 and v2 alike.
 * Times are nanoseconds, sizes bytes; no limit is UINT64_MAX. has_* is false where the host keeps
 * no such account for the group. Arrays are owned by the arena, which cg_stats_fini() frees.
 */
#ifndef BIVALVE_CGROUPS_STATS_H
#define BIVALVE_CGROUPS_STATS_H

#include <stdbool.h>
#include <stdint.h>

#include "cgroups/cgroup.h"
#include "spec/base/arena.h"

/* Pressure: percent of time stalled, in hundredths (1234 = 12.34 %), and the total in us. */
struct cg_psi_line {
	uint32_t avg10, avg60, avg300;
	uint64_t total_us;
};
struct cg_psi {
	bool is_set;
	struct cg_psi_line some, full;
};

struct cg_stats_cpu {
	bool has_usage, has_throttling;
	uint64_t total_ns, user_ns, kernel_ns;
	/* Per CPU; v1 only. percpu_kernel and percpu_user may be absent while percpu is there. */
	struct {
		uint64_t *items;
		size_t n;
	} percpu_ns, percpu_kernel_ns, percpu_user_ns;
	uint64_t periods, throttled_periods, throttled_ns;
	uint64_t bursts, burst_ns;
	struct cg_psi psi;
};

struct cg_stats_cpuset {
	bool is_set; /* v1 only, as in runc */
	struct {
		uint16_t *items;
		size_t n;
	} cpus, mems;
	uint64_t cpu_exclusive, mem_hardwall, mem_exclusive, memory_migrate, memory_spread_page,
	    memory_spread_slab, memory_pressure, sched_load_balance;
	int64_t sched_relax_domain_level;
};

struct cg_mem_counter {
	bool is_set;
	uint64_t limit, usage, max, failcnt;
};

struct cg_named_u64 {
	const char *name;
	uint64_t value;
};

struct cg_stats_memory {
	bool is_set;
	uint64_t cache;
	/* swap: memory and swap together on both versions, as runc shows it. */
	struct cg_mem_counter usage, swap, kernel, kernel_tcp;
	struct {
		struct cg_named_u64 *items; /* memory.stat, in its order */
		size_t n;
	} raw;
	struct cg_psi psi;
};

struct cg_stats_pids {
	bool is_set;
	uint64_t current, limit;
};

struct cg_io_entry {
	uint64_t major, minor;
	const char *op; /* "Read", "Write", "Sync", "Async", "Discard", "Total"; "" where none */
	uint64_t value;
};
struct cg_io_entries {
	struct cg_io_entry *items;
	size_t n;
};

struct cg_stats_io {
	bool is_set;
	struct cg_io_entries service_bytes, serviced, queued, service_time, wait_time, merged, time,
	    sectors;
	struct cg_psi psi;
};

struct cg_stats_hugetlb {
	const char *page_size; /* "2MB" */
	uint64_t usage, max, failcnt;
};

struct cg_stats {
	struct arena arena;
	struct cg_stats_cpu cpu;
	struct cg_stats_cpuset cpuset;
	struct cg_stats_memory memory;
	struct cg_stats_pids pids;
	struct cg_stats_io io;
	struct {
		struct cg_stats_hugetlb *items;
		size_t n;
	} hugetlb;
};

/*
 * cg_stats_read - fills *@out (cg_stats_fini). An account that the group does not have is no error;
 * -ENOENT: the group is gone.
 */
MUST_CHECK int cg_stats_read(struct cgroup *cg, struct cg_stats *out, struct err *err);

/* cg_stats_fini - frees the arrays; a zeroed or finished one is accepted. */
void cg_stats_fini(struct cg_stats *s);

#endif
