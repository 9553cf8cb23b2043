/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ACPI tables of the machine, and the MP table for kernels that know no ACPI. Both describe the
 * same processors, IOAPIC and interrupt lines; a kernel with ACPI ignores the MP table.
 *
 * ACPI: RSDP, XSDT, FADT (hardware-reduced: no SMI, no power button, no PM timer; sleep and reset
 * registers), MADT, DSDT with one LNRO0005 node per virtio-mmio device (the only way in which
 * distribution kernels find them), COM1, and the pvpanic device.
 * Source: ACPI 6.4; MultiProcessor Specification 1.4.
 */
#ifndef BIVALVE_VMMODE_VMM_X86_ACPI_H
#define BIVALVE_VMMODE_VMM_X86_ACPI_H

#include <stdint.h>

#include "spec/base/buf.h"
#include "spec/base/err.h"
#include "vmmode/virtio/guest_mem.h"

struct acpi_device {
	uint32_t base; /* a page of virtio-mmio registers */
	uint32_t gsi;
};

struct acpi_machine {
	unsigned int cpus;
	const struct acpi_device *devices; /* borrowed */
	unsigned int n_devices;            /* at most 256 */
};

/* acpi_dsdt - appends the DSDT to @out; for tests. */
void acpi_dsdt(const struct acpi_machine *m, struct buf *out);

/*
 * acpi_write - writes all tables to @mem, from X86_ACPI on.
 * Returns 0 and the address of the RSDP; -ENOSPC they are too long; -ENOMEM.
 */
MUST_CHECK int acpi_write(const struct guest_mem *mem, const struct acpi_machine *m,
			  gpa_t *out_rsdp, struct err *err);

/* mptable_write - writes the MP table to X86_MPTABLE. Returns 0; -ENOSPC; -ENOMEM. */
MUST_CHECK int mptable_write(const struct guest_mem *mem, unsigned int cpus, struct err *err);

#endif
