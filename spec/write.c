// SPDX-License-Identifier: GPL-2.0-or-later
/* The root object of a config, and what the other writers share. */
#include "spec/write.h"

#include "spec/write_internal.h"

void write_str(struct json_writer *w, const char *key, const char *s)
{
	if (s)
		json_write_str(w, key, s);
}

void write_strv(struct json_writer *w, const char *key, const struct strv *v)
{
	if (v->n)
		json_write_strv(w, key, v);
}

void write_true(struct json_writer *w, const char *key, bool v)
{
	if (v)
		json_write_bool(w, key, true);
}

void write_opt_bool(struct json_writer *w, const char *key, struct opt_bool v)
{
	if (v.is_set)
		json_write_bool(w, key, v.v);
}

void write_opt_u32(struct json_writer *w, const char *key, struct opt_u32 v)
{
	if (v.is_set)
		json_write_u64(w, key, v.v);
}

void write_opt_u64(struct json_writer *w, const char *key, struct opt_u64 v)
{
	if (v.is_set)
		json_write_u64(w, key, v.v);
}

void write_opt_i64(struct json_writer *w, const char *key, struct opt_i64 v)
{
	if (v.is_set)
		json_write_i64(w, key, v.v);
}

void write_name(struct json_writer *w, const char *key, const struct name_table *t, uint64_t v)
{
	json_write_str(w, key, name_table_name(t, v));
}

void write_flags(struct json_writer *w, const char *key, const struct name_table *t, uint64_t v)
{
	if (!v)
		return;
	json_write_array(w, key);
	for (size_t i = 0; i < t->n; i++) {
		if (v & t->items[i].value)
			json_write_str(w, NULL, t->items[i].name);
	}
	json_write_end(w);
}

void write_id_maps(struct json_writer *w, const char *key, const struct config_id_maps *maps)
{
	if (!maps->n)
		return;
	json_write_array(w, key);
	for (size_t i = 0; i < maps->n; i++) {
		json_write_object(w, NULL);
		json_write_u64(w, "containerID", maps->items[i].container_id);
		json_write_u64(w, "hostID", maps->items[i].host_id);
		json_write_u64(w, "size", maps->items[i].size);
		json_write_end(w);
	}
	json_write_end(w);
}

static void write_root(struct json_writer *w, const struct config *c)
{
	json_write_object(w, "root");
	json_write_str(w, "path", c->root.path);
	write_true(w, "readonly", c->root.readonly);
	json_write_end(w);
}

static void write_mounts(struct json_writer *w, const struct config *c)
{
	if (!c->mounts.n)
		return;
	json_write_array(w, "mounts");
	for (size_t i = 0; i < c->mounts.n; i++) {
		const struct config_mount *m = &c->mounts.items[i];

		json_write_object(w, NULL);
		json_write_str(w, "destination", m->destination);
		write_str(w, "type", m->type);
		write_str(w, "source", m->source);
		write_strv(w, "options", &m->options);
		write_id_maps(w, "uidMappings", &m->uid_mappings);
		write_id_maps(w, "gidMappings", &m->gid_mappings);
		json_write_end(w);
	}
	json_write_end(w);
}

static void write_hook_list(struct json_writer *w, const char *key,
			    const struct config_hooks *hooks)
{
	json_write_array(w, key);
	for (size_t i = 0; i < hooks->n; i++) {
		json_write_object(w, NULL);
		json_write_str(w, "path", hooks->items[i].path);
		write_strv(w, "args", &hooks->items[i].args);
		write_strv(w, "env", &hooks->items[i].env);
		write_opt_u32(w, "timeout", hooks->items[i].timeout_s);
		json_write_end(w);
	}
	json_write_end(w);
}

static void write_hooks(struct json_writer *w, const struct config *c)
{
	size_t total = 0;

	for (size_t kind = 0; kind < HOOK_KINDS; kind++)
		total += c->hooks[kind].n;
	if (!total)
		return;
	json_write_object(w, "hooks");
	for (size_t kind = 0; kind < HOOK_KINDS; kind++) {
		if (c->hooks[kind].n)
			write_hook_list(w, name_table_name(&table_hooks, kind), &c->hooks[kind]);
	}
	json_write_end(w);
}

static void write_annotations(struct json_writer *w, const struct config *c)
{
	if (!c->annotations.n)
		return;
	json_write_object(w, "annotations");
	for (size_t i = 0; i < c->annotations.n; i++)
		json_write_str(w, c->annotations.items[i].key, c->annotations.items[i].value);
	json_write_end(w);
}

static void write_vm_kernel(struct json_writer *w, const struct config_vm *vm)
{
	if (!vm->kernel_path && !vm->kernel_parameters.n && !vm->initrd)
		return;
	json_write_object(w, "kernel");
	write_str(w, "path", vm->kernel_path);
	write_strv(w, "parameters", &vm->kernel_parameters);
	write_str(w, "initrd", vm->initrd);
	json_write_end(w);
}

static void write_vm(struct json_writer *w, const struct config_vm *vm)
{
	json_write_object(w, "vm");
	if (vm->hypervisor_path || vm->hypervisor_parameters.n) {
		json_write_object(w, "hypervisor");
		write_str(w, "path", vm->hypervisor_path);
		write_strv(w, "parameters", &vm->hypervisor_parameters);
		json_write_end(w);
	}
	write_vm_kernel(w, vm);
	if (vm->image_path || vm->image_format) {
		json_write_object(w, "image");
		write_str(w, "path", vm->image_path);
		write_str(w, "format", vm->image_format);
		json_write_end(w);
	}
	if (vm->device_tree || vm->vcpus.is_set || vm->memory_bytes.is_set) {
		json_write_object(w, "hwConfig");
		write_str(w, "deviceTree", vm->device_tree);
		write_opt_u32(w, "vcpus", vm->vcpus);
		write_opt_u64(w, "memory", vm->memory_bytes);
		json_write_end(w);
	}
	json_write_end(w);
}

int config_write_json(const struct config *c, enum json_style style, struct buf *out,
		      struct err *err)
{
	struct json_writer w;
	int rc;

	json_writer_init(&w, out, style);
	json_write_object(&w, NULL);
	json_write_str(&w, "ociVersion", c->oci_version);
	if (c->process)
		write_process(&w, c->process);
	write_root(&w, c);
	write_str(&w, "hostname", c->hostname);
	write_str(&w, "domainname", c->domainname);
	write_mounts(&w, c);
	write_hooks(&w, c);
	write_annotations(&w, c);
	write_linux(&w, &c->linux_);
	if (c->vm)
		write_vm(&w, c->vm);
	json_write_end(&w);
	rc = json_writer_finish(&w);
	return rc < 0 ? err_code(err, rc, "write the config") : 0;
}
