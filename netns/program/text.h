/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Networks and ends as JSON: for `network inspect`, and for the runtime to show. */
#ifndef BIVALVE_NETNS_PROGRAM_TEXT_H
#define BIVALVE_NETNS_PROGRAM_TEXT_H

#include "netns/net.h"
#include "spec/json_write.h"

/* text_network - the members of an object that is open in @w. */
void text_network(struct json_writer *w, const struct network *n);

/* text_end - likewise. */
void text_end(struct json_writer *w, const struct net_end *e);

/* text_ends - an array of ends, each with its published ports; the whole document. */
MUST_CHECK int text_ends(const struct net_ends *e, struct buf *out, struct err *err);

#endif
