/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Address ranges that a device answers for, in I/O port or in memory space. Filled before the vCPUs
 * start and constant from then on; the callbacks come from the vCPUs' threads, several at a time.
 * What nobody claims, or what crosses the end of a range, reads as all ones and ignores writes.
 */
#ifndef BIVALVE_VMMODE_VMM_BUS_H
#define BIVALVE_VMMODE_VMM_BUS_H

#include <stddef.h>
#include <stdint.h>

#include "spec/base/cleanup.h"

enum { BUS_RANGES_MAX = 64 };

/* Embedded in the device that answers. @len is 1, 2, 4 or 8, and @off + @len is in the range. */
struct bus_range {
	uint64_t base, size;
	void (*read)(struct bus_range *r, uint64_t off, void *data, uint32_t len);
	void (*write)(struct bus_range *r, uint64_t off, const void *data, uint32_t len);
};

struct bus {
	struct bus_range *ranges[BUS_RANGES_MAX]; /* borrowed; sorted by base */
	size_t n;
};

/* bus_add - returns 0; -ENOSPC the table is full; -EINVAL empty, wraps, or overlaps another. */
MUST_CHECK int bus_add(struct bus *b, struct bus_range *r);

void bus_read(const struct bus *b, uint64_t addr, void *data, uint32_t len);
void bus_write(const struct bus *b, uint64_t addr, const void *data, uint32_t len);

#endif
