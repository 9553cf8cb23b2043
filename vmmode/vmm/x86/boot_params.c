// SPDX-License-Identifier: GPL-2.0-or-later
/* What a kernel is told: command line, memory map, initrd, ACPI; as zero page or PVH start info. */
#include <asm/bootparam.h>
#include <string.h>

#include "vmmode/vmm/x86/boot.h"
#include "vmmode/vmm/x86/layout.h"

enum {
	E820_RAM = 1,
	E820_RESERVED = 2,
	MAP_MAX = 2 + GUEST_REGIONS_MAX,
	LOADER_UNDEFINED = 0xff,
};

/* Xen public/arch-x86/hvm/start_info.h, version 1. */
struct pvh_info {
	uint32_t magic, version, flags, n_modules;
	uint64_t modules, cmdline, rsdp, map;
	uint32_t n_map, reserved;
};
struct pvh_module {
	uint64_t addr, bytes, cmdline, reserved;
};
struct pvh_map_entry {
	uint64_t addr, bytes;
	uint32_t type, reserved;
};
_Static_assert(sizeof(struct pvh_info) == 56, "wire format");
_Static_assert(sizeof(struct pvh_module) == 32, "wire format");
_Static_assert(sizeof(struct pvh_map_entry) == 24, "wire format");

static const uint32_t pvh_magic = 0x336ec578;

struct pvh_page {
	struct pvh_info info;
	struct pvh_module initrd;
	struct pvh_map_entry map[MAP_MAX];
};

/* The memory map: RAM but for the BIOS area, where the tables are. Returns the count. */
static uint32_t memory_map(const struct guest_mem *mem, struct pvh_map_entry *map)
{
	uint32_t n = 0;

	map[n++] = (struct pvh_map_entry){ 0, X86_BASE_END, E820_RAM, 0 };
	map[n++] =
	    (struct pvh_map_entry){ X86_BASE_END, X86_HIGH - X86_BASE_END, E820_RESERVED, 0 };
	for (size_t i = 0; i < mem->n; i++) {
		const struct guest_region *r = &mem->regions[i];
		const gpa_t from = r->gpa < X86_HIGH ? X86_HIGH : r->gpa;

		map[n++] = (struct pvh_map_entry){ from, r->size - (from - r->gpa), E820_RAM, 0 };
	}
	return n;
}

static void write_pvh(const struct guest_mem *mem, const struct x86_boot *boot)
{
	struct pvh_page p = {
		.info = { .magic = pvh_magic,
			  .version = 1,
			  .cmdline = X86_CMDLINE,
			  .rsdp = boot->rsdp,
			  .map = X86_PVH_INFO + offsetof(struct pvh_page, map) },
		.initrd = { .addr = boot->initrd, .bytes = boot->initrd_bytes },
	};

	if (boot->initrd_bytes) {
		p.info.n_modules = 1;
		p.info.modules = X86_PVH_INFO + offsetof(struct pvh_page, initrd);
	}
	p.info.n_map = memory_map(mem, p.map);
	memcpy(guest_mem_at(mem, X86_PVH_INFO, sizeof(p)), &p, sizeof(p));
}

static void write_zero_page(const struct guest_mem *mem, const struct x86_boot *boot)
{
	struct boot_params *zp = guest_mem_at(mem, X86_ZERO_PAGE, sizeof(*zp));
	struct pvh_map_entry map[MAP_MAX];
	const uint32_t n = memory_map(mem, map);

	_Static_assert(MAP_MAX <= E820_MAX_ENTRIES_ZEROPAGE, "the map fits");
	memset(zp, 0, sizeof(*zp));
	memcpy(&zp->hdr, boot->kernel->setup_header, boot->kernel->setup_header_len);
	if (!boot->kernel->setup_header_len) { /* an ELF file has no header of its own */
		zp->hdr.boot_flag = 0xaa55;
		zp->hdr.header = 0x53726448;
	}
	zp->hdr.type_of_loader = LOADER_UNDEFINED;
	zp->hdr.loadflags &= (uint8_t)~CAN_USE_HEAP;
	zp->hdr.cmd_line_ptr = X86_CMDLINE;
	zp->hdr.cmdline_size = (uint32_t)strlen(boot->cmdline);
	zp->hdr.ramdisk_image = (uint32_t)boot->initrd;
	zp->hdr.ramdisk_size = (uint32_t)boot->initrd_bytes;
	zp->acpi_rsdp_addr = boot->rsdp;
	zp->e820_entries = (uint8_t)n;
	for (uint32_t i = 0; i < n; i++) {
		zp->e820_table[i].addr = map[i].addr;
		zp->e820_table[i].size = map[i].bytes;
		zp->e820_table[i].type = map[i].type;
	}
}

/* Where a kernel jumps to in real mode when it reboots "by BIOS": mov $0xfe,%al; out %al,$0x64, the
 * keyboard controller's reset; hlt. */
static void write_reset_vector(const struct guest_mem *mem)
{
	static const uint8_t code[] = { 0xb0, 0xfe, 0xe6, 0x64, 0xf4 };

	memcpy(guest_mem_at(mem, X86_RESET_VECTOR, sizeof(code)), code, sizeof(code));
}

int x86_write_boot(const struct guest_mem *mem, const struct x86_boot *boot, struct err *err)
{
	const size_t len = strlen(boot->cmdline);

	if (len >= X86_CMDLINE_MAX)
		return err_set(err, -E2BIG, "the command line has %zu bytes, at most %d fit", len,
			       X86_CMDLINE_MAX - 1);
	memcpy(guest_mem_at(mem, X86_CMDLINE, len + 1), boot->cmdline, len + 1);
	write_reset_vector(mem);
	if (boot->kernel->entry == X86_ENTRY_PVH)
		write_pvh(mem, boot);
	else
		write_zero_page(mem, boot);
	return 0;
}
