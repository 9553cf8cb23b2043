// SPDX-License-Identifier: GPL-2.0-or-later
/* The MP table, for kernels without ACPI. Source: MultiProcessor Specification 1.4, chapter 4. */
#include <string.h>

#include "vmmode/vmm/x86/acpi.h"
#include "vmmode/vmm/x86/layout.h"

enum {
	ENTRY_CPU = 0,
	ENTRY_BUS = 1,
	ENTRY_IOAPIC = 2,
	ENTRY_IRQ = 3,
	ENTRY_LOCAL_IRQ = 4,
	CPU_ENABLED = 1,
	CPU_BOOT = 2,
	APIC_VERSION = 0x14,
	IRQ_INT = 0,
	IRQ_NMI = 1,
	IRQ_EXTINT = 3,
	ISA_LINES = 16,
	POINTER_BYTES = 16,
	HEADER_BYTES = 44,
};

static void add8(struct buf *b, uint8_t v)
{
	buf_add(b, &v, sizeof(v));
}

static void add16(struct buf *b, uint16_t v)
{
	buf_add(b, &v, sizeof(v));
}

static void add32(struct buf *b, uint32_t v)
{
	buf_add(b, &v, sizeof(v));
}

static uint8_t checksum(const uint8_t *data, size_t len)
{
	uint8_t sum = 0;

	for (size_t i = 0; i < len; i++)
		sum = (uint8_t)(sum + data[i]);
	return (uint8_t)(0 - sum);
}

static void add_cpu(struct buf *b, unsigned int i)
{
	const uint32_t none = 0;

	add8(b, ENTRY_CPU);
	add8(b, (uint8_t)i);
	add8(b, APIC_VERSION);
	add8(b, i ? CPU_ENABLED : CPU_ENABLED | CPU_BOOT);
	add32(b, 0x600); /* signature: family 6; CPUID tells the truth */
	add32(b, 0x201); /* FPU, APIC */
	buf_add(b, &none, sizeof(none));
	buf_add(b, &none, sizeof(none));
}

/* An interrupt of bus 0 to a pin of the IOAPIC, or of all local APICs. */
static void add_irq(struct buf *b, uint8_t entry, uint8_t type, uint8_t line, uint8_t apic,
		    uint8_t pin)
{
	add8(b, entry);
	add8(b, type);
	add16(b, 0); /* polarity and trigger as the bus has them */
	add8(b, 0);
	add8(b, line);
	add8(b, apic);
	add8(b, pin);
}

static void add_entries(struct buf *b, unsigned int cpus)
{
	for (unsigned int i = 0; i < cpus; i++)
		add_cpu(b, i);
	add8(b, ENTRY_BUS);
	add8(b, 0);
	buf_add(b, "ISA   ", 6);
	add8(b, ENTRY_IOAPIC);
	add8(b, (uint8_t)cpus);
	add8(b, APIC_VERSION);
	add8(b, 1); /* usable */
	add32(b, X86_IOAPIC);
	for (unsigned int i = 0; i < ISA_LINES; i++)
		add_irq(b, ENTRY_IRQ, IRQ_INT, (uint8_t)i, (uint8_t)cpus, (uint8_t)i);
	add_irq(b, ENTRY_LOCAL_IRQ, IRQ_EXTINT, 0, 0, 0);
	add_irq(b, ENTRY_LOCAL_IRQ, IRQ_NMI, 0, 0xff, 1);
}

static void add_header(struct buf *b, uint16_t bytes, uint16_t entries)
{
	buf_add(b, "PCMP", 4);
	add16(b, bytes);
	add8(b, 4); /* 1.4 */
	add8(b, 0); /* checksum */
	buf_add(b, "BIVALVE MACHINE     ", 20);
	add32(b, 0);
	add16(b, 0);
	add16(b, entries);
	add32(b, X86_LAPIC);
	add32(b, 0);
}

static void add_pointer(struct buf *b)
{
	buf_add(b, "_MP_", 4);
	add32(b, X86_MPTABLE + POINTER_BYTES);
	add8(b, 1); /* in units of 16 bytes */
	add8(b, 4);
	add8(b, 0); /* checksum */
	for (int i = 0; i < 5; i++)
		add8(b, 0);
}

int mptable_write(const struct guest_mem *mem, unsigned int cpus, struct err *err)
{
	const uint16_t bytes = (uint16_t)(HEADER_BYTES + 20 * cpus + 8 * (2 + ISA_LINES + 2));
	const uint16_t entries = (uint16_t)(cpus + 2 + ISA_LINES + 2);
	auto_buf struct buf b = BUF_INIT;
	uint8_t *data;

	add_pointer(&b);
	add_header(&b, bytes, entries);
	add_entries(&b, cpus);
	if (buf_failed(&b))
		return err_code(err, -ENOMEM, "write the MP table");
	if (b.len > X86_MPTABLE_MAX)
		return err_set(err, -ENOSPC, "the MP table has %zu bytes", b.len);
	data = (uint8_t *)b.data;
	data[10] = checksum(data, POINTER_BYTES);
	data[POINTER_BYTES + 7] = checksum(data + POINTER_BYTES, bytes);
	memcpy(guest_mem_at(mem, X86_MPTABLE, b.len), b.data, b.len);
	return 0;
}
