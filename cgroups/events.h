/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * News of a group: the kernel killed in it because memory ran out, and the group is gone. One
 * descriptor to poll for POLLIN among others; then cg_watch_read() says what happened.
 * v2: inotify on memory.events; v1: an eventfd registered for memory.oom_control.
 */
#ifndef BIVALVE_CGROUPS_EVENTS_H
#define BIVALVE_CGROUPS_EVENTS_H

#include "cgroups/cgroup.h"

struct cg_watch {
	int fd; /* owned; poll it */
	bool is_v2;
	bool was_populated; /* v2: a process has been in the group */
	int group_fd;       /* owned; v2: cgroup.events; else -1 */
	int file_fd;        /* owned; memory.events or memory.oom_control */
	uint64_t n_oom;     /* oom kills counted so far */
};

#define CG_WATCH_INIT                                                                              \
	{                                                                                          \
		.fd = -1, .group_fd = -1, .file_fd = -1                                            \
	}

/* cg_watch_open - begins to watch. -ENOTSUP: the group has no memory controller. */
MUST_CHECK int cg_watch_open(struct cgroup *cg, struct cg_watch *out, struct err *err);

/*
 * cg_watch_read - takes what happened since the last call; does not block.
 * Returns the number of new OOM events (0: none), or -ENODEV: the group is gone (v2:
 * also when it has no process any more).
 */
MUST_CHECK int cg_watch_read(struct cg_watch *w, struct err *err);

void cg_watch_fini(struct cg_watch *w);

#endif
