// SPDX-License-Identifier: GPL-2.0-or-later
/* The rng device: what it gives, and a driver that breaks the rules. */
#include "vmmode/virtio/rng.h"

#include "tests/unit/vq_rig.h"

struct rng_rig {
	struct rig r;
	struct loop loop;
	struct loop_source stop; /* always ready */
	int turns;
};

static void on_stop(struct loop_source *src, uint32_t events)
{
	struct rng_rig *n = CONTAINER_OF(src, struct rng_rig, stop);

	(void)events;
	/* All that is ready has its turn between two calls. */
	if (++n->turns == 2)
		loop_stop(&n->loop);
}

static void setup(struct rng_rig *n)
{
	struct virtio_device *dev = NULL;
	struct err err = ERR_INIT;

	memset(n, 0, sizeof(*n));
	if (loop_init(&n->loop) < 0 || virtio_rng_new(&n->loop, &dev, &err) < 0)
		abort();
	rig_init(&n->r, dev);
	n->stop = (struct loop_source){ .fd = rig_eventfd(), .ready = on_stop };
	if (eventfd_write(n->stop.fd, 1) < 0 || loop_add(&n->loop, &n->stop, EPOLLIN) < 0)
		abort();
	CHECK_EQ(rig_activate(&n->r, VIRTIO_COMMON_FEATURES, 1), 0);
}

static void teardown(struct rng_rig *n)
{
	rig_fini(&n->r);
	loop_remove(&n->loop, &n->stop);
	(void)close(n->stop.fd);
	loop_fini(&n->loop);
}

/* Kicks, and lets the loop do what there is. */
static void pump(struct rng_rig *n)
{
	rig_kick(&n->r, 0);
	for (int i = 0; i < 4; i++) {
		n->turns = 0;
		CHECK_EQ(loop_run(&n->loop), 0);
	}
}

static void test_gives(void)
{
	const struct vqd_buf bufs[] = { { VQD_DATA, 16, true }, { VQD_DATA + 100, 16, true } };
	struct rng_rig n;
	uint32_t head;
	uint32_t len = 0;
	uint8_t sum = 0;

	setup(&n);
	vqd_add(&n.r.d[0], bufs, 2);
	pump(&n);
	CHECK(vqd_used(&n.r.d[0], &head, &len));
	CHECK_EQ(len, 32);
	for (int i = 0; i < 16; i++)
		sum |= n.r.ram[VQD_DATA + i] | n.r.ram[VQD_DATA + 100 + i];
	CHECK(sum != 0);
	CHECK_EQ(n.r.ram[VQD_DATA + 16], 0);
	CHECK_EQ(n.r.ram[VQD_DATA + 116], 0);
	teardown(&n);
}

/* However much is asked for: one answer is bounded. */
static void test_bounded(void)
{
	const struct vqd_buf buf = { VQD_DATA, 0x40000, true };
	struct rng_rig n;
	uint32_t head;
	uint32_t len = 0;

	setup(&n);
	vqd_add(&n.r.d[0], &buf, 1);
	pump(&n);
	CHECK(vqd_used(&n.r.d[0], &head, &len));
	CHECK_EQ(len, RNG_BYTES_MAX);
	CHECK_EQ(n.r.ram[VQD_DATA + RNG_BYTES_MAX], 0);
	teardown(&n);
}

static void break_it(struct rng_rig *n, int how)
{
	struct vqd *d = &n->r.d[0];
	const struct vqd_buf readable = { VQD_DATA, 8, false };
	const struct vqd_buf empty = { VQD_DATA, 0, true };

	switch (how) {
	case 0:
		vqd_add(d, &readable, 1);
		break;
	case 1:
		vqd_add(d, &empty, 1);
		break;
	case 2: /* a loop */
		vqd_desc(d, 0, VQD_GPA + VQD_DATA, 8, VRING_DESC_F_WRITE | VRING_DESC_F_NEXT, 0);
		vqd_publish(d, 0);
		break;
	case 3: /* outside of memory */
		vqd_desc(d, 0, UINT64_MAX - 3, 8, VRING_DESC_F_WRITE, 0);
		vqd_publish(d, 0);
		break;
	default: /* a jump */
		__atomic_store_n(&d->avail->idx, 0x8000, __ATOMIC_RELEASE);
	}
}

static void test_broken(void)
{
	for (int how = 0; how < 5; how++) {
		const struct vqd_buf buf = { VQD_DATA, 8, true };
		struct rng_rig n;
		uint32_t head;
		uint32_t len = 0;

		setup(&n);
		break_it(&n, how);
		pump(&n);
		if (!atomic_load(&n.r.dev->broken))
			TEST_FAIL("case %d: not noticed", how);
		CHECK(!vqd_used(&n.r.d[0], &head, &len));
		CHECK(rig_signalled(n.r.dev->config_call_fd, 0));
		/* A reset, and it works again. */
		virtio_device_reset(n.r.dev);
		CHECK_EQ(rig_activate(&n.r, VIRTIO_COMMON_FEATURES, 1), 0);
		vqd_add(&n.r.d[0], &buf, 1);
		pump(&n);
		CHECK(vqd_used(&n.r.d[0], &head, &len));
		CHECK_EQ(len, 8);
		teardown(&n);
	}
}

TEST_MAIN(TEST(test_gives), TEST(test_bounded), TEST(test_broken))
