// SPDX-License-Identifier: GPL-2.0-or-later
/* Safe resolution of paths below a root that others may change. */
#include "spec/base/path.h"

#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include "spec/base/sys.h"

/* openat2 answers EAGAIN when a rename or mount raced with a ".." in the path; a few retries do. */
enum { RESOLVE_RETRIES = 64 };

int path_open_in_root(int root_fd, const char *path, int flags, mode_t mode)
{
	struct open_how how = {
		.flags = (uint64_t)(unsigned int)(flags | O_CLOEXEC),
		.mode = mode,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};

	for (int i = 0; i < RESOLVE_RETRIES; i++) {
		long fd = sys_openat2(root_fd, path, &how);

		if (fd >= 0)
			return (int)fd;
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
	}
	return -EAGAIN;
}

/* Opens the folder of @path's last part, making it and its parents; *@out_name is that part. */
static int open_parent(int root_fd, const char *path, mode_t mode, char copy[PATH_MAX],
		       const char **out_name)
{
	size_t len = strlen(path);
	char *slash;

	if (len >= PATH_MAX)
		return -ENAMETOOLONG;
	memcpy(copy, path, len + 1);
	while (len > 1 && copy[len - 1] == '/')
		copy[--len] = '\0';
	slash = strrchr(copy, '/');
	if (!slash) {
		*out_name = copy;
		return path_open_in_root(root_fd, ".", O_PATH | O_DIRECTORY, 0);
	}
	*slash = '\0';
	*out_name = slash + 1;
	return path_mkdirs_in_root(root_fd, copy, mode);
}

int path_mkdirs_in_root(int root_fd, const char *path, mode_t mode)
{
	auto_close int dir_fd = -1;
	char copy[PATH_MAX];
	const char *name;
	int fd;

	if (*path == '\0')
		path = ".";
	fd = path_open_in_root(root_fd, path, O_PATH | O_DIRECTORY, 0);
	if (fd != -ENOENT)
		return fd;
	dir_fd = open_parent(root_fd, path, mode, copy, &name);
	if (dir_fd < 0)
		return dir_fd;
	/* A dangling symbolic link at the last part makes mkdirat fail with EEXIST: it is not
	 * followed. */
	if (mkdirat(dir_fd, name, mode) < 0 && errno != EEXIST)
		return -errno;
	return path_open_in_root(root_fd, path, O_PATH | O_DIRECTORY, 0);
}

int path_create_in_root(int root_fd, const char *path, bool is_dir, mode_t mode)
{
	auto_close int dir_fd = -1;
	auto_close int file_fd = -1;
	char copy[PATH_MAX];
	const char *name;
	int fd;

	if (is_dir)
		return path_mkdirs_in_root(root_fd, path, mode);
	fd = path_open_in_root(root_fd, path, O_PATH, 0);
	if (fd != -ENOENT)
		return fd;
	dir_fd = open_parent(root_fd, path, 0755, copy, &name);
	if (dir_fd < 0)
		return dir_fd;
	file_fd = openat(dir_fd, name, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, mode);
	if (file_fd < 0 && errno != EEXIST)
		return -errno;
	return path_open_in_root(root_fd, path, O_PATH, 0);
}

bool path_is_clean_abs(const char *path)
{
	if (*path != '/')
		return false;
	if (path[1] == '\0')
		return true;
	while (*path) {
		size_t len = strcspn(++path, "/");

		if (len == 0 || (len == 1 && path[0] == '.') ||
		    (len == 2 && path[0] == '.' && path[1] == '.'))
			return false;
		path += len;
	}
	return true;
}

int path_mkdirs(const char *path, mode_t mode)
{
	char copy[PATH_MAX];
	size_t len = strlen(path);

	if (len >= sizeof(copy))
		return -ENAMETOOLONG;
	if (mkdir(path, mode) == 0 || errno == EEXIST)
		return 0;
	if (errno != ENOENT)
		return -errno;
	memcpy(copy, path, len + 1);
	for (char *p = strchr(copy + 1, '/'); p; p = strchr(p + 1, '/')) {
		*p = '\0';
		if (mkdir(copy, mode) < 0 && errno != EEXIST)
			return -errno;
		*p = '/';
	}
	return mkdir(copy, mode) < 0 && errno != EEXIST ? -errno : 0;
}

const char *path_proc_fd(char *buf, int fd)
{
	(void)snprintf(buf, PATH_PROC_FD_MAX, "/proc/self/fd/%d", fd);
	return buf;
}
