// SPDX-License-Identifier: GPL-2.0-or-later
/* The proxy of NOTIFY_SOCKET. */
#include "runtime/notify.h"

#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "spec/base/log.h"
#include "spec/base/path.h"

#define FOLDER       "notify"
#define SOCKET       "notify.sock"
#define IN_CONTAINER "/run/notify"

enum { MESSAGE_MAX = 4096 };

const char *const notify_env[] = { "NOTIFY_SOCKET=" IN_CONTAINER "/" SOCKET, NULL };

static const char *host_socket(void)
{
	const char *path = getenv("NOTIFY_SOCKET");

	return path && *path ? path : NULL;
}

static int add_mount(struct container *c, const char *source, struct err *err)
{
	static const char *const options[] = { "bind", "nosuid", "noexec", "nodev", "ro" };
	struct arena *a = &c->config.arena;
	size_t n = c->config.mounts.n;
	struct config_mount *items = arena_alloc(a, n + 1, sizeof(*items));
	char **v = arena_alloc(a, ARRAY_LEN(options) + 1, sizeof(*v));

	for (size_t i = 0; v && i < ARRAY_LEN(options); i++)
		v[i] = arena_strdup(a, options[i]);
	if (!items || !v || !v[ARRAY_LEN(options) - 1])
		return err_set(err, -ENOMEM, "out of memory");
	if (n)
		memcpy(items, c->config.mounts.items, n * sizeof(*items));
	items[n] = (struct config_mount){ .destination = IN_CONTAINER,
					  .type = "bind",
					  .source = source,
					  .options = { v, ARRAY_LEN(options) } };
	c->config.mounts.items = items;
	c->config.mounts.n = n + 1;
	return 0;
}

int notify_prepare(struct container *c, bool *out, struct err *err)
{
	const char *source = NULL;
	int rc;

	*out = false;
	if (!host_socket())
		return 0;
	/* The container's users reach it through their mount; the state folder stays closed. */
	if (mkdirat(c->dir_fd, FOLDER, 0755) < 0 || fchmodat(c->dir_fd, FOLDER, 0755, 0) < 0)
		return err_sys(err, "make the folder for NOTIFY_SOCKET");
	rc = state_folder_path(c->dir_fd, &c->state, &source, err);
	if (rc < 0)
		return rc;
	source = arena_printf(&c->config.arena, "%s/" FOLDER, source);
	if (!source)
		return err_set(err, -ENOMEM, "out of memory");
	rc = add_mount(c, source, err);
	*out = rc == 0;
	return rc;
}

int notify_bind(const struct container *c, int *out_fd, struct err *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	auto_close int dir_fd = -1;
	auto_close int fd = -1;
	char folder[PATH_PROC_FD_MAX];

	*out_fd = -1;
	if (!host_socket())
		return 0;
	dir_fd = openat(c->dir_fd, FOLDER, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir_fd < 0)
		return errno == ENOENT ? 0 : err_sys(err, "open the folder for NOTIFY_SOCKET");
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_sys(err, "make a socket");
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/" SOCKET,
		       path_proc_fd(folder, dir_fd));
	/* A start that was killed may have left one. */
	(void)unlinkat(dir_fd, SOCKET, 0);
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return err_sys(err, "bind the container's NOTIFY_SOCKET");
	if (fchmodat(dir_fd, SOCKET, 0666, 0) < 0)
		return err_sys(err, "open the container's NOTIFY_SOCKET to its users");
	*out_fd = take_fd(&fd);
	return 0;
}

/* Sends @text to the service manager. Best effort, as all of sd_notify. */
static void tell_host(const char *text)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const char *path = host_socket();
	auto_close int fd = -1;
	size_t len;

	if (!path || strlen(path) >= sizeof(address.sun_path))
		return;
	len = strlen(path);
	memcpy(address.sun_path, path, len);
	if (path[0] == '@')
		address.sun_path[0] = '\0'; /* the abstract namespace; unix(7) */
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 ||
	    sendto(fd, text, strlen(text), MSG_NOSIGNAL, (const struct sockaddr *)&address,
		   (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) < 0)
		log_debug("pass READY on to '%s': %m, ignoring", path);
}

bool notify_forward(int fd, pid_t main_pid)
{
	char message[MESSAGE_MAX + 1];
	char text[64];
	ssize_t n = recv(fd, message, MESSAGE_MAX, 0);
	char *save = NULL;

	if (n <= 0)
		return false;
	message[n] = '\0';
	for (char *line = strtok_r(message, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		if (!str_eq(line, "READY=1"))
			continue;
		(void)snprintf(text, sizeof(text), "MAINPID=%d\nREADY=1\n", main_pid);
		tell_host(text);
		return true;
	}
	return false;
}

void notify_wait(int fd, int pid_fd, pid_t main_pid)
{
	struct pollfd polls[] = { { pid_fd, POLLIN, 0 }, { fd, POLLIN, 0 } };

	while (poll(polls, ARRAY_LEN(polls), -1) >= 0 || errno == EINTR) {
		if (polls[1].revents && notify_forward(fd, main_pid))
			return;
		if (polls[0].revents && !polls[1].revents)
			return;
	}
}
