// SPDX-License-Identifier: GPL-2.0-or-later
/* Masked and read-only paths. */
#include "namespaces/mask.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "namespaces/lsm.h"
#include "namespaces/mount.h"
#include "spec/base/path.h"

/* What is put over paths; each is attached once, and cloned from there for the next path. */
struct cover {
	int fd; /* owned; -1: not made yet */
	bool is_attached;
};

struct covers {
	struct cover file, dir;
	const char *label; /* linux.mountLabel */
};

static void covers_fini(struct covers *c)
{
	cleanup_close(&c->file.fd);
	cleanup_close(&c->dir.fd);
}

/* Read-only keeps the container's root from changing the host's node (chmod, chown). */
static int make_file_cover(struct covers *c, struct err *err)
{
	static const struct mount_attrs attrs = { .set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID |
							 MOUNT_ATTR_NOEXEC };
	auto_close int fd = mount_clone(AT_FDCWD, "/dev/null", AT_SYMLINK_NOFOLLOW);
	struct stat st;
	int rc;

	if (fd < 0)
		return err_code(err, fd, "open the host's '/dev/null'");
	if (fstat(fd, &st) < 0)
		return err_sys(err, "look at the host's '/dev/null'");
	if (!S_ISCHR(st.st_mode) || st.st_rdev != makedev(1, 3))
		return err_set(err, -ENODEV, "the host's '/dev/null' is not device c 1:3");
	rc = mount_set_attrs(fd, &attrs, 0);
	if (rc < 0)
		return err_code(err, rc, "make the host's '/dev/null' read-only");
	c->file.fd = take_fd(&fd);
	return 0;
}

static int make_dir_cover(struct covers *c, struct err *err)
{
	auto_buf struct buf data = BUF_INIT;
	struct mount_fs fs = { "tmpfs", "tmpfs", NULL,
			       MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC };
	int rc = lsm_mount_data("mode=755,nr_inodes=1,nr_blocks=1", c->label, &data, err);

	if (rc < 0)
		return rc;
	fs.data = buf_str(&data);
	rc = mount_new_staged(&fs);
	if (rc < 0)
		return err_code(err, rc, "mount an empty 'tmpfs'");
	c->dir.fd = rc;
	return 0;
}

static int attach_cover(struct cover *c, int target_fd)
{
	auto_close int clone_fd = -1;

	if (c->is_attached) {
		clone_fd = mount_clone(c->fd, "", 0);
		return clone_fd < 0 ? clone_fd : mount_attach(clone_fd, target_fd);
	}
	c->is_attached = true;
	return mount_attach(c->fd, target_fd);
}

/* The root by any name: a cover on it would be outside of what the container sees, and no use. */
static bool is_root(const struct rootfs *r, const struct statx *st)
{
	return st->stx_mnt_id == r->root_mnt_id && st->stx_ino == r->root_ino;
}

/*
 * Opens what @path leads to. Returns -ENOENT when there is nothing to protect: the path is missing,
 * or it is closed to a root that has at least the rights of the container's processes.
 */
static int open_path(const struct rootfs *r, const char *path, mode_t *out_mode, struct err *err)
{
	auto_close int fd = path_open_in_root(r->root_fd, path, O_PATH, 0);
	struct statx st;

	if (fd == -ENOENT || fd == -ENOTDIR || fd == -EACCES)
		return -ENOENT;
	if (fd < 0)
		return err_code(err, fd, "open '%s'", path);
	if (statx(fd, "", AT_EMPTY_PATH, STATX_TYPE | STATX_INO | STATX_MNT_ID, &st) < 0)
		return err_sys(err, "look at '%s'", path);
	if (is_root(r, &st))
		return err_set(err, -EINVAL, "is the container's root");
	*out_mode = st.stx_mode;
	return take_fd(&fd);
}

static int mask_one(const struct rootfs *r, const char *path, struct covers *c, struct err *err)
{
	mode_t mode = 0;
	auto_close int target_fd = open_path(r, path, &mode, err);
	struct cover *cover;
	int rc = 0;

	if (target_fd < 0)
		return target_fd == -ENOENT ? 0 : target_fd;
	cover = S_ISDIR(mode) ? &c->dir : &c->file;
	if (cover->fd < 0)
		rc = S_ISDIR(mode) ? make_dir_cover(c, err) : make_file_cover(c, err);
	if (rc < 0)
		return rc;
	rc = attach_cover(cover, target_fd);
	return rc < 0 ? err_code(err, rc, "mask '%s'", path) : 0;
}

static int protect_one(const struct rootfs *r, const char *path, struct err *err)
{
	static const struct mount_attrs attrs = { .set = MOUNT_ATTR_RDONLY };
	mode_t mode = 0;
	auto_close int target_fd = open_path(r, path, &mode, err);
	auto_close int tree_fd = -1;
	int rc;

	if (target_fd < 0)
		return target_fd == -ENOENT ? 0 : target_fd;
	tree_fd = mount_clone(target_fd, "", AT_RECURSIVE);
	if (tree_fd < 0)
		return err_code(err, tree_fd, "bind '%s'", path);
	rc = mount_set_attrs(tree_fd, &attrs, AT_RECURSIVE);
	if (rc == 0)
		rc = mount_attach(tree_fd, target_fd);
	return rc < 0 ? err_code(err, rc, "make '%s' read-only", path) : 0;
}

int mask_paths(const struct ns_plan *plan, const struct rootfs *r, struct err *err)
{
	const struct config_linux *l = &plan->config->linux_;
	auto_cleanup(
	    covers_fini) struct covers c = { .file.fd = -1, .dir.fd = -1, .label = l->mount_label };

	for (size_t i = 0; i < l->masked_paths.n; i++) {
		int rc = mask_one(r, l->masked_paths.v[i], &c, err);

		if (rc < 0)
			return err_wrap(err, rc, "/linux/maskedPaths/%zu", i);
	}
	for (size_t i = 0; i < l->readonly_paths.n; i++) {
		int rc = protect_one(r, l->readonly_paths.v[i], err);

		if (rc < 0)
			return err_wrap(err, rc, "/linux/readonlyPaths/%zu", i);
	}
	return 0;
}
