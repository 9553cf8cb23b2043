/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A queue of a TAP as the network device needs it: the requests of linux/if_tun.h. */
#ifndef BIVALVE_VMMODE_VIRTIO_TAP_H
#define BIVALVE_VMMODE_VIRTIO_TAP_H

#include <stdbool.h>
#include <stdint.h>

#include "spec/base/err.h"

/* The header before each frame, as in struct virtio_net_hdr_v1. */
enum { TAP_HEADER_BYTES = 12 };

struct tap {
	int fd;      /* borrowed; non-blocking */
	bool is_tap; /* else a datagram socket that carries the same packets */
	bool is_multi;
};

/*
 * tap_init - looks at @fd, makes it non-blocking and sets its header's length.
 * Returns 0; -EINVAL neither a TAP with IFF_VNET_HDR | IFF_NO_PI nor a datagram or seqpacket
 * socket; -errno.
 */
MUST_CHECK int tap_init(struct tap *t, int fd, struct err *err);

/* tap_set_offloads - what the guest takes: TUN_F_*. Nothing to do for a socket. 0 or -errno. */
MUST_CHECK int tap_set_offloads(const struct tap *t, unsigned int offloads);

/* tap_attach - with several queues: this one takes part, or does not. Returns 0 or -errno. */
MUST_CHECK int tap_attach(const struct tap *t, bool attach);

#endif
