// SPDX-License-Identifier: GPL-2.0-or-later
/* The parent's half of starting a container's init: what is opened before, the clone, the events.
 */
#include "namespaces/launch.h"

#include <sched.h>
#include <sys/prctl.h>

#include "namespaces/between.h"
#include "namespaces/child.h"
#include "namespaces/idmap.h"
#include "namespaces/init.h"
#include "namespaces/procfs.h"
#include "namespaces/sync.h"
#include "spec/base/sys.h"

#define INIT_INIT                                                                                  \
	{                                                                                          \
		.joins = NS_JOINS_INIT, .rootfs = ROOTFS_INIT, .work = WORKLOAD_INIT,              \
		.proc_fd = -1, .sync_fds = {                                                       \
			-1,                                                                        \
			-1                                                                         \
		}                                                                                  \
	}

static void init_fini(struct init *init)
{
	ns_joins_close(&init->joins);
	rootfs_fini(&init->rootfs);
	workload_fini(&init->work);
	cleanup_close(&init->proc_fd);
	cleanup_close(&init->sync_fds[0]);
	cleanup_close(&init->sync_fds[1]);
}
#define auto_init auto_cleanup(init_fini)

/* Most containers do without, and a system call is saved. */
static bool needs_proc(const struct ns_plan *plan)
{
	const struct config *c = plan->config;

	return plan->has_userns || workload_needs_proc(c->process) ||
	       c->process->oom_score_adj.is_set || c->linux_.sysctl.n || ns_has_time_offsets(c) ||
	       c->hooks[HOOK_CREATE_CONTAINER].n || c->hooks[HOOK_START_CONTAINER].n;
}

static int open_all(struct init *init, struct err *err)
{
	const struct ns_plan *plan = init->plan;
	struct workload *w = &init->work;
	int rc = 0;

	if (needs_proc(plan)) {
		init->proc_fd = procfs_open(err);
		if (init->proc_fd < 0)
			return init->proc_fd;
	}
	w->config = plan->config;
	w->process = plan->config->process;
	w->io = &plan->io;
	w->id = plan->id;
	w->has_userns = plan->has_userns;
	w->is_sealed = plan->is_sealed;
	w->no_new_keyring = plan->no_new_keyring;
	w->seccomp_cache_fd = plan->seccomp_cache_fd;
	w->proc_fd = init->proc_fd;
	w->start_fd = plan->start_fd;
	rc = ns_joins_open(plan->config, &init->joins, err);
	if (rc == 0)
		rc = rootfs_open(plan, &init->rootfs, err);
	if (rc == 0)
		rc = workload_open(w, err);
	return rc < 0 ? rc : sync_pair(init->sync_fds, err);
}

/*
 * Processes of other containers, or of the host's users, see a child in a pid namespace that is not
 * its own from its birth on. The id maps of a child that is not dumpable can be written by root
 * alone.
 */
static bool is_born_visible(const struct ns_plan *plan)
{
	return !ns_is_new(plan->config, NS_PID) && geteuid() == 0;
}

static int clone_child(struct init *init, bool is_between, struct ns_child *child, struct err *err)
{
	const struct ns_plan *plan = init->plan;
	bool is_visible = is_born_visible(plan);
	struct child_clone args = {
		.flags = is_between ? 0 : plan->new_flags & ~(uint64_t)CLONE_NEWCGROUP,
		.cgroup_fd = plan->cgroup.v2_dir_fd,
	};
	int rc;

	if (is_visible && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return err_sys(err, "become not dumpable");
	rc = child_clone(&args, child, err);
	if (rc == 1) {
		if (is_between)
			between_run(init);
		init_run(init);
	}
	if (is_visible)
		(void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	return rc;
}

static int map_ids(void *arg, pid_t pid, struct err *err)
{
	const struct init *init = arg;
	int rc = idmap_write(init->proc_fd, pid, init->plan->config, err);

	if (rc < 0)
		return rc;
	rc = sync_send(init->sync_fds[0], SYNC_MAPPED, 0, -1);
	return rc < 0 ? err_code(err, rc, "report to the container's init") : 0;
}

int ns_launch(const struct ns_plan *plan, struct ns_child *out, struct err *err)
{
	auto_init struct init init = INIT_INIT;
	struct ns_child child = NS_CHILD_INIT;
	bool is_between;
	int rc;

	init.plan = plan;
	rc = open_all(&init, err);
	if (rc < 0)
		return rc;
	is_between = between_needed(&init);
	rc = clone_child(&init, is_between, &child, err);
	if (rc < 0)
		return rc;
	(void)close(take_fd(&init.sync_fds[1])); /* the child's death must end the socket */
	if (is_between)
		rc = child_follow(init.sync_fds[0], map_ids, &init, &child, err);
	else if (ns_is_new(plan->config, NS_USER))
		rc = map_ids(&init, child.pid, err);
	if (rc == 0 && !plan->is_rootless)
		rc = child_serve(init.proc_fd, child.pid, plan->config->process, err);
	if (rc < 0) {
		/* A child that failed by itself knows the better reason: but only when it is dead.
		 */
		ns_kill(&child);
		return rc;
	}
	child.sync_fd = take_fd(&init.sync_fds[0]);
	*out = child;
	return 0;
}
