// SPDX-License-Identifier: GPL-2.0-or-later
/* What a group uses: the entry, and the small accounts (cpu, cpuset, pids, pressure). */
#include "cgroups/stats.h"

#include <string.h>

#include "cgroups/stats_internal.h"
#include "spec/base/fd.h"
#include "spec/base/num.h"

enum { STAT_MAX = 4 << 20, SET_NUMBERS_MAX = 1 << 16, PERCENT_MILLI_MAX = 100 * 1000 };

#define NSEC_PER_SEC  UINT64_C(1000000000)
#define NSEC_PER_USEC UINT64_C(1000)

int cg_stat_text(const struct cgroup *cg, const struct cg_hier *hier, const char *file,
		 struct buf *out)
{
	char path[CG_FILE_MAX];
	int rc = cg_file_path(hier, cg->path, file, path);

	buf_clear(out);
	if (rc == 0)
		rc = file_read_at(cg->host.root_fd, path, STAT_MAX, out);
	/* EOPNOTSUPP: the account is switched off, as pressure may be. */
	if (rc == -ENOENT || rc == -EOPNOTSUPP)
		return 0;
	if (rc < 0)
		return rc;
	buf_add(out, "", 0);
	return buf_failed(out) ? -ENOMEM : out->data != NULL;
}

int cg_stat_u64(const struct cgroup *cg, const struct cg_hier *hier, const char *file,
		uint64_t *out)
{
	int rc = cg_file_read_u64(cg, hier, file, out);

	if (rc == -ENOENT || rc == -EOPNOTSUPP)
		return 0;
	return rc < 0 ? rc : 1;
}

static uint32_t hundredths(const char *text)
{
	char digits[16];
	size_t len = strcspn(text, " \n");
	uint64_t milli;

	if (len >= sizeof(digits))
		return 0;
	memcpy(digits, text, len);
	digits[len] = '\0';
	return num_milli(digits, PERCENT_MILLI_MAX, &milli) == 0 ? (uint32_t)(milli / 10) : 0;
}

int cg_psi_parse(char *text, struct cg_psi *out)
{
	char *save = NULL;

	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		struct cg_psi_line *to = str_starts(line, "some ") ? &out->some : &out->full;
		const char *avg10 = strstr(line, "avg10=");
		const char *avg60 = strstr(line, "avg60=");
		const char *avg300 = strstr(line, "avg300=");
		const char *total = strstr(line, "total=");

		if (!avg10 || !avg60 || !avg300 || !total ||
		    num_u64(total + strlen("total="), 0, UINT64_MAX, &to->total_us) < 0)
			return -EPROTO;
		to->avg10 = hundredths(avg10 + strlen("avg10="));
		to->avg60 = hundredths(avg60 + strlen("avg60="));
		to->avg300 = hundredths(avg300 + strlen("avg300="));
		out->is_set = true;
	}
	return 0;
}

int cg_stat_psi(const struct cgroup *cg, const char *file, struct cg_psi *out)
{
	const struct cg_hier *v2 = cg_host_v2(&cg->host);
	auto_buf struct buf text = BUF_INIT;
	int rc = v2 ? cg_stat_text(cg, v2, file, &text) : 0;

	return rc <= 0 ? rc : cg_psi_parse(text.data, out);
}

int cg_stat_parse_set(struct arena *a, char *text, uint16_t **out, size_t *out_n)
{
	uint16_t *list = NULL;
	size_t n = 0;
	size_t cap = 0;
	char *save = NULL;

	for (char *part = strtok_r(text, ",\n", &save); part; part = strtok_r(NULL, ",\n", &save)) {
		char *dash = strchr(part, '-');
		uint64_t from, to;

		if (dash)
			*dash = '\0';
		if (num_u64(part, 0, SET_NUMBERS_MAX - 1, &from) < 0)
			return -EPROTO;
		to = from;
		if (dash && num_u64(dash + 1, from, SET_NUMBERS_MAX - 1, &to) < 0)
			return -EPROTO;
		if (!list || n + (to - from + 1) > cap) {
			uint16_t *more;

			cap = 2 * (n + (to - from + 1));
			more = arena_alloc(a, cap, sizeof(*more));
			if (!more)
				return -ENOMEM;
			if (n > 0)
				memcpy(more, list, n * sizeof(*more));
			list = more;
		}
		for (uint64_t v = from; v <= to; v++)
			list[n++] = (uint16_t)v;
	}
	*out = list;
	*out_n = n;
	return 0;
}

/* A file of numbers between blanks. */
static int parse_numbers(struct arena *a, char *text, uint64_t **out, size_t *out_n)
{
	uint64_t *list = arena_alloc(a, strlen(text) / 2 + 1, sizeof(*list));
	size_t n = 0;
	char *save = NULL;

	if (!list)
		return -ENOMEM;
	for (char *p = strtok_r(text, " \n", &save); p; p = strtok_r(NULL, " \n", &save)) {
		if (num_u64(p, 0, UINT64_MAX, &list[n++]) < 0)
			return -EPROTO;
	}
	*out = list;
	*out_n = n;
	return 0;
}

/* "cpu user system" and a line of three numbers for each CPU. */
static int parse_usage_all(struct arena *a, char *text, struct cg_stats_cpu *cpu)
{
	uint64_t *all;
	size_t n;
	char *body = strchr(text, '\n');
	int rc = body ? parse_numbers(a, body, &all, &n) : -EPROTO;

	if (rc < 0)
		return rc;
	n /= 3;
	cpu->percpu_user_ns.items = arena_alloc(a, n + 1, sizeof(*all));
	cpu->percpu_kernel_ns.items = arena_alloc(a, n + 1, sizeof(*all));
	if (!cpu->percpu_user_ns.items || !cpu->percpu_kernel_ns.items)
		return -ENOMEM;
	cpu->percpu_user_ns.n = n;
	cpu->percpu_kernel_ns.n = n;
	for (size_t i = 0; i < n; i++) {
		cpu->percpu_user_ns.items[i] = all[i * 3 + 1];
		cpu->percpu_kernel_ns.items[i] = all[i * 3 + 2];
	}
	return 0;
}

static int read_cpuacct_v1(const struct cgroup *cg, const struct cg_hier *hier, struct cg_stats *s)
{
	auto_buf struct buf text = BUF_INIT;
	struct cg_stats_cpu *cpu = &s->cpu;
	uint64_t tick_ns = NSEC_PER_SEC / (uint64_t)sysconf(_SC_CLK_TCK);
	int rc = cg_stat_u64(cg, hier, "cpuacct.usage", &cpu->total_ns);

	if (rc <= 0)
		return rc;
	cpu->has_usage = true;
	rc = cg_stat_text(cg, hier, "cpuacct.stat", &text);
	if (rc > 0) {
		cpu->user_ns = cg_text_key_or(text.data, "user", 0) * tick_ns;
		cpu->kernel_ns = cg_text_key_or(text.data, "system", 0) * tick_ns;
	}
	if (rc >= 0)
		rc = cg_stat_text(cg, hier, "cpuacct.usage_percpu", &text);
	if (rc > 0)
		rc = parse_numbers(&s->arena, text.data, &cpu->percpu_ns.items, &cpu->percpu_ns.n);
	if (rc >= 0)
		rc = cg_stat_text(cg, hier, "cpuacct.usage_all", &text);
	if (rc > 0)
		rc = parse_usage_all(&s->arena, text.data, cpu);
	return rc;
}

static void take_throttling(const char *text, bool v2, struct cg_stats_cpu *cpu)
{
	uint64_t unit = v2 ? NSEC_PER_USEC : 1;

	if (cg_text_key_u64(text, "nr_periods", &cpu->periods) < 0)
		return; /* v2 without the controller: cpu.stat has usage alone */
	cpu->has_throttling = true;
	cpu->throttled_periods = cg_text_key_or(text, "nr_throttled", 0);
	cpu->throttled_ns =
	    unit * cg_text_key_or(text, v2 ? "throttled_usec" : "throttled_time", 0);
	cpu->bursts = cg_text_key_or(text, "nr_bursts", 0);
	cpu->burst_ns = unit * cg_text_key_or(text, v2 ? "burst_usec" : "burst_time", 0);
}

static void take_usage_v2(const char *text, struct cg_stats_cpu *cpu)
{
	uint64_t us;

	if (cg_text_key_u64(text, "usage_usec", &us) < 0)
		return;
	cpu->has_usage = true;
	cpu->total_ns = us * NSEC_PER_USEC;
	cpu->user_ns = cg_text_key_or(text, "user_usec", 0) * NSEC_PER_USEC;
	cpu->kernel_ns = cg_text_key_or(text, "system_usec", 0) * NSEC_PER_USEC;
}

static int read_cpu(const struct cgroup *cg, struct cg_stats *s)
{
	const struct cg_hier *acct = cg_host_v1(&cg->host, CTL_CPUACCT);
	const struct cg_hier *v1 = cg_host_v1(&cg->host, CTL_CPU);
	const struct cg_hier *hier = v1 ? v1 : cg_host_v2(&cg->host);
	auto_buf struct buf text = BUF_INIT;
	int rc = acct ? read_cpuacct_v1(cg, acct, s) : 0;

	if (rc >= 0)
		rc = hier ? cg_stat_text(cg, hier, "cpu.stat", &text) : 0;
	if (rc > 0) {
		take_throttling(text.data, hier->is_v2, &s->cpu);
		if (!acct)
			take_usage_v2(text.data, &s->cpu);
	}
	return rc < 0 ? rc : cg_stat_psi(cg, "cpu.pressure", &s->cpu.psi);
}

static int read_cpuset_numbers(const struct cgroup *cg, const struct cg_hier *hier,
			       struct cg_stats_cpuset *set)
{
	const struct {
		const char *file;
		uint64_t *to;
	} files[] = {
		{ "cpuset.cpu_exclusive", &set->cpu_exclusive },
		{ "cpuset.mem_hardwall", &set->mem_hardwall },
		{ "cpuset.mem_exclusive", &set->mem_exclusive },
		{ "cpuset.memory_migrate", &set->memory_migrate },
		{ "cpuset.memory_spread_page", &set->memory_spread_page },
		{ "cpuset.memory_spread_slab", &set->memory_spread_slab },
		{ "cpuset.memory_pressure", &set->memory_pressure },
		{ "cpuset.sched_load_balance", &set->sched_load_balance },
	};
	char text[32];
	int rc = 0;

	for (size_t i = 0; rc >= 0 && i < ARRAY_LEN(files); i++)
		rc = cg_stat_u64(cg, hier, files[i].file, files[i].to);
	if (rc < 0)
		return rc;
	rc = cg_file_read(cg, hier, "cpuset.sched_relax_domain_level", text, sizeof(text));
	if (rc == -ENOENT)
		return 0;
	return rc < 0 ? rc : num_i64(text, INT32_MIN, INT32_MAX, &set->sched_relax_domain_level);
}

static int read_cpuset(const struct cgroup *cg, struct cg_stats *s)
{
	const struct cg_hier *hier = cg_host_v1(&cg->host, CTL_CPUSET);
	auto_buf struct buf text = BUF_INIT;
	int rc = hier ? cg_stat_text(cg, hier, "cpuset.cpus", &text) : 0;

	if (rc <= 0)
		return rc;
	s->cpuset.is_set = true;
	rc = cg_stat_parse_set(&s->arena, text.data, &s->cpuset.cpus.items, &s->cpuset.cpus.n);
	if (rc >= 0)
		rc = cg_stat_text(cg, hier, "cpuset.mems", &text);
	if (rc > 0)
		rc = cg_stat_parse_set(&s->arena, text.data, &s->cpuset.mems.items,
				       &s->cpuset.mems.n);
	return rc < 0 ? rc : read_cpuset_numbers(cg, hier, &s->cpuset);
}

static int read_pids(const struct cgroup *cg, struct cg_stats *s)
{
	const struct cg_hier *v1 = cg_host_v1(&cg->host, CTL_PIDS);
	const struct cg_hier *hier = v1 ? v1 : cg_host_v2(&cg->host);
	int rc = hier ? cg_stat_u64(cg, hier, "pids.current", &s->pids.current) : 0;

	if (rc <= 0)
		return rc;
	s->pids.is_set = true;
	s->pids.limit = UINT64_MAX;
	return cg_stat_u64(cg, hier, "pids.max", &s->pids.limit);
}

int cg_stats_read(struct cgroup *cg, struct cg_stats *out, struct err *err)
{
	static int (*const parts[])(const struct cgroup *, struct cg_stats *) = {
		read_cpu,  read_cpuset,      cg_stats_read_memory,
		read_pids, cg_stats_read_io, cg_stats_read_hugetlb,
	};

	memset(out, 0, sizeof(*out));
	if (!cg->has_group)
		return err_set(err, -ENOENT, "read the accounts of cgroup '%s': there is none",
			       cg->path);
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		int rc = parts[i](cg, out);

		if (rc < 0) {
			cg_stats_fini(out);
			/* ENODEV: removed while a file was open. */
			return err_code(err, rc == -ENODEV ? -ENOENT : rc,
					"read the accounts of cgroup '%s'", cg->path);
		}
	}
	return 0;
}

void cg_stats_fini(struct cg_stats *s)
{
	arena_fini(&s->arena);
	memset(s, 0, sizeof(*s));
}
