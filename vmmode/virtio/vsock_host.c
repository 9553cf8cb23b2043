// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Clients of the host. Not a byte behind the newline of CONNECT is taken: it belongs to the stream,
 * and stays in the socket until the guest has accepted.
 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "spec/base/log.h"
#include "spec/base/num.h"
#include "spec/base/str.h"
#include "vmmode/virtio/vsock_internal.h"

enum { ACCEPTS = 32 /* before the loop's other sources */ };

/* ---- accepting ---------------------------------------------------------------------------------
 */

static bool has_room(const struct vsock *v)
{
	return v->n_handshakes < VSOCK_HANDSHAKES_MAX && v->n_conns < VSOCK_CONNS_MAX;
}

static void pause_accept(struct vsock *v)
{
	int rc = loop_change(v->loop, &v->listener, 0);

	if (rc < 0)
		log_debug("vsock: watch the listening socket: %s, ignoring", strerror(-rc));
	v->accept_paused = true;
}

void vsock_host_resume(struct vsock *v)
{
	int rc;

	if (!v->accept_paused || v->accept_failed || !v->listener.listed || !has_room(v))
		return;
	rc = loop_change(v->loop, &v->listener, EPOLLIN);
	if (rc < 0)
		log_debug("vsock: watch the listening socket: %s, ignoring", strerror(-rc));
	v->accept_paused = false;
}

void vsock_host_accept(struct vsock *v)
{
	for (int i = 0; i < ACCEPTS; i++) {
		struct vsock_conn *c;
		int fd;

		if (!has_room(v)) {
			pause_accept(v); /* the others wait in the backlog: vsock_finish() */
			return;
		}
		fd = accept4(v->listener.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd < 0 && (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED))
			return;
		if (fd < 0) { /* no descriptor, no memory: again when the timer comes */
			log_debug("vsock: accept a client: %m, skipping it for now");
			pause_accept(v);
			v->accept_failed = true;
			vsock_set_timer(v, vsock_in(VSOCK_PAUSE_MS));
			return;
		}
		c = vsock_conn_new(v, VSOCK_HANDSHAKE, fd);
		if (c)
			vsock_conn_deadline(c, vsock_in(VSOCK_HANDSHAKE_MS));
	}
}

/* ---- "CONNECT PORT" ----------------------------------------------------------------------------
 */

int vsock_host_parse_line(const char *line, uint32_t *out_port)
{
	static const char verb[] = "CONNECT ";
	uint64_t port;

	/* UINT32_MAX means "any port" to those who listen: nobody has it. */
	if (!str_starts(line, verb) ||
	    num_u64(line + sizeof(verb) - 1, 0, UINT32_MAX - 1, &port) < 0)
		return -EINVAL;
	*out_port = (uint32_t)port;
	return 0;
}

/*
 * Takes what there is of the line, its newline included.
 * Returns 1: it is whole; 0 the rest is still to come; -errno: there is none.
 */
static int take_line(struct vsock_conn *c)
{
	for (;;) {
		char *at = c->line + c->line_len;
		const char *newline;
		ssize_t n = recv(c->source.fd, at, (size_t)VSOCK_LINE_MAX - c->line_len,
				 MSG_PEEK | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return 0;
		if (n <= 0)
			return n < 0 ? -errno : -ECONNRESET;
		newline = memchr(at, '\n', (size_t)n);
		if (newline)
			n = newline - at + 1;
		/* What was seen is there: a read of it cannot be short. */
		if (recv(c->source.fd, at, (size_t)n, MSG_DONTWAIT) != n)
			return -EIO;
		c->line_len = (uint8_t)(c->line_len + n);
		c->line[c->line_len] = '\0';
		if (newline) {
			c->line[c->line_len - 1] = '\0';
			return memchr(c->line, '\0', c->line_len - 1U) ? -EINVAL : 1;
		}
		if (c->line_len == VSOCK_LINE_MAX)
			return -EMSGSIZE;
	}
}

bool vsock_host_read_line(struct vsock_conn *c)
{
	uint32_t port = 0;
	int rc = take_line(c);

	if (rc == 0)
		return true;
	if (rc > 0)
		rc = vsock_host_parse_line(c->line, &port);
	if (rc < 0) {
		log_debug("vsock: a client without \"CONNECT PORT\": %s, closing it",
			  strerror(-rc));
		vsock_conn_free(c);
		return false;
	}
	c->guest_port = port;
	c->host_port = vsock_table_free_port(c->v, port);
	vsock_table_add(c->v, c);
	vsock_conn_request(c);
	return true;
}

void vsock_host_accepted(struct vsock_conn *c)
{
	char ok[32];

	(void)snprintf(ok, sizeof(ok), "OK %u\n", c->host_port);
	vsock_conn_open(c, ok);
}
