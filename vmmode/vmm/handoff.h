/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Work that a vCPU hands to the event loop's thread and waits for. A device's operations (activate,
 * reset, configuration) all run in that one thread, so devices need no locks of their own against
 * the guest's registers.
 *
 * The lock and the condition are shared with vcpu.c: the loop's thread may wait for vCPUs to pause
 * or to end, and must go on serving those that wait for it meanwhile.
 */
#ifndef BIVALVE_VMMODE_VMM_HANDOFF_H
#define BIVALVE_VMMODE_VMM_HANDOFF_H

#include <pthread.h>
#include <stdbool.h>

#include "spec/base/err.h"
#include "vmmode/virtio/loop.h"

struct handoff_call;

struct handoff {
	pthread_mutex_t lock;
	pthread_cond_t changed; /* a call came, a call was done, or a vCPU changed its state */
	struct handoff_call *first, **last;
	struct loop_source source; /* source.fd: an eventfd, owned */
	struct loop *loop;         /* borrowed */
};

MUST_CHECK int handoff_init(struct handoff *h, struct loop *loop, struct err *err);
void handoff_fini(struct handoff *h);

/* handoff_run - @run(@arg) in the loop's thread; returns when it did. Not from that thread. */
void handoff_run(struct handoff *h, void (*run)(void *arg), void *arg);

/* handoff_serve - in the loop's thread, with h->lock held: does what waits (without the lock). */
void handoff_serve(struct handoff *h);

#endif
