/* SPDX-License-Identifier: GPL-2.0-or-later */
/* linux.netDevices of a config: a network device of the host, moved into a container. */
#ifndef BIVALVE_NETNS_NETDEV_H
#define BIVALVE_NETNS_NETDEV_H

#include "spec/base/err.h"

/*
 * netdev_move - moves the device @host_name of the caller's network namespace into @netns_fd.
 * @name_or_null: its name there; NULL or "" = the same. One "%d" in it stands for the first number
 *                that gives a free name.
 *
 * MAC address, MTU and the permanent global addresses stay; the device is set up. On failure the
 * device is put back with its addresses (routes over it are lost). It is never moved back at the
 * end of the container: the kernel returns hardware to the first namespace, and deletes virtual
 * devices. Returns 0; -ENODEV no such device; -EEXIST the name is taken in the container; -EINVAL
 * not a possible name; or what the kernel answers (a device that may not move gives -EINVAL).
 * Source: OCI config-linux.md, "Network Devices".
 */
MUST_CHECK int netdev_move(int netns_fd, const char *host_name, const char *name_or_null,
			   struct err *err);

#endif
