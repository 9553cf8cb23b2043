// SPDX-License-Identifier: GPL-2.0-or-later
/* The intermediate process. What it does is drawn in between.h. */
#include "namespaces/between.h"

#include <sched.h>

#include "namespaces/sync.h"
#include "spec/base/sys.h"

bool between_needed(const struct init *init)
{
	const struct config *c = init->plan->config;
	bool has_new_user = ns_is_new(c, NS_USER);

	if (ns_has_time_offsets(c) || init->joins.fds[NS_USER] >= 0 || init->joins.fds[NS_PID] >= 0)
		return true;
	for (int k = 0; k < NS_KINDS; k++) {
		if (has_new_user && init->joins.fds[k] >= 0)
			return true;
	}
	return false;
}

/*
 * Joins all but the user namespace. One that the user namespace owns cannot be joined before it
 * (EPERM for a caller without rights), one that the host owns cannot be joined after it.
 */
static int join_others(struct init *init, bool is_before, struct err *err)
{
	const struct config *c = init->plan->config;

	for (int k = 0; k < NS_KINDS; k++) {
		int rc;

		if (k == NS_USER || init->joins.fds[k] < 0)
			continue;
		rc = ns_join(c, &init->joins, (enum config_ns_kind)k, err);
		if (rc == -EPERM && is_before)
			continue;
		if (rc < 0)
			return rc;
		(void)close(take_fd(&init->joins.fds[k]));
	}
	return 0;
}

static int enter_user(struct init *init, struct sync *sync, struct err *err)
{
	const struct config *c = init->plan->config;
	int rc;

	if (!ns_is_new(c, NS_USER))
		return ns_join(c, &init->joins, NS_USER, err);
	if (unshare(CLONE_NEWUSER) < 0)
		return err_sys(err, "/linux/namespaces: user: make a new one");
	rc = sync_send(sync->fd, SYNC_MAPPED, 0, -1);
	if (rc < 0)
		return err_code(err, rc, "report to the runtime");
	return sync_wait(sync, SYNC_MAPPED, err);
}

static int set_time(const struct init *init, struct err *err)
{
	const struct config *c = init->plan->config;

	if (!ns_has_time_offsets(c))
		return 0;
	/* Takes effect for children alone; offsets can be set until the first one is there. */
	if (unshare(CLONE_NEWTIME) < 0)
		return err_sys(err, "/linux/namespaces: time: make a new one");
	return ns_set_time_offsets(init->proc_fd, c, err);
}

static uint64_t clone_flags(const struct init *init)
{
	uint64_t done = CLONE_NEWUSER | CLONE_NEWCGROUP;

	if (ns_has_time_offsets(init->plan->config))
		done |= CLONE_NEWTIME;
	return CLONE_PARENT | (init->plan->new_flags & ~done);
}

noreturn void between_run(struct init *init)
{
	/* exit_signal stays 0: with CLONE_PARENT it is that of this process (clone(2)). */
	struct clone_args args = { .flags = clone_flags(init) };
	struct sync sync = { .fd = init->sync_fds[1] };
	struct err err = ERR_INIT;
	pid_t pid = 0;
	int rc = init_begin(&init->plan->cgroup, &err);

	if (rc == 0)
		rc = join_others(init, true, &err);
	if (rc == 0)
		rc = enter_user(init, &sync, &err);
	if (rc == 0)
		rc = join_others(init, false, &err);
	if (rc == 0)
		rc = set_time(init, &err);
	if (rc < 0)
		init_fail(sync.fd, &err);
	ns_joins_close(&init->joins);
	pid = sys_clone3(&args);
	if (pid == 0) {
		init->is_between = true;
		init_run(init);
	}
	if (pid < 0) {
		(void)err_sys(&err, "clone the container's init");
		init_fail(sync.fd, &err);
	}
	rc = sync_send(sync.fd, SYNC_PID, pid, -1);
	_exit(rc < 0);
}
