// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A hostile driver of a block device: the ring, the requests' format, a disk in memory. The
 * operations are performed in this thread, so that an input always does the same.
 */
#include <fcntl.h>
#include <sys/mman.h>

#include "tests/fuzz/vq_ops.h"
#include "vmmode/virtio/blk_req.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { QUEUE_SIZE = 16, DISK_BYTES = 1 << 20, STEPS_MAX = 64 };

static struct {
	struct guest_mem mem;
	uint8_t *ram;
	struct vqd d;
	struct virtq q;
	struct virtq_chain chain;
	struct blk_req req;
	struct blk_shared shared;
	uint8_t zeros[4096];
} m;

static int64_t perform(const struct blk_io *io)
{
	int fd = m.shared.disk.fd;
	int64_t rc = 0;

	/* Whatever the request was, it stays on the disk. */
	if (io->off > DISK_BYTES || (io->op != BLK_OP_SYNC && io->bytes > DISK_BYTES - io->off))
		abort();
	switch (io->op) {
	case BLK_OP_READ:
		rc = preadv(fd, io->iov, (int)io->n_iov, (int64_t)io->off);
		break;
	case BLK_OP_WRITE:
		rc = pwritev(fd, io->iov, (int)io->n_iov, (int64_t)io->off);
		break;
	case BLK_OP_SYNC:
		break;
	case BLK_OP_FALLOCATE:
		rc = fallocate(fd, io->mode, (int64_t)io->off, (int64_t)io->bytes);
		break;
	}
	return rc < 0 ? -errno : rc;
}

/* Returns false when the ring is broken. */
static bool run(void)
{
	int rc;

	while ((rc = virtq_pop(&m.q, &m.chain)) > 0) {
		const uint32_t room = m.chain.write_bytes;
		struct blk_io io;
		int steps = 0;
		uint32_t written;

		if (blk_req_start(&m.req, &m.shared, &m.chain) < 0)
			return false;
		while (blk_req_next(&m.req, &m.shared, &io)) {
			/* A disk of 1 MiB is zeroed in 256 steps of 4 KiB, in 16 ranges. */
			if (++steps > 16 * (DISK_BYTES / 4096 + 2))
				abort();
			blk_req_result(&m.req, &m.shared, perform(&io));
		}
		written = blk_req_finish(&m.req);
		if (written > room)
			abort();
		virtq_push(&m.q, m.req.head, written);
	}
	return rc == 0;
}

static void fresh(void)
{
	vqd_init(&m.d, m.ram, 0, QUEUE_SIZE);
	if (virtq_activate(&m.q, &m.mem, &m.d.config, QUEUE_SIZE) < 0)
		abort();
	m.q.indirect = true;
}

static void setup(void)
{
	int fd = memfd_create("disk", MFD_CLOEXEC);

	m.ram = vqd_ram_new(&m.mem);
	if (fd < 0 || ftruncate(fd, DISK_BYTES) < 0)
		abort();
	if (disk_init(&m.shared.disk, fd, false, NULL) < 0)
		abort();
	m.shared.zeros = (struct iovec){ m.zeros, sizeof(m.zeros) };
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vq_input in = { data, size };
	bool ok = true;

	if (!m.ram)
		setup();
	memset(m.ram, 0, VQD_BYTES);
	m.shared.disk.read_only = vq_take(&in, 1) & 1;
	fresh();
	for (int i = 0; i < STEPS_MAX && in.left > 0; i++) {
		size_t queue;
		enum vq_op op = vq_step(&in, &m.d, 1, &queue);

		if (op == VQ_RUN && ok)
			ok = run();
		if (op == VQ_FRESH) {
			virtq_reset(&m.q);
			fresh();
			ok = true;
		}
	}
	return 0;
}
