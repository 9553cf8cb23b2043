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

/* What a received message is to the caller: 0, or the error that it carries. */
static int judge(const struct sync_msg *m, int *fd, struct err *err)
{
	int code = m->code < 0 ? m->code : -EPROTO;
	bool is_whole = m->kind == SYNC_ERROR || m->kind == SYNC_PROGRAM;

	if (!is_whole && m->kind != SYNC_ERRNO && m->kind != SYNC_EXECVE)
		return 0;
	if (fd && *fd >= 0)
		(void)close(take_fd(fd));
	return is_whole ? err_set(err, code, "%s", m->text) : err_code(err, code, "%s", m->text);
}

/* As sync_recv(); the end of the socket is 0, also when the other end has left unread messages. */
static int receive(int sync_fd, struct sync_msg *out, int *out_fd, struct err *err)
{
	int rc = sync_recv(sync_fd, out, out_fd);

	if (rc == -ECONNRESET)
		return 0;
	return rc < 0 ? err_code(err, rc, "read what the container's process reports") : rc;
}

static int ended_early(struct err *err)
{
	return err_set(err, -ECHILD, "the container's process ended before its program ran");
}

int child_recv(int sync_fd, struct sync_msg *out, int *out_fd, struct err *err)
{
	int rc = receive(sync_fd, out, out_fd, err);

	if (rc == 0)
		return ended_early(err);
	return rc < 0 ? rc : judge(out, out_fd, err);
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
	if (child->pid_fd < 0)
		return err_sys(err, "open a pidfd of the container's process");
	rc = sync_send(sync_fd, SYNC_PID, 0, -1);
	/* One that is gone has said why: that is the next message. */
	return rc < 0 && rc != -EPIPE && rc != -ECONNRESET
		   ? err_code(err, rc, "answer the container's process")
		   : 0;
}

int child_serve(int proc_fd, pid_t pid, const struct config_process *p, struct err *err)
{
	int rc = oom_apply(proc_fd, pid, p->oom_score_adj, err);

	return rc < 0 ? rc : rlimit_raise(pid, p->rlimits.items, p->rlimits.n, err);
}

int ns_next(struct ns_child *child, struct ns_event *out, struct err *err)
{
	struct sync_msg m;
	int fd = -1;
	int rc = receive(child->sync_fd, &m, &fd, err);

	if (rc == 0 && !child->is_ready)
		return ended_early(err);
	if (rc == 0) {
		/* It let the socket go when it executed, for that is close-on-exec. */
		*out = (struct ns_event){ NS_EVENT_RUNNING, -1 };
		return 0;
	}
	if (rc > 0) {
		child->is_program_bad = m.kind == SYNC_PROGRAM || m.kind == SYNC_EXECVE;
		rc = judge(&m, &fd, err);
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
