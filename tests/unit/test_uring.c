// SPDX-License-Identifier: GPL-2.0-or-later
/* io_uring: a ring carries out what it was made for, and nothing else. */
#include "vmmode/virtio/uring.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>

#include "tests/unit/test.h"

static const uint8_t ops[] = { IORING_OP_NOP, IORING_OP_READ };

/* What the ring answers to one submission. */
static int answer(struct uring *r, uint8_t opcode, uint8_t flags)
{
	struct io_uring_sqe *sqe = uring_sqe(r);
	uint32_t cqe_flags;
	uint64_t data;
	int32_t res;

	if (!sqe)
		return -ENOSPC;
	sqe->opcode = opcode;
	sqe->flags = flags;
	sqe->fd = AT_FDCWD;
	sqe->addr = (uint64_t)(uintptr_t) "/etc/passwd";
	if (uring_enter(r, 1) < 0 || !uring_cqe(r, &data, &res, &cqe_flags))
		return -EIO;
	return res;
}

static void test_restrictions(void)
{
	struct uring r;
	int rc = uring_init(&r, 8, ops, sizeof(ops));

	if (rc < 0)
		TEST_SKIP("no io_uring here");
	CHECK_EQ(answer(&r, IORING_OP_NOP, 0), 0);
	CHECK_EQ(answer(&r, IORING_OP_OPENAT, 0), -EACCES);
	CHECK_EQ(answer(&r, IORING_OP_SOCKET, 0), -EACCES);
	CHECK_EQ(answer(&r, IORING_OP_NOP, IOSQE_IO_DRAIN), -EACCES);
	/* Nothing can be registered any more, nor the restrictions taken back. */
	CHECK_EQ(syscall(SYS_io_uring_register, r.fd, IORING_REGISTER_PROBE, NULL, 0), -1);
	CHECK_EQ(errno, EACCES);
	uring_fini(&r);
}

static void test_bad_list(void)
{
	struct uring r;
	const uint8_t many[URING_OPS_MAX + 1] = { 0 };
	int rc = uring_init(&r, 8, ops, sizeof(ops));

	if (rc < 0)
		TEST_SKIP("no io_uring here");
	uring_fini(&r);
	CHECK_EQ(uring_init(&r, 8, ops, 0), -EINVAL);
	CHECK_EQ(uring_init(&r, 8, many, sizeof(many)), -EINVAL);
	CHECK_EQ(r.fd, -1);
}

TEST_MAIN(TEST(test_restrictions), TEST(test_bad_list))
