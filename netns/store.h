/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How networks are kept, for the files of netns/ alone. Below the store's folder:
 *
 *   lock                   flock(2): one change at a time
 *   networks/NAME          a network, as lines "key value"
 *   next/NAME              where the search for a free address goes on
 *   leases/NAME/ADDRESS    a symbolic link whose text is the id that has the address
 *   ports/tcp-ADDR-8080    the same for a published port ("any" for every address)
 *   dns/NAME               of a network with a resolver, see dns.h
 *   ends/ID                what the workload has, as lines "key value"
 *
 * A symbolic link is made in one system call, exclusively, with its content: a lease is whole or is
 * not there.
 */
#ifndef BIVALVE_NETNS_STORE_H
#define BIVALVE_NETNS_STORE_H

#include "netns/net.h"
#include "spec/base/buf.h"

/* store_lock - waits for the lock. Returns a descriptor whose closing releases it, or -errno. */
MUST_CHECK int store_lock(const struct net_store *s, struct err *err);

/* store_id_ok - may be a file's name and a record's word. */
bool store_id_ok(const char *id);
bool store_name_ok(const char *name);

/* ---- records; the caller holds the lock to write ---- */

MUST_CHECK int store_network_save(const struct net_store *s, const struct network *n,
				  struct err *err);
MUST_CHECK int store_network_delete(const struct net_store *s, const char *name, struct err *err);
MUST_CHECK int store_ends_save(const struct net_store *s, const char *id, const struct net_ends *e,
			       struct err *err);
MUST_CHECK int store_ends_delete(const struct net_store *s, const char *id, struct err *err);

/* store_ends_each - every record of ends. A file that is none is skipped. */
typedef int (*store_ends_fn)(const char *id, const struct net_ends *e, void *data);
MUST_CHECK int store_ends_each(const struct net_store *s, store_ends_fn fn, void *data,
			       struct err *err);

/* The text forms, pure. Parsing returns 0 or -EPROTO. */
void store_network_text(const struct network *n, struct buf *out);
MUST_CHECK int store_network_parse(char *text, struct network *out);
void store_ends_text(const struct net_ends *e, struct buf *out);
MUST_CHECK int store_ends_parse(char *text, struct net_ends *out);

#endif
