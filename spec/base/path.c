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

/* One creation below a root: what is resolved so far, and what is left to do. */
struct walk {
	int root_fd;         /* borrowed */
	int dir_fd;          /* owned: the folder that @done names */
	char done[PATH_MAX]; /* "/a/b": no links in it */
	char rest[PATH_MAX];
	unsigned int budget; /* links and lost races that are still allowed */
};

/* The kernel's own limit for the links of one path. Source: path_resolution(7). */
enum { WALK_BUDGET = 40 };

static void walk_fini(struct walk *w)
{
	cleanup_close(&w->dir_fd);
}

/* Opens the folder w->done anew, after it became shorter. */
static int walk_reopen(struct walk *w)
{
	int fd = path_open_in_root(w->root_fd, w->done, O_PATH | O_DIRECTORY, 0);

	if (fd < 0)
		return fd;
	cleanup_close(&w->dir_fd);
	w->dir_fd = fd;
	return 0;
}

static int walk_up(struct walk *w)
{
	char *slash = strrchr(w->done, '/');

	slash[slash == w->done ? 1 : 0] = '\0';
	return walk_reopen(w);
}

/* Puts @text before what is left of the path. */
static int walk_push(struct walk *w, const char *text)
{
	char rest[PATH_MAX];
	int len = snprintf(rest, sizeof(rest), "%s/%s", text, w->rest);

	if (w->budget-- == 0)
		return -ELOOP;
	if (len < 0 || (size_t)len >= sizeof(rest))
		return -ENAMETOOLONG;
	memcpy(w->rest, rest, (size_t)len + 1);
	return 0;
}

/* Goes on in the text of link @name. -EINVAL: it is no link; -ENOENT: there is nothing. */
static int walk_link(struct walk *w, const char *name)
{
	char text[PATH_MAX];
	ssize_t n = readlinkat(w->dir_fd, name, text, sizeof(text) - 1);
	int rc;

	if (n < 0)
		return -errno;
	text[n] = '\0';
	rc = walk_push(w, text);
	if (rc < 0 || text[0] != '/')
		return rc;
	memcpy(w->done, "/", 2);
	return walk_reopen(w);
}

/* Enters the folder @name; as the last part (@is_last) it may be anything and is only noted. */
static int walk_enter(struct walk *w, const char *name, bool is_last)
{
	size_t done_len = strlen(w->done);
	int fd;

	if (done_len == 1)
		done_len = 0; /* "/" and "/name", not "//name" */
	if (done_len + strlen(name) + 2 > sizeof(w->done))
		return -ENAMETOOLONG;
	w->done[done_len] = '/';
	memcpy(w->done + done_len + 1, name, strlen(name) + 1);
	if (is_last)
		return 0;
	fd = openat(w->dir_fd, name, O_PATH | O_NOFOLLOW | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	cleanup_close(&w->dir_fd);
	w->dir_fd = fd;
	return 0;
}

/* Makes @name, which is missing. Somebody else was faster: it is looked at once more. */
static int walk_make(struct walk *w, const char *name, bool is_dir, mode_t mode)
{
	int rc =
	    is_dir ? mkdirat(w->dir_fd, name, mode) : mknodat(w->dir_fd, name, S_IFREG | mode, 0);

	if (rc < 0)
		return errno == EEXIST ? walk_push(w, name) : -errno;
	return 1;
}

static int walk_step(struct walk *w, const char *name, bool make_dir, mode_t mode)
{
	bool is_last = w->rest[strspn(w->rest, "/")] == '\0';
	int rc;

	if (name[0] == '.' && name[1] == '\0')
		return 0;
	if (name[0] == '.' && name[1] == '.' && name[2] == '\0')
		return walk_up(w);
	rc = walk_link(w, name);
	if (rc == -EINVAL)
		return walk_enter(w, name, is_last);
	if (rc != -ENOENT)
		return rc;
	rc = walk_make(w, name, make_dir || !is_last, is_last ? mode : 0755);
	return rc == 1 ? walk_enter(w, name, is_last) : rc;
}

/*
 * Makes what is missing of @path, one part after the other; the target of a dangling link is made
 * inside the root, as the link's text says. Every step is one name in a folder that is open, or a
 * resolution by the kernel below the root, so a change by others cannot lead out of it.
 */
static int create_by_parts(int root_fd, const char *path, bool is_dir, mode_t mode)
{
	auto_cleanup(walk_fini) struct walk w = {
		.root_fd = root_fd, .dir_fd = -1, .done = "/", .budget = WALK_BUDGET
	};
	char name[NAME_MAX + 1];
	size_t len = strlen(path);
	int rc;

	if (len >= sizeof(w.rest))
		return -ENAMETOOLONG;
	memcpy(w.rest, path, len + 1);
	rc = walk_reopen(&w);
	while (rc == 0) {
		const char *part = w.rest + strspn(w.rest, "/");

		len = strcspn(part, "/");
		if (len == 0)
			return path_open_in_root(root_fd, w.done,
						 O_PATH | (is_dir ? O_DIRECTORY : 0), 0);
		if (len > NAME_MAX)
			return -ENAMETOOLONG;
		memcpy(name, part, len);
		name[len] = '\0';
		memmove(w.rest, part + len, strlen(part + len) + 1);
		rc = walk_step(&w, name, is_dir, mode);
	}
	return rc;
}

/* The common case: only the last part is missing. -ENOENT or -EEXIST: it is not that simple. */
static int create_last(int root_fd, const char *path, bool is_dir, mode_t mode)
{
	auto_close int dir_fd = -1;
	char copy[PATH_MAX];
	size_t len = strlen(path);
	char *name;

	while (len > 1 && path[len - 1] == '/')
		len--;
	if (len >= sizeof(copy))
		return -ENAMETOOLONG;
	memcpy(copy, path, len);
	copy[len] = '\0';
	name = strrchr(copy, '/');
	if (!name)
		return -ENOENT;
	*name++ = '\0';
	if (*name == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return -ENOENT;
	dir_fd = path_open_in_root(root_fd, copy[0] ? copy : ".", O_PATH | O_DIRECTORY, 0);
	if (dir_fd < 0)
		return dir_fd;
	if ((is_dir ? mkdirat(dir_fd, name, mode) : mknodat(dir_fd, name, S_IFREG | mode, 0)) < 0)
		return -errno;
	return path_open_in_root(dir_fd, name, O_PATH | (is_dir ? O_DIRECTORY : 0), 0);
}

int path_create_in_root(int root_fd, const char *path, bool is_dir, mode_t mode)
{
	int fd;

	if (*path == '\0')
		path = ".";
	fd = path_open_in_root(root_fd, path, O_PATH | (is_dir ? O_DIRECTORY : 0), 0);
	if (fd != -ENOENT)
		return fd;
	fd = create_last(root_fd, path, is_dir, mode);
	if (fd != -ENOENT && fd != -EEXIST)
		return fd;
	return create_by_parts(root_fd, path, is_dir, mode);
}

int path_mkdirs_in_root(int root_fd, const char *path, mode_t mode)
{
	return path_create_in_root(root_fd, path, true, mode);
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
