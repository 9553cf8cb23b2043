// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The life of a group: made in every hierarchy of the host, found again, entered. A group is made
 * also in hierarchies that limit nothing here (cpuacct, name=systemd): a process that stayed in the
 * caller's group there would be counted as the caller's, and killed with it by a service manager.
 */
#include "cgroups/cgroup.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "cgroups/cgroup_internal.h"
#include "cgroups/limits.h"
#include "spec/base/path.h"

/* A parent may be removed by someone else between our mkdir of it and that of its child. */
enum { MKDIR_RETRIES = 8 };

/* made_from[i]: length of the shortest part of the path that was made in hierarchy i; 0: none. */
struct made {
	size_t made_from[CG_HIER_MAX];
};

int cg_handle_new(const char *path, struct cgroup **out, struct err *err)
{
	auto_cgroup struct cgroup *cg = NULL;
	int rc;

	if (!path_is_clean_abs(path) || path[1] == '\0' || strlen(path) > CG_PATH_MAX) {
		(void)err_set(err, -EINVAL, "use cgroup '%s': not a path below the root", path);
		return -EINVAL;
	}
	cg = calloc(1, sizeof(*cg));
	if (cg) {
		cg->host.root_fd = -1;
		cg->v2_dir_fd = -1;
		cg->path = strdup(path);
	}
	if (!cg || !cg->path) {
		(void)err_set(err, -ENOMEM, "use cgroup '%s': out of memory", path);
		return -ENOMEM;
	}
	rc = cg_host_scan(&cg->host, err);
	if (rc < 0)
		return rc;
	*out = TAKE_PTR(cg);
	return 0;
}

void cg_close(struct cgroup *cg)
{
	if (!cg)
		return;
	cg_join_close(cg);
	cg_host_fini(&cg->host);
	free(cg->path);
	free(cg);
}

bool cg_has_group(const struct cgroup *cg)
{
	return cg->has_group;
}

static int count_existing(const struct cgroup *cg, bool stop_at_first)
{
	int n = 0;

	for (size_t i = 0; i < cg->host.n; i++) {
		char name[CG_FILE_MAX];
		int rc = cg_file_path(&cg->host.hiers[i], cg->path, NULL, name);

		if (rc < 0)
			return rc;
		if (faccessat(cg->host.root_fd, name, F_OK, 0) == 0)
			n++;
		else if (errno != ENOENT)
			return -errno;
		if (n > 0 && stop_at_first)
			break;
	}
	return n;
}

int cg_exists(const char *path, struct err *err)
{
	auto_cgroup struct cgroup *cg = NULL;
	int rc = cg_handle_new(path, &cg, err);

	if (rc < 0)
		return rc;
	rc = count_existing(cg, true);
	return rc < 0 ? err_code(err, rc, "look for cgroup '%s'", path) : rc;
}

/* Makes the parents of the group in @hier. Notes in @from the first that was not there. */
static int make_parents(const struct cgroup *cg, const struct cg_hier *hier, size_t *from)
{
	char name[CG_FILE_MAX];
	size_t dir_len = strlen(hier->dir);
	int rc = cg_file_path(hier, cg->path, NULL, name);

	if (rc < 0)
		return rc;
	for (char *p = strchr(name + dir_len + 1, '/'); p; p = strchr(p + 1, '/')) {
		size_t len = (size_t)(p - name) - dir_len;

		*p = '\0';
		if (mkdirat(cg->host.root_fd, name, 0755) == 0) {
			if (*from == 0)
				*from = len;
		} else if (errno != EEXIST) {
			return -errno;
		}
		*p = '/';
	}
	return 0;
}

/* Makes the group in @hier. Returns 1 made, 0 it was there, or -errno. */
static int make_group(const struct cgroup *cg, const struct cg_hier *hier, size_t *from)
{
	char name[CG_FILE_MAX];
	int rc = cg_file_path(hier, cg->path, NULL, name);

	for (int i = 0; rc == 0 && i < MKDIR_RETRIES; i++) {
		if (mkdirat(cg->host.root_fd, name, 0755) == 0) {
			if (*from == 0)
				*from = strlen(cg->path);
			return 1;
		}
		if (errno == EEXIST)
			return 0;
		if (errno != ENOENT)
			return -errno;
		rc = make_parents(cg, hier, from);
	}
	return rc < 0 ? rc : -ENOENT;
}

/* Removes what was made, deepest first. A parent that another group uses by now stays. */
static void unmake(const struct cgroup *cg, const struct made *made)
{
	for (size_t i = 0; i < cg->host.n; i++) {
		char name[CG_FILE_MAX];
		size_t dir_len = strlen(cg->host.hiers[i].dir);
		size_t len = strlen(cg->path);

		if (made->made_from[i] == 0 ||
		    cg_file_path(&cg->host.hiers[i], cg->path, NULL, name) < 0)
			continue;
		while (len >= made->made_from[i]) {
			name[dir_len + len] = '\0';
			(void)unlinkat(cg->host.root_fd, name, AT_REMOVEDIR);
			while (len > 0 && cg->path[--len] != '/')
				;
			if (len == 0)
				break;
		}
	}
}

static bool is_denial(int rc)
{
	return rc == -EACCES || rc == -EPERM || rc == -EROFS;
}

static int make_everywhere(struct cgroup *cg, unsigned int flags, struct made *made,
			   struct err *err)
{
	for (size_t i = 0; i < cg->host.n; i++) {
		struct cg_hier *hier = &cg->host.hiers[i];
		int rc = make_group(cg, hier, &made->made_from[i]);

		if (rc < 0 && is_denial(rc) && (flags & CG_ROOTLESS)) {
			hier->is_denied = true;
			continue;
		}
		if (rc == 0 && !(flags & CG_MAY_EXIST))
			return err_set(err, -EEXIST,
				       "create cgroup '%s': it exists already in '%s'", cg->path,
				       hier->dir);
		if (rc > 0 && (hier->ctls & CTL_BIT(CTL_CPUSET)))
			rc = cg_cpuset_inherit(cg, hier, cg->path);
		if (rc < 0)
			return err_code(err, rc, "create cgroup '%s' in '%s'", cg->path, hier->dir);
		cg->has_group = true;
	}
	return 0;
}

/* A group that was there may be entered when it is idle. Source: OCI config-linux, cgroups. */
static int check_fit(struct cgroup *cg, struct err *err)
{
	int rc = cg_has_process(cg);

	if (rc > 0)
		return err_set(err, -EBUSY, "create cgroup '%s': it holds processes already",
			       cg->path);
	if (rc == 0)
		rc = cg_is_frozen(cg, err);
	if (rc > 0)
		return err_set(err, -EBUSY, "create cgroup '%s': it is frozen", cg->path);
	return rc;
}

static int apply_all(struct cgroup *cg, const struct config_resources *res, unsigned int flags,
		     struct err *err)
{
	int rc = 0;

	if (cg->host.mode == CG_MODE_V2 && cg->has_group) {
		uint32_t have;

		/* All of them, also for groups without limits: `events` reads their accounts. */
		rc = cg_controllers_enable(cg, UINT32_MAX, &have);
		if (rc < 0)
			return err_code(err, rc, "create cgroup '%s': enable controllers",
					cg->path);
	}
	if (res)
		rc = cg_limits_apply(cg, res, err);
	/* Rights over device rules belong to the host's root alone; a rootless container cannot
	 * make device nodes, and those of the host keep their file permissions. */
	if (rc == 0 && !(flags & (CG_ROOTLESS | CG_NO_DEVICES)))
		rc = cg_devices_apply(cg, res, true, err);
	return rc;
}

int cg_create(const char *path, const struct config_resources *res, unsigned int flags,
	      struct cgroup **out, struct err *err)
{
	auto_cgroup struct cgroup *cg = NULL;
	struct made made = { 0 };
	int rc = cg_handle_new(path, &cg, err);

	if (rc < 0)
		return rc;
	rc = make_everywhere(cg, flags, &made, err);
	if (rc == 0 && (flags & CG_MAY_EXIST) && cg->has_group)
		rc = check_fit(cg, err);
	if (rc == 0)
		rc = apply_all(cg, res, flags, err);
	if (rc < 0) {
		unmake(cg, &made);
		return rc;
	}
	/* A group with pids.max 0 takes nobody who is born into it (EAGAIN), only who moves in. */
	cg->enter_by_procs = res && res->pids_limit.is_set && res->pids_limit.v == 0;
	*out = TAKE_PTR(cg);
	return 0;
}

int cg_open(const char *path, struct cgroup **out, struct err *err)
{
	auto_cgroup struct cgroup *cg = NULL;
	int rc = cg_handle_new(path, &cg, err);

	if (rc < 0)
		return rc;
	rc = count_existing(cg, true);
	if (rc == 0)
		return err_set(err, -ENOENT, "open cgroup '%s': it does not exist", path);
	if (rc < 0)
		return err_code(err, rc, "open cgroup '%s'", path);
	cg->has_group = true;
	*out = TAKE_PTR(cg);
	return 0;
}

int cg_attach(struct cgroup *cg, pid_t pid, struct err *err)
{
	char text[16];
	size_t n = 0;

	(void)snprintf(text, sizeof(text), "%d", pid);
	for (size_t i = 0; i < cg->host.n; i++) {
		const struct cg_hier *hier = &cg->host.hiers[i];
		int rc;

		if (hier->is_denied)
			continue;
		rc = cg_file_write(cg, hier, "cgroup.procs", text);
		if (rc == -ENOENT)
			continue; /* made before this hierarchy was mounted */
		if (rc < 0)
			return err_code(err, rc, "move process %d to cgroup '%s' in '%s'", pid,
					cg->path, hier->dir);
		n++;
	}
	if (n == 0 && cg->has_group)
		return err_set(err, -ENOENT, "move process %d to cgroup '%s': it is gone", pid,
			       cg->path);
	return 0;
}

int cg_update(struct cgroup *cg, const struct config_resources *res, struct err *err)
{
	int rc = cg_limits_apply(cg, res, err);

	if (rc == 0 && res->devices.n > 0)
		rc = cg_devices_apply(cg, res, false, err);
	return rc;
}
