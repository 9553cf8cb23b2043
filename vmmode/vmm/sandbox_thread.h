/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Threads with rights of their own. A thread inherits the filter and the capabilities of its maker,
 * so the main thread, which sees what guests send, cannot make those that need more than it has.
 * One more thread does it: the starter. It has what all kinds need together, waits for orders, and
 * never sees guest data. Each thread that it makes gives up at once what its kind does not need.
 *
 * They share one address space: this limits a thread that was led to make a wrong call, not an
 * attacker who can write to the stacks of the others.
 */
#ifndef BIVALVE_VMMODE_VMM_SANDBOX_THREAD_H
#define BIVALVE_VMMODE_VMM_SANDBOX_THREAD_H

#include <stdbool.h>

#include "spec/base/err.h"
#include "vmmode/virtio/thread.h"

struct sandbox_order;

struct sandbox_starter {
	struct thread_starter base;
	pthread_t thread;
	bool has_thread;
	pthread_mutex_t lock; /* of all that follows */
	pthread_cond_t changed;
	struct sandbox_order *first; /* one at a time: whoever finds a place */
	bool quit;
};

/*
 * sandbox_starter_init - makes the starter. The calling thread has the capabilities of file
 * servers, no filter yet, and no_new_privs.
 * Returns 0 or -errno; with @err when the starter's own filter is refused.
 */
MUST_CHECK int sandbox_starter_init(struct sandbox_starter *s, struct err *err);

/* sandbox_starter_fini - ends and joins it. Safe after a failure, and on a zeroed struct. */
void sandbox_starter_fini(struct sandbox_starter *s);

/* sandbox_confine - what the calling thread keeps, for good, as one of @kind: the starter and file
 * servers their capabilities, others none; and its filter. Returns 0 or -errno. */
MUST_CHECK int sandbox_confine(enum thread_kind kind);

#endif
