/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lines of `events`, in the shape of runc's: {"type": "stats" | "oom", "id", "data"}. */
#ifndef BIVALVE_RUNTIME_EVENTS_JSON_H
#define BIVALVE_RUNTIME_EVENTS_JSON_H

#include "cgroups/stats.h"
#include "runtime/network_view.h"
#include "spec/base/buf.h"
#include "spec/base/err.h"

/*
 * events_write_stats - appends one line.
 * @net_dev: text of /proc/PID/net/dev for the container's interfaces, or NULL
 * @networks: what network_view_load() gave; the members are those of runc but for this one
 */
MUST_CHECK int events_write_stats(const char *id, const struct cg_stats *s, const char *net_dev,
				  const struct net_ends *networks, struct buf *out,
				  struct err *err);

/* events_write_oom - appends one line. */
MUST_CHECK int events_write_oom(const char *id, struct buf *out, struct err *err);

#endif
