/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The vCPUs: one thread each, which runs the guest and gives its port and memory accesses to the
 * buses. Created and set up by the loop's thread, which alone pauses, resumes and stops them.
 *
 * Getting a thread out of the guest has two halves: kvm_run.immediate_exit makes the next KVM_RUN
 * return at once, the signal ends one that is under way. A pause also finishes the access that the
 * guest was in, so that a paused vCPU's registers can be read and written.
 */
#ifndef BIVALVE_VMMODE_VMM_VCPU_H
#define BIVALVE_VMMODE_VMM_VCPU_H

#include <linux/kvm.h>
#include <pthread.h>
#include <stdbool.h>

#include "vmmode/virtio/thread.h"
#include "vmmode/vmm/bus.h"
#include "vmmode/vmm/exit.h"
#include "vmmode/vmm/handoff.h"
#include "vmmode/vmm/kvm.h"

enum { VCPUS_MAX = 64 };

struct vcpus;

struct vcpu {
	struct vcpus *set; /* borrowed */
	unsigned int id;   /* also its local APIC id */
	int fd;            /* owned */
	struct kvm_run *run;
	pthread_t thread;
	bool has_thread;
	bool is_paused, is_gone; /* under set->handoff->lock */
};

struct vcpus {
	const struct kvm *kvm; /* borrowed, as all below */
	const struct bus *pio;
	const struct bus *mmio;
	struct ending *ending;
	struct handoff *handoff;
	struct thread_starter *starter; /* NULL: plain threads */
	unsigned int n;
	bool pause, stop; /* what is asked of the threads; under handoff->lock */
	struct vcpu v[VCPUS_MAX];
};

/* vcpus_create - @set's borrowed members are filled, the rest zero. @n: 1 .. VCPUS_MAX. */
MUST_CHECK int vcpus_create(struct vcpus *set, unsigned int n, struct err *err);

/* vcpus_start - a thread each. */
MUST_CHECK int vcpus_start(struct vcpus *set, struct err *err);

/* vcpus_pause - returns when no vCPU runs guest code. vcpus_resume - takes it back; the guest's
 * clock source is told, so that its watchdogs do not bark. Both may be repeated. */
void vcpus_pause(struct vcpus *set);
void vcpus_resume(struct vcpus *set);

/* vcpus_log_state - a debug line per vCPU: where it is. While they are paused. */
void vcpus_log_state(const struct vcpus *set);

/* vcpus_fini - ends and joins the threads, closes the vCPUs. Safe after any failure. */
void vcpus_fini(struct vcpus *set);

#endif
