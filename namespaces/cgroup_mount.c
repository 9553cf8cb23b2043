// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * cgroup mounts. Cgroup v2: one mount. Cgroup v1 and hybrid: a tmpfs with one folder per hierarchy,
 * named by its controllers, links for each controller of a joint one, and "unified" for cgroup2.
 */
#include "namespaces/cgroup_mount.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "spec/base/fd.h"
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

/* ---- where the own group is on the host ---------------------------------------------------- */

struct host_groups {
	struct buf cgroup; /* /proc/self/cgroup */
	struct buf mounts; /* /proc/self/mountinfo; empty with a cgroup namespace */
};

static void host_groups_fini(struct host_groups *h)
{
	buf_fini(&h->cgroup);
	buf_fini(&h->mounts);
}

static int host_groups_read(struct host_groups *h, bool with_mounts, struct err *err)
{
	int rc = file_read_at(AT_FDCWD, "/proc/self/cgroup", CGROUP_TEXT_MAX, &h->cgroup);

	if (rc < 0)
		return err_code(err, rc, "read '/proc/self/cgroup'");
	if (with_mounts && h->mounts.len == 0)
		return mountinfo_read(&h->mounts, err);
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

/* A detached clone of the own group's folder in the host's tree. -ENOENT: it is not mounted. */
static int clone_own_group(const struct buf *mounts, const struct cgroup_line *line)
{
	auto_buf struct buf text = BUF_INIT;
	auto_buf struct buf path = BUF_INIT;
	struct mountinfo m;
	char *rest;

	buf_add(&text, mounts->data, mounts->len);
	if (buf_failed(&text))
		return -ENOMEM;
	rest = text.data;
	while (mountinfo_next(&rest, &m)) {
		const char *below = cgroup_mount_has(&m, line) ? below_root(&m, line) : NULL;

		if (!below)
			continue;
		buf_printf(&path, "%s%s", m.point, below);
		return buf_failed(&path) ? -ENOMEM : mount_clone(AT_FDCWD, buf_str(&path), 0);
	}
	return -ENOENT;
}

/* ---- cgroup v2 ----------------------------------------------------------------------------- */

/* The mount's own flags, as a bind mount gets them. */
static int attach_bound(int tree_fd, const struct mount_opts *o, int target_fd)
{
	int rc = mount_set_opts(tree_fd, o);

	return rc < 0 ? rc : mount_attach(tree_fd, target_fd);
}

static int bind_v2(struct host_groups *h, const struct mount_opts *o, int target_fd,
		   struct err *err)
{
	auto_close int tree_fd = -1;
	struct cgroup_line line;
	char *rest;
	int rc = host_groups_read(h, true, err);

	if (rc < 0)
		return rc;
	rest = h->cgroup.data;
	rc = -ENOENT;
	while (rc == -ENOENT && cgroup_lines_next(&rest, &line)) {
		if (line.controllers[0] == '\0')
			rc = tree_fd = clone_own_group(&h->mounts, &line);
	}
	if (rc >= 0)
		rc = attach_bound(tree_fd, o, target_fd);
	return rc < 0 ? err_code(err, rc, "bind the container's cgroup2 group") : 0;
}

static int mount_v2(bool has_cgroupns, struct mount_plan *mp, int target_fd, struct err *err)
{
	auto_cleanup(host_groups_fini) struct host_groups h = { BUF_INIT, BUF_INIT };
	auto_close int mount_fd = -1;
	struct mount_opts rest = mp->opts; /* borrows */
	struct mount_fs fs = { "cgroup2", "cgroup", mp->opts.data, mp->opts.flags_set };
	bool is_plain = !rest.n_propagations && !rest.rec_attrs.set && !rest.rec_attrs.clear;
	int rc = -EPERM;

	if (has_cgroupns && is_plain)
		rc = mount_new(&fs, target_fd);
	else if (has_cgroupns)
		rc = mount_fd = mount_new_staged(&fs);
	if (rc == -EPERM || rc == -EBUSY) /* a user namespace that does not own the cgroup one */
		return bind_v2(&h, &mp->opts, target_fd, err);
	if (rc < 0)
		return err_code(err, rc, "mount 'cgroup2' on '%s'", mp->conf->destination);
	if (mount_fd < 0)
		return 0;
	rest.attrs = (struct mount_attrs){ 0 };
	rc = attach_bound(mount_fd, &rest, target_fd);
	return rc < 0 ? err_code(err, rc, "mount 'cgroup2' on '%s'", mp->conf->destination) : 0;
}

/* ---- cgroup v1 and hybrid ------------------------------------------------------------------ */

struct v1_mount {
	struct mount_plan *mp;
	struct host_groups *host;
	int dir_fd; /* top of the tmpfs */
	bool has_cgroupns;
};

/* Links "cpu" -> "cpu,cpuacct". */
static int link_controllers(int dir_fd, const char *joint)
{
	for (const char *p = joint;; p++) {
		size_t n = strcspn(p, ",");
		char name[NAME_MAX + 1];

		if (n > NAME_MAX)
			return -ENAMETOOLONG;
		if (n == strlen(joint))
			return 0;
		memcpy(name, p, n);
		name[n] = '\0';
		if (symlinkat(joint, dir_fd, name) < 0 && errno != EEXIST)
			return -errno;
		p += n;
		if (*p == '\0')
			return 0;
	}
}

/* A mount of the hierarchy from inside the cgroup namespace: its top is the own group. */
static int mount_hierarchy(const struct v1_mount *v, const struct cgroup_line *line)
{
	auto_buf struct buf data = BUF_INIT;
	bool is_v2 = line->controllers[0] == '\0';
	struct mount_fs fs = { is_v2 ? "cgroup2" : "cgroup", "cgroup", NULL,
			       v->mp->opts.flags_set };

	if (!is_v2) {
		buf_printf(&data, "%s%s", str_starts(line->controllers, "name=") ? "none," : "",
			   line->controllers);
		if (buf_failed(&data))
			return -ENOMEM;
		fs.data = buf_str(&data);
	}
	return mount_new_staged(&fs);
}

static int add_hierarchy(const struct v1_mount *v, const struct cgroup_line *line)
{
	auto_close int mount_fd = -1;
	const char *name = folder_name(line);
	int rc = -EPERM;

	if (v->has_cgroupns)
		rc = mount_fd = mount_hierarchy(v, line);
	if (rc == -EPERM || rc == -EBUSY) {
		rc = v->host->mounts.len ? 0 : mountinfo_read(&v->host->mounts, NULL);
		if (rc < 0)
			return rc;
		rc = mount_fd = clone_own_group(&v->host->mounts, line);
		if (rc == -ENOENT) /* the host does not show it either */
			return 0;
		if (rc >= 0)
			rc = mount_set_attrs(mount_fd, &v->mp->opts.attrs, 0);
	}
	if (rc < 0)
		return rc;
	if (mkdirat(v->dir_fd, name, 0755) < 0)
		return -errno;
	/* The tmpfs is new and in nobody's hands: the name is what was made. */
	if (move_mount(mount_fd, "", v->dir_fd, name, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return -errno;
	return strchr(name, ',') ? link_controllers(v->dir_fd, name) : 0;
}

static bool host_has_unified(void)
{
	struct statfs fs;

	return statfs("/sys/fs/cgroup/unified", &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC;
}

static int add_hierarchies(struct v1_mount *v, struct err *err)
{
	struct cgroup_line line;
	char *rest;
	int rc = host_groups_read(v->host, false, err);

	if (rc < 0)
		return rc;
	rest = v->host->cgroup.data;
	while (cgroup_lines_next(&rest, &line)) {
		if (line.controllers[0] == '\0' && !host_has_unified())
			continue;
		rc = add_hierarchy(v, &line);
		if (rc < 0)
			return err_code(err, rc, "mount cgroup '%s' on '%s'", folder_name(&line),
					v->mp->conf->destination);
	}
	return 0;
}

static int mount_v1(bool has_cgroupns, struct mount_plan *mp, int target_fd, struct err *err)
{
	auto_cleanup(host_groups_fini) struct host_groups h = { BUF_INIT, BUF_INIT };
	auto_close int tmpfs_fd = -1;
	struct mount_opts rest = mp->opts; /* borrows */
	/* Writable until the folders are there. */
	struct mount_fs fs = { "tmpfs", "cgroup", "mode=755,nr_inodes=1024",
			       mp->opts.flags_set & ~(unsigned long)MS_RDONLY };
	struct v1_mount v = { .mp = mp, .host = &h, .has_cgroupns = has_cgroupns };
	int rc;

	tmpfs_fd = mount_new_staged(&fs);
	if (tmpfs_fd < 0)
		return err_code(err, tmpfs_fd, "mount 'tmpfs' on '%s'", mp->conf->destination);
	rc = mount_attach(tmpfs_fd, target_fd);
	if (rc < 0)
		return err_code(err, rc, "mount 'tmpfs' on '%s'", mp->conf->destination);
	v.dir_fd = tmpfs_fd;
	rc = add_hierarchies(&v, err);
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
