// SPDX-License-Identifier: GPL-2.0-or-later
/* A hostile guest's packets: what breaks the device, what a connection, what nothing. */
#include <pthread.h>

#include "tests/unit/vsock_rig.h"

enum {
	GUEST = 9,
	HOST = 90,
	OP_REQUEST = VIRTIO_VSOCK_OP_REQUEST,
	OP_RESPONSE = VIRTIO_VSOCK_OP_RESPONSE,
	OP_RST = VIRTIO_VSOCK_OP_RST,
	OP_SHUTDOWN = VIRTIO_VSOCK_OP_SHUTDOWN,
	OP_RW = VIRTIO_VSOCK_OP_RW,
	OP_UPDATE = VIRTIO_VSOCK_OP_CREDIT_UPDATE,
	RCV = VIRTIO_VSOCK_SHUTDOWN_RCV,
	SEND = VIRTIO_VSOCK_SHUTDOWN_SEND,
};

/* Buffers that are no packet at all. */
static void test_malformed(void)
{
	static const struct {
		struct vqd_buf bufs[2];
		size_t n;
		uint32_t len; /* what the header says */
	} cases[] = {
		{ { { VS_TX_AT, 43, false } }, 1, 0 },        /* short */
		{ { { VS_TX_AT, 0, false } }, 1, 0 },         /* nothing */
		{ { { VS_TX_AT, VS_HEADER, true } }, 1, 0 },  /* to be written */
		{ { { VS_TX_AT, VS_HEADER, false } }, 1, 1 }, /* longer than its buffers */
		{ { { VS_TX_AT, VS_HEADER + 9, false } }, 1, 10 },
		{ { { VS_TX_AT, VS_HEADER + 9, false } }, 1, UINT32_MAX },
		{ { { VS_TX_AT, VS_HEADER + 9, false } }, 1, UINT32_MAX - 43 },
		{ { { VS_TX_AT, VS_HEADER, false }, { VS_TX_AT + 64, 8, true } }, 2, 8 },
		{ { { VS_TX_AT, VS_HEADER, false }, { 0xfffffff0U, 8, false } }, 2, 8 },
		{ { { VS_TX_AT, VS_HEADER, false }, { VQD_BYTES - 4, 8, false } }, 2, 8 },
		{ { { VS_TX_AT, VS_HEADER, false }, { VS_TX_AT, UINT32_MAX, false } }, 2, 8 },
	};
	struct vsock_rig t;

	vs_setup(&t);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct virtio_vsock_hdr h = vs_header(GUEST, HOST, OP_RW);

		vs_start(&t, 0);
		h.len = cases[i].len;
		memcpy(t.r.ram + VS_TX_AT, &h, sizeof(h));
		(void)vqd_add(&t.r.d[VSOCK_TX], cases[i].bufs, cases[i].n);
		rig_kick(&t.r, VSOCK_TX);
		vs_pump(&t);
		if (!atomic_load(&t.r.dev->broken))
			TEST_FAIL("case %zu broke nothing", i);
	}
	vs_teardown(&t);
}

/* A broken device ends its connections, and comes back with a reset. */
static void test_broken(void)
{
	struct vsock_rig t;
	uint32_t port;
	int server;
	int fd;
	int waiting;

	vs_setup(&t);
	vs_offer(&t, 8);
	server = vs_listen(&t, HOST, 8);
	fd = vs_from_host(&t, GUEST, &port);
	t.r.d[VSOCK_TX].avail->idx = (uint16_t)(t.r.d[VSOCK_TX].avail_idx + 1000);
	rig_kick(&t.r, VSOCK_TX);
	vs_pump(&t);
	CHECK(atomic_load(&t.r.dev->broken));
	CHECK(rig_signalled(t.r.dev->config_call_fd, 0));
	CHECK(vs_at_end(fd));
	CHECK_EQ(t.v->n_conns, 0);
	(void)close(fd);
	waiting = vs_client(&t, "CONNECT 3\n"); /* in the backlog, until there is a driver again */
	rig_kick(&t.r, VSOCK_TX);
	rig_kick(&t.r, VSOCK_RX);
	vs_pump(&t);
	CHECK_EQ(t.v->n_conns, 0);
	vs_start(&t, 0);
	vs_offer(&t, 8);
	CHECK(vs_expect(&t, 3, VSOCK_HOST_PORT + 1, OP_REQUEST, NULL));
	(void)close(waiting);
	fd = vs_from_guest(&t, server, GUEST, HOST);
	(void)close(fd);
	vs_unlisten(&t, HOST, server);
	vs_teardown(&t);
}

/* Packets without a connection: a reset for all but a reset. */
static void test_unknown(void)
{
	struct vsock_rig t;
	struct vs_packet p;
	struct virtio_vsock_hdr h;

	vs_setup(&t);
	vs_offer(&t, 16);
	for (uint16_t op = 0; op < 12; op++) {
		if (op == OP_REQUEST)
			continue;
		vs_send(&t, GUEST, HOST, op);
		if (op == OP_RST)
			vs_expect_nothing(&t);
		else
			CHECK(vs_expect(&t, GUEST, HOST, OP_RST, NULL));
	}
	/* Another type, also a known one: the reset has it too. */
	for (uint16_t type = 0; type < 5; type++) {
		if (type == VIRTIO_VSOCK_TYPE_STREAM)
			continue;
		h = vs_header(GUEST, HOST, OP_REQUEST);
		h.type = type;
		vs_send_raw(&t, &h, NULL);
		vs_pump(&t);
		CHECK(vs_take(&t, &p));
		CHECK_EQ(p.h.op, OP_RST);
		CHECK_EQ(p.h.type, type);
		h.op = OP_RST;
		vs_send_raw(&t, &h, NULL);
		vs_expect_nothing(&t);
	}
	/* To somebody else than the host. */
	h = vs_header(GUEST, HOST, OP_REQUEST);
	h.dst_cid = 77;
	vs_send_raw(&t, &h, NULL);
	vs_pump(&t);
	CHECK(vs_take(&t, &p));
	CHECK_EQ(p.h.op, OP_RST);
	CHECK_EQ(p.h.src_cid, 77);
	/* Not from this guest: no answer, and no way into its connections. */
	h.dst_cid = VSOCK_CID_HOST;
	for (int i = 0; i < 3; i++) {
		h.src_cid = (const uint64_t[]){ 2, VS_CID + (UINT64_C(1) << 32), 3 }[i];
		vs_send_raw(&t, &h, NULL);
		vs_expect_nothing(&t);
	}
	CHECK(!atomic_load(&t.r.dev->broken));
	vs_teardown(&t);
}

/* Packets that make no sense for their connection: it ends, by a reset, the others live. */
static void test_violations(void)
{
	static const struct {
		uint16_t op;
		uint32_t shut_before;
	} cases[] = {
		{ OP_REQUEST, 0 }, { OP_RESPONSE, 0 },   { 0, 0 }, { 8, 0 }, { UINT16_MAX, 0 },
		{ OP_RW, SEND },   { OP_RESPONSE, RCV },
	};
	struct vsock_rig t;
	int server;
	int other;

	vs_setup(&t);
	vs_offer(&t, 16);
	server = vs_listen(&t, HOST, 8);
	other = vs_from_guest(&t, server, GUEST + 1, HOST);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int fd = vs_from_guest(&t, server, GUEST, HOST);
		struct virtio_vsock_hdr h = vs_header(GUEST, HOST, cases[i].op);

		if (cases[i].shut_before)
			vs_send_shutdown(&t, GUEST, HOST, cases[i].shut_before);
		h.len = cases[i].op == OP_RW ? 1 : 0;
		vs_send_raw(&t, &h, "x");
		CHECK(vs_expect(&t, GUEST, HOST, OP_RST, NULL));
		CHECK(vs_at_end(fd));
		CHECK_EQ(t.v->n_conns, 1);
		(void)close(fd);
	}
	vs_send_data(&t, GUEST + 1, HOST, "fine", 4);
	vs_check_read(other, "fine");
	(void)close(other);
	vs_unlisten(&t, HOST, server);
	vs_teardown(&t);
}

/* Before the guest has accepted there is nothing to do but that. */
static void test_not_accepted(void)
{
	static const uint16_t ops[] = { OP_RW, OP_SHUTDOWN, OP_REQUEST };
	struct vsock_rig t;
	struct vs_packet p;
	uint32_t port;
	int fd;

	vs_setup(&t);
	vs_offer(&t, 16);
	for (size_t i = 0; i < ARRAY_LEN(ops); i++) {
		fd = vs_client(&t, "CONNECT 9\n");
		vs_pump(&t);
		CHECK(vs_take(&t, &p));
		vs_send(&t, GUEST, p.h.src_port, ops[i]);
		CHECK(vs_expect(&t, GUEST, p.h.src_port, OP_RST, NULL));
		CHECK(vs_at_end(fd));
		(void)close(fd);
	}
	/* An answer to a REQUEST that was never sent: the guest had no buffer for it. */
	vs_start(&t, 0);
	fd = vs_client(&t, "CONNECT 9\n");
	vs_pump(&t);
	port = TAILQ_FIRST(&t.v->all)->host_port;
	vs_send(&t, GUEST, port, OP_RESPONSE);
	CHECK_EQ(t.v->n_conns, 0);
	CHECK(vs_at_end(fd));
	vs_offer(&t, 4);
	vs_expect_nothing(&t); /* and the guest knows of nothing that could be reset */
	(void)close(fd);
	vs_teardown(&t);
}

/* Empty data, flags and lengths of packets that have none, a payload longer than it says. */
static void test_tolerated(void)
{
	struct vsock_rig t;
	struct virtio_vsock_hdr h = vs_header(GUEST, HOST, OP_RW);
	const struct vqd_buf odd[] = { { VS_TX_AT, 20, false },
				       { VS_TX_AT + 20, 0, false },
				       { VS_TX_AT + 20, 26, false },
				       { VS_TX_AT + 46, 100, false } };
	int server;
	int fd;

	vs_setup(&t);
	vs_offer(&t, 16);
	server = vs_listen(&t, HOST, 8);
	fd = vs_from_guest(&t, server, GUEST, HOST);
	vs_send_raw(&t, &h, NULL);
	h.op = OP_UPDATE;
	h.flags = UINT32_MAX;
	h.len = 3;
	vs_send_raw(&t, &h, "abc");
	h.op = OP_SHUTDOWN;
	h.flags = 0xfffffff0U;
	vs_send_raw(&t, &h, "abc");
	CHECK(vs_is_empty(fd));
	/* A header in two pieces, data in two, of more only what the header says. */
	h = vs_header(GUEST, HOST, OP_RW);
	h.len = 7;
	memcpy(t.r.ram + VS_TX_AT, &h, sizeof(h));
	memcpy(t.r.ram + VS_TX_AT + VS_HEADER, "payload and more", 16);
	(void)vqd_add(&t.r.d[VSOCK_TX], odd, ARRAY_LEN(odd));
	rig_kick(&t.r, VSOCK_TX);
	vs_pump(&t);
	vs_check_read(fd, "payload");
	vs_expect_nothing(&t);
	(void)close(fd);
	vs_unlisten(&t, HOST, server);
	vs_teardown(&t);
}

/* Many packets for nobody from a guest that takes none: it is not heard, its device stays bounded,
 * and after a while what nobody wants to hear is forgotten. */
static void test_flood(void)
{
	struct vsock_rig t;
	struct virtio_vsock_hdr h = vs_header(GUEST, HOST, OP_RW);
	const struct vqd_buf buf = { VS_TX_AT, VS_HEADER, false };
	struct vqd *d;
	struct vs_packet p;
	uint32_t head;
	uint32_t len;
	unsigned int taken = 0;
	unsigned int resets = 0;

	vs_setup(&t);
	d = &t.r.d[VSOCK_TX];
	memcpy(t.r.ram + VS_TX_AT, &h, sizeof(h));
	for (unsigned int i = 0; i < 3000; i++) {
		if ((uint16_t)(d->avail_idx - d->used_idx) == d->size)
			break;
		(void)vqd_add(d, &buf, 1);
		rig_kick(&t.r, VSOCK_TX);
		vs_pump(&t);
		while (vqd_used(d, &head, &len))
			taken++;
	}
	CHECK_EQ(taken, VSOCK_RESETS_STALL);
	CHECK_EQ(t.v->n_resets, VSOCK_RESETS_STALL);
	CHECK(t.v->tx_stalled);
	/* Buffers let it go on. */
	vs_offer(&t, 16);
	vs_pump(&t);
	while (vs_take(&t, &p)) {
		CHECK_EQ(p.h.op, OP_RST);
		resets++;
		vs_pump(&t);
	}
	while (vqd_used(d, &head, &len))
		taken++;
	CHECK_EQ(resets, taken);
	CHECK(!t.v->tx_stalled);
	CHECK_EQ(t.v->n_resets, 0);
	/* The same without ever a buffer: by time. */
	vs_start(&t, 0);
	for (taken = 0; taken < 5000;) {
		while ((uint16_t)(d->avail_idx - d->used_idx) < d->size)
			(void)vqd_add(d, &buf, 1);
		rig_kick(&t.r, VSOCK_TX);
		vs_pump(&t);
		if (t.v->tx_stalled)
			vs_expire(&t);
		while (vqd_used(d, &head, &len))
			taken++;
		CHECK(t.v->n_resets <= VSOCK_RESETS_STALL);
	}
	CHECK(!atomic_load(&t.r.dev->broken));
	vs_teardown(&t);
}

/* A flood of connections and their ends, with nobody reading. */
static void test_storm(void)
{
	struct vsock_rig t;
	unsigned int fds;
	int server;

	vs_setup(&t);
	server = vs_listen(&t, HOST, 4096);
	fds = vs_count_fds();
	for (uint32_t i = 0; i < 4000 && !t.v->tx_stalled; i++) {
		vs_send(&t, i % 1500, HOST, OP_REQUEST);
		if (i % 3 == 0)
			vs_send(&t, i % 1500, HOST, OP_RST);
		if (i % 5 == 0)
			vs_send_shutdown(&t, i % 1500, HOST, RCV | SEND);
		CHECK(t.v->n_conns <= VSOCK_CONNS_MAX);
		while (i % 64 == 0) {
			int fd = accept4(server, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

			if (fd < 0)
				break;
			(void)close(fd);
		}
	}
	CHECK(vs_count_fds() <= fds + VSOCK_CONNS_MAX);
	vs_start(&t, 0);
	CHECK_EQ(t.v->n_conns, 0);
	CHECK_EQ(vs_count_fds(), fds);
	vs_unlisten(&t, HOST, server);
	vs_teardown(&t);
}

/* Another processor of the guest changes everything while the device looks at it. */
struct racer {
	struct vsock_rig *t;
	atomic_bool stop;
};

static void *race(void *arg)
{
	struct racer *r = arg;
	uint8_t *ram = r->t->r.ram;
	struct vring_desc *desc = r->t->r.d[VSOCK_TX].desc;
	unsigned int seed = 1;

	while (!atomic_load(&r->stop)) {
		seed = seed * 1103515245U + 12345;
		__atomic_store_n((uint32_t *)(void *)(ram + VS_TX_AT + 24), seed % 3 ? 100 : seed,
				 __ATOMIC_RELAXED); /* len */
		__atomic_store_n((uint16_t *)(void *)(ram + VS_TX_AT + 30), (uint16_t)(seed % 9),
				 __ATOMIC_RELAXED); /* op */
		__atomic_store_n(&desc[seed % RIG_SIZE].len,
				 seed % 5 ? VS_HEADER + 100U : seed % 200, __ATOMIC_RELAXED);
	}
	return NULL;
}

static void test_double_fetch(void)
{
	struct vsock_rig t;
	struct racer r = { .t = &t };
	pthread_t thread;
	unsigned int broken = 0;
	int server;

	vs_setup(&t);
	server = vs_listen(&t, HOST, 4096);
	vs_offer(&t, 32);
	CHECK_EQ(pthread_create(&thread, NULL, race, &r), 0);
	for (int i = 0; i < 3000; i++) {
		const struct vqd_buf buf = { VS_TX_AT, VS_HEADER + 100, false };
		struct virtio_vsock_hdr h = vs_header(GUEST, HOST, OP_RW);
		struct vqd *d = &t.r.d[VSOCK_TX];
		struct vs_packet p;
		uint32_t head;
		uint32_t len;

		memcpy(t.r.ram + VS_TX_AT, &h, 24);
		memcpy(t.r.ram + VS_TX_AT + 28, &h.type, 2);
		(void)vqd_add(d, &buf, 1);
		rig_kick(&t.r, VSOCK_TX);
		vs_pump(&t);
		while (vqd_used(d, &head, &len))
			;
		while (vs_take(&t, &p))
			;
		if (atomic_load(&t.r.dev->broken)) {
			broken++;
			vs_start(&t, 0);
			vs_offer(&t, 32);
		}
	}
	atomic_store(&r.stop, true);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK(broken > 0);
	vs_unlisten(&t, HOST, server);
	vs_teardown(&t);
}

TEST_MAIN(TEST(test_malformed), TEST(test_broken), TEST(test_unknown), TEST(test_violations),
	  TEST(test_not_accepted), TEST(test_tolerated), TEST(test_flood), TEST(test_storm),
	  TEST(test_double_fetch))
