/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A raw disk image: a regular file or a block device that is already open. This header knows sizes,
 * sectors and abilities; the requests go to the descriptor themselves.
 */
#ifndef BIVALVE_VMMODE_VIRTIO_DISK_H
#define BIVALVE_VMMODE_VIRTIO_DISK_H

#include <stdbool.h>
#include <stdint.h>

#include "spec/base/err.h"

enum { SECTOR_SHIFT = 9, SECTOR_BYTES = 1 << SECTOR_SHIFT };

struct disk {
	int fd; /* borrowed */
	bool read_only;
	bool is_block;        /* a block device */
	bool can_punch;       /* ranges can be given back: discard */
	uint64_t sectors;     /* capacity; > 0 */
	uint32_t block_bytes; /* logical block: what the guest addresses best; a power of two */
};

/*
 * disk_init - looks at @fd.
 * A file whose size is no multiple of a sector is taken when it is read-only: the rest of its last
 * sector reads as zeros.
 * Returns 0; -EINVAL neither a file nor a block device, empty, or a size that can not be; -EBADF
 * not open for reading, or not for writing though @read_only is false; -EOPNOTSUPP opened with
 * O_DIRECT; -errno.
 */
MUST_CHECK int disk_init(struct disk *d, int fd, bool read_only, struct err *err);

/* disk_has - the @bytes (a multiple of SECTOR_BYTES) from @sector on are on the disk. */
bool disk_has(const struct disk *d, uint64_t sector, uint64_t bytes);

#endif
