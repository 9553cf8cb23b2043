// SPDX-License-Identifier: GPL-2.0-or-later
/* The ACPI tables. */
#include "vmmode/vmm/x86/acpi.h"

#include <stdio.h>
#include <string.h>

#include "vmmode/vmm/irq.h"
#include "vmmode/vmm/legacy.h"
#include "vmmode/vmm/serial.h"
#include "vmmode/vmm/x86/aml.h"
#include "vmmode/vmm/x86/layout.h"

enum {
	HEADER_BYTES = 36,
	CHECKSUM_AT = 9,
	LENGTH_AT = 4,
	FADT_BYTES = 276,
	FADT_RESET_SUPPORTED = 1 << 10,
	FADT_HW_REDUCED = 1 << 20,
	BOOT_NO_VGA = 1 << 2,
	BOOT_NO_CMOS = 1 << 5,
	GAS_IO = 1,
	GAS_BYTE = 1,
	MADT_PCAT = 1,
	MADT_LAPIC = 0,
	MADT_IOAPIC = 1,
	MADT_LAPIC_NMI = 4,
};

static void add8(struct buf *b, uint8_t v)
{
	buf_add(b, &v, sizeof(v));
}

static void add32(struct buf *b, uint32_t v)
{
	buf_add(b, &v, sizeof(v));
}

static void add64(struct buf *b, uint64_t v)
{
	buf_add(b, &v, sizeof(v));
}

/* 5.2.6: length and checksum are put in by end_table(). Returns where the table begins. */
static size_t begin_table(struct buf *b, const char *signature, uint8_t revision)
{
	static const char names[] = "BIVALV"
				    "BIVALVE ";
	const size_t begin = b->len;

	buf_add(b, signature, 4);
	add32(b, 0);
	add8(b, revision);
	add8(b, 0);
	buf_add(b, names, 14);
	add32(b, 1);
	buf_add(b, "BIVL", 4);
	add32(b, 1);
	return begin;
}

/* The byte that makes the sum of all bytes 0. */
static uint8_t checksum(const char *data, size_t len)
{
	uint8_t sum = 0;

	for (size_t i = 0; i < len; i++)
		sum = (uint8_t)(sum + (uint8_t)data[i]);
	return (uint8_t)(0 - sum);
}

static void end_table(struct buf *b, size_t begin)
{
	const uint32_t len = (uint32_t)(b->len - begin);

	if (buf_failed(b))
		return;
	memcpy(b->data + begin + LENGTH_AT, &len, sizeof(len));
	b->data[begin + CHECKSUM_AT] = (char)checksum(b->data + begin, len);
}

/* ---- DSDT
 * ---------------------------------------------------------------------------------------- */

static void add_virtio(struct buf *b, unsigned int i, const struct acpi_device *d)
{
	char name[5];
	size_t device;
	size_t resources;

	(void)snprintf(name, sizeof(name), "V%03X", i & 0xff);
	device = aml_device_begin(b, name);
	aml_name(b, "_HID");
	aml_string(b, "LNRO0005");
	aml_name(b, "_UID");
	aml_integer(b, i);
	aml_name(b, "_CCA");
	aml_integer(b, 1);
	aml_name(b, "_CRS");
	resources = aml_resources_begin(b);
	aml_memory32(b, d->base, X86_VIRTIO_STEP);
	aml_interrupt(b, d->gsi);
	aml_resources_end(b, resources);
	aml_end(b, device);
}

/* A device that is found by its I/O ports, with an interrupt unless @gsi is 0. */
static void add_port_device(struct buf *b, const char *name, const char *hid, uint16_t port,
			    uint32_t gsi)
{
	const size_t device = aml_device_begin(b, name);
	size_t resources;

	aml_name(b, "_HID");
	aml_string(b, hid);
	aml_name(b, "_UID");
	aml_integer(b, 0);
	aml_name(b, "_CRS");
	resources = aml_resources_begin(b);
	aml_io(b, port, gsi ? 8 : 1);
	if (gsi)
		aml_interrupt(b, gsi);
	aml_resources_end(b, resources);
	aml_end(b, device);
}

void acpi_dsdt(const struct acpi_machine *m, struct buf *out)
{
	const size_t begin = begin_table(out, "DSDT", 2);
	size_t scope;
	size_t package;

	aml_name(out, "_S5_");
	package = aml_package_begin(out, 4);
	aml_integer(out, SLEEP_TYPE_S5);
	for (int i = 0; i < 3; i++)
		aml_integer(out, 0);
	aml_end(out, package);
	scope = aml_scope_begin(out, "_SB_");
	add_port_device(out, "COM1", "PNP0501", SERIAL_PORT, IRQ_SERIAL);
	add_port_device(out, "PEVT", "QEMU0001", PANIC_PORT, 0);
	for (unsigned int i = 0; i < m->n_devices; i++)
		add_virtio(out, i, &m->devices[i]);
	aml_end(out, scope);
	end_table(out, begin);
}

/* ---- the other tables
 * ---------------------------------------------------------------------------- */

/* 5.2.9 with the offsets of its fields; what a reduced machine lacks stays 0. */
static void add_fadt(struct buf *b, uint64_t dsdt)
{
	const size_t begin = begin_table(b, "FACP", 6);
	uint8_t body[FADT_BYTES] = { 0 };
	const uint32_t flags = FADT_RESET_SUPPORTED | FADT_HW_REDUCED;
	const uint32_t dsdt32 = (uint32_t)dsdt;
	const uint16_t boot = BOOT_NO_VGA | BOOT_NO_CMOS;
	const uint64_t reset = I8042_COMMAND_PORT;
	const uint64_t sleep = SLEEP_PORT;
	const uint64_t status = SLEEP_PORT + 1;
	const uint8_t gas[4] = { GAS_IO, 8, 0, GAS_BYTE };

	memcpy(body + 40, &dsdt32, sizeof(dsdt32));
	memcpy(body + 109, &boot, sizeof(boot)); /* IAPC_BOOT_ARCH: no 8042 bit either */
	memcpy(body + 112, &flags, sizeof(flags));
	memcpy(body + 116, gas, sizeof(gas));
	memcpy(body + 120, &reset, sizeof(reset));
	body[128] = I8042_RESET;
	body[131] = 4; /* minor version: 6.4 */
	memcpy(body + 140, &dsdt, sizeof(dsdt));
	memcpy(body + 244, gas, sizeof(gas));
	memcpy(body + 248, &sleep, sizeof(sleep));
	memcpy(body + 256, gas, sizeof(gas));
	memcpy(body + 260, &status, sizeof(status));
	buf_add(b, body + HEADER_BYTES, sizeof(body) - HEADER_BYTES);
	end_table(b, begin);
}

static void add_madt(struct buf *b, unsigned int cpus)
{
	const size_t begin = begin_table(b, "APIC", 5);

	add32(b, X86_LAPIC);
	add32(b, MADT_PCAT);
	for (unsigned int i = 0; i < cpus; i++) {
		const uint8_t lapic[4] = { MADT_LAPIC, 8, (uint8_t)i, (uint8_t)i };

		buf_add(b, lapic, sizeof(lapic));
		add32(b, 1); /* enabled */
	}
	add8(b, MADT_IOAPIC);
	add8(b, 12);
	add8(b, 0); /* its id */
	add8(b, 0);
	add32(b, X86_IOAPIC);
	add32(b, 0);                                                          /* its first line */
	buf_add(b, (const uint8_t[]){ MADT_LAPIC_NMI, 6, 0xff, 0, 0, 1 }, 6); /* all: LINT1 */
	end_table(b, begin);
}

static void add_xsdt(struct buf *b, uint64_t fadt, uint64_t madt)
{
	const size_t begin = begin_table(b, "XSDT", 1);

	add64(b, fadt);
	add64(b, madt);
	end_table(b, begin);
}

/* 5.2.5.3. */
static void fill_rsdp(uint8_t *rsdp, uint64_t xsdt)
{
	const uint32_t len = 36;

	/* Fields of fixed length, without a terminator. */
	memcpy(rsdp, "RSD PTR ", 8);   /* NOLINT(bugprone-not-null-terminated-result) */
	memcpy(rsdp + 9, "BIVALV", 6); /* NOLINT(bugprone-not-null-terminated-result) */
	rsdp[15] = 2;
	memcpy(rsdp + 20, &len, sizeof(len));
	memcpy(rsdp + 24, &xsdt, sizeof(xsdt));
	rsdp[8] = checksum((const char *)rsdp, 20);
	rsdp[32] = checksum((const char *)rsdp, len);
}

/* Tables begin at multiples of 16. Returns the guest address of the next one. */
static uint64_t next_table(struct buf *b)
{
	while (b->len % 16)
		buf_add_char(b, '\0');
	return X86_ACPI + b->len;
}

int acpi_write(const struct guest_mem *mem, const struct acpi_machine *m, gpa_t *out_rsdp,
	       struct err *err)
{
	auto_buf struct buf b = BUF_INIT;
	uint8_t rsdp[48] = { 0 };
	uint64_t dsdt;
	uint64_t fadt;
	uint64_t madt;
	uint64_t xsdt;

	buf_add(&b, rsdp, sizeof(rsdp));
	dsdt = next_table(&b);
	acpi_dsdt(m, &b);
	fadt = next_table(&b);
	add_fadt(&b, dsdt);
	madt = next_table(&b);
	add_madt(&b, m->cpus);
	xsdt = next_table(&b);
	add_xsdt(&b, fadt, madt);
	if (buf_failed(&b))
		return err_code(err, -ENOMEM, "write the ACPI tables");
	if (b.len > X86_ACPI_MAX)
		return err_set(err, -ENOSPC, "the ACPI tables have %zu bytes, at most %d fit",
			       b.len, X86_ACPI_MAX);
	fill_rsdp(rsdp, xsdt);
	memcpy(b.data, rsdp, sizeof(rsdp));
	memcpy(guest_mem_at(mem, X86_ACPI, b.len), b.data, b.len);
	*out_rsdp = X86_ACPI;
	return 0;
}
