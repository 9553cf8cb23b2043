/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A workload's networks, as the life cycle sees them: what was asked for, the files that the
 * workload gets, and what netns/ makes of it.
 *
 *   network_read_wish()   options or annotations; may change the config
 *   network_plan()        reads the wish; nothing is made yet
 *   network_prepare()     hosts, resolv.conf and hostname into the state folder and the mounts
 *   network_up()          leases, names, rules, devices; while the workload's init mounts
 *   network_tell()        tells the peers, when nobody waits any more
 *
 * The wish is in state.json before anything is made: network_down() of a later command takes away
 * what a killed one left. Without a wish nothing of this happens: a network namespace that the
 * config names, or that callers fill after `create`, is left as it is.
 */
#ifndef BIVALVE_RUNTIME_NETWORK_H
#define BIVALVE_RUNTIME_NETWORK_H

#include <stdbool.h>
#include <sys/types.h>

#include "netns/net.h"
#include "spec/base/err.h"
#include "spec/base/str.h"
#include "spec/config.h"

struct container;

/* What is wanted, by the options of run and create or by annotations. All empty: nothing. */
struct network_wish {
	struct strv networks; /* NAME[:ip=..,ip6=..,mac=..,ifname=..], "none", "host" */
	struct strv publish, dns, add_hosts;
};

/* Below the state root: the store of netns/net.h. No container's id begins with a dot. */
#define NETWORK_STORE ".net"

/*
 * network_store_open - @root_fd: the state root, borrowed until net_store_close(). A workload
 * exists when its folder does.
 */
MUST_CHECK int network_store_open(const int *root_fd, struct net_store *out, struct err *err);

/*
 * network_read_wish - from the options @o or, when none of them is given, from the annotations
 * org.bivalve.network, .publish, .dns and .add-host. "host" takes the network namespace out of @c;
 * *@out_is_changed says so. Memory is that of @c. -EINVAL: a wish that the config contradicts, by
 * the name of the option or annotation; -EPERM: rootless; -ENOTSUP: a sysctl of an interface.
 */
MUST_CHECK int network_read_wish(const struct network_wish *o, bool is_rootless, struct config *c,
				 struct network_wish *out, bool *out_is_changed, struct err *err);

/* network_prepare - needs the state folder; before the plan is made. */
MUST_CHECK int network_prepare(struct container *c, const struct network_wish *w, struct err *err);

/* The networks of a container that this command makes; for a foreground run, to its end. */
struct network_job;

/*
 * network_plan - reads @w. Gives *@out, to be freed with network_job_free(); NULL when neither a
 * network nor /linux/netDevices asks for it. @c and @w are borrowed. -EINVAL, by the wish's words.
 */
MUST_CHECK int network_plan(const struct container *c, const struct network_wish *w,
			    struct network_job **out, struct err *err);
void network_job_free(struct network_job **p);

/* network_has_ends - network_up() connects to networks, and does not only move devices. */
bool network_has_ends(const struct network_job *j);

/*
 * network_up - @pid: a process in the workload's namespace. Nothing without a job.
 * network_tell - what is left to do for the peers.
 */
MUST_CHECK int network_up(struct network_job *j, pid_t pid, struct err *err);
void network_tell(const struct network_job *j);

/*
 * network_down - takes down the networks of a workload whose processes have ended. Nothing when
 * state.json names none.
 */
MUST_CHECK int network_down(const struct container *c, struct err *err);

#endif
