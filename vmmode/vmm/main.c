// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The program `bivalve-vmm`: one virtual machine in one process.
 *
 * Stages:
 *   1. the command line is parsed; what was inherited and is not named by it is closed
 *   2. own mount namespace, started without root's rights also an own user namespace; all else is
 *      the caller's still
 *   3. all that the machine needs is opened with the caller's rights: /dev/kvm, the kernel, what
 *      the devices name; folders are cut out of the host's tree; the guest's memory is filled,
 *      by a thread that ends within this stage
 *   4. the sandbox (sandbox.h): empty root, own namespaces, ids, capabilities, no new privileges;
 *      a thread is made that makes all others; system calls are filtered. Nothing comes back
 *   5. the vCPUs' threads start and the guest runs; this thread is the event loop
 *   6. the machine's end: threads are joined, devices flushed, the exit status given
 *
 * What is trusted: the options, until the guest runs; after that only what is in this process.
 */
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>

#include "vmmode/vmm/exit.h"
#include "vmmode/vmm/machine.h"

enum { STACK_BYTES = 256 * 1024 };

/*
 * The memory of this process beside the guest's. Threads have small stacks: of the usual 8 MiB the
 * kernel may fill 2 MiB with one huge page at the first touch. One heap for all threads: they
 * allocate next to nothing, and each heap of their own would have its own first pages.
 */
static void be_frugal(void)
{
	pthread_attr_t attr;

	(void)mallopt(M_ARENA_MAX, 1);
	if (pthread_attr_init(&attr) != 0)
		return;
	if (pthread_attr_setstacksize(&attr, STACK_BYTES) != 0 ||
	    pthread_setattr_default_np(&attr) != 0)
		log_debug("make threads' stacks small: failed, ignoring");
	(void)pthread_attr_destroy(&attr);
}

int main(int argc, char **argv)
{
	const uint64_t start_ns = machine_now_ns();
	struct err err = ERR_INIT;
	struct vmm_options opts;
	int status;
	int rc = vmm_options_parse(argc, argv, &opts, &err);

	if (rc < 0) {
		log_error("%s", err.msg);
		return rc == -EEXIST ? VMM_EXIT_DUPLICATE : VMM_EXIT_USAGE;
	}
	log_setup(opts.log_level, LOG_FORMAT_TEXT, -1);
	if (opts.show_help)
		return fputs(vmm_options_help(), stdout) < 0 ? VMM_EXIT_HOST : 0;
	be_frugal();
	status = opts.self_test ? machine_self_test(&err) : machine_run(&opts, start_ns, &err);
	if (err.code)
		log_error("%s", err.msg);
	return status;
}
