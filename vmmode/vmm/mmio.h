/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The virtio-mmio transport (version 2): a page of registers per device, one interrupt line.
 *
 * Registers are read and written by vCPUs under the transport's lock. The device's own operations
 * run in the loop's thread (handoff.h). What a driver may write when is enforced here: features
 * only before FEATURES_OK, queue registers only between FEATURES_OK and DRIVER_OK; all else is
 * ignored. A reset is always possible.
 *
 * Notifications come by one ioeventfd per queue, from DRIVER_OK to the reset. One eventfd per
 * device is the interrupt, wired straight to KVM: nobody sees it pass, so InterruptStatus always
 * says "used buffers" (the driver looks at its rings and finds what there is), and says
 * "configuration" when the generation moved or the device broke since the driver's last
 * acknowledgement.
 * Source: virtio 1.2, 4.2.
 */
#ifndef BIVALVE_VMMODE_VMM_MMIO_H
#define BIVALVE_VMMODE_VMM_MMIO_H

#include <pthread.h>

#include "vmmode/virtio/device.h"
#include "vmmode/vmm/bus.h"
#include "vmmode/vmm/handoff.h"
#include "vmmode/vmm/kvm.h"

struct mmio_options {
	gpa_t base;                  /* of the page of registers */
	uint32_t gsi;                /* interrupt line */
	const struct kvm *kvm;       /* borrowed; NULL: no KVM, kicks come by the register alone */
	struct handoff *handoff;     /* borrowed; NULL: the device's operations run at once */
	const struct guest_mem *mem; /* borrowed */
};

struct mmio {
	struct bus_range range;
	struct mmio_options opts;
	struct virtio_device *dev; /* owned */
	int call_fd;               /* eventfd; owned */

	pthread_mutex_t lock; /* of all below, and of dev->features and queue configurations */
	uint32_t status;
	uint32_t device_features_sel, driver_features_sel, queue_sel;
	uint64_t driver_features;
	uint32_t seen_generation;     /* of the configuration, by the last acknowledgement */
	uint32_t reported_generation; /* by the last read of InterruptStatus */
	bool seen_broken, reported_broken;
};

/*
 * mmio_init - puts @dev behind registers. Takes @dev, also on failure.
 * Returns 0 or -errno.
 */
MUST_CHECK int mmio_init(struct mmio *m, struct virtio_device *dev, const struct mmio_options *opts,
			 struct err *err);

/* mmio_fini - resets and destroys the device. In the loop's thread, after the vCPUs ended. */
void mmio_fini(struct mmio *m);

#endif
