// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One mount. A bind mount is an open_tree() clone that gets its flags while it is detached; flags
 * that the options do not name stay as the source has them (locked ones would refuse a change). A
 * new file system comes from mount(2), whose data string every file system reads; where more is to
 * be done to it before it may be seen, it is made on a stage first.
 */
#include "namespaces/mount.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>

#include "namespaces/cgroup_mount.h"
#include "namespaces/copyup.h"
#include "namespaces/lsm.h"
#include "spec/base/path.h"
#include "spec/base/str.h"

/*
 * The one folder that every host has. Covering it for a moment is seen by this process alone: its
 * mount namespace is its own, and nothing propagates out of it (rootfs.c makes all mounts slaves).
 */
static const char stage[] = "/proc";

/* ---- primitives ---------------------------------------------------------------------------- */

int mount_clone(int dir_fd, const char *path, unsigned int flags)
{
	int fd;

	if (*path == '\0')
		flags |= AT_EMPTY_PATH;
	fd = open_tree(dir_fd, path, flags | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int mount_attach(int tree_fd, int target_fd)
{
	if (move_mount(tree_fd, "", target_fd, "",
		       MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return -errno;
	return 0;
}

static int set_attr(int mount_fd, struct mount_attr *attr, unsigned int flags)
{
	if (mount_setattr(mount_fd, "", AT_EMPTY_PATH | flags, attr, sizeof(*attr)) < 0)
		return -errno;
	return 0;
}

int mount_set_attrs(int mount_fd, const struct mount_attrs *attrs, unsigned int flags)
{
	struct mount_attr attr = { .attr_set = attrs->set, .attr_clr = attrs->clear };

	if (!attrs->set && !attrs->clear)
		return 0;
	return set_attr(mount_fd, &attr, flags);
}

int mount_set_idmap(int mount_fd, int userns_fd, unsigned int flags)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_IDMAP,
				   .userns_fd = (unsigned int)userns_fd };

	return set_attr(mount_fd, &attr, flags);
}

int mount_set_opts(int mount_fd, const struct mount_opts *o)
{
	int rc = mount_set_attrs(mount_fd, &o->attrs, 0);

	if (rc == 0)
		rc = mount_set_attrs(mount_fd, &o->rec_attrs, AT_RECURSIVE);
	for (size_t i = 0; rc == 0 && i < o->n_propagations; i++) {
		struct mount_attr attr = { .propagation =
					       o->propagations[i] & ~(unsigned long)MS_REC };

		rc = set_attr(mount_fd, &attr, (o->propagations[i] & MS_REC) ? AT_RECURSIVE : 0);
	}
	return rc;
}

static int new_at(const struct mount_fs *fs, const char *where)
{
	if (mount(fs->source, where, fs->type, fs->flags, fs->data) < 0)
		return -errno;
	return 0;
}

int mount_new(const struct mount_fs *fs, int target_fd)
{
	char where[PATH_PROC_FD_MAX];

	return new_at(fs, path_proc_fd(where, target_fd));
}

int mount_new_staged(const struct mount_fs *fs)
{
	int rc = new_at(fs, stage);

	if (rc < 0)
		return rc;
	rc = open_tree(AT_FDCWD, stage, OPEN_TREE_CLOEXEC);
	return rc < 0 ? -errno : rc;
}

/* ---- bind mounts --------------------------------------------------------------------------- */

static int read_link(struct mount_plan *mp, struct err *err)
{
	char text[PATH_MAX];
	ssize_t n = readlink(mp->source, text, sizeof(text) - 1);

	if (n < 0)
		return errno == EINVAL ? 0 : err_sys(err, "open the source '%s'", mp->source);
	text[n] = '\0';
	mp->link = strdup(text);
	return mp->link ? 0 : err_set(err, -ENOMEM, "out of memory");
}

int mount_open_source(struct mount_plan *mp, struct err *err)
{
	int rc;

	if (mp->tree_fd >= 0 || mp->link)
		return 0;
	if (mp->opts.has_copy_symlink) {
		rc = read_link(mp, err);
		if (rc < 0 || mp->link)
			return rc;
	}
	rc = mount_clone(AT_FDCWD, mp->source,
			 (mp->opts.is_rbind ? AT_RECURSIVE : 0) |
			     (mp->opts.has_src_nofollow ? AT_SYMLINK_NOFOLLOW : 0));
	if (rc < 0)
		return err_code(err, rc, "open the source '%s'", mp->source);
	mp->tree_fd = rc;
	return 0;
}

/* Makes the link at the destination; one that says the same is accepted. */
static int copy_link(const struct rootfs *r, const struct mount_plan *mp, struct err *err)
{
	auto_close int dir_fd = -1;
	char dir[PATH_MAX], there[PATH_MAX];
	const char *dest = mp->conf->destination;
	size_t len = strlen(dest);
	char *name;
	ssize_t n;

	if (len >= sizeof(dir))
		return err_set(err, -ENAMETOOLONG, "copy the link to '%.64s...'", dest);
	memcpy(dir, dest, len + 1);
	while (len > 1 && dir[len - 1] == '/')
		dir[--len] = '\0';
	name = strrchr(dir, '/');
	name = name ? name + 1 : dir;
	dir_fd = path_mkdirs_in_root(r->root_fd, name == dir ? "." : (name[-1] = '\0', dir), 0755);
	if (dir_fd < 0)
		return err_code(err, dir_fd, "make the folder of '%s'", dest);
	if (symlinkat(mp->link, dir_fd, name) == 0)
		return 0;
	if (errno != EEXIST)
		return err_sys(err, "copy the link to '%s'", dest);
	n = readlinkat(dir_fd, name, there, sizeof(there) - 1);
	if (n < 0 || (size_t)n != strlen(mp->link) || memcmp(there, mp->link, (size_t)n) != 0)
		return err_set(err, -EEXIST, "copy the link to '%s': something else is there",
			       dest);
	return 0;
}

static bool is_procfs_root(int fd, const struct stat *st)
{
	struct statfs fs;

	return st->st_ino == 1 && fstatfs(fd, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC;
}

static int apply_bind(const struct rootfs *r, struct mount_plan *mp, struct err *err)
{
	auto_mount_target struct mount_target target = MOUNT_TARGET_INIT;
	auto_close int tree_fd = -1;
	struct mount_want want = { 0 };
	struct stat st;
	int rc = mount_open_source(mp, err);

	if (rc < 0)
		return rc;
	if (mp->link)
		return copy_link(r, mp, err);
	tree_fd = take_fd(&mp->tree_fd);
	if (fstat(tree_fd, &st) < 0)
		return err_sys(err, "look at the source '%s'", mp->source);
	want.is_dir = S_ISDIR(st.st_mode);
	want.is_procfs = is_procfs_root(tree_fd, &st);
	rc = mount_target_open(r, mp, want, &target, err);
	if (rc < 0)
		return rc;
	rc = mount_set_opts(tree_fd, &mp->opts);
	if (rc < 0)
		return err_code(err, rc, "set the options of '%s'", mp->conf->destination);
	rc = mount_attach(tree_fd, target.fd);
	if (rc < 0)
		return err_code(err, rc, "bind '%s' on '%s'", mp->source, mp->conf->destination);
	return 0;
}

/* ---- new file systems ---------------------------------------------------------------------- */

/*
 * File systems that show a namespace. Its owner alone may mount them, so in a user namespace that
 * shares the host's they are bound from the host, as peers do.
 */
static const struct {
	const char *type, *host_path;
	enum config_ns_kind ns;
} host_views[] = {
	{ "mqueue", "/dev/mqueue", NS_IPC },
	{ "proc", "/proc", NS_PID },
	{ "sysfs", "/sys", NS_NETWORK },
};

/* A detached clone of the host's, or -EPERM when there is none that would do. */
static int clone_host_view(const struct ns_plan *plan, const struct mount_plan *mp)
{
	auto_close int tree_fd = -1;
	struct mount_attrs strict = { .set = mp->opts.attrs.set &
					     (MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID |
					      MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC) };
	int rc;

	for (size_t i = 0; i < ARRAY_LEN(host_views); i++) {
		if (!str_eq(mp->conf->type, host_views[i].type) ||
		    plan->config->linux_.namespaces[host_views[i].ns].is_set)
			continue;
		tree_fd = mount_clone(AT_FDCWD, host_views[i].host_path, AT_RECURSIVE);
		if (tree_fd < 0)
			return tree_fd;
		rc = mount_set_attrs(tree_fd, &strict, AT_RECURSIVE);
		return rc < 0 ? rc : take_fd(&tree_fd);
	}
	return -EPERM;
}

static bool has_data(const char *data, const char *key)
{
	size_t len = strlen(key);

	for (const char *p = data; p && *p; p += strcspn(p, ",")) {
		p += *p == ',';
		if (strncmp(p, key, len) == 0 && p[len] == '=')
			return true;
	}
	return false;
}

/* The data string: the config's, the mode of the folder that a tmpfs hides, the SELinux label. */
static int build_data(const struct ns_plan *plan, const struct mount_plan *mp,
		      const struct mount_target *t, struct buf *out, struct err *err)
{
	auto_buf struct buf data = BUF_INIT;
	const char *type = mp->conf->type;
	const char *label = plan->config->linux_.mount_label;

	if (mp->opts.data)
		buf_add_str(&data, mp->opts.data);
	/* Without it a tmpfs is 1777; as in peers. */
	if (str_eq(type, "tmpfs") && !t->is_new && !has_data(mp->opts.data, "mode"))
		buf_printf(&data, "%smode=%o", data.len ? "," : "", t->mode);
	if (buf_failed(&data))
		return err_set(err, -ENOMEM, "out of memory");
	if (str_eq(type, "proc") || str_eq(type, "sysfs")) /* these take no label */
		label = NULL;
	return lsm_mount_data(data.len ? buf_str(&data) : NULL, label, out, err);
}

/* On the stage; or, to be id-mapped, a detached clone, for the kernel maps no mount in use. */
static int new_for_more(const struct mount_plan *mp, const struct mount_fs *fs)
{
	auto_close int mount_fd = mount_new_staged(fs);
	auto_close int clone_fd = -1;

	if (mount_fd < 0 || mp->idmap_fd < 0)
		return take_fd(&mount_fd);
	clone_fd = mount_clone(mount_fd, "", 0);
	if (clone_fd < 0)
		return clone_fd;
	return umount2(stage, MNT_DETACH) < 0 ? -errno : take_fd(&clone_fd);
}

/* What mount(2) did not do; then the mount takes its place. */
static int finish_fs(struct mount_plan *mp, int mount_fd, const struct mount_target *t,
		     struct err *err)
{
	const char *dest = mp->conf->destination;
	struct mount_opts rest = mp->opts; /* borrows */
	int rc;

	if (mp->idmap_fd >= 0) {
		rc = mount_set_idmap(mount_fd, mp->idmap_fd, 0);
		if (rc < 0)
			return err_code(err, rc, "map the ids of '%s'", dest);
	}
	if (mp->opts.has_tmpcopyup) {
		rc = copyup_tree(t->fd, mount_fd, err);
		if (rc < 0)
			return err_wrap(err, rc, "tmpcopyup of '%s'", dest);
		rc = has_data(mp->opts.data, "uid") || has_data(mp->opts.data, "gid")
			 ? 0
			 : copyup_owner(t->fd, mount_fd);
		if (rc < 0)
			return err_code(err, rc, "tmpcopyup of '%s'", dest);
	}
	rest.attrs = (struct mount_attrs){ 0 };
	rc = mount_set_opts(mount_fd, &rest);
	if (rc < 0)
		return err_code(err, rc, "set the options of '%s'", dest);
	rc = mount_attach(mount_fd, t->fd);
	if (rc < 0)
		return err_code(err, rc, "mount '%s' on '%s'", mp->conf->type, dest);
	return 0;
}

/* Mounts inside a tmpfs, and nodes in /dev, are still to be made: read-only comes last. */
static bool is_late_ro(const struct mount_plan *mp)
{
	return (mp->opts.flags_set & MS_RDONLY) &&
	       (str_eq(mp->conf->type, "tmpfs") || mount_is_dest(mp->conf->destination, "/dev"));
}

static int make_fs(const struct ns_plan *plan, struct mount_plan *mp, const struct mount_fs *fs,
		   const struct mount_target *t, struct err *err)
{
	const struct mount_opts *o = &mp->opts;
	bool is_late = is_late_ro(mp);
	auto_close int mount_fd = -1;
	int rc;

	if (is_late || o->n_propagations || o->rec_attrs.set || o->rec_attrs.clear ||
	    o->has_tmpcopyup || mp->idmap_fd >= 0) {
		rc = mount_fd = new_for_more(mp, fs);
	} else {
		rc = mount_new(fs, t->fd);
		if (rc == 0)
			return 0;
	}
	if (rc == -EPERM && plan->has_userns)
		rc = mount_fd = clone_host_view(plan, mp);
	if (rc < 0)
		return err_code(err, rc, "mount '%s' on '%s'", fs->type, mp->conf->destination);
	rc = finish_fs(mp, mount_fd, t, err);
	if (rc == 0 && is_late)
		mp->late_fd = take_fd(&mount_fd);
	return rc;
}

static int apply_fs(const struct ns_plan *plan, const struct rootfs *r, struct mount_plan *mp,
		    struct err *err)
{
	auto_mount_target struct mount_target target = MOUNT_TARGET_INIT;
	auto_buf struct buf data = BUF_INIT;
	const char *type = mp->conf->type;
	bool is_procfs = str_eq(type, "proc");
	struct mount_want want = { .is_dir = true,
				   .is_procfs = is_procfs,
				   .no_links = is_procfs || str_eq(type, "sysfs") };
	struct mount_fs fs = { .type = type,
			       .source = mp->conf->source ? mp->conf->source : type,
			       .flags = mp->opts.flags_set };
	int rc = mount_target_open(r, mp, want, &target, err);

	if (rc < 0)
		return rc;
	rc = build_data(plan, mp, &target, &data, err);
	if (rc < 0)
		return rc;
	fs.data = data.len ? buf_str(&data) : NULL;
	if (is_late_ro(mp))
		fs.flags &= ~(unsigned long)MS_RDONLY;
	return make_fs(plan, mp, &fs, &target, err);
}

/* ---- changes of a mount that is there ------------------------------------------------------ */

/* The MS_* flags that the mount of @fd has now. Source: statfs(2), f_flags. */
static int current_flags(int fd, unsigned long *out)
{
	static const struct {
		unsigned long st, ms;
	} flags[] = {
		{ ST_RDONLY, MS_RDONLY },
		{ ST_NOSUID, MS_NOSUID },
		{ ST_NODEV, MS_NODEV },
		{ ST_NOEXEC, MS_NOEXEC },
		{ ST_SYNCHRONOUS, MS_SYNCHRONOUS },
		{ ST_MANDLOCK, MS_MANDLOCK },
		{ ST_NOATIME, MS_NOATIME },
		{ ST_NODIRATIME, MS_NODIRATIME },
		{ ST_RELATIME, MS_RELATIME },
		{ 0x2000 /* ST_NOSYMFOLLOW, 5.10 */, MS_NOSYMFOLLOW },
	};
	struct statvfs st;

	if (fstatvfs(fd, &st) < 0)
		return -errno;
	*out = 0;
	for (size_t i = 0; i < ARRAY_LEN(flags); i++)
		*out |= (st.f_flag & flags[i].st) ? flags[i].ms : 0;
	return 0;
}

/* mount(2) takes the whole set of flags: what the options do not name is handed over as it is. */
static int remount_fs(int fd, const struct mount_opts *o)
{
	const unsigned long atime = MS_NOATIME | MS_RELATIME | MS_STRICTATIME;
	char where[PATH_PROC_FD_MAX];
	unsigned long flags = 0;
	int rc = current_flags(fd, &flags);

	if (rc < 0)
		return rc;
	flags &= ~o->flags_clear;
	if (o->flags_set & atime)
		flags &= ~atime;
	flags |= o->flags_set;
	return mount(NULL, path_proc_fd(where, fd), NULL, flags, o->data) < 0 ? -errno : 0;
}

/* remount: a bind mount's own flags, or those and the data of its file system. */
static int apply_remount(const struct rootfs *r, const struct mount_plan *mp, struct err *err)
{
	const char *dest = mp->conf->destination;
	auto_close int fd = path_open_in_root(r->root_fd, dest, O_PATH, 0);
	int rc;

	if (fd < 0)
		return err_code(err, fd, "open the destination '%s'", dest);
	rc = mp->opts.is_bind ? mount_set_opts(fd, &mp->opts) : remount_fs(fd, &mp->opts);
	return rc < 0 ? err_code(err, rc, "remount '%s'", dest) : 0;
}

int mount_apply(const struct ns_plan *plan, struct rootfs *r, struct mount_plan *mp,
		struct err *err)
{
	int rc;

	if (mp->opts.flags_set & MS_REMOUNT)
		rc = apply_remount(r, mp, err);
	else if (mp->opts.is_bind)
		rc = apply_bind(r, mp, err);
	else if (str_eq(mp->conf->type, "cgroup") || str_eq(mp->conf->type, "cgroup2"))
		rc = cgroup_mount_apply(plan, r, mp, err);
	else
		rc = apply_fs(plan, r, mp, err);
	return rc < 0 ? err_wrap(err, rc, "/mounts/%zu", mp->index) : 0;
}
