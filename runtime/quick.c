// SPDX-License-Identifier: GPL-2.0-or-later
/* The config of a quick run. */
#include "runtime/quick.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "spec/base/num.h"
#include "spec/base/path.h"
#include "spec/defaults.h"

enum {
	CPU_PERIOD_US = 100000, /* the kernel's default */
	MAX_MILLI_CPUS = 1000000,
	HOSTNAME_MAX = 64, /* __NEW_UTS_LEN */
};

const char *quick_any(const struct quick_options *o)
{
	return o->env.n        ? "--env"
	       : o->cwd        ? "--cwd"
	       : o->user       ? "--user"
	       : o->volumes.n  ? "--volume"
	       : o->memory     ? "--memory"
	       : o->cpus       ? "--cpus"
	       : o->pids_limit ? "--pids-limit"
	       : o->hostname   ? "--hostname"
	       : o->read_only  ? "--read-only"
	       : o->tty        ? "--tty"
			       : NULL;
}

static int no_memory(struct err *err)
{
	return err_set(err, -ENOMEM, "out of memory");
}

/* The path of the folder or file that @path names now, in @c's arena. */
static int real_path(struct config *c, const char *path, const char *option, const char **out,
		     struct err *err)
{
	char resolved[PATH_MAX];

	if (!realpath(path, resolved))
		return err_sys(err, "option '%s': '%s'", option, path);
	*out = arena_strdup(&c->arena, resolved);
	return *out ? 0 : no_memory(err);
}

static int set_args(struct config *c, const struct strv *args, struct err *err)
{
	char **v;

	if (args->n == 0)
		return 0;
	v = arena_alloc(&c->arena, args->n + 1, sizeof(*v));
	if (!v)
		return no_memory(err);
	for (size_t i = 0; i < args->n; i++) {
		v[i] = arena_strdup(&c->arena, args->v[i]);
		if (!v[i])
			return no_memory(err);
	}
	c->process->args = (struct strv){ v, args->n };
	return 0;
}

/* Puts "NAME=VALUE" in place of a variable of the same name, or behind the others. */
static int set_variable(struct config *c, char *text, struct err *err)
{
	struct strv *env = &c->process->env;
	size_t name_len = strcspn(text, "=");
	const char *inherited = NULL;

	if (name_len == 0)
		return err_set(err, -EINVAL, "option '--env': '%s' has no name", text);
	if (text[name_len] == '\0') {
		inherited = getenv(text);
		if (!inherited)
			return 0; /* as with other tools: what the caller lacks is not set */
		text = arena_printf(&c->arena, "%s=%s", text, inherited);
	} else {
		text = arena_strdup(&c->arena, text);
	}
	if (!text)
		return no_memory(err);
	for (size_t i = 0; i < env->n; i++) {
		if (strncmp(env->v[i], text, name_len + 1) == 0) {
			env->v[i] = text;
			return 0;
		}
	}
	env->v[env->n++] = text;
	return 0;
}

static int set_env(struct config *c, const struct strv *more, struct err *err)
{
	const struct strv old = c->process->env;
	char **v = arena_alloc(&c->arena, old.n + more->n + 1, sizeof(*v));

	if (!v)
		return no_memory(err);
	if (old.n)
		memcpy(v, old.v, old.n * sizeof(*v));
	c->process->env.v = v;
	for (size_t i = 0; i < more->n; i++) {
		int rc = set_variable(c, more->v[i], err);

		if (rc < 0)
			return rc;
	}
	return 0;
}

/* SRC:DST[:OPTION[,OPTION...]] */
static int parse_volume(struct config *c, const char *text, struct config_mount *out,
			struct err *err)
{
	char *copy = arena_strdup(&c->arena, text);
	char *dst = copy ? strchr(copy, ':') : NULL;
	char *options = dst ? strchr(dst + 1, ':') : NULL;
	size_t n = 2;
	char **v;

	if (!copy)
		return no_memory(err);
	if (options)
		*options++ = '\0';
	if (!dst || dst == copy || dst[1] != '/')
		return err_set(err, -EINVAL,
			       "option '--volume': '%s' is not SRC:DST[:ro], DST absolute", text);
	*dst++ = '\0';
	for (const char *p = options; p && *p; p++)
		n += *p == ',';
	v = arena_alloc(&c->arena, n + 2, sizeof(*v));
	if (!v)
		return no_memory(err);
	n = 0;
	v[n++] = arena_strdup(&c->arena, "rbind");
	v[n++] = arena_strdup(&c->arena, "rprivate");
	if (!v[0] || !v[1])
		return no_memory(err);
	for (char *o = options ? strtok(options, ",") : NULL; o; o = strtok(NULL, ","))
		v[n++] = o;
	out->type = "bind";
	out->destination = dst;
	out->options = (struct strv){ v, n };
	return real_path(c, copy, "--volume", &out->source, err);
}

static int add_volumes(struct config *c, const struct strv *volumes, struct err *err)
{
	size_t n = c->mounts.n;
	struct config_mount *items;

	if (volumes->n == 0)
		return 0;
	items = arena_alloc(&c->arena, n + volumes->n, sizeof(*items));
	if (!items)
		return no_memory(err);
	if (n)
		memcpy(items, c->mounts.items, n * sizeof(*items));
	for (size_t i = 0; i < volumes->n; i++) {
		int rc = parse_volume(c, volumes->v[i], &items[n + i], err);

		if (rc < 0)
			return rc;
	}
	c->mounts.items = items;
	c->mounts.n = n + volumes->n;
	return 0;
}

static int set_limits(struct config *c, const struct quick_options *o, struct err *err)
{
	struct config_resources *r = &c->linux_.resources;
	uint64_t v;

	if (o->memory) {
		if (num_bytes(o->memory, &v) < 0 || v == 0)
			return err_set(err, -EINVAL, "option '--memory': '%s' is not a size",
				       o->memory);
		r->memory.limit = (struct opt_i64){ true, (int64_t)v };
	}
	if (o->cpus) {
		if (num_milli(o->cpus, MAX_MILLI_CPUS, &v) < 0 || v < 10)
			return err_set(err, -EINVAL,
				       "option '--cpus': '%s' is not a number of CPUs (1.5)",
				       o->cpus);
		r->cpu.period_us = (struct opt_u64){ true, CPU_PERIOD_US };
		r->cpu.quota_us = (struct opt_i64){ true, (int64_t)(v * CPU_PERIOD_US / 1000) };
	}
	if (o->pids_limit) {
		if (num_i64(o->pids_limit, -1, INT_MAX, &r->pids_limit.v) < 0)
			return err_set(err, -EINVAL, "option '--pids-limit': '%s' is not a number",
				       o->pids_limit);
		r->pids_limit.is_set = true;
	}
	return 0;
}

static int set_user(struct config *c, const char *user, struct err *err)
{
	auto_close int root_fd = -1;

	if (!user)
		return 0;
	root_fd = open(c->root.path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root_fd < 0)
		return err_sys(err, "open rootfs '%s'", c->root.path);
	return quick_parse_user(root_fd, user, &c->process->user.uid, &c->process->user.gid, err);
}

static int set_names(struct config *c, const struct quick_options *o, const char *id,
		     struct err *err)
{
	const char *name = o->hostname ? o->hostname : id;

	if (strlen(name) > HOSTNAME_MAX) {
		if (o->hostname)
			return err_set(err, -EINVAL, "option '--hostname': longer than %d bytes",
				       HOSTNAME_MAX);
		return 0; /* the default's name stays */
	}
	c->hostname = arena_strdup(&c->arena, name);
	if (o->cwd)
		c->process->cwd = arena_strdup(&c->arena, o->cwd);
	return c->hostname && c->process->cwd ? 0 : no_memory(err);
}

int quick_config(const struct app *app, const struct quick_options *o, const char *id,
		 const struct strv *args, struct config *out, struct err *err)
{
	const struct config_default_opts rootless = { .is_rootless = true,
						      .uid = geteuid(),
						      .gid = getegid() };
	struct config c = { 0 };
	int rc = config_default(app->is_rootless ? &rootless : NULL, &c, err);

	if (rc < 0)
		return rc;
	c.root.readonly = o->read_only;
	c.process->terminal = o->tty;
	rc = real_path(&c, o->rootfs, "--rootfs", &c.root.path, err);
	if (rc == 0)
		rc = set_args(&c, args, err);
	if (rc == 0)
		rc = set_env(&c, &o->env, err);
	if (rc == 0)
		rc = add_volumes(&c, &o->volumes, err);
	if (rc == 0)
		rc = set_limits(&c, o, err);
	if (rc == 0)
		rc = set_user(&c, o->user, err);
	if (rc == 0)
		rc = set_names(&c, o, id, err);
	if (rc < 0) {
		config_fini(&c);
		return rc;
	}
	*out = c;
	return 0;
}
