// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One connection. Its socket is watched for edges, and for being writable only while the buffer
 * holds something, or every read of the host's program would wake the loop.
 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "spec/base/log.h"
#include "vmmode/virtio/vsock_internal.h"

enum { WATCHED = EPOLLIN | EPOLLRDHUP, GENTLE_READS = 64 };

/* ---- the buffer --------------------------------------------------------------------------------
 */

static int buf_need(struct vsock_conn *c)
{
	if (c->buf)
		return 0;
	if (c->is_large && c->v->spare_buf)
		c->buf = TAKE_PTR(c->v->spare_buf);
	else
		c->buf = malloc(c->buf_size);
	return c->buf ? 0 : -ENOMEM;
}

static void buf_drop(struct vsock_conn *c)
{
	if (c->is_large && c->buf && !c->v->spare_buf)
		c->v->spare_buf = TAKE_PTR(c->buf);
	free(c->buf);
	c->buf = NULL;
	c->buf_first = c->buf_len = 0;
}

/* Appends what is behind the first @skip bytes of the @n buffers. There is room. */
static void buf_add(struct vsock_conn *c, const struct iovec *iov, size_t n, size_t skip)
{
	for (size_t i = 0; i < n; i++) {
		const uint8_t *p = iov[i].iov_base;
		size_t left = iov[i].iov_len;
		size_t cut = skip < left ? skip : left;

		skip -= cut;
		p += cut;
		left -= cut;
		while (left > 0) {
			const uint32_t at = (c->buf_first + c->buf_len) % c->buf_size;
			const size_t part = left < c->buf_size - at ? left : c->buf_size - at;

			memcpy(c->buf + at, p, part);
			c->buf_len += (uint32_t)part;
			p += part;
			left -= part;
		}
	}
}

/* ---- life --------------------------------------------------------------------------------------
 */

static void set_state(struct vsock_conn *c, enum vsock_state state)
{
	struct vsock *v = c->v;

	v->n_handshakes += (state == VSOCK_HANDSHAKE) - (unsigned int)(c->state == VSOCK_HANDSHAKE);
	v->n_connecting +=
	    (state == VSOCK_CONNECTING) - (unsigned int)(c->state == VSOCK_CONNECTING);
	c->state = state;
}

void vsock_conn_deadline(struct vsock_conn *c, uint64_t at_ns)
{
	c->v->n_timed += (at_ns != 0) - (unsigned int)(c->deadline_ns != 0);
	c->deadline_ns = at_ns;
	if (at_ns != 0)
		vsock_set_timer(c->v, at_ns);
}

static void watch_writable(struct vsock_conn *c, bool on)
{
	const uint32_t out = on ? EPOLLOUT : 0;
	int rc = loop_change(c->v->loop, &c->source, WATCHED | EPOLLET | out);

	if (rc < 0) /* cannot happen for a descriptor that is listed */
		log_debug("vsock: watch a socket: %s, ignoring", strerror(-rc));
}

/*
 * Closes the socket. The host's program finds the end of the stream: closing a Unix socket in which
 * something is unread would tell it ECONNRESET instead.
 */
static void close_socket(struct vsock_conn *c)
{
	if (c->source.fd < 0)
		return;
	loop_remove(c->v->loop, &c->source);
	(void)shutdown(c->source.fd, SHUT_RDWR);
	for (int i = 0; i < GENTLE_READS; i++) {
		if (recv(c->source.fd, c->v->trash, sizeof(c->v->trash), MSG_DONTWAIT) <= 0)
			break;
	}
	cleanup_close(&c->source.fd);
	c->source.fd = -1;
	c->readable = false;
}

void vsock_conn_free(struct vsock_conn *c)
{
	struct vsock *v = c->v;

	close_socket(c);
	vsock_table_remove(v, c);
	vsock_unready(v, c);
	vsock_conn_deadline(c, 0);
	buf_drop(c);
	v->n_handshakes -= c->state == VSOCK_HANDSHAKE;
	v->n_connecting -= c->state == VSOCK_CONNECTING;
	v->n_large -= c->is_large;
	v->n_from_guest -= c->is_from_guest;
	v->n_conns--;
	TAILQ_REMOVE(&v->all, c, all_entry);
	free(c);
}

void vsock_conn_abort(struct vsock_conn *c)
{
	const struct vsock_reset r = {
		.src_cid = VSOCK_CID_HOST,
		.src_port = c->host_port,
		.dst_port = c->guest_port,
		.type = VIRTIO_VSOCK_TYPE_STREAM,
	};

	if (c->is_listed && !(c->owed & VSOCK_OWE_REQUEST))
		vsock_owe_reset(c->v, &r);
	vsock_conn_free(c);
}

void vsock_conn_detach(struct vsock_conn *c)
{
	if (c->state != VSOCK_OPEN || c->buf_len == 0) {
		vsock_conn_free(c);
		return;
	}
	set_state(c, VSOCK_LINGER);
	vsock_table_remove(c->v, c);
	vsock_unready(c->v, c);
	vsock_conn_deadline(c, 0);
	c->owed = 0;
	(void)shutdown(c->source.fd, SHUT_RD);
}

/* ---- from the guest to the host ----------------------------------------------------------------
 */

/* Returns the bytes that the socket took, 0 it is full, or -errno: nobody reads it any more. */
static ssize_t send_some(int fd, struct iovec *iov, size_t n)
{
	const struct msghdr m = { .msg_iov = iov, .msg_iovlen = n };
	ssize_t rc;

	do {
		rc = sendmsg(fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
	} while (rc < 0 && errno == EINTR);
	if (rc < 0)
		return errno == EAGAIN ? 0 : -errno;
	return rc;
}

/* The host's program reads no more: what waits for it is gone, the guest is told. */
static void stop_taking(struct vsock_conn *c)
{
	c->taken += c->buf_len;
	buf_drop(c);
	if (c->host_shut & VIRTIO_VSOCK_SHUTDOWN_RCV)
		return;
	c->host_shut |= VIRTIO_VSOCK_SHUTDOWN_RCV;
	c->owed |= VSOCK_OWE_SHUTDOWN;
}

/* The guest is told of its credit when half of it is back: a window is two updates. */
static void note_credit(struct vsock_conn *c)
{
	if (c->taken - c->told_taken >= c->buf_size / 2)
		c->owed |= VSOCK_OWE_CREDIT;
}

int vsock_conn_take(struct vsock_conn *c, const struct iovec *iov, size_t n, uint32_t len)
{
	ssize_t sent = 0;
	int rc;

	if (len > c->buf_size - c->buf_len)
		return -EDQUOT;
	if (c->buf_len == 0 && c->state == VSOCK_OPEN &&
	    !(c->host_shut & VIRTIO_VSOCK_SHUTDOWN_RCV)) {
		/* sendmsg(2) only reads the buffers. */
		sent = send_some(c->source.fd, drop_const(iov), n);
		if (sent < 0)
			stop_taking(c);
	}
	if (c->state != VSOCK_OPEN || (c->host_shut & VIRTIO_VSOCK_SHUTDOWN_RCV)) {
		c->taken += len; /* nobody wants it */
		note_credit(c);
		return 0;
	}
	c->taken += (uint32_t)sent;
	note_credit(c);
	if ((uint32_t)sent == len)
		return 0;
	rc = buf_need(c);
	if (rc < 0)
		return rc;
	if (c->buf_len == 0)
		watch_writable(c, true);
	buf_add(c, iov, n, (size_t)sent);
	return 0;
}

void vsock_conn_flush(struct vsock_conn *c)
{
	while (c->buf_len > 0) {
		const uint32_t to_end = c->buf_size - c->buf_first;
		const uint32_t part = c->buf_len < to_end ? c->buf_len : to_end;
		struct iovec iov[] = {
			{ .iov_base = c->buf + c->buf_first, .iov_len = part },
			{ .iov_base = c->buf, .iov_len = c->buf_len - part },
		};
		ssize_t n = send_some(c->source.fd, iov, ARRAY_LEN(iov));

		if (n < 0)
			stop_taking(c);
		if (n <= 0)
			break;
		c->buf_first = (c->buf_first + (uint32_t)n) % c->buf_size;
		c->buf_len -= (uint32_t)n;
		c->taken += (uint32_t)n;
	}
	note_credit(c);
	if (c->buf_len == 0 && c->buf) {
		buf_drop(c);
		watch_writable(c, false);
	}
}

void vsock_conn_shut_by_guest(struct vsock_conn *c, uint32_t flags)
{
	const uint32_t added = flags & VSOCK_BOTH & ~c->guest_shut;

	c->guest_shut |= added;
	if ((added & VIRTIO_VSOCK_SHUTDOWN_RCV) && c->source.fd >= 0)
		(void)shutdown(c->source.fd, SHUT_RD);
}

/* ---- from the host to the guest ----------------------------------------------------------------
 */

int vsock_conn_credit(struct vsock_conn *c, uint32_t peer_buf, uint32_t peer_taken)
{
	/* The counters wrap; what is in flight is far below half their range. */
	if ((int32_t)(peer_taken - c->sent) > 0)
		return -EPROTO;
	/* An older count is no fault: threads of a driver overtake each other. */
	if ((int32_t)(peer_taken - c->peer_taken) > 0)
		c->peer_taken = peer_taken;
	c->peer_buf = peer_buf < VSOCK_IN_FLIGHT_MAX ? peer_buf : VSOCK_IN_FLIGHT_MAX;
	return 0;
}

uint32_t vsock_conn_room(const struct vsock_conn *c)
{
	const uint32_t in_flight = c->sent - c->peer_taken;

	return c->peer_buf > in_flight ? c->peer_buf - in_flight : 0;
}

/* There may be something to read that the guest wants. */
static bool wants_read(const struct vsock_conn *c)
{
	return c->state == VSOCK_OPEN && c->readable &&
	       !(c->host_shut & VIRTIO_VSOCK_SHUTDOWN_SEND) &&
	       !(c->guest_shut & VIRTIO_VSOCK_SHUTDOWN_RCV);
}

bool vsock_conn_can_read(const struct vsock_conn *c)
{
	return wants_read(c) && vsock_conn_room(c) > 0;
}

void vsock_conn_found_end(struct vsock_conn *c, bool error)
{
	c->readable = false;
	if (!(c->host_shut & VIRTIO_VSOCK_SHUTDOWN_SEND)) {
		c->host_shut |= VIRTIO_VSOCK_SHUTDOWN_SEND;
		c->owed |= VSOCK_OWE_SHUTDOWN;
	}
	if (error || c->hung_up)
		stop_taking(c);
}

/* Without credit a guest that forgot to give it is asked, once, after a while. */
static void watch_stall(struct vsock_conn *c)
{
	if (wants_read(c) && vsock_conn_room(c) == 0) {
		if (!c->asked && c->deadline_ns == 0)
			vsock_conn_deadline(c, vsock_in(VSOCK_STALL_MS));
		return;
	}
	c->asked = false;
	if (c->deadline_ns != 0)
		vsock_conn_deadline(c, 0);
}

bool vsock_conn_settle(struct vsock_conn *c)
{
	const bool is_known = c->state == VSOCK_OPEN || c->state == VSOCK_CLOSING;

	if (c->state == VSOCK_LINGER) {
		if (c->buf_len == 0)
			vsock_conn_free(c);
		else
			return true;
		return false;
	}
	/* 5.10.6.5: the reset says that all that the guest sent was taken. */
	if (is_known && c->guest_shut == VSOCK_BOTH && c->buf_len == 0) {
		vsock_conn_abort(c);
		return false;
	}
	if (c->state == VSOCK_OPEN && c->host_shut == VSOCK_BOTH) {
		close_socket(c);
		set_state(c, VSOCK_CLOSING);
		vsock_conn_deadline(c, vsock_in(VSOCK_CLOSE_MS));
	}
	if (c->state == VSOCK_OPEN) {
		if ((c->guest_shut & VIRTIO_VSOCK_SHUTDOWN_SEND) && c->buf_len == 0 &&
		    !c->wrote_end) {
			c->wrote_end = true;
			(void)shutdown(c->source.fd, SHUT_WR);
		}
		watch_stall(c);
	}
	if (c->owed || vsock_conn_can_read(c))
		vsock_ready(c->v, c);
	else
		vsock_unready(c->v, c);
	return true;
}

/* ---- what happens to it ------------------------------------------------------------------------
 */

static void on_socket(struct loop_source *src, uint32_t events)
{
	struct vsock_conn *c = CONTAINER_OF(src, struct vsock_conn, source);
	struct vsock *v = c->v;
	bool is_there = true;

	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		c->readable = true;
	if (events & (EPOLLRDHUP | EPOLLHUP))
		c->at_end = true;
	if (events & EPOLLHUP)
		c->hung_up = true;
	if (c->state == VSOCK_HANDSHAKE)
		is_there = vsock_host_read_line(c);
	if (is_there && (c->state == VSOCK_OPEN || c->state == VSOCK_LINGER))
		vsock_conn_flush(c);
	/* What is behind an end that was found, or what the guest does not want, hides no data. */
	if (is_there && c->state == VSOCK_OPEN && c->hung_up &&
	    ((c->host_shut & VIRTIO_VSOCK_SHUTDOWN_SEND) ||
	     (c->guest_shut & VIRTIO_VSOCK_SHUTDOWN_RCV)))
		vsock_conn_found_end(c, true);
	if (is_there)
		(void)vsock_conn_settle(c);
	vsock_finish(v);
}

struct vsock_conn *vsock_conn_new(struct vsock *v, enum vsock_state state, int fd)
{
	struct vsock_conn *c = NULL;

	if (v->n_conns < VSOCK_CONNS_MAX)
		c = calloc(1, sizeof(*c));
	if (!c) {
		cleanup_close(&fd);
		return NULL;
	}
	c->v = v;
	c->source = (struct loop_source){ .fd = -1, .ready = on_socket };
	c->is_large = v->n_large < VSOCK_LARGE_MAX;
	c->buf_size = c->is_large ? VSOCK_BUF_LARGE : VSOCK_BUF_SMALL;
	c->state = VSOCK_OPEN; /* counted nowhere */
	set_state(c, state);
	c->is_from_guest = state == VSOCK_CONNECTING;
	v->n_large += c->is_large;
	v->n_from_guest += c->is_from_guest;
	v->n_conns++;
	TAILQ_INSERT_TAIL(&v->all, c, all_entry);
	if (fd >= 0 && vsock_conn_attach(c, fd) < 0) {
		vsock_conn_free(c);
		return NULL;
	}
	return c;
}

int vsock_conn_attach(struct vsock_conn *c, int fd)
{
	c->source.fd = fd;
	return loop_add(c->v->loop, &c->source, WATCHED | EPOLLET);
}

void vsock_conn_request(struct vsock_conn *c)
{
	set_state(c, VSOCK_REQUESTED);
	c->owed |= VSOCK_OWE_REQUEST;
	vsock_conn_deadline(c, vsock_in(VSOCK_ANSWER_MS));
}

void vsock_conn_open(struct vsock_conn *c, const char *text)
{
	set_state(c, VSOCK_OPEN);
	vsock_conn_deadline(c, 0);
	c->readable = true; /* a client may have gone on behind its CONNECT */
	/* Nothing was written before: the few bytes fit. */
	if (*text && send(c->source.fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		stop_taking(c);
}

int vsock_conn_connect(struct vsock_conn *c)
{
	char name[VSOCK_NAME_MAX + 16];
	int fd;
	int rc;

	(void)snprintf(name, sizeof(name), "%s_%u", c->v->name, c->host_port);
	fd = unix_socket_connect(c->v->dir_fd, name);
	if (fd == -EAGAIN) {
		if (c->deadline_ns == 0)
			vsock_conn_deadline(c, vsock_in(VSOCK_CONNECT_MS));
		vsock_set_timer(c->v, vsock_in(VSOCK_RETRY_MS));
		return 0;
	}
	if (fd < 0)
		return fd;
	rc = vsock_conn_attach(c, fd);
	if (rc < 0)
		return rc;
	c->owed |= VSOCK_OWE_RESPONSE;
	vsock_conn_open(c, "");
	return 0;
}

void vsock_conn_retry(struct vsock_conn *c)
{
	if (vsock_conn_connect(c) < 0) {
		vsock_conn_abort(c);
		return;
	}
	/* To the end: those of other servers have their turn. */
	TAILQ_REMOVE(&c->v->all, c, all_entry);
	TAILQ_INSERT_TAIL(&c->v->all, c, all_entry);
	(void)vsock_conn_settle(c);
}

void vsock_conn_timeout(struct vsock_conn *c)
{
	vsock_conn_deadline(c, 0);
	switch (c->state) {
	case VSOCK_HANDSHAKE:
	case VSOCK_REQUESTED:
	case VSOCK_CONNECTING:
	case VSOCK_CLOSING:
		vsock_conn_abort(c);
		break;
	case VSOCK_OPEN:
		c->asked = true;
		c->owed |= VSOCK_OWE_ASK;
		(void)vsock_conn_settle(c);
		break;
	case VSOCK_LINGER:
		break;
	}
}
