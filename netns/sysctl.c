// SPDX-License-Identifier: GPL-2.0-or-later
/* Settings of the network namespace by /proc/sys. */
#include "netns/sysctl.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>

#include "spec/base/fd.h"

enum { PATH_LEN = 128 };

/* The setting holds @value already. */
static bool holds(const char *path, const char *value)
{
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t len = strlen(value);
	char now[32];
	ssize_t n = fd < 0 ? -1 : read(fd, now, sizeof(now));

	return n == (ssize_t)len + 1 && memcmp(now, value, len) == 0 && now[len] == '\n';
}

int sysctl_set(struct err *err, const char *value, const char *fmt, ...)
{
	char path[PATH_LEN] = "/proc/sys/";
	size_t len = strlen(path);
	va_list ap;
	int n;
	int rc;

	va_start(ap, fmt);
	n = vsnprintf(path + len, sizeof(path) - len, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(path) - len)
		return err_code(err, -ENAMETOOLONG, "set '%s'", path);
	if (holds(path, value))
		return 0;
	rc = file_write_at(AT_FDCWD, path, value);
	return rc < 0 ? err_code(err, rc, "set '%s' to %s", path, value) : 0;
}

int sysctl_forward_ipv6(struct err *err)
{
	auto_closedir DIR *dir = NULL;

	if (holds("/proc/sys/net/ipv6/conf/all/forwarding", "1"))
		return 0;
	dir = opendir("/proc/sys/net/ipv6/conf");
	if (!dir)
		return err_sys(err, "open '/proc/sys/net/ipv6/conf'");
	for (struct dirent *d; (d = readdir(dir));) {
		char path[PATH_LEN + sizeof(d->d_name)];
		int rc;

		(void)snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/accept_ra",
			       d->d_name);
		if (d->d_name[0] == '.' || !holds(path, "1"))
			continue;
		rc = sysctl_set(err, "2", "net/ipv6/conf/%s/accept_ra", d->d_name);
		if (rc < 0)
			return rc;
	}
	return sysctl_set(err, "1", "net/ipv6/conf/all/forwarding");
}
