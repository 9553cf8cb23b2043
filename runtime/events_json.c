// SPDX-License-Identifier: GPL-2.0-or-later
/* Numbers of a group as JSON. Pure. */
#include "runtime/events_json.h"

#include <stdio.h>
#include <string.h>

#include "spec/base/num.h"
#include "spec/json_write.h"

enum { NET_NUMBERS = 16, INTERFACE_MAX = 32 };

static void write_u64s(struct json_writer *w, const char *key, const uint64_t *items, size_t n)
{
	json_write_array(w, key);
	for (size_t i = 0; i < n; i++)
		json_write_u64(w, NULL, items[i]);
	json_write_end(w);
}

static void write_u16s(struct json_writer *w, const char *key, const uint16_t *items, size_t n)
{
	json_write_array(w, key);
	for (size_t i = 0; i < n; i++)
		json_write_u64(w, NULL, items[i]);
	json_write_end(w);
}

static void write_psi_line(struct json_writer *w, const char *key, const struct cg_psi_line *l)
{
	json_write_object(w, key);
	json_write_milli(w, "avg10", (uint64_t)l->avg10 * 10); /* hundredths to thousandths */
	json_write_milli(w, "avg60", (uint64_t)l->avg60 * 10);
	json_write_milli(w, "avg300", (uint64_t)l->avg300 * 10);
	json_write_u64(w, "total", l->total_us);
	json_write_end(w);
}

static void write_psi(struct json_writer *w, const struct cg_psi *psi)
{
	if (!psi->is_set)
		return;
	json_write_object(w, "psi");
	write_psi_line(w, "some", &psi->some);
	write_psi_line(w, "full", &psi->full);
	json_write_end(w);
}

static void write_cpu(struct json_writer *w, const struct cg_stats_cpu *c)
{
	json_write_object(w, "cpu");
	json_write_object(w, "usage");
	json_write_u64(w, "total", c->total_ns);
	if (c->percpu_ns.n)
		write_u64s(w, "percpu", c->percpu_ns.items, c->percpu_ns.n);
	if (c->percpu_kernel_ns.n)
		write_u64s(w, "percpu_kernel", c->percpu_kernel_ns.items, c->percpu_kernel_ns.n);
	if (c->percpu_user_ns.n)
		write_u64s(w, "percpu_user", c->percpu_user_ns.items, c->percpu_user_ns.n);
	json_write_u64(w, "kernel", c->kernel_ns);
	json_write_u64(w, "user", c->user_ns);
	json_write_end(w);
	json_write_object(w, "throttling");
	json_write_u64(w, "periods", c->periods);
	json_write_u64(w, "throttledPeriods", c->throttled_periods);
	json_write_u64(w, "throttledTime", c->throttled_ns);
	json_write_end(w);
	write_psi(w, &c->psi);
	json_write_end(w);
}

static void write_cpuset(struct json_writer *w, const struct cg_stats_cpuset *c)
{
	if (!c->is_set)
		return;
	json_write_object(w, "cpuset");
	write_u16s(w, "cpus", c->cpus.items, c->cpus.n);
	json_write_u64(w, "cpu_exclusive", c->cpu_exclusive);
	write_u16s(w, "mems", c->mems.items, c->mems.n);
	json_write_u64(w, "mem_hardwall", c->mem_hardwall);
	json_write_u64(w, "mem_exclusive", c->mem_exclusive);
	json_write_u64(w, "memory_migrate", c->memory_migrate);
	json_write_u64(w, "memory_spread_page", c->memory_spread_page);
	json_write_u64(w, "memory_spread_slab", c->memory_spread_slab);
	json_write_u64(w, "memory_pressure", c->memory_pressure);
	json_write_u64(w, "sched_load_balance", c->sched_load_balance);
	json_write_i64(w, "sched_relax_domain_level", c->sched_relax_domain_level);
	json_write_end(w);
}

static void write_counter(struct json_writer *w, const char *key, const struct cg_mem_counter *m)
{
	if (!m->is_set)
		return;
	json_write_object(w, key);
	json_write_u64(w, "limit", m->limit);
	json_write_u64(w, "usage", m->usage);
	json_write_u64(w, "max", m->max);
	json_write_u64(w, "failcnt", m->failcnt);
	json_write_end(w);
}

static void write_memory(struct json_writer *w, const struct cg_stats_memory *m)
{
	if (!m->is_set)
		return;
	json_write_object(w, "memory");
	json_write_u64(w, "cache", m->cache);
	write_counter(w, "usage", &m->usage);
	write_counter(w, "swap", &m->swap);
	write_counter(w, "kernel", &m->kernel);
	write_counter(w, "kernelTCP", &m->kernel_tcp);
	json_write_object(w, "raw");
	for (size_t i = 0; i < m->raw.n; i++)
		json_write_u64(w, m->raw.items[i].name, m->raw.items[i].value);
	json_write_end(w);
	write_psi(w, &m->psi);
	json_write_end(w);
}

static void write_pids(struct json_writer *w, const struct cg_stats_pids *p)
{
	if (!p->is_set)
		return;
	json_write_object(w, "pids");
	json_write_u64(w, "current", p->current);
	json_write_u64(w, "limit", p->limit == UINT64_MAX ? 0 : p->limit); /* 0: none, as in runc */
	json_write_end(w);
}

static void write_io_entries(struct json_writer *w, const char *key, const struct cg_io_entries *e)
{
	if (e->n == 0)
		return;
	json_write_array(w, key);
	for (size_t i = 0; i < e->n; i++) {
		json_write_object(w, NULL);
		json_write_u64(w, "major", e->items[i].major);
		json_write_u64(w, "minor", e->items[i].minor);
		json_write_str(w, "op", e->items[i].op);
		json_write_u64(w, "value", e->items[i].value);
		json_write_end(w);
	}
	json_write_end(w);
}

static void write_io(struct json_writer *w, const struct cg_stats_io *io)
{
	json_write_object(w, "blkio");
	write_io_entries(w, "ioServiceBytesRecursive", &io->service_bytes);
	write_io_entries(w, "ioServicedRecursive", &io->serviced);
	write_io_entries(w, "ioQueueRecursive", &io->queued);
	write_io_entries(w, "ioServiceTimeRecursive", &io->service_time);
	write_io_entries(w, "ioWaitTimeRecursive", &io->wait_time);
	write_io_entries(w, "ioMergedRecursive", &io->merged);
	write_io_entries(w, "ioTimeRecursive", &io->time);
	write_io_entries(w, "sectorsRecursive", &io->sectors);
	write_psi(w, &io->psi);
	json_write_end(w);
}

static void write_hugetlb(struct json_writer *w, const struct cg_stats *s)
{
	json_write_object(w, "hugetlb");
	for (size_t i = 0; i < s->hugetlb.n; i++) {
		json_write_object(w, s->hugetlb.items[i].page_size);
		json_write_u64(w, "usage", s->hugetlb.items[i].usage);
		json_write_u64(w, "max", s->hugetlb.items[i].max);
		json_write_u64(w, "failcnt", s->hugetlb.items[i].failcnt);
		json_write_end(w);
	}
	json_write_end(w);
}

/* One line of /proc/net/dev: "  eth0: " and sixteen numbers, received ones first. proc_net(5). */
static void write_interface(struct json_writer *w, const char *line, size_t len)
{
	static const struct {
		const char *key;
		size_t column;
	} rows[] = {
		{ "RxBytes", 0 }, { "RxPackets", 1 }, { "RxErrors", 2 },  { "RxDropped", 3 },
		{ "TxBytes", 8 }, { "TxPackets", 9 }, { "TxErrors", 10 }, { "TxDropped", 11 },
	};
	uint64_t numbers[NET_NUMBERS];
	char name[INTERFACE_MAX];
	char text[512];
	char *save = NULL;
	char *p;

	if (len >= sizeof(text))
		return;
	memcpy(text, line, len);
	text[len] = '\0';
	p = strrchr(text, ':');
	if (!p)
		return;
	*p = '\0';
	(void)snprintf(name, sizeof(name), "%s", text + strspn(text, " "));
	p = strtok_r(p + 1, " ", &save);
	for (size_t i = 0; i < NET_NUMBERS; i++, p = strtok_r(NULL, " ", &save)) {
		if (!p || num_u64(p, 0, UINT64_MAX, &numbers[i]) < 0)
			return;
	}
	json_write_object(w, NULL);
	json_write_str(w, "Name", name);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		json_write_u64(w, rows[i].key, numbers[rows[i].column]);
	json_write_end(w);
}

static void write_interfaces(struct json_writer *w, const char *net_dev)
{
	if (!net_dev)
		return;
	json_write_array(w, "network_interfaces");
	for (size_t i = 0; *net_dev; i++) {
		size_t len = strcspn(net_dev, "\n");

		if (i >= 2) /* two lines of headings */
			write_interface(w, net_dev, len);
		net_dev += len + (net_dev[len] == '\n');
	}
	json_write_end(w);
}

static int finish(struct json_writer *w, struct buf *out, struct err *err)
{
	if (json_writer_finish(w) < 0)
		return err_set(err, -ENOMEM, "out of memory");
	buf_add_char(out, '\n');
	return 0;
}

int events_write_stats(const char *id, const struct cg_stats *s, const char *net_dev,
		       const struct net_ends *networks, struct buf *out, struct err *err)
{
	struct json_writer w;

	json_writer_init(&w, out, JSON_COMPACT);
	json_write_object(&w, NULL);
	json_write_str(&w, "type", "stats");
	json_write_str(&w, "id", id);
	json_write_object(&w, "data");
	write_cpu(&w, &s->cpu);
	write_cpuset(&w, &s->cpuset);
	write_memory(&w, &s->memory);
	write_pids(&w, &s->pids);
	write_io(&w, &s->io);
	write_hugetlb(&w, s);
	json_write_object(&w, "intel_rdt");
	json_write_end(&w);
	write_interfaces(&w, net_dev);
	network_view_write(&w, networks);
	json_write_end(&w);
	json_write_end(&w);
	return finish(&w, out, err);
}

int events_write_oom(const char *id, struct buf *out, struct err *err)
{
	struct json_writer w;

	json_writer_init(&w, out, JSON_COMPACT);
	json_write_object(&w, NULL);
	json_write_str(&w, "type", "oom");
	json_write_str(&w, "id", id);
	json_write_end(&w);
	return finish(&w, out, err);
}
