/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio-rng: the host kernel's random bytes. One queue of buffers to fill; a buffer gets at most
 * RNG_BYTES_MAX at a time, which the driver must expect. Works in the loop's thread.
 * Source: virtio 1.2, 5.4.
 */
#ifndef BIVALVE_VMMODE_VIRTIO_RNG_H
#define BIVALVE_VMMODE_VIRTIO_RNG_H

#include "spec/base/err.h"
#include "vmmode/virtio/device.h"
#include "vmmode/virtio/loop.h"

enum { RNG_BYTES_MAX = 4096, RNG_QUEUE_SIZE = 64 };

/* virtio_rng_new - @loop is borrowed. Returns 0 and gives *@out (ops->destroy frees), or -ENOMEM.
 */
MUST_CHECK int virtio_rng_new(struct loop *loop, struct virtio_device **out, struct err *err);

#endif
