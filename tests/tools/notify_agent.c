// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A seccomp agent: takes one listener over a Unix socket and answers its system calls.
 * Usage: notify_agent SOCKET ERRNO-NAME|continue
 * Prints the message that came with the listener on one line, then "call NR" for each call, until
 * the last process with the filter has ended.
 */
#include <errno.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "tests/tools/receive.h"

static int fail(const char *what)
{
	fprintf(stderr, "notify_agent: %s: %s\n", what, strerror(errno));
	return 1;
}

/* The text comes in one or more parts, the descriptor with the first; then the sender closes. */
static int receive(int sock)
{
	static char text[65536];
	size_t len;
	int fd = receive_fd(sock, text, sizeof(text), &len);
	ssize_t n;

	if (fd < 0)
		return -1;
	while ((n = read(sock, text + len, sizeof(text) - 1 - len)) > 0)
		len += (size_t)n;
	text[len] = '\0';
	printf("%s\n", text);
	return n < 0 ? -1 : fd;
}

static int error_number(const char *name)
{
	for (int i = 1; i < 200; i++) {
		const char *known = strerrorname_np(i);

		if (known && strcmp(known, name) == 0)
			return i;
	}
	return 0;
}

static int answer(int fd, int error)
{
	struct seccomp_notif call = { 0 };
	struct seccomp_notif_resp resp = { 0 };

	if (ioctl(fd, SECCOMP_IOCTL_NOTIF_RECV, &call) < 0)
		return errno == ENOENT || errno == EINTR ? 0 : -1;
	printf("call %d\n", call.data.nr);
	(void)fflush(stdout);
	resp.id = call.id;
	resp.error = -error;
	resp.flags = error ? 0 : (__u32)SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	/* ENOENT: the caller was ended meanwhile. */
	return ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, &resp) < 0 && errno != ENOENT ? -1 : 0;
}

int main(int argc, char **argv)
{
	struct pollfd p = { .events = POLLIN };
	int sock;

	if (argc != 3) {
		fprintf(stderr, "usage: notify_agent SOCKET ERRNO-NAME|continue\n");
		return 2;
	}
	sock = accept_one(argv[1]);
	p.fd = sock < 0 ? -1 : receive(sock);
	if (p.fd < 0)
		return fail("receive a listener");
	(void)fflush(stdout);
	while (poll(&p, 1, -1) > 0 && (p.revents & POLLIN)) {
		if (answer(p.fd, error_number(argv[2])) < 0)
			return fail("answer a call");
	}
	return 0;
}
