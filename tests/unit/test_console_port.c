// SPDX-License-Identifier: GPL-2.0-or-later
/* Bytes through the console's ports: both ways, flow control, hostile buffers. */
#include "tests/unit/console_rig.h"

static void test_both_ways(void)
{
	struct console_rig n;
	int host[2];

	rig_ports(&n, 2);
	host[0] = rig_socket(&n, 0);
	host[1] = rig_socket(&n, 1);
	rig_make(&n);
	rig_drop(&n, 0);
	rig_drop(&n, 1);
	handshake(&n);
	for (uint32_t port = 0; port < 2; port++) {
		offer(&n, port, 4);
		host_send(&n, host[port], "hello guest");
		CHECK_STR(guest_got(&n, port), "hello guest");
		CHECK(rig_signalled(n.r.dev->queues[rx_of(port)].call_fd, 0));
		guest_send(&n, port, "hello host", 10);
		CHECK_STR(host_got(host[port]), "hello host");
		CHECK_EQ(guest_sent(&n, port), 1);
		CHECK(rig_signalled(n.r.dev->queues[tx_of(port)].call_fd, 0));
	}
	rig_off(&n);
	CHECK_EQ(read(host[0], &host[1], 1), 0); /* no descriptor is left */
	(void)close(host[0]);
}

/* A driver that does not know ports has port 0, open from the start. */
static void test_one_port(void)
{
	struct console_rig n;
	int host;

	rig_ports(&n, 2);
	host = rig_socket(&n, 0);
	rig_make(&n);
	rig_drop(&n, 0);
	rig_on(&n, 0);
	offer(&n, 0, 1);
	host_send(&n, host, "in");
	CHECK_STR(guest_got(&n, 0), "in");
	guest_send(&n, 0, "out", 3);
	CHECK_STR(host_got(host), "out");
	tell(&n, 0, VIRTIO_CONSOLE_DEVICE_READY, 1); /* a queue that nobody reads */
	CHECK_STR(heard(&n), "");
	CHECK(!is_broken(&n));
	rig_off(&n);
	(void)close(host);
}

/* The guest has not opened the port, or gives no buffers: bytes wait in the host's kernel. */
static void test_guest_is_slow(void)
{
	struct console_rig n;
	int host = rig_with_socket(&n);

	handshake(&n);
	tell(&n, 1, VIRTIO_CONSOLE_PORT_OPEN, 0);
	offer(&n, 1, 1);
	host_send(&n, host, "first");
	CHECK_STR(guest_got(&n, 1), "");
	tell(&n, 1, VIRTIO_CONSOLE_PORT_OPEN, 1);
	CHECK_STR(guest_got(&n, 1), "first");
	host_send(&n, host, "second");
	CHECK_STR(guest_got(&n, 1), "");
	/* Nothing is watched that could wake the loop. */
	CHECK(!((struct console *)n.r.dev)->ports[1].host.in.src.listed);
	offer(&n, 1, 1);
	CHECK_STR(guest_got(&n, 1), "second");
	/* More than a buffer holds goes over several. */
	for (int i = 0; i < 30; i++)
		host_send(&n, host,
			  "0123456789012345678901234567890123456789012345678901234567890123456789"
			  "012345678901234567890123456789");
	offer(&n, 1, 2);
	CHECK_EQ(strlen(guest_got(&n, 1)), 2 * RECV_BYTES);
	offer(&n, 1, 4);
	CHECK_EQ(strlen(guest_got(&n, 1)), 3000 - 2 * RECV_BYTES);
	rig_off(&n);
	(void)close(host);
}

/* Reads what the host's side has and compares it with the pattern from *@at on. */
static void drain(int fd, uint32_t *at)
{
	static uint8_t data[65536];
	ssize_t n;

	while ((n = read(fd, data, sizeof(data))) > 0) {
		for (ssize_t i = 0; i < n; i++, (*at)++) {
			if (data[i] != (uint8_t)(*at % 251)) {
				TEST_FAIL("byte %u differs", *at);
				return;
			}
		}
	}
}

/* More than the host takes: buffers stay in the ring, and nothing is lost or sent twice. */
static void test_host_is_slow(void)
{
	enum { CHUNK = 100000, CHUNKS = 10 };
	static uint8_t data[CHUNK];
	struct console_rig n;
	unsigned int sent = 0;
	unsigned int waited = 0;
	uint32_t got = 0;
	int host;

	host = rig_with_socket(&n);
	handshake(&n);
	for (uint32_t i = 0; i < CHUNKS; i++) {
		for (uint32_t k = 0; k < CHUNK; k++)
			data[k] = (uint8_t)((i * CHUNK + k) % 251);
		guest_send(&n, 1, data, CHUNK);
		for (int round = 0; round < 100 && sent <= i; round++) {
			sent += guest_sent(&n, 1);
			waited += sent <= i;
			/* Only now and then, so that the socket is full mostly. */
			if (sent <= i)
				drain(host, &got);
			pump(&n);
			sent += guest_sent(&n, 1);
		}
		CHECK_EQ(sent, i + 1);
	}
	CHECK(waited > 2);
	drain(host, &got);
	CHECK_EQ(got, CHUNK * CHUNKS);
	rig_off(&n);
	(void)close(host);
}

/* The host's side goes while the guest waits for it: the guest waits no more. */
static void test_host_leaves(void)
{
	static uint8_t data[SEND_BYTES];
	struct console_rig n;
	int host = rig_with_socket(&n);

	handshake(&n);
	for (int i = 0; i < 4; i++)
		guest_send(&n, 1, data, SEND_BYTES);
	CHECK(guest_sent(&n, 1) < 4);
	(void)close(host);
	pump(&n);
	CHECK_EQ(n.r.d[tx_of(1)].used->idx, 4);
	CHECK(!is_broken(&n));
	rig_off(&n);
}

/* What is in the ring when the machine ends is written. */
static void test_last_output(void)
{
	const struct vqd_buf b = { SEND, 8, false };
	struct console_rig n;
	int host = rig_with_socket(&n);

	handshake(&n);
	memcpy(n.r.ram + SEND, "the end\n", 8);
	for (int i = 0; i < 40; i++)
		(void)vqd_add(&n.r.d[tx_of(1)], &b, 1);
	loop_stop(&n.loop);
	virtio_device_reset(n.r.dev);
	CHECK_EQ(strlen(host_got(host)), 320);
	rig_off(&n);
	(void)close(host);
}

/* Chains of odd form, and ones that are none. */
static void test_buffers(void)
{
	static const struct {
		uint16_t queue;
		struct vqd_buf b[3];
		size_t n;
		bool broken;
		const char *host; /* what comes out */
	} cases[] = {
		{ 1, { { SEND, 0, false } }, 1, false, "" },
		{ 1,
		  { { SEND, 2, false }, { SEND + 9, 0, false }, { SEND + 2, 1, false } },
		  3,
		  false,
		  "abc" },
		{ 1, { { SEND, 2, false }, { SEND, 2, true } }, 2, true, "" },
		{ 1, { { SEND, 2, true } }, 1, true, "" },
		{ 1, { { 0x7fffff00, 2, false } }, 1, true, "" },
		{ 1, { { SEND, UINT32_MAX, false } }, 1, true, "" },
		{ 0, { { RECV, 0, true } }, 1, true, "" },
		{ 0, { { RECV, 8, false } }, 1, true, "" },
		{ 0, { { RECV, 8, false }, { RECV, 8, true } }, 2, true, "" },
		{ 0, { { 0x7fffff00, 2, true } }, 1, true, "" },
		{ 0, { { RECV, 0, true }, { RECV, 8, true } }, 2, false, "" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct console_rig n;
		int host;

		rig_ports(&n, 1);
		host = rig_socket(&n, 0);
		rig_make(&n);
		rig_drop(&n, 0);
		handshake(&n);
		host_send(&n, host, "in");
		memcpy(n.r.ram + SEND, "abcdef", 6);
		(void)vqd_add(&n.r.d[cases[i].queue], cases[i].b, cases[i].n);
		rig_kick(&n.r, cases[i].queue);
		pump(&n);
		if (is_broken(&n) != cases[i].broken)
			TEST_FAIL("case %zu: broken is %d", i, is_broken(&n));
		CHECK_STR(host_got(host), cases[i].host);
		virtio_device_reset(n.r.dev);
		handshake(&n);
		guest_send(&n, 0, "again", 5);
		CHECK_STR(host_got(host), "again");
		rig_off(&n);
		(void)close(host);
	}
}

/* A chain that refers to itself, and a chain that shrinks while the rest of it waits. */
static void test_hostile_chain(void)
{
	static uint8_t data[SEND_BYTES];
	struct console_rig n;
	struct vqd *d;
	int host;

	host = rig_with_socket(&n);
	handshake(&n);
	d = &n.r.d[tx_of(1)];
	for (int i = 0; i < 4; i++)
		guest_send(&n, 1, data, SEND_BYTES);
	CHECK(d->used->idx < 4);
	for (uint16_t i = 0; i < 4; i++)
		d->desc[i].len = 1;
	while (read(host, data, sizeof(data)) > 0)
		;
	pump(&n);
	CHECK_EQ(d->used->idx, 4);
	CHECK(!is_broken(&n));
	vqd_desc(d, 9, VQD_GPA + SEND, 1, VRING_DESC_F_NEXT, 9);
	vqd_publish(d, 9);
	rig_kick(&n.r, tx_of(1));
	pump(&n);
	CHECK(is_broken(&n));
	rig_off(&n);
	(void)close(host);
}

/* A huge chain: the same memory over and over. The loop has other sources that want their turn. */
static void test_huge(void)
{
	struct vqd_buf b[32];
	struct console_rig n;
	uint64_t got = 0;
	static uint8_t data[1 << 20];
	int host;

	host = rig_with_socket(&n);
	handshake(&n);
	for (size_t i = 0; i < ARRAY_LEN(b); i++)
		b[i] = (struct vqd_buf){ 0, VQD_BYTES, false };
	(void)vqd_add(&n.r.d[tx_of(1)], b, ARRAY_LEN(b));
	rig_kick(&n.r, tx_of(1));
	for (int i = 0; i < 10000 && n.r.d[tx_of(1)].used->idx == 0; i++) {
		ssize_t len;

		stop_calls = 0;
		CHECK_EQ(loop_run(&n.loop), 0);
		n.loop.stopping = false;
		while ((len = read(host, data, sizeof(data))) > 0)
			got += (uint64_t)len;
	}
	for (ssize_t len; (len = read(host, data, sizeof(data))) > 0;)
		got += (uint64_t)len;
	CHECK_EQ(got, ARRAY_LEN(b) * (uint64_t)VQD_BYTES);
	rig_off(&n);
	(void)close(host);
}

TEST_MAIN(TEST(test_both_ways), TEST(test_one_port), TEST(test_guest_is_slow),
	  TEST(test_host_is_slow), TEST(test_host_leaves), TEST(test_last_output),
	  TEST(test_buffers), TEST(test_hostile_chain), TEST(test_huge))
