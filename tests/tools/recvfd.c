// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The caller's end of --console-socket and --pidfd-socket, for tests.
 * Usage: recvfd SOCKET copy|size|pid
 * Listens, takes one message with one descriptor, prints "payload: TEXT", then
 *   copy  what can be read from the descriptor, till its end
 *   size  the terminal's "ROWS COLUMNS", then as copy
 *   pid   the process id that the pidfd refers to
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int fail(const char *what)
{
	fprintf(stderr, "recvfd: %s: %s\n", what, strerror(errno));
	return 1;
}

static int accept_one(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || strlen(path) >= sizeof(address.sun_path))
		return -1;
	strcpy(address.sun_path, path);
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 1) < 0)
		return -1;
	return accept(fd, NULL, NULL);
}

static int receive(int sock)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int) * 4)];
	} control;
	char text[256];
	struct iovec iov = { text, sizeof(text) - 1 };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control.bytes,
			      .msg_controllen = sizeof(control.bytes) };
	ssize_t n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
	struct cmsghdr *c = n > 0 ? CMSG_FIRSTHDR(&msg) : NULL;
	int fd;

	if (!c || c->cmsg_type != SCM_RIGHTS || c->cmsg_len != CMSG_LEN(sizeof(int)))
		return -1;
	memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	text[n] = '\0';
	printf("payload: %s\n", text);
	return fd;
}

static void copy(int fd)
{
	char bytes[4096];
	ssize_t n;

	(void)fflush(stdout);
	while ((n = read(fd, bytes, sizeof(bytes))) > 0) {
		if (write(STDOUT_FILENO, bytes, (size_t)n) != n)
			return;
	}
}

static void print_pid(int fd)
{
	char path[64];
	char line[256];
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		if (strncmp(line, "Pid:", 4) == 0)
			printf("pid:%s", line + 4);
	}
	if (f)
		(void)fclose(f);
}

int main(int argc, char **argv)
{
	struct winsize size;
	int sock;
	int fd;

	if (argc != 3) {
		fprintf(stderr, "usage: recvfd SOCKET copy|size|pid\n");
		return 2;
	}
	sock = accept_one(argv[1]);
	fd = sock < 0 ? -1 : receive(sock);
	if (fd < 0)
		return fail("receive a descriptor");
	if (strcmp(argv[2], "pid") == 0) {
		print_pid(fd);
		return 0;
	}
	if (strcmp(argv[2], "size") == 0) {
		if (ioctl(fd, TIOCGWINSZ, &size) < 0)
			return fail("get the size");
		printf("size: %u %u\n", size.ws_row, size.ws_col);
	}
	copy(fd);
	return 0;
}
