/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A workload's networks, as the life cycle sees them: what was asked for, the files that the
 * workload gets, and the program bivalve-net, which does the rest (netns/helper.h).
 *
 *   network_read_wish()   options or annotations; may change the config
 *   network_prepare()     hosts, resolv.conf and hostname into the state folder and the mounts
 *   network_begin()       starts bivalve-net, which gets ready meanwhile
 *   network_connect()     hands it the new namespace and waits for the result
 *   network_end()         reaps it
 *
 * The wish is in state.json before anything is made: network_down_*() of a later command takes
 * away what a killed one left. Without a wish nothing of this happens: a network namespace that
 * the config names, or that callers fill after `create`, is left as it is.
 */
#ifndef BIVALVE_RUNTIME_NETWORK_H
#define BIVALVE_RUNTIME_NETWORK_H

#include <stdbool.h>
#include <sys/types.h>

#include "spec/base/err.h"
#include "spec/base/str.h"
#include "spec/config.h"

struct app;
struct container;

/* Options of run and create; members of struct create_options. */
struct network_options {
	struct strv networks; /* NAME[:ip=..,ip6=..,mac=..,ifname=..], "none", "host" */
	struct strv publish, dns, add_hosts;
};

/* What is wanted. All empty: nothing. */
struct network_wish {
	struct strv networks, publish, dns, add_hosts;
};

/* bivalve-net at work for us. */
struct network_helper {
	pid_t pid;                     /* 0: not started */
	int sock_fd;                   /* owned */
	struct network_launch *launch; /* owned; what it is started with */
};

#define NETWORK_HELPER_INIT                                                                        \
	{                                                                                          \
		0, -1, NULL                                                                        \
	}

/*
 * network_read_wish - from the options or, when none of them is given, from the annotations
 * org.bivalve.network, .publish, .dns and .add-host. "host" takes the network namespace out of @c;
 * *@out_is_changed says so. Memory is that of @c. -EINVAL: a wish that the config contradicts, by
 * the name of the option or annotation; -EPERM: rootless; -ENOTSUP: a sysctl of an interface.
 */
MUST_CHECK int network_read_wish(const struct network_options *o, bool is_rootless,
				 struct config *c, struct network_wish *out, bool *out_is_changed,
				 struct err *err);

/* network_prepare - needs the state folder; before the plan is made. */
MUST_CHECK int network_prepare(struct container *c, const struct network_wish *w, struct err *err);

/*
 * network_begin - nothing when neither a network nor /linux/netDevices asks for it.
 * @stays: it waits for c->net_helper's use by network_down_begin()
 */
MUST_CHECK int network_begin(const struct container *c, const struct network_wish *w, bool stays,
			     struct network_helper *h, struct err *err);

/* network_connect - @pid: a process in the workload's namespace. Nothing when nothing was begun. */
MUST_CHECK int network_connect(struct network_helper *h, pid_t pid, struct err *err);

/* network_end - what is left to do for the peers is done when this returns. */
void network_end(struct network_helper *h);

/*
 * network_down_begin, network_down_end - takes down the networks of a workload whose processes have
 * ended, beside what the caller does in between. Nothing when state.json names none. After the end
 * network_end() reaps the process.
 */
MUST_CHECK int network_down_begin(const struct container *c, struct network_helper *h,
				  struct err *err);
MUST_CHECK int network_down_end(struct network_helper *h, struct err *err);

/*
 * network_program - finds bivalve-net: beside our own program, else where it is installed.
 * @out has PATH_MAX bytes. -ENOENT.
 */
MUST_CHECK int network_program(const struct app *app, char *out, struct err *err);

#endif
