// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * CPUID: what KVM and the processor support, less what a guest shall not have, with the machine's
 * own topology (one package, one thread per core).
 *
 *   hidden   VMX, SVM and their leaves: nested virtualization is the largest way into a host;
 *            the PMU; the host's own topology and APIC ids
 *   added    the hypervisor bit; the TSC deadline timer, which KVM before 6.x does not report
 *            itself (it saves the guest 100 ms of timer calibration)
 */
#include "vmmode/vmm/x86/cpu.h"

enum {
	LEAF1_ECX_VMX = 1 << 5,
	LEAF1_ECX_X2APIC = 1 << 21,
	LEAF1_ECX_DEADLINE = 1 << 24,
	LEAF1_EDX_HTT = 1 << 28,
	EXT1_ECX_CMP_LEGACY = 1 << 1,
	EXT1_ECX_SVM = 1 << 2,
	EXT1_ECX_TOPOLOGY = 1 << 22,
	LEVEL_THREAD = 1,
	LEVEL_CORE = 2,
};
static const uint32_t leaf1_ecx_hypervisor = UINT32_C(1) << 31;

/* Bits of an APIC id that number the cores of a package of @n. */
static uint32_t core_bits(unsigned int n)
{
	uint32_t bits = 0;

	while ((1U << bits) < n)
		bits++;
	return bits;
}

static void filter_features(struct kvm_cpuid_entry2 *e, unsigned int id, unsigned int n,
			    bool has_deadline)
{
	/* EBX: brand and CLFLUSH as they are; count of APIC ids in 16-23; own id in 24-31. */
	e->ebx = (e->ebx & 0xffff) | ((1U << core_bits(n)) << 16) | (id << 24);
	e->ecx &= ~(uint32_t)LEAF1_ECX_VMX;
	e->ecx |= leaf1_ecx_hypervisor | LEAF1_ECX_X2APIC;
	if (has_deadline)
		e->ecx |= LEAF1_ECX_DEADLINE;
	if (n > 1)
		e->edx |= LEAF1_EDX_HTT;
	else
		e->edx &= ~(uint32_t)LEAF1_EDX_HTT;
}

/* Intel's topology: threads of a core, then cores of the package. */
static void filter_topology(struct kvm_cpuid_entry2 *e, unsigned int id, unsigned int n)
{
	const uint32_t index = e->index;

	e->eax = 0;
	e->ebx = 0;
	e->ecx = index;
	e->edx = id;
	if (index == 0) {
		e->ebx = 1;
		e->ecx |= LEVEL_THREAD << 8;
	} else if (index == 1) {
		e->eax = core_bits(n);
		e->ebx = n;
		e->ecx |= LEVEL_CORE << 8;
	}
}

/* Deterministic cache parameters: who shares the cache, and how many cores the package has. */
static void filter_caches(struct kvm_cpuid_entry2 *e, unsigned int n)
{
	const uint32_t level = (e->eax >> 5) & 7;
	const uint32_t ids = (1U << core_bits(n)) - 1;

	e->eax &= 0x3fff;
	e->eax |= ids << 26;
	if (level >= 3)
		e->eax |= ids << 14;
}

static void filter_amd_size(struct kvm_cpuid_entry2 *e, unsigned int n)
{
	e->ecx = (core_bits(n) << 12) | (n - 1);
}

void x86_cpuid_filter(struct kvm_cpuid2 *c, unsigned int id, unsigned int n, bool has_deadline)
{
	for (uint32_t i = 0; i < c->nent; i++) {
		struct kvm_cpuid_entry2 *e = &c->entries[i];

		switch (e->function) {
		case 0x1:
			filter_features(e, id, n, has_deadline);
			break;
		case 0x4:
			filter_caches(e, n);
			break;
		case 0xa:        /* PMU */
		case 0x8000000a: /* SVM */
			e->eax = e->ebx = e->ecx = e->edx = 0;
			break;
		case 0xb:
		case 0x1f:
			filter_topology(e, id, n);
			break;
		case 0x80000001:
			e->ecx &= ~(uint32_t)(EXT1_ECX_SVM | EXT1_ECX_TOPOLOGY);
			if (n == 1)
				e->ecx &= ~(uint32_t)EXT1_ECX_CMP_LEGACY;
			break;
		case 0x80000008:
			filter_amd_size(e, n);
			break;
		case 0x8000001e: /* AMD's extended APIC id, core and node */
			e->eax = id;
			e->ebx = id;
			e->ecx = 0;
			break;
		default:
			break;
		}
	}
}
