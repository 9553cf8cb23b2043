/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names: the texts of /etc/hosts and /etc/resolv.conf. Each network has one hosts file with all its
 * named workloads. It is changed in place, never replaced, so that it can be bind mounted read-only
 * into every workload: a join is one append, whatever the number of members.
 */
#ifndef BIVALVE_NETNS_HOSTS_H
#define BIVALVE_NETNS_HOSTS_H

#include "netns/net.h"
#include "spec/base/buf.h"

/* hosts_name_ok - labels of letters, digits, '-' and '_', with dots between. */
bool hosts_name_ok(const char *name);

/* hosts_join, hosts_leave, hosts_forget - the caller holds the store's lock. */
MUST_CHECK int hosts_join(const struct net_store *s, const struct net_end *end, const char *name,
			  struct err *err);
void hosts_leave(const struct net_store *s, const struct net_end *end);
void hosts_forget(const struct net_store *s, const char *network);

/* hosts_open - an O_PATH descriptor of @network's hosts file, made when it is not there. */
MUST_CHECK int hosts_open(const struct net_store *s, const char *network, struct err *err);

struct host_entry {
	const char *name;
	struct ip_addr addr;
};

/*
 * hosts_text - a hosts file of a workload's own, for one with additions of its own or on several
 * networks: additions first, then the members of its networks (itself among them) as they are now.
 */
MUST_CHECK int hosts_text(const struct net_store *s, const struct net_ends *ends,
			  const struct host_entry *add, size_t n_add, struct buf *out,
			  struct err *err);

/* host_entry_parse - "NAME:ADDRESS" as of --add-host; cuts @s in two and borrows it. */
MUST_CHECK int host_entry_parse(char *s, struct host_entry *out, struct err *err);

/*
 * resolv_text - a resolv.conf: @dns if there are any, else the servers of the host's file @host
 * without those on its loopback, which a workload cannot reach; search and options are kept.
 */
void resolv_text(const char *host, const struct ip_addr *dns, size_t n_dns, struct buf *out);

#endif
