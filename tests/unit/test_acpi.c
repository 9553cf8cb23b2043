// SPDX-License-Identifier: GPL-2.0-or-later
/* The ACPI tables and the MP table: checksums, links, and the DSDT as a disassembler reads it. */
#include "vmmode/vmm/x86/acpi.h"

#include <sys/wait.h>

#include "spec/base/fd.h"
#include "tests/unit/test.h"
#include "vmmode/vmm/x86/aml.h"
#include "vmmode/vmm/x86/layout.h"

enum { RAM = 1 << 20 };
static const struct acpi_device two[] = { { 0xd0000000, 5 }, { 0xd0001000, 16 } };

static uint8_t sum(const uint8_t *p, size_t len)
{
	uint8_t s = 0;

	while (len--)
		s = (uint8_t)(s + *p++);
	return s;
}

static uint32_t get32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static uint64_t get64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static void test_links_and_checksums(void)
{
	auto_free uint8_t *ram = calloc(1, RAM);
	struct guest_mem mem = { .n = 0 };
	const struct acpi_machine m = { 3, two, 2 };
	struct err err = ERR_INIT;
	const uint8_t *xsdt;
	const uint8_t *fadt;
	const uint8_t *madt;
	const uint8_t *dsdt;
	gpa_t rsdp = 0;

	CHECK_EQ(guest_mem_add(&mem, 0, RAM, ram), 0);
	CHECK_EQ(acpi_write(&mem, &m, &rsdp, &err), 0);
	CHECK_EQ(rsdp, X86_ACPI);
	CHECK_MEM(ram + rsdp, "RSD PTR ", 8);
	CHECK_EQ(sum(ram + rsdp, 20), 0);
	CHECK_EQ(sum(ram + rsdp, 36), 0);
	xsdt = ram + get64(ram + rsdp + 24);
	CHECK_MEM(xsdt, "XSDT", 4);
	CHECK_EQ(get32(xsdt + 4), 36 + 16);
	fadt = ram + get64(xsdt + 36);
	madt = ram + get64(xsdt + 44);
	dsdt = ram + get64(fadt + 140);
	CHECK_MEM(fadt, "FACP", 4);
	CHECK_EQ(get32(fadt + 4), 276);
	CHECK_EQ(get32(fadt + 40), get64(fadt + 140));
	CHECK_MEM(madt, "APIC", 4);
	CHECK_EQ(get32(madt + 4), 44 + 3 * 8 + 12 + 6);
	CHECK_MEM(dsdt, "DSDT", 4);
	CHECK_EQ(sum(xsdt, get32(xsdt + 4)), 0);
	CHECK_EQ(sum(fadt, get32(fadt + 4)), 0);
	CHECK_EQ(sum(madt, get32(madt + 4)), 0);
	CHECK_EQ(sum(dsdt, get32(dsdt + 4)), 0);
}

static void test_many_devices_fit(void)
{
	auto_free uint8_t *ram = calloc(1, RAM);
	struct acpi_device devices[256] = { { 0 } };
	struct guest_mem mem = { .n = 0 };
	const struct acpi_machine m = { 64, devices, 256 };
	gpa_t rsdp = 0;

	CHECK_EQ(guest_mem_add(&mem, 0, RAM, ram), 0);
	CHECK_EQ(acpi_write(&mem, &m, &rsdp, NULL), 0);
	for (uint64_t i = X86_ACPI + X86_ACPI_MAX; i < RAM; i++) {
		if (ram[i]) {
			CHECK_EQ(i, 0);
			break;
		}
	}
}

static void test_mptable(void)
{
	auto_free uint8_t *ram = calloc(1, RAM);
	struct guest_mem mem = { .n = 0 };
	const uint8_t *p = ram + X86_MPTABLE;
	uint16_t len;

	CHECK_EQ(guest_mem_add(&mem, 0, RAM, ram), 0);
	CHECK_EQ(mptable_write(&mem, 4, NULL), 0);
	CHECK_MEM(p, "_MP_", 4);
	CHECK_EQ(sum(p, 16), 0);
	p = ram + get32(p + 4);
	CHECK_MEM(p, "PCMP", 4);
	memcpy(&len, p + 4, sizeof(len));
	CHECK_EQ(len, 44 + 4 * 20 + 20 * 8);
	CHECK_EQ(sum(p, len), 0);
	CHECK_EQ(p[len - 8], 4); /* the last entry ends where the table ends */
}

/* Package lengths around the borders of one, two and three bytes. */
static void test_aml_lengths(void)
{
	static const struct {
		size_t content;
		uint8_t lead, second, third;
		size_t bytes;
	} cases[] = {
		{ 62, 0x3f, 0, 0, 1 },
		{ 63, 0x41, 0x04, 0, 2 },
		{ 4093, 0x4f, 0xff, 0, 2 },
		{ 4094, 0x81, 0x00, 0x01, 3 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		auto_buf struct buf b = BUF_INIT;
		size_t begin = aml_scope_begin(&b, "ABCD");
		const uint8_t *p;

		for (size_t n = 4; n < cases[i].content; n++)
			buf_add_char(&b, 'x');
		aml_end(&b, begin);
		p = (const uint8_t *)b.data;
		CHECK_EQ(b.len, 1 + cases[i].bytes + cases[i].content);
		CHECK_EQ(p[1], cases[i].lead);
		if (cases[i].bytes > 1)
			CHECK_EQ(p[2], cases[i].second);
		if (cases[i].bytes > 2)
			CHECK_EQ(p[3], cases[i].third);
		CHECK_MEM(p + 1 + cases[i].bytes, "ABCD", 4);
	}
}

/* What iasl(1) makes of the DSDT, where it is installed. */
static void test_disassembly(void)
{
	char dir[] = "/tmp/bivalve-acpi-XXXXXX";
	const struct acpi_machine m = { 1, two, 2 };
	auto_buf struct buf dsdt = BUF_INIT;
	auto_buf struct buf text = BUF_INIT;
	char command[256];

	if (system("command -v iasl >/dev/null") != 0)
		TEST_SKIP("no iasl (acpica-tools)");
	CHECK(mkdtemp(dir));
	acpi_dsdt(&m, &dsdt);
	(void)snprintf(command, sizeof(command), "cat >%s/dsdt.aml", dir);
	{
		FILE *f = popen(command, "w");

		CHECK_EQ(fwrite(dsdt.data, 1, dsdt.len, f), dsdt.len);
		CHECK_EQ(pclose(f), 0);
	}
	(void)snprintf(command, sizeof(command), "cd %s && iasl -d dsdt.aml >log 2>&1", dir);
	CHECK_EQ(system(command), 0);
	(void)snprintf(command, sizeof(command), "%s/dsdt.dsl", dir);
	CHECK_EQ(file_read_at(-1, command, 1 << 20, &text), 0);
	CHECK_HAS(buf_str(&text), "Name (_S5, Package (0x04)");
	CHECK_HAS(buf_str(&text), "Device (COM1)");
	CHECK_HAS(buf_str(&text), "Name (_HID, \"LNRO0005\")");
	CHECK_HAS(buf_str(&text), "0xD0001000,         // Address Base");
	CHECK_HAS(buf_str(&text), "Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive, ,, )");
	CHECK_HAS(buf_str(&text), "0x00000010,");
	(void)snprintf(command, sizeof(command), "cd %s && iasl dsdt.dsl >log 2>&1", dir);
	CHECK_EQ(system(command), 0);
	(void)snprintf(command, sizeof(command), "rm -rf %s", dir);
	CHECK_EQ(system(command), 0);
}

TEST_MAIN(TEST(test_links_and_checksums), TEST(test_many_devices_fit), TEST(test_mptable),
	  TEST(test_aml_lengths), TEST(test_disassembly))
