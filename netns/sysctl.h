/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Settings below /proc/sys/net of the caller's network namespace, for the files of netns/ alone. */
#ifndef BIVALVE_NETNS_SYSCTL_H
#define BIVALVE_NETNS_SYSCTL_H

#include "spec/base/err.h"

/*
 * sysctl_set - makes the setting (a path below /proc/sys) hold @value. One that does is not
 * written, so that a read-only /proc/sys with the right values will do.
 */
MUST_CHECK int sysctl_set(struct err *err, const char *value, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

/*
 * sysctl_forward_ipv6 - turns IPv6 forwarding on. Interfaces that learn from router advertisements
 * go on learning: the kernel would stop that with forwarding, unless accept_ra is 2.
 * Source: kernel ip-sysctl, accept_ra.
 */
MUST_CHECK int sysctl_forward_ipv6(struct err *err);

#endif
