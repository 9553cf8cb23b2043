// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A port's host side: its descriptors, what they are watched for, who comes and goes. No read or
 * write here ever waits, whatever the descriptor is, and none changes one that others share.
 *
 * A source is listed only while its event leads to something: a hang-up cannot be masked, and would
 * wake the loop for ever.
 */
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "spec/base/log.h"
#include "vmmode/virtio/console_internal.h"

/* ---- one direction ------------------------------------------------------------------------------
 */

static void end_init(struct console_end *e, void (*ready)(struct loop_source *, uint32_t))
{
	*e = (struct console_end){ .src = { .fd = -1, .ready = ready } };
}

static bool is_master(int fd)
{
	unsigned int number;

	return ioctl(fd, TIOCGPTN, &number) == 0;
}

/*
 * A description of our own for what @fd is, non-blocking where that matters. O_NONBLOCK belongs to
 * the description, and that of a terminal or a pipe is shared with the shell that started us; so
 * these are opened again. Opening a pseudo-terminal's master would make another one: it is the
 * machine's alone.
 */
static int own_fd(int fd, mode_t type, bool for_output)
{
	const bool is_tty = isatty(fd);
	char path[32];
	int own = -1;

	if (is_tty && is_master(fd)) {
		if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
			return -errno;
	} else if (is_tty || S_ISFIFO(type)) {
		(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		own = open(path,
			   (for_output ? O_WRONLY : O_RDONLY) | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	}
	if (own < 0) /* also a pipe without a reader, a terminal of somebody else */
		own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	return own < 0 ? -errno : own;
}

/* Makes @e from @fd, which is borrowed. */
static int end_open(struct loop *loop, struct console_end *e, int fd, bool for_output)
{
	struct stat st;
	int rc;

	if (fd < 0)
		return 0;
	if (fstat(fd, &st) < 0)
		return -errno;
	e->src.fd = own_fd(fd, st.st_mode, for_output);
	if (e->src.fd < 0)
		return e->src.fd;
	e->ended = false;
	e->is_socket = S_ISSOCK(st.st_mode);
	e->is_tty = isatty(e->src.fd);
	e->may_wait =
	    !e->is_socket && !S_ISREG(st.st_mode) && !(fcntl(e->src.fd, F_GETFL) & O_NONBLOCK);
	rc = loop_add(loop, &e->src, 0); /* only to see whether it can be */
	e->can_poll = rc == 0;
	loop_remove(loop, &e->src);
	return rc == -EPERM ? 0 : rc;
}

static void end_close(struct loop *loop, struct console_end *e)
{
	loop_remove(loop, &e->src);
	cleanup_close(&e->src.fd);
	e->src.fd = -1;
}

/* Watches for @events, or not at all. */
static void end_watch(struct console_port *p, struct console_end *e, bool list, uint32_t events)
{
	int rc = 0;

	if (!list || !e->can_poll) {
		loop_remove(p->con->loop, &e->src);
		return;
	}
	if (!e->src.listed)
		rc = loop_add(p->con->loop, &e->src, events);
	else if (e->events != events)
		rc = loop_change(p->con->loop, &e->src, events);
	e->events = events;
	if (rc < 0)
		virtio_device_broken(&p->con->dev, rc, "watch a port's descriptor");
}

static bool is_ready(const struct console_end *e, short events)
{
	struct pollfd fd = { .fd = e->src.fd, .events = events };

	return !e->may_wait || poll(&fd, 1, 0) != 0;
}

ssize_t console_end_read(const struct console_end *e, struct iovec *iov, size_t n)
{
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = n };
	ssize_t rc;

	if (!is_ready(e, POLLIN))
		return -EAGAIN;
	do {
		if (e->is_socket)
			rc = recvmsg(e->src.fd, &m, MSG_DONTWAIT);
		else
			rc = readv(e->src.fd, iov, (int)n);
	} while (rc < 0 && errno == EINTR);
	return rc < 0 ? -errno : rc;
}

/* Cuts the @n buffers at @iov off at @max bytes. Returns how many are left. */
static size_t cut(struct iovec *iov, size_t n, size_t max)
{
	for (size_t i = 0; i < n; i++) {
		if (iov[i].iov_len >= max) {
			iov[i].iov_len = max;
			return i + 1;
		}
		max -= iov[i].iov_len;
	}
	return n;
}

ssize_t console_end_write(const struct console_end *e, struct iovec *iov, size_t n)
{
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = n };
	ssize_t rc;

	if (!is_ready(e, POLLOUT))
		return -EAGAIN;
	if (e->may_wait) /* a pipe that is ready has room for this much */
		n = cut(iov, n, PIPE_BUF);
	do {
		if (e->is_socket)
			rc = sendmsg(e->src.fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
		else
			rc = writev(e->src.fd, iov, (int)n);
	} while (rc < 0 && errno == EINTR);
	return rc < 0 ? -errno : rc;
}

/* ---- what there is ------------------------------------------------------------------------------
 */

static bool input_lives(const struct console_host *h)
{
	return h->in.src.fd >= 0 && !h->in.ended;
}

static bool output_lives(const struct console_host *h)
{
	return h->out.src.fd >= 0 && !h->out.ended;
}

bool console_host_is_open(const struct console_port *p)
{
	const struct console_host *h = &p->host;

	if (!h->connected || h->closing)
		return false;
	/* Of a socket whose other end is closed there may be input left: it is open until then. */
	return h->joined ? input_lives(h) : input_lives(h) || output_lives(h);
}

bool console_host_is_gone(const struct console_port *p)
{
	return p->host.kind == CONSOLE_STREAM && !console_host_is_open(p);
}

bool console_host_takes(const struct console_port *p)
{
	return p->host.connected && output_lives(&p->host);
}

bool console_host_is_tty(const struct console_port *p)
{
	return p->host.kind == CONSOLE_PTY || p->host.out.is_tty || p->host.in.is_tty;
}

bool console_host_size(const struct console_port *p, uint16_t *out_cols, uint16_t *out_rows)
{
	const struct console_host *h = &p->host;
	struct winsize size;
	int fd = h->out.is_tty ? h->out.src.fd : h->in.src.fd;

	if (!console_host_is_tty(p) || ioctl(fd, TIOCGWINSZ, &size) < 0 || size.ws_col == 0 ||
	    size.ws_row == 0)
		return false;
	*out_cols = size.ws_col;
	*out_rows = size.ws_row;
	return true;
}

void console_host_watch(struct console_port *p)
{
	struct console_host *h = &p->host;

	end_watch(p, &h->in, console_wants_input(p), EPOLLIN);
	/* Without an event: for the hang-up. */
	end_watch(p, &h->out, console_go(p->con) && console_host_takes(p),
		  p->tx_full ? EPOLLOUT : 0);
}

/* ---- comings and goings -------------------------------------------------------------------------
 */

/* Nobody takes the output any more: the driver's buffers do not wait for it. */
static void release_output(struct console_port *p)
{
	if (p->tx_full)
		console_again(p->tx);
	p->tx_full = false;
	/* The rest of what was half written is not for whoever comes next. */
	if (p->tx_off)
		p->tx_off = UINT32_MAX;
}

void console_host_disconnect(struct console_port *p)
{
	struct console_host *h = &p->host;

	release_output(p);
	h->connected = false;
	h->closing = false;
	if (h->kind == CONSOLE_LISTENER) {
		end_close(p->con->loop, &h->in);
		end_close(p->con->loop, &h->out);
	} else if (p->id == 0) {
		console_timer_set(p->con, false);
	}
	log_debug("virtio-console: port %u: disconnected", p->id);
}

void console_host_input_ended(struct console_port *p, int rc)
{
	struct console_host *h = &p->host;

	/* EIO: how a terminal says that its other side is closed. */
	if (rc < 0 && rc != -EIO && rc != -ECONNRESET)
		log_warn("virtio-console: port %u: read: %s, ending its input", p->id,
			 strerror(-rc));
	if (h->kind == CONSOLE_PTY) {
		console_host_disconnect(p);
		return;
	}
	h->in.ended = true;
	h->closing = h->kind == CONSOLE_LISTENER;
}

void console_host_output_ended(struct console_port *p, int rc)
{
	struct console_host *h = &p->host;

	if (rc < 0 && rc != -EPIPE && rc != -EIO && rc != -ECONNRESET)
		log_warn("virtio-console: port %u: write: %s, dropping its output", p->id,
			 strerror(-rc));
	release_output(p);
	if (h->kind == CONSOLE_PTY)
		console_host_disconnect(p);
	else
		h->out.ended = true;
}

static void on_input(struct loop_source *src, uint32_t events)
{
	struct console_port *p = CONTAINER_OF(src, struct console_port, host.in.src);

	(void)events; /* a hang-up is read as well: as what is left, and the end */
	console_rx_run(p);
}

static void on_output(struct loop_source *src, uint32_t events)
{
	struct console_port *p = CONTAINER_OF(src, struct console_port, host.out.src);

	if (!(events & (EPOLLERR | EPOLLHUP))) {
		p->tx_full = false;
	} else if (p->host.kind != CONSOLE_PTY) {
		console_host_output_ended(p, 0);
	} else if (console_wants_input(p)) {
		return; /* its source is told as well: what is left comes first */
	} else {
		console_host_disconnect(p);
	}
	(void)console_tx_run(p);
}

/* Somebody opened or closed the slave, or may have set its size. */
static void on_slave(struct loop_source *src, uint32_t events)
{
	struct console_port *p = CONTAINER_OF(src, struct console_port, host.wake);
	struct pollfd master = { .fd = p->host.master_fd };
	char buf[1024]; /* of inotify(7) events; that there are any is all they say */

	(void)events;
	while (read(src->fd, buf, sizeof(buf)) > 0)
		;
	if (p->id == 0)
		console_check_size(p->con);
	if (p->host.connected || poll(&master, 1, 0) < 0 || (master.revents & POLLHUP))
		return;
	log_debug("virtio-console: port %u: connected", p->id);
	p->host.connected = true;
	if (p->id == 0)
		console_timer_set(p->con, true);
	console_settle(p);
	console_rx_run(p);
}

/* The client that is there has gone, and left nothing that the guest could still read. */
static bool is_client_dead(const struct console_host *h)
{
	char c;
	ssize_t n = recv(h->in.src.fd, &c, 1, MSG_PEEK | MSG_DONTWAIT);

	return n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
}

static void on_client(struct loop_source *src, uint32_t events)
{
	struct console_port *p = CONTAINER_OF(src, struct console_port, host.wake);
	struct console_host *h = &p->host;
	auto_close int fd = accept4(src->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	int rc;

	(void)events;
	if (fd < 0) {
		if (errno == EMFILE || errno == ENFILE) {
			/* It would stay readable for ever. */
			log_warn("virtio-console: port %u: accept: %m, accepting no more", p->id);
			loop_remove(p->con->loop, src);
		}
		return;
	}
	if (h->connected && is_client_dead(h)) {
		console_host_disconnect(p);
		console_settle(p); /* the guest hears of it before it hears of the next */
	}
	if (h->connected) {
		log_debug("virtio-console: port %u: busy, refusing a client", p->id);
		return;
	}
	rc = end_open(p->con->loop, &h->in, fd, false);
	if (rc == 0)
		rc = end_open(p->con->loop, &h->out, fd, true);
	if (rc < 0) {
		log_warn("virtio-console: port %u: take a client: %s, refusing it", p->id,
			 strerror(-rc));
		console_host_disconnect(p);
		return;
	}
	log_debug("virtio-console: port %u: connected", p->id);
	h->connected = true;
	console_settle(p);
}

/* ---- life ---------------------------------------------------------------------------------------
 */

static int open_ends(struct console_port *p, int in_fd, int out_fd)
{
	int rc = end_open(p->con->loop, &p->host.in, in_fd, false);

	p->host.joined = in_fd >= 0 && in_fd == out_fd;
	return rc < 0 ? rc : end_open(p->con->loop, &p->host.out, out_fd, true);
}

int console_host_open(struct console_port *p, const struct console_port_options *o, struct err *err)
{
	struct console_host *h = &p->host;
	int rc = 0;

	*h = (struct console_host){ .kind = o->kind, .master_fd = -1, .wake = { .fd = -1 } };
	end_init(&h->in, on_input);
	end_init(&h->out, on_output);
	switch (o->kind) {
	case CONSOLE_NONE:
		break;
	case CONSOLE_STREAM:
		h->connected = true;
		rc = open_ends(p, o->in_fd, o->out_fd);
		break;
	case CONSOLE_PTY:
		h->master_fd = o->in_fd;
		h->wake = (struct loop_source){ .fd = o->watch_fd, .ready = on_slave };
		rc = open_ends(p, o->in_fd, o->in_fd);
		break;
	case CONSOLE_LISTENER:
		h->joined = true;
		h->wake = (struct loop_source){ .fd = o->in_fd, .ready = on_client };
		break;
	}
	if (rc == 0 && h->wake.fd >= 0)
		rc = loop_add(p->con->loop, &h->wake, EPOLLIN);
	return rc < 0 ? err_code(err, rc, "console: port %u", p->id) : 0;
}

void console_host_close(struct console_port *p)
{
	struct console_host *h = &p->host;

	if (!h->in.src.ready)
		return;
	end_close(p->con->loop, &h->in);
	end_close(p->con->loop, &h->out);
	loop_remove(p->con->loop, &h->wake);
}
