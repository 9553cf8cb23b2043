// SPDX-License-Identifier: GPL-2.0-or-later
// Opening files of the host's procfs. "self" is a symbolic link that procfs itself answers, so a
// task's own files are the one place where a link is followed.
#include "namespaces/procfs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "spec/base/sys.h"

enum { PROC_ROOT_INO = 1, TASK_PATH_MAX = 64 };

static bool is_procfs(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC;
}

int procfs_open(struct err *err)
{
	auto_close int fd = open("/proc", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return err_sys(err, "open '/proc'");
	if (!is_procfs(fd) || fstat(fd, &st) < 0 || st.st_ino != PROC_ROOT_INO)
		return err_set(err, -ENOTSUP, "open '/proc': not the root of a procfs");
	return take_fd(&fd);
}

static int open_below(int proc_fd, const char *path, int flags, uint64_t resolve)
{
	struct open_how how = {
		.flags = (unsigned int)(flags | O_CLOEXEC | O_NOCTTY),
		.resolve = resolve | RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};
	auto_close int fd = -1;

	do
		fd = (int)sys_openat2(proc_fd, path, &how);
	while (fd < 0 && errno == EAGAIN); /* a rename raced with ".." (openat2(2)) */
	if (fd < 0)
		return -errno;
	/* Something else may be mounted over the file, in a container around this one. */
	if (!is_procfs(fd))
		return -EXDEV;
	return take_fd(&fd);
}

int procfs_open_file(int proc_fd, const char *path, int flags)
{
	return open_below(proc_fd, path, flags, RESOLVE_NO_SYMLINKS);
}

int procfs_open_task(int proc_fd, pid_t pid, const char *path, int flags)
{
	char full[TASK_PATH_MAX];
	int n;

	if (pid == 0)
		n = snprintf(full, sizeof(full), "self/%s", path);
	else
		n = snprintf(full, sizeof(full), "%d/%s", (int)pid, path);
	if (n < 0 || (size_t)n >= sizeof(full))
		return -ENAMETOOLONG;
	return open_below(proc_fd, full, flags, pid == 0 ? 0 : RESOLVE_NO_SYMLINKS);
}
