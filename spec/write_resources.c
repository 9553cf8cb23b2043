// SPDX-License-Identifier: GPL-2.0-or-later
/* The "resources" object. */
#include "spec/write_internal.h"

/* An object without members is not written. */

static bool has_memory(const struct config_memory *m)
{
	return m->limit.is_set || m->reservation.is_set || m->swap.is_set || m->kernel.is_set ||
	       m->kernel_tcp.is_set || m->swappiness.is_set || m->disable_oom_killer.is_set ||
	       m->use_hierarchy.is_set || m->check_before_update.is_set;
}

static bool has_cpu(const struct config_cpu *c)
{
	return c->shares.is_set || c->quota_us.is_set || c->burst_us.is_set ||
	       c->period_us.is_set || c->realtime_runtime_us.is_set ||
	       c->realtime_period_us.is_set || c->cpus || c->mems || c->idle.is_set;
}

static bool has_block_io(const struct config_block_io *b)
{
	return b->weight.is_set || b->leaf_weight.is_set || b->weight_devices.n || b->read_bps.n ||
	       b->write_bps.n || b->read_iops.n || b->write_iops.n;
}

static void write_device_rules(struct json_writer *w, const struct config_resources *r)
{
	if (!r->devices.n)
		return;
	json_write_array(w, "devices");
	for (size_t i = 0; i < r->devices.n; i++) {
		const struct config_device_rule *d = &r->devices.items[i];
		const char type[] = { d->type, '\0' };
		char access[4] = { 0 };
		size_t n = 0;

		if (d->read)
			access[n++] = 'r';
		if (d->write)
			access[n++] = 'w';
		if (d->mknod)
			access[n] = 'm';
		json_write_object(w, NULL);
		json_write_bool(w, "allow", d->allow);
		if (d->type != 'a')
			json_write_str(w, "type", type);
		write_opt_i64(w, "major", d->major);
		write_opt_i64(w, "minor", d->minor);
		json_write_str(w, "access", access);
		json_write_end(w);
	}
	json_write_end(w);
}

static void write_memory(struct json_writer *w, const struct config_memory *m)
{
	if (!has_memory(m))
		return;
	json_write_object(w, "memory");
	write_opt_i64(w, "limit", m->limit);
	write_opt_i64(w, "reservation", m->reservation);
	write_opt_i64(w, "swap", m->swap);
	write_opt_i64(w, "kernel", m->kernel);
	write_opt_i64(w, "kernelTCP", m->kernel_tcp);
	write_opt_u64(w, "swappiness", m->swappiness);
	write_opt_bool(w, "disableOOMKiller", m->disable_oom_killer);
	write_opt_bool(w, "useHierarchy", m->use_hierarchy);
	write_opt_bool(w, "checkBeforeUpdate", m->check_before_update);
	json_write_end(w);
}

static void write_cpu(struct json_writer *w, const struct config_cpu *c)
{
	if (!has_cpu(c))
		return;
	json_write_object(w, "cpu");
	write_opt_u64(w, "shares", c->shares);
	write_opt_i64(w, "quota", c->quota_us);
	write_opt_u64(w, "burst", c->burst_us);
	write_opt_u64(w, "period", c->period_us);
	write_opt_i64(w, "realtimeRuntime", c->realtime_runtime_us);
	write_opt_u64(w, "realtimePeriod", c->realtime_period_us);
	write_str(w, "cpus", c->cpus);
	write_str(w, "mems", c->mems);
	write_opt_i64(w, "idle", c->idle);
	json_write_end(w);
}

static void write_throttles(struct json_writer *w, const char *key,
			    const struct config_throttles *t)
{
	if (!t->n)
		return;
	json_write_array(w, key);
	for (size_t i = 0; i < t->n; i++) {
		json_write_object(w, NULL);
		json_write_i64(w, "major", t->items[i].major);
		json_write_i64(w, "minor", t->items[i].minor);
		json_write_u64(w, "rate", t->items[i].rate);
		json_write_end(w);
	}
	json_write_end(w);
}

static void write_block_io(struct json_writer *w, const struct config_block_io *b)
{
	if (!has_block_io(b))
		return;
	json_write_object(w, "blockIO");
	write_opt_u32(w, "weight", b->weight);
	write_opt_u32(w, "leafWeight", b->leaf_weight);
	if (b->weight_devices.n) {
		json_write_array(w, "weightDevice");
		for (size_t i = 0; i < b->weight_devices.n; i++) {
			const struct config_weight_device *d = &b->weight_devices.items[i];

			json_write_object(w, NULL);
			json_write_i64(w, "major", d->major);
			json_write_i64(w, "minor", d->minor);
			write_opt_u32(w, "weight", d->weight);
			write_opt_u32(w, "leafWeight", d->leaf_weight);
			json_write_end(w);
		}
		json_write_end(w);
	}
	write_throttles(w, "throttleReadBpsDevice", &b->read_bps);
	write_throttles(w, "throttleWriteBpsDevice", &b->write_bps);
	write_throttles(w, "throttleReadIOPSDevice", &b->read_iops);
	write_throttles(w, "throttleWriteIOPSDevice", &b->write_iops);
	json_write_end(w);
}

static void write_hugepages(struct json_writer *w, const struct config_resources *r)
{
	if (!r->hugepage_limits.n)
		return;
	json_write_array(w, "hugepageLimits");
	for (size_t i = 0; i < r->hugepage_limits.n; i++) {
		json_write_object(w, NULL);
		json_write_str(w, "pageSize", r->hugepage_limits.items[i].page_size);
		json_write_u64(w, "limit", r->hugepage_limits.items[i].limit);
		json_write_end(w);
	}
	json_write_end(w);
}

static void write_network(struct json_writer *w, const struct config_resources *r)
{
	if (!r->net_class_id.is_set && !r->net_priorities.n)
		return;
	json_write_object(w, "network");
	write_opt_u32(w, "classID", r->net_class_id);
	if (r->net_priorities.n) {
		json_write_array(w, "priorities");
		for (size_t i = 0; i < r->net_priorities.n; i++) {
			json_write_object(w, NULL);
			json_write_str(w, "name", r->net_priorities.items[i].name);
			json_write_u64(w, "priority", r->net_priorities.items[i].priority);
			json_write_end(w);
		}
		json_write_end(w);
	}
	json_write_end(w);
}

static void write_rdma(struct json_writer *w, const struct config_resources *r)
{
	if (!r->rdma.n)
		return;
	json_write_object(w, "rdma");
	for (size_t i = 0; i < r->rdma.n; i++) {
		json_write_object(w, r->rdma.items[i].device);
		write_opt_u32(w, "hcaHandles", r->rdma.items[i].hca_handles);
		write_opt_u32(w, "hcaObjects", r->rdma.items[i].hca_objects);
		json_write_end(w);
	}
	json_write_end(w);
}

void write_resources(struct json_writer *w, const struct config_resources *r)
{
	json_write_object(w, "resources");
	write_device_rules(w, r);
	write_memory(w, &r->memory);
	write_cpu(w, &r->cpu);
	if (r->pids_limit.is_set) {
		json_write_object(w, "pids");
		json_write_i64(w, "limit", r->pids_limit.v);
		json_write_end(w);
	}
	write_block_io(w, &r->block_io);
	write_hugepages(w, r);
	write_network(w, r);
	write_rdma(w, r);
	if (r->unified.n) {
		json_write_object(w, "unified");
		for (size_t i = 0; i < r->unified.n; i++)
			json_write_str(w, r->unified.items[i].file, r->unified.items[i].value);
		json_write_end(w);
	}
	json_write_end(w);
}
