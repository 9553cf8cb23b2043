// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The request format of virtio block devices. The framing is the guest's own (virtio 1.2, 2.7.4.2):
 * the header is the first 16 readable bytes, the status the last writable one, wherever buffers
 * begin and end.
 */
#include "vmmode/virtio/blk_req.h"

#include <linux/falloc.h>
#include <string.h>

_Static_assert(sizeof(struct virtio_blk_outhdr) == 16, "virtio 1.2, 5.2.6");
_Static_assert(sizeof(struct virtio_blk_discard_write_zeroes) == 16, "virtio 1.2, 5.2.6");

/* Finds the last writable byte and takes it out of the chain's data. */
static uint8_t *take_status(struct virtq_chain *c)
{
	for (size_t i = (size_t)c->n_read + c->n_write; i-- > c->n_read;) {
		if (c->iov[i].iov_len == 0)
			continue;
		c->write_bytes--;
		return (uint8_t *)c->iov[i].iov_base + --c->iov[i].iov_len;
	}
	return NULL;
}

/* Keeps the buffers of @iov behind the first @skip bytes. False: there are too many. */
static bool keep_data(struct blk_req *r, const struct iovec *iov, size_t n, size_t skip)
{
	for (size_t i = 0; i < n; i++) {
		if (skip >= iov[i].iov_len) {
			skip -= iov[i].iov_len;
			continue;
		}
		if (r->n == BLK_SEG_MAX)
			return false;
		r->iov[r->n++] = (struct iovec){
			.iov_base = (uint8_t *)iov[i].iov_base + skip,
			.iov_len = iov[i].iov_len - skip,
		};
		skip = 0;
	}
	return true;
}

static void fail(struct blk_req *r, uint8_t status)
{
	r->status = status;
	r->finished = true;
}

static void start_transfer(struct blk_req *r, const struct blk_shared *s,
			   const struct virtq_chain *c, uint64_t sector)
{
	const bool is_read = r->type == VIRTIO_BLK_T_IN;
	const uint32_t extra = c->read_bytes - (uint32_t)sizeof(struct virtio_blk_outhdr);
	bool kept;

	/* Data of the other direction is not in this format. */
	if (is_read ? extra != 0 : c->write_bytes != 0 || s->disk.read_only) {
		fail(r, VIRTIO_BLK_S_IOERR);
		return;
	}
	r->left = is_read ? c->write_bytes : extra;
	if (is_read)
		kept = keep_data(r, c->iov + c->n_read, c->n_write, 0);
	else
		kept = keep_data(r, c->iov, c->n_read, sizeof(struct virtio_blk_outhdr));
	if (!kept || !disk_has(&s->disk, sector, r->left)) {
		fail(r, VIRTIO_BLK_S_IOERR);
		return;
	}
	r->off = sector << SECTOR_SHIFT;
	r->finished = r->left == 0;
}

/* Goes on to the next range that is not empty; after the last one the request is done. */
static void next_range(struct blk_req *r)
{
	while (r->left == 0 && r->i < r->n) {
		r->off = r->ranges[r->i].sector << SECTOR_SHIFT;
		r->left = (uint64_t)r->ranges[r->i].num_sectors << SECTOR_SHIFT;
		r->i++;
	}
	if (r->left == 0 && !r->sync_last)
		r->finished = true;
}

static uint8_t check_range(const struct blk_shared *s, uint32_t type,
			   const struct virtio_blk_discard_write_zeroes *range)
{
	const uint32_t allowed =
	    type == VIRTIO_BLK_T_WRITE_ZEROES ? VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP : 0;

	if (range->flags & ~allowed)
		return VIRTIO_BLK_S_UNSUPP;
	if (range->num_sectors > BLK_RANGE_SECTORS_MAX ||
	    !disk_has(&s->disk, range->sector, (uint64_t)range->num_sectors << SECTOR_SHIFT))
		return VIRTIO_BLK_S_IOERR;
	return VIRTIO_BLK_S_OK;
}

static void start_ranges(struct blk_req *r, const struct blk_shared *s, const struct virtq_chain *c)
{
	const size_t header = sizeof(struct virtio_blk_outhdr);
	const size_t bytes = c->read_bytes - header;

	if (r->type == VIRTIO_BLK_T_DISCARD && !s->disk.can_punch && !s->disk.read_only) {
		fail(r, VIRTIO_BLK_S_UNSUPP);
		return;
	}
	if (s->disk.read_only || bytes == 0 || bytes % sizeof(r->ranges[0]) != 0 ||
	    bytes > sizeof(r->ranges)) {
		fail(r, VIRTIO_BLK_S_IOERR);
		return;
	}
	r->n = (uint16_t)(bytes / sizeof(r->ranges[0]));
	(void)virtq_chain_read(c, header, r->ranges, bytes);
	/* All are checked before the first is touched. */
	for (size_t i = 0; i < r->n; i++) {
		uint8_t status = check_range(s, r->type, &r->ranges[i]);

		if (status != VIRTIO_BLK_S_OK) {
			fail(r, status);
			return;
		}
	}
	r->sync_last = r->type == VIRTIO_BLK_T_WRITE_ZEROES && !s->writeback;
	next_range(r);
}

static void get_id(struct blk_req *r, const struct blk_shared *s, const struct virtq_chain *c)
{
	const size_t room = c->write_bytes;

	r->written = (uint32_t)virtq_chain_write(
	    c, 0, s->serial, room < sizeof(s->serial) ? room : sizeof(s->serial));
	r->finished = true;
}

int blk_req_start(struct blk_req *r, const struct blk_shared *s, struct virtq_chain *c)
{
	struct virtio_blk_outhdr header;

	/* Not the buffers: they are filled in as far as they are used. */
	memset(r, 0, offsetof(struct blk_req, iov));
	r->head = c->head;
	r->status = VIRTIO_BLK_S_OK;
	if (c->read_bytes < sizeof(header) || c->write_bytes == 0)
		return -EINVAL;
	(void)virtq_chain_read(c, 0, &header, sizeof(header));
	r->status_p = take_status(c);
	r->type = header.type;
	switch (header.type) {
	case VIRTIO_BLK_T_IN:
	case VIRTIO_BLK_T_OUT:
		start_transfer(r, s, c, header.sector);
		break;
	case VIRTIO_BLK_T_FLUSH:
		/* Nothing was ever written to a read-only disk. */
		r->sync_last = !s->disk.read_only;
		r->finished = s->disk.read_only;
		break;
	case VIRTIO_BLK_T_GET_ID:
		get_id(r, s, c);
		break;
	case VIRTIO_BLK_T_DISCARD:
	case VIRTIO_BLK_T_WRITE_ZEROES:
		start_ranges(r, s, c);
		break;
	default:
		fail(r, VIRTIO_BLK_S_UNSUPP);
	}
	return 0;
}

/* How the current range is given back or made zero. */
static int range_mode(const struct blk_req *r, const struct blk_shared *s)
{
	const bool unmap = r->type == VIRTIO_BLK_T_DISCARD ||
			   (r->ranges[r->i - 1].flags & VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP);

	/* A hole reads as zeros, in files and (by the kernel's promise) on block devices. */
	return FALLOC_FL_KEEP_SIZE |
	       (unmap && s->disk.can_punch ? FALLOC_FL_PUNCH_HOLE : FALLOC_FL_ZERO_RANGE);
}

bool blk_req_next(struct blk_req *r, const struct blk_shared *s, struct blk_io *out)
{
	if (r->finished)
		return false;
	*out = (struct blk_io){ .off = r->off, .bytes = r->left };
	if (r->left == 0) {
		out->op = BLK_OP_SYNC;
		return true;
	}
	out->durable = !s->writeback;
	if (r->type == VIRTIO_BLK_T_IN || r->type == VIRTIO_BLK_T_OUT) {
		out->op = r->type == VIRTIO_BLK_T_IN ? BLK_OP_READ : BLK_OP_WRITE;
		out->iov = r->iov + r->i;
		out->n_iov = (uint32_t)(r->n - r->i);
	} else if (r->zero_by_write) {
		r->zero = s->zeros;
		if (r->zero.iov_len > r->left)
			r->zero.iov_len = r->left;
		out->op = BLK_OP_WRITE;
		out->durable = false; /* the sync at the end does it for all parts */
		out->iov = &r->zero;
		out->n_iov = 1;
		out->bytes = r->zero.iov_len;
	} else {
		out->op = BLK_OP_FALLOCATE;
		out->mode = range_mode(r, s);
	}
	return true;
}

/* @bytes of the data are done. */
static void advance(struct blk_req *r, uint64_t bytes)
{
	r->off += bytes;
	r->left -= bytes;
	while (bytes > 0) {
		struct iovec *v = &r->iov[r->i];

		if (bytes < v->iov_len) {
			v->iov_base = (uint8_t *)v->iov_base + bytes;
			v->iov_len -= bytes;
			break;
		}
		bytes -= v->iov_len;
		r->i++;
	}
	r->finished = r->left == 0;
}

/* The end of the file came early. That is right in the last sector of a read-only file. */
static void read_past_end(struct blk_req *r, const struct disk *d)
{
	if (!d->read_only || r->off >> SECTOR_SHIFT != d->sectors - 1) {
		fail(r, VIRTIO_BLK_S_IOERR);
		return;
	}
	for (size_t i = r->i; i < r->n; i++)
		memset(r->iov[i].iov_base, 0, r->iov[i].iov_len);
	r->written += (uint32_t)r->left;
	advance(r, r->left);
}

static void transfer_result(struct blk_req *r, const struct blk_shared *s, int64_t res)
{
	const bool is_read = r->type == VIRTIO_BLK_T_IN;

	if (res < 0 || (uint64_t)res > r->left || (res == 0 && !is_read)) {
		fail(r, VIRTIO_BLK_S_IOERR);
	} else if (res == 0) {
		read_past_end(r, &s->disk);
	} else {
		if (is_read)
			r->written += (uint32_t)res;
		advance(r, (uint64_t)res);
	}
}

static void range_result(struct blk_req *r, int64_t res)
{
	if (r->zero_by_write) {
		if (res <= 0 || (uint64_t)res > r->zero.iov_len) {
			fail(r, VIRTIO_BLK_S_IOERR);
			return;
		}
		r->off += (uint64_t)res;
		r->left -= (uint64_t)res;
	} else if (res == -EOPNOTSUPP && r->type == VIRTIO_BLK_T_WRITE_ZEROES) {
		/* tmpfs has no ZERO_RANGE, and some block devices cannot zero. */
		r->zero_by_write = true;
		return;
	} else if (res < 0) {
		fail(r, res == -EOPNOTSUPP ? VIRTIO_BLK_S_UNSUPP : VIRTIO_BLK_S_IOERR);
		return;
	} else {
		r->left = 0;
	}
	next_range(r);
}

void blk_req_result(struct blk_req *r, const struct blk_shared *s, int64_t res)
{
	if (res == -EINTR)
		return; /* the same operation again */
	if (r->left == 0) {
		if (res < 0)
			r->status = VIRTIO_BLK_S_IOERR;
		r->finished = true;
	} else if (r->type == VIRTIO_BLK_T_IN || r->type == VIRTIO_BLK_T_OUT) {
		transfer_result(r, s, res);
	} else {
		range_result(r, res);
	}
}

uint32_t blk_req_finish(const struct blk_req *r)
{
	__atomic_store_n(r->status_p, r->status, __ATOMIC_RELAXED);
	return r->written + 1;
}
