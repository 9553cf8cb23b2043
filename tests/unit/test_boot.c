// SPDX-License-Identifier: GPL-2.0-or-later
/* Kernel images, good and malformed, into a small guest memory; what the kernel is then told. */
#include "vmmode/vmm/x86/boot.h"

#include <asm/bootparam.h>
#include <elf.h>
#include <unistd.h>

#include "spec/base/fd.h"
#include "tests/unit/test.h"
#include "vmmode/vmm/x86/layout.h"

enum { RAM = 8 << 20, IMAGE = 0x6000, NOTE_AT = 0x800, CODE_AT = 0x1000 };

static uint8_t *ram;
static struct guest_mem mem;
static uint8_t image[IMAGE];

static int image_fd(size_t len)
{
	int fd = fd_memory("image");

	CHECK(fd >= 0);
	CHECK_EQ(fd_write_all(fd, image, len), 0);
	return fd;
}

static void begin(void)
{
	mem = (struct guest_mem){ .n = 0 };
	ram = calloc(1, RAM);
	CHECK_EQ(guest_mem_add(&mem, 0, RAM, ram), 0);
}

static Elf64_Ehdr *ehdr(void)
{
	return (Elf64_Ehdr *)(void *)image;
}

static Elf64_Phdr *phdr(int i)
{
	return (Elf64_Phdr *)(void *)(image + sizeof(Elf64_Ehdr)) + i;
}

/* One segment of 16 bytes, 64 in memory, at 2 MiB; one note segment, empty. */
static void make_elf(void)
{
	memset(image, 0, sizeof(image));
	*ehdr() = (Elf64_Ehdr){
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, 1 },
		.e_type = ET_EXEC,
		.e_machine = EM_X86_64,
		.e_entry = 0x200004,
		.e_phoff = sizeof(Elf64_Ehdr),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = 2,
	};
	*phdr(0) = (Elf64_Phdr){ .p_type = PT_LOAD,
				 .p_offset = CODE_AT,
				 .p_paddr = 0x200000,
				 .p_filesz = 16,
				 .p_memsz = 64 };
	*phdr(1) = (Elf64_Phdr){ .p_type = PT_NOTE, .p_offset = NOTE_AT, .p_align = 4 };
	memcpy(image + CODE_AT, "0123456789abcdef", 16);
}

static void add_note(const char *name, uint32_t type, uint32_t desc_len, uint64_t desc)
{
	const uint32_t head[3] = { (uint32_t)strlen(name) + 1, desc_len, type };
	uint8_t *p = image + NOTE_AT + phdr(1)->p_filesz;

	memcpy(p, head, sizeof(head));
	memcpy(p + 12, name, strlen(name) + 1);
	p += 12 + ((strlen(name) + 4) & ~(size_t)3);
	memcpy(p, &desc, desc_len < 8 ? desc_len : 8);
	phdr(1)->p_filesz = (uint64_t)(p - image) - NOTE_AT + ((desc_len + 3) & ~3U);
}

static int load(size_t len, struct x86_kernel *k, struct err *err)
{
	auto_close int fd = image_fd(len);
	int rc;

	memset(ram, 0, RAM);
	*err = (struct err)ERR_INIT;
	rc = x86_load_kernel(&mem, fd, k, err);
	CHECK_EQ(err->code, rc);
	for (uint64_t i = 0; i < X86_HIGH; i++) {
		if (ram[i]) {
			TEST_FAIL("a loader wrote below 1 MiB");
			break;
		}
	}
	return rc;
}

static void test_elf(void)
{
	struct x86_kernel k;
	struct err err;

	begin();
	make_elf();
	CHECK_EQ(load(IMAGE, &k, &err), 0);
	CHECK_EQ(k.entry, X86_ENTRY_LINUX64);
	CHECK_EQ(k.start, 0x200004);
	CHECK_EQ(k.end, 0x200040);
	CHECK(!k.is_linux);
	CHECK_MEM(ram + 0x200000, "0123456789abcdef\0", 17);
	add_note("Xen", 18, 8, 0x200010);
	CHECK_EQ(load(IMAGE, &k, &err), 0);
	CHECK_EQ(k.entry, X86_ENTRY_PVH);
	CHECK_EQ(k.start, 0x200010);
	CHECK(!k.is_linux);
	add_note("Linux", 0x100, 4, 0);
	CHECK_EQ(load(IMAGE, &k, &err), 0);
	CHECK_EQ(k.entry, X86_ENTRY_LINUX64);
	CHECK_EQ(k.start, 0x200004);
	CHECK(k.is_linux);
	free(ram);
}

static void test_bad_elf(void)
{
	static const struct {
		size_t off, len;
		uint64_t value;
		int rc;
		const char *text;
	} cases[] = {
#define EH(member, v, rc, text)                                                                    \
	{ offsetof(Elf64_Ehdr, member), sizeof(((Elf64_Ehdr *)0)->member), v, rc, text }
#define PH(member, v, rc, text)                                                                    \
	{                                                                                          \
		sizeof(Elf64_Ehdr) + offsetof(Elf64_Phdr, member),                                 \
		    sizeof(((Elf64_Phdr *)0)->member), v, rc, text                                 \
	}
		EH(e_machine, EM_386, -ENOEXEC, "no ELF program for x86-64"),
		EH(e_type, ET_DYN, -ENOEXEC, "no ELF program"),
		EH(e_phnum, 0, -ENOEXEC, "malformed ELF header"),
		EH(e_phnum, 65535, -ENOEXEC, "malformed ELF header"),
		EH(e_phentsize, 55, -ENOEXEC, "malformed ELF header"),
		EH(e_phoff, UINT64_MAX - 8, -ENOEXEC, "program headers"),
		EH(e_phoff, IMAGE - 8, -ENOEXEC, "program headers"),
		EH(e_entry, 0x200040, -ENOEXEC, "entry"),
		EH(e_entry, 0x1000, -ENOEXEC, "entry"),
		PH(p_paddr, 0x1000, -E2BIG, "is not in guest memory"),
		PH(p_paddr, UINT64_MAX - 7, -E2BIG, "is not in guest memory"),
		PH(p_paddr, RAM - 8, -E2BIG, "is not in guest memory"),
		PH(p_memsz, UINT64_MAX, -E2BIG, "is not in guest memory"),
		PH(p_memsz, 8, -ENOEXEC, "shorter than its data"),
		PH(p_offset, IMAGE - 8, -ENOEXEC, "segments"),
		PH(p_offset, UINT64_MAX - 3, -ENOEXEC, "segments"),
	};
	struct x86_kernel k;
	struct err err;

	begin();
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		make_elf();
		memcpy(image + cases[i].off, &cases[i].value, cases[i].len);
		CHECK_EQ(load(IMAGE, &k, &err), cases[i].rc);
		CHECK_HAS(err.msg, cases[i].text);
	}
	for (size_t len = 0; len < CODE_AT; len += 37) {
		make_elf();
		CHECK_EQ(load(len, &k, &err), -ENOEXEC);
	}
	free(ram);
}

static void test_bad_notes(void)
{
	static const uint32_t lies[] = { 0xffffffff, 0xfffffffc, 0x80000000, 0x1000, 5 };
	struct x86_kernel k;
	struct err err;

	begin();
	for (size_t i = 0; i < ARRAY_LEN(lies) * 2; i++) {
		make_elf();
		add_note("Xen", 18, 4, 0x200010);
		memcpy(image + NOTE_AT + (i & 1) * 4, &lies[i / 2], 4);
		CHECK_EQ(load(IMAGE, &k, &err), 0);
	}
	make_elf();
	add_note("Xen", 18, 4, 0x1000); /* entry outside the kernel */
	CHECK_EQ(load(IMAGE, &k, &err), -ENOEXEC);
	free(ram);
}

static struct setup_header *header(void)
{
	return (struct setup_header *)(void *)(image + 0x1f1);
}

static void make_bzimage(void)
{
	memset(image, 0, sizeof(image));
	*header() = (struct setup_header){
		.setup_sects = 3,
		.boot_flag = 0xaa55,
		.jump = 0x6aeb,
		.header = 0x53726448,
		.version = 0x20f,
		.loadflags = LOADED_HIGH,
		.kernel_alignment = 0x200000,
		.relocatable_kernel = 1,
		.xloadflags = XLF_KERNEL_64,
		.initrd_addr_max = 0x7fffffff,
		.pref_address = 0x1000000,
		.init_size = 0x100000,
	};
	memcpy(image + 4 * 512, "code", 4);
}

static void test_bzimage(void)
{
	struct x86_kernel k;
	struct err err;

	begin();
	make_bzimage();
	CHECK_EQ(load(IMAGE, &k, &err), 0); /* 16 MiB is not there: moved */
	CHECK_EQ(k.start, 0x200200);
	CHECK_EQ(k.end, 0x300000);
	CHECK_MEM(ram + 0x200000, "code", 4);
	CHECK(k.is_linux);
	CHECK_EQ(k.setup_header_len, 0x202 + 0x6a - 0x1f1);
	header()->pref_address = 0x400000;
	CHECK_EQ(load(IMAGE, &k, &err), 0);
	CHECK_EQ(k.start, 0x400200);
	free(ram);
}

static void test_bad_bzimage(void)
{
	struct x86_kernel k;
	struct err err;

	begin();
	make_bzimage();
	header()->version = 0x20b;
	CHECK_EQ(load(IMAGE, &k, &err), -ENOEXEC);
	make_bzimage();
	header()->xloadflags = 0;
	CHECK_EQ(load(IMAGE, &k, &err), -ENOEXEC);
	make_bzimage();
	header()->setup_sects = 255;
	CHECK_EQ(load(IMAGE, &k, &err), -ENOEXEC);
	make_bzimage();
	header()->init_size = 0xffffffff;
	CHECK_EQ(load(IMAGE, &k, &err), -E2BIG);
	make_bzimage();
	header()->relocatable_kernel = 0;
	CHECK_EQ(load(IMAGE, &k, &err), -E2BIG);
	make_bzimage();
	header()->kernel_alignment = 0x200001;
	CHECK_EQ(load(IMAGE, &k, &err), -E2BIG);
	make_bzimage();
	header()->pref_address = UINT64_MAX - 0x1000;
	header()->kernel_alignment = 0x80000000;
	CHECK_EQ(load(IMAGE, &k, &err), -E2BIG);
	make_bzimage();
	header()->header = 0;
	CHECK_EQ(load(IMAGE, &k, &err), -ENOEXEC);
	free(ram);
}

static void test_initrd(void)
{
	static const struct {
		uint64_t bytes, max, end;
		int rc;
		uint64_t at;
	} cases[] = {
		{ 0x6000, UINT32_MAX, 0x200000, 0, RAM - 0x6000 },
		{ 0x5001, UINT32_MAX, 0x200000, 0, RAM - 0x6000 },
		{ 0x1000, 0x3fffff, 0x200000, 0, 0x3ff000 },
		{ RAM, UINT32_MAX, 0x200000, -E2BIG, 0 },
		{ UINT64_MAX, UINT32_MAX, 0x200000, -E2BIG, 0 },
		{ 0x1000, UINT32_MAX, RAM - 0xfff, -E2BIG, 0 },
		{ 0x1000, 0x1fff, 0x200000, -E2BIG, 0 },
	};

	begin();
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct x86_kernel k = { .end = cases[i].end, .initrd_max = cases[i].max };
		auto_close int fd = image_fd(IMAGE);
		gpa_t at = 0;

		CHECK_EQ(x86_load_initrd(&mem, &k, fd, cases[i].bytes, &at, NULL), cases[i].rc);
		CHECK_EQ(at, cases[i].at);
	}
	free(ram);
}

static void test_told(void)
{
	struct x86_kernel k = { .entry = X86_ENTRY_LINUX64 };
	struct x86_boot boot = { &k, "a=b", 0x700000, 0x1234, 0xe0000 };
	auto_free char *long_line = calloc(1, X86_CMDLINE_MAX + 1);
	const struct boot_params *zp;
	const uint32_t *info;

	begin();
	CHECK_EQ(x86_write_boot(&mem, &boot, NULL), 0);
	zp = (const void *)(ram + X86_ZERO_PAGE);
	CHECK_STR((const char *)ram + X86_CMDLINE, "a=b");
	CHECK_EQ(zp->hdr.cmd_line_ptr, X86_CMDLINE);
	CHECK_EQ(zp->hdr.ramdisk_image, 0x700000);
	CHECK_EQ(zp->hdr.ramdisk_size, 0x1234);
	CHECK_EQ(zp->acpi_rsdp_addr, 0xe0000);
	CHECK_EQ(zp->e820_entries, 3);
	CHECK_EQ(zp->e820_table[2].addr, 0x100000);
	CHECK_EQ(zp->e820_table[2].size, RAM - 0x100000);
	k.entry = X86_ENTRY_PVH;
	CHECK_EQ(x86_write_boot(&mem, &boot, NULL), 0);
	info = (const void *)(ram + X86_PVH_INFO);
	CHECK_EQ(info[0], 0x336ec578);
	CHECK_EQ(info[3], 1);  /* modules */
	CHECK_EQ(info[12], 3); /* entries of the map */
	memset(long_line, 'x', X86_CMDLINE_MAX);
	boot.cmdline = long_line;
	CHECK_EQ(x86_write_boot(&mem, &boot, NULL), -E2BIG);
	long_line[X86_CMDLINE_MAX - 1] = '\0';
	CHECK_EQ(x86_write_boot(&mem, &boot, NULL), 0);
	free(ram);
}

TEST_MAIN(TEST(test_elf), TEST(test_bad_elf), TEST(test_bad_notes), TEST(test_bzimage),
	  TEST(test_bad_bzimage), TEST(test_initrd), TEST(test_told))
