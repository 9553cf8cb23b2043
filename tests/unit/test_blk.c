// SPDX-License-Identifier: GPL-2.0-or-later
/* The block device on a file in memory, with both engines: good drivers, bad ones, resets. */
#include "vmmode/virtio/blk.h"

#include <linux/virtio_blk.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "tests/unit/filtered.h"
#include "tests/unit/vq_rig.h"

enum {
	DISK_BYTES = 1 << 20,
	HDR = VQD_DATA, /* offsets in guest RAM: 64 slots of header, status, 4 KiB of data */
	STATUS = VQD_DATA + 0x1000,
	DATA = VQD_DATA + 0x2000,
	SLOT_BYTES = 4096,
};

#define FLUSH   (UINT64_C(1) << VIRTIO_BLK_F_FLUSH)
#define V1      (UINT64_C(1) << 32)
#define EVENT   (UINT64_C(1) << 29)
#define DEFAULT (V1 | FLUSH)

static const enum blk_engine engines[] = { BLK_ENGINE_URING, BLK_ENGINE_THREADS };

static int disk_new(void)
{
	int fd = memfd_create("disk", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, DISK_BYTES) < 0)
		abort();
	return fd;
}

static void setup(struct rig *r, const struct virtio_blk_options *opts)
{
	struct err err = ERR_INIT;
	struct virtio_device *dev = NULL;

	if (virtio_blk_new(opts, NULL, &dev, &err) < 0) {
		TEST_FAIL("%s", err.msg);
		abort();
	}
	dev->starter = filtered_threads();
	rig_init(r, dev);
}

/* Queues request number @slot: @type on @bytes from @sector on. */
static void request(struct rig *r, uint16_t queue, uint16_t slot, uint32_t type, uint64_t sector,
		    uint32_t bytes)
{
	const struct virtio_blk_outhdr h = { .type = type, .sector = sector };
	const bool in = type == VIRTIO_BLK_T_IN || type == VIRTIO_BLK_T_GET_ID;
	const struct vqd_buf bufs[] = {
		{ (uint32_t)(HDR + slot * 16), sizeof(h), false },
		{ (uint32_t)(DATA + slot * SLOT_BYTES), bytes, in },
		{ (uint32_t)(STATUS + slot), 1, true },
	};
	const struct vqd_buf no_data[] = { bufs[0], bufs[2] };

	memcpy(r->ram + HDR + slot * sizeof(h), &h, sizeof(h));
	r->ram[STATUS + slot] = 0xff;
	if (bytes)
		(void)vqd_add(&r->d[queue], bufs, 3);
	else
		(void)vqd_add(&r->d[queue], no_data, 2);
}

/* One request from kick to answer. Returns its status; -1: no answer. */
static int one(struct rig *r, uint32_t type, uint64_t sector, uint32_t bytes)
{
	uint32_t head;
	uint32_t len = 0;

	request(r, 0, 0, type, sector, bytes);
	rig_kick(r, 0);
	return rig_wait_used(r, 0, &head, &len) ? r->ram[STATUS] : -1;
}

static void test_options(void)
{
	auto_close int fd = disk_new();
	const struct {
		struct virtio_blk_options o;
		const char *msg;
	} cases[] = {
		{ { .fd = fd, .n_queues = 0 }, "blk: the number of queues must be 1 to 16" },
		{ { .fd = fd, .n_queues = 17 }, "blk: the number of queues must be 1 to 16" },
		{ { .fd = -1, .n_queues = 1 }, "disk: look at descriptor -1: Bad file descriptor" },
		{ { .fd = fd, .n_queues = 1, .serial = "123456789012345678901" },
		  "blk: a serial number has at most 20 bytes" },
		{ { .fd = fd, .n_queues = 1, .limit = { .bytes_burst = 1 } },
		  "blk: rate limit: Invalid argument" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct virtio_device *dev = NULL;
		struct err err = ERR_INIT;

		CHECK(virtio_blk_new(&cases[i].o, NULL, &dev, &err) < 0);
		CHECK_STR(err.msg, cases[i].msg);
		CHECK(dev == NULL);
	}
}

static void test_config(void)
{
	auto_close int fd = disk_new();
	struct virtio_blk_options o = { .fd = fd, .n_queues = 3 };
	struct virtio_blk_config c = { 0 };
	struct rig r;

	setup(&r, &o);
	CHECK_EQ(r.dev->id, 2);
	CHECK_EQ(r.dev->n_queues, 3);
	CHECK_EQ(r.dev->config_len, 60);
	r.dev->ops->config_read(r.dev, 0, &c, r.dev->config_len);
	CHECK_EQ(c.capacity, DISK_BYTES / 512);
	CHECK_EQ(c.num_queues, 3);
	CHECK_EQ(c.blk_size, 512);
	CHECK_EQ(r.dev->offered, VIRTIO_COMMON_FEATURES | 1U << VIRTIO_BLK_F_SEG_MAX |
				     1U << VIRTIO_BLK_F_BLK_SIZE | 1U << VIRTIO_BLK_F_FLUSH |
				     1U << VIRTIO_BLK_F_MQ | 1U << VIRTIO_BLK_F_DISCARD |
				     1U << VIRTIO_BLK_F_WRITE_ZEROES);
	rig_fini(&r);
	o.read_only = true;
	setup(&r, &o);
	CHECK_EQ(r.dev->offered, VIRTIO_COMMON_FEATURES | 1U << VIRTIO_BLK_F_SEG_MAX |
				     1U << VIRTIO_BLK_F_BLK_SIZE | 1U << VIRTIO_BLK_F_RO |
				     1U << VIRTIO_BLK_F_MQ);
	rig_fini(&r);
}

static void round_trip(enum blk_engine engine, uint64_t features)
{
	auto_close int fd = disk_new();
	const struct virtio_blk_options o = {
		.fd = fd, .n_queues = 1, .engine = engine, .serial = "bivalve"
	};
	uint8_t back[4096];
	struct rig r;

	setup(&r, &o);
	CHECK_EQ(rig_activate(&r, features, 1), 0);
	memset(r.ram + DATA, 0x5a, 4096);
	CHECK_EQ(one(&r, VIRTIO_BLK_T_OUT, 8, 4096), VIRTIO_BLK_S_OK);
	CHECK_EQ(pread(fd, back, sizeof(back), 4096), 4096);
	CHECK_MEM(back, r.ram + DATA, 4096);
	CHECK_EQ(one(&r, VIRTIO_BLK_T_FLUSH, 0, 0), VIRTIO_BLK_S_OK);
	memset(r.ram + DATA, 0, 4096);
	CHECK_EQ(one(&r, VIRTIO_BLK_T_IN, 9, 512), VIRTIO_BLK_S_OK);
	CHECK_MEM(r.ram + DATA, back, 512);
	CHECK_EQ(r.ram[DATA + 512], 0);
	CHECK_EQ(one(&r, VIRTIO_BLK_T_GET_ID, 0, 20), VIRTIO_BLK_S_OK);
	CHECK_STR((const char *)r.ram + DATA, "bivalve");
	CHECK_EQ(one(&r, VIRTIO_BLK_T_IN, DISK_BYTES / 512, 512), VIRTIO_BLK_S_IOERR);
	CHECK_EQ(one(&r, 77, 0, 0), VIRTIO_BLK_S_UNSUPP);
	CHECK_EQ(atomic_load(&r.dev->broken), false);
	rig_fini(&r);
}

static void test_round_trip(void)
{
	for (size_t i = 0; i < ARRAY_LEN(engines); i++) {
		round_trip(engines[i], DEFAULT);
		round_trip(engines[i], V1 | EVENT);
	}
}

static void ranges(enum blk_engine engine, uint32_t type, uint32_t flags)
{
	auto_close int fd = disk_new();
	const struct virtio_blk_options o = { .fd = fd, .n_queues = 1, .engine = engine };
	const struct virtio_blk_discard_write_zeroes range = { 1, 9, flags };
	uint8_t full[8192];
	uint8_t back[8192];
	struct rig r;

	memset(full, 0x77, sizeof(full));
	CHECK_EQ(pwrite(fd, full, sizeof(full), 0), sizeof(full));
	setup(&r, &o);
	CHECK_EQ(rig_activate(&r, V1, 1), 0);
	memcpy(r.ram + DATA, &range, sizeof(range));
	CHECK_EQ(one(&r, type, 0, sizeof(range)), VIRTIO_BLK_S_OK);
	CHECK_EQ(pread(fd, back, sizeof(back), 0), sizeof(back));
	memset(full + 512, 0, 9 * 512);
	CHECK_MEM(back, full, sizeof(full));
	rig_fini(&r);
}

static void test_ranges(void)
{
	for (size_t i = 0; i < ARRAY_LEN(engines); i++) {
		ranges(engines[i], VIRTIO_BLK_T_DISCARD, 0);
		ranges(engines[i], VIRTIO_BLK_T_WRITE_ZEROES, 0);
		ranges(engines[i], VIRTIO_BLK_T_WRITE_ZEROES, VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP);
	}
}

/* Many requests at once on several queues; each is answered once, with its own data. */
static void batches(enum blk_engine engine)
{
	enum { QUEUES = 4, EACH = 16, ROUNDS = 20 };
	auto_close int fd = disk_new();
	const struct virtio_blk_options o = { .fd = fd, .n_queues = QUEUES, .engine = engine };
	struct rig r;

	for (uint32_t s = 0; s < DISK_BYTES / 512; s++) {
		if (pwrite(fd, &s, sizeof(s), (int64_t)s * 512) < 0)
			abort();
	}
	setup(&r, &o);
	CHECK_EQ(rig_activate(&r, DEFAULT | EVENT, QUEUES), 0);
	for (uint32_t round = 0; round < ROUNDS; round++) {
		for (uint16_t q = 0; q < QUEUES; q++) {
			for (uint16_t i = 0; i < EACH; i++)
				request(&r, q, (uint16_t)(q * EACH + i), VIRTIO_BLK_T_IN,
					round * 64 + q * EACH + i, 512);
			rig_kick(&r, q);
		}
		for (uint16_t q = 0; q < QUEUES; q++) {
			uint32_t head;
			uint32_t len = 0;

			for (uint16_t i = 0; i < EACH; i++) {
				if (!rig_wait_used(&r, q, &head, &len))
					TEST_FAIL("no answer");
				CHECK_EQ(len, 513);
			}
		}
		for (uint32_t i = 0; i < QUEUES * EACH; i++) {
			uint32_t got;

			memcpy(&got, r.ram + DATA + i * SLOT_BYTES, sizeof(got));
			CHECK_EQ(got, round * 64 + i);
			CHECK_EQ(r.ram[STATUS + i], VIRTIO_BLK_S_OK);
		}
	}
	rig_fini(&r);
}

static void test_batches(void)
{
	for (size_t i = 0; i < ARRAY_LEN(engines); i++)
		batches(engines[i]);
}

/* A reset right behind a kick: everything taken is answered, nothing runs on. */
static void test_reset_in_flight(void)
{
	for (size_t e = 0; e < ARRAY_LEN(engines); e++) {
		auto_close int fd = disk_new();
		const struct virtio_blk_options o = { .fd = fd,
						      .n_queues = 2,
						      .engine = engines[e] };
		struct rig r;

		setup(&r, &o);
		for (uint16_t round = 0; round < 30; round++) {
			CHECK_EQ(rig_activate(&r, DEFAULT, 2), 0);
			for (uint16_t i = 0; i < 20; i++)
				request(&r, round % 2, i, VIRTIO_BLK_T_OUT, i, 512);
			rig_kick(&r, round % 2);
			virtio_device_reset(r.dev);
			memset(r.ram, 0xa5, VQD_BYTES); /* ASan, TSan: nobody is there */
		}
		CHECK_EQ(rig_activate(&r, DEFAULT, 2), 0);
		CHECK_EQ(one(&r, VIRTIO_BLK_T_IN, 0, 512), VIRTIO_BLK_S_OK);
		rig_fini(&r);
	}
}

static void break_ring(struct rig *r, int how)
{
	struct vqd *d = &r->d[0];

	switch (how) {
	case 0: /* no status byte */
		vqd_desc(d, 0, VQD_GPA + HDR, 16, 0, 0);
		vqd_publish(d, 0);
		break;
	case 1: /* the header cannot be read */
		vqd_desc(d, 0, VQD_GPA + HDR, 17, VRING_DESC_F_WRITE, 0);
		vqd_publish(d, 0);
		break;
	case 2: /* outside memory */
		vqd_desc(d, 0, 0, 16, VRING_DESC_F_NEXT, 1);
		vqd_publish(d, 0);
		break;
	case 3: /* a loop */
		vqd_desc(d, 0, VQD_GPA + HDR, 16, VRING_DESC_F_NEXT, 0);
		vqd_publish(d, 0);
		break;
	case 4: /* a head that is none */
		vqd_publish(d, RIG_SIZE);
		break;
	default: /* a jump of the index */
		__atomic_store_n(&d->avail->idx, RIG_SIZE + 1, __ATOMIC_RELEASE);
	}
	rig_kick(r, 0);
}

struct flipper {
	uint8_t *ram;
	atomic_bool stop;
};

/* Rewrites headers and ranges while requests run. */
static void *flip_headers(void *arg)
{
	struct flipper *f = arg;
	volatile uint32_t *p = (volatile uint32_t *)(void *)(f->ram + HDR);

	for (unsigned int i = 0; !atomic_load_explicit(&f->stop, memory_order_relaxed); i++) {
		p[i % 16] = i % 3 ? i % 15 : UINT32_MAX;
		p[i % 16] = i % 5;
	}
	return NULL;
}

/* Whatever the header says when it is read: the request is answered and the disk keeps its size. */
static void test_double_fetch(void)
{
	for (size_t e = 0; e < ARRAY_LEN(engines); e++) {
		auto_close int fd = disk_new();
		const struct virtio_blk_options o = { .fd = fd,
						      .n_queues = 1,
						      .engine = engines[e] };
		struct flipper f = { 0 };
		pthread_t thread;
		struct stat st;
		struct rig r;

		setup(&r, &o);
		CHECK_EQ(rig_activate(&r, DEFAULT, 1), 0);
		f.ram = r.ram;
		CHECK_EQ(pthread_create(&thread, NULL, flip_headers, &f), 0);
		for (int i = 0; i < 1000 && !test_failed; i++) {
			const uint32_t type = i % 2 ? VIRTIO_BLK_T_OUT : VIRTIO_BLK_T_DISCARD;

			if (one(&r, type, (uint64_t)i, 512) < 0)
				TEST_FAIL("request %d: no answer", i);
		}
		atomic_store(&f.stop, true);
		(void)pthread_join(thread, NULL);
		CHECK(!atomic_load(&r.dev->broken));
		CHECK_EQ(fstat(fd, &st), 0);
		CHECK_EQ(st.st_size, DISK_BYTES);
		rig_fini(&r);
	}
}

/* Each breach: NEEDS_RESET, and after the reset the device works as new. */
static void test_broken_rings(void)
{
	for (size_t e = 0; e < ARRAY_LEN(engines); e++) {
		auto_close int fd = disk_new();
		const struct virtio_blk_options o = { .fd = fd,
						      .n_queues = 1,
						      .engine = engines[e] };
		struct rig r;

		setup(&r, &o);
		for (int how = 0; how < 6; how++) {
			uint32_t head;
			uint32_t len = 0;

			CHECK_EQ(rig_activate(&r, DEFAULT, 1), 0);
			break_ring(&r, how);
			CHECK(rig_signalled(r.dev->config_call_fd, RIG_WAIT_MS));
			CHECK(atomic_load(&r.dev->broken));
			rig_kick(&r, 0);
			CHECK_EQ(vqd_used(&r.d[0], &head, &len), false);
			virtio_device_reset(r.dev);
			CHECK_EQ(rig_activate(&r, DEFAULT, 1), 0);
			CHECK_EQ(one(&r, VIRTIO_BLK_T_IN, 0, 512), VIRTIO_BLK_S_OK);
			virtio_device_reset(r.dev);
		}
		rig_fini(&r);
	}
}

/* 20 requests of 512 bytes at 100 a second, the first at once: 190 ms at least. */
static void test_rate_limit(void)
{
	for (size_t e = 0; e < ARRAY_LEN(engines); e++) {
		auto_close int fd = disk_new();
		const struct virtio_blk_options o = {
			.fd = fd, .n_queues = 1, .engine = engines[e], .limit = { .ops_per_s = 100 }
		};
		uint64_t before = ratelimit_now();
		uint32_t head;
		uint32_t len = 0;
		struct rig r;

		setup(&r, &o);
		CHECK_EQ(rig_activate(&r, DEFAULT | EVENT, 1), 0);
		for (uint16_t i = 0; i < 20; i++)
			request(&r, 0, i, VIRTIO_BLK_T_IN, i, 512);
		rig_kick(&r, 0);
		for (int i = 0; i < 20; i++) {
			if (!rig_wait_used(&r, 0, &head, &len))
				TEST_FAIL("no answer");
		}
		/* A pool's threads may each overdraw by one. */
		CHECK(ratelimit_now() - before > 150000000);
		/* A reset does not wait for the bucket. */
		for (uint16_t i = 0; i < 20; i++)
			request(&r, 0, i, VIRTIO_BLK_T_IN, i, 512);
		rig_kick(&r, 0);
		before = ratelimit_now();
		rig_fini(&r);
		CHECK(ratelimit_now() - before < 150000000);
	}
}

static void test_engine(void)
{
	auto_close int fd = disk_new();
	struct virtio_blk_options o = { .fd = fd, .n_queues = 1, .engine = BLK_ENGINE_THREADS };
	struct rig r;

	setup(&r, &o);
	CHECK_STR(virtio_blk_engine(r.dev), "threads");
	rig_fini(&r);
	o.engine = BLK_ENGINE_URING;
	setup(&r, &o);
	CHECK_STR(virtio_blk_engine(r.dev), "io_uring");
	rig_fini(&r);
}

TEST_MAIN(TEST(test_options), TEST(test_config), TEST(test_round_trip), TEST(test_ranges),
	  TEST(test_batches), TEST(test_reset_in_flight), TEST(test_broken_rings),
	  TEST(test_rate_limit), TEST(test_engine), TEST(test_double_fetch))
