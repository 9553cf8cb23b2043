/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How a machine ends, and what the process answers for it.
 *
 *   0         the guest powered off (ACPI S5)
 *   N         the guest chose N: it wrote the byte N to I/O port 0xf4
 *   240..255  below: what a guest did not choose; a workload seldom uses these
 *   128 + S   signal S (SIGTERM, SIGINT, SIGHUP) stopped the machine
 *
 * One struct ending is shared by everything that can end the machine: any thread may ask, the first
 * one wins, and the event loop is woken.
 */
#ifndef BIVALVE_VMMODE_VMM_EXIT_H
#define BIVALVE_VMMODE_VMM_EXIT_H

#include <stdatomic.h>

#include "spec/base/cleanup.h"

enum vmm_exit {
	VMM_EXIT_POWEROFF = 0,
	VMM_EXIT_HOST = 240,        /* the host failed: memory, a KVM call, a thread */
	VMM_EXIT_USAGE = 241,       /* the command line */
	VMM_EXIT_NO_KVM = 242,      /* /dev/kvm is not there */
	VMM_EXIT_NO_RIGHTS = 243,   /* /dev/kvm may not be opened */
	VMM_EXIT_EMULATOR = 244,    /* this KVM emulates and cannot run a normal kernel */
	VMM_EXIT_BAD_KERNEL = 245,  /* the kernel is no kernel */
	VMM_EXIT_INITRD_SIZE = 246, /* the initrd does not fit into memory */
	VMM_EXIT_NO_FILE = 247,     /* a file or device that was named cannot be opened */
	VMM_EXIT_DUPLICATE = 248,   /* a tag was given twice */
	VMM_EXIT_RESET = 249,       /* the guest asked for a reset */
	VMM_EXIT_PANIC = 250,       /* the guest's kernel panicked */
	VMM_EXIT_CRASH = 251,       /* triple fault, or an instruction that KVM cannot run */
	VMM_EXIT_FORBIDDEN = 252, /* a thread made a system call that the sandbox does not allow */
	VMM_EXIT_SANDBOX = 253,   /* a part of the sandbox cannot be had on this host */
};

struct ending {
	int event_fd;       /* owned; readable once the machine shall end */
	_Atomic int status; /* -1: it runs */
};

/* ending_init - returns 0 or -errno. */
MUST_CHECK int ending_init(struct ending *e);
void ending_fini(struct ending *e);

/* ending_request - the machine shall end with @status, unless someone asked before. Any thread. */
void ending_request(struct ending *e, int status);

#endif
