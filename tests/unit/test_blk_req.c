// SPDX-License-Identifier: GPL-2.0-or-later
/* The format of block requests, without a disk: what is refused, and which operations come out. */
#include "vmmode/virtio/blk_req.h"

#include <linux/falloc.h>

#include "tests/unit/test.h"

enum { SECTORS = 64, READ_BYTES = 8192, WRITE_BYTES = 8192 };

/* A chain over two flat buffers: the first is what the device reads. */
struct box {
	uint8_t in[READ_BYTES];
	uint8_t out[WRITE_BYTES];
	struct virtq_chain chain;
	struct blk_req req;
	struct blk_shared shared;
};

static void box_init(struct box *b)
{
	memset(b, 0, sizeof(*b));
	memset(b->out, 0xee, sizeof(b->out));
	b->shared.disk = (struct disk){ .sectors = SECTORS, .block_bytes = 512, .can_punch = true };
	b->shared.writeback = true;
	b->shared.zeros.iov_len = 4096;
	memcpy(b->shared.serial, "serial-of-20-bytes--", BLK_SERIAL_BYTES);
}

/* Cuts @bytes of @from into buffers of @cut bytes. */
static uint16_t cut(struct iovec *iov, uint8_t *from, size_t bytes, size_t step)
{
	uint16_t n = 0;

	for (size_t at = 0; at < bytes; at += step) {
		size_t len = bytes - at < step ? bytes - at : step;

		iov[n++] = (struct iovec){ .iov_base = from + at, .iov_len = len };
	}
	return n;
}

static int start(struct box *b, uint32_t read_bytes, uint32_t write_bytes, size_t step)
{
	struct virtq_chain *c = &b->chain;

	c->head = 7;
	c->read_bytes = read_bytes;
	c->write_bytes = write_bytes;
	c->n_read = cut(c->iov, b->in, read_bytes, step);
	c->n_write = cut(c->iov + c->n_read, b->out, write_bytes, step);
	return blk_req_start(&b->req, &b->shared, c);
}

static void header(struct box *b, uint32_t type, uint64_t sector)
{
	const struct virtio_blk_outhdr h = { .type = type, .sector = sector };

	memcpy(b->in, &h, sizeof(h));
}

static void range(struct box *b, size_t i, uint64_t sector, uint32_t sectors, uint32_t flags)
{
	const struct virtio_blk_discard_write_zeroes w = { sector, sectors, flags };

	memcpy(b->in + 16 + 16 * i, &w, sizeof(w));
}

static void test_no_answer_possible(void)
{
	static const uint32_t cases[][2] = { { 0, 0 }, { 15, 1 }, { 16, 0 }, { 0, 513 } };
	struct box b;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		box_init(&b);
		CHECK_EQ(start(&b, cases[i][0], cases[i][1], 512), -EINVAL);
	}
}

static void test_refused(void)
{
	static const struct {
		uint32_t type;
		uint64_t sector;
		uint32_t read_bytes, write_bytes;
		bool read_only;
		uint8_t status;
	} cases[] = {
		{ VIRTIO_BLK_T_IN, 0, 16, 2, false, VIRTIO_BLK_S_IOERR },
		{ VIRTIO_BLK_T_IN, 0, 16, 512, false, VIRTIO_BLK_S_IOERR },
		{ VIRTIO_BLK_T_IN, SECTORS, 16, 513, false, VIRTIO_BLK_S_IOERR },
		{ VIRTIO_BLK_T_IN, SECTORS - 1, 16, 1025, false, VIRTIO_BLK_S_IOERR },
		{ VIRTIO_BLK_T_IN, UINT64_MAX, 16, 513, false, VIRTIO_BLK_S_IOERR },
		{ VIRTIO_BLK_T_IN, UINT64_C(1) << 55, 16, 513, false, VIRTIO_BLK_S_IOERR },
		{ VIRTIO_BLK_T_IN, 0, 17, 513, false, VIRTIO_BLK_S_IOERR },
		{ VIRTIO_BLK_T_OUT, 0, 16 + 512, 2, false, VIRTIO_BLK_S_IOERR },
		{ VIRTIO_BLK_T_OUT, 0, 16 + 511, 1, false, VIRTIO_BLK_S_IOERR },
		{ VIRTIO_BLK_T_OUT, 0, 16 + 512, 1, true, VIRTIO_BLK_S_IOERR },
		{ VIRTIO_BLK_T_OUT, SECTORS, 16 + 512, 1, false, VIRTIO_BLK_S_IOERR },
		{ VIRTIO_BLK_T_OUT, UINT64_C(1) << 55, 16 + 512, 1, false, VIRTIO_BLK_S_IOERR },
		{ VIRTIO_BLK_T_DISCARD, 0, 16, 1, false, VIRTIO_BLK_S_IOERR },
		{ VIRTIO_BLK_T_DISCARD, 0, 16 + 15, 1, false, VIRTIO_BLK_S_IOERR },
		{ VIRTIO_BLK_T_DISCARD, 0, 16 + 17 * 16, 1, false, VIRTIO_BLK_S_IOERR },
		{ VIRTIO_BLK_T_DISCARD, 0, 16 + 16, 1, true, VIRTIO_BLK_S_IOERR },
		{ VIRTIO_BLK_T_WRITE_ZEROES, 0, 16 + 16, 1, true, VIRTIO_BLK_S_IOERR },
		{ VIRTIO_BLK_T_SCSI_CMD, 0, 16, 1, false, VIRTIO_BLK_S_UNSUPP },
		{ VIRTIO_BLK_T_SECURE_ERASE, 0, 32, 1, false, VIRTIO_BLK_S_UNSUPP },
		{ 0xffffffff, 0, 16, 1, false, VIRTIO_BLK_S_UNSUPP },
		/* Nothing to do is no fault. */
		{ VIRTIO_BLK_T_IN, SECTORS, 16, 1, false, VIRTIO_BLK_S_OK },
		{ VIRTIO_BLK_T_OUT, 0, 16, 1, false, VIRTIO_BLK_S_OK },
		{ VIRTIO_BLK_T_FLUSH, 0, 16, 1, true, VIRTIO_BLK_S_OK },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct blk_io io;
		struct box b;

		box_init(&b);
		b.shared.disk.read_only = cases[i].read_only;
		header(&b, cases[i].type, cases[i].sector);
		CHECK_EQ(start(&b, cases[i].read_bytes, cases[i].write_bytes, 100), 0);
		CHECK_EQ(blk_req_next(&b.req, &b.shared, &io), false);
		CHECK_EQ(blk_req_finish(&b.req), 1);
		CHECK_EQ(b.out[cases[i].write_bytes - 1], cases[i].status);
	}
}

/* Any framing: buffers of @step bytes, so header and status may share a buffer with the data. */
static void test_framing(void)
{
	static const size_t steps[] = { 7, 16, 17, 511, 512, 513, 8192 };

	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		uint64_t sum = 0;
		struct blk_io io;
		struct box b;

		box_init(&b);
		header(&b, VIRTIO_BLK_T_IN, 3);
		CHECK_EQ(start(&b, 16, 1025, steps[i]), 0);
		CHECK(blk_req_next(&b.req, &b.shared, &io));
		CHECK_EQ(io.op, BLK_OP_READ);
		CHECK_EQ(io.off, 3 * 512);
		CHECK_EQ(io.bytes, 1024);
		CHECK(io.iov[0].iov_base == b.out);
		for (uint32_t k = 0; k < io.n_iov; k++)
			sum += io.iov[k].iov_len;
		CHECK_EQ(sum, 1024);

		box_init(&b);
		header(&b, VIRTIO_BLK_T_OUT, 0);
		CHECK_EQ(start(&b, 16 + 512, 1, steps[i]), 0);
		CHECK(blk_req_next(&b.req, &b.shared, &io));
		CHECK_EQ(io.op, BLK_OP_WRITE);
		CHECK(io.iov[0].iov_base == b.in + 16);
	}
}

static void test_too_many_buffers(void)
{
	struct blk_io io;
	struct box b;

	box_init(&b);
	header(&b, VIRTIO_BLK_T_IN, 0);
	CHECK_EQ(start(&b, 16, BLK_SEG_MAX * 2 + 513, 2), 0);
	CHECK_EQ(blk_req_next(&b.req, &b.shared, &io), false);
	CHECK_EQ(b.req.status, VIRTIO_BLK_S_IOERR);
}

static void test_short_transfers(void)
{
	struct blk_io io;
	struct box b;

	box_init(&b);
	header(&b, VIRTIO_BLK_T_IN, 1);
	CHECK_EQ(start(&b, 16, 1025, 300), 0);
	CHECK(blk_req_next(&b.req, &b.shared, &io));
	blk_req_result(&b.req, &b.shared, 301);
	CHECK(blk_req_next(&b.req, &b.shared, &io));
	CHECK_EQ(io.off, 512 + 301);
	CHECK_EQ(io.bytes, 723);
	CHECK(io.iov[0].iov_base == b.out + 301);
	CHECK_EQ(io.iov[0].iov_len, 299);
	blk_req_result(&b.req, &b.shared, -EINTR);
	CHECK(blk_req_next(&b.req, &b.shared, &io));
	CHECK_EQ(io.off, 512 + 301);
	blk_req_result(&b.req, &b.shared, 723);
	CHECK_EQ(blk_req_next(&b.req, &b.shared, &io), false);
	CHECK_EQ(blk_req_finish(&b.req), 1025);
	CHECK_EQ(b.out[1024], VIRTIO_BLK_S_OK);
}

static void test_failed_transfers(void)
{
	static const struct {
		uint32_t type;
		int64_t res;
	} cases[] = {
		{ VIRTIO_BLK_T_IN, -EIO },    { VIRTIO_BLK_T_IN, 0 },
		{ VIRTIO_BLK_T_IN, 513 },     { VIRTIO_BLK_T_OUT, 0 },
		{ VIRTIO_BLK_T_OUT, 513 },    { VIRTIO_BLK_T_OUT, -ENOSPC },
		{ VIRTIO_BLK_T_FLUSH, -EIO },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const bool out = cases[i].type == VIRTIO_BLK_T_OUT;
		const bool in = cases[i].type == VIRTIO_BLK_T_IN;
		struct blk_io io;
		struct box b;

		box_init(&b);
		header(&b, cases[i].type, 0);
		CHECK_EQ(start(&b, out ? 528 : 16, in ? 513 : 1, 4096), 0);
		CHECK(blk_req_next(&b.req, &b.shared, &io));
		blk_req_result(&b.req, &b.shared, cases[i].res);
		CHECK_EQ(blk_req_next(&b.req, &b.shared, &io), false);
		CHECK_EQ(blk_req_finish(&b.req), 1);
		CHECK_EQ(b.out[in ? 512 : 0], VIRTIO_BLK_S_IOERR);
	}
}

/* The last sector of a read-only file whose size is no multiple of a sector. */
static void test_tail(void)
{
	struct blk_io io;
	struct box b;

	box_init(&b);
	b.shared.disk.read_only = true;
	header(&b, VIRTIO_BLK_T_IN, SECTORS - 2);
	CHECK_EQ(start(&b, 16, 1025, 100), 0);
	CHECK(blk_req_next(&b.req, &b.shared, &io));
	blk_req_result(&b.req, &b.shared, 612);
	CHECK(blk_req_next(&b.req, &b.shared, &io));
	blk_req_result(&b.req, &b.shared, 0);
	CHECK_EQ(blk_req_next(&b.req, &b.shared, &io), false);
	CHECK_EQ(blk_req_finish(&b.req), 1025);
	CHECK_EQ(b.out[611], 0xee);
	for (size_t i = 612; i < 1024; i++)
		CHECK_EQ(b.out[i], 0);
	CHECK_EQ(b.out[1024], VIRTIO_BLK_S_OK);
}

static void test_durable(void)
{
	struct blk_io io;
	struct box b;

	box_init(&b);
	header(&b, VIRTIO_BLK_T_OUT, 0);
	CHECK_EQ(start(&b, 528, 1, 4096), 0);
	CHECK(blk_req_next(&b.req, &b.shared, &io));
	CHECK_EQ(io.durable, false);
	b.shared.writeback = false;
	CHECK_EQ(start(&b, 528, 1, 4096), 0);
	CHECK(blk_req_next(&b.req, &b.shared, &io));
	CHECK_EQ(io.durable, true);
	/* Zeros are synced once, at the end. */
	header(&b, VIRTIO_BLK_T_WRITE_ZEROES, 0);
	range(&b, 0, 1, 1, 0);
	CHECK_EQ(start(&b, 32, 1, 4096), 0);
	CHECK(blk_req_next(&b.req, &b.shared, &io));
	CHECK_EQ(io.op, BLK_OP_FALLOCATE);
	blk_req_result(&b.req, &b.shared, 0);
	CHECK(blk_req_next(&b.req, &b.shared, &io));
	CHECK_EQ(io.op, BLK_OP_SYNC);
	blk_req_result(&b.req, &b.shared, 0);
	CHECK_EQ(blk_req_next(&b.req, &b.shared, &io), false);
	CHECK_EQ(b.req.status, VIRTIO_BLK_S_OK);
}

static void test_get_id(void)
{
	static const uint32_t rooms[] = { 0, 1, 19, 20, 21, 100 };

	for (size_t i = 0; i < ARRAY_LEN(rooms); i++) {
		const uint32_t want = rooms[i] < 20 ? rooms[i] : 20;
		struct blk_io io;
		struct box b;

		box_init(&b);
		header(&b, VIRTIO_BLK_T_GET_ID, 99);
		CHECK_EQ(start(&b, 16, rooms[i] + 1, 6), 0);
		CHECK_EQ(blk_req_next(&b.req, &b.shared, &io), false);
		CHECK_EQ(blk_req_finish(&b.req), want + 1);
		CHECK_MEM(b.out, "serial-of-20-bytes--", want);
		CHECK_EQ(b.out[rooms[i]], VIRTIO_BLK_S_OK);
		CHECK_EQ(b.out[rooms[i] + 1], 0xee);
	}
}

static void test_ranges(void)
{
	static const struct {
		uint32_t type;
		struct virtio_blk_discard_write_zeroes r;
		bool can_punch;
		int mode; /* -1: refused */
		uint8_t status;
	} cases[] = {
		{ VIRTIO_BLK_T_DISCARD, { 0, 1, 0 }, true, FALLOC_FL_PUNCH_HOLE, 0 },
		{ VIRTIO_BLK_T_DISCARD, { 0, 1, 0 }, false, -1, VIRTIO_BLK_S_UNSUPP },
		{ VIRTIO_BLK_T_DISCARD, { 0, 1, 1 }, true, -1, VIRTIO_BLK_S_UNSUPP },
		{ VIRTIO_BLK_T_DISCARD, { SECTORS, 1, 0 }, true, -1, VIRTIO_BLK_S_IOERR },
		{ VIRTIO_BLK_T_DISCARD, { UINT64_MAX, 1, 0 }, true, -1, VIRTIO_BLK_S_IOERR },
		{ VIRTIO_BLK_T_DISCARD, { 0, UINT32_MAX, 0 }, true, -1, VIRTIO_BLK_S_IOERR },
		{ VIRTIO_BLK_T_DISCARD, { 5, 0, 0 }, true, -1, VIRTIO_BLK_S_OK },
		{ VIRTIO_BLK_T_WRITE_ZEROES, { 0, 1, 0 }, true, FALLOC_FL_ZERO_RANGE, 0 },
		{ VIRTIO_BLK_T_WRITE_ZEROES, { 0, 1, 1 }, true, FALLOC_FL_PUNCH_HOLE, 0 },
		{ VIRTIO_BLK_T_WRITE_ZEROES, { 0, 1, 1 }, false, FALLOC_FL_ZERO_RANGE, 0 },
		{ VIRTIO_BLK_T_WRITE_ZEROES, { 0, 1, 2 }, true, -1, VIRTIO_BLK_S_UNSUPP },
		{ VIRTIO_BLK_T_WRITE_ZEROES, { 1, SECTORS, 0 }, true, -1, VIRTIO_BLK_S_IOERR },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct blk_io io = { 0 };
		struct box b;

		box_init(&b);
		b.shared.disk.can_punch = cases[i].can_punch;
		header(&b, cases[i].type, 0);
		range(&b, 0, cases[i].r.sector, cases[i].r.num_sectors, cases[i].r.flags);
		CHECK_EQ(start(&b, 32, 1, 4096), 0);
		CHECK_EQ(blk_req_next(&b.req, &b.shared, &io), cases[i].mode >= 0);
		if (cases[i].mode >= 0) {
			CHECK_EQ(io.op, BLK_OP_FALLOCATE);
			CHECK_EQ(io.mode, cases[i].mode | FALLOC_FL_KEEP_SIZE);
		}
		CHECK_EQ(b.req.status, cases[i].status);
	}
}

/* A bad range behind good ones: nothing is done at all. */
static void test_ranges_all_or_nothing(void)
{
	struct blk_io io;
	struct box b;

	box_init(&b);
	header(&b, VIRTIO_BLK_T_DISCARD, 0);
	range(&b, 0, 0, 8, 0);
	range(&b, 1, 0, 0, 0);
	range(&b, 2, 16, 8, 0);
	CHECK_EQ(start(&b, 16 + 48, 1, 10), 0);
	CHECK(blk_req_next(&b.req, &b.shared, &io));
	CHECK_EQ(io.off, 0);
	blk_req_result(&b.req, &b.shared, 0);
	CHECK(blk_req_next(&b.req, &b.shared, &io));
	CHECK_EQ(io.off, 16 * 512);
	CHECK_EQ(io.bytes, 4096);
	blk_req_result(&b.req, &b.shared, -EOPNOTSUPP);
	CHECK_EQ(blk_req_next(&b.req, &b.shared, &io), false);
	CHECK_EQ(b.req.status, VIRTIO_BLK_S_UNSUPP);
	range(&b, 2, SECTORS, 1, 0);
	CHECK_EQ(start(&b, 16 + 48, 1, 10), 0);
	CHECK_EQ(blk_req_next(&b.req, &b.shared, &io), false);
	CHECK_EQ(b.req.status, VIRTIO_BLK_S_IOERR);
}

static void test_zeros_by_write(void)
{
	static const struct {
		uint64_t off, bytes;
	} want[] = { { 1024, 4096 }, { 5120, 4096 }, { 9216, 1024 }, { 30 * 512, 512 } };
	struct blk_io io;
	struct box b;

	box_init(&b);
	header(&b, VIRTIO_BLK_T_WRITE_ZEROES, 0);
	range(&b, 0, 2, 18, 0);
	range(&b, 1, 30, 1, 0);
	CHECK_EQ(start(&b, 48, 1, 4096), 0);
	CHECK(blk_req_next(&b.req, &b.shared, &io));
	CHECK_EQ(io.op, BLK_OP_FALLOCATE);
	blk_req_result(&b.req, &b.shared, -EOPNOTSUPP);
	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		CHECK(blk_req_next(&b.req, &b.shared, &io));
		CHECK_EQ(io.op, BLK_OP_WRITE);
		CHECK_EQ(io.off, want[i].off);
		CHECK_EQ(io.bytes, want[i].bytes);
		CHECK_EQ(io.iov->iov_len, want[i].bytes);
		blk_req_result(&b.req, &b.shared, (int64_t)io.bytes);
	}
	CHECK_EQ(blk_req_next(&b.req, &b.shared, &io), false);
	CHECK_EQ(b.req.status, VIRTIO_BLK_S_OK);
}

TEST_MAIN(TEST(test_no_answer_possible), TEST(test_refused), TEST(test_framing),
	  TEST(test_too_many_buffers), TEST(test_short_transfers), TEST(test_failed_transfers),
	  TEST(test_tail), TEST(test_durable), TEST(test_get_id), TEST(test_ranges),
	  TEST(test_ranges_all_or_nothing), TEST(test_zeros_by_write))
