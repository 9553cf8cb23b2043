/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest memory as the host sees it: a few regions of RAM, each one mapping. This is the only way to
 * reach a guest's bytes: an address and a length from the guest go in, a host pointer to a range
 * that lies wholly inside one region comes out, or nothing. What the pointer shows may change at
 * any time: a shared value is read once, into a local, then checked, then used.
 *
 * The table is filled before the vCPUs start and constant from then on; any thread may read it.
 */
#ifndef BIVALVE_VMMODE_VIRTIO_GUEST_MEM_H
#define BIVALVE_VMMODE_VIRTIO_GUEST_MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "spec/base/cleanup.h"

typedef uint64_t gpa_t; /* guest-physical address */

enum { GUEST_REGIONS_MAX = 8 };

struct guest_region {
	gpa_t gpa;
	uint64_t size; /* bytes */
	uint8_t *hva;  /* borrowed from the owner of the mapping */
};

struct guest_mem {
	struct guest_region regions[GUEST_REGIONS_MAX];
	size_t n;
	bool is_shared; /* mappings of a memfd; false: private anonymous memory */
};

/*
 * guest_mem_add - adds a region of RAM.
 * Returns 0; -ENOSPC the table is full; -EINVAL empty, wraps, or overlaps another region.
 */
MUST_CHECK int guest_mem_add(struct guest_mem *m, gpa_t gpa, uint64_t size, void *hva);

/* guest_mem_at - the host address of [@gpa, @gpa + @len), or NULL unless all of it is in one
 * region. A @len of 0 gives a pointer that must not be read. */
void *guest_mem_at(const struct guest_mem *m, gpa_t gpa, uint64_t len);

/* guest_mem_bytes - all RAM. */
uint64_t guest_mem_bytes(const struct guest_mem *m);

/*
 * guest_mem_discard - gives the host pages of [@p, @p + @len) back: the guest reads zeroes there,
 * and what it writes later takes new pages. A host page that is not wholly in the range is kept.
 * @p: from guest_mem_at(), for all of @len
 *
 * Returns 0 or -errno of madvise(2). Not for memory that a passed-through device reaches: its
 * mappings would keep the old pages.
 */
MUST_CHECK int guest_mem_discard(const struct guest_mem *m, void *p, uint64_t len);

/*
 * Single reads and writes of little-endian ring and register fields, never torn and never repeated
 * by the compiler. acquire/release order what the other side wrote before it published the field.
 */
static inline uint16_t guest_load16(const void *p)
{
	return __atomic_load_n((const uint16_t *)p, __ATOMIC_RELAXED);
}
static inline uint16_t guest_load16_acquire(const void *p)
{
	return __atomic_load_n((const uint16_t *)p, __ATOMIC_ACQUIRE);
}
static inline uint32_t guest_load32(const void *p)
{
	return __atomic_load_n((const uint32_t *)p, __ATOMIC_RELAXED);
}
static inline uint64_t guest_load64(const void *p)
{
	return __atomic_load_n((const uint64_t *)p, __ATOMIC_RELAXED);
}
static inline void guest_store16(void *p, uint16_t v)
{
	__atomic_store_n((uint16_t *)p, v, __ATOMIC_RELAXED);
}
static inline void guest_store16_release(void *p, uint16_t v)
{
	__atomic_store_n((uint16_t *)p, v, __ATOMIC_RELEASE);
}
static inline void guest_store32(void *p, uint32_t v)
{
	__atomic_store_n((uint32_t *)p, v, __ATOMIC_RELAXED);
}

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "ring fields are used as they are");

#endif
