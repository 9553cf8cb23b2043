// SPDX-License-Identifier: GPL-2.0-or-later
/* The table of guest RAM. */
#include "vmmode/virtio/guest_mem.h"

#include <sys/mman.h>

int guest_mem_add(struct guest_mem *m, gpa_t gpa, uint64_t size, void *hva)
{
	if (size == 0 || !hva || size - 1 > UINT64_MAX - gpa)
		return -EINVAL;
	for (size_t i = 0; i < m->n; i++) {
		const struct guest_region *r = &m->regions[i];

		if (gpa < r->gpa ? r->gpa - gpa < size : gpa - r->gpa < r->size)
			return -EINVAL;
	}
	if (m->n == GUEST_REGIONS_MAX)
		return -ENOSPC;
	m->regions[m->n++] = (struct guest_region){ .gpa = gpa, .size = size, .hva = hva };
	return 0;
}

void *guest_mem_at(const struct guest_mem *m, gpa_t gpa, uint64_t len)
{
	for (size_t i = 0; i < m->n; i++) {
		const struct guest_region *r = &m->regions[i];
		uint64_t off;

		if (gpa < r->gpa)
			continue;
		off = gpa - r->gpa;
		/* Subtraction: gpa + len may wrap. */
		if (off < r->size && len <= r->size - off)
			return r->hva + off;
	}
	return NULL;
}

uint64_t guest_mem_bytes(const struct guest_mem *m)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < m->n; i++)
		sum += m->regions[i].size;
	return sum;
}

int guest_mem_discard(const struct guest_mem *m, void *p, uint64_t len)
{
	const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	const uintptr_t head = (page - (uintptr_t)p % page) % page;
	/* DONTNEED drops a private mapping's pages; a memfd keeps its own until they are removed.
	 */
	const int how = m->is_shared ? MADV_REMOVE : MADV_DONTNEED;

	if (len < head + page)
		return 0;
	len = (len - head) / page * page;
	return madvise((uint8_t *)p + head, len, how) < 0 ? -errno : 0;
}
