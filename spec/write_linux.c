// SPDX-License-Identifier: GPL-2.0-or-later
/* The "linux" object but for resources. */
#include <seccomp.h>

#include "spec/write_internal.h"

static void write_namespaces(struct json_writer *w, const struct config_linux *l)
{
	json_write_array(w, "namespaces");
	for (size_t i = 0; i < NS_KINDS; i++) {
		if (!l->namespaces[i].is_set)
			continue;
		json_write_object(w, NULL);
		write_name(w, "type", &table_namespaces, i);
		write_str(w, "path", l->namespaces[i].path);
		json_write_end(w);
	}
	json_write_end(w);
}

static void write_time_offset(struct json_writer *w, const char *key,
			      const struct config_time_offset *t)
{
	if (!t->is_set)
		return;
	json_write_object(w, key);
	json_write_i64(w, "secs", t->secs);
	json_write_u64(w, "nanosecs", t->nanosecs);
	json_write_end(w);
}

static void write_time_offsets(struct json_writer *w, const struct config_linux *l)
{
	if (!l->monotonic.is_set && !l->boottime.is_set)
		return;
	json_write_object(w, "timeOffsets");
	write_time_offset(w, "monotonic", &l->monotonic);
	write_time_offset(w, "boottime", &l->boottime);
	json_write_end(w);
}

static void write_devices(struct json_writer *w, const struct config_linux *l)
{
	if (!l->devices.n)
		return;
	json_write_array(w, "devices");
	for (size_t i = 0; i < l->devices.n; i++) {
		const struct config_device *d = &l->devices.items[i];
		const char type[] = { d->type, '\0' };

		json_write_object(w, NULL);
		json_write_str(w, "type", type);
		json_write_str(w, "path", d->path);
		if (d->type != 'p') {
			json_write_i64(w, "major", d->major);
			json_write_i64(w, "minor", d->minor);
		}
		write_opt_u32(w, "fileMode", d->file_mode);
		write_opt_u32(w, "uid", d->uid);
		write_opt_u32(w, "gid", d->gid);
		json_write_end(w);
	}
	json_write_end(w);
}

static void write_maps(struct json_writer *w, const struct config_linux *l)
{
	if (l->net_devices.n) {
		json_write_object(w, "netDevices");
		for (size_t i = 0; i < l->net_devices.n; i++) {
			json_write_object(w, l->net_devices.items[i].host_name);
			write_str(w, "name", l->net_devices.items[i].name);
			json_write_end(w);
		}
		json_write_end(w);
	}
	if (l->sysctl.n) {
		json_write_object(w, "sysctl");
		for (size_t i = 0; i < l->sysctl.n; i++)
			json_write_str(w, l->sysctl.items[i].key, l->sysctl.items[i].value);
		json_write_end(w);
	}
}

static void write_intel_rdt(struct json_writer *w, const struct config_intel_rdt *r)
{
	json_write_object(w, "intelRdt");
	write_str(w, "closID", r->clos_id);
	write_str(w, "l3CacheSchema", r->l3_cache_schema);
	write_str(w, "memBwSchema", r->mem_bw_schema);
	write_strv(w, "schemata", &r->schemata);
	write_true(w, "enableMonitoring", r->enable_monitoring);
	json_write_end(w);
}

static void write_memory_policy(struct json_writer *w, const struct config_memory_policy *p)
{
	json_write_object(w, "memoryPolicy");
	write_name(w, "mode", &table_mpol_modes, (uint64_t)p->mode);
	write_str(w, "nodes", p->nodes);
	write_flags(w, "flags", &table_mpol_flags, p->flags);
	json_write_end(w);
}

/* The errno of an action is in its low 16 bits; the actions that take none have zeros there. */
static void write_action(struct json_writer *w, const char *key, const char *errno_key, uint32_t v)
{
	uint32_t action = v & ~UINT32_C(0xffff);

	if (action != SCMP_ACT_ERRNO(0) && action != SCMP_ACT_TRACE(0)) {
		write_name(w, key, &table_seccomp_actions, v);
		return;
	}
	write_name(w, key, &table_seccomp_actions, action);
	json_write_u64(w, errno_key, v & 0xffff);
}

static void write_rule(struct json_writer *w, const struct config_seccomp_rule *rule)
{
	json_write_object(w, NULL);
	json_write_strv(w, "names", &rule->names);
	write_action(w, "action", "errnoRet", rule->action);
	if (rule->args.n) {
		json_write_array(w, "args");
		for (size_t i = 0; i < rule->args.n; i++) {
			const struct config_seccomp_arg *a = &rule->args.items[i];

			json_write_object(w, NULL);
			json_write_u64(w, "index", a->index);
			json_write_u64(w, "value", a->value);
			if (a->value_two)
				json_write_u64(w, "valueTwo", a->value_two);
			write_name(w, "op", &table_seccomp_ops, a->op);
			json_write_end(w);
		}
		json_write_end(w);
	}
	json_write_end(w);
}

void write_seccomp(struct json_writer *w, const struct config_seccomp *s)
{
	json_write_object(w, "seccomp");
	write_action(w, "defaultAction", "defaultErrnoRet", s->default_action);
	if (s->archs.n) {
		json_write_array(w, "architectures");
		for (size_t i = 0; i < s->archs.n; i++)
			write_name(w, NULL, &table_seccomp_archs, s->archs.items[i]);
		json_write_end(w);
	}
	if (s->flags) {
		write_flags(w, "flags", &table_seccomp_flags, s->flags);
	} else if (s->has_flags) {
		json_write_array(w, "flags");
		json_write_end(w);
	}
	write_str(w, "listenerPath", s->listener_path);
	write_str(w, "listenerMetadata", s->listener_metadata);
	if (s->rules.n) {
		json_write_array(w, "syscalls");
		for (size_t i = 0; i < s->rules.n; i++)
			write_rule(w, &s->rules.items[i]);
		json_write_end(w);
	}
	json_write_end(w);
}

void write_linux(struct json_writer *w, const struct config_linux *l)
{
	json_write_object(w, "linux");
	write_resources(w, &l->resources);
	write_str(w, "cgroupsPath", l->cgroups_path);
	write_namespaces(w, l);
	write_id_maps(w, "uidMappings", &l->uid_mappings);
	write_id_maps(w, "gidMappings", &l->gid_mappings);
	write_time_offsets(w, l);
	write_devices(w, l);
	write_maps(w, l);
	if (l->intel_rdt)
		write_intel_rdt(w, l->intel_rdt);
	if (l->memory_policy)
		write_memory_policy(w, l->memory_policy);
	if (l->seccomp)
		write_seccomp(w, l->seccomp);
	if (l->rootfs_propagation)
		write_name(w, "rootfsPropagation", &table_propagations, l->rootfs_propagation);
	write_strv(w, "maskedPaths", &l->masked_paths);
	write_strv(w, "readonlyPaths", &l->readonly_paths);
	write_str(w, "mountLabel", l->mount_label);
	if (l->personality) {
		json_write_object(w, "personality");
		write_name(w, "domain", &table_personalities, l->personality->domain);
		json_write_end(w);
	}
	json_write_end(w);
}
