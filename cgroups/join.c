// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The ways into a group: descriptors that a new process uses itself, for the first process and for
 * an exec, and the group's hand-over to a user who manages it from inside.
 */
#include "cgroups/cgroup.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "cgroups/cgroup_internal.h"
#include "spec/base/fd.h"
#include "spec/base/path.h"

enum { PROC_CGROUP_MAX = 64 << 10, DELEGATE_MAX = 4096 };

/* The group's path in each hierarchy; NULL: the group itself. */
struct route {
	char *paths[CG_HIER_MAX]; /* owned */
};

static void route_fini(struct route *r)
{
	for (size_t i = 0; i < CG_HIER_MAX; i++)
		free(r->paths[i]);
}

void cg_join_close(struct cgroup *cg)
{
	cleanup_close(&cg->v2_dir_fd);
	cg->v2_dir_fd = -1;
	for (size_t i = 0; i < cg->n_join_fds; i++)
		cleanup_close(&cg->join_fds[i]);
	cg->n_join_fds = 0;
}

/* Opens what is needed to enter hierarchy @i at @path. */
static int open_entry(struct cgroup *cg, size_t i, const char *path)
{
	const struct cg_hier *hier = &cg->host.hiers[i];
	bool is_dir = hier->is_v2 && !cg->enter_by_procs;
	const char *file = hier->is_v2 ? "cgroup.procs" : "tasks";
	int flags = is_dir ? O_PATH | O_DIRECTORY : O_WRONLY;
	char name[CG_FILE_MAX];
	int rc = cg_file_path(hier, path, is_dir ? NULL : file, name);

	if (rc < 0)
		return rc;
	rc = openat(cg->host.root_fd, name, flags | O_CLOEXEC);
	if (rc < 0)
		return -errno;
	if (is_dir)
		cg->v2_dir_fd = rc;
	else
		cg->join_fds[cg->n_join_fds++] = rc;
	return 0;
}

static int open_plan(struct cgroup *cg, const struct route *route, struct cg_join *out,
		     struct err *err)
{
	cg_join_close(cg);
	for (size_t i = 0; i < cg->host.n; i++) {
		const char *sub = route ? route->paths[i] : NULL;
		int rc;

		if (cg->host.hiers[i].is_denied)
			continue;
		rc = open_entry(cg, i, sub ? sub : cg->path);
		/* Made before this hierarchy was mounted; a sub-group that was asked for must be.
		 */
		if (rc == -ENOENT && !sub)
			continue;
		if (rc < 0)
			return err_code(err, rc, "enter cgroup '%s' in '%s'", sub ? sub : cg->path,
					cg->host.hiers[i].dir);
	}
	if (cg->has_group && cg->v2_dir_fd < 0 && cg->n_join_fds == 0)
		return err_set(err, -ENOENT, "enter cgroup '%s': it is gone", cg->path);
	out->v2_dir_fd = cg->v2_dir_fd;
	out->tasks_fds = cg->join_fds;
	out->n_tasks_fds = cg->n_join_fds;
	return 0;
}

int cg_join_plan(struct cgroup *cg, struct cg_join *out, struct err *err)
{
	return open_plan(cg, NULL, out, err);
}

/* "/group" + "/sub"; NULL when @sub leads out of the group or memory is short. */
static char *join_path(const char *group, const char *sub)
{
	auto_buf struct buf b = BUF_INIT;

	buf_add_str(&b, group);
	while (*sub == '/')
		sub++;
	if (*sub) {
		buf_add_char(&b, '/');
		buf_add_str(&b, sub);
	}
	while (b.len > 1 && b.data[b.len - 1] == '/')
		b.data[--b.len] = '\0';
	if (buf_failed(&b) || b.len > CG_PATH_MAX || !path_is_clean_abs(b.data))
		return NULL;
	return TAKE_PTR(b.data);
}

/* Hierarchies that the list "cpu,memory" (@len bytes) names; "" and "name=x" name one each. */
static bool is_named(const struct cg_hier *hier, const char *list, size_t len)
{
	while (len > 0) {
		size_t part = strcspn(list, ",:");
		enum cg_ctl ctl = cg_ctl_from_name(list, part);

		if (ctl != CTL_NONE && (hier->ctls & CTL_BIT(ctl)))
			return true;
		if (part > strlen("name=") && strncmp(list, "name=", strlen("name=")) == 0 &&
		    strlen(hier->dir) == part - strlen("name=") &&
		    strncmp(hier->dir, list + strlen("name="), part - strlen("name=")) == 0)
			return true;
		part += part < len; /* the comma */
		list += part;
		len -= part;
	}
	return false;
}

static int add_sub(const struct cgroup *cg, const char *sub, struct route *route, struct err *err)
{
	const char *colon = strchr(sub, ':');
	auto_free char *path = join_path(cg->path, colon ? colon + 1 : sub);
	bool is_used = false;

	if (!path)
		return err_set(err, -EINVAL, "enter sub-cgroup '%s': not a path below '%s'", sub,
			       cg->path);
	for (size_t i = 0; i < cg->host.n; i++) {
		const struct cg_hier *hier = &cg->host.hiers[i];
		bool is_all = !colon;
		bool is_v2_only = colon == sub;

		if (is_all || (is_v2_only && hier->is_v2) ||
		    (colon && is_named(hier, sub, (size_t)(colon - sub)))) {
			free(route->paths[i]);
			route->paths[i] = strdup(path);
			if (!route->paths[i])
				return err_set(err, -ENOMEM, "enter sub-cgroup: out of memory");
			is_used = true;
		}
	}
	if (!is_used)
		return err_set(err, -EINVAL, "enter sub-cgroup '%s': no such controller", sub);
	return 0;
}

/* The first process's group in the cgroup2 tree, when that is below ours; else NULL. */
static char *init_group(const struct cgroup *cg, pid_t init_pid)
{
	auto_buf struct buf text = BUF_INIT;
	char name[32];
	char *path;
	size_t len = strlen(cg->path);

	(void)snprintf(name, sizeof(name), "/proc/%d/cgroup", init_pid);
	if (file_read_at(AT_FDCWD, name, PROC_CGROUP_MAX, &text) < 0)
		return NULL;
	path = strstr(buf_str(&text), "0::/");
	if (!path)
		return NULL;
	path += strlen("0::");
	path[strcspn(path, "\n")] = '\0';
	if (strncmp(path, cg->path, len) != 0 || path[len] != '/' || !path_is_clean_abs(path))
		return NULL;
	return strdup(path);
}

/* On v2 a group that passes controllers on holds no process: follow the first process. */
static int follow_init(const struct cgroup *cg, pid_t init_pid, struct route *route)
{
	const struct cg_hier *v2 = cg_host_v2(&cg->host);
	char text[256];
	int rc;

	if (!v2 || v2->is_denied || cg->host.mode != CG_MODE_V2 || init_pid <= 0)
		return 0;
	rc = cg_file_read(cg, v2, "cgroup.subtree_control", text, sizeof(text));
	if (rc > 0)
		route->paths[v2 - cg->host.hiers] = init_group(cg, init_pid);
	return 0;
}

int cg_join_plan_exec(struct cgroup *cg, const struct cg_exec_target *to, struct cg_join *out,
		      struct err *err)
{
	auto_cleanup(route_fini) struct route route = { 0 };
	int rc = 0;

	if (to->subs && to->subs->n > 0) {
		for (size_t i = 0; rc == 0 && i < to->subs->n; i++)
			rc = add_sub(cg, to->subs->v[i], &route, err);
	} else {
		rc = follow_init(cg, to->init_pid, &route);
	}
	return rc < 0 ? rc : open_plan(cg, &route, out, err);
}

int cg_delegate(struct cgroup *cg, uid_t uid, struct err *err)
{
	static const char fallback[] = "cgroup.procs\ncgroup.subtree_control\ncgroup.threads\n";
	const struct cg_hier *v2 = cg_host_v2(&cg->host);
	auto_buf struct buf files = BUF_INIT;
	auto_close int dir_fd = -1;
	char *save = NULL;

	if (!v2 || cg->host.mode != CG_MODE_V2 || v2->is_denied || !cg->has_group)
		return 0;
	if (file_read_at(AT_FDCWD, "/sys/kernel/cgroup/delegate", DELEGATE_MAX, &files) < 0) {
		buf_clear(&files);
		buf_add_str(&files, fallback);
	}
	if (buf_failed(&files))
		return err_set(err, -ENOMEM, "delegate cgroup '%s': out of memory", cg->path);
	dir_fd = cg_file_open(cg, v2, ".", O_RDONLY | O_DIRECTORY);
	if (dir_fd < 0)
		return err_code(err, dir_fd, "open cgroup '%s'", cg->path);
	if (fchown(dir_fd, uid, (gid_t)-1) < 0)
		return err_sys(err, "delegate cgroup '%s'", cg->path);
	for (char *f = strtok_r(files.data, "\n", &save); f; f = strtok_r(NULL, "\n", &save)) {
		if (fchownat(dir_fd, f, uid, (gid_t)-1, AT_SYMLINK_NOFOLLOW) < 0 && errno != ENOENT)
			return err_sys(err, "delegate '%s' of cgroup '%s'", f, cg->path);
	}
	return 0;
}
