/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tmpcopyup: the content of a folder of the image, copied into the tmpfs that is going to hide it.
 * The image is hostile: no link is followed, nothing but regular files is opened, depth is bounded.
 */
#ifndef BIVALVE_NAMESPACES_COPYUP_H
#define BIVALVE_NAMESPACES_COPYUP_H

#include "spec/base/err.h"

/* Deeper trees are refused: each level holds two descriptors. */
enum { COPYUP_MAX_DEPTH = 200 };

/*
 * copyup_tree - copies what is in folder @src_fd into folder @dst_fd (may be O_PATH): owner,
 * mode, times, extended attributes as far as the tmpfs takes them; hard links become copies,
 * sockets are left out.
 * Returns 0; -ELOOP too deep; -errno with the name of the file.
 */
MUST_CHECK int copyup_tree(int src_fd, int dst_fd, struct err *err);

/* copyup_owner - gives the folder @dst_fd the owner of @src_fd. Returns 0 or -errno. */
MUST_CHECK int copyup_owner(int src_fd, int dst_fd);

#endif
