/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bare-metal test guest: what its parts share. It runs also where KVM emulates (general
 * registers alone, no "int"). A test is a word of the command line; its exit status is its result.
 */
#ifndef BIVALVE_TESTS_GUEST_GUEST_H
#define BIVALVE_TESTS_GUEST_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SERIAL = 0x3f8, EXIT = 0xf4, VIRTIO_BASE = 0xd0000000U, VIRTIO_GSI = 5 };
enum { VECTOR_TIMER = 0x40, VECTOR_DEVICE = 0x41, VECTOR_IPI = 0x42, VECTORS = 3 };

static inline void out8(uint16_t port, uint8_t v)
{
	__asm__ volatile("outb %0, %1" : : "a"(v), "Nd"(port) : "memory");
}
static inline uint8_t in8(uint16_t port)
{
	uint8_t v;

	__asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port) : "memory");
	return v;
}
static inline void write32(uint64_t addr, uint32_t v)
{
	*(volatile uint32_t *)addr = v;
}
static inline uint32_t read32(uint64_t addr)
{
	return *(volatile uint32_t *)addr;
}

void print(const char *s);
void print_hex(uint64_t v);
__attribute__((noreturn)) void finish(uint8_t status);

/* How often the interrupt of VECTOR_* came. */
extern volatile uint32_t irq_count[VECTORS];

/* Sets up an IDT and the local APIC; the legacy interrupt controllers are masked. */
void irq_init(void);
/* Routes an IOAPIC pin to @vector as an edge. */
void irq_route(unsigned int gsi, uint8_t vector);
/* A periodic timer. */
void irq_timer(uint32_t ticks);
/* Sleeps until the interrupt of @vector came @n times. */
void irq_wait(unsigned int vector, uint32_t n);

/* Starts processor 1 and waits for its sign of life. */
bool smp_start(void);
extern volatile uint32_t ap_alive;

/* A buffer of a request: what the device reads comes before what it writes. */
struct vq_buffer {
	void *data;
	uint32_t len;
	bool write;
};
enum { VQ_MAX = 6 };

/* Brings up the device at VIRTIO_BASE: its id, feature bits below 32, its first queues. */
bool vq_open(uint32_t id, uint32_t features, uint32_t n_queues);
/* 32 bits of the device's configuration. */
uint32_t vq_config(uint32_t offset);
/* Gives the device a request; waits for the last one by interrupts and returns the bytes written.
 */
void vq_put(uint32_t index, const struct vq_buffer *b, unsigned int n);
uint32_t vq_wait(uint32_t index);
uint32_t vq_call(uint32_t index, const struct vq_buffer *b, unsigned int n);

/* One device at VIRTIO_BASE, driven as a small driver would: 0 or the step that failed. */
unsigned int blk_test(void);
unsigned int console_test(void);
unsigned int fs_test(void);
unsigned int net_test(void);

/* Drives a virtio-rng device at VIRTIO_BASE; 0 or the number of the step that failed. */
unsigned int rng_test(void);
/* The transport's registers, hostile: 0 or the number of the step that failed. */
unsigned int mmio_test(void);
/* A stream to the host and one from it: 0 or the number of the step that failed. */
unsigned int vsock_test(void);
/* Touches @mib MiB, inflates to the target that comes, deflates when it is 0 again, and sleeps;
 * returns only the number of the step that failed. */
unsigned int balloon_test(uint32_t mib);

#endif
