// SPDX-License-Identifier: GPL-2.0-or-later
/* The process object. */
#include "spec/write_internal.h"

static void write_user(struct json_writer *w, const struct config_user *u)
{
	json_write_object(w, "user");
	json_write_u64(w, "uid", u->uid);
	json_write_u64(w, "gid", u->gid);
	write_opt_u32(w, "umask", u->umask);
	if (u->additional_gids.n) {
		json_write_array(w, "additionalGids");
		for (size_t i = 0; i < u->additional_gids.n; i++)
			json_write_u64(w, NULL, u->additional_gids.items[i]);
		json_write_end(w);
	}
	json_write_end(w);
}

static void write_cap_set(struct json_writer *w, const char *key, uint64_t set)
{
	if (!set)
		return;
	json_write_array(w, key);
	for (size_t i = 0; i < table_capabilities.n; i++) {
		if (set & (UINT64_C(1) << table_capabilities.items[i].value))
			json_write_str(w, NULL, table_capabilities.items[i].name);
	}
	json_write_end(w);
}

static void write_caps(struct json_writer *w, const struct config_caps *c)
{
	json_write_object(w, "capabilities");
	write_cap_set(w, "bounding", c->bounding);
	write_cap_set(w, "effective", c->effective);
	write_cap_set(w, "permitted", c->permitted);
	write_cap_set(w, "inheritable", c->inheritable);
	write_cap_set(w, "ambient", c->ambient);
	json_write_end(w);
}

static void write_rlimits(struct json_writer *w, const struct config_process *p)
{
	if (!p->rlimits.n)
		return;
	json_write_array(w, "rlimits");
	for (size_t i = 0; i < p->rlimits.n; i++) {
		const struct config_rlimit *l = &p->rlimits.items[i];

		json_write_object(w, NULL);
		write_name(w, "type", &table_rlimits, (uint64_t)l->resource);
		json_write_u64(w, "hard", l->hard);
		json_write_u64(w, "soft", l->soft);
		json_write_end(w);
	}
	json_write_end(w);
}

static void write_scheduler(struct json_writer *w, const struct config_scheduler *s)
{
	json_write_object(w, "scheduler");
	write_name(w, "policy", &table_sched_policies, s->policy);
	json_write_i64(w, "nice", s->nice);
	json_write_i64(w, "priority", s->priority);
	write_flags(w, "flags", &table_sched_flags, s->flags);
	json_write_u64(w, "runtime", s->runtime_ns);
	json_write_u64(w, "deadline", s->deadline_ns);
	json_write_u64(w, "period", s->period_ns);
	json_write_end(w);
}

static void write_affinity(struct json_writer *w, const struct config_process *p)
{
	if (!p->exec_cpu_initial && !p->exec_cpu_final)
		return;
	json_write_object(w, "execCPUAffinity");
	write_str(w, "initial", p->exec_cpu_initial);
	write_str(w, "final", p->exec_cpu_final);
	json_write_end(w);
}

void write_process(struct json_writer *w, const struct config_process *p)
{
	json_write_object(w, "process");
	write_true(w, "terminal", p->terminal);
	if (p->console_size.is_set) {
		json_write_object(w, "consoleSize");
		json_write_u64(w, "height", p->console_size.height);
		json_write_u64(w, "width", p->console_size.width);
		json_write_end(w);
	}
	write_user(w, &p->user);
	write_strv(w, "args", &p->args);
	write_strv(w, "env", &p->env);
	json_write_str(w, "cwd", p->cwd);
	if (p->caps)
		write_caps(w, p->caps);
	write_rlimits(w, p);
	write_true(w, "noNewPrivileges", p->no_new_privileges);
	write_str(w, "apparmorProfile", p->apparmor_profile);
	write_str(w, "selinuxLabel", p->selinux_label);
	write_opt_i64(w, "oomScoreAdj", p->oom_score_adj);
	if (p->scheduler)
		write_scheduler(w, p->scheduler);
	if (p->io_priority) {
		json_write_object(w, "ioPriority");
		write_name(w, "class", &table_ioprio_classes, (uint64_t)p->io_priority->class);
		json_write_i64(w, "priority", p->io_priority->priority);
		json_write_end(w);
	}
	write_affinity(w, p);
	json_write_end(w);
}
