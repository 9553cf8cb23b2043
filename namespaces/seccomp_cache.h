/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Compiled filters in a folder, one file each, found by the hash of their key; the key is all that
 * the program depends on and is compared as a whole, so two keys with one hash only displace each
 * other. The folder is trusted as far as its owner is: a file that is not the caller's own, or that
 * others may write, is not read. Everything here is best effort: a cache that fails is a slow one.
 */
#ifndef BIVALVE_NAMESPACES_SECCOMP_CACHE_H
#define BIVALVE_NAMESPACES_SECCOMP_CACHE_H

#include "namespaces/seccomp.h"
#include "spec/base/buf.h"

enum { SECCOMP_CACHE_FILES_MAX = 64 };

/*
 * seccomp_cache_get - gives @out->insns and @out->n for @key.
 * Returns 0; -ENOENT not there (or a file that is damaged or not to be trusted); -ENOMEM.
 */
MUST_CHECK int seccomp_cache_get(int cache_fd, const struct buf *key, struct seccomp_program *out);

/* seccomp_cache_put - keeps @p under @key; the oldest files go when there are too many. */
MUST_CHECK int seccomp_cache_put(int cache_fd, const struct buf *key,
				 const struct seccomp_program *p);

#endif
