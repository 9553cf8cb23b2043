/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For tools that play a caller: one connection, one message with one descriptor. */
#ifndef BIVALVE_TESTS_TOOLS_RECEIVE_H
#define BIVALVE_TESTS_TOOLS_RECEIVE_H

#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* accept_one - listens at @path. Returns a descriptor, or -1 with errno. */
static inline int accept_one(const char *path)
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

/*
 * receive_fd - the descriptor of one message, whose text goes to @text of @size bytes, with a NUL
 * behind its *@out_len bytes. -1: none, or not one.
 */
static inline int receive_fd(int sock, char *text, size_t size, size_t *out_len)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int) * 4)];
	} control;
	struct iovec iov = { text, size - 1 };
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
	*out_len = (size_t)n;
	return fd;
}

#endif
