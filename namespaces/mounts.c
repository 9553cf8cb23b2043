// SPDX-License-Identifier: GPL-2.0-or-later
/* The list of mounts: reading it, what the parent opens for the child, making it in order. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include "namespaces/idmap_mount.h"
#include "namespaces/mount.h"
#include "spec/base/str.h"

static int plan_source(const struct ns_plan *plan, struct mount_plan *mp, struct err *err)
{
	const char *source = mp->conf->source;
	int len;

	if (!mp->opts.is_bind || (mp->opts.flags_set & MS_REMOUNT))
		return 0;
	if (!source || !*source)
		return err_set(err, -EINVAL, "/mounts/%zu/source: missing", mp->index);
	if (*source == '/')
		len = asprintf(&mp->source, "%s", source);
	else /* OCI config.md#mounts: relative to the bundle */
		len = asprintf(&mp->source, "%s/%s", plan->bundle, source);
	if (len < 0) {
		mp->source = NULL;
		return err_set(err, -ENOMEM, "out of memory");
	}
	return 0;
}

static int check_options(const struct mount_plan *mp, struct err *err)
{
	const struct mount_opts *o = &mp->opts;
	const char *type = mp->conf->type;
	bool is_remount = o->flags_set & MS_REMOUNT;
	const char *fault = NULL;

	if (!o->is_bind && !is_remount && (!type || !*type || str_eq(type, "none")))
		return err_set(err, -EINVAL, "/mounts/%zu/type: missing, and it is no bind mount",
			       mp->index);
	if (o->is_bind && o->data)
		return err_set(err, -EINVAL,
			       "/mounts/%zu/options: '%s' is an option of a file system, which a "
			       "bind mount does not have",
			       mp->index, o->data);
	if (o->has_tmpcopyup && (o->is_bind || is_remount || !str_eq(type, "tmpfs")))
		fault = "'tmpcopyup' is for new tmpfs mounts";
	else if ((o->has_copy_symlink || o->has_src_nofollow) && (!o->is_bind || is_remount))
		fault = "'copy-symlink' and 'src-nofollow' are for bind mounts";
	else if (is_remount && (idmap_is_wanted(mp) || mp->conf->uid_mappings.n))
		fault = "a mount that exists can not be id-mapped";
	if (fault)
		return err_set(err, -EINVAL, "/mounts/%zu/options: %s", mp->index, fault);
	return 0;
}

static int plan_one(const struct ns_plan *plan, struct mount_plan *mp, struct err *err)
{
	const char *type = mp->conf->type;
	int rc = mount_options_parse(&mp->conf->options, &mp->opts, err);

	if (rc < 0)
		return err_wrap(err, rc, "/mounts/%zu/options", mp->index);
	/* A bind by its type alone is one as well; the specification leaves that open. */
	if (type && str_eq(type, "bind"))
		mp->opts.is_bind = true;
	if (type && str_eq(type, "rbind"))
		mp->opts.is_bind = mp->opts.is_rbind = true;
	rc = check_options(mp, err);
	return rc < 0 ? rc : plan_source(plan, mp, err);
}

int mounts_plan(const struct ns_plan *plan, struct rootfs *r, struct err *err)
{
	size_t n = plan->config->mounts.n;

	if (n == 0)
		return 0;
	r->mounts = calloc(n, sizeof(*r->mounts));
	if (!r->mounts)
		return err_set(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < n; i++) {
		struct mount_plan *mp = &r->mounts[i];
		int rc;

		mp->conf = &plan->config->mounts.items[i];
		mp->index = i;
		mp->tree_fd = mp->idmap_fd = mp->late_fd = -1;
		r->n_mounts = i + 1; /* mounts_fini() frees what is filled */
		rc = plan_one(plan, mp, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* ---- the parent's part --------------------------------------------------------------------- */

static bool is_shared(const struct mount_opts *o)
{
	for (size_t i = 0; i < o->n_propagations; i++) {
		if (o->propagations[i] & MS_SHARED)
			return true;
	}
	return false;
}

/* A bind mount gets its map here: the child of a user namespace may not give it. */
static int map_source(struct mount_plan *mp, struct err *err)
{
	unsigned int flags = mp->opts.idmap == MOUNT_IDMAP_RECURSIVE ? AT_RECURSIVE : 0;
	int rc;

	if (mp->tree_fd < 0) /* a copied link has no owner that matters */
		return 0;
	rc = mount_set_idmap(mp->tree_fd, mp->idmap_fd, flags);
	if (rc == -EINVAL)
		return err_set(err, rc,
			       "map the ids of '%s': its file system has no id-mapped mounts, or "
			       "the mount is mapped already",
			       mp->source);
	if (rc < 0)
		return err_code(err, rc, "map the ids of '%s'", mp->source);
	cleanup_close(&mp->idmap_fd);
	mp->idmap_fd = -1;
	return 0;
}

static int open_one(const struct ns_plan *plan, struct mount_plan *mp, struct idmap_cache *cache,
		    struct err *err)
{
	bool is_bind = mp->opts.is_bind && !(mp->opts.flags_set & MS_REMOUNT);
	bool is_mapped = idmap_is_wanted(mp);
	int rc;

	if (is_mapped) {
		rc = idmap_open(plan, mp, cache, err);
		if (rc < 0)
			return rc;
		mp->idmap_fd = rc;
	}
	if (!is_bind || !(is_mapped || plan->has_userns || is_shared(&mp->opts)))
		return 0;
	rc = mount_open_source(mp, err);
	if (rc == -EPERM && !is_mapped)
		return 0; /* an unprivileged caller: the child's rights to the source are the same
			   */
	if (rc < 0)
		return rc;
	return is_mapped ? map_source(mp, err) : 0;
}

int mounts_open(const struct ns_plan *plan, struct rootfs *r, struct err *err)
{
	auto_idmap_cache struct idmap_cache cache = IDMAP_CACHE_INIT;

	for (size_t i = 0; i < r->n_mounts; i++) {
		int rc = open_one(plan, &r->mounts[i], &cache, err);

		if (rc < 0)
			return err_wrap(err, rc, "/mounts/%zu", i);
	}
	return 0;
}

/* ---- the child's part ---------------------------------------------------------------------- */

int mounts_apply(const struct ns_plan *plan, struct rootfs *r, struct err *err)
{
	for (size_t i = 0; i < r->n_mounts; i++) {
		int rc = mount_apply(plan, r, &r->mounts[i], err);

		if (rc < 0)
			return rc;
	}
	return 0;
}

int mounts_finish(struct rootfs *r, struct err *err)
{
	static const struct mount_attrs readonly = { .set = MOUNT_ATTR_RDONLY };

	for (size_t i = 0; i < r->n_mounts; i++) {
		struct mount_plan *mp = &r->mounts[i];
		int rc;

		if (mp->late_fd < 0)
			continue;
		rc = mount_set_attrs(mp->late_fd, &readonly, 0);
		if (rc < 0)
			return err_code(err, rc, "/mounts/%zu: make '%s' read-only", i,
					mp->conf->destination);
		cleanup_close(&mp->late_fd);
		mp->late_fd = -1;
	}
	return 0;
}

bool mounts_has_host_dev(const struct rootfs *r)
{
	for (size_t i = 0; i < r->n_mounts; i++) {
		const struct mount_plan *mp = &r->mounts[i];

		if (mp->opts.is_bind && !(mp->opts.flags_set & MS_REMOUNT) &&
		    mount_is_dest(mp->conf->destination, "/dev"))
			return true;
	}
	return false;
}

void mounts_fini(struct rootfs *r)
{
	for (size_t i = 0; i < r->n_mounts; i++) {
		struct mount_plan *mp = &r->mounts[i];

		mount_opts_fini(&mp->opts);
		free(mp->source);
		free(mp->link);
		cleanup_close(&mp->tree_fd);
		cleanup_close(&mp->idmap_fd);
		cleanup_close(&mp->late_fd);
	}
	free(r->mounts);
	r->mounts = NULL;
	r->n_mounts = 0;
}
