/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * linux.maskedPaths and linux.readonlyPaths. What hides a file is the host's /dev/null, opened in
 * the host's tree and seen to be that device, and bound by descriptor: the container's own /dev has
 * no say in it (CVE-2025-31133). What hides a folder is an empty read-only tmpfs, one for all.
 */
#ifndef BIVALVE_NAMESPACES_MASK_H
#define BIVALVE_NAMESPACES_MASK_H

#include "namespaces/rootfs.h"

/*
 * mask_paths - hides the masked paths and makes the read-only ones read-only, with all that is
 * mounted below them. To be called while the host's tree is in view.
 *
 * A path is resolved as a process of the container would: links are followed, inside the root,
 * magic links refused. So what the name leads to is what is hidden, and an image can lead the mask
 * to no place but its own. A path that does not exist is passed over.
 */
MUST_CHECK int mask_paths(const struct ns_plan *plan, const struct rootfs *r, struct err *err);

#endif
