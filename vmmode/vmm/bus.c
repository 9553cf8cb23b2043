// SPDX-License-Identifier: GPL-2.0-or-later
/* Which device answers for an address. */
#include "vmmode/vmm/bus.h"

#include <string.h>

int bus_add(struct bus *b, struct bus_range *r)
{
	size_t at = 0;

	if (r->size == 0 || r->size - 1 > UINT64_MAX - r->base)
		return -EINVAL;
	while (at < b->n && b->ranges[at]->base < r->base)
		at++;
	if (at > 0 && r->base - b->ranges[at - 1]->base < b->ranges[at - 1]->size)
		return -EINVAL;
	if (at < b->n && b->ranges[at]->base - r->base < r->size)
		return -EINVAL;
	if (b->n == BUS_RANGES_MAX)
		return -ENOSPC;
	/* NOLINTNEXTLINE(bugprone-sizeof-expression): the array holds pointers */
	memmove(&b->ranges[at + 1], &b->ranges[at], (b->n - at) * sizeof(b->ranges[0]));
	b->ranges[at] = r;
	b->n++;
	return 0;
}

/* The range that holds all of [@addr, @addr + @len), or NULL. */
static struct bus_range *find(const struct bus *b, uint64_t addr, uint32_t len)
{
	size_t low = 0;
	size_t high = b->n;
	struct bus_range *r;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (b->ranges[mid]->base <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == 0)
		return NULL;
	r = b->ranges[low - 1];
	if (addr - r->base >= r->size || len > r->size - (addr - r->base))
		return NULL;
	return r;
}

void bus_read(const struct bus *b, uint64_t addr, void *data, uint32_t len)
{
	struct bus_range *r = find(b, addr, len);

	if (r)
		r->read(r, addr - r->base, data, len);
	else
		memset(data, 0xff, len);
}

void bus_write(const struct bus *b, uint64_t addr, const void *data, uint32_t len)
{
	struct bus_range *r = find(b, addr, len);

	if (r)
		r->write(r, addr - r->base, data, len);
}
