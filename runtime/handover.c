// SPDX-License-Identifier: GPL-2.0-or-later
/* The pid file and the sockets of the caller. */
#include "runtime/handover.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "spec/base/fd.h"
#include "spec/base/path.h"

/* Opens the folder of @path; *@out_name is the part behind it. */
static int open_folder(const char *path, const char **out_name)
{
	const char *slash = strrchr(path, '/');
	char folder[PATH_MAX];
	size_t len;
	int fd;

	*out_name = slash ? slash + 1 : path;
	len = slash ? (size_t)(slash - path) : 0;
	if (len >= sizeof(folder))
		return -ENAMETOOLONG;
	memcpy(folder, path, len);
	folder[len] = '\0';
	fd = open(!slash ? "." : len ? folder : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int handover_pid_file(const char *path, pid_t pid, struct err *err)
{
	auto_close int dir_fd = -1;
	const char *name;
	int rc;

	dir_fd = open_folder(path, &name);
	rc = dir_fd;
	if (rc >= 0) {
		char text[16];

		(void)snprintf(text, sizeof(text), "%d", pid);
		rc = file_put_at(dir_fd, name, text, strlen(text), 0644);
	}
	return rc < 0 ? err_code(err, rc, "write pid file '%s'", path) : 0;
}

/* sun_path holds 108 bytes: a longer path goes through its folder's descriptor. unix(7). */
static int make_address(const char *path, int *out_dir_fd, struct sockaddr_un *out)
{
	char folder[PATH_PROC_FD_MAX];
	const char *name;
	int n;

	*out = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlen(path) < sizeof(out->sun_path)) {
		memcpy(out->sun_path, path, strlen(path) + 1);
		return 0;
	}
	*out_dir_fd = open_folder(path, &name);
	if (*out_dir_fd < 0)
		return *out_dir_fd;
	n = snprintf(out->sun_path, sizeof(out->sun_path), "%s/%s",
		     path_proc_fd(folder, *out_dir_fd), name);
	return n > 0 && (size_t)n < sizeof(out->sun_path) ? 0 : -ENAMETOOLONG;
}

int handover_fd(const char *path, const char *option, const char *payload, int fd, struct err *err)
{
	auto_close int dir_fd = -1;
	auto_close int sock_fd = -1;
	struct sockaddr_un address;
	int rc = make_address(path, &dir_fd, &address);

	if (rc < 0)
		return err_code(err, rc, "%s '%s'", option, path);
	sock_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (sock_fd < 0)
		return err_sys(err, "make a socket");
	if (connect(sock_fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return err_sys(err, "connect to %s '%s'", option, path);
	rc = fd_send(sock_fd, payload, strlen(payload), &fd, 1);
	return rc < 0 ? err_code(err, rc, "send over %s '%s'", option, path) : 0;
}
