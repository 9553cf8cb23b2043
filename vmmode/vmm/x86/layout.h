/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where things are in the guest's physical memory.
 *
 *   0x000500  GDT of the boot            0x001000  PVH start info, its memory map and module list
 *   0x007000  zero page (boot_params)    0x009000  page tables: 4 GiB, identity
 *   0x010000  end of the boot stack (it grows down, PVH needs none)
 *   0x020000  command line, 64 KiB at most
 *   0x09fc00  end of base memory         0x0e0000  ACPI tables, RSDP first
 *   0x0f0000  MP table                   0x100000  the kernel, at the earliest
 *   0x0ffff0  reset vector
 *   initrd: as high as it may be below 3 GiB
 *   0xd0000000  virtio-mmio, a page per device
 */
#ifndef BIVALVE_VMMODE_VMM_X86_LAYOUT_H
#define BIVALVE_VMMODE_VMM_X86_LAYOUT_H

enum {
	X86_GDT = 0x500,
	X86_PVH_INFO = 0x1000,
	X86_ZERO_PAGE = 0x7000,
	X86_PAGE_TABLES = 0x9000, /* six pages */
	X86_BOOT_STACK = 0x10000,
	X86_CMDLINE = 0x20000,
	X86_CMDLINE_MAX = 0x10000, /* bytes with the NUL */
	X86_BASE_END = 0x9fc00,
	X86_ACPI = 0xe0000,
	X86_ACPI_MAX = 0x10000,
	X86_MPTABLE = 0xf0000,
	X86_MPTABLE_MAX = 0xfff0,
	X86_RESET_VECTOR = 0xffff0,
	X86_HIGH = 0x100000,
};

#define X86_VIRTIO_BASE 0xd0000000U
#define X86_VIRTIO_STEP 0x1000U
#define X86_IOAPIC      0xfec00000U
#define X86_LAPIC       0xfee00000U

#endif
