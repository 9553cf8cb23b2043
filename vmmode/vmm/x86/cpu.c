// SPDX-License-Identifier: GPL-2.0-or-later
/* Sets up vCPUs for a boot protocol. Source: Intel SDM volume 3, 2 and 9; boot.rst, "64-bit". */
#include "vmmode/vmm/x86/cpu.h"

#include <string.h>
#include <sys/ioctl.h>

#include "vmmode/vmm/x86/layout.h"

enum {
	CPUID_ENTRIES_MAX = 256,
	CR0_PE = 1 << 0,
	CR0_ET = 1 << 4,
	CR0_NE = 1 << 5,
	CR4_PAE = 1 << 5,
	EFER_LME = 1 << 8,
	EFER_LMA = 1 << 10,
	RFLAGS_FIXED = 1 << 1,
	PTE_PRESENT = 1 << 0,
	PTE_WRITE = 1 << 1,
	PTE_HUGE = 1 << 7,
	SELECTOR_CODE = 0x10, /* Linux' __BOOT_CS and __BOOT_DS */
	SELECTOR_DATA = 0x18,
	SELECTOR_TASK = 0x20,
	TYPE_CODE = 0xb, /* execute, read, accessed */
	TYPE_DATA = 0x3, /* read, write, accessed */
	TYPE_TASK = 0xb, /* busy TSS */
	MSR_MISC_ENABLE = 0x1a0,
	MISC_ENABLE_FAST_STRING = 1,
	MSR_MTRR_DEFAULT = 0x2ff,
	MTRR_ENABLE = 1 << 11,
	MTRR_WRITE_BACK = 6,
};
static const uint64_t cr0_pg = UINT64_C(1) << 31;

/* Descriptors of base 0 and limit 4 GiB: code with the L bit (64-bit), data, an empty task. */
static const uint64_t boot_gdt[] = {
	0, 0, 0x00af9b000000ffff, 0x00cf93000000ffff, 0x00008b0000000067, 0,
};

void x86_write_tables(const struct guest_mem *mem)
{
	uint64_t *root = guest_mem_at(mem, X86_PAGE_TABLES, UINT64_C(6) * 4096);
	uint64_t *middle = root + 512;
	uint64_t *leaves = root + 1024;

	root[0] = (X86_PAGE_TABLES + 4096) | PTE_PRESENT | PTE_WRITE;
	for (uint64_t i = 0; i < 4; i++)
		middle[i] = (X86_PAGE_TABLES + 8192 + i * 4096) | PTE_PRESENT | PTE_WRITE;
	for (uint64_t i = 0; i < UINT64_C(4) * 512; i++)
		leaves[i] = (i << 21) | PTE_PRESENT | PTE_WRITE | PTE_HUGE;
	memcpy(guest_mem_at(mem, X86_GDT, sizeof(boot_gdt)), boot_gdt, sizeof(boot_gdt));
}

static struct kvm_segment segment(uint16_t selector, uint8_t type, bool is_long)
{
	return (struct kvm_segment){
		.limit = 0xffffffff,
		.selector = selector,
		.type = type,
		.present = 1,
		.s = 1,
		.db = !is_long,
		.l = is_long,
		.g = 1,
	};
}

static void flat_segments(struct kvm_sregs *s, bool is_long)
{
	const struct kvm_segment data = segment(SELECTOR_DATA, TYPE_DATA, false);

	s->cs = segment(SELECTOR_CODE, TYPE_CODE, is_long);
	s->ds = s->es = s->fs = s->gs = s->ss = data;
	s->tr = (struct kvm_segment){
		.limit = 0x67, .selector = SELECTOR_TASK, .type = TYPE_TASK, .present = 1
	};
	s->gdt = (struct kvm_dtable){ .base = X86_GDT, .limit = sizeof(boot_gdt) - 1 };
	s->idt = (struct kvm_dtable){ 0 };
}

void x86_sregs_long(struct kvm_sregs *s)
{
	flat_segments(s, true);
	s->cr0 = CR0_PE | CR0_ET | CR0_NE | cr0_pg;
	s->cr3 = X86_PAGE_TABLES;
	s->cr4 = CR4_PAE;
	s->efer = EFER_LME | EFER_LMA;
}

/* PVH: 32-bit protected mode, paging off, flat segments. Source: Xen docs/misc/pvh.pandoc. */
static void sregs_pvh(struct kvm_sregs *s)
{
	flat_segments(s, false);
	s->cr0 = CR0_PE | CR0_ET;
	s->cr4 = 0;
	s->efer = 0;
}

static int set_boot_registers(const struct vcpu *v, const struct x86_kernel *kernel,
			      struct err *err)
{
	struct kvm_regs regs = { .rflags = RFLAGS_FIXED, .rip = kernel->start };
	struct kvm_sregs sregs;

	if (ioctl(v->fd, KVM_GET_SREGS, &sregs) < 0)
		return err_sys(err, "read the system registers of vCPU %u", v->id);
	if (kernel->entry == X86_ENTRY_PVH) {
		sregs_pvh(&sregs);
		regs.rbx = X86_PVH_INFO;
	} else {
		x86_sregs_long(&sregs);
		regs.rsi = X86_ZERO_PAGE;
		regs.rsp = X86_ZERO_PAGE; /* grows down */
	}
	if (ioctl(v->fd, KVM_SET_SREGS, &sregs) < 0)
		return err_sys(err, "set the system registers of vCPU %u", v->id);
	if (ioctl(v->fd, KVM_SET_REGS, &regs) < 0)
		return err_sys(err, "set the registers of vCPU %u", v->id);
	return 0;
}

static int set_msrs(const struct vcpu *v, struct err *err)
{
	static const struct kvm_msr_entry entries[] = {
		{ .index = MSR_MISC_ENABLE, .data = MISC_ENABLE_FAST_STRING },
		/* RAM is write-back; without it Linux also gives up on PAT. */
		{ .index = MSR_MTRR_DEFAULT, .data = MTRR_ENABLE | MTRR_WRITE_BACK },
	};
	auto_free struct kvm_msrs *msrs = calloc(1, sizeof(*msrs) + sizeof(entries));

	if (!msrs)
		return err_code(err, -ENOMEM, "set the registers of vCPU %u", v->id);
	msrs->nmsrs = ARRAY_LEN(entries);
	memcpy(msrs->entries, entries, sizeof(entries));
	if (ioctl(v->fd, KVM_SET_MSRS, msrs) < 0)
		return err_sys(err, "set the model-specific registers of vCPU %u", v->id);
	return 0;
}

int x86_cpus_setup(const struct vcpus *set, const struct guest_mem *mem,
		   const struct x86_kernel *kernel, struct err *err)
{
	const bool has_deadline = kvm_cap(set->kvm, KVM_CAP_TSC_DEADLINE_TIMER) > 0;
	const size_t bytes =
	    sizeof(struct kvm_cpuid2) + CPUID_ENTRIES_MAX * sizeof(struct kvm_cpuid_entry2);
	auto_free struct kvm_cpuid2 *supported = calloc(1, bytes);
	auto_free struct kvm_cpuid2 *own = calloc(1, bytes);

	if (!supported || !own)
		return err_code(err, -ENOMEM, "ask for the processor's features");
	supported->nent = CPUID_ENTRIES_MAX;
	if (ioctl(set->kvm->fd, KVM_GET_SUPPORTED_CPUID, supported) < 0)
		return err_sys(err, "ask for the processor's features");
	for (unsigned int i = 0; i < set->n; i++) {
		const struct vcpu *v = &set->v[i];
		int rc;

		memcpy(own, supported, bytes);
		x86_cpuid_filter(own, i, set->n, has_deadline);
		if (ioctl(v->fd, KVM_SET_CPUID2, own) < 0)
			return err_sys(err, "set the features of vCPU %u", i);
		rc = set_msrs(v, err);
		if (rc < 0)
			return rc;
	}
	x86_write_tables(mem);
	return set_boot_registers(&set->v[0], kernel, err);
}
