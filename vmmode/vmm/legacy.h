/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The small things of a PC that a kernel asks for without looking first.
 *
 *   cmos, 0x70-0x71     a clock that is never in the middle of an update: a kernel that reads 0xff
 *                       there polls for a second
 *   i8042, 0x60, 0x64   no keyboard, but answers to the controller's own commands (silence costs
 *                       half a second), and the reset command 0xfe
 *   pci, 0xcf8          the address register, so that Linux finds a PCI without devices: where it
 *                       finds none it says so, as an error, on every console
 *   power, 0xf4         a byte written here ends the machine with that exit status
 *   power, 0x505        pvpanic (ACPI "QEMU0001"): bit 0 written = the kernel panicked
 *   power, 0x600        ACPI sleep control and status: S5 powers off
 */
#ifndef BIVALVE_VMMODE_VMM_LEGACY_H
#define BIVALVE_VMMODE_VMM_LEGACY_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "vmmode/vmm/bus.h"
#include "vmmode/vmm/exit.h"

enum {
	CMOS_PORT = 0x70,
	I8042_DATA_PORT = 0x60,
	I8042_COMMAND_PORT = 0x64,
	I8042_RESET = 0xfe,
	PCI_ADDRESS_PORT = 0xcf8,
	EXIT_PORT = 0xf4,
	PANIC_PORT = 0x505,
	SLEEP_PORT = 0x600, /* control; status is the next one */
	SLEEP_TYPE_S5 = 5,  /* what the DSDT's _S5_ says */
};

struct cmos {
	struct bus_range range;
	_Atomic uint8_t index;
};

struct i8042 {
	struct bus_range data, command;
	struct ending *ending; /* borrowed */
	pthread_mutex_t lock;
	uint8_t config; /* the controller's command byte */
	uint8_t reply;
	bool has_reply, wants_config;
};

struct pci {
	struct bus_range range;
	_Atomic uint32_t address;
};

struct power {
	struct bus_range exit, panic, sleep;
	struct ending *ending; /* borrowed */
};

void cmos_init(struct cmos *c);
void i8042_init(struct i8042 *k, struct ending *ending);
void pci_init(struct pci *p);
void power_init(struct power *p, struct ending *ending);

#endif
