// SPDX-License-Identifier: GPL-2.0-or-later
/* The container's init. The stages are in init.h. */
#include "namespaces/init.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "namespaces/console.h"
#include "namespaces/hook.h"
#include "namespaces/idmap.h"
#include "namespaces/oom.h"
#include "namespaces/rlimit.h"
#include "namespaces/sync.h"
#include "namespaces/sysctl.h"
#include "spec/base/sys.h"

enum { EXIT_SETUP_FAILED = 1, PID_TEXT_MAX = 16 };

noreturn void init_fail(int sync_fd, const struct err *err)
{
	sync_send_err(sync_fd, SYNC_ERROR, err);
	_exit(EXIT_SETUP_FAILED);
}

/* A parent that died before this is found out by the first message to it (EPIPE). */
static int die_with_parent(struct err *err)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return err_sys(err, "set the parent-death signal");
	return 0;
}

/*
 * /proc/PID/environ of a created container would show the runtime's: since Linux 6.13 a holder of
 * CAP_PERFMON may read it of a process that is not dumpable, too.
 */
static void forget_environment(void)
{
	for (char **e = environ; e && *e; e++)
		explicit_bzero(*e, strlen(*e));
}

int init_begin(const struct ns_cgroup_join *cgroup, struct err *err)
{
	sigset_t none;
	int rc = die_with_parent(err);

	if (rc < 0)
		return rc;
	forget_environment();
	/* The runtime may have blocked signals to read them from a descriptor. */
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	/* "0" is the writer: cheaper for the kernel than another's pid, which needs its big lock.
	 */
	for (size_t i = 0; i < cgroup->n_tasks_fds; i++) {
		if (write(cgroup->tasks_fds[i], "0", 1) < 0)
			return err_sys(err, "join the container's cgroup");
	}
	return 0;
}

int init_follow(struct sync *sync, struct err *err)
{
	int rc = die_with_parent(err);

	return rc < 0 ? rc : sync_wait(sync, SYNC_PID, err);
}

/* ---- stages 2 to 4 -----------------------------------------------------------------------------
 */

static int enter_namespaces(struct init *init, struct sync *sync, struct err *err)
{
	const struct config *c = init->plan->config;
	int rc = 0;

	if (ns_is_new(c, NS_USER) && !init->is_between)
		rc = sync_wait(sync, SYNC_MAPPED, err);
	for (int k = 0; k < NS_KINDS && rc == 0; k++)
		rc = ns_join(c, &init->joins, (enum config_ns_kind)k, err);
	if (rc < 0)
		return rc;
	ns_joins_close(&init->joins);
	if (ns_is_new(c, NS_CGROUP) && unshare(CLONE_NEWCGROUP) < 0)
		return err_sys(err, "/linux/namespaces: cgroup: make a new one");
	return 0;
}

static int use_host_proc(struct init *init, struct err *err)
{
	const struct config_process *p = init->plan->config->process;
	int rc = workload_host(&init->work, err);

	/* What only privilege can do for another user's process, launch.c does. */
	if (rc == 0 && init->plan->is_rootless)
		rc = oom_apply(init->proc_fd, 0, p->oom_score_adj, err);
	if (rc == 0 && init->plan->is_rootless)
		rc = rlimit_raise(0, p->rlimits.items, p->rlimits.n, err);
	return rc;
}

static int prepare_namespaces(struct init *init, struct err *err)
{
	const struct config *c = init->plan->config;
	int rc = 0;

	if (init->plan->has_userns) {
		rc = idmap_become_root(err);
		if (rc == 0)
			rc = die_with_parent(err); /* a change of ids clears it */
	}
	if (rc == 0)
		rc = ns_set_names(c, err);
	if (rc == 0)
		rc = sysctl_apply(init->proc_fd, c->linux_.sysctl.items, c->linux_.sysctl.n, err);
	return rc;
}

/* ---- stages 5 to 7 -----------------------------------------------------------------------------
 */

/* The pid that the host knows this process by: what "self" is in the host's procfs. */
static int host_pid(int proc_fd, char out[PID_TEXT_MAX], struct err *err)
{
	ssize_t n = readlinkat(proc_fd, "self", out, PID_TEXT_MAX - 1);

	if (n < 0)
		return err_sys(err, "read one's own pid");
	out[n] = '\0';
	return 0;
}

static int state_text(int proc_fd, const struct ns_state_text *s, char **out, struct err *err)
{
	char pid[PID_TEXT_MAX];
	int rc = host_pid(proc_fd, pid, err);

	if (rc < 0)
		return rc;
	if (asprintf(out, "%s%s%s", s->head ? s->head : "", pid, s->tail ? s->tail : "") < 0)
		return err_set(err, -ENOMEM, "out of memory");
	return 0;
}

static int run_hooks(struct init *init, struct sync *sync, struct err *err)
{
	const struct ns_plan *plan = init->plan;
	auto_free char *created = NULL;
	char *running = NULL;
	int rc = 0;

	if (plan->stop_for_hooks) {
		rc = sync_send(sync->fd, SYNC_HOOKS, 0, -1);
		if (rc < 0)
			return err_code(err, rc, "report to the runtime");
		rc = sync_wait(sync, SYNC_HOOKS, err);
	}
	if (rc == 0 && plan->config->hooks[HOOK_START_CONTAINER].n) {
		rc = state_text(init->proc_fd, &plan->state_running, &running, err);
		init->work.start_state = running;
	}
	if (rc < 0 || plan->config->hooks[HOOK_CREATE_CONTAINER].n == 0)
		return rc;
	rc = state_text(init->proc_fd, &plan->state_created, &created, err);
	if (rc < 0)
		return rc;
	return hook_run_all(plan->config, HOOK_CREATE_CONTAINER, created, &init->work.hook_io, err);
}

static int build_root(struct init *init, struct sync *sync, struct err *err)
{
	const struct config_process *p = init->plan->config->process;
	auto_console struct console console = CONSOLE_INIT;
	int rc;

	(void)umask(0);
	rc = rootfs_prepare(init->plan, &init->rootfs, err);
	if (rc == 0 && ns_is_new(init->plan->config, NS_NETWORK) && !init->plan->has_networks)
		rc = ns_loopback_up(err);
	if (rc == 0)
		rc = console_open(init->rootfs.root_fd, p, &console, err);
	if (rc == 0)
		rc = console_bind(init->rootfs.root_fd, &console, err);
	if (rc == 0 && console.master_fd >= 0) {
		rc = sync_send(sync->fd, SYNC_CONSOLE, 0, console.master_fd);
		if (rc < 0)
			return err_code(err, rc, "/process/terminal: pass it to the runtime");
	}
	if (rc == 0)
		rc = run_hooks(init, sync, err);
	if (rc == 0)
		rc = rootfs_enter(init->plan, &init->rootfs, err);
	if (rc == 0)
		rc = console_attach(&console, err);
	return rc;
}

/* Returns only with an error. */
static int live(struct init *init, struct sync *sync, struct err *err)
{
	int rc = init->is_between ? init_follow(sync, err) : init_begin(&init->plan->cgroup, err);

	if (rc == 0)
		rc = enter_namespaces(init, sync, err);
	if (rc == 0)
		rc = use_host_proc(init, err);
	(void)setsid(); /* a new process leads no group, so it cannot fail */
	if (rc == 0)
		rc = prepare_namespaces(init, err);
	if (rc == 0)
		rc = build_root(init, sync, err);
	if (rc == 0)
		rc = workload_prepare(&init->work, sync, err);
	if (rc == 0)
		rc = workload_execute(&init->work, sync, err);
	return rc;
}

noreturn void init_run(struct init *init)
{
	struct sync sync = { .fd = init->sync_fds[1] };
	struct err err = ERR_INIT;

	(void)close(init->sync_fds[0]);
	(void)live(init, &sync, &err);
	init_fail(sync.fd, &err);
}
