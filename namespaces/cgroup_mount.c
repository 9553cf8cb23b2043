// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * cgroup mounts. Cgroup v2: one mount. Cgroup v1 and hybrid: a tmpfs with one folder per hierarchy,
 * named by its controllers, links for each controller of a joint one, and "unified" for cgroup2.
 */
#include "namespaces/cgroup_mount.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "spec/base/fd.h"
#include "spec/base/log.h"
#include "spec/base/str.h"

enum { CGROUP_TEXT_MAX = 256 * 1024 };

/* ---- pure ---------------------------------------------------------------------------------- */

bool cgroup_lines_next(char **text, struct cgroup_line *out)
{
	char *line;

	while ((line = strsep(text, "\n"))) { /* "ID:CONTROLLERS:/PATH" */
		char *path = line;
		const char *id = strsep(&path, ":");
		const char *controllers = path ? strsep(&path, ":") : NULL;

		if (!controllers || !path || *path != '/' || *id == '\0')
			continue;
		*out = (struct cgroup_line){ controllers, path };
		return true;
	}
	return false;
}

static bool has_word(const char *words, const char *word, size_t len)
{
	for (;; words++) {
		size_t n = strcspn(words, ",");

		if (n == len && memcmp(words, word, len) == 0)
			return true;
		words += n;
		if (*words == '\0')
			return false;
	}
}

bool cgroup_mount_has(const struct mountinfo *m, const struct cgroup_line *line)
{
	const char *p = line->controllers;

	if (*p == '\0')
		return str_eq(m->type, "cgroup2");
	if (!str_eq(m->type, "cgroup"))
		return false;
	for (;; p++) {
		size_t n = strcspn(p, ",");

		if (!has_word(m->super, p, n))
			return false;
		p += n;
		if (*p == '\0')
			return true;
	}
}

/* The name of a hierarchy's folder. */
static const char *folder_name(const struct cgroup_line *line)
{
	if (line->controllers[0] == '\0')
		return "unified";
	return str_starts(line->controllers, "name=") ? line->controllers + 5 : line->controllers;
}

/* ---- the own groups ------------------------------------------------------------------------ */

/* More hierarchies than Linux has controllers do not come up but for named ones. */
enum { GROUPS_MAX = 64 };

struct groups {
	struct buf text; /* /proc/self/cgroup; lines borrow from it */
	struct cgroup_line lines[GROUPS_MAX];
	bool is_done[GROUPS_MAX];
	size_t n;
};

static void groups_fini(struct groups *g)
{
	buf_fini(&g->text);
}

static int groups_read(struct groups *g, struct err *err)
{
	struct buf text = BUF_INIT;
	int rc = file_read_at(AT_FDCWD, "/proc/self/cgroup", CGROUP_TEXT_MAX, &text);
	char *rest = text.data;

	g->text = text; /* owned from here on, also half read */
	if (rc < 0)
		return err_code(err, rc, "read '/proc/self/cgroup'");
	while (rest && cgroup_lines_next(&rest, &g->lines[g->n])) {
		if (++g->n == GROUPS_MAX)
			return err_set(err, -E2BIG, "read '/proc/self/cgroup': too many lines");
	}
	return 0;
}

/* Where the own group of @line is below the mount @m: "" is its top. NULL: not inside it. */
static const char *below_root(const struct mountinfo *m, const struct cgroup_line *line)
{
	size_t len = strlen(m->root);

	if (str_eq(m->root, "/"))
		return line->path;
	if (strncmp(line->path, m->root, len) != 0 || (line->path[len] && line->path[len] != '/'))
		return NULL;
	return line->path + len;
}

/* A detached clone of the own group's folder below the host's mount @m. */
static int clone_group(const struct mountinfo *m, const char *below, const struct mount_opts *o)
{
	auto_buf struct buf path = BUF_INIT;
	auto_close int tree_fd = -1;
	int rc;

	buf_printf(&path, "%s%s", m->point, below);
	if (buf_failed(&path))
		return -ENOMEM;
	tree_fd = mount_clone(AT_FDCWD, buf_str(&path), 0);
	if (tree_fd < 0)
		return tree_fd;
	rc = mount_set_attrs(tree_fd, &o->attrs, 0);
	return rc < 0 ? rc : take_fd(&tree_fd);
}

typedef int (*bind_group)(const void *arg, const struct cgroup_line *line, int tree_fd);

/*
 * Calls @fn with a clone of each own group that is not done and that the host has mounted. The
 * first mount of a hierarchy counts. Returns the number of groups, or -errno.
 */
static int for_host_groups(struct groups *g, const struct mount_opts *o, bind_group fn,
			   const void *arg)
{
	auto_buf struct buf text = BUF_INIT;
	struct mountinfo m;
	char *rest;
	int found = 0;
	int rc = mountinfo_read(&text, NULL);

	if (rc < 0)
		return rc;
	rest = text.data;
	while (rest && mountinfo_next(&rest, &m)) {
		if (!str_starts(m.type, "cgroup"))
			continue;
		for (size_t i = 0; i < g->n; i++) {
			auto_close int tree_fd = -1;
			const char *below;

			if (g->is_done[i] || !cgroup_mount_has(&m, &g->lines[i]))
				continue;
			below = below_root(&m, &g->lines[i]);
			if (!below)
				continue;
			tree_fd = clone_group(&m, below, o);
			rc = tree_fd < 0 ? tree_fd : fn(arg, &g->lines[i], tree_fd);
			if (rc < 0)
				return rc;
			g->is_done[i] = true;
			found++;
		}
	}
	return found;
}

/* ---- cgroup v2 ----------------------------------------------------------------------------- */

struct v2_mount {
	const struct mount_opts *opts;
	int target_fd;
};

static int bind_v2(const void *arg, const struct cgroup_line *line, int tree_fd)
{
	const struct v2_mount *v = arg;
	int rc;

	if (line->controllers[0] != '\0')
		return 0;
	rc = mount_set_opts(tree_fd, v->opts);
	return rc < 0 ? rc : mount_attach(tree_fd, v->target_fd);
}

static int bind_own_v2(const struct mount_plan *mp, int target_fd, struct err *err)
{
	auto_cleanup(groups_fini) struct groups g = { 0 };
	struct v2_mount v = { &mp->opts, target_fd };
	int rc = groups_read(&g, err);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < g.n; i++)
		g.is_done[i] = g.lines[i].controllers[0] != '\0';
	rc = for_host_groups(&g, &mp->opts, bind_v2, &v);
	if (rc == 0)
		rc = -ENOENT;
	return rc < 0 ? err_code(err, rc, "bind the container's cgroup2 group on '%s'",
				 mp->conf->destination)
		      : 0;
}

static int mount_v2(bool has_cgroupns, const struct mount_plan *mp, int target_fd, struct err *err)
{
	struct mount_fs fs = { "cgroup2", "cgroup", mp->opts.data, mp->opts.flags_set };
	struct mount_opts rest = mp->opts; /* borrows */
	auto_close int mount_fd = -1;
	int rc = -EPERM;

	rest.attrs = (struct mount_attrs){ 0 };
	if (has_cgroupns && !rest.n_propagations && !rest.rec_attrs.set && !rest.rec_attrs.clear)
		rc = mount_new(&fs, target_fd);
	else if (has_cgroupns)
		rc = mount_fd = mount_new_staged(&fs);
	if (rc == -EPERM || rc == -EBUSY) /* a user namespace that does not own the cgroup one */
		return bind_own_v2(mp, target_fd, err);
	if (rc >= 0 && mount_fd >= 0)
		rc = mount_set_opts(mount_fd, &rest);
	if (rc >= 0 && mount_fd >= 0)
		rc = mount_attach(mount_fd, target_fd);
	return rc < 0 ? err_code(err, rc, "mount 'cgroup2' on '%s'", mp->conf->destination) : 0;
}

/* ---- cgroup v1 and hybrid ------------------------------------------------------------------ */

struct v1_mount {
	const struct mount_plan *mp;
	int dir_fd; /* top of the tmpfs, which is new and in nobody's hands: names in it are sure */
};

/* Links "cpu" -> "cpu,cpuacct". */
static int link_controllers(int dir_fd, const char *joint)
{
	for (const char *p = joint; *p; p += *p == ',') {
		size_t n = strcspn(p, ",");
		char name[NAME_MAX + 1];

		if (n > NAME_MAX)
			return -ENAMETOOLONG;
		memcpy(name, p, n);
		name[n] = '\0';
		if (symlinkat(joint, dir_fd, name) < 0)
			return -errno;
		p += n;
	}
	return 0;
}

static int make_folder(const struct v1_mount *v, const struct cgroup_line *line)
{
	const char *name = folder_name(line);

	/* A hierarchy that could not be mounted is tried again as a bind mount. */
	if (mkdirat(v->dir_fd, name, 0755) < 0)
		return errno == EEXIST ? 0 : -errno;
	return strchr(name, ',') ? link_controllers(v->dir_fd, name) : 0;
}

static int bind_v1(const void *arg, const struct cgroup_line *line, int tree_fd)
{
	const struct v1_mount *v = arg;
	int rc = make_folder(v, line);

	if (rc < 0)
		return rc;
	if (move_mount(tree_fd, "", v->dir_fd, folder_name(line), MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return -errno;
	return 0;
}

/*
 * A mount of the hierarchy from inside the cgroup namespace: its top is the own group. The working
 * directory is the tmpfs.
 */
static int mount_hierarchy(const struct v1_mount *v, const struct cgroup_line *line)
{
	bool is_v2 = line->controllers[0] == '\0';
	bool is_named = str_starts(line->controllers, "name=");
	char data[NAME_MAX + 1];
	int rc = make_folder(v, line);

	if (rc < 0)
		return rc;
	rc = snprintf(data, sizeof(data), "%s%s", is_named ? "none," : "", line->controllers);
	if (rc < 0 || (size_t)rc >= sizeof(data))
		return -ENAMETOOLONG;
	if (mount("cgroup", folder_name(line), is_v2 ? "cgroup2" : "cgroup", v->mp->opts.flags_set,
		  is_v2 ? NULL : data) < 0)
		return -errno;
	return 0;
}

/* Mounts what it can; what the kernel refuses (-EPERM, -EBUSY) is left for a bind mount. */
static int mount_hierarchies(const struct v1_mount *v, struct groups *g, struct err *err)
{
	auto_close int old_fd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int rc = 0;

	if (fchdir(v->dir_fd) < 0)
		return err_sys(err, "enter '%s'", v->mp->conf->destination);
	for (size_t i = 0; rc == 0 && i < g->n; i++) {
		if (g->is_done[i])
			continue;
		rc = mount_hierarchy(v, &g->lines[i]);
		g->is_done[i] = rc == 0;
		if (rc == -EPERM || rc == -EBUSY)
			rc = 0;
		if (rc < 0)
			(void)err_code(err, rc, "mount cgroup '%s' on '%s'",
				       folder_name(&g->lines[i]), v->mp->conf->destination);
	}
	if (old_fd < 0 || fchdir(old_fd) < 0) /* it was closed to this user before */
		log_debug("the working directory can not be entered again, ignoring");
	return rc;
}

static bool host_has_unified(void)
{
	struct statfs fs;

	return statfs("/sys/fs/cgroup/unified", &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC;
}

static int fill_v1(const struct v1_mount *v, bool has_cgroupns, struct err *err)
{
	auto_cleanup(groups_fini) struct groups g = { 0 };
	bool is_all = true;
	int rc = groups_read(&g, err);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < g.n; i++)
		g.is_done[i] = g.lines[i].controllers[0] == '\0' && !host_has_unified();
	if (has_cgroupns) {
		rc = mount_hierarchies(v, &g, err);
		if (rc < 0)
			return rc;
	}
	for (size_t i = 0; i < g.n; i++)
		is_all = is_all && g.is_done[i];
	if (is_all)
		return 0;
	/* One that the host does not show either is left out. */
	rc = for_host_groups(&g, &v->mp->opts, bind_v1, v);
	return rc < 0 ? err_code(err, rc, "bind the container's cgroups on '%s'",
				 v->mp->conf->destination)
		      : 0;
}

static int mount_v1(bool has_cgroupns, const struct mount_plan *mp, int target_fd, struct err *err)
{
	struct mount_opts rest = mp->opts; /* borrows */
	/* Writable until the folders are there. */
	struct mount_fs fs = { "tmpfs", "cgroup", "mode=755,nr_inodes=1024",
			       mp->opts.flags_set & ~(unsigned long)MS_RDONLY };
	auto_close int tmpfs_fd = mount_new_staged(&fs);
	struct v1_mount v = { mp, tmpfs_fd };
	int rc;

	if (tmpfs_fd < 0)
		return err_code(err, tmpfs_fd, "mount 'tmpfs' on '%s'", mp->conf->destination);
	rc = mount_attach(tmpfs_fd, target_fd);
	if (rc < 0)
		return err_code(err, rc, "mount 'tmpfs' on '%s'", mp->conf->destination);
	rc = fill_v1(&v, has_cgroupns, err);
	if (rc < 0)
		return rc;
	rest.attrs = (struct mount_attrs){ .set = mp->opts.attrs.set & MOUNT_ATTR_RDONLY };
	rc = mount_set_opts(tmpfs_fd, &rest);
	return rc < 0 ? err_code(err, rc, "set the options of '%s'", mp->conf->destination) : 0;
}

int cgroup_mount_apply(const struct ns_plan *plan, struct rootfs *r, struct mount_plan *mp,
		       struct err *err)
{
	auto_mount_target struct mount_target target = MOUNT_TARGET_INIT;
	struct mount_want want = { .is_dir = true };
	bool has_cgroupns = plan->config->linux_.namespaces[NS_CGROUP].is_set;
	struct statfs fs;
	int rc = mount_target_open(r, mp, want, &target, err);

	if (rc < 0)
		return rc;
	if (str_eq(mp->conf->type, "cgroup2") ||
	    (statfs("/sys/fs/cgroup", &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC))
		return mount_v2(has_cgroupns, mp, target.fd, err);
	return mount_v1(has_cgroupns, mp, target.fd, err);
}
