/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * KVM: the device, one virtual machine with the interrupt controllers in the kernel, and what is
 * asked of it as a whole. vCPUs are vcpu.h, interrupt lines irq.h.
 * Source: kernel Documentation/virt/kvm/api.rst; uapi linux/kvm.h.
 */
#ifndef BIVALVE_VMMODE_VMM_KVM_H
#define BIVALVE_VMMODE_VMM_KVM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "spec/base/err.h"
#include "vmmode/virtio/guest_mem.h"

struct kvm {
	int fd;           /* /dev/kvm; owned */
	int vm_fd;        /* owned */
	size_t run_bytes; /* size of a vCPU's struct kvm_run mapping */
};

#define KVM_NONE                                                                                   \
	{                                                                                          \
		-1, -1, 0                                                                          \
	}

/*
 * kvm_open - opens /dev/kvm and checks its version.
 * Returns 0; -ENOENT there is none (also -ENXIO, -ENODEV: a node without a driver); -EACCES,
 * -EPERM not allowed; -EPROTO another API version; -errno.
 */
MUST_CHECK int kvm_open(struct kvm *k, struct err *err);

/* kvm_create_vm - a machine without memory and vCPUs, with irqchip and PIT in the kernel. */
MUST_CHECK int kvm_create_vm(struct kvm *k, struct err *err);

/* kvm_map_memory - makes every region of @mem the guest's RAM; once. */
MUST_CHECK int kvm_map_memory(const struct kvm *k, const struct guest_mem *mem, struct err *err);

/* kvm_cap - the value of KVM_CAP_@cap for this machine; 0 when unknown. */
int kvm_cap(const struct kvm *k, int cap);

/* kvm_close - closes both descriptors. The last vCPU must be closed before. */
void kvm_close(struct kvm *k);

#endif
