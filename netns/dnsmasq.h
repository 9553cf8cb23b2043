/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Starts dnsmasq(8) as the resolver of one network, for the files of netns/ alone. It belongs to
 * nobody: it has a session of its own, the root cgroup, no descriptor and no environment of who
 * started it, so it lives as long as the network. Once it runs it is the user "dnsmasq" with the
 * right to low ports alone, and sees of the host's files what finding the name servers of the host
 * takes, and the names of the network.
 */
#ifndef BIVALVE_NETNS_DNSMASQ_H
#define BIVALVE_NETNS_DNSMASQ_H

#include <stdbool.h>

#include "spec/base/err.h"

struct dnsmasq_plan {
	const char *network; /* for texts */
	const char *bridge;  /* it answers what comes in there, and nothing else */
	int folder_fd;       /* gets the record of its process; see dnsmasq_record_read() */
	int hosts_fd;        /* a folder of hosts(5) files, which it watches; O_PATH will do */
};

/* dnsmasq_check - Returns 0; -ENOENT it is not installed; -EINVAL it cannot be given the bridge. */
MUST_CHECK int dnsmasq_check(const struct dnsmasq_plan *p, struct err *err);

/*
 * dnsmasq_start - returns when it answers. The caller holds the store's lock, which the new process
 * shares until its record is written: who gets the lock next finds it recorded, or not there.
 * Returns 0, or an error with its own words for it.
 */
MUST_CHECK int dnsmasq_start(const struct dnsmasq_plan *p, struct err *err);

/* dnsmasq_pidfd - of the recorded process. Returns it; -ESRCH there is none that lives. */
MUST_CHECK int dnsmasq_pidfd(int folder_fd);

/* dnsmasq_stop - ends the recorded process, if it lives, and removes the record. */
MUST_CHECK int dnsmasq_stop(int folder_fd, struct err *err);

/* dnsmasq_keeps_mount - @path is a mount that it may need. Pure; for tests. */
bool dnsmasq_keeps_mount(const char *path);

#endif
