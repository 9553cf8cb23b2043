// SPDX-License-Identifier: GPL-2.0-or-later
/* What a raw disk image is and can do. */
#include "vmmode/virtio/disk.h"

#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

enum { BLOCK_BYTES_MAX = 65536 };

/* Whether ranges of the file can be given back: asked behind its end, where nothing can change. */
static bool file_can_punch(int fd, int64_t size)
{
	const int mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
	int64_t end;

	return !__builtin_add_overflow(size, BLOCK_BYTES_MAX, &end) &&
	       fallocate(fd, mode, end & -(int64_t)BLOCK_BYTES_MAX, BLOCK_BYTES_MAX) == 0;
}

static int init_file(struct disk *d, const struct stat *st, struct err *err)
{
	if (st->st_size <= 0)
		return err_set(err, -EINVAL, "disk: the file is empty");
	if (st->st_size % SECTOR_BYTES && !d->read_only)
		return err_set(err, -EINVAL,
			       "disk: the file's size is no multiple of %d bytes, and it is to be "
			       "written",
			       SECTOR_BYTES);
	d->sectors = ((uint64_t)st->st_size + SECTOR_BYTES - 1) >> SECTOR_SHIFT;
	d->block_bytes = SECTOR_BYTES;
	d->can_punch = !d->read_only && file_can_punch(d->fd, st->st_size);
	return 0;
}

static int init_block(struct disk *d, struct err *err)
{
	uint64_t bytes = 0;
	int block = 0;

	if (ioctl(d->fd, BLKGETSIZE64, &bytes) < 0 || ioctl(d->fd, BLKSSZGET, &block) < 0)
		return err_sys(err, "disk: ask the block device for its size");
	if (bytes < SECTOR_BYTES || block < SECTOR_BYTES || block > BLOCK_BYTES_MAX ||
	    (block & (block - 1)) != 0)
		return err_set(err, -EINVAL, "disk: the block device is empty or has odd blocks");
	d->is_block = true;
	d->sectors = bytes >> SECTOR_SHIFT;
	d->block_bytes = (uint32_t)block;
	/* A device that cannot discard answers so, and the guest then stops asking. */
	d->can_punch = !d->read_only;
	return 0;
}

int disk_init(struct disk *d, int fd, bool read_only, struct err *err)
{
	struct stat st;
	int flags = fcntl(fd, F_GETFL);

	*d = (struct disk){ .fd = fd, .read_only = read_only };
	if (flags < 0 || fstat(fd, &st) < 0)
		return err_sys(err, "disk: look at descriptor %d", fd);
	if ((flags & O_PATH) || (flags & O_ACCMODE) == O_WRONLY)
		return err_set(err, -EBADF, "disk: not open for reading");
	if (!read_only && (flags & O_ACCMODE) != O_RDWR)
		return err_set(err, -EBADF, "disk: not open for writing");
	/* Its alignment rules would have to hold for addresses that the guest picks. */
	if (flags & O_DIRECT)
		return err_set(err, -EOPNOTSUPP, "disk: O_DIRECT is not supported");
	if (flags & O_APPEND)
		return err_set(err, -EINVAL, "disk: opened for appending");
	if (S_ISREG(st.st_mode))
		return init_file(d, &st, err);
	if (S_ISBLK(st.st_mode))
		return init_block(d, err);
	return err_set(err, -EINVAL, "disk: neither a regular file nor a block device");
}

bool disk_has(const struct disk *d, uint64_t sector, uint64_t bytes)
{
	/* Subtraction: sector + count may wrap. */
	return bytes % SECTOR_BYTES == 0 && sector <= d->sectors &&
	       bytes >> SECTOR_SHIFT <= d->sectors - sector;
}
