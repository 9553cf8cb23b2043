// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where a mount may go. The destination is resolved by the kernel below the container's root, and
 * what was reached is judged, not how it is spelt: an image chooses its links.
 */
#include <fcntl.h>
#include <linux/magic.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "namespaces/mount.h"
#include "spec/base/path.h"
#include "spec/base/str.h"
#include "spec/base/sys.h"

/* The node number of a procfs's root. Source: uapi linux/proc_fs, PROC_ROOT_INO. */
enum { PROC_ROOT_NODE = 1 };

/*
 * Files of a procfs that may be hidden by a mount: lxcfs and others put their own there. As in
 * peers; what the runtime or the kernel trusts (attr, sys) is not among them. Sorted.
 */
static const char *const proc_files[] = {
	"cpuinfo", "diskstats", "loadavg",
	"meminfo", "net/dev",   "slabinfo",
	"stat",    "swaps",     "sys/kernel/ns_last_pid",
	"uptime",
};

bool mount_is_dest(const char *path, const char *want)
{
	for (;;) {
		size_t len;

		while (*path == '/' || (*path == '.' && (path[1] == '/' || path[1] == '\0')))
			path++;
		while (*want == '/')
			want++;
		if (*path == '\0' || *want == '\0')
			return *path == *want;
		len = strcspn(path, "/");
		if (len != strcspn(want, "/") || memcmp(path, want, len) != 0)
			return false;
		path += len;
		want += len;
	}
}

static int open_strict(int dir_fd, const char *path, uint64_t resolve)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC, .resolve = resolve };
	long fd = sys_openat2(dir_fd, path, &how);

	return fd < 0 ? -errno : (int)fd;
}

static int open_existing(const struct rootfs *r, const struct mount_plan *mp,
			 struct mount_want want)
{
	const char *dest = mp->conf->destination;

	if (want.no_links)
		return open_strict(r->root_fd, dest,
				   RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
	return path_open_in_root(r->root_fd, dest,
				 O_PATH | (mp->opts.has_dest_nofollow ? O_NOFOLLOW : 0), 0);
}

static int open_or_make(const struct rootfs *r, const struct mount_plan *mp, struct mount_want want,
			bool *out_is_new, struct err *err)
{
	const char *dest = mp->conf->destination;
	int fd = open_existing(r, mp, want);

	*out_is_new = fd == -ENOENT;
	if (fd == -ENOENT) {
		fd = path_create_in_root(r->root_fd, dest, want.is_dir, want.is_dir ? 0755 : 0644);
		if (fd < 0)
			return err_code(err, fd, "make the destination '%s'", dest);
		if (want.no_links) { /* what was made may stand behind a dangling link */
			cleanup_close(&fd);
			fd = open_existing(r, mp, want);
		}
	}
	if (fd == -ELOOP && want.no_links)
		return err_set(err, -ELOOP,
			       "destination '%s': must be an ordinary folder, without symbolic "
			       "links in its path",
			       dest);
	if (fd < 0)
		return err_code(err, fd, "open the destination '%s'", dest);
	return fd;
}

/* Opens the allowed file again, strictly below the procfs that is mounted on "/proc". */
static int open_proc_file(const struct rootfs *r, const char *dest)
{
	auto_close int proc_fd = -1;
	struct statfs fs;

	for (size_t i = 0; i < ARRAY_LEN(proc_files); i++) {
		char path[64] = "/proc/";

		(void)strncat(path, proc_files[i], sizeof(path) - strlen(path) - 1);
		if (!mount_is_dest(dest, path))
			continue;
		proc_fd = open_strict(r->root_fd, "proc", RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS);
		if (proc_fd < 0)
			return proc_fd;
		if (fstatfs(proc_fd, &fs) < 0)
			return -errno;
		if (fs.f_type != PROC_SUPER_MAGIC)
			return -EXDEV;
		/* "net" is a link to "self/net", so links are allowed, but not out of the procfs.
		 */
		return open_strict(proc_fd, proc_files[i],
				   RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS);
	}
	return -EACCES;
}

static int check_procfs(const struct rootfs *r, const char *dest, struct mount_want want,
			const struct statx *st, struct mount_target *t, struct err *err)
{
	int fd;

	if (want.is_procfs && st->stx_ino == PROC_ROOT_NODE)
		return 0;
	if (want.is_dir)
		fd = -EACCES;
	else
		fd = open_proc_file(r, dest);
	if (fd == -EACCES)
		return err_set(err, -EACCES,
			       "destination '%s': is inside a procfs, where only known files may "
			       "be hidden by a mount",
			       dest);
	if (fd < 0)
		return err_code(err, fd, "open the destination '%s'", dest);
	cleanup_close(&t->fd);
	t->fd = fd;
	return 0;
}

static int check_target(const struct rootfs *r, const char *dest, struct mount_want want,
			struct mount_target *t, struct err *err)
{
	const unsigned int mask = STATX_TYPE | STATX_MODE | STATX_INO | STATX_MNT_ID;
	struct statfs fs = { 0 };
	struct statx st;
	bool is_on_root;

	if (statx(t->fd, "", AT_EMPTY_PATH, mask, &st) < 0)
		return err_sys(err, "look at the destination '%s'", dest);
	t->is_dir = S_ISDIR(st.stx_mode);
	t->mode = st.stx_mode & 07777;
	is_on_root = st.stx_mnt_id == r->root_mnt_id; /* then it is in no procfs */
	if (!is_on_root && fstatfs(t->fd, &fs) < 0)
		return err_sys(err, "look at the destination '%s'", dest);
	if (is_on_root && st.stx_ino == r->root_ino)
		return err_set(err, -EBUSY, "destination '%s': is the container's root", dest);
	if (t->is_dir != want.is_dir)
		return err_set(err, want.is_dir ? -ENOTDIR : -EISDIR,
			       "destination '%s': is %s, but a %s is to be mounted on it", dest,
			       t->is_dir ? "a folder" : "no folder",
			       want.is_dir ? "folder" : "file");
	if (fs.f_type == PROC_SUPER_MAGIC)
		return check_procfs(r, dest, want, &st, t, err);
	/* What looks like procfs but is none would deceive those who check files below /proc. */
	if (!want.is_procfs && mount_is_dest(dest, "/proc"))
		return err_set(err, -EACCES,
			       "destination '%s': only a procfs as a whole may be mounted there",
			       dest);
	return 0;
}

int mount_target_open(const struct rootfs *r, const struct mount_plan *mp, struct mount_want want,
		      struct mount_target *out, struct err *err)
{
	auto_mount_target struct mount_target t = MOUNT_TARGET_INIT;
	int rc;

	t.fd = open_or_make(r, mp, want, &t.is_new, err);
	if (t.fd < 0)
		return t.fd;
	rc = check_target(r, mp->conf->destination, want, &t, err);
	if (rc < 0)
		return rc;
	*out = t;
	t.fd = -1;
	return 0;
}
