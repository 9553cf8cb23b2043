/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From the device options of the command line to virtio devices: opens what they name. */
#ifndef BIVALVE_VMMODE_VMM_DEVICES_H
#define BIVALVE_VMMODE_VMM_DEVICES_H

#include "vmmode/virtio/device.h"
#include "vmmode/virtio/loop.h"
#include "vmmode/vmm/options.h"

/*
 * vmm_device_new - the device that @opt describes.
 * Returns 0 and gives *@out (freed by its ops->destroy); -ENOTSUP this program has no such device;
 * -ENOENT, -EACCES and others of opening what it names; -EINVAL the option is malformed.
 */
MUST_CHECK int vmm_device_new(const struct vmm_device_option *opt, struct loop *loop,
			      struct virtio_device **out, struct err *err);

/*
 * vmm_open - opens @name, or takes over the inherited descriptor of "fd:N" (made close-on-exec).
 * Returns a descriptor, owned by the caller, or -errno with "--@option '@name': ...".
 */
MUST_CHECK int vmm_open(const char *option, const char *name, int flags, struct err *err);

#endif
