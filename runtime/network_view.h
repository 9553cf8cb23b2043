/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Networks and what a container has on them, as their users see it; for network, state, list... */
#ifndef BIVALVE_RUNTIME_NETWORK_VIEW_H
#define BIVALVE_RUNTIME_NETWORK_VIEW_H

#include "netns/net.h"
#include "spec/base/buf.h"
#include "spec/json_write.h"

struct container;

/*
 * network_view_load - from the record of @c's networks. Without networks, or with a record that
 * cannot be read, there are no ends: nothing else depends on it.
 */
void network_view_load(const struct container *c, struct net_ends *out);

/* network_view_write - the member "networks" of an open object; nothing without ends. */
void network_view_write(struct json_writer *w, const struct net_ends *ends);

/* network_view_text - "10.90.0.2,fd00::2", or "-". */
void network_view_text(const struct net_ends *ends, struct buf *out);

/* network_view_network, network_view_end - all of it, as the members of an open object. */
void network_view_network(struct json_writer *w, const struct network *n);
void network_view_end(struct json_writer *w, const struct net_end *e);

#endif
