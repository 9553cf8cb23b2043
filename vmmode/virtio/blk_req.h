/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One request of a virtio block device, as a small state machine without I/O: a chain goes in, one
 * operation after the other comes out, each result goes back in, until a status is there. So the
 * rules of the format are in one place, whoever performs the operations, and can be tested alone.
 *
 *   blk_req_start()   reads the chain once: from then on nothing of the rings is looked at
 *   blk_req_next()    the operation to perform now; false: the request is finished
 *   blk_req_result()  its result
 *   blk_req_finish()  writes the status byte; gives the length for the used ring
 *
 * Source: virtio 1.2, 5.2.6.
 */
#ifndef BIVALVE_VMMODE_VIRTIO_BLK_REQ_H
#define BIVALVE_VMMODE_VIRTIO_BLK_REQ_H

#include <linux/virtio_blk.h>

#include "vmmode/virtio/blk.h"
#include "vmmode/virtio/disk.h"

enum {
	BLK_SEG_MAX = 248,   /* data buffers of one request; makes struct blk_req fit a page */
	BLK_RANGES_MAX = 16, /* ranges of one discard or write-zeroes */
	/* Sectors of one such range: 2 GiB. */
	BLK_RANGE_SECTORS_MAX = 1 << 22,
};

enum blk_op { BLK_OP_READ, BLK_OP_WRITE, BLK_OP_SYNC, BLK_OP_FALLOCATE };

/* An operation on the disk's descriptor. */
struct blk_io {
	enum blk_op op;
	struct iovec *iov; /* READ, WRITE */
	uint32_t n_iov;
	bool durable;   /* WRITE: RWF_DSYNC */
	int mode;       /* FALLOCATE */
	uint64_t off;   /* bytes */
	uint64_t bytes; /* of READ, WRITE, FALLOCATE; > 0 */
};

/* What all requests of a device share. Constant while the device is active. */
struct blk_shared {
	struct disk disk;
	char serial[BLK_SERIAL_BYTES]; /* padded with zeros */
	struct iovec zeros;            /* memory that reads as zeros; for write-zeroes */
	bool writeback;                /* writes need not be durable before they are answered */
};

struct blk_req {
	uint16_t head;
	uint8_t status;    /* VIRTIO_BLK_S_* */
	uint32_t type;     /* VIRTIO_BLK_T_* */
	uint32_t written;  /* bytes of data given to the guest */
	uint8_t *status_p; /* guest memory */
	bool finished;
	bool sync_last;     /* a sync before the answer: the change has to be durable */
	bool zero_by_write; /* write-zeroes: the file system cannot, so zeros are written */
	uint16_t i, n;      /* the current buffer or range, and how many there are */
	uint64_t off;       /* disk offset of what is left, bytes */
	uint64_t left;      /* bytes left of the data, or of the current range */
	struct iovec zero;  /* the part of the zeros to write */
	union {
		struct iovec iov[BLK_SEG_MAX];
		struct virtio_blk_discard_write_zeroes ranges[BLK_RANGES_MAX];
	};
};

_Static_assert(sizeof(struct blk_req) <= 4096, "see BLK_SEG_MAX");

/*
 * blk_req_start - takes the chain @c, which blk_req_start() may change.
 * Returns 0; -EINVAL there is no room for a header or a status byte, so that the guest cannot be
 * answered. Every other fault ends in a status.
 */
MUST_CHECK int blk_req_start(struct blk_req *r, const struct blk_shared *s, struct virtq_chain *c);

/* blk_req_next - see the head. @out refers to @r until blk_req_result(). */
bool blk_req_next(struct blk_req *r, const struct blk_shared *s, struct blk_io *out);

/* blk_req_result - @res: bytes transferred, or 0, or -errno, as the operation returned it. */
void blk_req_result(struct blk_req *r, const struct blk_shared *s, int64_t res);

/* blk_req_finish - returns the number of bytes written to the guest's buffers, status included. */
uint32_t blk_req_finish(const struct blk_req *r);

#endif
