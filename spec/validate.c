// SPDX-License-Identifier: GPL-2.0-or-later
/* Rules of config.md: the process, mounts, hooks, names. Linux' own are in validate_linux.c. */
#include "spec/validate.h"

#include <linux/ioprio.h>
#include <sched.h>
#include <string.h>

#include "spec/base/num.h"
#include "spec/base/str.h"
#include "spec/tables.h"
#include "spec/validate_internal.h"

#ifndef SCHED_DEADLINE
#define SCHED_DEADLINE 6
#endif

enum {
	MAX_HOST_NAME = 64,    /* __NEW_UTS_LEN of the kernel, without the NUL */
	MAX_LIST_NUMBER = 8191 /* NR_CPUS and MAX_NUMNODES are not larger */
};

/* Reads digits at *@s and moves behind them; false: there are none, or too large a number. */
static bool list_number(const char **s, uint64_t *out)
{
	char digits[8];
	size_t n = strspn(*s, "0123456789");

	if (n == 0 || n >= sizeof(digits))
		return false;
	memcpy(digits, *s, n);
	digits[n] = '\0';
	*s += n;
	return num_u64(digits, 0, MAX_LIST_NUMBER, out) == 0;
}

/* One part of a list: "N", "N-M" or "N-M:USED/GROUP". */
static bool list_part(const char **s)
{
	uint64_t first;
	uint64_t last;
	uint64_t used;
	uint64_t group;

	if (!list_number(s, &first))
		return false;
	if (**s != '-')
		return true;
	(*s)++;
	if (!list_number(s, &last) || last < first)
		return false;
	if (**s != ':')
		return true;
	(*s)++;
	if (!list_number(s, &used) || **s != '/')
		return false;
	(*s)++;
	return list_number(s, &group) && group > 0 && used <= group;
}

int validate_cpu_list(const char *list, const char *path, struct err *err)
{
	const char *s = list;

	while (list_part(&s)) {
		if (*s == '\0')
			return 0;
		if (*s++ != ',')
			break;
	}
	return err_set(err, -EINVAL, "%s: '%s' is not a list such as \"0-3,7\"", path, list);
}

/* ---- process --------------------------------------------------------------------------------- */

static int check_rlimits(const struct config_process *p, const char *path, struct err *err)
{
	uint64_t seen = 0;

	for (size_t i = 0; i < p->rlimits.n; i++) {
		const struct config_rlimit *l = &p->rlimits.items[i];
		uint64_t bit = UINT64_C(1) << l->resource;

		if (seen & bit)
			return err_set(err, -EINVAL, "%s/rlimits/%zu/type: %s is given twice", path,
				       i, name_table_name(&table_rlimits, (uint64_t)l->resource));
		seen |= bit;
		if (l->soft > l->hard)
			return err_set(err, -EINVAL,
				       "%s/rlimits/%zu/soft: %ju is above the hard limit %ju", path,
				       i, (uintmax_t)l->soft, (uintmax_t)l->hard);
	}
	return 0;
}

/* Source: sched_setattr(2); what a policy does not use must be 0, as the kernel has it. */
static int check_scheduler(const struct config_scheduler *s, const char *path, struct err *err)
{
	bool is_fair = s->policy == SCHED_OTHER || s->policy == SCHED_BATCH;
	bool is_rt = s->policy == SCHED_FIFO || s->policy == SCHED_RR;

	if (s->nice && !is_fair)
		return err_set(err, -EINVAL,
			       "%s/scheduler/nice: is only for SCHED_OTHER and SCHED_BATCH", path);
	if (s->nice < -20 || s->nice > 19)
		return err_set(err, -EINVAL, "%s/scheduler/nice: must be from -20 to 19, not %d",
			       path, s->nice);
	if (s->priority && !is_rt)
		return err_set(err, -EINVAL,
			       "%s/scheduler/priority: is only for SCHED_FIFO and SCHED_RR", path);
	if (is_rt && (s->priority < 1 || s->priority > 99))
		return err_set(err, -EINVAL, "%s/scheduler/priority: must be from 1 to 99, not %d",
			       path, s->priority);
	if (s->policy != SCHED_DEADLINE) {
		if (s->runtime_ns || s->deadline_ns || s->period_ns)
			return err_set(err, -EINVAL,
				       "%s/scheduler: runtime, deadline and period are only for "
				       "SCHED_DEADLINE",
				       path);
		return 0;
	}
	if (s->runtime_ns == 0 || s->runtime_ns > s->deadline_ns ||
	    (s->period_ns && s->deadline_ns > s->period_ns))
		return err_set(err, -EINVAL,
			       "%s/scheduler: SCHED_DEADLINE needs 0 < runtime <= deadline <= "
			       "period",
			       path);
	return 0;
}

static int check_affinity(const struct config_process *p, const char *path, struct err *err)
{
	char full[128];
	int rc = 0;

	if (p->exec_cpu_initial) {
		(void)snprintf(full, sizeof(full), "%s/execCPUAffinity/initial", path);
		rc = validate_cpu_list(p->exec_cpu_initial, full, err);
	}
	if (rc == 0 && p->exec_cpu_final) {
		(void)snprintf(full, sizeof(full), "%s/execCPUAffinity/final", path);
		rc = validate_cpu_list(p->exec_cpu_final, full, err);
	}
	return rc;
}

int process_validate(const struct config_process *p, const char *path, struct err *err)
{
	int rc;

	if (p->args.n == 0)
		return err_set(err, -EINVAL, "%s/args: at least one entry is required", path);
	if (!*p->args.v[0])
		return err_set(err, -EINVAL, "%s/args/0: must not be empty", path);
	if (*p->cwd != '/')
		return err_set(err, -EINVAL, "%s/cwd: '%s' must be an absolute path", path, p->cwd);
	for (size_t i = 0; i < p->env.n; i++) {
		const char *equals = strchr(p->env.v[i], '=');

		if (!equals || equals == p->env.v[i])
			return err_set(err, -EINVAL, "%s/env/%zu: must be NAME=VALUE", path, i);
	}
	rc = check_rlimits(p, path, err);
	if (rc == 0 && p->scheduler)
		rc = check_scheduler(p->scheduler, path, err);
	if (rc == 0)
		rc = check_affinity(p, path, err);
	return rc;
}

/* ---- mounts, hooks, names -------------------------------------------------------------------- */

static bool has_option(const struct config_mount *m, const char *name)
{
	for (size_t i = 0; i < m->options.n; i++) {
		if (str_eq(m->options.v[i], name))
			return true;
	}
	return false;
}

static bool has_idmap(const struct config_mount *m)
{
	for (size_t i = 0; i < m->options.n; i++) {
		const char *o = m->options.v[i];

		if (str_eq(o, "idmap") || str_eq(o, "ridmap"))
			return true;
	}
	return false;
}

static int check_mount(const struct config *c, size_t i, struct err *err)
{
	const struct config_mount *m = &c->mounts.items[i];
	bool is_bind = has_option(m, "bind") || has_option(m, "rbind");
	bool is_remount = has_option(m, "remount"); /* of what is there: it has a type and source */
	char path[32];
	int rc;

	(void)snprintf(path, sizeof(path), "/mounts/%zu", i);
	if (!is_bind && !is_remount && !m->type)
		return err_set(err, -EINVAL, "%s/type: is required for what is not a bind mount",
			       path);
	if (is_bind && !is_remount && !m->source)
		return err_set(err, -EINVAL, "%s/source: is required for a bind mount", path);
	rc = validate_id_maps(&m->uid_mappings, &m->gid_mappings, path, err);
	if (rc < 0)
		return rc;
	if (has_idmap(m) && m->uid_mappings.n == 0 && !c->linux_.namespaces[NS_USER].is_set)
		return err_set(err, -EINVAL,
			       "%s/options: an id-mapped mount needs uidMappings and gidMappings "
			       "or a user namespace",
			       path);
	return 0;
}

static int check_hooks(const struct config *c, struct err *err)
{
	for (size_t kind = 0; kind < HOOK_KINDS; kind++) {
		const struct config_hooks *hooks = &c->hooks[kind];

		for (size_t i = 0; i < hooks->n; i++) {
			if (*hooks->items[i].path != '/')
				return err_set(err, -EINVAL,
					       "/hooks/%s/%zu/path: '%s' must be an absolute path",
					       name_table_name(&table_hooks, kind), i,
					       hooks->items[i].path);
		}
	}
	return 0;
}

/* Without a UTS namespace of its own the container would rename the host. */
static int check_uts_name(const struct config *c, const char *name, const char *path,
			  struct err *err)
{
	if (!name)
		return 0;
	if (!c->linux_.namespaces[NS_UTS].is_set)
		return err_set(err, -EINVAL, "%s: needs a uts namespace", path);
	if (strlen(name) > MAX_HOST_NAME)
		return err_set(err, -EINVAL, "%s: is longer than %d bytes", path, MAX_HOST_NAME);
	return 0;
}

int config_validate(const struct config *c, struct err *err)
{
	int rc;

	if (c->process) {
		rc = process_validate(c->process, "/process", err);
		if (rc < 0)
			return rc;
	}
	rc = check_uts_name(c, c->hostname, "/hostname", err);
	if (rc == 0)
		rc = check_uts_name(c, c->domainname, "/domainname", err);
	if (rc == 0)
		rc = check_hooks(c, err);
	for (size_t i = 0; rc == 0 && i < c->mounts.n; i++)
		rc = check_mount(c, i, err);
	return rc < 0 ? rc : validate_linux(c, err);
}
