// SPDX-License-Identifier: GPL-2.0-or-later
/* Messages between the runtime and the process that it starts: sending and bounded receiving. */
#include "namespaces/sync.h"

#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

#include "spec/base/fd.h"

enum { HEADER_BYTES = offsetof(struct sync_msg, text), LAST_KIND = SYNC_STARTED };

int sync_pair(int out[2], struct err *err)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
		return err_sys(err, "make a socket pair");
	out[0] = fds[0];
	out[1] = fds[1];
	return 0;
}

int sync_send(int fd, enum sync_kind kind, int32_t code, int passed_fd)
{
	const struct {
		uint32_t kind;
		int32_t code;
	} header = { (uint32_t)kind, code };

	_Static_assert(sizeof(header) == HEADER_BYTES, "a message without text is its header");
	return fd_send(fd, &header, sizeof(header), &passed_fd, passed_fd >= 0 ? 1 : 0);
}

void sync_send_err(int fd, enum sync_kind kind, const struct err *e)
{
	struct sync_msg m = { .kind = kind, .code = e->code };
	size_t len = strnlen(e->msg, sizeof(m.text) - 1);

	memcpy(m.text, e->msg, len);
	if (fd_send(fd, &m, HEADER_BYTES + len, NULL, 0) < 0)
		return; /* nobody is there to be told */
}

int sync_recv(int fd, struct sync_msg *out, int *out_fd)
{
	int passed_fd = -1;
	size_t n_fds = 0;
	const size_t max = HEADER_BYTES + sizeof(out->text) - 1;
	ssize_t n = fd_recv(fd, out, max, &passed_fd, out_fd ? 1 : 0, &n_fds);

	/* A peer that ended with something unread leaves this error, which the kernel reports once,
	 * before the messages that were sent earlier. */
	if (n == -ECONNRESET)
		n = fd_recv(fd, out, max, &passed_fd, out_fd ? 1 : 0, &n_fds);
	if (n <= 0)
		return (int)n;
	if (n < HEADER_BYTES || out->kind > LAST_KIND) {
		if (n_fds)
			(void)close(passed_fd);
		return -EPROTO;
	}
	out->text[n - HEADER_BYTES] = '\0';
	if (out_fd)
		*out_fd = n_fds ? passed_fd : -1;
	return 1;
}

int sync_wait(struct sync *s, enum sync_kind kind, struct err *err)
{
	struct sync_msg m;

	while (!(s->early_mask & (1U << kind))) {
		int rc = sync_recv(s->fd, &m, NULL);

		if (rc < 0)
			return err_code(err, rc, "wait for the runtime");
		if (rc == 0)
			return err_set(err, -ECONNRESET, "wait for the runtime: it has ended");
		s->early_mask |= 1U << m.kind;
	}
	s->early_mask &= ~(1U << kind);
	return 0;
}
