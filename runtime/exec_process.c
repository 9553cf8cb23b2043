// SPDX-License-Identifier: GPL-2.0-or-later
/* The process of an exec, composed. */
#include "runtime/exec_process.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>

#include "spec/base/fd.h"
#include "spec/base/num.h"
#include "spec/tables.h"
#include "spec/validate.h"

enum { ID_LIMIT = UINT32_MAX - 1 /* -1 means "unchanged" to setresuid(2) */ };

static int no_memory(struct err *err)
{
	return err_set(err, -ENOMEM, "out of memory");
}

static int read_file(const char *path, struct process_doc *out, struct err *err)
{
	auto_buf struct buf text = BUF_INIT;
	int rc = file_read_at(AT_FDCWD, path, CONFIG_MAX_BYTES, &text);

	if (rc < 0)
		return err_code(err, rc, "read process '%s'", path);
	rc = process_parse(buf_str(&text), text.len, out, err);
	return rc < 0 ? err_wrap(err, rc, "process '%s'", path) : 0;
}

/* Puts "NAME=VALUE" in place of the variable of that name, or behind the others. */
static void set_variable(struct strv *env, char *text)
{
	size_t len = strcspn(text, "=") + 1;

	for (size_t i = 0; i < env->n; i++) {
		if (strncmp(env->v[i], text, len) == 0) {
			env->v[i] = text;
			return;
		}
	}
	env->v[env->n++] = text;
}

static int set_env(struct process_doc *d, const struct strv *more, struct err *err)
{
	const struct strv old = d->process.env;
	char **v;

	if (more->n == 0)
		return 0;
	v = arena_alloc(&d->arena, old.n + more->n + 1, sizeof(*v));
	if (!v)
		return no_memory(err);
	if (old.n)
		memcpy(v, old.v, old.n * sizeof(*v));
	d->process.env.v = v;
	for (size_t i = 0; i < more->n; i++) {
		if (more->v[i][0] == '=' || !strchr(more->v[i], '='))
			return err_set(err, -EINVAL, "option '--env': '%s' is not NAME=VALUE",
				       more->v[i]);
		set_variable(&d->process.env, more->v[i]);
	}
	return 0;
}

static int parse_id(const char *text, size_t len, uint32_t *out)
{
	char number[16];
	uint64_t v;

	if (len >= sizeof(number))
		return -EINVAL;
	memcpy(number, text, len);
	number[len] = '\0';
	if (num_u64(number, 0, ID_LIMIT, &v) < 0)
		return -EINVAL;
	*out = (uint32_t)v;
	return 0;
}

/* As in runc: numbers, and without a group the container's stays. */
static int set_user(struct config_user *user, const char *text, struct err *err)
{
	size_t len;

	if (!text)
		return 0;
	len = strcspn(text, ":");
	if (parse_id(text, len, &user->uid) < 0 ||
	    (text[len] && parse_id(text + len + 1, strlen(text + len + 1), &user->gid) < 0))
		return err_set(err, -EINVAL, "option '--user': '%s' is not UID[:GID] in numbers",
			       text);
	return 0;
}

static int add_gids(struct process_doc *d, const struct strv *more, struct err *err)
{
	struct config_user *user = &d->process.user;
	size_t n = user->additional_gids.n;
	uint32_t *items;

	if (more->n == 0)
		return 0;
	items = arena_alloc(&d->arena, n + more->n, sizeof(*items));
	if (!items)
		return no_memory(err);
	if (n)
		memcpy(items, user->additional_gids.items, n * sizeof(*items));
	for (size_t i = 0; i < more->n; i++) {
		if (parse_id(more->v[i], strlen(more->v[i]), &items[n++]) < 0)
			return err_set(err, -EINVAL,
				       "option '--additional-gids': '%s' is not a number",
				       more->v[i]);
	}
	user->additional_gids.items = items;
	user->additional_gids.n = n;
	return 0;
}

/*
 * "CAP_KILL", "kill". A user who is not root has it after execve only when it is ambient, which
 * wants it in the inheritable set (capabilities(7)). Root has it anyway, and must not get an
 * inheritable one: it would outlive a change of user, for files that ask for it (CVE-2022-29162).
 */
static int add_caps(struct process_doc *d, const struct strv *more, struct err *err)
{
	struct config_caps *caps;

	if (more->n == 0)
		return 0;
	caps = arena_alloc(&d->arena, 1, sizeof(*caps));
	if (!caps)
		return no_memory(err);
	if (d->process.caps)
		*caps = *d->process.caps;
	for (size_t i = 0; i < more->n; i++) {
		char name[64];
		uint64_t bit;

		(void)snprintf(name, sizeof(name), "%s%s",
			       strncasecmp(more->v[i], "CAP_", 4) == 0 ? "" : "CAP_", more->v[i]);
		for (char *p = name; *p; p++)
			*p = (char)toupper((unsigned char)*p);
		if (!name_table_find(&table_capabilities, name, &bit))
			return err_set(err, -EINVAL, "option '--cap': unknown capability '%s'",
				       more->v[i]);
		bit = UINT64_C(1) << bit;
		caps->bounding |= bit;
		caps->permitted |= bit;
		caps->effective |= bit;
		if (d->process.user.uid != 0) {
			caps->inheritable |= bit;
			caps->ambient |= bit;
		}
	}
	d->process.caps = caps;
	return 0;
}

static int change(struct process_doc *d, const struct exec_process_options *o,
		  const struct strv *args, struct err *err)
{
	struct config_process *p = &d->process;
	int rc;

	p->args = *args;
	p->terminal = o->tty;
	p->console_size.is_set = false; /* that of the container's own terminal */
	if (o->cwd)
		p->cwd = o->cwd;
	if (o->selinux_label)
		p->selinux_label = o->selinux_label;
	if (o->apparmor)
		p->apparmor_profile = o->apparmor;
	p->no_new_privileges |= o->no_new_privs;
	rc = set_env(d, &o->env, err);
	if (rc == 0)
		rc = set_user(&p->user, o->user, err);
	if (rc == 0)
		rc = add_gids(d, &o->additional_gids, err);
	if (rc == 0)
		rc = add_caps(d, &o->caps, err);
	return rc;
}

int exec_process_make(const struct exec_process_options *o, const struct config *config,
		      const struct strv *args, struct process_doc *out, struct err *err)
{
	struct process_doc doc = { .arena = ARENA_INIT };
	int rc = 0;

	if (o->file) {
		rc = read_file(o->file, &doc, err);
		doc.process.terminal |= o->tty;
	} else if (!config->process) {
		rc = err_set(err, -EINVAL, "/process: is required");
	} else {
		doc.process = *config->process;
		rc = change(&doc, o, args, err);
	}
	if (rc == 0)
		rc = process_validate(&doc.process, o->file ? "" : "/process", err);
	if (rc < 0) {
		process_doc_fini(&doc);
		return rc;
	}
	*out = doc;
	return 0;
}
