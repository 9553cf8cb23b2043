/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of cg_stats_read(), and the pure parsers of the kernel's statistics files. */
#ifndef BIVALVE_CGROUPS_STATS_INTERNAL_H
#define BIVALVE_CGROUPS_STATS_INTERNAL_H

#include "cgroups/cgroup_internal.h"
#include "cgroups/stats.h"

/* A file that may be missing: the text is "" then. Returns 1 read, 0 missing, or -errno. */
MUST_CHECK int cg_stat_text(const struct cgroup *cg, const struct cg_hier *hier, const char *file,
			    struct buf *out);
/* One number; a missing file leaves *@out. Returns 1, 0 or -errno. */
MUST_CHECK int cg_stat_u64(const struct cgroup *cg, const struct cg_hier *hier, const char *file,
			   uint64_t *out);

/* "some avg10=0.00 avg60=0.00 avg300=0.00 total=0" and "full ...". Returns 0 or -EPROTO. */
MUST_CHECK int cg_psi_parse(char *text, struct cg_psi *out);
MUST_CHECK int cg_stat_psi(const struct cgroup *cg, const char *file, struct cg_psi *out);

MUST_CHECK int cg_stats_read_memory(const struct cgroup *cg, struct cg_stats *s);
MUST_CHECK int cg_stats_read_io(const struct cgroup *cg, struct cg_stats *s);
MUST_CHECK int cg_stats_read_hugetlb(const struct cgroup *cg, struct cg_stats *s);

/* "NAME VALUE" lines. Returns 0, -EPROTO or -ENOMEM. */
MUST_CHECK int cg_stat_parse_names(struct arena *a, char *text, struct cg_named_u64 **out,
				   size_t *out_n);
/* "0-3,7" as numbers, at most @max of them. Returns 0, -EPROTO or -ENOMEM. */
MUST_CHECK int cg_stat_parse_set(struct arena *a, char *text, uint16_t **out, size_t *out_n);
/* v1 "MAJ:MIN OP VALUE" and "MAJ:MIN VALUE" lines; totals without a device are left out. */
MUST_CHECK int cg_stat_parse_io_v1(struct arena *a, char *text, struct cg_io_entries *out);
/* io.stat: "MAJ:MIN rbytes=N wbytes=N rios=N wios=N dbytes=N dios=N". */
MUST_CHECK int cg_stat_parse_io_v2(struct arena *a, char *text, struct cg_stats_io *out);

#endif
