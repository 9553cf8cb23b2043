// SPDX-License-Identifier: GPL-2.0-or-later
/* The network device with a socket in the place of the TAP: frames both ways, refusals, limits. */
#include "vmmode/virtio/net.h"

#include <linux/virtio_net.h>
#include <sys/socket.h>

#include "tests/unit/vq_rig.h"
#include "vmmode/virtio/net_internal.h"

enum {
	RX = 0,
	TX = 1,
	CTRL = 2,
	BUF = VQD_DATA, /* offset in guest RAM of what the tests send and receive */
	HEADER = TAP_HEADER_BYTES,
};

#define BIT(n)  (UINT64_C(1) << (n))
#define V1      BIT(32)
#define EVENT   BIT(29)
#define MRG     BIT(VIRTIO_NET_F_MRG_RXBUF)
#define TSO     (BIT(VIRTIO_NET_F_GUEST_CSUM) | BIT(VIRTIO_NET_F_GUEST_TSO4))
#define CTRL_VQ BIT(VIRTIO_NET_F_CTRL_VQ)

struct net_rig {
	struct rig r;
	struct loop loop;
	struct loop_source stop;
	int host_fd; /* the other end of the "TAP" */
	int tap_fd;
};

static struct loop *stop_loop;
static int stop_calls;

static void on_stop(struct loop_source *src, uint32_t events)
{
	(void)src;
	(void)events;
	/* All that is ready has its turn between two calls. */
	if (++stop_calls == 2)
		loop_stop(stop_loop);
}

/* Runs the loop until nothing is left to do. */
static void pump(struct net_rig *n)
{
	/* The stop source is always ready. */
	for (int i = 0; i < 12; i++) {
		stop_calls = 0;
		CHECK_EQ(loop_run(&n->loop), 0);
	}
}

static void setup(struct net_rig *n, struct virtio_net_options *o)
{
	struct virtio_device *dev = NULL;
	struct err err = ERR_INIT;
	int pair[2];

	memset(n, 0, sizeof(*n));
	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
		abort();
	n->host_fd = pair[0];
	n->tap_fd = pair[1];
	for (uint16_t i = 0; i < o->n_pairs && i < NET_PAIRS_MAX; i++)
		o->tap_fds[i] = i == 0 ? pair[1] : dup(pair[1]);
	CHECK_EQ(loop_init(&n->loop), 0);
	stop_loop = &n->loop;
	n->stop = (struct loop_source){ .fd = rig_eventfd(), .ready = on_stop };
	CHECK_EQ(eventfd_write(n->stop.fd, 1), 0);
	CHECK_EQ(loop_add(&n->loop, &n->stop, EPOLLIN), 0);
	if (virtio_net_new(o, &n->loop, &dev, &err) < 0) {
		TEST_FAIL("%s", err.msg);
		abort();
	}
	rig_init(&n->r, dev);
}

static void setup_one(struct net_rig *n, uint64_t features)
{
	struct virtio_net_options o = { .n_pairs = 1, .mac = { 2, 0, 0, 0, 0, 1 } };

	setup(n, &o);
	CHECK_EQ(rig_activate(&n->r, V1 | features, 3), 0);
}

static void teardown(struct net_rig *n)
{
	struct net *net = CONTAINER_OF(n->r.dev, struct net, dev);

	for (uint16_t i = 1; i < net->n_pairs; i++)
		(void)close(net->pairs[i]->tap.fd);
	rig_fini(&n->r);
	loop_fini(&n->loop);
	(void)close(n->stop.fd);
	(void)close(n->host_fd);
	(void)close(n->tap_fd);
}

/* The guest sends @frame_bytes behind @h, cut into a header of its own or not. */
static void guest_send(struct net_rig *n, const struct virtio_net_hdr_v1 *h, uint32_t frame_bytes,
		       bool split)
{
	const struct vqd_buf whole = { BUF, HEADER + frame_bytes, false };
	const struct vqd_buf parts[] = { { BUF, HEADER, false },
					 { BUF + HEADER, frame_bytes, false } };

	memcpy(n->r.ram + BUF, h, HEADER);
	for (uint32_t i = 0; i < frame_bytes; i++)
		n->r.ram[BUF + HEADER + i] = (uint8_t)(i * 7 + 1);
	(void)vqd_add(&n->r.d[TX], split ? parts : &whole, split ? 2 : 1);
	rig_kick(&n->r, TX);
}

/* The host sends a packet of @frame_bytes. */
static void host_send(struct net_rig *n, uint32_t frame_bytes)
{
	static uint8_t packet[HEADER + 70000];

	for (uint32_t i = 0; i < frame_bytes; i++)
		packet[HEADER + i] = (uint8_t)(i * 3 + 5);
	CHECK_EQ(send(n->host_fd, packet, HEADER + frame_bytes, 0), HEADER + frame_bytes);
}

/* @n_bufs receive buffers of @bytes, side by side in guest RAM from BUF on. */
static void guest_offer(struct net_rig *n, uint16_t n_bufs, uint32_t bytes)
{
	for (uint32_t i = 0; i < n_bufs; i++) {
		const struct vqd_buf b = { BUF + i * bytes, bytes, true };

		(void)vqd_add(&n->r.d[RX], &b, 1);
	}
	rig_kick(&n->r, RX);
}

static void check_frame(const uint8_t *got, uint32_t bytes, unsigned int mul, unsigned int add)
{
	for (uint32_t i = 0; i < bytes; i++) {
		if (got[i] != (uint8_t)(i * mul + add)) {
			TEST_FAIL("byte %u of the frame differs", i);
			return;
		}
	}
}

static void test_options(void)
{
	static const struct {
		struct virtio_net_options o;
		const char *msg;
	} cases[] = {
		{ { .n_pairs = 0 }, "net: the number of queue pairs must be 1 to 8" },
		{ { .n_pairs = 9 }, "net: the number of queue pairs must be 1 to 8" },
		{ { .n_pairs = 1, .mtu = 67 }, "net: the MTU must be at least 68" },
		{ { .n_pairs = 1, .mac = { 1 } }, "net: the MAC address is a group's" },
		{ { .n_pairs = 1, .tap_fds = { -1 } }, "net: descriptor -1: Bad file descriptor" },
		{ { .n_pairs = 1, .rx_limit = { .ops_burst = 1 } },
		  "net: rate limit: Invalid argument" },
		{ { .n_pairs = 1, .use_vhost = true, .tx_limit = { .ops_per_s = 1 } },
		  "net: vhost-net cannot limit rates" },
	};
	auto_close int event_fd = rig_eventfd();
	struct virtio_net_options o = { .n_pairs = 1 };
	struct virtio_device *dev = NULL;
	struct err err = ERR_INIT;
	int pair[2];

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CHECK(virtio_net_new(&cases[i].o, NULL, &dev, &err) < 0);
		CHECK_STR(err.msg, cases[i].msg);
	}
	o.tap_fds[0] = event_fd;
	CHECK_EQ(virtio_net_new(&o, NULL, &dev, &err), -EINVAL);
	CHECK_HAS(err.msg, "is neither a TAP nor a socket");
	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	o.tap_fds[0] = pair[0];
	CHECK_EQ(virtio_net_new(&o, NULL, &dev, &err), -EINVAL);
	CHECK_HAS(err.msg, "does not keep packets apart");
	o.use_vhost = true; /* not a vhost descriptor */
	o.vhost_fds[0] = event_fd;
	CHECK(virtio_net_new(&o, NULL, &dev, &err) < 0);
	CHECK(dev == NULL);
	(void)close(pair[0]);
	(void)close(pair[1]);
}

static void test_config(void)
{
	struct virtio_net_options o = { .n_pairs = 2, .mac = { 2, 1, 2, 3, 4, 5 }, .mtu = 9000 };
	struct virtio_net_config c = { 0 };
	struct net_rig n;

	setup(&n, &o);
	CHECK_EQ(n.r.dev->id, 1);
	CHECK_EQ(n.r.dev->n_queues, 5);
	CHECK_EQ(n.r.dev->config_len, 12);
	n.r.dev->ops->config_read(n.r.dev, 0, &c, 12);
	CHECK_MEM(c.mac, o.mac, 6);
	CHECK_EQ(c.status, VIRTIO_NET_S_LINK_UP);
	CHECK_EQ(c.max_virtqueue_pairs, 2);
	CHECK_EQ(c.mtu, 9000);
	CHECK(n.r.dev->offered & BIT(VIRTIO_NET_F_MQ));
	CHECK(n.r.dev->offered & BIT(VIRTIO_NET_F_MTU));
	CHECK(!(n.r.dev->offered & BIT(VIRTIO_NET_F_HOST_UFO)));
	teardown(&n);
}

/* A plain card: nothing that would make a frame larger than the MTU, or leave its sum to others. */
static void test_no_offloads(void)
{
	static const unsigned int gone[] = { VIRTIO_NET_F_CSUM,       VIRTIO_NET_F_GUEST_CSUM,
					     VIRTIO_NET_F_GUEST_TSO4, VIRTIO_NET_F_GUEST_TSO6,
					     VIRTIO_NET_F_HOST_TSO4,  VIRTIO_NET_F_HOST_TSO6,
					     VIRTIO_NET_F_MRG_RXBUF };
	struct virtio_net_options o = { .n_pairs = 1, .no_offloads = true };
	struct net_rig n;

	setup(&n, &o);
	for (size_t i = 0; i < ARRAY_LEN(gone); i++)
		CHECK(!(n.r.dev->offered & BIT(gone[i])));
	CHECK(n.r.dev->offered & BIT(VIRTIO_NET_F_MAC));
	teardown(&n);
}

static void test_header(void)
{
	static const struct {
		uint64_t features;
		struct virtio_net_hdr_v1 h;
		bool want;
	} cases[] = {
		{ 0, { 0 }, true },
		{ 0, { .flags = 1 }, false },
		{ BIT(VIRTIO_NET_F_CSUM),
		  { .flags = 1, .csum_start = 34, .csum_offset = 16 },
		  true },
		{ BIT(VIRTIO_NET_F_CSUM), { .flags = 1, .csum_start = 98 }, true },
		{ BIT(VIRTIO_NET_F_CSUM), { .flags = 1, .csum_start = 99 }, false },
		{ BIT(VIRTIO_NET_F_CSUM),
		  { .flags = 1, .csum_start = 0xffff, .csum_offset = 0xffff },
		  false },
		{ UINT64_MAX, { .flags = 2 }, false },
		{ UINT64_MAX, { .flags = 4 }, false },
		{ UINT64_MAX, { .flags = 1, .gso_type = 1, .gso_size = 1448 }, true },
		{ UINT64_MAX, { .flags = 1, .gso_type = 4, .gso_size = 1428 }, true },
		{ UINT64_MAX, { .flags = 1, .gso_type = 0x81, .gso_size = 1448 }, true },
		{ UINT64_MAX, { .flags = 1, .gso_type = 0x80 }, false },
		{ UINT64_MAX, { .flags = 1, .gso_type = 1, .gso_size = 0 }, false },
		{ UINT64_MAX, { .flags = 0, .gso_type = 1, .gso_size = 1448 }, false },
		{ UINT64_MAX, { .flags = 1, .gso_type = 3, .gso_size = 1448 }, false },
		{ UINT64_MAX, { .flags = 1, .gso_type = 2, .gso_size = 1448 }, false },
		{ BIT(VIRTIO_NET_F_CSUM), { .flags = 1, .gso_type = 1, .gso_size = 9 }, false },
		{ BIT(VIRTIO_NET_F_CSUM) | BIT(VIRTIO_NET_F_HOST_TSO4),
		  { .flags = 1, .gso_type = 4, .gso_size = 9 },
		  false },
		{ BIT(VIRTIO_NET_F_CSUM) | BIT(VIRTIO_NET_F_HOST_TSO4),
		  { .flags = 1, .gso_type = 0x81, .gso_size = 9 },
		  false },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		if (net_tx_header_ok(cases[i].features, &cases[i].h, 100) != cases[i].want)
			TEST_FAIL("header %zu: wanted %d", i, cases[i].want);
	}
}

static void test_offloads(void)
{
	CHECK_EQ(net_offloads(0), 0);
	CHECK_EQ(net_offloads(BIT(VIRTIO_NET_F_GUEST_TSO4)), 0);
	CHECK_EQ(net_offloads(BIT(VIRTIO_NET_F_GUEST_CSUM) | BIT(VIRTIO_NET_F_GUEST_ECN)), 1);
	CHECK_EQ(net_offloads(UINT64_MAX), 0xf);
}

static void test_transmit(void)
{
	const struct virtio_net_hdr_v1 h = { .num_buffers = 77 };
	static uint8_t packet[70000];
	uint32_t head = 0;
	uint32_t len = 9;
	struct net_rig n;

	setup_one(&n, 0);
	for (int split = 0; split < 2; split++) {
		guest_send(&n, &h, 1000, split);
		pump(&n);
		CHECK_EQ(recv(n.host_fd, packet, sizeof(packet), 0), HEADER + 1000);
		CHECK_EQ(packet[10] | packet[11], 0);
		check_frame(packet + HEADER, 1000, 7, 1);
		CHECK(vqd_used(&n.r.d[TX], &head, &len));
		CHECK_EQ(len, 0);
	}
	CHECK(rig_signalled(n.r.dev->queues[TX].call_fd, 0));
	teardown(&n);
}

/* What is dropped is answered; what is no frame at all needs a reset. */
static void test_transmit_refused(void)
{
	static const struct {
		uint32_t bytes;
		uint8_t flags;
		bool write, broken;
	} cases[] = {
		{ HEADER + 13, 0, false, false },
		{ HEADER + 14 + 4 + 65536, 0, false, false },
		{ HEADER + 100, 1, false, false },
		{ HEADER - 1, 0, false, true },
		{ 0, 0, false, true },
		{ HEADER + 100, 0, true, true },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct vqd_buf b = { BUF, cases[i].bytes, cases[i].write };
		uint32_t head = 0;
		uint32_t len = 0;
		uint8_t byte;
		struct net_rig n;

		setup_one(&n, 0);
		n.r.ram[BUF] = cases[i].flags;
		(void)vqd_add(&n.r.d[TX], &b, 1);
		rig_kick(&n.r, TX);
		pump(&n);
		CHECK_EQ(atomic_load(&n.r.dev->broken), cases[i].broken);
		CHECK_EQ(vqd_used(&n.r.d[TX], &head, &len), !cases[i].broken);
		CHECK(recv(n.host_fd, &byte, 1, 0) < 0);
		CHECK_EQ(rig_signalled(n.r.dev->config_call_fd, 0), cases[i].broken);
		teardown(&n);
	}
}

/* More frames than the host takes: they wait, and none is lost or sent twice. */
static void test_transmit_backpressure(void)
{
	const struct virtio_net_hdr_v1 h = { 0 };
	static uint8_t packet[70000];
	uint32_t head = 0;
	uint32_t len = 0;
	const int small = 8192;
	unsigned int got = 0;
	unsigned int used = 0;
	struct net_rig n;

	setup_one(&n, 0);
	/* Room for a few frames. */
	CHECK_EQ(setsockopt(n.tap_fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)), 0);
	for (int i = 0; i < 60; i++)
		guest_send(&n, &h, 1000, false);
	for (int round = 0; round < 200 && got < 60; round++) {
		pump(&n);
		if (round == 0)
			CHECK(!atomic_load(&n.r.dev->broken));
		while (vqd_used(&n.r.d[TX], &head, &len))
			used++;
		if (round == 0)
			CHECK(used > 0 && used < 60);
		CHECK(used >= got);
		while (recv(n.host_fd, packet, sizeof(packet), 0) > 0)
			got++;
	}
	CHECK_EQ(got, 60);
	pump(&n);
	while (vqd_used(&n.r.d[TX], &head, &len))
		used++;
	CHECK_EQ(used, 60);
	teardown(&n);
}

static void test_receive(void)
{
	uint32_t head = 0;
	uint32_t len = 0;
	struct net_rig n;

	setup_one(&n, 0);
	host_send(&n, 1000); /* before there is a buffer: it waits */
	pump(&n);
	guest_offer(&n, 2, 2048);
	pump(&n);
	CHECK(vqd_used(&n.r.d[RX], &head, &len));
	CHECK_EQ(len, HEADER + 1000);
	check_frame(n.r.ram + BUF + HEADER, 1000, 3, 5);
	CHECK_EQ(n.r.ram[BUF + 10], 1);
	CHECK(rig_signalled(n.r.dev->queues[RX].call_fd, 0));
	/* Too short for a frame, too long for the buffer: dropped. The buffer is still there. */
	host_send(&n, 13);
	host_send(&n, 2048);
	pump(&n);
	CHECK(!vqd_used(&n.r.d[RX], &head, &len));
	host_send(&n, 2048 - HEADER);
	pump(&n);
	CHECK(vqd_used(&n.r.d[RX], &head, &len));
	CHECK_EQ(len, 2048);
	check_frame(n.r.ram + BUF + 2048 + HEADER, 2048 - HEADER, 3, 5);
	teardown(&n);
}

/* One frame over several buffers, seen by the driver all at once; odd sizes of buffers. */
static void test_receive_merged(void)
{
	static const uint32_t sizes[] = { 12, 13, 100, 1500, 4096 };

	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		const uint32_t frame = sizes[i] * 3 + 1 - HEADER;
		uint32_t head = 0;
		uint32_t len = 0;
		struct net_rig n;

		setup_one(&n, MRG | EVENT | (frame > 1500 ? TSO : 0));
		guest_offer(&n, 60, sizes[i]);
		for (int round = 0; round < 2; round++) {
			const uint8_t *at = n.r.ram + BUF + (uint32_t)round * 4 * sizes[i];

			if (frame < NET_FRAME_MIN)
				break;
			host_send(&n, frame);
			pump(&n);
			/* Small buffers in all hold less than the largest frame: nothing yet. */
			if (60 * sizes[i] < HEADER + NET_FRAME_MIN + 4 + 1500) {
				CHECK(!vqd_used(&n.r.d[RX], &head, &len));
				continue;
			}
			for (int k = 0; k < 4; k++) {
				CHECK(vqd_used(&n.r.d[RX], &head, &len));
				CHECK_EQ(len, k < 3 ? sizes[i] : 1);
			}
			CHECK_EQ(at[10], 4);
			check_frame(at + HEADER, frame, 3, 5);
		}
		teardown(&n);
	}
}

static void test_receive_large(void)
{
	uint32_t head = 0;
	uint32_t len = 0;
	uint32_t sum = 0;
	struct net_rig n;

	setup_one(&n, MRG | TSO);
	guest_offer(&n, 60, 2000);
	host_send(&n, 65000);
	pump(&n);
	for (int i = 0; i < 33; i++) {
		CHECK(vqd_used(&n.r.d[RX], &head, &len));
		sum += len;
	}
	CHECK_EQ(sum, HEADER + 65000);
	CHECK_EQ(n.r.ram[BUF + 10], 33);
	check_frame(n.r.ram + BUF + HEADER, 65000, 3, 5);
	/* 27 buffers are left: too few for the largest, so even a small frame waits. */
	host_send(&n, 100);
	pump(&n);
	CHECK(!vqd_used(&n.r.d[RX], &head, &len));
	guest_offer(&n, 30, 2000);
	pump(&n);
	CHECK(vqd_used(&n.r.d[RX], &head, &len));
	CHECK_EQ(len, HEADER + 100);
	teardown(&n);
}

static void test_receive_refused(void)
{
	static const struct vqd_buf cases[] = {
		{ BUF, 2048, false },
		{ BUF, HEADER - 1, true },
		{ 0x7fffffff, 2048, true },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct net_rig n;

		setup_one(&n, 0);
		host_send(&n, 100);
		(void)vqd_add(&n.r.d[RX], &cases[i], 1);
		rig_kick(&n.r, RX);
		pump(&n);
		CHECK(atomic_load(&n.r.dev->broken));
		/* A reset, and all is well. */
		virtio_device_reset(n.r.dev);
		CHECK_EQ(rig_activate(&n.r, V1, 3), 0);
		host_send(&n, 100);
		guest_offer(&n, 4, 2048);
		pump(&n);
		CHECK_EQ(n.r.d[RX].used->idx, 2);
		teardown(&n);
	}
}

/* One control command; returns the driver's view of the answer, -1: none. */
static int control(struct net_rig *n, uint16_t queue, const void *cmd, uint32_t bytes)
{
	const struct vqd_buf bufs[] = { { BUF, bytes, false }, { BUF + 0x1000, 1, true } };
	uint32_t head = 0;
	uint32_t len = 0;

	memcpy(n->r.ram + BUF, cmd, bytes);
	n->r.ram[BUF + 0x1000] = 0xff;
	(void)vqd_add(&n->r.d[queue], bufs, 2);
	rig_kick(&n->r, queue);
	pump(n);
	return vqd_used(&n->r.d[queue], &head, &len) ? n->r.ram[BUF + 0x1000] : -1;
}

static void test_control(void)
{
	static const struct {
		uint8_t cmd[10];
		uint32_t bytes;
		int want; /* -1: NEEDS_RESET */
	} cases[] = {
		{ { VIRTIO_NET_CTRL_RX, 0, 1 }, 3, VIRTIO_NET_OK },
		{ { VIRTIO_NET_CTRL_RX, 1, 0 }, 3, VIRTIO_NET_OK },
		{ { VIRTIO_NET_CTRL_RX, 5, 0 }, 3, VIRTIO_NET_ERR },
		{ { VIRTIO_NET_CTRL_MAC, 0 }, 10, VIRTIO_NET_OK },
		{ { VIRTIO_NET_CTRL_MAC, 1 }, 8, VIRTIO_NET_ERR },
		{ { VIRTIO_NET_CTRL_VLAN, 0 }, 4, VIRTIO_NET_ERR },
		{ { VIRTIO_NET_CTRL_MQ, 0, 1, 0 }, 4, VIRTIO_NET_ERR }, /* not negotiated */
		{ { VIRTIO_NET_CTRL_GUEST_OFFLOADS, 0 }, 10, VIRTIO_NET_OK },
		{ { VIRTIO_NET_CTRL_GUEST_OFFLOADS, 0 }, 9, VIRTIO_NET_ERR },
		{ { VIRTIO_NET_CTRL_GUEST_OFFLOADS, 0, 2 }, 10, VIRTIO_NET_ERR },
		{ { 0xff, 0xff }, 2, VIRTIO_NET_ERR },
		{ { 0 }, 1, -1 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct net_rig n;

		setup_one(&n, CTRL_VQ);
		CHECK_EQ(control(&n, CTRL, cases[i].cmd, cases[i].bytes), cases[i].want);
		CHECK_EQ(atomic_load(&n.r.dev->broken), cases[i].want < 0);
		teardown(&n);
	}
}

static void test_multiqueue(void)
{
	static const struct {
		uint8_t cmd[4];
		int want;
	} cases[] = {
		{ { VIRTIO_NET_CTRL_MQ, 0, 0, 0 }, VIRTIO_NET_ERR },
		{ { VIRTIO_NET_CTRL_MQ, 0, 3, 0 }, VIRTIO_NET_ERR },
		{ { VIRTIO_NET_CTRL_MQ, 0, 2, 1 }, VIRTIO_NET_ERR },
		{ { VIRTIO_NET_CTRL_MQ, 1, 2, 0 }, VIRTIO_NET_ERR },
		{ { VIRTIO_NET_CTRL_MQ, 0, 2, 0 }, VIRTIO_NET_OK },
		{ { VIRTIO_NET_CTRL_MQ, 0, 1, 0 }, VIRTIO_NET_OK },
		{ { VIRTIO_NET_CTRL_MQ, 0, 2, 0 }, VIRTIO_NET_OK },
	};
	struct virtio_net_options o = { .n_pairs = 2 };
	const struct virtio_net_hdr_v1 h = { 0 };
	const struct vqd_buf b = { BUF, HEADER + 64, false };
	uint8_t packet[256];
	struct net_rig n;

	setup(&n, &o);
	CHECK_EQ(rig_activate(&n.r, V1 | CTRL_VQ | BIT(VIRTIO_NET_F_MQ), 5), 0);
	memcpy(n.r.ram + BUF, &h, HEADER);
	(void)vqd_add(&n.r.d[3], &b, 1);
	rig_kick(&n.r, 3);
	pump(&n);
	CHECK(recv(n.host_fd, packet, sizeof(packet), 0) < 0); /* not in use yet */
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		CHECK_EQ(control(&n, 4, cases[i].cmd, 4), cases[i].want);
	memcpy(n.r.ram + BUF, &h, HEADER);
	(void)vqd_add(&n.r.d[3], &b, 1);
	rig_kick(&n.r, 3);
	pump(&n);
	CHECK(recv(n.host_fd, packet, sizeof(packet), 0) > 0);
	teardown(&n);
	/* Without MQ the control queue is the third, and the pairs behind it do not exist. */
	setup(&n, &o);
	CHECK_EQ(rig_activate(&n.r, V1 | CTRL_VQ, 3), 0);
	CHECK_EQ(control(&n, 2, "\0\0\1", 3), VIRTIO_NET_OK);
	teardown(&n);
	/* A pair whose queues were never set up cannot be used. */
	setup(&n, &o);
	CHECK_EQ(rig_activate(&n.r, V1 | CTRL_VQ | BIT(VIRTIO_NET_F_MQ), 5), 0);
	virtq_reset(&n.r.dev->queues[2].vq);
	CHECK_EQ(control(&n, 4, "\4\0\2\0", 4), VIRTIO_NET_ERR);
	teardown(&n);
}

/* 10 frames at 100 a second each way: 90 ms at least; a reset meanwhile is no harm. */
static void test_rate_limit(void)
{
	struct virtio_net_options o = { .n_pairs = 1,
					.rx_limit = { .ops_per_s = 100 },
					.tx_limit = { .ops_per_s = 100 } };
	const struct virtio_net_hdr_v1 h = { 0 };
	uint8_t packet[256];
	int got = 0;
	uint64_t start;
	struct net_rig n;

	setup(&n, &o);
	for (int round = 0; round < 2; round++) {
		CHECK_EQ(rig_activate(&n.r, V1, 3), 0);
		start = ratelimit_now();
		guest_offer(&n, 10, 2048);
		for (int i = 0; i < 10; i++) {
			guest_send(&n, &h, 64, true);
			host_send(&n, 64);
		}
		if (round == 0) {
			pump(&n);
			virtio_device_reset(n.r.dev);
			while (recv(n.host_fd, packet, sizeof(packet), 0) > 0)
				;
			while (recv(n.tap_fd, packet, sizeof(packet), 0) > 0)
				;
		}
	}
	while (ratelimit_now() - start < UINT64_C(5000000000) &&
	       (got < 10 || n.r.d[RX].used->idx < 10)) {
		pump(&n);
		while (recv(n.host_fd, packet, sizeof(packet), 0) > 0)
			got++;
	}
	CHECK_EQ(got, 10);
	CHECK_EQ(n.r.d[RX].used->idx, 10);
	CHECK(ratelimit_now() - start > 85000000);
	teardown(&n);
}

/* The host's side goes away: the link goes down, the loop does not spin, the guest may go on. */
static void test_peer_gone(void)
{
	struct virtio_net_options o = { .n_pairs = 1 };
	const struct virtio_net_hdr_v1 h = { 0 };
	struct virtio_net_config c = { 0 };
	struct virtio_device *dev = NULL;
	struct err err = ERR_INIT;
	struct net_rig n;
	int pair[2];

	setup(&n, &o);
	n.r.dev->ops->destroy(n.r.dev);
	CHECK_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	o.tap_fds[0] = pair[0];
	CHECK_EQ(virtio_net_new(&o, &n.loop, &dev, &err), 0);
	free(n.r.ram);
	rig_init(&n.r, dev);
	CHECK_EQ(rig_activate(&n.r, V1, 3), 0);
	guest_offer(&n, 4, 2048);
	pump(&n);
	(void)close(pair[1]);
	pump(&n);
	CHECK(rig_signalled(dev->config_call_fd, 0));
	dev->ops->config_read(dev, 0, &c, 12);
	CHECK_EQ(c.status, 0);
	guest_send(&n, &h, 64, true);
	pump(&n);
	CHECK(!atomic_load(&dev->broken));
	teardown(&n);
	(void)close(pair[0]);
}

TEST_MAIN(TEST(test_options), TEST(test_config), TEST(test_no_offloads), TEST(test_header),
	  TEST(test_offloads), TEST(test_transmit), TEST(test_transmit_refused),
	  TEST(test_transmit_backpressure), TEST(test_receive), TEST(test_receive_merged),
	  TEST(test_receive_large), TEST(test_receive_refused), TEST(test_control),
	  TEST(test_multiqueue), TEST(test_rate_limit), TEST(test_peer_gone))
