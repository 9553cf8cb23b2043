/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names: what a workload's /etc/hosts, /etc/resolv.conf and /etc/hostname say. Peers of a network
 * know each other by host name and by id; each has a hosts file of its own, in its state folder,
 * which is changed in place because it is the source of a bind mount.
 *
 *   .net/names/NETWORK   lines "ID ADDRESS NAME...": who is on it. Read and changed under a lock
 *                        (flock of the folder), as every hosts file is
 *   ROOT/ID/hosts        a peer's line ends in "# ID"
 */
#ifndef BIVALVE_NETNS_PROGRAM_NAMES_H
#define BIVALVE_NETNS_PROGRAM_NAMES_H

#include "netns/program/program.h"

/* Words of --add-host and --dns, and the workload's host name; borrowed. */
struct names_wish {
	const char *id;
	const char *host_name; /* NULL: none */
	const struct option_list *add_hosts, *dns;
};

/* names_check - Returns 0 or -EINVAL: not "NAME:ADDRESS", not an address. */
MUST_CHECK int names_check(const struct names_wish *w, struct err *err);

/* Who else was there, for names_tell(). */
struct names_peers {
	struct buf others[NET_ENDS_MAX]; /* owned; lines of names/NETWORK */
	struct buf own[NET_ENDS_MAX];    /* owned; what is told to them */
};

void names_peers_fini(struct names_peers *p);

/*
 * names_join - fills the workload's own files, and writes it down for who comes later.
 * names_tell - adds it to the hosts files of the others; to be called when nobody waits any more.
 */
MUST_CHECK int names_join(const struct program *p, const struct names_wish *w,
			  const struct net_ends *ends, struct names_peers *out, struct err *err);
void names_tell(const struct program *p, const struct net_ends *ends,
		const struct names_peers *peers);

/* names_leave - takes @id out of every list and hosts file; success when it is in none. */
MUST_CHECK int names_leave(const struct program *p, const char *id, struct err *err);

/* names_forget - the network @name is gone. */
void names_forget(const struct program *p, const char *name);

/* names_filter_resolv - @text without name servers of the host's loopback. For tests: pure. */
void names_filter_resolv(const char *text, struct buf *out);

/* names_drop - @text of a hosts file without the lines of the peer @id. Pure. */
void names_drop(const char *text, const char *id, struct buf *out);

#endif
