// SPDX-License-Identifier: GPL-2.0-or-later
/* The vsock device: life of connections both ways, its own life cycle, bounds and deadlines. */
#include "vmmode/virtio/vsock.h"

#include "tests/unit/vsock_rig.h"
#include "vmmode/vmm/devices.h"
#include "vmmode/vmm/sandbox.h"

enum {
	OP_REQUEST = VIRTIO_VSOCK_OP_REQUEST,
	OP_RESPONSE = VIRTIO_VSOCK_OP_RESPONSE,
	OP_RST = VIRTIO_VSOCK_OP_RST,
	OP_SHUTDOWN = VIRTIO_VSOCK_OP_SHUTDOWN,
	OP_RW = VIRTIO_VSOCK_OP_RW,
	OP_ASK = VIRTIO_VSOCK_OP_CREDIT_REQUEST,
	RCV = VIRTIO_VSOCK_SHUTDOWN_RCV,
	SEND = VIRTIO_VSOCK_SHUTDOWN_SEND,
	GUEST = 1234,
	HOST = 80,
};

static void test_config(void)
{
	struct vsock_rig t;
	uint64_t cid = 0;

	vs_setup(&t);
	t.r.dev->ops->config_read(t.r.dev, 0, &cid, sizeof(cid));
	CHECK_EQ(cid, VS_CID);
	CHECK_EQ(t.r.dev->offered & 2, 0); /* no SEQPACKET */
	vs_teardown(&t);
}

static void test_bad_options(void)
{
	static const struct {
		const char *name;
		uint32_t cid;
	} cases[] = { { "", 3 },   { "a/b", 3 }, { ".", 3 },          { "..", 3 },
		      { "ok", 2 }, { "ok", 0 },  { "ok", UINT32_MAX } };
	struct loop loop;

	CHECK_EQ(loop_init(&loop), 0);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct virtio_vsock_options o = { .name = cases[i].name,
							.cid = cases[i].cid,
							.dir_fd = -1 };
		struct virtio_device *dev;

		CHECK_EQ(virtio_vsock_new(&o, &loop, &dev, NULL), -EINVAL);
	}
	loop_fini(&loop);
}

static void test_guest_to_host(void)
{
	struct vsock_rig t;
	struct vs_packet p;
	int server;
	int fd;

	vs_setup(&t);
	vs_offer(&t, 8);
	server = vs_listen(&t, HOST, 8);
	vs_send(&t, GUEST, HOST, OP_REQUEST);
	CHECK(vs_expect(&t, GUEST, HOST, OP_RESPONSE, &p));
	CHECK_EQ(p.h.buf_alloc, VSOCK_BUF_LARGE);
	CHECK_EQ(p.h.fwd_cnt, 0);
	fd = accept4(server, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	vs_send_data(&t, GUEST, HOST, "to the host", 11);
	vs_check_read(fd, "to the host");
	CHECK_EQ(send(fd, "to the guest", 12, 0), 12);
	CHECK(vs_expect(&t, GUEST, HOST, OP_RW, &p));
	CHECK_EQ(p.h.len, 12);
	CHECK_MEM(p.data, "to the guest", 12);
	CHECK_EQ(p.h.fwd_cnt, 11); /* credit comes by the way */
	vs_expect_nothing(&t);
	/* The guest ends it: all was delivered, so the answer is a reset, and the host sees the
	 * end. */
	vs_send_shutdown(&t, GUEST, HOST, RCV | SEND);
	CHECK(vs_expect(&t, GUEST, HOST, OP_RST, NULL));
	CHECK(vs_at_end(fd));
	CHECK_EQ(t.v->n_conns, 0);
	(void)close(fd);
	vs_unlisten(&t, HOST, server);
	vs_teardown(&t);
}

static void test_host_to_guest(void)
{
	struct vsock_rig t;
	struct vs_packet p;
	uint32_t port;
	int fd;

	vs_setup(&t);
	vs_offer(&t, 8);
	fd = vs_from_host(&t, GUEST, &port);
	CHECK(port >= VSOCK_HOST_PORT);
	vs_send_data(&t, GUEST, port, "hello", 5);
	vs_check_read(fd, "hello");
	/* The host ends it. */
	(void)close(fd);
	CHECK(vs_expect(&t, GUEST, port, OP_SHUTDOWN, &p));
	CHECK_EQ(p.h.flags, RCV | SEND);
	CHECK_EQ(t.v->n_conns, 1);
	vs_send(&t, GUEST, port, OP_RST);
	CHECK_EQ(t.v->n_conns, 0);
	vs_expect_nothing(&t);
	vs_teardown(&t);
}

static void test_early_data(void)
{
	struct vsock_rig t;
	struct vs_packet p;
	int fd;

	vs_setup(&t);
	vs_offer(&t, 8);
	fd = vs_client(&t, "CONNECT 5\nthis is for the guest");
	CHECK_EQ(shutdown(fd, SHUT_WR), 0);
	CHECK(vs_expect(&t, 5, VSOCK_HOST_PORT, OP_REQUEST, NULL));
	vs_expect_nothing(&t);
	vs_send(&t, 5, VSOCK_HOST_PORT, OP_RESPONSE);
	CHECK(vs_expect(&t, 5, VSOCK_HOST_PORT, OP_RW, &p));
	CHECK_STR((const char *)p.data, "this is for the guest");
	CHECK(vs_expect(&t, 5, VSOCK_HOST_PORT, OP_SHUTDOWN, &p));
	CHECK_EQ(p.h.flags, SEND);
	vs_check_read(fd, "OK 1073741824\n");
	vs_send_data(&t, 5, VSOCK_HOST_PORT, "answer", 6);
	vs_check_read(fd, "answer");
	(void)close(fd);
	CHECK(vs_expect(&t, 5, VSOCK_HOST_PORT, OP_SHUTDOWN, &p));
	CHECK_EQ(p.h.flags, RCV | SEND);
	vs_teardown(&t);
}

static void test_refused(void)
{
	struct vsock_rig t;
	int fd;

	vs_setup(&t);
	vs_offer(&t, 8);
	/* Nobody listens; a file that is no socket; a link to one. */
	vs_send(&t, GUEST, 1, OP_REQUEST);
	CHECK(vs_expect(&t, GUEST, 1, OP_RST, NULL));
	fd = openat(t.dir_fd, "vs_2", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	CHECK_EQ(symlinkat("vs", t.dir_fd, "vs_3"), 0);
	vs_send(&t, GUEST, 2, OP_REQUEST);
	CHECK(vs_expect(&t, GUEST, 2, OP_RST, NULL));
	vs_send(&t, GUEST, 3, OP_REQUEST);
	CHECK(vs_expect(&t, GUEST, 3, OP_RST, NULL));
	(void)close(fd);
	CHECK_EQ(unlinkat(t.dir_fd, "vs_2", 0), 0);
	CHECK_EQ(unlinkat(t.dir_fd, "vs_3", 0), 0);
	/* The guest refuses. */
	fd = vs_client(&t, "CONNECT 9\n");
	CHECK(vs_expect(&t, 9, VSOCK_HOST_PORT, OP_REQUEST, NULL));
	vs_send(&t, 9, VSOCK_HOST_PORT, OP_RST);
	CHECK(vs_at_end(fd));
	(void)close(fd);
	CHECK_EQ(t.v->n_conns, 0);
	vs_teardown(&t);
}

static void test_half_close(void)
{
	struct vsock_rig t;
	struct vs_packet p;
	int server;
	int fd;

	vs_setup(&t);
	vs_offer(&t, 8);
	server = vs_listen(&t, HOST, 8);
	/* The guest sends no more, and still receives. */
	fd = vs_from_guest(&t, server, GUEST, HOST);
	vs_send_data(&t, GUEST, HOST, "last", 4);
	vs_send_shutdown(&t, GUEST, HOST, SEND);
	vs_check_read(fd, "last");
	CHECK(vs_at_end(fd));
	CHECK_EQ(send(fd, "answer", 6, 0), 6);
	CHECK(vs_expect(&t, GUEST, HOST, OP_RW, &p));
	CHECK_MEM(p.data, "answer", 6);
	/* Then the host sends no more either: both ways have ended. */
	CHECK_EQ(shutdown(fd, SHUT_WR), 0);
	CHECK(vs_expect(&t, GUEST, HOST, OP_SHUTDOWN, &p));
	CHECK(p.h.flags & SEND);
	vs_send_shutdown(&t, GUEST, HOST, RCV | SEND);
	CHECK(vs_expect(&t, GUEST, HOST, OP_RST, NULL));
	(void)close(fd);
	CHECK_EQ(t.v->n_conns, 0);
	/* The host sends no more, and still receives. */
	fd = vs_from_guest(&t, server, GUEST, HOST);
	CHECK_EQ(shutdown(fd, SHUT_WR), 0);
	CHECK(vs_expect(&t, GUEST, HOST, OP_SHUTDOWN, &p));
	CHECK_EQ(p.h.flags, SEND);
	vs_send_data(&t, GUEST, HOST, "more", 4);
	vs_check_read(fd, "more");
	/* The host receives no more. */
	CHECK_EQ(shutdown(fd, SHUT_RD), 0);
	vs_send_data(&t, GUEST, HOST, "void", 4);
	CHECK(vs_expect(&t, GUEST, HOST, OP_SHUTDOWN, &p));
	CHECK_EQ(p.h.flags, RCV | SEND);
	vs_send(&t, GUEST, HOST, OP_RST);
	(void)close(fd);
	CHECK_EQ(t.v->n_conns, 0);
	/* The guest receives no more: the host's writes fail. */
	fd = vs_from_guest(&t, server, GUEST, HOST);
	vs_send_shutdown(&t, GUEST, HOST, RCV);
	CHECK(send(fd, "x", 1, MSG_NOSIGNAL) < 0 && errno == EPIPE);
	vs_send_data(&t, GUEST, HOST, "yet", 3);
	vs_check_read(fd, "yet");
	(void)close(fd);
	CHECK(vs_expect(&t, GUEST, HOST, OP_SHUTDOWN, &p));
	CHECK_EQ(p.h.flags, RCV | SEND);
	vs_unlisten(&t, HOST, server);
	vs_teardown(&t);
}

/* What the host sent before it closed arrives, also when the guest gives credit slowly. */
static void test_close_with_data(void)
{
	static uint8_t data[100000];
	struct vsock_rig t;
	struct vs_packet p;
	uint32_t port;
	uint32_t got = 0;
	int fd;

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 31 + i / 251);
	vs_setup(&t);
	vs_offer(&t, RIG_SIZE);
	fd = vs_from_host(&t, GUEST, &port);
	CHECK_EQ(send(fd, data, sizeof(data), 0), (ssize_t)sizeof(data));
	(void)close(fd);
	while (got < sizeof(data)) {
		struct virtio_vsock_hdr h = vs_header(GUEST, port, VIRTIO_VSOCK_OP_CREDIT_UPDATE);

		h.buf_alloc = 10000;
		h.fwd_cnt = got;
		vs_send_raw(&t, &h, NULL);
		if (!vs_expect(&t, GUEST, port, OP_RW, &p))
			break;
		do {
			CHECK_EQ(p.h.op, OP_RW);
			CHECK(got + p.h.len <= sizeof(data));
			CHECK_MEM(p.data, data + got, p.h.len);
			got += p.h.len;
		} while (got < sizeof(data) && vs_take(&t, &p));
	}
	CHECK(vs_expect(&t, GUEST, port, OP_SHUTDOWN, &p));
	CHECK_EQ(p.h.flags, RCV | SEND);
	vs_teardown(&t);
}

/* The host reads slowly: the guest's credit ends, nothing is lost, the end comes last. */
static void test_slow_host(void)
{
	static uint8_t data[VSOCK_BUF_LARGE];
	static uint8_t got[4 * VSOCK_BUF_LARGE];
	struct vsock_rig t;
	struct vs_packet p;
	uint32_t sent = 0;
	size_t n = 0;
	uint32_t credit = VSOCK_BUF_LARGE;
	int server;
	int fd;

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7 + i / 253);
	vs_setup(&t);
	vs_offer(&t, 8);
	server = vs_listen(&t, HOST, 8);
	fd = vs_from_guest(&t, server, GUEST, HOST);
	/* Nobody reads: what the socket takes comes back as credit, then no more. */
	while (credit > 0 && sent < 3 * VSOCK_BUF_LARGE) {
		const uint32_t at = sent % VSOCK_BUF_LARGE;
		uint32_t len = credit < 60000 ? credit : 60000;

		len = len < VSOCK_BUF_LARGE - at ? len : VSOCK_BUF_LARGE - at;
		vs_send_data(&t, GUEST, HOST, data + at, len);
		sent += len;
		credit -= len;
		while (vs_take(&t, &p)) {
			CHECK_EQ(p.h.op, VIRTIO_VSOCK_OP_CREDIT_UPDATE);
			credit = p.h.buf_alloc - (sent - p.h.fwd_cnt);
		}
	}
	CHECK_EQ(credit, 0);
	CHECK(sent < 3 * VSOCK_BUF_LARGE);
	/* Less than half of it is free and not told. */
	CHECK(TAILQ_FIRST(&t.v->all)->buf_len > VSOCK_BUF_LARGE / 2);
	/* The end of it: the connection stays until the host has all. */
	vs_send_shutdown(&t, GUEST, HOST, RCV | SEND);
	vs_expect_nothing(&t);
	while (n < sent) {
		ssize_t part = recv(fd, got + n, 50000, 0);

		if (part <= 0)
			break;
		n += (size_t)part;
		vs_pump(&t);
	}
	CHECK_EQ(n, sent);
	for (size_t i = 0; i < n; i += VSOCK_BUF_LARGE)
		CHECK_MEM(got + i, data, n - i < VSOCK_BUF_LARGE ? n - i : VSOCK_BUF_LARGE);
	CHECK(vs_at_end(fd));
	while (vs_take(&t, &p) && p.h.op != OP_RST)
		CHECK_EQ(p.h.op, VIRTIO_VSOCK_OP_CREDIT_UPDATE);
	CHECK_EQ(p.h.op, OP_RST);
	CHECK_EQ(t.v->n_conns, 0);
	(void)close(fd);
	vs_unlisten(&t, HOST, server);
	vs_teardown(&t);
}

/* Fills the way to the host until bytes wait in the device. Returns the sum. */
static uint32_t fill(struct vsock_rig *t)
{
	static const uint8_t data[60000];
	struct vs_packet p;
	uint32_t sent = 0;

	while (TAILQ_FIRST(&t->v->all)->buf_len == 0) {
		vs_send_data(t, GUEST, HOST, data, sizeof(data));
		sent += sizeof(data);
	}
	while (vs_take(t, &p))
		CHECK_EQ(p.h.op, VIRTIO_VSOCK_OP_CREDIT_UPDATE);
	return sent;
}

/* Reads until there is nothing. Returns the bytes. */
static size_t read_all(struct vsock_rig *t, int fd)
{
	static uint8_t got[65536];
	size_t n = 0;
	ssize_t part;

	while ((part = recv(fd, got, sizeof(got), 0)) > 0) {
		n += (size_t)part;
		vs_pump(t);
	}
	return n;
}

static void test_reset(void)
{
	struct vsock_rig t;
	struct vs_packet p;
	uint32_t event = 99;
	uint32_t head;
	uint32_t len;
	uint32_t sent;
	int server;
	int fd;
	int client;

	vs_setup(&t);
	vs_offer(&t, 8);
	server = vs_listen(&t, HOST, 8);
	fd = vs_from_guest(&t, server, GUEST, HOST);
	client = vs_client(&t, "CONNECT 1\n");
	vs_pump(&t);
	CHECK(vs_take(&t, &p));
	sent = fill(&t);
	CHECK_EQ(t.v->n_conns, 2);
	vs_start(&t, 0); /* the driver starts anew */
	CHECK_EQ(t.v->n_conns, 1);
	CHECK(vs_at_end(client));
	/* What the guest had sent arrives all the same. */
	CHECK_EQ(read_all(&t, fd), sent);
	CHECK(vs_at_end(fd));
	CHECK_EQ(t.v->n_conns, 0);
	/* The driver is told that connections were lost, once. */
	memcpy(t.r.ram + VS_TX_AT, &event, sizeof(event));
	(void)vqd_add(&t.r.d[VSOCK_EVENT],
		      (const struct vqd_buf[]){ { VS_TX_AT, sizeof(event), true } }, 1);
	rig_kick(&t.r, VSOCK_EVENT);
	vs_pump(&t);
	CHECK(vqd_used(&t.r.d[VSOCK_EVENT], &head, &len));
	CHECK_EQ(len, 4);
	memcpy(&event, t.r.ram + VS_TX_AT, sizeof(event));
	CHECK_EQ(event, VIRTIO_VSOCK_EVENT_TRANSPORT_RESET);
	CHECK(!t.v->event_kick.listed);
	(void)close(fd);
	(void)close(client);
	/* And works as before. */
	vs_offer(&t, 8);
	fd = vs_from_guest(&t, server, GUEST, HOST);
	(void)close(fd);
	vs_unlisten(&t, HOST, server);
	vs_teardown(&t);
}

/* The last packets before a reset are taken; at the machine's end a reader gets what waits. */
static void test_last_words(void)
{
	static const char word[] = "bye";
	struct vsock_rig t;
	struct virtio_vsock_hdr h = vs_header(GUEST, HOST, OP_RW);
	const struct vqd_buf buf = { VS_TX_AT, VS_HEADER + 3, false };
	int server;
	int fd;

	vs_setup(&t);
	vs_offer(&t, 8);
	server = vs_listen(&t, HOST, 8);
	fd = vs_from_guest(&t, server, GUEST, HOST);
	h.len = 3;
	memcpy(t.r.ram + VS_TX_AT, &h, sizeof(h));
	memcpy(t.r.ram + VS_TX_AT + VS_HEADER, word, 3);
	(void)vqd_add(&t.r.d[VSOCK_TX], &buf, 1);
	virtio_device_reset(t.r.dev); /* its kick was never seen */
	vs_check_read(fd, word);
	CHECK(vs_at_end(fd));
	(void)close(fd);
	vs_unlisten(&t, HOST, server);
	vs_teardown(&t);
}

/* A reset by the guest while bytes wait: they are delivered, and the ports are free at once. */
static void test_linger(void)
{
	struct vsock_rig t;
	uint32_t sent;
	int server;
	int fd;
	int fd2;

	vs_setup(&t);
	vs_offer(&t, 8);
	server = vs_listen(&t, HOST, 8);
	fd = vs_from_guest(&t, server, GUEST, HOST);
	sent = fill(&t);
	vs_send(&t, GUEST, HOST, OP_RST);
	CHECK_EQ(t.v->n_conns, 1);
	CHECK(send(fd, "x", 1, MSG_NOSIGNAL) < 0);
	fd2 = vs_from_guest(&t, server, GUEST, HOST);
	vs_send_data(&t, GUEST, HOST, "second", 6);
	vs_check_read(fd2, "second");
	CHECK_EQ(read_all(&t, fd), sent);
	CHECK(vs_at_end(fd));
	CHECK_EQ(t.v->n_conns, 1);
	(void)close(fd);
	/* One whose reader goes away is not kept. */
	(void)close(server);
	server = -1;
	(void)unlinkat(t.dir_fd, "vs_80", 0);
	(void)fill(&t);
	vs_send(&t, GUEST, HOST, OP_RST);
	CHECK_EQ(t.v->n_conns, 1);
	(void)close(fd2);
	vs_pump(&t);
	CHECK_EQ(t.v->n_conns, 0);
	vs_teardown(&t);
}

static void test_deadlines(void)
{
	struct vsock_rig t;
	struct vs_packet p;
	uint32_t port;
	int fd;

	vs_setup(&t);
	vs_offer(&t, 8);
	/* A client that says nothing. */
	fd = vs_client(&t, "CONN");
	vs_pump(&t);
	CHECK_EQ(t.v->n_handshakes, 1);
	vs_expire(&t);
	CHECK(vs_at_end(fd));
	CHECK_EQ(t.v->n_handshakes, 0);
	(void)close(fd);
	/* A guest that does not answer. */
	fd = vs_client(&t, "CONNECT 6\n");
	vs_pump(&t);
	CHECK(vs_take(&t, &p));
	vs_expire(&t);
	CHECK(vs_expect(&t, 6, p.h.src_port, OP_RST, NULL));
	CHECK(vs_at_end(fd));
	(void)close(fd);
	/* One that does not give back a connection that the host has closed. */
	fd = vs_from_host(&t, GUEST, &port);
	(void)close(fd);
	CHECK(vs_expect(&t, GUEST, port, OP_SHUTDOWN, &p));
	vs_expire(&t);
	CHECK(vs_expect(&t, GUEST, port, OP_RST, NULL));
	CHECK_EQ(t.v->n_conns, 0);
	CHECK_EQ(t.v->n_timed, 0);
	/* One that gives no credit is asked, once. */
	fd = vs_from_host(&t, GUEST, &port);
	TAILQ_FIRST(&t.v->all)->peer_buf = 0;
	CHECK_EQ(send(fd, "data", 4, 0), 4);
	vs_expect_nothing(&t);
	vs_expire(&t);
	CHECK(vs_expect(&t, GUEST, port, OP_ASK, NULL));
	CHECK_EQ(t.v->n_timed, 0);
	vs_expect_nothing(&t);
	vs_send(&t, GUEST, port, VIRTIO_VSOCK_OP_CREDIT_UPDATE);
	CHECK(vs_expect(&t, GUEST, port, OP_RW, NULL));
	(void)close(fd);
	vs_teardown(&t);
}

/* A server with a full backlog: the guest waits, and is refused in the end. */
static void test_busy_server(void)
{
	struct vsock_rig t;
	int fds[3];
	int server;

	vs_setup(&t);
	vs_offer(&t, 8);
	server = vs_listen(&t, HOST, 0);
	vs_send(&t, 1, HOST, OP_REQUEST); /* the backlog holds one more than it says */
	CHECK(vs_expect(&t, 1, HOST, OP_RESPONSE, NULL));
	vs_send(&t, 2, HOST, OP_REQUEST);
	vs_send(&t, 3, HOST, OP_REQUEST);
	vs_expect_nothing(&t);
	CHECK_EQ(t.v->n_connecting, 2);
	fds[0] = accept4(server, NULL, NULL, SOCK_CLOEXEC);
	CHECK(rig_signalled(t.v->timer.fd, RIG_WAIT_MS));
	t.v->timer.ready(&t.v->timer, EPOLLIN);
	CHECK(vs_expect(&t, 2, HOST, OP_RESPONSE, NULL));
	CHECK_EQ(t.v->n_connecting, 1);
	vs_expire(&t);
	CHECK(vs_expect(&t, 3, HOST, OP_RST, NULL));
	CHECK_EQ(t.v->n_connecting, 0);
	fds[1] = accept4(server, NULL, NULL, SOCK_CLOEXEC);
	for (int i = 0; i < 2; i++)
		(void)close(fds[i]);
	vs_unlisten(&t, HOST, server);
	vs_teardown(&t);
}

/* Thousands, one after the other: nothing is left of them. */
static void test_churn(void)
{
	struct vsock_rig t;
	unsigned int fds;
	int server;

	vs_setup(&t);
	vs_offer(&t, RIG_SIZE);
	server = vs_listen(&t, HOST, 64);
	fds = vs_count_fds();
	for (uint32_t i = 0; i < 3000; i++) {
		uint32_t port = HOST;
		int fd = i % 2 ? vs_from_guest(&t, server, i, HOST) : vs_from_host(&t, i, &port);

		vs_send_data(&t, i, port, "x", 1);
		vs_check_read(fd, "x");
		if (i % 3 == 0) {
			(void)close(fd);
			CHECK(vs_expect(&t, i, port, OP_SHUTDOWN, NULL));
			vs_send(&t, i, port, OP_RST);
		} else {
			vs_send_shutdown(&t, i, port, RCV | SEND);
			CHECK(vs_expect(&t, i, port, OP_RST, NULL));
			CHECK(vs_at_end(fd));
			(void)close(fd);
		}
		if (t.v->n_conns != 0 || test_failed)
			break;
	}
	CHECK_EQ(t.v->n_conns, 0);
	CHECK_EQ(vs_count_fds(), fds);
	vs_expect_nothing(&t);
	vs_unlisten(&t, HOST, server);
	vs_teardown(&t);
}

/* No more than VSOCK_CONNS_MAX at once, and the guest cannot have them all: it is refused, clients
 * wait. */
static void test_full(void)
{
	static int fds[VSOCK_CONNS_MAX];
	struct vsock_rig t;
	struct vs_packet p;
	uint32_t port;
	int server;
	int client;

	vs_setup(&t);
	vs_offer(&t, RIG_SIZE);
	server = vs_listen(&t, HOST, 64);
	for (uint32_t i = 0; i < VSOCK_FROM_GUEST_MAX && !test_failed; i++)
		fds[i] = vs_from_guest(&t, server, i, HOST);
	vs_send(&t, 5000, HOST, OP_REQUEST);
	CHECK(vs_expect(&t, 5000, HOST, OP_RST, NULL));
	for (uint32_t i = VSOCK_FROM_GUEST_MAX; i < VSOCK_CONNS_MAX && !test_failed; i++)
		fds[i] = vs_from_host(&t, i, &port);
	client = vs_client(&t, "CONNECT 7\n");
	vs_expect_nothing(&t);
	CHECK(t.v->accept_paused);
	CHECK_EQ(t.v->n_conns, VSOCK_CONNS_MAX);
	(void)close(fds[0]);
	CHECK(vs_expect(&t, 0, HOST, OP_SHUTDOWN, NULL));
	vs_send(&t, 0, HOST, OP_RST);
	vs_pump(&t);
	CHECK(vs_take(&t, &p));
	CHECK_EQ(p.h.op, OP_REQUEST);
	CHECK_EQ(p.h.dst_port, 7);
	/* The first ones have a large buffer, others a small one. */
	CHECK_EQ(p.h.buf_alloc, VSOCK_BUF_LARGE);
	CHECK_EQ(t.v->n_large, VSOCK_LARGE_MAX);
	CHECK_EQ(vsock_table_find(t.v, 500, HOST)->buf_size, VSOCK_BUF_SMALL);
	(void)close(client);
	for (uint32_t i = 1; i < VSOCK_CONNS_MAX; i++)
		(void)close(fds[i]);
	vs_pump(&t);
	vs_unlisten(&t, HOST, server);
	vs_teardown(&t);
}

static int make_vsock(struct vmm_device_env *env, const char *text, struct virtio_device **out,
		      struct err *err)
{
	const struct vmm_device_option opt = { VMM_VSOCK, text };

	return vmm_device_new(&opt, env, out, err);
}

/* From the command line to the device. */
static void test_option(void)
{
	char dir[] = "/tmp/devices.XXXXXX";
	struct vmm_device_env env = { .cpus = 1, .sandbox = &(struct sandbox)SANDBOX_INIT };
	struct err err = ERR_INIT;
	struct virtio_device *dev = NULL;
	char text[128], path[64];
	uint64_t cid = 0;
	struct loop loop;
	struct stat st;

	CHECK(mkdtemp(dir));
	CHECK_EQ(loop_init(&loop), 0);
	env.loop = &loop;
	(void)snprintf(path, sizeof(path), "%s/v", dir);
	(void)snprintf(text, sizeof(text), "%s,cid=4294967294", path);
	CHECK_EQ(make_vsock(&env, text, &dev, &err), 0);
	CHECK_EQ(lstat(path, &st), 0);
	CHECK_EQ(st.st_mode, S_IFSOCK | 0600);
	dev->ops->config_read(dev, 0, &cid, sizeof(cid));
	CHECK_EQ(cid, UINT32_MAX - 1);
	/* Its name is taken. */
	CHECK_EQ(make_vsock(&env, path, &dev, &err), -EADDRINUSE);
	CHECK_HAS(err.msg, "--vsock '/tmp/devices.");
	dev->ops->destroy(dev);
	CHECK(lstat(path, &st) < 0 && errno == ENOENT);
	vmm_device_env_fini(&env);
	loop_fini(&loop);
	CHECK_EQ(rmdir(dir), 0);
}

static void test_option_refused(void)
{
	static const struct {
		const char *text;
		int rc;
	} cases[] = {
		{ "", -EINVAL },
		{ ",cid=3", -EINVAL },
		{ "/tmp/v,cid=2", -EINVAL },
		{ "/tmp/v,cid=4294967295", -EINVAL },
		{ "/tmp/v,cid=", -EINVAL },
		{ "/tmp/v,cid", -EINVAL },
		{ "/tmp/v,ro", -EINVAL },
		{ "/tmp/", -EINVAL },
		{ "/tmp/..", -EINVAL },
		{ "/proc/self/exe/v", -ENOTDIR },
		{ "/nowhere/v", -ENOENT },
	};
	struct vmm_device_env env = { .cpus = 1, .sandbox = &(struct sandbox)SANDBOX_INIT };
	struct loop loop;

	CHECK_EQ(loop_init(&loop), 0);
	env.loop = &loop;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct virtio_device *dev = NULL;
		struct err err = ERR_INIT;

		CHECK_EQ(make_vsock(&env, cases[i].text, &dev, &err), cases[i].rc);
		CHECK_HAS(err.msg, "--vsock '");
	}
	vmm_device_env_fini(&env);
	loop_fini(&loop);
}

TEST_MAIN(TEST(test_config), TEST(test_bad_options), TEST(test_guest_to_host),
	  TEST(test_host_to_guest), TEST(test_early_data), TEST(test_refused),
	  TEST(test_half_close), TEST(test_close_with_data), TEST(test_slow_host), TEST(test_reset),
	  TEST(test_last_words), TEST(test_linger), TEST(test_deadlines), TEST(test_busy_server),
	  TEST(test_churn), TEST(test_full), TEST(test_option), TEST(test_option_refused))
