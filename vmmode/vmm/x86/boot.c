// SPDX-License-Identifier: GPL-2.0-or-later
/* Kernel files into guest memory. What is read from the file is copied first, then checked. */
#include "vmmode/vmm/x86/boot.h"

#include <asm/bootparam.h>
#include <elf.h>
#include <string.h>
#include <sys/stat.h>

#include "vmmode/vmm/x86/layout.h"

enum {
	SETUP_OFFSET = 0x1f1, /* of the setup header, in the file and in the zero page */
	BOOT_FLAG = 0xaa55,
	PROTOCOL_MIN = 0x20c, /* the first with a 64-bit entry */
	SECTOR = 512,
	ENTRY64_OFFSET = 0x200,
	PHDRS_MAX = 64,
	NOTES_MAX = 65536,             /* bytes of one note segment that are looked at */
	XEN_ELFNOTE_PHYS32_ENTRY = 18, /* Xen public/elfnote.h */
};

static const uint64_t page = 4096;
static const uint32_t header_magic = 0x53726448; /* "HdrS" */

/* Reads exactly @len bytes at @off. Returns 0; -ENOEXEC the file ends before; -errno. */
static int read_at(int fd, void *data, size_t len, uint64_t off)
{
	uint8_t *p = data;

	if (off > INT64_MAX || len > INT64_MAX - off)
		return -ENOEXEC;
	while (len) {
		ssize_t n = pread(fd, p, len, (off_t)off);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -ENOEXEC;
		p += n;
		len -= (size_t)n;
		off += (uint64_t)n;
	}
	return 0;
}

static int read_error(int rc, const char *what, struct err *err)
{
	if (rc == -ENOEXEC)
		return err_set(err, rc, "the kernel's file ends before its %s do", what);
	return err_code(err, rc, "read the kernel's %s", what);
}

static int load_segment(const struct guest_mem *mem, int fd, const Elf64_Phdr *ph,
			struct x86_kernel *k, struct err *err)
{
	void *p;
	int rc;

	if (ph->p_memsz == 0)
		return 0;
	if (ph->p_filesz > ph->p_memsz)
		return err_set(err, -ENOEXEC,
			       "the kernel has a segment that is shorter than its data");
	p = ph->p_paddr < X86_HIGH ? NULL : guest_mem_at(mem, ph->p_paddr, ph->p_memsz);
	if (!p)
		return err_set(err, -E2BIG,
			       "the kernel's segment at %#llx of %llu bytes is not in guest memory",
			       (unsigned long long)ph->p_paddr, (unsigned long long)ph->p_memsz);
	rc = read_at(fd, p, ph->p_filesz, ph->p_offset);
	if (rc < 0)
		return read_error(rc, "segments", err);
	if (ph->p_paddr + ph->p_memsz > k->end)
		k->end = ph->p_paddr + ph->p_memsz;
	return 0;
}

/* Looks at one note: its name and its description. Linux is entered in 64-bit mode although it has
 * the other entry as well: there it looks for Xen by 256 CPUIDs, an exit each. */
static void take_note(const Elf64_Nhdr *nh, const uint8_t *name, const uint8_t *desc,
		      struct x86_kernel *k)
{
	if (nh->n_namesz == sizeof("Linux") && memcmp(name, "Linux", sizeof("Linux")) == 0)
		k->is_linux = true;
	if (nh->n_namesz == sizeof("Xen") && memcmp(name, "Xen", sizeof("Xen")) == 0 &&
	    nh->n_type == XEN_ELFNOTE_PHYS32_ENTRY && nh->n_descsz >= sizeof(uint32_t)) {
		uint32_t start;

		memcpy(&start, desc, sizeof(start)); /* of 8 bytes the upper half is 0 */
		k->pvh_start = start;
	}
}

static void parse_notes(const uint8_t *notes, uint64_t len, uint64_t align, struct x86_kernel *k)
{
	uint64_t at = 0;

	while (len - at >= sizeof(Elf64_Nhdr)) {
		Elf64_Nhdr nh;
		uint64_t desc;
		uint64_t next;

		memcpy(&nh, notes + at, sizeof(nh));
		/* 32-bit lengths: these sums cannot wrap. */
		desc = at + sizeof(nh) + (((uint64_t)nh.n_namesz + align - 1) & ~(align - 1));
		next = desc + (((uint64_t)nh.n_descsz + align - 1) & ~(align - 1));
		if (desc > len || nh.n_descsz > len - desc)
			return;
		take_note(&nh, notes + at + sizeof(nh), notes + desc, k);
		if (next > len)
			return;
		at = next;
	}
}

static int load_notes(int fd, const Elf64_Phdr *ph, struct x86_kernel *k, struct err *err)
{
	const uint64_t len = ph->p_filesz < NOTES_MAX ? ph->p_filesz : NOTES_MAX;
	auto_free uint8_t *notes = malloc(len + 1);
	int rc;

	if (!notes)
		return err_code(err, -ENOMEM, "read the kernel's notes");
	rc = read_at(fd, notes, len, ph->p_offset);
	if (rc < 0)
		return read_error(rc, "notes", err);
	parse_notes(notes, len, ph->p_align == 8 ? 8 : 4, k);
	return 0;
}

static int load_elf(const struct guest_mem *mem, int fd, const Elf64_Ehdr *eh, struct x86_kernel *k,
		    struct err *err)
{
	Elf64_Phdr ph[PHDRS_MAX];
	int rc;

	if (eh->e_ident[EI_CLASS] != ELFCLASS64 || eh->e_ident[EI_DATA] != ELFDATA2LSB ||
	    eh->e_machine != EM_X86_64 || eh->e_type != ET_EXEC)
		return err_set(err, -ENOEXEC, "the kernel is no ELF program for x86-64");
	if (eh->e_phentsize != sizeof(ph[0]) || eh->e_phnum == 0 || eh->e_phnum > PHDRS_MAX)
		return err_set(err, -ENOEXEC, "the kernel has a malformed ELF header");
	rc = read_at(fd, ph, eh->e_phnum * sizeof(ph[0]), eh->e_phoff);
	if (rc < 0)
		return read_error(rc, "program headers", err);
	k->entry = X86_ENTRY_LINUX64;
	k->start = eh->e_entry;
	k->initrd_max = UINT32_MAX;
	for (unsigned int i = 0; i < eh->e_phnum && rc == 0; i++) {
		if (ph[i].p_type == PT_LOAD)
			rc = load_segment(mem, fd, &ph[i], k, err);
		else if (ph[i].p_type == PT_NOTE)
			rc = load_notes(fd, &ph[i], k, err);
	}
	if (!k->is_linux && k->pvh_start) {
		k->entry = X86_ENTRY_PVH;
		k->start = k->pvh_start;
	}
	if (rc == 0 && (k->start < X86_HIGH || k->start >= k->end))
		return err_set(err, -ENOEXEC, "the kernel's entry %#llx is not in it",
			       (unsigned long long)k->start);
	return rc;
}

/* Where the protected-mode code goes: where it wants to be, else, if it can be moved, as low as its
 * alignment allows. */
static gpa_t place_bzimage(const struct setup_header *h, const struct guest_mem *mem,
			   uint64_t bytes)
{
	const uint64_t align = h->kernel_alignment;
	gpa_t at = h->pref_address;

	if (at >= X86_HIGH && guest_mem_at(mem, at, bytes))
		return at;
	if (!h->relocatable_kernel || align < page || (align & (align - 1)))
		return 0;
	at = (X86_HIGH + align - 1) & ~(align - 1);
	return guest_mem_at(mem, at, bytes) ? at : 0;
}

static int check_bzimage(const struct setup_header *h, struct err *err)
{
	if (h->version < PROTOCOL_MIN)
		return err_set(err, -ENOEXEC, "the kernel has boot protocol %#x, want %#x or later",
			       h->version, PROTOCOL_MIN);
	if (!(h->xloadflags & XLF_KERNEL_64) || !(h->loadflags & LOADED_HIGH))
		return err_set(err, -ENOEXEC, "the kernel has no 64-bit entry");
	return 0;
}

static int load_bzimage(const struct guest_mem *mem, int fd, const struct setup_header *h,
			struct x86_kernel *k, struct err *err)
{
	const uint64_t code_off = ((uint64_t)(h->setup_sects ? h->setup_sects : 4) + 1) * SECTOR;
	uint64_t code_len;
	uint64_t bytes;
	struct stat st;
	gpa_t at;
	int rc = check_bzimage(h, err);

	if (rc < 0)
		return rc;
	if (fstat(fd, &st) < 0)
		return err_sys(err, "look at the kernel");
	if (st.st_size < 0 || (uint64_t)st.st_size < code_off + ENTRY64_OFFSET + 1)
		return err_set(err, -ENOEXEC, "the kernel's file ends before its code does");
	code_len = (uint64_t)st.st_size - code_off;
	bytes = code_len > h->init_size ? code_len : h->init_size;
	at = place_bzimage(h, mem, bytes);
	if (!at)
		return err_set(err, -E2BIG, "the kernel needs %llu MiB, which guest memory lacks",
			       (unsigned long long)(bytes >> 20) + 1);
	rc = read_at(fd, guest_mem_at(mem, at, code_len), code_len, code_off);
	if (rc < 0)
		return read_error(rc, "code", err);
	k->entry = X86_ENTRY_LINUX64;
	k->start = at + ENTRY64_OFFSET;
	k->end = at + bytes;
	k->is_linux = true;
	k->initrd_max = h->initrd_addr_max;
	return 0;
}

/* The header's length is in the second byte of the jump over it. Source: boot.rst, "setup_header".
 */
static void keep_header(const uint8_t *head, struct x86_kernel *k)
{
	const uint32_t len = 0x202U + head[0x201] - SETUP_OFFSET;

	k->setup_header_len =
	    len < sizeof(k->setup_header) ? len : (uint32_t)sizeof(k->setup_header);
	memcpy(k->setup_header, head + SETUP_OFFSET, k->setup_header_len);
}

int x86_load_kernel(const struct guest_mem *mem, int fd, struct x86_kernel *out, struct err *err)
{
	uint8_t head[SETUP_OFFSET + sizeof(struct setup_header)];
	struct setup_header h = { 0 };
	Elf64_Ehdr eh;
	int rc;

	_Static_assert(sizeof(h) == sizeof(out->setup_header), "the whole header is kept");
	*out = (struct x86_kernel){ 0 };
	rc = read_at(fd, &eh, sizeof(eh), 0);
	if (rc == 0 && memcmp(eh.e_ident, ELFMAG, SELFMAG) == 0)
		return load_elf(mem, fd, &eh, out, err);
	if (rc == 0)
		rc = read_at(fd, head, sizeof(head), 0);
	if (rc < 0 && rc != -ENOEXEC)
		return err_code(err, rc, "read the kernel");
	if (rc == 0)
		memcpy(&h, head + SETUP_OFFSET, sizeof(h));
	if (rc < 0 || h.boot_flag != BOOT_FLAG || h.header != header_magic)
		return err_set(err, -ENOEXEC, "the kernel is neither an ELF file nor a bzImage");
	keep_header(head, out);
	return load_bzimage(mem, fd, &h, out, err);
}

int x86_load_initrd(const struct guest_mem *mem, const struct x86_kernel *kernel, int fd,
		    uint64_t bytes, gpa_t *out_at, struct err *err)
{
	const struct guest_region *low = &mem->regions[0];
	uint64_t end = low->gpa + low->size;
	gpa_t at;
	int rc;

	if (kernel->initrd_max < end - 1)
		end = kernel->initrd_max + 1;
	if (bytes > end || end - bytes < kernel->end)
		return err_set(
		    err, -E2BIG,
		    "the initrd of %llu bytes does not fit beside the kernel into memory",
		    (unsigned long long)bytes);
	at = (end - bytes) & ~(page - 1);
	if (at < kernel->end || at < X86_HIGH)
		return err_set(err, -E2BIG,
			       "the initrd does not fit beside the kernel into memory");
	rc = read_at(fd, guest_mem_at(mem, at, bytes), bytes, 0);
	if (rc < 0)
		return err_code(err, rc == -ENOEXEC ? -EIO : rc, "read the initrd");
	*out_at = at;
	return 0;
}
