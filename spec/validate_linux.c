// SPDX-License-Identifier: GPL-2.0-or-later
/* Rules of config-linux.md but for resources: namespaces, mappings, devices, sysctl and the rest.
 */
#include <linux/mempolicy.h>
#include <string.h>

#include "spec/base/path.h"
#include "spec/base/str.h"
#include "spec/tables.h"
#include "spec/validate.h"
#include "spec/validate_internal.h"

enum {
	MAX_ID_MAPS = 340,     /* UID_GID_MAP_MAX_EXTENTS of the kernel */
	MAX_NET_DEVICES = 1024 /* ours: names are compared pair by pair */
};

static bool is_new(const struct config *c, enum config_ns_kind kind)
{
	return c->linux_.namespaces[kind].is_set && !c->linux_.namespaces[kind].path;
}

/* ---- id mappings ----------------------------------------------------------------------------- */

static bool overlaps(uint32_t a, uint32_t a_size, uint32_t b, uint32_t b_size)
{
	return a < (uint64_t)b + b_size && b < (uint64_t)a + a_size;
}

static int check_id_map_list(const struct config_id_maps *maps, const char *path, const char *key,
			     struct err *err)
{
	if (maps->n > MAX_ID_MAPS)
		return err_set(err, -EINVAL, "%s/%s: has more than %d entries", path, key,
			       MAX_ID_MAPS);
	for (size_t i = 0; i < maps->n; i++) {
		const struct config_id_map *m = &maps->items[i];

		if (m->size == 0)
			return err_set(err, -EINVAL, "%s/%s/%zu/size: must not be 0", path, key, i);
		/* The last id, UINT32_MAX, means "none" to the kernel. */
		if ((uint64_t)m->container_id + m->size > UINT32_MAX ||
		    (uint64_t)m->host_id + m->size > UINT32_MAX)
			return err_set(err, -EINVAL, "%s/%s/%zu: goes past the last id", path, key,
				       i);
		for (size_t k = 0; k < i; k++) {
			const struct config_id_map *o = &maps->items[k];

			if (overlaps(m->container_id, m->size, o->container_id, o->size) ||
			    overlaps(m->host_id, m->size, o->host_id, o->size))
				return err_set(err, -EINVAL, "%s/%s/%zu: overlaps with entry %zu",
					       path, key, i, k);
		}
	}
	return 0;
}

int validate_id_maps(const struct config_id_maps *uids, const struct config_id_maps *gids,
		     const char *path, struct err *err)
{
	int rc;

	if ((uids->n == 0) != (gids->n == 0))
		return err_set(err, -EINVAL, "%s/%s: is required with %s", path,
			       uids->n ? "gidMappings" : "uidMappings",
			       uids->n ? "uidMappings" : "gidMappings");
	rc = check_id_map_list(uids, path, "uidMappings", err);
	return rc < 0 ? rc : check_id_map_list(gids, path, "gidMappings", err);
}

static bool is_mapped(const struct config_id_maps *maps, uint32_t id)
{
	for (size_t i = 0; i < maps->n; i++) {
		if (id - maps->items[i].container_id < maps->items[i].size &&
		    id >= maps->items[i].container_id)
			return true;
	}
	return false;
}

/* In a new user namespace only mapped ids exist; setgid(2) and setuid(2) would say just EINVAL. */
static int check_user_is_mapped(const struct config *c, struct err *err)
{
	const struct config_linux *l = &c->linux_;
	const struct config_user *u = &c->process->user;

	if (!is_mapped(&l->uid_mappings, u->uid))
		return err_set(err, -EINVAL, "/process/user/uid: %u is not in /linux/uidMappings",
			       u->uid);
	if (!is_mapped(&l->gid_mappings, u->gid))
		return err_set(err, -EINVAL, "/process/user/gid: %u is not in /linux/gidMappings",
			       u->gid);
	for (size_t i = 0; i < u->additional_gids.n; i++) {
		if (!is_mapped(&l->gid_mappings, u->additional_gids.items[i]))
			return err_set(
			    err, -EINVAL,
			    "/process/user/additionalGids/%zu: %u is not in /linux/gidMappings", i,
			    u->additional_gids.items[i]);
	}
	return 0;
}

static int check_user_namespace(const struct config *c, struct err *err)
{
	const struct config_linux *l = &c->linux_;
	int rc;

	rc = validate_id_maps(&l->uid_mappings, &l->gid_mappings, "/linux", err);
	if (rc < 0)
		return rc;
	if (l->uid_mappings.n && !l->namespaces[NS_USER].is_set)
		return err_set(err, -EINVAL, "/linux/uidMappings: needs a user namespace");
	if (!is_new(c, NS_USER))
		return 0;
	if (l->uid_mappings.n == 0)
		return err_set(err, -EINVAL,
			       "/linux/uidMappings: is required for a new user namespace");
	return c->process ? check_user_is_mapped(c, err) : 0;
}

/* ---- namespaces, paths, devices -------------------------------------------------------------- */

static int check_namespaces(const struct config *c, struct err *err)
{
	const struct config_linux *l = &c->linux_;

	for (size_t i = 0; i < NS_KINDS; i++) {
		const char *path = l->namespaces[i].path;

		if (path && *path != '/')
			return err_set(err, -EINVAL,
				       "/linux/namespaces: the path '%s' of '%s' must be absolute",
				       path, name_table_name(&table_namespaces, i));
	}
	if (l->monotonic.is_set && !is_new(c, NS_TIME))
		return err_set(err, -EINVAL,
			       "/linux/timeOffsets/monotonic: needs a new time namespace");
	if (l->boottime.is_set && !is_new(c, NS_TIME))
		return err_set(err, -EINVAL,
			       "/linux/timeOffsets/boottime: needs a new time namespace");
	return 0;
}

static int check_paths(const struct strv *paths, const char *key, struct err *err)
{
	for (size_t i = 0; i < paths->n; i++) {
		if (*paths->v[i] != '/')
			return err_set(err, -EINVAL, "/linux/%s/%zu: '%s' must be an absolute path",
				       key, i, paths->v[i]);
	}
	return 0;
}

/* No part of @path may be "." or "..": it names a folder below each hierarchy's root. */
static bool has_dots(const char *path)
{
	while (*path) {
		size_t len = strcspn(path, "/");

		if ((len == 1 && path[0] == '.') || (len == 2 && path[0] == '.' && path[1] == '.'))
			return true;
		path += len + (path[len] == '/');
	}
	return false;
}

static int check_devices(const struct config_linux *l, struct err *err)
{
	for (size_t i = 0; i < l->devices.n; i++) {
		const char *path = l->devices.items[i].path;

		if (!path_is_clean_abs(path) || path[1] == '\0')
			return err_set(
			    err, -EINVAL,
			    "/linux/devices/%zu/path: '%s' must be a plain absolute path", i, path);
	}
	return 0;
}

/* Source: dev_valid_name() of the kernel. "%d" is a template for a free number. */
static bool is_interface_name(const char *name)
{
	enum { MAX_NAME = 15 }; /* IFNAMSIZ - 1 */
	const char *percent = strchr(name, '%');

	if (!*name || strlen(name) > MAX_NAME || str_eq(name, ".") || str_eq(name, ".."))
		return false;
	if (strpbrk(name, "/: \t\n\v\f\r"))
		return false;
	return !percent || (percent[1] == 'd' && !strchr(percent + 1, '%'));
}

static int check_net_devices(const struct config *c, struct err *err)
{
	const struct config_linux *l = &c->linux_;

	if (l->net_devices.n && !l->namespaces[NS_NETWORK].is_set)
		return err_set(err, -EINVAL, "/linux/netDevices: needs a network namespace");
	if (l->net_devices.n > MAX_NET_DEVICES)
		return err_set(err, -EINVAL, "/linux/netDevices: has more than %d entries",
			       MAX_NET_DEVICES);
	for (size_t i = 0; i < l->net_devices.n; i++) {
		const struct config_net_device *d = &l->net_devices.items[i];
		const char *name = d->name ? d->name : d->host_name;

		if (!is_interface_name(d->host_name) || strchr(d->host_name, '%'))
			return err_set(err, -EINVAL,
				       "/linux/netDevices/%s: is not a name of an interface",
				       d->host_name);
		if (!is_interface_name(name))
			return err_set(err, -EINVAL,
				       "/linux/netDevices/%s/name: '%s' is not a name of an "
				       "interface",
				       d->host_name, name);
		for (size_t k = 0; k < i && !strchr(name, '%'); k++) {
			const struct config_net_device *o = &l->net_devices.items[k];

			if (str_eq(name, o->name ? o->name : o->host_name))
				return err_set(err, -EINVAL,
					       "/linux/netDevices/%s/name: '%s' is given twice",
					       d->host_name, name);
		}
	}
	return 0;
}

/* ---- intelRdt, memoryPolicy ------------------------------------------------------------------ */

static int check_intel_rdt(const struct config_intel_rdt *rdt, struct err *err)
{
	const char *id = rdt->clos_id;

	/* "/" is the default group of resctrl; anything else is one folder below it. */
	if (id && !str_eq(id, "/") && (strpbrk(id, "/\n") || str_eq(id, ".") || str_eq(id, "..")))
		return err_set(err, -EINVAL, "/linux/intelRdt/closID: '%s' is not a name", id);
	if (rdt->mem_bw_schema &&
	    (!str_starts(rdt->mem_bw_schema, "MB:") || strchr(rdt->mem_bw_schema, '\n')))
		return err_set(err, -EINVAL,
			       "/linux/intelRdt/memBwSchema: must be one line that begins with "
			       "\"MB:\"");
	for (size_t i = 0; i < rdt->schemata.n; i++) {
		if (!*rdt->schemata.v[i] || strchr(rdt->schemata.v[i], '\n'))
			return err_set(err, -EINVAL,
				       "/linux/intelRdt/schemata/%zu: must be one line", i);
	}
	return 0;
}

/* Source: set_mempolicy(2), ERRORS. */
static int check_memory_policy(const struct config_memory_policy *p, struct err *err)
{
	bool takes_nodes = p->mode != MPOL_DEFAULT && p->mode != MPOL_LOCAL;
	bool may_lack_nodes = !takes_nodes || p->mode == MPOL_PREFERRED;
	const unsigned int placement = MPOL_F_STATIC_NODES | MPOL_F_RELATIVE_NODES;

	if (p->nodes && !takes_nodes)
		return err_set(err, -EINVAL, "/linux/memoryPolicy/nodes: %s takes no nodes",
			       name_table_name(&table_mpol_modes, (uint64_t)p->mode));
	if (!p->nodes && !may_lack_nodes)
		return err_set(err, -EINVAL, "/linux/memoryPolicy/nodes: is required for %s",
			       name_table_name(&table_mpol_modes, (uint64_t)p->mode));
	if ((p->flags & placement) == placement)
		return err_set(err, -EINVAL,
			       "/linux/memoryPolicy/flags: static and relative nodes exclude each "
			       "other");
	if (p->flags && !p->nodes)
		return err_set(err, -EINVAL, "/linux/memoryPolicy/flags: need nodes");
	return p->nodes ? validate_cpu_list(p->nodes, "/linux/memoryPolicy/nodes", err) : 0;
}

int validate_linux(const struct config *c, struct err *err)
{
	const struct config_linux *l = &c->linux_;
	int rc;

	rc = check_namespaces(c, err);
	if (rc == 0)
		rc = check_user_namespace(c, err);
	if (rc == 0)
		rc = check_devices(l, err);
	if (rc == 0)
		rc = check_net_devices(c, err);
	if (rc == 0 && l->cgroups_path && has_dots(l->cgroups_path))
		rc = err_set(err, -EINVAL, "/linux/cgroupsPath: '%s' must not hold '.' or '..'",
			     l->cgroups_path);
	if (rc == 0)
		rc = resources_validate(&l->resources, "/linux/resources", err);
	if (rc == 0 && l->intel_rdt)
		rc = check_intel_rdt(l->intel_rdt, err);
	if (rc == 0 && l->memory_policy)
		rc = check_memory_policy(l->memory_policy, err);
	if (rc == 0)
		rc = validate_sysctls(c, err);
	if (rc == 0 && l->seccomp)
		rc = validate_seccomp(l->seccomp, err);
	if (rc == 0)
		rc = check_paths(&l->masked_paths, "maskedPaths", err);
	return rc < 0 ? rc : check_paths(&l->readonly_paths, "readonlyPaths", err);
}
