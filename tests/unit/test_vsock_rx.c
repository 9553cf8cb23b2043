// SPDX-License-Identifier: GPL-2.0-or-later
/* Packets to the guest: odd buffers, none, and who gets them when there are few. */
#include "tests/unit/vsock_rig.h"

enum {
	GUEST = 9,
	HOST = 90,
	OP_RW = VIRTIO_VSOCK_OP_RW,
	OP_RST = VIRTIO_VSOCK_OP_RST,
};

static void test_bad_buffers(void)
{
	static const struct {
		struct vqd_buf bufs[2];
		size_t n;
	} cases[] = {
		{ { { VS_RX_AT, VS_HEADER, true } }, 1 }, /* no room for data, ever */
		{ { { VS_RX_AT, 10, true } }, 1 },
		{ { { VS_RX_AT, VS_SLOT, false } }, 1 },
		{ { { VS_RX_AT, 8, false }, { VS_RX_AT, VS_SLOT, true } }, 2 },
		{ { { VQD_BYTES - 100, VS_SLOT, true } }, 1 },
	};
	struct vsock_rig t;

	vs_setup(&t);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		vs_start(&t, 0);
		(void)vqd_add(&t.r.d[VSOCK_RX], cases[i].bufs, cases[i].n);
		vs_send(&t, GUEST, HOST, OP_RW); /* for nobody: a reset is owed */
		if (!atomic_load(&t.r.dev->broken))
			TEST_FAIL("case %zu broke nothing", i);
	}
	vs_teardown(&t);
}

/* A header across three buffers, data across two: written byte by byte where it belongs. */
static void test_split(void)
{
	const struct vqd_buf bufs[] = {
		{ VS_RX_AT, 7, true },       { VS_RX_AT + 7, 0, true },  { VS_RX_AT + 7, 30, true },
		{ VS_RX_AT + 37, 10, true }, { VS_RX_AT + 47, 5, true },
	};
	struct vsock_rig t;
	struct virtio_vsock_hdr h;
	uint32_t head = 0;
	uint32_t len = 0;
	uint32_t port;
	int fd;

	vs_setup(&t);
	vs_offer(&t, 1);
	fd = vs_from_host(&t, GUEST, &port);
	CHECK_EQ(send(fd, "x", 1, 0), 1); /* takes the buffer that was given back */
	vs_pump(&t);
	CHECK(vqd_used(&t.r.d[VSOCK_RX], &head, &len));
	memset(t.r.ram + VS_RX_AT, 0xee, 64);
	(void)vqd_add(&t.r.d[VSOCK_RX], bufs, ARRAY_LEN(bufs));
	rig_kick(&t.r, VSOCK_RX);
	CHECK_EQ(send(fd, "123456789", 9, 0), 9);
	vs_pump(&t);
	CHECK(vqd_used(&t.r.d[VSOCK_RX], &head, &len));
	CHECK_EQ(len, VS_HEADER + 8);
	memcpy(&h, t.r.ram + VS_RX_AT, sizeof(h));
	CHECK_EQ(h.op, OP_RW);
	CHECK_EQ(h.len, 8);
	CHECK_MEM(t.r.ram + VS_RX_AT + VS_HEADER, "12345678\xee", 9);
	(void)close(fd);
	vs_teardown(&t);
}

/* Without buffers the device rests, and asks for a kick; it goes on where it was. */
static void test_starved(void)
{
	static const uint8_t data[30000];
	struct vsock_rig t;
	struct vs_packet p;
	uint32_t port;
	uint32_t got = 0;
	int fd;

	vs_setup(&t);
	vs_offer(&t, 1);
	fd = vs_from_host(&t, GUEST, &port);
	CHECK_EQ(send(fd, data, sizeof(data), 0), (ssize_t)sizeof(data));
	vs_pump(&t);                                    /* fails when it is busy */
	while (got < sizeof(data) && vs_take(&t, &p)) { /* which gives one buffer back */
		CHECK_EQ(p.h.op, OP_RW);
		CHECK_EQ(p.h.len, sizeof(data) - got < VS_SLOT - VS_HEADER ? sizeof(data) - got
									   : VS_SLOT - VS_HEADER);
		got += p.h.len;
		CHECK(t.v->rx_starved || got == sizeof(data));
		vs_pump(&t);
	}
	CHECK_EQ(got, sizeof(data));
	vs_expect_nothing(&t);
	(void)close(fd);
	vs_teardown(&t);
}

/* With one buffer at a time: every connection has its turn, however much one sends. */
static void test_fair(void)
{
	enum { N = 5, TURNS = 40 };
	static const uint8_t data[200000];
	struct vsock_rig t;
	struct vs_packet p;
	unsigned int turns[N] = { 0 };
	uint32_t ports[N];
	int fds[N];

	vs_setup(&t);
	vs_offer(&t, 1);
	for (uint32_t i = 0; i < N; i++)
		fds[i] = vs_from_host(&t, i, &ports[i]);
	for (uint32_t i = 0; i < N; i++)
		CHECK(send(fds[i], data, sizeof(data), 0) > 100000);
	vs_pump(&t);
	for (int i = 0; i < N * TURNS; i++) {
		if (!vs_take(&t, &p))
			break;
		CHECK_EQ(p.h.op, OP_RW);
		turns[p.h.dst_port % N]++;
		vs_pump(&t);
	}
	for (int i = 0; i < N; i++) {
		CHECK(turns[i] >= TURNS - 1 && turns[i] <= TURNS + 1);
		(void)close(fds[i]);
	}
	vs_teardown(&t);
}

/* One read fills many buffers; interrupts come by the batch. */
static void test_batch(void)
{
	static uint8_t data[100000];
	struct vsock_rig t;
	struct vs_packet p;
	uint32_t port;
	uint32_t got = 0;
	eventfd_t calls = 0;
	int fd;

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 3 + i / 259);
	vs_setup(&t);
	vs_offer(&t, RIG_SIZE);
	fd = vs_from_host(&t, GUEST, &port);
	(void)eventfd_read(t.r.dev->queues[VSOCK_RX].call_fd, &calls);
	CHECK_EQ(send(fd, data, sizeof(data), 0), (ssize_t)sizeof(data));
	vs_pump(&t);
	CHECK_EQ(eventfd_read(t.r.dev->queues[VSOCK_RX].call_fd, &calls), 0);
	CHECK_EQ(calls, 1);
	while (vs_take(&t, &p)) {
		CHECK_MEM(p.data, data + got, p.h.len);
		got += p.h.len;
	}
	CHECK_EQ(got, sizeof(data));
	(void)close(fd);
	vs_teardown(&t);
}

/* Descriptors that come along with a host's data are not kept, and hide no data. */
static void test_passed_fds(void)
{
	struct vsock_rig t;
	struct vs_packet p;
	union {
		struct cmsghdr h;
		uint8_t room[CMSG_SPACE(sizeof(int))];
	} control = { .h = { .cmsg_len = CMSG_LEN(sizeof(int)),
			     .cmsg_level = SOL_SOCKET,
			     .cmsg_type = SCM_RIGHTS } };
	struct iovec iov = { .iov_base = (void *)(uintptr_t) "first ", .iov_len = 6 };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = &control,
			    .msg_controllen = sizeof(control) };
	unsigned int fds;
	uint32_t port;
	int fd;

	vs_setup(&t);
	vs_offer(&t, 8);
	fd = vs_from_host(&t, GUEST, &port);
	fds = vs_count_fds();
	memcpy(CMSG_DATA(&control.h), &t.dir_fd, sizeof(int));
	CHECK_EQ(sendmsg(fd, &m, 0), 6);
	CHECK_EQ(send(fd, "second", 6, 0), 6);
	CHECK(vs_expect(&t, GUEST, port, OP_RW, &p));
	CHECK_MEM(p.data, "first ", 6);
	CHECK(vs_expect(&t, GUEST, port, OP_RW, &p));
	CHECK_MEM(p.data, "second", 6);
	CHECK_EQ(vs_count_fds(), fds);
	(void)close(fd);
	vs_teardown(&t);
}

TEST_MAIN(TEST(test_bad_buffers), TEST(test_split), TEST(test_starved), TEST(test_fair),
	  TEST(test_batch), TEST(test_passed_fds))
