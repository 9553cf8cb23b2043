/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loads a kernel into guest memory and says how to enter it. Three forms:
 *
 *   ELF64 with a PVH note   32-bit protected mode at the note's address, ebx = start info
 *   ELF64 (vmlinux)         64-bit mode at e_entry, rsi = zero page; Linux with a PVH note too
 *   bzImage                 64-bit mode at its code + 0x200, rsi = zero page
 *
 * The files are hostile: each field is checked before it is used, nothing outside guest RAM is
 * written, nothing below 1 MiB either.
 * Source: kernel Documentation/x86/boot.rst (protocol 2.12 and later); Xen docs/misc/pvh.pandoc.
 */
#ifndef BIVALVE_VMMODE_VMM_X86_BOOT_H
#define BIVALVE_VMMODE_VMM_X86_BOOT_H

#include <stdbool.h>
#include <stdint.h>

#include "spec/base/err.h"
#include "vmmode/virtio/guest_mem.h"

enum x86_entry { X86_ENTRY_LINUX64, X86_ENTRY_PVH };

struct x86_kernel {
	enum x86_entry entry;
	gpa_t start;     /* the first instruction */
	gpa_t pvh_start; /* the PVH note's address, or 0 */
	gpa_t end;       /* the first byte behind all that the kernel needs before it reads e820 */
	bool is_linux;   /* says so: a bzImage, or an ELF with a note of "Linux" */
	uint64_t initrd_max;        /* the last byte's highest address */
	uint8_t setup_header[0x7b]; /* bzImage: from 0x1f1 on, to go into the zero page */
	uint32_t setup_header_len;  /* 0 for ELF */
};

/*
 * x86_load_kernel - loads the kernel in the file @fd. Memory must be zero.
 * Returns 0; -ENOEXEC no kernel of these forms, or malformed; -E2BIG it does not fit into memory;
 * -errno of reading.
 */
MUST_CHECK int x86_load_kernel(const struct guest_mem *mem, int fd, struct x86_kernel *out,
			       struct err *err);

/* What a kernel is told. */
struct x86_boot {
	const struct x86_kernel *kernel;
	const char *cmdline;
	gpa_t initrd;
	uint64_t initrd_bytes; /* 0: none */
	gpa_t rsdp;            /* 0: no ACPI tables */
};

/*
 * x86_load_initrd - puts the @bytes of @fd as high as the kernel takes them.
 * Returns 0 and *@out_at; -E2BIG it does not fit; -errno of reading.
 */
MUST_CHECK int x86_load_initrd(const struct guest_mem *mem, const struct x86_kernel *kernel, int fd,
			       uint64_t bytes, gpa_t *out_at, struct err *err);

/* x86_write_boot - writes the command line and the zero page or start info.
 * Returns 0; -E2BIG the command line is too long. */
MUST_CHECK int x86_write_boot(const struct guest_mem *mem, const struct x86_boot *boot,
			      struct err *err);

#endif
