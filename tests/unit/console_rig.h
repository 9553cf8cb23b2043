/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A console device with up to three ports, a loop that runs until nothing is left to do, and the
 * driver's part of the control queues. Guest RAM: what the driver sends lies at SEND, control
 * messages at CTRL, receive buffers from RECV on, those for control messages from CTRL_RECV on.
 */
#ifndef BIVALVE_TESTS_UNIT_CONSOLE_RIG_H
#define BIVALVE_TESTS_UNIT_CONSOLE_RIG_H

#include <fcntl.h>
#include <sys/socket.h>

#include "tests/unit/vq_rig.h"
#include "vmmode/virtio/console_internal.h"

enum {
	SEND = VQD_DATA,
	SEND_BYTES = 0x20000,
	CTRL = SEND + SEND_BYTES,
	RECV = CTRL + 0x1000,
	RECV_BYTES = 1024, /* of one buffer */
	RECV_MAX = 64,
	CTRL_RECV = RECV + RECV_MAX * RECV_BYTES,
	CTRL_RECV_BYTES = 128,
};

#define BIT(n)    (UINT64_C(1) << (n))
#define V1        BIT(32)
#define MULTIPORT BIT(VIRTIO_CONSOLE_F_MULTIPORT)

/* Queues of the ports. */
static inline uint16_t rx_of(uint32_t port)
{
	return (uint16_t)(port == 0 ? 0 : 2 + 2 * port);
}

static inline uint16_t tx_of(uint32_t port)
{
	return (uint16_t)(rx_of(port) + 1);
}

struct console_rig {
	struct rig r;
	struct loop loop;
	struct loop_source stop;
	struct virtio_console_options o;
	uint32_t n_offered[3]; /* receive buffers that were given */
	uint32_t n_ctrl_offered;
};

static struct loop *stop_loop;
static int stop_calls;

static inline void on_stop(struct loop_source *src, uint32_t events)
{
	(void)src;
	(void)events;
	if (++stop_calls == 2)
		loop_stop(stop_loop);
}

/* Runs the loop until nothing is left to do. */
static inline void pump(struct console_rig *n)
{
	for (int i = 0; i < 16; i++) {
		stop_calls = 0;
		CHECK_EQ(loop_run(&n->loop), 0);
		n->loop.stopping = false; /* the machine goes on */
	}
}

/* The options of @n_ports ports with nothing on the host's side. */
static inline void rig_ports(struct console_rig *n, unsigned int n_ports)
{
	static const char *const names[] = { NULL, "one", "two" };

	memset(n, 0, sizeof(*n));
	n->o.n_ports = n_ports;
	n->o.winch_fd = -1;
	for (unsigned int i = 0; i < CONSOLE_PORTS_MAX; i++)
		n->o.ports[i] = (struct console_port_options){
			.name = i < 3 ? names[i] : "more", .in_fd = -1, .out_fd = -1, .watch_fd = -1
		};
}

static inline void rig_stream(struct console_rig *n, unsigned int port, int in_fd, int out_fd)
{
	n->o.ports[port].kind = CONSOLE_STREAM;
	n->o.ports[port].in_fd = in_fd;
	n->o.ports[port].out_fd = out_fd;
}

/* A socket at port @port; returns the other end. */
static inline int rig_socket(struct console_rig *n, unsigned int port)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0 ||
	    fcntl(pair[0], F_SETFL, O_NONBLOCK) < 0)
		abort();
	rig_stream(n, port, pair[1], pair[1]);
	return pair[0];
}

/* The device keeps duplicates. */
static inline void rig_drop(const struct console_rig *n, unsigned int port)
{
	const struct console_port_options *o = &n->o.ports[port];

	if (o->in_fd >= 0)
		(void)close(o->in_fd);
	if (o->out_fd >= 0 && o->out_fd != o->in_fd)
		(void)close(o->out_fd);
}

static inline void rig_make(struct console_rig *n)
{
	struct virtio_device *dev = NULL;
	struct err err = ERR_INIT;

	CHECK_EQ(loop_init(&n->loop), 0);
	stop_loop = &n->loop;
	n->stop = (struct loop_source){ .fd = rig_eventfd(), .ready = on_stop };
	CHECK_EQ(eventfd_write(n->stop.fd, 1), 0);
	CHECK_EQ(loop_add(&n->loop, &n->stop, EPOLLIN), 0);
	if (virtio_console_new(&n->o, &n->loop, &dev, &err) < 0) {
		TEST_FAIL("%s", err.msg);
		abort();
	}
	rig_init(&n->r, dev);
}

static inline void rig_on(struct console_rig *n, uint64_t features)
{
	memset(n->n_offered, 0, sizeof(n->n_offered));
	n->n_ctrl_offered = 0;
	CHECK_EQ(rig_activate(&n->r, V1 | features, n->r.dev->n_queues), 0);
}

static inline void rig_off(struct console_rig *n)
{
	rig_fini(&n->r);
	loop_fini(&n->loop);
	(void)close(n->stop.fd);
}

static inline bool is_broken(const struct console_rig *n)
{
	return atomic_load(&n->r.dev->broken);
}

/* A device with port 1 at a socket. Returns the socket's other end. */
static inline int rig_with_socket(struct console_rig *n)
{
	int host;

	rig_ports(n, 2);
	host = rig_socket(n, 1);
	rig_make(n);
	rig_drop(n, 1);
	return host;
}

/* ---- the driver */

/* Offers @count buffers for bytes to @port. */
static inline void offer(struct console_rig *n, uint32_t port, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		const uint32_t at = n->n_offered[port]++ % RECV_MAX;
		const struct vqd_buf b = { RECV + at * RECV_BYTES, RECV_BYTES, true };

		(void)vqd_add(&n->r.d[rx_of(port)], &b, 1);
	}
	rig_kick(&n->r, rx_of(port));
	pump(n);
}

static inline void offer_ctrl(struct console_rig *n, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		const uint32_t at = n->n_ctrl_offered++ % RIG_SIZE;
		const struct vqd_buf b = { CTRL_RECV + at * CTRL_RECV_BYTES, CTRL_RECV_BYTES,
					   true };

		(void)vqd_add(&n->r.d[CONSOLE_CTRL_RX], &b, 1);
	}
	rig_kick(&n->r, CONSOLE_CTRL_RX);
	pump(n);
}

static inline void tell(struct console_rig *n, uint32_t id, uint16_t event, uint16_t value)
{
	const struct virtio_console_control m = { id, event, value };
	const uint32_t at = CTRL + (n->r.d[CONSOLE_CTRL_TX].avail_idx % 64U) * 8;
	const struct vqd_buf b = { at, sizeof(m), false };
	uint32_t head;
	uint32_t len;

	memcpy(n->r.ram + at, &m, sizeof(m));
	(void)vqd_add(&n->r.d[CONSOLE_CTRL_TX], &b, 1);
	rig_kick(&n->r, CONSOLE_CTRL_TX);
	pump(n);
	(void)vqd_used(&n->r.d[CONSOLE_CTRL_TX], &head, &len);
}

/* The next message of the device as text, "EVENT id value data"; "" when there is none. */
static inline const char *heard(struct console_rig *n)
{
	static const char *const events[] = { "READY",   "ADD",    "REMOVE", "PORT_READY",
					      "CONSOLE", "RESIZE", "OPEN",   "NAME" };
	static char text[256];
	struct virtio_console_control m;
	const uint8_t *p;
	uint32_t head;
	uint32_t len;
	int used;

	if (!vqd_used(&n->r.d[CONSOLE_CTRL_RX], &head, &len))
		return "";
	p = n->r.ram + (n->r.d[CONSOLE_CTRL_RX].desc[head].addr - VQD_GPA);
	memcpy(&m, p, sizeof(m));
	used = snprintf(text, sizeof(text), "%s %u %u", m.event < 8 ? events[m.event] : "?", m.id,
			m.value);
	if (m.event == VIRTIO_CONSOLE_RESIZE && len == 12)
		(void)snprintf(text + used, sizeof(text) - (size_t)used, " %ux%u", p[8] | p[9] << 8,
			       p[10] | p[11] << 8);
	else if (len > sizeof(m))
		(void)snprintf(text + used, sizeof(text) - (size_t)used, " %.*s",
			       (int)(len - sizeof(m)), (const char *)p + sizeof(m));
	return text;
}

/* Up to the end of the handshake: all ports known, ready and open in the guest. */
static inline void handshake(struct console_rig *n)
{
	rig_on(n, MULTIPORT | BIT(VIRTIO_CONSOLE_F_SIZE));
	offer_ctrl(n, 32);
	tell(n, 0, VIRTIO_CONSOLE_DEVICE_READY, 1);
	for (uint32_t i = 0; i < n->o.n_ports; i++) {
		tell(n, i, VIRTIO_CONSOLE_PORT_READY, 1);
		tell(n, i, VIRTIO_CONSOLE_PORT_OPEN, 1);
	}
	while (*heard(n))
		;
}

/* Sends the @bytes at SEND (from the first buffer on). */
static inline void guest_send(struct console_rig *n, uint32_t port, const void *data,
			      uint32_t bytes)
{
	const struct vqd_buf b = { SEND, bytes, false };

	memcpy(n->r.ram + SEND, data, bytes);
	(void)vqd_add(&n->r.d[tx_of(port)], &b, 1);
	rig_kick(&n->r, tx_of(port));
	pump(n);
}

/* How many of the buffers that were sent came back since the last call. */
static inline unsigned int guest_sent(struct console_rig *n, uint32_t port)
{
	unsigned int done = 0;
	uint32_t head;
	uint32_t len;

	while (vqd_used(&n->r.d[tx_of(port)], &head, &len)) {
		CHECK_EQ(len, 0);
		done++;
	}
	return done;
}

/* The bytes that came to @port since the last call, as a string. */
static inline const char *guest_got(struct console_rig *n, uint32_t port)
{
	static char text[RECV_MAX * RECV_BYTES + 1];
	struct vqd *d = &n->r.d[rx_of(port)];
	size_t at = 0;
	uint32_t head;
	uint32_t len;

	while (vqd_used(d, &head, &len) && at + len < sizeof(text)) {
		memcpy(text + at, n->r.ram + (d->desc[head].addr - VQD_GPA), len);
		at += len;
	}
	text[at] = '\0';
	return text;
}

/* What @fd holds, as a string; "" at the end of it too. */
static inline const char *host_got(int fd)
{
	static char text[4096];
	ssize_t n = read(fd, text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

static inline void host_send(struct console_rig *n, int fd, const char *text)
{
	CHECK_EQ(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	pump(n);
}

#endif
