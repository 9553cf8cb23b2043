/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the control socket can ask of a running machine:
 *
 *   pause, resume     no vCPU runs guest code; repeated, they change nothing
 *   stop              the machine ends as by SIGTERM, with the same exit status
 *   balloon BYTES     how much the guest shall give back; also as a size, "64m"
 *   stats             "ok name=value ...": vcpus, paused (0, 1), memory; with a balloon also
 *                     balloon-target, balloon-actual, balloon-inflated and balloon-reported (bytes
 *                     dropped since the start, by inflation and by reports), and what the guest
 * said last: stats-age-ms and guest-* (guest-free-memory in bytes, ...). Each asks the guest for
 * the next.
 */
#ifndef BIVALVE_VMMODE_VMM_VERBS_H
#define BIVALVE_VMMODE_VMM_VERBS_H

#include "vmmode/virtio/device.h"
#include "vmmode/vmm/control.h"
#include "vmmode/vmm/vcpu.h"

/* All borrowed. */
struct verbs {
	struct vcpus *vcpus;
	struct ending *ending;
	struct virtio_device *balloon; /* NULL: none */
	uint64_t memory_bytes;
};

/* verbs_attach - @c serves the verbs on @v, which outlives it. */
void verbs_attach(struct verbs *v, struct control *c);

#endif
