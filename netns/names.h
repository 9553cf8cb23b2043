/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names: what a workload's /etc/hosts, /etc/resolv.conf and /etc/hostname say. Peers of a network
 * know each other by host name and by id. A network has one hosts file with all its members, which
 * serves those who are on that network alone: a join is one append, whatever their number. A member
 * with lines of its own (--add-host), or on several networks, has a hosts file of its own, that
 * every join and leave of the others changes. All are changed in place: they are bind mounted.
 *
 *   .net/hosts/NETWORK   all members; a member's line ends in "# ID". The runtime links it as
 *                        ROOT/ID/hosts where it serves
 *   .net/names/NETWORK   ids of the members with a file of their own, a line each. The folder's
 *                        flock(2) is held whenever one of these files is read or changed
 *   ROOT/ID/hosts        a member's own file
 */
#ifndef BIVALVE_NETNS_NAMES_H
#define BIVALVE_NETNS_NAMES_H

#include "netns/net.h"
#include "spec/base/buf.h"
#include "spec/base/str.h"

/* Below the store: the hosts file of each network, once it has had a member. */
#define NAMES_SHARED_FOLDER "hosts"

/* Below the workload's own folder: what is there, empty, is filled. */
#define NAMES_HOSTS_FILE    "hosts"
#define NAMES_RESOLV_FILE   "resolv.conf"
#define NAMES_HOSTNAME_FILE "hostname"

/* Where the files are; borrowed. */
struct names_place {
	const struct net_store *store;
	int root_fd; /* every workload's folder is below it, by its id */
	int dir_fd;  /* that of the workload at hand */
};

/* Words of --add-host and --dns, and the workload's host name; borrowed. */
struct names_wish {
	const char *id;
	const char *host_name; /* NULL: none */
	const struct strv *add_hosts, *dns;
};

/* names_check - Returns 0 or -EINVAL: not "NAME:ADDRESS", not an address. */
MUST_CHECK int names_check(const struct names_wish *w, struct err *err);

/* Who else was there, for names_tell(). */
struct names_peers {
	struct buf others[NET_ENDS_MAX]; /* owned; what names/NETWORK held */
	struct buf own[NET_ENDS_MAX];    /* owned; what is told to them */
};

void names_peers_fini(struct names_peers *p);

/*
 * names_join - fills the workload's own files, and writes it down for who comes later.
 * names_tell - adds it to the others' own hosts files; once the workload may run.
 */
MUST_CHECK int names_join(const struct names_place *p, const struct names_wish *w,
			  const struct net_ends *ends, struct names_peers *out, struct err *err);
void names_tell(const struct names_place *p, const char *id, const struct net_ends *ends,
		const struct names_peers *peers);

/* names_leave - takes @id out of what is kept for @network; success when it is not there. */
MUST_CHECK int names_leave(const struct names_place *p, const char *network, const char *id,
			   struct err *err);

/* names_forget - the network @name is gone. */
void names_forget(const struct net_store *s, const char *name);

/*
 * names_resolv - a resolv.conf: the resolvers of the networks of @ends if they have some, else the
 * servers of the host's, @text, but those on its loopback; and all other lines of @text. Pure.
 */
void names_resolv(const char *text, const struct net_ends *ends, struct buf *out);

/*
 * names_blank - takes the lines of @id out of the shared hosts file @fd, whose text is @content;
 * that has their places blank afterwards. It takes as long with a thousand members as with one:
 * they become comments, and who reads at that moment finds one. Once the blanks are more than the
 * lines, and 4 KiB, they are taken out. Returns how many lines, or -errno.
 */
MUST_CHECK int names_blank(int fd, struct buf *content, const char *id);

/* names_drop - @text of a hosts file without the lines of the peer @id. Pure. */
void names_drop(const char *text, const char *id, struct buf *out);

#endif
