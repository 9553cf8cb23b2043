// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How a created container is started: it waits on a listening socket in its state folder, `start`
 * connects and says READY, the container answers STARTED, runs its startContainer hooks and
 * executes; an error or the end of the connection by the execution is the result.
 *
 * A start that was killed before it said READY leaves a connection that ends: the container goes
 * back to accept(). One that was killed after it said READY has started the container.
 */
#include "namespaces/start.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "namespaces/launch.h"
#include "namespaces/sync.h"
#include "spec/base/path.h"

/*
 * sun_path has 108 bytes, a state folder's path may have more: the address goes through the
 * folder's descriptor. Source: unix(7).
 */
static int make_address(int dir_fd, const char *name, struct sockaddr_un *out, struct err *err)
{
	char folder[PATH_PROC_FD_MAX];
	int n;

	memset(out, 0, sizeof(*out));
	out->sun_family = AF_UNIX;
	n = snprintf(out->sun_path, sizeof(out->sun_path), "%s/%s", path_proc_fd(folder, dir_fd),
		     name);
	if (n < 0 || (size_t)n >= sizeof(out->sun_path))
		return err_set(err, -ENAMETOOLONG, "start socket '%s': name too long", name);
	return 0;
}

int ns_start_listen(int dir_fd, const char *name, struct err *err)
{
	auto_close int fd = -1;
	struct sockaddr_un address;
	int rc = make_address(dir_fd, name, &address, err);

	if (rc < 0)
		return rc;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_sys(err, "make the start socket");
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return err_sys(err, "bind start socket '%s'", name);
	/* The folder is 0700; the mode is for a state folder whose mode was changed since. */
	if (fchmodat(dir_fd, name, 0600, 0) < 0)
		return err_sys(err, "set the mode of start socket '%s'", name);
	if (listen(fd, 1) < 0)
		return err_sys(err, "listen on start socket '%s'", name);
	return take_fd(&fd);
}

int ns_start_connect(int dir_fd, const char *name, struct ns_child *out, struct err *err)
{
	auto_close int fd = -1;
	struct sockaddr_un address;
	struct sync_msg m = { 0 };
	int rc = make_address(dir_fd, name, &address, err);

	if (rc < 0)
		return rc;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_sys(err, "make a socket");
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return err_sys(err, "connect to start socket '%s'", name);
	rc = sync_send(fd, SYNC_READY, 0, -1);
	if (rc == 0)
		rc = sync_recv(fd, &m, NULL);
	if (rc < 0 && rc != -EPIPE && rc != -ECONNRESET)
		return err_code(err, rc, "start the container");
	if (rc <= 0)
		return err_set(err, -ECONNREFUSED,
			       "start the container: it was started already, or has ended");
	if (m.kind != SYNC_STARTED)
		return err_set(err, -EPROTO, "start the container: unexpected answer %u", m.kind);
	*out = (struct ns_child){ .pid_fd = -1, .sync_fd = take_fd(&fd), .is_ready = true };
	return 0;
}

int start_wait(int listen_fd, struct sync *out, struct err *err)
{
	for (;;) {
		auto_close int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
		struct sync_msg m = { 0 };
		int rc;

		if (fd < 0) {
			if (errno == EINTR || errno == ECONNABORTED)
				continue;
			return err_sys(err, "wait for the start");
		}
		rc = sync_recv(fd, &m, NULL);
		if (rc <= 0 || m.kind != SYNC_READY)
			continue;
		/* Whether the start is still there to read it or not: it has said READY. */
		rc = sync_send(fd, SYNC_STARTED, 0, -1);
		if (rc < 0 && rc != -EPIPE && rc != -ECONNRESET)
			return err_code(err, rc, "answer the start");
		*out = (struct sync){ .fd = take_fd(&fd) };
		return 0;
	}
}
