// SPDX-License-Identifier: GPL-2.0-or-later
/* Interrupts and further processors of the test guest. */
#include "tests/guest/guest.h"

enum {
	LAPIC = 0xfee00000U,
	LAPIC_EOI = LAPIC + 0xb0,
	LAPIC_SPURIOUS = LAPIC + 0xf0,
	LAPIC_ICR_LOW = LAPIC + 0x300,
	LAPIC_ICR_HIGH = LAPIC + 0x310,
	LAPIC_TIMER = LAPIC + 0x320,
	LAPIC_COUNT = LAPIC + 0x380,
	LAPIC_DIVIDE = LAPIC + 0x3e0,
	IOAPIC = 0xfec00000U,
	ICR_INIT = 0x4500,
	ICR_SIPI = 0x4608, /* vector 8: 0x8000 */
	AP_CODE = 0x8000,
};

volatile uint32_t irq_count[VECTORS];
volatile uint32_t ap_alive;

struct frame;
struct gate {
	uint16_t low, selector;
	uint8_t ist, type;
	uint16_t middle;
	uint32_t high, zero;
};
static struct gate idt[256];

extern uint8_t ap_code[], ap_code_end[];
extern uint32_t ap_cr3;
void ap_main(void);

#define HANDLER(name, index)                                                                       \
	__attribute__((interrupt)) static void name(struct frame *f)                               \
	{                                                                                          \
		(void)f;                                                                           \
		irq_count[index]++;                                                                \
		write32(LAPIC_EOI, 0);                                                             \
	}
HANDLER(on_timer, 0)
HANDLER(on_device, 1)
HANDLER(on_ipi, 2)

static void set_gate(uint8_t vector, void (*fn)(struct frame *f))
{
	const uint64_t at = (uint64_t)fn;

	idt[vector] = (struct gate){ .low = (uint16_t)at,
				     .selector = 0x10,
				     .type = 0x8e,
				     .middle = (uint16_t)(at >> 16),
				     .high = (uint32_t)(at >> 32) };
}

void irq_init(void)
{
	const struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) ptr = { sizeof(idt) - 1, (uint64_t)idt };

	set_gate(VECTOR_TIMER, on_timer);
	set_gate(VECTOR_DEVICE, on_device);
	set_gate(VECTOR_IPI, on_ipi);
	__asm__ volatile("lidt %0" : : "m"(ptr));
	out8(0x21, 0xff);
	out8(0xa1, 0xff);
	write32(LAPIC_SPURIOUS, 0x1ff);
}

void irq_route(unsigned int gsi, uint8_t vector)
{
	write32(IOAPIC, 0x10 + 2 * gsi + 1);
	write32(IOAPIC + 0x10, 0);
	write32(IOAPIC, 0x10 + 2 * gsi);
	write32(IOAPIC + 0x10, vector);
}

void irq_timer(uint32_t ticks)
{
	write32(LAPIC_DIVIDE, 0xb);
	write32(LAPIC_TIMER, 0x20000 | VECTOR_TIMER);
	write32(LAPIC_COUNT, ticks);
}

void irq_wait(unsigned int vector, uint32_t n)
{
	const volatile uint32_t *count = &irq_count[vector - VECTOR_TIMER];

	while (*count < n) {
		/* sti takes effect behind hlt: no interrupt is lost between look and sleep. */
		__asm__ volatile("cli");
		if (*count < n)
			__asm__ volatile("sti; hlt; cli" : : : "memory");
		__asm__ volatile("sti");
	}
}

void ap_main(void)
{
	ap_alive = 1;
}

bool smp_start(void)
{
	uint8_t *to = (uint8_t *)AP_CODE;
	uint64_t cr3;

	__asm__ volatile("mov %%cr3, %0" : "=r"(cr3));
	ap_cr3 = (uint32_t)cr3;
	for (const uint8_t *p = ap_code; p < ap_code_end; p++)
		*to++ = *p;
	irq_init();
	write32(LAPIC_ICR_HIGH, 1U << 24);
	write32(LAPIC_ICR_LOW, ICR_INIT);
	write32(LAPIC_ICR_HIGH, 1U << 24);
	write32(LAPIC_ICR_LOW, ICR_SIPI);
	while (!ap_alive)
		__asm__ volatile("pause");
	print("processor 1 is alive\n");
	return true;
}
