/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest RAM: one mapping of the host, split at the 32-bit hole in which devices live.
 *
 *   guest 0 .. 3 GiB            the first bytes of the mapping
 *   guest 3 GiB .. 4 GiB        the hole: virtio-mmio, IOAPIC, LAPIC
 *   guest 4 GiB ..              the rest
 *
 * The mapping begins at a multiple of 2 MiB, so that host and guest addresses are equal modulo
 * 2 MiB: only then may KVM map huge pages (a boot takes 15 EPT faults instead of 5,700).
 *
 * It is private anonymous memory unless it must be shared with another process (vhost-user): the
 * kernel gives huge pages of shared memory only where shmem_enabled allows them (it does not by
 * default), and merges equal pages of private memory alone.
 */
#ifndef BIVALVE_VMMODE_VMM_MEM_H
#define BIVALVE_VMMODE_VMM_MEM_H

#include <stdbool.h>
#include <stdint.h>

#include "spec/base/err.h"
#include "vmmode/virtio/guest_mem.h"

#define MEM_HOLE_START UINT64_C(0xc0000000)
#define MEM_HOLE_END   UINT64_C(0x100000000)
#define MEM_MIN        (UINT64_C(4) << 20)
#define MEM_MAX        (UINT64_C(1) << 40)

enum mem_flags {
	MEM_SHARED = 1,    /* a memfd: mem.fd can be handed to another process */
	MEM_MERGEABLE = 2, /* the host may share equal pages between machines (KSM) */
};

struct mem {
	struct guest_mem map; /* what devices and KVM see */
	uint8_t *hva;         /* owned mapping, 2 MiB aligned */
	uint64_t bytes;
	int fd; /* owned; -1 unless MEM_SHARED */
};

/*
 * mem_init - @bytes of zeroed RAM, a multiple of 2 MiB in [MEM_MIN, MEM_MAX].
 * Returns 0; -EINVAL another size, or MEM_SHARED with MEM_MERGEABLE; -ENOMEM; -errno.
 */
MUST_CHECK int mem_init(struct mem *m, uint64_t bytes, unsigned int flags, struct err *err);
void mem_fini(struct mem *m);

/* mem_low_end - the first guest address behind the RAM below 4 GiB. */
uint64_t mem_low_end(const struct mem *m);

#endif
