// SPDX-License-Identifier: GPL-2.0-or-later
/* Unix sockets by folder and name. */
#include "vmmode/virtio/unix_socket.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "spec/base/log.h"

enum {
	BACKLOG = 256,
	LOCK_TRIES = 100,
	LOCK_PAUSE_US = 10000,
};

static int new_socket(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	return fd < 0 ? -errno : fd;
}

int unix_socket_folder(const char *path, const char **out_name, struct err *err)
{
	const char *slash = strrchr(path, '/');
	const size_t len = slash ? (size_t)(slash - path) + 1 : 1;
	char folder[PATH_MAX] = ".";
	int fd;

	*out_name = slash ? slash + 1 : path;
	if (**out_name == '\0')
		return err_set(err, -EINVAL, "it has no name");
	if (len >= sizeof(folder))
		return err_set(err, -ENAMETOOLONG, "the path is too long");
	if (slash)
		memcpy(folder, path, len); /* zeroes follow */
	fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? err_sys(err, "open its folder") : fd;
}

/*
 * The single place that connects. connect(2) has no form with a descriptor: the socket's file, held
 * by @node_fd, is named by its link in /proc/self/fd; where the root has no /proc, that is the
 * working folder (see vsock.h).
 */
static int connect_node(int sock_fd, int node_fd)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int rc;

	(void)snprintf(a.sun_path, sizeof(a.sun_path), "/proc/self/fd/%d", node_fd);
	rc = connect(sock_fd, (const struct sockaddr *)&a, sizeof(a));
	if (rc < 0 && errno == ENOENT) {
		(void)snprintf(a.sun_path, sizeof(a.sun_path), "%d", node_fd);
		rc = connect(sock_fd, (const struct sockaddr *)&a, sizeof(a));
	}
	return rc < 0 ? -errno : 0;
}

int unix_socket_connect(int dir_fd, const char *name)
{
	auto_close int node_fd = -1;
	auto_close int fd = -1;
	struct stat st;
	int rc;

	/* The file that is looked at is the one that is connected to. */
	node_fd = openat(dir_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (node_fd < 0 || fstat(node_fd, &st) < 0)
		return -errno;
	if (!S_ISSOCK(st.st_mode))
		return -ENOTSOCK;
	fd = new_socket();
	if (fd < 0)
		return fd;
	rc = connect_node(fd, node_fd);
	return rc < 0 ? rc : take_fd(&fd);
}

/* Somebody who looks whether a socket is stale, removes it and binds must be alone. */
static void lock_folder(int fd)
{
	for (int i = 0; i < LOCK_TRIES; i++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return;
		(void)usleep(LOCK_PAUSE_US);
	}
	log_debug("the socket's folder is locked by somebody, ignoring");
}

/* Makes room for a socket named @name. */
static int remove_stale(int dir_fd, const char *name, struct err *err)
{
	auto_close int fd = unix_socket_connect(dir_fd, name);

	if (fd >= 0 || fd == -EAGAIN)
		return err_set(err, -EADDRINUSE, "listen on '%s': somebody does already", name);
	if (fd == -ENOENT)
		return 0;
	if (fd == -ENOTSOCK)
		return err_set(err, -ENOTSOCK, "listen on '%s': it exists and is no socket", name);
	if (fd != -ECONNREFUSED)
		return err_code(err, fd, "look at socket '%s'", name);
	if (unlinkat(dir_fd, name, 0) < 0)
		return err_sys(err, "remove stale socket '%s'", name);
	return 0;
}

int unix_socket_listen(int dir_fd, const char *name, struct stat *out_id, struct err *err)
{
	auto_close int lock_fd = -1;
	auto_close int fd = new_socket();
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int n;

	if (fd < 0)
		return err_code(err, fd, "make a socket");
	n = snprintf(a.sun_path, sizeof(a.sun_path), "/proc/self/fd/%d/%s", dir_fd, name);
	if (n < 0 || (size_t)n >= sizeof(a.sun_path))
		return err_set(err, -ENAMETOOLONG, "listen on '%s': the name is too long", name);
	lock_fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (lock_fd >= 0)
		lock_folder(lock_fd);
	n = remove_stale(dir_fd, name, err);
	if (n < 0)
		return n;
	/* The mode of a socket that has no name yet is the one that bind(2) gives to the file:
	 * nobody can connect before it is right. */
	if (fchmod(fd, 0600) < 0 || bind(fd, (const struct sockaddr *)&a, sizeof(a)) < 0)
		return err_sys(err, "bind socket '%s'", name);
	if (listen(fd, BACKLOG) < 0 || fstatat(dir_fd, name, out_id, AT_SYMLINK_NOFOLLOW) < 0) {
		n = err_sys(err, "listen on '%s'", name);
		(void)unlinkat(dir_fd, name, 0);
		return n;
	}
	return take_fd(&fd);
}

void unix_socket_unlink(int dir_fd, const char *name, const struct stat *id)
{
	struct stat st;

	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || st.st_ino != id->st_ino ||
	    st.st_dev != id->st_dev)
		return;
	if (unlinkat(dir_fd, name, 0) < 0)
		log_warn("remove socket '%s': %m, ignoring", name);
}
