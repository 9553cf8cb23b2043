// SPDX-License-Identifier: GPL-2.0-or-later
/* The ports by which a guest ends its machine. */
#include <string.h>

#include "spec/base/cleanup.h"
#include "vmmode/vmm/legacy.h"

enum {
	PANICKED = 0x01,     /* pvpanic: event bit, and what a read says is supported */
	SLEEP_ENABLE = 0x20, /* ACPI 6.4, 4.8.3.7: SLP_EN, SLP_TYPx in bits 2-4 */
	SLEEP_TYPE_SHIFT = 2,
	SLEEP_TYPE_MASK = 7,
};

static void read_zero(struct bus_range *r, uint64_t off, void *data, uint32_t len)
{
	(void)r;
	(void)off;
	memset(data, 0, len);
}

static void read_panic(struct bus_range *r, uint64_t off, void *data, uint32_t len)
{
	(void)r;
	(void)off;
	memset(data, 0, len);
	*(uint8_t *)data = PANICKED;
}

static void write_exit(struct bus_range *r, uint64_t off, const void *data, uint32_t len)
{
	(void)off;
	(void)len;
	ending_request(CONTAINER_OF(r, struct power, exit)->ending, *(const uint8_t *)data);
}

static void write_panic(struct bus_range *r, uint64_t off, const void *data, uint32_t len)
{
	(void)off;
	(void)len;
	if (*(const uint8_t *)data & PANICKED)
		ending_request(CONTAINER_OF(r, struct power, panic)->ending, VMM_EXIT_PANIC);
}

static void write_sleep(struct bus_range *r, uint64_t off, const void *data, uint32_t len)
{
	const uint8_t byte = *(const uint8_t *)data;

	(void)len;
	if (off == 0 && (byte & SLEEP_ENABLE) &&
	    ((byte >> SLEEP_TYPE_SHIFT) & SLEEP_TYPE_MASK) == SLEEP_TYPE_S5)
		ending_request(CONTAINER_OF(r, struct power, sleep)->ending, VMM_EXIT_POWEROFF);
}

void power_init(struct power *p, struct ending *ending)
{
	*p = (struct power){
		.exit = { .base = EXIT_PORT, .size = 1, .read = read_zero, .write = write_exit },
		.panic = { .base = PANIC_PORT,
			   .size = 1,
			   .read = read_panic,
			   .write = write_panic },
		.sleep = { .base = SLEEP_PORT, .size = 2, .read = read_zero, .write = write_sleep },
		.ending = ending,
	};
}
