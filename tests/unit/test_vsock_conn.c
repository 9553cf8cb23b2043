// SPDX-License-Identifier: GPL-2.0-or-later
/* Credit in both directions, with counters that wrap, and the buffer of a connection. */
#include "tests/unit/vsock_rig.h"

enum {
	GUEST = 9,
	HOST = 90,
	OP_RW = VIRTIO_VSOCK_OP_RW,
	OP_RST = VIRTIO_VSOCK_OP_RST,
	OP_UPDATE = VIRTIO_VSOCK_OP_CREDIT_UPDATE,
};

struct pair {
	struct vsock_rig t;
	struct vsock_conn *c;
	int server, fd;
};

static void pair_setup(struct pair *p)
{
	vs_setup(&p->t);
	vs_offer(&p->t, RIG_SIZE);
	p->server = vs_listen(&p->t, HOST, 8);
	p->fd = vs_from_guest(&p->t, p->server, GUEST, HOST);
	p->c = TAILQ_FIRST(&p->t.v->all);
}

static void pair_teardown(struct pair *p)
{
	(void)close(p->fd);
	vs_unlisten(&p->t, HOST, p->server);
	vs_teardown(&p->t);
}

/* The guest says how much it took of what it was sent, and how large its buffer is. */
static void tell(struct pair *p, uint32_t buf_alloc, uint32_t fwd_cnt)
{
	struct virtio_vsock_hdr h = vs_header(GUEST, HOST, OP_UPDATE);

	h.buf_alloc = buf_alloc;
	h.fwd_cnt = fwd_cnt;
	vs_send_raw(&p->t, &h, NULL);
}

static void test_room(void)
{
	static const struct {
		uint32_t sent, peer_taken, peer_buf, room;
	} cases[] = {
		{ 0, 0, 100, 100 },
		{ 60, 0, 100, 40 },
		{ 100, 0, 100, 0 },
		{ 100, 0, 50, 0 }, /* it made its buffer smaller */
		{ 20, UINT32_MAX - 9, 100, 70 },
		{ UINT32_MAX, UINT32_MAX, 7, 7 },
		{ 0x80000000U, 0x7fffffffU, 7, 6 },
		{ 5, 5, 0, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct vsock_conn c = { .sent = cases[i].sent,
					      .peer_taken = cases[i].peer_taken,
					      .peer_buf = cases[i].peer_buf };

		CHECK_EQ(vsock_conn_room(&c), cases[i].room);
	}
}

static void test_credit(void)
{
	static const struct {
		uint32_t sent, had, told, rc_ok, now;
	} cases[] = {
		{ 100, 0, 60, 1, 60 },
		{ 100, 60, 100, 1, 100 },
		{ 100, 60, 40, 1, 60 },  /* an older packet: nothing is taken back */
		{ 100, 60, 101, 0, 60 }, /* more than it was sent */
		{ 4, UINT32_MAX - 5, 3, 1, 3 },
		{ 4, UINT32_MAX - 5, UINT32_MAX - 2, 1, UINT32_MAX - 2 },
		{ 4, UINT32_MAX - 5, 5, 0, UINT32_MAX - 5 },
		{ 4, UINT32_MAX - 5, UINT32_MAX - 9, 1, UINT32_MAX - 5 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct vsock_conn c = { .sent = cases[i].sent, .peer_taken = cases[i].had };

		CHECK_EQ(vsock_conn_credit(&c, 1000, cases[i].told), cases[i].rc_ok ? 0 : -EPROTO);
		CHECK_EQ(c.peer_taken, cases[i].now);
	}
}

/* 4 GiB of buffer, as a guest may claim: what is in flight stays countable. */
static void test_huge_buffer(void)
{
	struct vsock_conn c = { .sent = 0 };

	CHECK_EQ(vsock_conn_credit(&c, UINT32_MAX, 0), 0);
	c.sent = VSOCK_IN_FLIGHT_MAX;
	CHECK_EQ(vsock_conn_room(&c), 0);
	CHECK_EQ(vsock_conn_credit(&c, UINT32_MAX, 0), 0);
}

/* Streams in both directions across the wrap of every counter. */
static void test_wrap(void)
{
	static uint8_t data[50000];
	static uint8_t got[50000];
	struct pair p;
	struct vs_packet k;

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 13 + i / 255);
	pair_setup(&p);
	p.c->sent = p.c->peer_taken = UINT32_MAX - 20000;
	p.c->taken = p.c->told_taken = UINT32_MAX - 30000;
	tell(&p, 8000, UINT32_MAX - 20000);
	CHECK_EQ(send(p.fd, data, sizeof(data), 0), (ssize_t)sizeof(data));
	for (uint32_t n = 0; n < sizeof(data);) {
		uint32_t in_flight = 0;

		vs_pump(&p.t);
		while (vs_take(&p.t, &k)) {
			CHECK_EQ(k.h.op, OP_RW);
			CHECK(n + k.h.len <= sizeof(data));
			CHECK_MEM(k.data, data + n, k.h.len);
			n += k.h.len;
			in_flight += k.h.len;
		}
		CHECK(in_flight > 0 && in_flight <= 8000);
		if (test_failed)
			break;
		tell(&p, 8000, UINT32_MAX - 20000 + n);
	}
	for (uint32_t n = 0; n < sizeof(data); n += 10000) {
		struct virtio_vsock_hdr h = vs_header(GUEST, HOST, OP_RW);

		h.fwd_cnt = p.c->peer_taken;
		h.len = 10000;
		vs_send_raw(&p.t, &h, data + n);
		CHECK_EQ(recv(p.fd, got + n, 10000, 0), 10000);
	}
	CHECK_MEM(got, data, sizeof(data));
	CHECK_EQ(p.c->taken, (uint32_t)(UINT32_MAX - 30000 + sizeof(data)));
	pair_teardown(&p);
}

/* The guest learns of its credit in time: never more than half of it is untold. */
static void test_updates(void)
{
	static const uint8_t data[32768];
	static uint8_t got[32768];
	struct pair p;
	struct vs_packet k;
	unsigned int updates = 0;
	uint32_t told = 0;
	uint32_t sent = 0;

	pair_setup(&p);
	while (sent < 1 << 20) {
		vs_send_data(&p.t, GUEST, HOST, data, sizeof(data));
		sent += (uint32_t)sizeof(data);
		CHECK_EQ(recv(p.fd, got, sizeof(got), 0), (ssize_t)sizeof(got));
		while (vs_take(&p.t, &k)) {
			CHECK_EQ(k.h.op, OP_UPDATE);
			CHECK_EQ(k.h.buf_alloc, VSOCK_BUF_LARGE);
			told = k.h.fwd_cnt;
			updates++;
		}
		CHECK(sent - told <= VSOCK_BUF_LARGE / 2);
	}
	CHECK_EQ(updates, (1 << 20) / (VSOCK_BUF_LARGE / 2));
	/* And when it asks. */
	vs_send_data(&p.t, GUEST, HOST, data, 5);
	vs_expect_nothing(&p.t);
	vs_send(&p.t, GUEST, HOST, VIRTIO_VSOCK_OP_CREDIT_REQUEST);
	CHECK(vs_expect(&p.t, GUEST, HOST, OP_UPDATE, &k));
	CHECK_EQ(k.h.fwd_cnt, (1 << 20) + 5);
	pair_teardown(&p);
}

/* More than the credit is the end of the connection, and of it alone. */
static void test_abuse(void)
{
	static const uint8_t data[60000];
	struct pair p;
	struct vs_packet k;
	int other;

	pair_setup(&p);
	other = vs_from_guest(&p.t, p.server, GUEST + 1, HOST);
	for (int i = 0; i < 100 && p.t.v->n_conns == 2; i++) {
		vs_send_data(&p.t, GUEST, HOST, data, sizeof(data));
		CHECK(p.t.v->n_conns == 1 || p.c->buf_len <= VSOCK_BUF_LARGE);
	}
	CHECK_EQ(p.t.v->n_conns, 1);
	do
		CHECK(vs_take(&p.t, &k));
	while (k.h.op == OP_UPDATE);
	CHECK_EQ(k.h.op, OP_RST);
	CHECK_EQ(k.h.dst_port, GUEST);
	CHECK(!atomic_load(&p.t.r.dev->broken));
	vs_send_data(&p.t, GUEST + 1, HOST, "fine", 4);
	vs_check_read(other, "fine");
	(void)close(other);
	pair_teardown(&p);
}

/* The ring of the buffer, across its end, in pieces of all sizes. */
static void test_ring(void)
{
	static uint8_t data[60000];
	struct pair p;
	uint64_t sent = 0;
	uint64_t got = 0;
	unsigned int seed = 1;

	pair_setup(&p);
	while (sent < 3 << 20 && !test_failed) {
		struct vs_packet k;
		static uint8_t back[70000];
		uint32_t free_bytes = VSOCK_BUF_LARGE - p.c->buf_len;
		uint32_t len = (seed = seed * 1103515245U + 12345) % sizeof(data) + 1;
		ssize_t n;

		len = len < free_bytes ? len : free_bytes;
		for (uint32_t i = 0; i < len; i++)
			data[i] = (uint8_t)((sent + i) * 7 + (sent + i) / 1000);
		if (len > 0)
			vs_send_data(&p.t, GUEST, HOST, data, len);
		sent += len;
		while (vs_take(&p.t, &k))
			CHECK_EQ(k.h.op, OP_UPDATE);
		/* Slower than the guest at first, so that the buffer fills. */
		n = recv(p.fd, back, sent < 1 << 20 ? len / 2 + 1 : sizeof(back), 0);
		for (ssize_t i = 0; i < n; i++) {
			if (back[i] !=
			    (uint8_t)((got + (uint64_t)i) * 7 + (got + (uint64_t)i) / 1000)) {
				TEST_FAIL("byte %llu", (unsigned long long)got + (uint64_t)i);
				break;
			}
		}
		got += n > 0 ? (uint64_t)n : 0;
		vs_pump(&p.t);
	}
	CHECK(got > 2 << 20);
	pair_teardown(&p);
}

TEST_MAIN(TEST(test_room), TEST(test_credit), TEST(test_huge_buffer), TEST(test_wrap),
	  TEST(test_updates), TEST(test_abuse), TEST(test_ring))
