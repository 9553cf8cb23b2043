// SPDX-License-Identifier: GPL-2.0-or-later
/* The clone of a child, its events as the runtime sees them, and its end. */
#include "namespaces/child.h"

#include <sched.h>
#include <signal.h>

#include "namespaces/oom.h"
#include "namespaces/rlimit.h"
#include "spec/base/proc.h"
#include "spec/base/sys.h"

int child_clone(const struct child_clone *how, struct ns_child *out, struct err *err)
{
	struct clone_args args = { .flags = how->flags | CLONE_PIDFD, .exit_signal = SIGCHLD };
	int pid_fd = -1;
	pid_t pid;

	args.pidfd = (uintptr_t)&pid_fd;
	if (how->cgroup_fd >= 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (unsigned int)how->cgroup_fd;
	}
	pid = sys_clone3(&args);
	if (pid < 0)
		return err_sys(err, "clone a process into its namespaces");
	if (pid == 0)
		return 1;
	*out = (struct ns_child){ .pid = pid, .pid_fd = pid_fd, .sync_fd = -1 };
	return 0;
}

int child_recv(int sync_fd, struct sync_msg *out, int *out_fd, struct err *err)
{
	int rc = sync_recv(sync_fd, out, out_fd);

	if (rc < 0 && rc != -ECONNRESET)
		return err_code(err, rc, "read what the container's process reports");
	if (rc <= 0)
		return err_set(err, -ECHILD,
			       "the container's process ended before its program ran");
	if (out->kind != SYNC_ERROR && out->kind != SYNC_ERRNO && out->kind != SYNC_PROGRAM)
		return 0;
	if (out_fd && *out_fd >= 0)
		(void)close(take_fd(out_fd));
	/* -ECHILD is this function's own word. */
	rc = out->code < 0 && out->code != -ECHILD ? out->code : -EPROTO;
	return out->kind == SYNC_ERRNO ? err_code(err, rc, "%s", out->text)
				       : err_set(err, rc, "%s", out->text);
}

int child_follow(int sync_fd, child_map_fn *map, void *arg, struct ns_child *child, struct err *err)
{
	pid_t between = child->pid;
	struct sync_msg m;
	int status;
	int rc;

	for (;;) {
		rc = child_recv(sync_fd, &m, NULL, err);
		if (rc < 0)
			return rc;
		if (m.kind == SYNC_PID)
			break;
		if (m.kind != SYNC_MAPPED || !map)
			return err_set(err, -EPROTO, "unexpected message %u of a child", m.kind);
		rc = map(arg, between, err);
		if (rc < 0)
			return rc;
	}
	rc = proc_reap(between, &status);
	if (rc < 0)
		return err_code(err, rc, "wait for the intermediate process");
	(void)close(take_fd(&child->pid_fd));
	/* Our own child, not yet reaped: the number is its own. */
	child->pid = m.code;
	child->pid_fd = (int)syscall(SYS_pidfd_open, child->pid, 0);
	return child->pid_fd < 0 ? err_sys(err, "open a pidfd of the container's process") : 0;
}

int child_serve(int proc_fd, pid_t pid, const struct config_process *p, struct err *err)
{
	int rc = oom_apply(proc_fd, pid, p->oom_score_adj, err);

	return rc < 0 ? rc : rlimit_raise(pid, p->rlimits.items, p->rlimits.n, err);
}

int ns_next(struct ns_child *child, struct ns_event *out, struct err *err)
{
	struct sync_msg m = { .kind = SYNC_ERROR };
	int fd = -1;
	int rc = child_recv(child->sync_fd, &m, &fd, err);

	child->is_program_bad = rc < 0 && m.kind == SYNC_PROGRAM;
	if (rc == -ECHILD && child->is_ready) {
		/* It let the socket go when it executed, for that is close-on-exec. */
		*out = (struct ns_event){ NS_EVENT_RUNNING, -1 };
		return 0;
	}
	if (rc < 0)
		return rc;
	if (m.kind > SYNC_SECCOMP) {
		cleanup_close(&fd);
		return err_set(err, -EPROTO, "unexpected message %u of a child", m.kind);
	}
	if (m.kind == SYNC_READY)
		child->is_ready = true;
	*out = (struct ns_event){ (enum ns_event_kind)m.kind, fd };
	return 0;
}

int ns_continue(struct ns_child *child, enum ns_event_kind kind, struct err *err)
{
	int rc = sync_send(child->sync_fd, (enum sync_kind)kind, 0, -1);

	/* A child that is gone has said why: ns_next() gives it. */
	return rc < 0 && rc != -EPIPE && rc != -ECONNRESET
		   ? err_code(err, rc, "let the container's process go on")
		   : 0;
}

void ns_kill(struct ns_child *child)
{
	int status;

	if (child->pid > 0 && child->pid_fd >= 0) {
		if (proc_signal(child->pid_fd, SIGKILL) < 0 || proc_reap(child->pid, &status) < 0)
			child->pid = 0; /* reaped already */
	}
	child->pid = 0;
	ns_child_fini(child);
}

void ns_child_fini(struct ns_child *child)
{
	cleanup_close(&child->pid_fd);
	cleanup_close(&child->sync_fd);
	child->pid_fd = -1;
	child->sync_fd = -1;
}
