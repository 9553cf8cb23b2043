/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A vsock device with a guest's driver in plain memory and the host's programs in this process.
 * Packets are sent and taken one by one; the loop runs in vs_pump() alone.
 */
#ifndef BIVALVE_TESTS_UNIT_VSOCK_RIG_H
#define BIVALVE_TESTS_UNIT_VSOCK_RIG_H

#include <dirent.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "spec/base/log.h"
#include "tests/unit/vq_rig.h"
#include "vmmode/virtio/vsock_internal.h"

enum {
	VS_CID = 7,
	VS_HEADER = sizeof(struct virtio_vsock_hdr),
	VS_SLOT = 4200,                /* a receive buffer: header and a page */
	VS_RX_AT = VQD_DATA,           /* RIG_SIZE of them */
	VS_TX_AT = VQD_DATA + 0x48000, /* the packet that the guest sends */
	VS_BUF_ALLOC = 256 << 10,      /* what the guest says of its buffer */
	VS_ROUNDS_MAX = 2000,
};

struct vsock_rig {
	struct rig r;
	struct loop loop;
	struct vsock *v;
	char dir[32];
	int dir_fd;
};

/* A packet as the guest sees it. */
struct vs_packet {
	struct virtio_vsock_hdr h;
	uint8_t data[VS_SLOT];
};

/* Handles events until there are none. The device must come to rest by itself. */
static inline void vs_pump(struct vsock_rig *t)
{
	struct epoll_event events[32];
	int rounds = 0;
	int n;

	while ((n = epoll_wait(t->loop.epoll_fd, events, 32, 0)) > 0) {
		if (++rounds > VS_ROUNDS_MAX) {
			TEST_FAIL("the device is busy without end");
			return;
		}
		t->loop.batch = events; /* as loop_run() does: loop_remove() looks there */
		t->loop.batch_len = n;
		for (int i = 0; i < n; i++) {
			struct loop_source *src = events[i].data.ptr;

			if (src)
				src->ready(src, events[i].events);
		}
		t->loop.batch = NULL;
		t->loop.batch_len = 0;
	}
}

/* Makes @n receive buffers available. */
static inline void vs_offer(struct vsock_rig *t, unsigned int n)
{
	struct vqd *d = &t->r.d[VSOCK_RX];

	while (n--) {
		const uint32_t at = d->next_desc % d->size;
		const struct vqd_buf b = { VS_RX_AT + at * VS_SLOT, VS_SLOT, true };

		(void)vqd_add(d, &b, 1);
	}
	rig_kick(&t->r, VSOCK_RX);
}

/* Resets the device and plays the driver's start. */
static inline void vs_start(struct vsock_rig *t, uint64_t features)
{
	virtio_device_reset(t->r.dev);
	CHECK_EQ(rig_activate(&t->r, UINT64_C(1) << 32 | features, VSOCK_QUEUES), 0);
}

static inline void vs_setup(struct vsock_rig *t)
{
	struct virtio_vsock_options o = { .name = "vs", .cid = VS_CID };
	struct virtio_device *dev = NULL;
	struct err err = ERR_INIT;

	log_setup(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT, -1); /* many devices are broken here */
	memset(t, 0, sizeof(*t));
	(void)snprintf(t->dir, sizeof(t->dir), "/tmp/vsock.XXXXXX");
	if (!mkdtemp(t->dir))
		abort();
	o.dir_fd = t->dir_fd = open(t->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	CHECK_EQ(loop_init(&t->loop), 0);
	if (virtio_vsock_new(&o, &t->loop, &dev, &err) < 0) {
		TEST_FAIL("%s", err.msg);
		abort();
	}
	t->v = CONTAINER_OF(dev, struct vsock, dev);
	rig_init(&t->r, dev);
	vs_start(t, 0);
}

static inline void vs_teardown(struct vsock_rig *t)
{
	rig_fini(&t->r);
	loop_fini(&t->loop);
	(void)close(t->dir_fd);
	CHECK_EQ(rmdir(t->dir), 0); /* no socket of the device is left */
}

/* The guest sends @h with what it says of lengths and credit, and h->len bytes of @data. */
static inline void vs_send_raw(struct vsock_rig *t, const struct virtio_vsock_hdr *h,
			       const void *data)
{
	const struct vqd_buf whole = { VS_TX_AT, VS_HEADER + h->len, false };
	uint32_t head;
	uint32_t len;

	memcpy(t->r.ram + VS_TX_AT, h, VS_HEADER);
	if (data)
		memcpy(t->r.ram + VS_TX_AT + VS_HEADER, data, h->len);
	(void)vqd_add(&t->r.d[VSOCK_TX], &whole, 1);
	rig_kick(&t->r, VSOCK_TX);
	vs_pump(t);
	while (vqd_used(&t->r.d[VSOCK_TX], &head, &len))
		;
}

static inline struct virtio_vsock_hdr vs_header(uint32_t guest_port, uint32_t host_port,
						uint16_t op)
{
	return (struct virtio_vsock_hdr){
		.src_cid = VS_CID,
		.dst_cid = VSOCK_CID_HOST,
		.src_port = guest_port,
		.dst_port = host_port,
		.type = VIRTIO_VSOCK_TYPE_STREAM,
		.op = op,
		.buf_alloc = VS_BUF_ALLOC,
	};
}

static inline void vs_send(struct vsock_rig *t, uint32_t guest_port, uint32_t host_port,
			   uint16_t op)
{
	const struct virtio_vsock_hdr h = vs_header(guest_port, host_port, op);

	vs_send_raw(t, &h, NULL);
}

static inline void vs_send_data(struct vsock_rig *t, uint32_t guest_port, uint32_t host_port,
				const void *data, uint32_t len)
{
	struct virtio_vsock_hdr h = vs_header(guest_port, host_port, VIRTIO_VSOCK_OP_RW);

	h.len = len;
	vs_send_raw(t, &h, data);
}

static inline void vs_send_shutdown(struct vsock_rig *t, uint32_t guest_port, uint32_t host_port,
				    uint32_t flags)
{
	struct virtio_vsock_hdr h = vs_header(guest_port, host_port, VIRTIO_VSOCK_OP_SHUTDOWN);

	h.flags = flags;
	vs_send_raw(t, &h, NULL);
}

/* Takes the next packet for the guest and gives the buffer back to the device. False: none. */
static inline bool vs_take(struct vsock_rig *t, struct vs_packet *out)
{
	struct vqd *d = &t->r.d[VSOCK_RX];
	uint32_t head;
	uint32_t len;

	memset(out, 0, sizeof(*out));
	if (!vqd_used(d, &head, &len))
		return false;
	if (len < VS_HEADER || len > VS_SLOT) {
		TEST_FAIL("a packet of %u bytes", len);
		return false;
	}
	memcpy(out, t->r.ram + (d->desc[head].addr - VQD_GPA), len);
	CHECK_EQ(out->h.len, len - VS_HEADER);
	CHECK_EQ(out->h.dst_cid, VS_CID);
	vqd_publish(d, (uint16_t)head);
	rig_kick(&t->r, VSOCK_RX);
	return true;
}

/* The next packet is of kind @op for this connection. */
static inline bool vs_expect(struct vsock_rig *t, uint32_t guest_port, uint32_t host_port,
			     uint16_t op, struct vs_packet *out)
{
	struct vs_packet own;

	if (!out)
		out = &own;
	vs_pump(t);
	if (!vs_take(t, out)) {
		TEST_FAIL("no packet, wanted op %u of %u:%u", op, guest_port, host_port);
		return false;
	}
	CHECK_EQ(out->h.op, op);
	CHECK_EQ(out->h.dst_port, guest_port);
	CHECK_EQ(out->h.src_port, host_port);
	CHECK_EQ(out->h.src_cid, VSOCK_CID_HOST);
	CHECK_EQ(out->h.type, VIRTIO_VSOCK_TYPE_STREAM);
	return out->h.op == op;
}

static inline void vs_expect_nothing(struct vsock_rig *t)
{
	struct vs_packet p;

	vs_pump(t);
	if (vs_take(t, &p))
		TEST_FAIL("a packet of op %u, wanted none", p.h.op);
}

static inline struct sockaddr_un vs_address(const struct vsock_rig *t, const char *name)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	(void)snprintf(a.sun_path, sizeof(a.sun_path), "%s/%s", t->dir, name);
	return a;
}

/* A server of the host on @port, non-blocking. */
static inline int vs_listen(const struct vsock_rig *t, uint32_t port, int backlog)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un a;
	char name[32];

	(void)snprintf(name, sizeof(name), "vs_%u", port);
	a = vs_address(t, name);
	CHECK_EQ(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	CHECK_EQ(listen(fd, backlog), 0);
	return fd;
}

static inline void vs_unlisten(const struct vsock_rig *t, uint32_t port, int fd)
{
	char name[32];

	(void)snprintf(name, sizeof(name), "vs_%u", port);
	(void)close(fd);
	CHECK_EQ(unlinkat(t->dir_fd, name, 0), 0);
}

/* A client of the host that has said @text. */
static inline int vs_client(const struct vsock_rig *t, const char *text)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un a = vs_address(t, "vs");

	CHECK_EQ(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	CHECK_EQ(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
	return fd;
}

/* The socket has exactly @text to read. */
static inline void vs_check_read(int fd, const char *text)
{
	char got[4096] = "";
	ssize_t n = recv(fd, got, sizeof(got) - 1, 0);

	CHECK_EQ(n, (ssize_t)strlen(text));
	CHECK_STR(got, text);
}

static inline bool vs_at_end(int fd)
{
	char c;

	return recv(fd, &c, 1, 0) == 0;
}

static inline bool vs_is_empty(int fd)
{
	char c;

	return recv(fd, &c, 1, 0) < 0 && errno == EAGAIN;
}

/* A connection from the guest's port to a server of the host. Returns the server's end. */
static inline int vs_from_guest(struct vsock_rig *t, int server_fd, uint32_t guest_port,
				uint32_t host_port)
{
	int fd;

	vs_send(t, guest_port, host_port, VIRTIO_VSOCK_OP_REQUEST);
	(void)vs_expect(t, guest_port, host_port, VIRTIO_VSOCK_OP_RESPONSE, NULL);
	fd = accept4(server_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	CHECK(fd >= 0);
	return fd;
}

/* A connection from the host to the guest's port. Returns the client's end. */
static inline int vs_from_host(struct vsock_rig *t, uint32_t guest_port, uint32_t *out_host_port)
{
	struct vs_packet p;
	char text[64];
	int fd;

	(void)snprintf(text, sizeof(text), "CONNECT %u\n", guest_port);
	fd = vs_client(t, text);
	vs_pump(t);
	CHECK(vs_take(t, &p));
	CHECK_EQ(p.h.op, VIRTIO_VSOCK_OP_REQUEST);
	CHECK_EQ(p.h.dst_port, guest_port);
	*out_host_port = p.h.src_port;
	vs_send(t, guest_port, p.h.src_port, VIRTIO_VSOCK_OP_RESPONSE);
	(void)snprintf(text, sizeof(text), "OK %u\n", p.h.src_port);
	vs_check_read(fd, text);
	return fd;
}

/* All deadlines have come. */
static inline void vs_expire(struct vsock_rig *t)
{
	struct vsock_conn *c;

	TAILQ_FOREACH(c, &t->v->all, all_entry)
	{
		if (c->deadline_ns != 0)
			c->deadline_ns = 1;
	}
	t->v->stalled_ns = 0;
	vsock_set_timer(t->v, 1);
	while (!rig_signalled(t->v->timer.fd, RIG_WAIT_MS))
		;
	t->v->timer_ns = 0;
	t->v->timer.ready(&t->v->timer, EPOLLIN);
	vs_pump(t);
}

/* Open descriptors of this process. */
static inline unsigned int vs_count_fds(void)
{
	unsigned int n = 0;
	auto_closedir DIR *d = opendir("/proc/self/fd");

	while (d && readdir(d))
		n++;
	return n;
}

#endif
