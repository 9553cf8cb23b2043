// SPDX-License-Identifier: GPL-2.0-or-later
// Kernel parameters of the container's namespaces.
#include "namespaces/sysctl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>

#include "namespaces/procfs.h"
#include "spec/base/fd.h"

static bool is_part(const char *s, size_t len)
{
	if (len == 0 || (len == 1 && s[0] == '.') || (len == 2 && s[0] == '.' && s[1] == '.'))
		return false;
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)s[i] < ' ' || s[i] == 0x7f)
			return false;
	}
	return true;
}

/* Every part between slashes is a plain name; at least two, for no parameter is at the top. */
static bool is_plain_path(const char *path)
{
	size_t n = 0;

	for (const char *p = path;; n++) {
		size_t len = strcspn(p, "/");

		if (!is_part(p, len))
			return false;
		if (!p[len])
			return n > 0;
		p += len + 1;
	}
}

int sysctl_path(const char *key, char out[SYSCTL_PATH_MAX])
{
	static const char top[] = "sys/";
	size_t len = strlen(key);
	char path[SYSCTL_PATH_MAX];
	bool is_dotted = key[strcspn(key, "./")] == '.';

	if (len + sizeof(top) > sizeof(path))
		return -ENAMETOOLONG;
	memcpy(path, top, sizeof(top));
	for (size_t i = 0; i <= len; i++) {
		char c = key[i];

		if (is_dotted && c == '.')
			c = '/';
		else if (is_dotted && c == '/')
			c = '.';
		path[sizeof(top) - 1 + i] = c;
	}
	if (!is_plain_path(path + sizeof(top) - 1))
		return -EINVAL;
	memcpy(out, path, sizeof(path));
	return 0;
}

static int apply_one(int proc_fd, const struct config_sysctl *s, struct err *err)
{
	char path[SYSCTL_PATH_MAX];
	auto_close int fd = -1;
	int rc;

	rc = sysctl_path(s->key, path);
	if (rc < 0)
		return err_set(err, rc, "/linux/sysctl/%s: not the name of a kernel parameter",
			       s->key);
	fd = procfs_open_file(proc_fd, path, O_WRONLY);
	if (fd < 0)
		return err_code(err, fd, "/linux/sysctl/%s: open '/proc/%s'", s->key, path);
	/* One write: the kernel takes each write for the whole value. */
	rc = fd_write_all(fd, s->value, strlen(s->value));
	if (rc < 0)
		return err_code(err, rc, "/linux/sysctl/%s: write '%s'", s->key, s->value);
	return 0;
}

int sysctl_apply(int proc_fd, const struct config_sysctl *items, size_t n, struct err *err)
{
	for (size_t i = 0; i < n; i++) {
		int rc = apply_one(proc_fd, &items[i], err);

		if (rc < 0)
			return rc;
	}
	return 0;
}
