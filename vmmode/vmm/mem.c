// SPDX-License-Identifier: GPL-2.0-or-later
/* Guest RAM. */
#include "vmmode/vmm/mem.h"

#include <sys/mman.h>

#include "spec/base/fd.h"
#include "spec/base/log.h"

static const uint64_t huge_page = UINT64_C(2) << 20;

/* Address space for @bytes at a multiple of 2 MiB, nothing behind it. */
static void *reserve_aligned(uint64_t bytes)
{
	const uint64_t wide = bytes + huge_page;
	uint8_t *p =
	    mmap(NULL, wide, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	uint64_t head;

	if (p == MAP_FAILED)
		return MAP_FAILED;
	head = (huge_page - (uintptr_t)p % huge_page) % huge_page;
	if (head)
		(void)munmap(p, head);
	(void)munmap(p + head + bytes, huge_page - head);
	return p + head;
}

static int map_ram(struct mem *m, unsigned int flags, struct err *err)
{
	int how = MAP_FIXED | MAP_NORESERVE | MAP_PRIVATE | MAP_ANONYMOUS;
	void *at;

	if (flags & MEM_SHARED) {
		how = MAP_FIXED | MAP_NORESERVE | MAP_SHARED;
		m->fd = fd_memory("guest-ram");
		if (m->fd < 0)
			return err_code(err, m->fd, "create guest memory");
		if (ftruncate(m->fd, (off_t)m->bytes) < 0)
			return err_sys(err, "size guest memory");
	}
	at = reserve_aligned(m->bytes);
	if (at == MAP_FAILED)
		return err_sys(err, "reserve %llu MiB of guest memory",
			       (unsigned long long)(m->bytes >> 20));
	m->hva = at;
	m->map.is_shared = flags & MEM_SHARED;
	if (mmap(at, m->bytes, PROT_READ | PROT_WRITE, how, m->fd, 0) == MAP_FAILED)
		return err_sys(err, "map guest memory");
	/* Not for children (none is made) and not for core dumps: it holds the guest's secrets. */
	if (madvise(at, m->bytes, MADV_DONTDUMP) < 0 || madvise(at, m->bytes, MADV_DONTFORK) < 0)
		return err_sys(err, "protect guest memory");
	if (madvise(at, m->bytes, MADV_HUGEPAGE) < 0)
		log_debug("advise huge pages for guest memory: %m, ignoring");
	if ((flags & MEM_MERGEABLE) && madvise(at, m->bytes, MADV_MERGEABLE) < 0)
		return err_sys(err, "make guest memory mergeable");
	return 0;
}

int mem_init(struct mem *m, uint64_t bytes, unsigned int flags, struct err *err)
{
	uint64_t low = bytes < MEM_HOLE_START ? bytes : MEM_HOLE_START;
	int rc;

	*m = (struct mem){ .fd = -1, .bytes = bytes };
	if (bytes < MEM_MIN || bytes > MEM_MAX || bytes % huge_page)
		return err_set(err, -EINVAL,
			       "memory of %llu bytes: want a multiple of 2 MiB from 4 MiB to 1 TiB",
			       (unsigned long long)bytes);
	if ((flags & MEM_SHARED) && (flags & MEM_MERGEABLE))
		return err_set(err, -EINVAL, "shared memory cannot be mergeable");
	rc = map_ram(m, flags, err);
	if (rc == 0)
		rc = guest_mem_add(&m->map, 0, low, m->hva);
	if (rc == 0 && bytes > low)
		rc = guest_mem_add(&m->map, MEM_HOLE_END, bytes - low, m->hva + low);
	if (rc < 0)
		mem_fini(m);
	return rc;
}

void mem_fini(struct mem *m)
{
	if (m->hva)
		(void)munmap(m->hva, m->bytes);
	cleanup_close(&m->fd);
	*m = (struct mem){ .fd = -1 };
}

uint64_t mem_low_end(const struct mem *m)
{
	return m->bytes < MEM_HOLE_START ? m->bytes : MEM_HOLE_START;
}
