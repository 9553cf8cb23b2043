// SPDX-License-Identifier: GPL-2.0-or-later
/* User namespaces for id-mapped mounts. Source: mount_setattr(2), MOUNT_ATTR_IDMAP. */
#include "namespaces/idmap_mount.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

#include "spec/base/fd.h"
#include "spec/base/log.h"
#include "spec/base/num.h"
#include "spec/base/proc.h"
#include "spec/base/str.h"
#include "spec/base/sys.h"

bool idmap_is_wanted(const struct mount_plan *mp)
{
	return mp->opts.idmap != MOUNT_IDMAP_NONE || mp->conf->uid_mappings.n > 0 ||
	       mp->conf->gid_mappings.n > 0;
}

/* ---- the texts ----------------------------------------------------------------------------- */

static void add_maps(struct buf *out, const struct config_id_maps *maps)
{
	for (size_t i = 0; i < maps->n; i++)
		buf_printf(out, "%u %u %u\n", maps->items[i].container_id, maps->items[i].host_id,
			   maps->items[i].size);
}

/* The host's id for @id of the container; the whole range must lie in one mapping. */
static int to_host(const struct config_id_maps *maps, uint64_t id, uint64_t count, uint64_t *out)
{
	for (size_t i = 0; i < maps->n; i++) {
		const struct config_id_map *m = &maps->items[i];

		if (id < m->container_id || id - m->container_id >= m->size)
			continue;
		if (count > m->size - (id - m->container_id))
			return -EINVAL;
		*out = m->host_id + (id - m->container_id);
		return 0;
	}
	return -EINVAL;
}

/* One "FS-HOST-COUNT"; "@FS-CONTAINER-COUNT" is relative to the container's mapping. */
static int add_range(struct buf *out, char *text, const struct config_id_maps *container)
{
	bool is_relative = *text == '@';
	uint64_t v[3];

	text += is_relative;
	for (size_t i = 0; i < ARRAY_LEN(v); i++) {
		const char *word = strsep(&text, "-");

		if (!word || num_u64(word, 0, UINT32_MAX, &v[i]) < 0)
			return -EINVAL;
	}
	if (text || v[2] == 0 || (is_relative && to_host(container, v[1], v[2], &v[1]) < 0))
		return -EINVAL;
	buf_printf(out, "%u %u %u\n", (unsigned int)v[0], (unsigned int)v[1], (unsigned int)v[2]);
	return 0;
}

static int add_ranges(struct buf *out, char *text, const struct config_id_maps *container)
{
	char *range;

	while ((range = strsep(&text, "#"))) {
		if (add_range(out, range, container) < 0)
			return -EINVAL;
	}
	return 0;
}

/* "uids=0-1000-1#1-2000-10;gids=..." */
static int add_spec(const struct config *config, const char *spec, struct buf *uids,
		    struct buf *gids)
{
	auto_free char *copy = strdup(spec);
	char *rest = copy;
	char *part;
	int rc = copy ? 0 : -ENOMEM;

	while (rc == 0 && (part = strsep(&rest, ";"))) {
		if (str_starts(part, "uids="))
			rc = add_ranges(uids, part + 5, &config->linux_.uid_mappings);
		else if (str_starts(part, "gids="))
			rc = add_ranges(gids, part + 5, &config->linux_.gid_mappings);
		else
			rc = -EINVAL;
	}
	return rc;
}

int idmap_texts(const struct config *config, const struct mount_plan *mp, struct buf *uids,
		struct buf *gids, struct err *err)
{
	int rc = 0;

	if (mp->opts.idmap_spec) {
		rc = add_spec(config, mp->opts.idmap_spec, uids, gids);
		if (rc == -EINVAL)
			return err_set(err, rc, "options: 'idmap=%s' is no mapping",
				       mp->opts.idmap_spec);
	} else if (mp->conf->uid_mappings.n || mp->conf->gid_mappings.n) {
		add_maps(uids, &mp->conf->uid_mappings);
		add_maps(gids, &mp->conf->gid_mappings);
	} else {
		add_maps(uids, &config->linux_.uid_mappings);
		add_maps(gids, &config->linux_.gid_mappings);
	}
	if (rc < 0 || buf_failed(uids) || buf_failed(gids))
		return err_set(err, -ENOMEM, "out of memory");
	if (uids->len == 0 || gids->len == 0)
		return err_set(err, -EINVAL, "id map: needs mappings for users and for groups");
	return 0;
}

/* ---- the namespace ------------------------------------------------------------------------- */

static int write_map(pid_t pid, const char *name, const char *text, struct err *err)
{
	char path[64];
	int rc;

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	rc = file_write_at(AT_FDCWD, path, text);
	return rc < 0 ? err_code(err, rc, "id map: write '%s'", name) : 0;
}

static int open_mapped(pid_t pid, const char *uids, const char *gids, struct err *err)
{
	char path[64];
	int rc = write_map(pid, "uid_map", uids, err);

	if (rc == 0)
		rc = write_map(pid, "gid_map", gids, err);
	if (rc < 0)
		return rc;
	(void)snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
	rc = open(path, O_RDONLY | O_CLOEXEC);
	return rc < 0 ? err_sys(err, "id map: open the user namespace") : rc;
}

/* A user namespace lives by its descriptor, but only a process in it can be given the maps. */
static int make_userns(const char *uids, const char *gids, struct err *err)
{
	struct clone_args args = { .flags = CLONE_NEWUSER, .exit_signal = SIGCHLD };
	pid_t parent = getpid();
	pid_t pid = sys_clone3(&args);
	int status, fd;

	if (pid < 0)
		return err_sys(err, "id map: make a user namespace");
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		while (getppid() == parent) /* the parent may have died before the prctl */
			(void)pause();
		_exit(0);
	}
	fd = open_mapped(pid, uids, gids, err);
	(void)kill(pid, SIGKILL);
	if (proc_reap(pid, &status) < 0)
		log_debug("the helper of an id map was reaped by somebody else, ignoring");
	return fd;
}

int idmap_open(const struct ns_plan *plan, const struct mount_plan *mp, struct idmap_cache *cache,
	       struct err *err)
{
	const struct config_ns *user = &plan->config->linux_.namespaces[NS_USER];
	auto_buf struct buf uids = BUF_INIT;
	auto_buf struct buf gids = BUF_INIT;
	int rc;

	if (user->is_set && user->path && !mp->opts.idmap_spec && !mp->conf->uid_mappings.n) {
		rc = open(user->path, O_RDONLY | O_CLOEXEC);
		return rc < 0 ? err_sys(err, "id map: open '%s'", user->path) : rc;
	}
	rc = idmap_texts(plan->config, mp, &uids, &gids, err);
	if (rc < 0)
		return rc;
	if (cache->fd < 0 || !str_eq(buf_str(&uids), buf_str(&cache->uids)) ||
	    !str_eq(buf_str(&gids), buf_str(&cache->gids))) {
		idmap_cache_fini(cache);
		rc = make_userns(buf_str(&uids), buf_str(&gids), err);
		if (rc < 0)
			return rc;
		*cache = (struct idmap_cache){ uids, gids, rc };
		uids = gids = (struct buf)BUF_INIT;
	}
	rc = fcntl(cache->fd, F_DUPFD_CLOEXEC, 3);
	return rc < 0 ? err_sys(err, "id map") : rc;
}

void idmap_cache_fini(struct idmap_cache *c)
{
	buf_fini(&c->uids);
	buf_fini(&c->gids);
	cleanup_close(&c->fd);
	c->fd = -1;
}
