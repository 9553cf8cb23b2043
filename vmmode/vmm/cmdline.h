/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line of bivalve-vmm as plain data. Nothing is opened here. */
#ifndef BIVALVE_VMMODE_VMM_CMDLINE_H
#define BIVALVE_VMMODE_VMM_CMDLINE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "spec/base/err.h"
#include "spec/base/log.h"
#include "vmmode/virtio/console.h"

enum { VMM_DEVICES_MAX = 16, VMM_PORTS_MAX = CONSOLE_PORTS_MAX - 1 };

enum vmm_device_kind {
	VMM_DISK,
	VMM_NET,
	VMM_FS,
	VMM_VSOCK,
	VMM_CONSOLE,
	VMM_RNG,
	VMM_BALLOON,
};

/* The value of a device's option, up to its first comma, and what follows. */
struct vmm_device_option {
	enum vmm_device_kind kind;
	const char *text; /* borrowed from argv; "" for --rng, --balloon without words, and for a
			   * console device that has ports alone */
};

struct vmm_options {
	const char *kernel; /* file names, or "fd:N"; NULL: not given. Borrowed from argv, as all */
	const char *initrd;
	const char *append;  /* "" by default */
	const char *control; /* a path or "fd:N"; NULL: not given */
	const char *serial;  /* "stdio", "fd:N", "file:F", "none"; NULL: not given */
	uint64_t memory_bytes;
	unsigned int memory_flags; /* enum mem_flags */
	unsigned int cpus;
	enum log_level log_level;
	bool no_acpi;
	bool self_test;
	bool no_sandbox;
	bool has_user;
	uid_t uid; /* of --user */
	gid_t gid;
	bool show_help;
	struct vmm_device_option devices[VMM_DEVICES_MAX];
	unsigned int n_devices;
	const char *ports[VMM_PORTS_MAX]; /* NAME=WHERE of the console device; borrowed from argv */
	unsigned int n_ports;
};

/*
 * vmm_options_parse - reads argv into @out.
 * Returns 0; -EINVAL with a line that names the option; -EEXIST a tag or a name that must be
 * unique was given twice.
 */
MUST_CHECK int vmm_options_parse(int argc, char **argv, struct vmm_options *out, struct err *err);

/* vmm_options_console - where the console goes; NULL: there is none. */
const char *vmm_options_console(const struct vmm_options *o);

/* vmm_options_help - the text of --help. */
const char *vmm_options_help(void);

#endif
