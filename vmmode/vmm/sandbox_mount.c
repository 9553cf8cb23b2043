// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The sandbox's view of files: own mounts, folders cut out of the host's tree, an empty root.
 *
 * A folder is cut out by a clone of its mount that is attached nowhere: its top has no parent, so
 * ".." stays where it is. The clone can only be made of mounts in this process's own mount
 * namespace.
 */
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "spec/base/fd.h"
#include "spec/base/path.h"
#include "spec/base/sys.h"
#include "vmmode/vmm/sandbox.h"

enum { MAP_TEXT = 64 };

/* ---- namespaces --------------------------------------------------------------------------------
 */

/* One id is mapped, to itself: what the process is on the host, it is inside. */
static int map_one(const char *file, unsigned int id, struct err *err)
{
	char text[MAP_TEXT];
	int rc;

	(void)snprintf(text, sizeof(text), "%u %u 1", id, id);
	rc = file_write_at(AT_FDCWD, file, text);
	return rc < 0 ? err_code(err, rc, "write '%s'", file) : 0;
}

static int own_user_namespace(struct err *err)
{
	const uid_t uid = geteuid();
	const gid_t gid = getegid();
	int rc;

	if (unshare(CLONE_NEWUSER) < 0)
		return err_sys(err, "make a user namespace (hint: user.max_user_namespaces or "
				    "kernel.apparmor_restrict_unprivileged_userns may forbid it; "
				    "root needs none)");
	/* user_namespaces(7): before a gid map is written without CAP_SETGID outside. */
	rc = file_write_at(AT_FDCWD, "/proc/self/setgroups", "deny");
	if (rc < 0)
		return err_code(err, rc, "write '/proc/self/setgroups'");
	rc = map_one("/proc/self/uid_map", uid, err);
	return rc < 0 ? rc : map_one("/proc/self/gid_map", gid, err);
}

int sandbox_own_mounts(bool with_user, struct err *err)
{
	int rc = with_user ? own_user_namespace(err) : 0;

	if (rc < 0)
		return rc;
	if (unshare(CLONE_NEWNS) < 0)
		return err_sys(err, "make a mount namespace%s",
			       with_user ? " (hint: a security module may forbid it in user "
					   "namespaces; root needs none)"
					 : "");
	/* Slaves: what the host unmounts goes here too, nothing goes back. */
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		return err_sys(err, "keep mounts to itself");
	return 0;
}

/* ---- folders -----------------------------------------------------------------------------------
 */

int sandbox_open_proc(bool cut, struct err *err)
{
	const char *name = "/proc/self/fd";
	int fd = cut ? open_tree(AT_FDCWD, name, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC)
		     : open(name, O_PATH | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? err_sys(err, "%s '%s'", cut ? "cut out" : "open", name) : fd;
}

static bool is_same(int a, int b)
{
	struct stat sa;
	struct stat sb;

	return fstat(a, &sa) == 0 && fstat(b, &sb) == 0 && sa.st_dev == sb.st_dev &&
	       sa.st_ino == sb.st_ino;
}

/*
 * An inherited descriptor is of a mount of the host's: the same folder is looked for by its name in
 * this mount namespace. Returns a descriptor, or -EXDEV: another folder is there.
 */
static int find_again(int fd)
{
	auto_close int again = -1;
	char link[PATH_PROC_FD_MAX];
	char path[4096];
	ssize_t n = readlink(path_proc_fd(link, fd), path, sizeof(path));

	if (n < 0 || n == (ssize_t)sizeof(path))
		return n < 0 ? -errno : -ENAMETOOLONG;
	path[n] = '\0';
	again = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (again < 0)
		return -errno;
	return is_same(fd, again) ? take_fd(&again) : -EXDEV;
}

static int clone_tree(int fd)
{
	int tree =
	    open_tree(fd, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE);

	return tree < 0 ? -errno : tree;
}

int sandbox_cut_out(int fd, bool read_only, struct err *err)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
					       (read_only ? MOUNT_ATTR_RDONLY : 0U) };
	auto_close int again = -1;
	auto_close int tree = clone_tree(fd);

	if (tree == -EINVAL) {
		again = find_again(fd);
		if (again < 0)
			return err_code(err, again, "find the folder of descriptor %d by its name",
					fd);
		tree = clone_tree(again);
	}
	if (tree < 0)
		return err_code(err, tree, "cut out a folder");
	if (mount_setattr(tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof(attr)) < 0)
		return err_sys(err, "restrict a folder's mounts");
	if (dup3(tree, fd, O_CLOEXEC) < 0)
		return err_sys(err, "replace descriptor %d", fd);
	return 0;
}

/* ---- the root ----------------------------------------------------------------------------------
 */

static int new_tmpfs(struct err *err)
{
	auto_close int fs = fsopen("tmpfs", FSOPEN_CLOEXEC);
	int mnt;

	if (fs < 0)
		return err_sys(err, "make an empty root");
	if (fsconfig(fs, FSCONFIG_SET_STRING, "size", "4k", 0) < 0 ||
	    fsconfig(fs, FSCONFIG_SET_STRING, "nr_inodes", "1", 0) < 0 ||
	    fsconfig(fs, FSCONFIG_SET_STRING, "mode", "0555", 0) < 0 ||
	    fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return err_sys(err, "make an empty root");
	mnt = fsmount(fs, FSMOUNT_CLOEXEC,
		      MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	return mnt < 0 ? err_sys(err, "make an empty root") : mnt;
}

int sandbox_empty_root(struct err *err)
{
	auto_close int old_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	auto_close int new_fd = new_tmpfs(err);

	if (new_fd < 0)
		return new_fd;
	if (old_fd < 0)
		return err_sys(err, "open '/'");
	/* On top of "/", which it then changes places with; nothing else need exist. */
	if (move_mount(new_fd, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return err_sys(err, "mount an empty root");
	if (fchdir(new_fd) < 0 || sys_pivot_root(".", ".") < 0)
		return err_sys(err, "enter an empty root");
	/* The old one now lies on the new. Its descriptor names it; "." is the new one's. */
	if (fchdir(old_fd) < 0 || umount2(".", MNT_DETACH) < 0)
		return err_sys(err, "leave the host's root");
	return 0;
}
