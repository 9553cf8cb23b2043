// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Memory accounts, in v1's terms on both versions: "swap" is memory and swap together.
 * Source: kernel admin-guide, cgroup-v1/memory.rst, cgroup-v2.rst "Memory Interface Files".
 */
#include <string.h>

#include "cgroups/stats_internal.h"
#include "spec/base/num.h"

int cg_stat_parse_names(struct arena *a, char *text, struct cg_named_u64 **out, size_t *out_n)
{
	struct cg_named_u64 *list;
	size_t n = 0;
	char *save = NULL;

	for (const char *p = text; (p = strchr(p, '\n')); p++)
		n++;
	list = arena_alloc(a, n + 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	n = 0;
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *blank = strchr(line, ' ');

		if (!blank || num_u64(blank + 1, 0, UINT64_MAX, &list[n].value) < 0)
			return -EPROTO;
		list[n].name = arena_strndup(a, line, (size_t)(blank - line));
		if (!list[n++].name)
			return -ENOMEM;
	}
	*out = list;
	*out_n = n;
	return 0;
}

static uint64_t named(const struct cg_stats_memory *m, const char *name)
{
	for (size_t i = 0; i < m->raw.n; i++) {
		if (str_eq(m->raw.items[i].name, name))
			return m->raw.items[i].value;
	}
	return 0;
}

/* Sums that may be "unlimited". */
static uint64_t add_limits(uint64_t a, uint64_t b)
{
	uint64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

/* v1 says "no limit" as the largest multiple of a page in an int64, in pages of any size. */
static uint64_t v1_limit(uint64_t v)
{
	return v >= (uint64_t)INT64_MAX - (1 << 20) ? UINT64_MAX : v;
}

static int read_counter_v1(const struct cgroup *cg, const struct cg_hier *hier, const char *prefix,
			   struct cg_mem_counter *out)
{
	const struct {
		const char *suffix;
		uint64_t *to;
	} files[] = {
		{ "usage_in_bytes", &out->usage },
		{ "max_usage_in_bytes", &out->max },
		{ "failcnt", &out->failcnt },
		{ "limit_in_bytes", &out->limit },
	};

	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		char file[64];
		int rc;

		(void)snprintf(file, sizeof(file), "%s.%s", prefix, files[i].suffix);
		rc = cg_stat_u64(cg, hier, file, files[i].to);
		if (rc < 0 || (rc == 0 && i == 0))
			return rc;
	}
	out->limit = v1_limit(out->limit);
	out->is_set = true;
	return 0;
}

static int read_v1(const struct cgroup *cg, const struct cg_hier *hier, struct cg_stats_memory *m)
{
	int rc = read_counter_v1(cg, hier, "memory", &m->usage);

	if (rc == 0)
		rc = read_counter_v1(cg, hier, "memory.memsw", &m->swap);
	if (rc == 0)
		rc = read_counter_v1(cg, hier, "memory.kmem", &m->kernel);
	if (rc == 0)
		rc = read_counter_v1(cg, hier, "memory.kmem.tcp", &m->kernel_tcp);
	/* Hierarchical: the groups that the container makes below count as its own. */
	m->cache = named(m, "total_cache");
	return rc;
}

static int read_v2(const struct cgroup *cg, const struct cg_hier *hier, struct cg_stats_memory *m)
{
	auto_buf struct buf events = BUF_INIT;
	struct cg_mem_counter swap = { .limit = UINT64_MAX };
	int rc = cg_stat_u64(cg, hier, "memory.current", &m->usage.usage);

	if (rc <= 0)
		return rc;
	m->usage.is_set = true;
	m->usage.limit = UINT64_MAX;
	rc = cg_stat_u64(cg, hier, "memory.max", &m->usage.limit);
	if (rc >= 0)
		rc = cg_stat_u64(cg, hier, "memory.peak", &m->usage.max); /* Linux 5.19 */
	if (rc >= 0)
		rc = cg_stat_text(cg, hier, "memory.events", &events);
	if (rc > 0)
		m->usage.failcnt = cg_text_key_or(events.data, "max", 0);
	m->cache = named(m, "file");
	if (rc >= 0)
		rc = cg_stat_u64(cg, hier, "memory.swap.current", &swap.usage);
	if (rc <= 0)
		return rc;
	rc = cg_stat_u64(cg, hier, "memory.swap.max", &swap.limit);
	if (rc >= 0)
		rc = cg_stat_u64(cg, hier, "memory.swap.peak", &swap.max); /* Linux 6.5 */
	m->swap = (struct cg_mem_counter){
		.is_set = true,
		.usage = add_limits(swap.usage, m->usage.usage),
		.limit = add_limits(swap.limit, m->usage.limit),
		.max = swap.max ? add_limits(swap.max, m->usage.max) : 0,
	};
	return rc;
}

int cg_stats_read_memory(const struct cgroup *cg, struct cg_stats *s)
{
	const struct cg_hier *v1 = cg_host_v1(&cg->host, CTL_MEMORY);
	const struct cg_hier *hier = v1 ? v1 : cg_host_v2(&cg->host);
	struct cg_stats_memory *m = &s->memory;
	auto_buf struct buf text = BUF_INIT;
	int rc = hier ? cg_stat_text(cg, hier, "memory.stat", &text) : 0;

	if (rc > 0) {
		m->is_set = true;
		rc = cg_stat_parse_names(&s->arena, text.data, &m->raw.items, &m->raw.n);
		if (rc == 0)
			rc = v1 ? read_v1(cg, hier, m) : read_v2(cg, hier, m);
	}
	return rc < 0 ? rc : cg_stat_psi(cg, "memory.pressure", &m->psi);
}
