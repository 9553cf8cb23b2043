// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Copying a hostile tree by descriptors: each entry is looked at without following it, opened as
 * what it was seen to be, and looked at again once it is open. The copy is in nobody's hands yet.
 */
#include "namespaces/copyup.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "spec/base/fd.h"
#include "spec/base/str.h"

enum { XATTR_NAMES_MAX = 64 * 1024, XATTR_VALUE_MAX = 64 * 1024 };

static int copy_content(int src_fd, int dst_fd)
{
	char buf[8 * 1024];
	ssize_t n;

	do {
		n = copy_file_range(src_fd, NULL, dst_fd, NULL, 1 << 30, 0);
	} while (n > 0);
	if (n == 0)
		return 0;
	/* Not between these file systems: the offsets are still at the start. */
	if (errno != EXDEV && errno != EINVAL && errno != EOPNOTSUPP && errno != ENOSYS)
		return -errno;
	while ((n = read(src_fd, buf, sizeof(buf))) != 0) {
		int rc = n < 0 ? -errno : fd_write_all(dst_fd, buf, (size_t)n);

		if (rc < 0 && rc != -EINTR)
			return rc;
	}
	return 0;
}

static int copy_xattr(int src_fd, int dst_fd, const char *name)
{
	auto_free char *value = NULL;
	ssize_t len = fgetxattr(src_fd, name, NULL, 0);

	if (len < 0)
		return errno == ENODATA ? 0 : -errno;
	if (len > XATTR_VALUE_MAX)
		return -E2BIG;
	value = malloc((size_t)len + 1);
	if (!value)
		return -ENOMEM;
	len = fgetxattr(src_fd, name, value, (size_t)len);
	if (len < 0)
		return errno == ENODATA ? 0 : -errno;
	if (fsetxattr(dst_fd, name, value, (size_t)len, 0) < 0 && errno != EOPNOTSUPP &&
	    errno != EPERM)
		return -errno;
	return 0;
}

/* What the tmpfs takes; security.selinux is the mount's own affair. */
static int copy_xattrs(int src_fd, int dst_fd)
{
	auto_free char *names = NULL;
	ssize_t len = flistxattr(src_fd, NULL, 0);

	if (len <= 0)
		return len == 0 || errno == EOPNOTSUPP ? 0 : -errno;
	if (len > XATTR_NAMES_MAX)
		return -E2BIG;
	names = malloc((size_t)len + 1);
	if (!names)
		return -ENOMEM;
	len = flistxattr(src_fd, names, (size_t)len);
	if (len < 0)
		return -errno;
	names[len] = '\0';
	for (const char *n = names; n < names + len; n += strlen(n) + 1) {
		int rc = str_eq(n, "security.selinux") ? 0 : copy_xattr(src_fd, dst_fd, n);

		if (rc < 0)
			return rc;
	}
	return 0;
}

/* Owner, mode and times; an owner that the user namespace does not know stays the copier's. */
static int copy_meta(int src_fd, int dst_fd, const struct stat *st)
{
	const struct timespec times[2] = { st->st_atim, st->st_mtim };
	int rc;

	if (fchown(dst_fd, st->st_uid, st->st_gid) < 0 && errno != EINVAL)
		return -errno;
	rc = copy_xattrs(src_fd, dst_fd);
	if (rc < 0)
		return rc;
	if (fchmod(dst_fd, st->st_mode & 07777) < 0) /* after chown, which clears set-id bits */
		return -errno;
	return futimens(dst_fd, times) < 0 ? -errno : 0;
}

static int copy_file(int src_dir, int dst_dir, const char *name)
{
	auto_close int src_fd = -1;
	auto_close int dst_fd = -1;
	struct stat st;
	int rc;

	/* O_NONBLOCK: what was a file may be a FIFO by now, and must not hold us. */
	src_fd = openat(src_dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (src_fd < 0 || fstat(src_fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EAGAIN;
	dst_fd = openat(dst_dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (dst_fd < 0)
		return -errno;
	rc = copy_content(src_fd, dst_fd);
	return rc < 0 ? rc : copy_meta(src_fd, dst_fd, &st);
}

static int copy_link(int src_dir, int dst_dir, const char *name, const struct stat *st)
{
	const struct timespec times[2] = { st->st_atim, st->st_mtim };
	char text[PATH_MAX];
	ssize_t n = readlinkat(src_dir, name, text, sizeof(text) - 1);

	if (n < 0)
		return -errno;
	text[n] = '\0';
	if (symlinkat(text, dst_dir, name) < 0)
		return -errno;
	if (fchownat(dst_dir, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) < 0 &&
	    errno != EINVAL)
		return -errno;
	return utimensat(dst_dir, name, times, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

static int copy_node(int dst_dir, const char *name, const struct stat *st)
{
	if (S_ISSOCK(st->st_mode)) /* nobody listens on a copy */
		return 0;
	if (mknodat(dst_dir, name, st->st_mode & (S_IFMT | 07777), st->st_rdev) < 0)
		return -errno;
	if (fchownat(dst_dir, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) < 0 &&
	    errno != EINVAL)
		return -errno;
	return 0;
}

static int copy_entries(int src_fd, int dst_fd, unsigned int depth, struct err *err);

static int copy_dir(int src_dir, int dst_dir, const char *name, unsigned int depth, struct err *err)
{
	auto_close int src_fd = -1;
	auto_close int dst_fd = -1;
	struct stat st;
	int rc;

	if (depth == COPYUP_MAX_DEPTH)
		return err_set(err, -ELOOP, "copy '%s': the tree is deeper than %d folders", name,
			       COPYUP_MAX_DEPTH);
	src_fd = openat(src_dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (src_fd < 0 || fstat(src_fd, &st) < 0 || mkdirat(dst_dir, name, 0700) < 0)
		return err_sys(err, "copy '%s'", name);
	dst_fd = openat(dst_dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dst_fd < 0)
		return err_sys(err, "copy '%s'", name);
	rc = copy_entries(src_fd, dst_fd, depth + 1, err);
	if (rc < 0)
		return rc;
	rc = copy_meta(src_fd, dst_fd, &st); /* last: the entries change the times */
	return rc < 0 ? err_code(err, rc, "copy '%s'", name) : 0;
}

static int copy_entry(int src_dir, int dst_dir, const char *name, unsigned int depth,
		      struct err *err)
{
	struct stat st;
	int rc;

	if (fstatat(src_dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(err, "copy '%s'", name);
	if (S_ISDIR(st.st_mode))
		return copy_dir(src_dir, dst_dir, name, depth, err);
	if (S_ISREG(st.st_mode))
		rc = copy_file(src_dir, dst_dir, name);
	else if (S_ISLNK(st.st_mode))
		rc = copy_link(src_dir, dst_dir, name, &st);
	else
		rc = copy_node(dst_dir, name, &st);
	return rc < 0 ? err_code(err, rc, "copy '%s'", name) : 0;
}

static int copy_entries(int src_fd, int dst_fd, unsigned int depth, struct err *err)
{
	auto_closedir DIR *dir = NULL;
	const struct dirent *e;
	int fd = openat(src_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0) {
		dir = fdopendir(fd);
		if (!dir)
			cleanup_close(&fd);
	}
	if (!dir)
		return err_sys(err, "read a folder");
	while (errno = 0, (e = readdir(dir))) {
		int rc;

		if (str_eq(e->d_name, ".") || str_eq(e->d_name, ".."))
			continue;
		rc = copy_entry(dirfd(dir), dst_fd, e->d_name, depth, err);
		if (rc < 0)
			return rc;
	}
	return errno ? err_sys(err, "read a folder") : 0;
}

int copyup_tree(int src_fd, int dst_fd, struct err *err)
{
	return copy_entries(src_fd, dst_fd, 0, err);
}

int copyup_owner(int src_fd, int dst_fd)
{
	struct stat st;

	if (fstat(src_fd, &st) < 0)
		return -errno;
	if (fchownat(dst_fd, "", st.st_uid, st.st_gid, AT_EMPTY_PATH) < 0 && errno != EINVAL)
		return -errno;
	return 0;
}
