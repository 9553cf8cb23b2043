/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The parent's half of starting a process in namespaces: one clone3, then messages on a socket.
 *
 *   ns_launch()    clones the container's init: it joins its cgroup, enters its namespaces, builds
 *                  the root file system, drops rights, and reports
 *   ns_exec()      the same for one more process inside a running container
 *   ns_next()      what the child says next; events come in the order of enum ns_event_kind
 *   ns_continue()  answers an event that waits, also ahead of it
 *
 * A child that fails sends its struct err and ends; ns_next() returns it, and the caller reaps with
 * ns_kill(). A child whose parent dies before NS_EVENT_READY is killed.
 *
 * `create`: events until READY, ns_continue(READY), ns_child_fini(): the child waits on
 * plan->start_fd.
 * `run`: record the pid, ns_continue(READY) at once, events until RUNNING: no round trip is lost.
 */
#ifndef BIVALVE_NAMESPACES_LAUNCH_H
#define BIVALVE_NAMESPACES_LAUNCH_H

#include <stdbool.h>
#include <sys/types.h>

#include "namespaces/plan.h"
#include "spec/base/err.h"

struct ns_child {
	pid_t pid;     /* in the caller's pid namespace; the caller's child (to be reaped by it) */
	int pid_fd;    /* owned */
	int sync_fd;   /* owned */
	bool is_ready; /* NS_EVENT_READY came: the end of the socket means that it executes */
	/* ns_next() failed because of the program itself: not found, no permission, no format. */
	bool is_program_bad;
};

#define NS_CHILD_INIT                                                                              \
	{                                                                                          \
		.pid_fd = -1, .sync_fd = -1                                                        \
	}

enum ns_event_kind {
	NS_EVENT_CONSOLE, /* @fd: the pty's master; the child goes on by itself */
	NS_EVENT_HOOKS,   /* namespaces and mounts are there, before pivot_root; waits (init only,
			     when   plan->stop_for_hooks) */
	NS_EVENT_READY,   /* all but the last step is applied; waits for ns_continue(), without
			     which it ends with the caller; then (with plan->start_fd >= 0: when
			     ns_start_connect() came) runs the startContainer hooks and executes */
	NS_EVENT_SECCOMP, /* @fd: the seccomp notify listener; waits until it was handed on */
	NS_EVENT_RUNNING, /* the program was executed; the last event */
};

struct ns_event {
	enum ns_event_kind kind;
	int fd; /* given to the caller, or -1 */
};

/* Both give *@out (ns_child_fini, ns_kill). On failure nothing is left behind. */
MUST_CHECK int ns_launch(const struct ns_plan *plan, struct ns_child *out, struct err *err);

/*
 * ns_exec changes the caller: its later children are in the container's pid (and time) namespace,
 * so it is the last process that the caller starts.
 */
MUST_CHECK int ns_exec(const struct ns_exec_plan *plan, struct ns_child *out, struct err *err);

/* ns_next - waits for the next event. Returns 0, or the child's own error code and text. */
MUST_CHECK int ns_next(struct ns_child *child, struct ns_event *out, struct err *err);

/* ns_continue - answers event @kind (HOOKS, READY or SECCOMP), which may not have come yet. */
MUST_CHECK int ns_continue(struct ns_child *child, enum ns_event_kind kind, struct err *err);

/* ns_kill - SIGKILLs the child and reaps it; for unwinding. */
void ns_kill(struct ns_child *child);

/* ns_child_fini - closes the descriptors; the process goes on. */
void ns_child_fini(struct ns_child *child);

/*
 * ns_start_listen - the socket on which a created container waits for its start, @name in @dir_fd.
 * Returns a listening descriptor for ns_plan.start_fd, or -errno.
 */
MUST_CHECK int ns_start_listen(int dir_fd, const char *name, struct err *err);

/*
 * ns_start_connect - tells the container that waits on @name in @dir_fd to start; then ns_next()
 * on @out gives NS_EVENT_SECCOMP (where the profile notifies) and NS_EVENT_RUNNING, or the error of
 * the execution. Returns -ECONNREFUSED / -ENOENT when nobody waits there: it was started already,
 * or is gone. The caller holds the container's lock: one start at a time.
 */
MUST_CHECK int ns_start_connect(int dir_fd, const char *name, struct ns_child *out,
				struct err *err);

#endif
