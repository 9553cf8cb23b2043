// SPDX-License-Identifier: GPL-2.0-or-later
/* From a config to a plan: what follows from the config alone, and what cannot be done at all. */
#include "namespaces/plan.h"

#include <string.h>

#include "namespaces/ns.h"

static int check_names(const struct config *c, struct err *err)
{
	/* Without a UTS namespace of its own the container would rename the host. */
	if (c->linux_.namespaces[NS_UTS].is_set)
		return 0;
	if (c->hostname)
		return err_set(err, -EINVAL, "/hostname: needs a uts namespace");
	if (c->domainname)
		return err_set(err, -EINVAL, "/domainname: needs a uts namespace");
	return 0;
}

static int check_user(const struct config_linux *l, struct err *err)
{
	const struct config_ns *ns = &l->namespaces[NS_USER];
	bool has_maps = l->uid_mappings.n && l->gid_mappings.n;

	if (!ns->is_set && (l->uid_mappings.n || l->gid_mappings.n))
		return err_set(err, -EINVAL, "/linux/%s: needs a user namespace",
			       l->uid_mappings.n ? "uidMappings" : "gidMappings");
	if (ns->is_set && !ns->path && !has_maps)
		return err_set(err, -EINVAL, "/linux/%s: a new user namespace needs it",
			       l->uid_mappings.n ? "gidMappings" : "uidMappings");
	return 0;
}

static int check(const struct config *c, struct err *err)
{
	const struct config_linux *l = &c->linux_;
	int rc;

	if (!c->process)
		return err_set(err, -EINVAL, "/process: missing");
	/* Mounts, masks and the root itself would be the host's. */
	if (!l->namespaces[NS_MOUNT].is_set)
		return err_set(err, -EINVAL, "/linux/namespaces: a mount namespace is needed");
	if (ns_has_time_offsets(c) && !ns_is_new(c, NS_TIME))
		return err_set(err, -EINVAL, "/linux/timeOffsets: needs a new time namespace");
	rc = check_names(c, err);
	if (rc < 0)
		return rc;
	return check_user(l, err);
}

int ns_plan_from_config(const struct config *config, const char *bundle, const char *id,
			struct ns_plan *out, struct err *err)
{
	struct arena arena = ARENA_INIT;
	const char *path = config->root.path;
	int rc = check(config, err);

	if (rc < 0)
		return rc;
	path =
	    *path == '/' ? arena_strdup(&arena, path) : arena_printf(&arena, "%s/%s", bundle, path);
	if (!path)
		return err_set(err, -ENOMEM, "out of memory");
	*out = (struct ns_plan){
		.config = config,
		.bundle = bundle,
		.id = id,
		.arena = arena,
		.rootfs = path,
		.new_flags = ns_flags(config),
		.has_userns = config->linux_.namespaces[NS_USER].is_set,
		.cgroup = NS_CGROUP_JOIN_INIT,
		.io = NS_IO_INIT,
		.start_fd = -1,
		.seccomp_cache_fd = -1,
	};
	return 0;
}

void ns_plan_fini(struct ns_plan *plan)
{
	arena_fini(&plan->arena);
}
