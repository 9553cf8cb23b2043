/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * linux.sysctl, written by the child once it is in its namespaces, through the host's procfs: the
 * kernel takes the namespaces from the writer, not from the mount. That only namespaced keys come
 * here is spec/validate.h's job; that a key names nothing but a file below /proc/sys is ours.
 */
#ifndef BIVALVE_NAMESPACES_SYSCTL_H
#define BIVALVE_NAMESPACES_SYSCTL_H

#include <stddef.h>

#include "spec/base/err.h"
#include "spec/config.h"

enum { SYSCTL_PATH_MAX = 256 };

/*
 * sysctl_path - "net.ipv4.ip_forward" to "sys/net/ipv4/ip_forward". The first separator decides:
 * when it is '.', then '/' stands for a dot inside a part ("net.ipv4.conf.eth0/1.forwarding"), as
 * in sysctl(8); when it is '/', the key is the path. Returns 0; -EINVAL an empty part, "." or "..",
 * control characters; -ENAMETOOLONG.
 */
MUST_CHECK int sysctl_path(const char *key, char out[SYSCTL_PATH_MAX]);

/* sysctl_apply - @proc_fd: from procfs_open(). Errors name /linux/sysctl/KEY. */
MUST_CHECK int sysctl_apply(int proc_fd, const struct config_sysctl *items, size_t n,
			    struct err *err);

#endif
