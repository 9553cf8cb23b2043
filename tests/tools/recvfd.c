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

#include "tests/tools/receive.h"

static int fail(const char *what)
{
	fprintf(stderr, "recvfd: %s: %s\n", what, strerror(errno));
	return 1;
}

static int receive(int sock)
{
	char text[256];
	size_t len;
	int fd = receive_fd(sock, text, sizeof(text), &len);

	if (fd >= 0)
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
