/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The nodes and links of the container's /dev: the specification's default ones, and
 * linux.devices. A node is made by mknod; where that is not allowed (user namespace) the host's own
 * node is bound, after it was seen to be the device that is asked for.
 */
#ifndef BIVALVE_NAMESPACES_DEVICES_H
#define BIVALVE_NAMESPACES_DEVICES_H

#include "namespaces/rootfs.h"

/*
 * devices_make - below @r->root_fd, after the mounts. To be called with umask 0. A /dev that is a
 * bind mount is left alone, as in peers. A node that exists is accepted when it is the same device
 * (-EEXIST). Source: OCI config-linux.md#default-devices.
 */
MUST_CHECK int devices_make(const struct ns_plan *plan, const struct rootfs *r, struct err *err);

/*
 * devices_own_null - where a standard stream is the host's /dev/null, makes it the container's, so
 * that a root that is the host's root can not change the host's node through /proc/self/fd.
 * @stdio_fds: the three descriptors that become 0, 1, 2, changed in place; -1 stands for 0, 1, 2
 * A container without such a node keeps the host's.
 */
MUST_CHECK int devices_own_null(int root_fd, const int stdio_fds[3], struct err *err);

#endif
