/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A vCPU as the kernel finds it: what CPUID tells, model-specific registers, and for the first
 * vCPU the registers of a boot protocol. The others wait for INIT and SIPI.
 */
#ifndef BIVALVE_VMMODE_VMM_X86_CPU_H
#define BIVALVE_VMMODE_VMM_X86_CPU_H

#include <linux/kvm.h>

#include "vmmode/vmm/vcpu.h"
#include "vmmode/vmm/x86/boot.h"

/*
 * x86_cpus_setup - gives every vCPU of @set its CPUID and MSRs, and vCPU 0 the registers to enter
 * @kernel; writes GDT and page tables to @mem. Before the threads start.
 */
MUST_CHECK int x86_cpus_setup(const struct vcpus *set, const struct guest_mem *mem,
			      const struct x86_kernel *kernel, struct err *err);

/* x86_cpuid_filter - turns what KVM supports into what vCPU @id of @n sees. See cpuid.c. */
void x86_cpuid_filter(struct kvm_cpuid2 *c, unsigned int id, unsigned int n, bool has_deadline);

/* x86_enter_long_mode - page tables, GDT and the system registers of 64-bit mode (no rip). */
void x86_write_tables(const struct guest_mem *mem);
void x86_sregs_long(struct kvm_sregs *s);

#endif
