/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Interrupt lines (GSIs: the pins of the IOAPIC) and the two shortcuts between KVM and eventfds:
 * irqfd, an eventfd that raises an interrupt, and ioeventfd, a guest's write that signals an
 * eventfd instead of leaving to us.
 */
#ifndef BIVALVE_VMMODE_VMM_IRQ_H
#define BIVALVE_VMMODE_VMM_IRQ_H

#include <stdint.h>

#include "vmmode/virtio/guest_mem.h"
#include "vmmode/vmm/kvm.h"

enum {
	IRQ_SERIAL = 4,
	IRQ_LINES_MAX = 16, /* how many lines irq_line() knows */
};

/*
 * irq_line - the GSI of virtio device number @index.
 * Those of real ISA devices (0, 1, 2, 3, 4, 8, 13) are left out: a kernel without ACPI knows what
 * they are for. Returns it, or -ENOSPC.
 */
MUST_CHECK int irq_line(unsigned int index);

/* irq_connect - each write to the eventfd @fd is an edge on line @gsi. Returns 0 or -errno. */
MUST_CHECK int irq_connect(const struct kvm *k, uint32_t gsi, int fd);

/* irq_notify_on - a 32-bit write of @value to @addr signals the eventfd @fd. Returns 0 or -errno.
 */
MUST_CHECK int irq_notify_on(const struct kvm *k, gpa_t addr, uint32_t value, int fd);

/* irq_notify_off - takes back irq_notify_on() with the same arguments. */
void irq_notify_off(const struct kvm *k, gpa_t addr, uint32_t value, int fd);

#endif
