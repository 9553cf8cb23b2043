// SPDX-License-Identifier: GPL-2.0-or-later
// One hook: spawned without copying the caller's memory (posix_spawn), watched by its pidfd and the
// pipes of its output, killed with its group when its time is over.
#include "namespaces/hook.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "spec/base/fd.h"
#include "spec/base/proc.h"
#include "spec/tables.h"

enum {
	TAIL_BYTES = 4096, /* of stderr that are kept */
	LINE_BYTES = 256,  /* of its last line that are shown */
};

/* A running hook and what is read from it. */
struct running {
	pid_t pid;
	int pid_fd;     /* owned */
	int out_fds[2]; /* owned; our ends of its stdout and stderr, or -1 */
	char tail[TAIL_BYTES];
	size_t tail_len;
};

static void cleanup_running(const struct running *r)
{
	cleanup_close(&r->pid_fd);
	cleanup_close(&r->out_fds[0]);
	cleanup_close(&r->out_fds[1]);
}
#define auto_running auto_cleanup(cleanup_running)

const char *hook_kind_name(enum config_hook_kind kind)
{
	return name_table_name(&table_hooks, (uint64_t)kind);
}

/* ---- output files ------------------------------------------------------------------------------
 */

static int open_output(const struct config *c, const char *key, int *out_fd, struct err *err)
{
	const char *path = config_annotation(c, key);

	if (!path || !*path)
		return 0;
	*out_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOCTTY | O_CLOEXEC, 0600);
	return *out_fd < 0 ? err_sys(err, "/annotations/%s: open '%s'", key, path) : 0;
}

int hook_io_open(const struct config *c, struct hook_io *out, struct err *err)
{
	struct hook_io io = HOOK_IO_INIT;
	int rc;

	rc = open_output(c, "run.oci.hooks.stdout", &io.stdout_fd, err);
	if (rc == 0)
		rc = open_output(c, "run.oci.hooks.stderr", &io.stderr_fd, err);
	if (rc < 0) {
		hook_io_close(&io);
		return rc;
	}
	*out = io;
	return 0;
}

void hook_io_close(struct hook_io *io)
{
	cleanup_close(&io->stdout_fd);
	cleanup_close(&io->stderr_fd);
	*io = (struct hook_io)HOOK_IO_INIT;
}

/* ---- starting ----------------------------------------------------------------------------------
 */

/* The caller's @fd, or a copy of it above 2 (which @out_copy then owns). */
static int high_fd(int fd, int *out_copy)
{
	if (fd > 2)
		return fd;
	*out_copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	return *out_copy < 0 ? -errno : *out_copy;
}

static int make_stdin(const char *text, int *out_fd)
{
	auto_close int fd = fd_memory("state");
	int rc;

	if (fd < 0)
		return fd;
	rc = fd_write_all(fd, text, strlen(text));
	if (rc < 0)
		return rc;
	if (lseek(fd, 0, SEEK_SET) < 0)
		return -errno;
	*out_fd = take_fd(&fd);
	return 0;
}

/* Our end does not block: it is read when poll(2) says so, and once more at the end. */
static int make_pipe(int *out_read_fd, int *out_write_fd)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	*out_read_fd = fds[0];
	*out_write_fd = fds[1];
	return fcntl(fds[0], F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
}

/*
 * Returns 0 or -errno of the execution. @fds: its stdin, stdout and stderr. None is overwritten
 * before it is in its place, though they may be below 3 when ours were closed: descriptors are
 * given in ascending order, so the N-th of ours is at least N, and the caller's are above 2
 * (high_fd).
 */
static int spawn(const struct config_hook *hook, const int fds[3], pid_t *out_pid)
{
	const union {
		const char *text;
		char *word; /* posix_spawn does not write to it */
	} path = { .text = hook->path };
	char *const only_path[] = { path.word, NULL };
	char *const no_env[] = { NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none, all;
	int rc;

	(void)sigemptyset(&none);
	(void)sigfillset(&all);
	/* These fail for want of memory alone, and the C library takes none but for the actions. */
	(void)posix_spawnattr_init(&attr);
	(void)posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF |
						  POSIX_SPAWN_SETSIGMASK);
	(void)posix_spawnattr_setsigdefault(&attr, &all);
	(void)posix_spawnattr_setsigmask(&attr, &none);
	rc = posix_spawn_file_actions_init(&actions);
	for (int i = 0; i < 3 && rc == 0; i++)
		rc = posix_spawn_file_actions_adddup2(&actions, fds[i], i);
	/* Descriptors that our own caller left open, --preserve-fds' among them, are not its. */
	if (rc == 0)
		rc = posix_spawn_file_actions_addclosefrom_np(&actions, 3);
	if (rc == 0)
		rc = posix_spawn(out_pid, hook->path, &actions, &attr,
				 hook->args.n ? hook->args.v : only_path,
				 hook->env.n ? hook->env.v : no_env);
	(void)posix_spawn_file_actions_destroy(&actions);
	(void)posix_spawnattr_destroy(&attr);
	return -rc;
}

static int start(const struct config_hook *hook, const char *state_json, const struct hook_io *io,
		 struct running *r)
{
	const int wanted[2] = { io->stdout_fd, io->stderr_fd };
	auto_close int in_fd = -1, out_fd = -1, err_fd = -1;
	int *const owned[2] = { &out_fd, &err_fd };
	int fds[3];
	int rc;

	rc = make_stdin(state_json, &in_fd);
	fds[0] = in_fd;
	for (int i = 0; i < 2 && rc == 0; i++) {
		if (wanted[i] < 0)
			rc = make_pipe(&r->out_fds[i], owned[i]);
		fds[i + 1] = wanted[i] < 0 ? *owned[i] : high_fd(wanted[i], owned[i]);
		if (rc == 0 && fds[i + 1] < 0)
			rc = fds[i + 1];
	}
	if (rc == 0)
		rc = spawn(hook, fds, &r->pid);
	return rc;
}

/* ---- watching ----------------------------------------------------------------------------------
 */

static void keep_tail(struct running *r, const char *data, size_t len)
{
	if (len >= TAIL_BYTES) {
		memcpy(r->tail, data + len - TAIL_BYTES, TAIL_BYTES);
		r->tail_len = TAIL_BYTES;
		return;
	}
	if (r->tail_len + len > TAIL_BYTES) {
		size_t drop = r->tail_len + len - TAIL_BYTES;

		memmove(r->tail, r->tail + drop, r->tail_len - drop);
		r->tail_len -= drop;
	}
	memcpy(r->tail + r->tail_len, data, len);
	r->tail_len += len;
}

/* Reads what is there: at most as much as a pipe holds, so that nobody can keep us here. */
static void drain(struct running *r, int i)
{
	char data[4096];

	for (int rounds = 0; rounds < 16 && r->out_fds[i] >= 0; rounds++) {
		ssize_t n = read(r->out_fds[i], data, sizeof(data));

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0) {
			(void)close(take_fd(&r->out_fds[i]));
			return;
		}
		if (i == 1)
			keep_tail(r, data, (size_t)n);
	}
}

/* Until the hook ended (0) or @timeout_ms are over (-ETIMEDOUT); < 0: no limit. */
static int watch(struct running *r, int64_t timeout_ms)
{
	int64_t end_ms = timeout_ms < 0 ? 0 : proc_now_ms() + timeout_ms;

	for (;;) {
		struct pollfd p[3] = { { .fd = r->pid_fd, .events = POLLIN },
				       { .fd = r->out_fds[0], .events = POLLIN },
				       { .fd = r->out_fds[1], .events = POLLIN } };
		int64_t left_ms = timeout_ms < 0 ? -1 : end_ms - proc_now_ms();
		int n;

		if (timeout_ms >= 0 && left_ms <= 0)
			return -ETIMEDOUT;
		n = poll(p, ARRAY_LEN(p), left_ms > INT32_MAX ? INT32_MAX : (int)left_ms);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n <= 0)
			continue;
		if (p[1].revents)
			drain(r, 0);
		if (p[2].revents)
			drain(r, 1);
		if (p[0].revents)
			return 0;
	}
}

/* The last line of the tail that is not empty, fit for a message. */
static void last_line(const struct running *r, char out[LINE_BYTES])
{
	size_t end = r->tail_len, at, n = 0;

	while (end > 0 && (unsigned char)r->tail[end - 1] <= ' ')
		end--;
	for (at = end; at > 0 && r->tail[at - 1] != '\n';)
		at--;
	for (; at < end && n < LINE_BYTES - 1; at++) {
		unsigned char c = (unsigned char)r->tail[at];

		out[n++] = (char)(c < ' ' || c == 0x7f ? '?' : c);
	}
	out[n] = '\0';
}

/* 0 for exit status 0, else the error without the hook's name. */
static int judge(const struct running *r, int status, struct err *err)
{
	char line[LINE_BYTES];

	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	last_line(r, line);
	if (WIFEXITED(status))
		return err_set(err, -ECANCELED, "exit status %d%s%s", WEXITSTATUS(status),
			       line[0] ? ": " : "", line);
	return err_set(err, -ECANCELED, "killed by signal %d%s%s", WTERMSIG(status),
		       line[0] ? ": " : "", line);
}

/* Waits for the hook, kills it when it is late or cannot be watched, and reaps it in any case. */
static int finish(const struct config_hook *hook, struct running *r, struct err *err)
{
	int64_t timeout_ms = hook->timeout_s.is_set ? (int64_t)hook->timeout_s.v * 1000 : -1;
	int status = 0, rc, reaped;

	r->pid_fd = pidfd_open(r->pid, 0);
	rc = r->pid_fd < 0 ? -errno : watch(r, timeout_ms);
	/* The number is the hook's until it is reaped. It may have gone to another group by itself.
	 */
	if (rc < 0) {
		(void)kill(-r->pid, SIGKILL);
		(void)kill(r->pid, SIGKILL);
	}
	reaped = proc_reap(r->pid, &status);
	if (rc == -ETIMEDOUT)
		return err_set(err, rc, "killed after its timeout of %u s", hook->timeout_s.v);
	if (rc < 0 || reaped < 0)
		return err_code(err, rc < 0 ? rc : reaped, "wait");
	drain(r, 0);
	drain(r, 1);
	return judge(r, status, err);
}

int hook_run(const struct config_hook *hook, enum config_hook_kind kind, size_t index,
	     const char *state_json, const struct hook_io *io, struct err *err)
{
	auto_running struct running r = { .pid_fd = -1, .out_fds = { -1, -1 } };
	int rc;

	rc = start(hook, state_json, io, &r);
	if (rc < 0)
		return err_code(err, rc, "hook /hooks/%s/%zu '%s'", hook_kind_name(kind), index,
				hook->path);
	rc = finish(hook, &r, err);
	if (rc < 0)
		return err_wrap(err, rc, "hook /hooks/%s/%zu '%s'", hook_kind_name(kind), index,
				hook->path);
	return 0;
}

int hook_run_all(const struct config *c, enum config_hook_kind kind, const char *state_json,
		 const struct hook_io *io, struct err *err)
{
	for (size_t i = 0; i < c->hooks[kind].n; i++) {
		int rc = hook_run(&c->hooks[kind].items[i], kind, i, state_json, io, err);

		if (rc < 0)
			return rc;
	}
	return 0;
}
