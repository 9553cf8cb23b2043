// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The root of the container. Order, and why:
 *
 *  1. every mount becomes a slave: nothing that is done here reaches the host, whatever it shares
 *  2. the root folder is cloned with all below it, and the clone attached over the folder itself:
 *     pivot_root wants a mount, and hooks look for the root by its path
 *  3. mounts in their order, then devices: /dev is mostly one of the mounts
 *  4. (hooks of the caller)
 *  5. masked and read-only paths over what mounts and hooks made, from the host's /dev/null
 *  6. pivot_root, and the host's tree is gone
 *  7. the root's own propagation and read-only flag: pivot_root refuses a shared root
 */
#include "namespaces/rootfs.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "namespaces/devices.h"
#include "namespaces/mask.h"
#include "namespaces/mount.h"
#include "namespaces/mountinfo.h"
#include "spec/base/str.h"
#include "spec/base/sys.h"

/* A clone of the root folder: a folder, or an error. Returns a descriptor or -errno. */
static int clone_root(const struct ns_plan *plan, struct err *err)
{
	char path[PATH_MAX];
	int len =
	    snprintf(path, sizeof(path), "%s/.", plan->rootfs); /* "/.": nothing but a folder */
	int fd;

	if (len < 0 || (size_t)len >= sizeof(path))
		return err_set(err, -ENAMETOOLONG, "/root/path: '%.64s...': too long",
			       plan->rootfs);
	fd = mount_clone(AT_FDCWD, path, AT_RECURSIVE);
	return fd < 0 ? err_code(err, fd, "/root/path: open '%s'", plan->rootfs) : fd;
}

int rootfs_open(const struct ns_plan *plan, struct rootfs *r, struct err *err)
{
	int rc = mounts_plan(plan, r, err);

	if (rc == 0)
		rc = mounts_open(plan, r, err);
	if (rc < 0 || !plan->has_userns)
		return rc;
	/* The folders above the root may be closed to the users of the container. */
	rc = clone_root(plan, err);
	if (rc == -EPERM) /* an unprivileged caller: the child does it, with the same rights */
		return 0;
	if (rc < 0)
		return rc;
	r->tree_fd = rc;
	return 0;
}

/* A mount namespace that was joined is others' as well: it is used as it is. */
static bool is_joined(const struct ns_plan *plan)
{
	return ns_is_joined(plan->config, NS_MOUNT);
}

/* What is mounted in a joined namespace stays there, but it must not spread to a third one. */
static int check_joined(struct err *err)
{
	auto_buf struct buf text = BUF_INIT;
	int rc = mountinfo_read(&text, err);

	if (rc < 0)
		return rc;
	if (strstr(buf_str(&text), " shared:")) /* blanks in names are escaped */
		return err_set(
		    err, -EINVAL,
		    "/linux/namespaces: the mount namespace shares mounts with others; it "
		    "must be private or a slave");
	return 0;
}

static int detach_from_host(const struct ns_plan *plan, struct err *err)
{
	if (is_joined(plan))
		return check_joined(err);
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) == 0)
		return 0;
	if (errno == EINVAL)
		return err_set(err, -EINVAL,
			       "make the host's mounts slaves: '/' is no mount point; is this a "
			       "chroot?");
	return err_sys(err, "make the host's mounts slaves");
}

static int attach_root(const struct ns_plan *plan, struct rootfs *r, struct err *err)
{
	struct statx st;

	r->root_fd = r->tree_fd >= 0 ? take_fd(&r->tree_fd) : clone_root(plan, err);
	if (r->root_fd < 0)
		return r->root_fd;
	if (statx(r->root_fd, "", AT_EMPTY_PATH, STATX_INO | STATX_MNT_ID, &st) < 0)
		return err_sys(err, "/root/path: look at '%s'", plan->rootfs);
	r->root_mnt_id = st.stx_mnt_id;
	r->root_ino = st.stx_ino;
	if (move_mount(r->root_fd, "", AT_FDCWD, plan->rootfs,
		       MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_SYMLINKS) == 0)
		return 0;
	/* The parent could reach the folder, this user can not; no hook could use its path either.
	 */
	if (errno == EACCES &&
	    move_mount(r->root_fd, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) == 0)
		return 0;
	return err_sys(err, "/root/path: attach '%s'", plan->rootfs);
}

static int build(const struct ns_plan *plan, struct rootfs *r, struct err *err)
{
	int rc = detach_from_host(plan, err);

	if (rc == 0)
		rc = attach_root(plan, r, err);
	if (rc == 0)
		rc = mounts_apply(plan, r, err);
	return rc < 0 ? rc : devices_make(plan, r, err);
}

int rootfs_prepare(const struct ns_plan *plan, struct rootfs *r, struct err *err)
{
	mode_t old = umask(0); /* modes of devices and folders are exact */
	int rc = build(plan, r, err);

	(void)umask(old);
	return rc;
}

/* ---- entering ------------------------------------------------------------------------------ */

static bool is_initramfs(void)
{
	struct statfs fs;

	return statfs("/", &fs) == 0 && (fs.f_type == RAMFS_MAGIC || fs.f_type == TMPFS_MAGIC);
}

/* The old root lands on top of the new one, where "." finds it. Source: pivot_root(2), Notes. */
static int pivot(struct err *err)
{
	if (sys_pivot_root(".", ".") < 0) {
		if (errno == EINVAL && is_initramfs())
			return err_set(err, -EINVAL,
				       "pivot_root: the host's root is an initramfs, which can not "
				       "be left; --no-pivot does without");
		return err_sys(err, "pivot_root");
	}
	if (umount2(".", MNT_DETACH) < 0)
		return err_sys(err, "leave the host's tree");
	return 0;
}

static bool is_below(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	return strncmp(path, dir, len) == 0 && (path[len] == '\0' || path[len] == '/');
}

/*
 * Without pivot_root the host's mounts stay in the namespace, under the new root. A full procfs or
 * sysfs among them would let a user namespace of the container mount its own without masks, so
 * they go, or get something put over them where the kernel holds them fast (EINVAL: locked).
 */
static int hide_host_views(const struct ns_plan *plan, struct err *err)
{
	auto_buf struct buf text = BUF_INIT;
	struct mountinfo m;
	char *rest;
	int rc = mountinfo_read(&text, err);

	if (rc < 0)
		return rc;
	rest = text.data;
	while (mountinfo_next(&rest, &m)) {
		if (!(str_eq(m.type, "proc") || str_eq(m.type, "sysfs")) || !str_eq(m.root, "/") ||
		    is_below(m.point, plan->rootfs))
			continue;
		if (umount2(m.point, MNT_DETACH) == 0 || errno == ENOENT)
			continue;
		if ((errno != EINVAL && errno != EPERM) ||
		    mount("tmpfs", m.point, "tmpfs", MS_RDONLY, "nr_inodes=1") < 0)
			return err_sys(err, "hide the host's '%s'", m.point);
	}
	return 0;
}

static int move_root(const struct ns_plan *plan, const struct rootfs *r, struct err *err)
{
	int rc = hide_host_views(plan, err);

	if (rc < 0)
		return rc;
	if (move_mount(r->root_fd, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return err_sys(err, "move the root to '/'");
	return chroot(".") < 0 ? err_sys(err, "chroot") : 0;
}

/* The working directory is the new root. */
static int change_root(const struct ns_plan *plan, const struct rootfs *r, struct err *err)
{
	if (is_joined(plan)) /* pivot_root would move the root of its other processes as well */
		return chroot(".") < 0 ? err_sys(err, "chroot") : 0;
	return plan->no_pivot ? move_root(plan, r, err) : pivot(err);
}

static int set_root_mode(const struct ns_plan *plan, const struct rootfs *r, struct err *err)
{
	struct mount_opts o = { 0 };
	unsigned long propagation = plan->config->linux_.rootfs_propagation;
	int rc;

	if (plan->config->root.readonly)
		o.attrs.set = MOUNT_ATTR_RDONLY;
	if (propagation)
		o.propagations[o.n_propagations++] = propagation;
	rc = mount_set_opts(r->root_fd, &o);
	return rc < 0 ? err_code(err, rc, "set read-only and propagation of the root") : 0;
}

int rootfs_enter(const struct ns_plan *plan, struct rootfs *r, struct err *err)
{
	int rc = mask_paths(plan, r, err);

	if (rc == 0)
		rc = mounts_finish(r, err);
	if (rc < 0)
		return rc;
	if (fchdir(r->root_fd) < 0)
		return err_sys(err, "/root/path: enter '%s'", plan->rootfs);
	rc = change_root(plan, r, err);
	if (rc == 0)
		rc = devices_own_null(r->root_fd, plan->io.stdio_fds, err);
	return rc < 0 ? rc : set_root_mode(plan, r, err);
}

void rootfs_fini(struct rootfs *r)
{
	mounts_fini(r);
	cleanup_close(&r->root_fd);
	cleanup_close(&r->tree_fd);
	r->root_fd = r->tree_fd = -1;
}
