/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One machine, from its options to its end. */
#ifndef BIVALVE_VMMODE_VMM_MACHINE_H
#define BIVALVE_VMMODE_VMM_MACHINE_H

#include "spec/base/err.h"
#include "vmmode/vmm/cmdline.h"

/*
 * machine_run - builds the machine, runs it to its end, and takes it down.
 * @start_ns: CLOCK_MONOTONIC at the start of the process, for the times of --log-level debug
 *
 * Returns the exit status (exit.h). If that is not the guest's doing, @err says why.
 * SIGTERM, SIGINT, SIGHUP are blocked and end the machine.
 */
MUST_CHECK int machine_run(const struct vmm_options *opts, uint64_t start_ns, struct err *err);

/* machine_self_test - the exit status of --self-test: 0, or VMM_EXIT_* with @err. */
MUST_CHECK int machine_self_test(struct err *err);

/* machine_now_ns - CLOCK_MONOTONIC. */
uint64_t machine_now_ns(void);

#endif
