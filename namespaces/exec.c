// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One more process in a running container.
 *
 * Stages:
 *   1 parent: strings and filter; initial CPU affinity; not dumpable, for the child is in sight of
 *     the container's processes from its birth on; enters the pid and time namespace, which holds
 *     for its children; one clone3 into the cgroup
 *   2 child: dies with its parent; v1 cgroups; final CPU affinity
 *   3 attribute files of the host's procfs, while that is in view
 *   4 one setns(pidfd) into all the other namespaces: from here on every name is the container's
 *   5 terminal; workload.h: rights, READY, program
 *
 * A caller without rights enters the container's user namespace before anything else, and that only
 * a process of its own can do: an intermediate one (as between.h) then does stage 4 first. So it is
 * where the container has CAP_SYS_PTRACE on the host's terms: /proc/PID/root of a child that was
 * born in its pid namespace, and still had the host's root, would be a way out.
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdnoreturn.h>
#include <sys/prctl.h>

#include "namespaces/child.h"
#include "namespaces/console.h"
#include "namespaces/idmap.h"
#include "namespaces/init.h"
#include "namespaces/ns.h"
#include "namespaces/oom.h"
#include "namespaces/procfs.h"
#include "namespaces/rlimit.h"
#include "namespaces/sched.h"
#include "namespaces/sync.h"
#include "namespaces/workload.h"
#include "spec/base/sys.h"

struct exec {
	const struct ns_exec_plan *plan; /* borrowed */
	struct workload work;            /* owned */
	uint64_t parent_flags;           /* entered by the parent, for its children */
	uint64_t child_flags;            /* entered by the child (or the intermediate process) */
	bool has_userns;
	bool is_between; /* an intermediate process did stages 2 to 4 */
	int proc_fd;     /* owned; the host's procfs, or -1: nothing needs it */
	int sync_fds[2]; /* owned; [0] the parent's end, [1] the child's */
};

#define EXEC_INIT                                                                                  \
	{                                                                                          \
		.work = WORKLOAD_INIT, .proc_fd = -1, .sync_fds = { -1, -1 }                       \
	}

static void exec_fini(struct exec *x)
{
	workload_fini(&x->work);
	cleanup_close(&x->proc_fd);
	cleanup_close(&x->sync_fds[0]);
	cleanup_close(&x->sync_fds[1]);
}
#define auto_exec auto_cleanup(exec_fini)

/* ---- the child ---------------------------------------------------------------------------------
 */

static int become_hidden(struct err *err)
{
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return err_sys(err, "become not dumpable");
	return 0;
}

/* Stages 2 to 4, but for the pid namespace. */
static int enter(struct exec *x, struct err *err)
{
	const struct ns_exec_plan *plan = x->plan;
	const struct config_process *p = plan->process;
	int rc = init_begin(&plan->cgroup, err);

	if (rc == 0 && p->exec_cpu_final)
		rc = sched_affinity(0, p->exec_cpu_final, "/process/execCPUAffinity/final", err);
	if (rc == 0)
		rc = workload_host(&x->work, err);
	if (rc == 0 && plan->is_rootless) {
		rc = oom_apply(x->proc_fd, 0, p->oom_score_adj, err);
		if (rc == 0)
			rc = rlimit_raise(0, p->rlimits.items, p->rlimits.n, err);
		/* Only now: the files of a process that is not dumpable are root's. Until the setns
		 * below we are in a user namespace that the container has no rights in. */
		if (rc == 0)
			rc = become_hidden(err);
	}
	if (rc < 0)
		return rc;
	if (setns(plan->init_pid_fd, (int)x->child_flags) < 0)
		return err_sys(err, "enter the namespaces of container '%s'", plan->id);
	return 0;
}

static int attach_terminal(const struct exec *x, const struct sync *sync, struct err *err)
{
	auto_console struct console console = CONSOLE_INIT;
	auto_close int root_fd = -1;
	int rc;

	if (!x->plan->process->terminal)
		return 0;
	root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root_fd < 0)
		return err_sys(err, "open the container's root");
	rc = console_open(root_fd, x->plan->process, &console, err);
	if (rc < 0)
		return rc;
	rc = sync_send(sync->fd, SYNC_CONSOLE, 0, console.master_fd);
	if (rc < 0)
		return err_code(err, rc, "/process/terminal: pass it to the runtime");
	return console_attach(&console, err);
}

/* Returns only with an error. */
static int live(struct exec *x, struct sync *sync, struct err *err)
{
	int rc = x->is_between ? init_follow(sync, err) : enter(x, err);

	/* In a user namespace: a change of ids, and of user namespace, has cleared the signal. */
	if (rc == 0 && x->has_userns) {
		rc = idmap_become_root(err);
		if (rc == 0 && prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
			rc = err_sys(err, "set the parent-death signal");
	}
	(void)setsid(); /* a new process leads no group, so it cannot fail */
	if (rc == 0)
		rc = attach_terminal(x, sync, err);
	if (rc == 0)
		rc = workload_prepare(&x->work, sync, err);
	if (rc == 0)
		rc = workload_execute(&x->work, sync, err);
	return rc;
}

static noreturn void exec_run(struct exec *x)
{
	struct sync sync = { .fd = x->sync_fds[1] };
	struct err err = ERR_INIT;

	(void)close(x->sync_fds[0]);
	(void)live(x, &sync, &err);
	init_fail(sync.fd, &err);
}

static noreturn void exec_between(struct exec *x)
{
	struct clone_args args = { .flags = CLONE_PARENT };
	int sync_fd = x->sync_fds[1];
	struct err err = ERR_INIT;
	pid_t pid;

	x->child_flags |= x->parent_flags;
	if (enter(x, &err) < 0 || workload_close_host(&x->work, sync_fd, &err) < 0)
		init_fail(sync_fd, &err);
	pid = sys_clone3(&args);
	if (pid == 0) {
		x->is_between = true;
		exec_run(x);
	}
	if (pid < 0) {
		(void)err_sys(&err, "clone a process into the container");
		init_fail(sync_fd, &err);
	}
	_exit(sync_send(sync_fd, SYNC_PID, pid, -1) < 0);
}

/* ---- the parent --------------------------------------------------------------------------------
 */

static int open_all(struct exec *x, struct err *err)
{
	const struct ns_exec_plan *plan = x->plan;
	const uint64_t children_only = CLONE_NEWPID | CLONE_NEWTIME;
	uint64_t flags = ns_enter_flags(plan->config, plan->init_pid);
	struct workload *w = &x->work;
	int rc;

	if (workload_needs_proc(plan->process) || plan->process->oom_score_adj.is_set) {
		x->proc_fd = procfs_open(err);
		if (x->proc_fd < 0)
			return x->proc_fd;
	}
	x->has_userns = flags & CLONE_NEWUSER;
	x->parent_flags = flags & children_only;
	x->child_flags = flags & ~children_only;
	w->config = plan->config;
	w->process = plan->process;
	w->io = &plan->io;
	w->id = plan->id;
	w->has_userns = x->has_userns;
	w->is_sealed = plan->is_sealed;
	w->is_exec = true;
	w->no_new_keyring = plan->no_new_keyring;
	w->seccomp_cache_fd = plan->seccomp_cache_fd;
	w->proc_fd = x->proc_fd;
	rc = workload_open(w, err);
	return rc < 0 ? rc : sync_pair(x->sync_fds, err);
}

static int clone_child(struct exec *x, bool is_between, struct ns_child *child, struct err *err)
{
	const struct ns_exec_plan *plan = x->plan;
	struct child_clone how = { .flags = 0, .cgroup_fd = plan->cgroup.v2_dir_fd };
	const char *cpus = plan->process->exec_cpu_initial;
	int rc = 0;

	if (cpus)
		rc = sched_affinity(0, cpus, "/process/execCPUAffinity/initial", err);
	if (rc == 0 && !plan->is_rootless)
		rc = become_hidden(err);
	if (rc < 0)
		return rc;
	if (!is_between && x->parent_flags && setns(plan->init_pid_fd, (int)x->parent_flags) < 0)
		return err_sys(err, "enter the pid namespace of container '%s'", plan->id);
	rc = child_clone(&how, child, err);
	if (rc == 1) {
		if (is_between)
			exec_between(x);
		exec_run(x);
	}
	return rc;
}

int ns_exec(const struct ns_exec_plan *plan, struct ns_child *out, struct err *err)
{
	auto_exec struct exec x = EXEC_INIT;
	struct ns_child child = NS_CHILD_INIT;
	bool is_between;
	int rc;

	x.plan = plan;
	rc = open_all(&x, err);
	if (rc < 0)
		return rc;
	/* Sealed: the container's processes may look at ours (CAP_SYS_PTRACE), so ours has neither
	 * the host's root nor its descriptors when it comes into their sight. */
	is_between = (plan->is_rootless && x.has_userns) || plan->is_sealed;
	rc = clone_child(&x, is_between, &child, err);
	if (rc < 0)
		return rc;
	(void)close(take_fd(&x.sync_fds[1])); /* the child's death must end the socket */
	if (is_between)
		rc = child_follow(x.sync_fds[0], NULL, NULL, &child, err);
	if (rc == 0 && !plan->is_rootless)
		rc = child_serve(x.proc_fd, child.pid, plan->process, err);
	if (rc < 0) {
		ns_kill(&child);
		return rc;
	}
	child.sync_fd = take_fd(&x.sync_fds[0]);
	*out = child;
	return 0;
}
