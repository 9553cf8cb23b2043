// SPDX-License-Identifier: GPL-2.0-or-later
/* Waiting for a workload in the foreground. */
#include "runtime/relay.h"

#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/console_relay.h"
#include "runtime/notify.h"
#include "spec/base/proc.h"

/* All that can be blocked but faults of our own. */
static void relayed_signals(sigset_t *out)
{
	static const int own[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS };

	(void)sigfillset(out);
	for (size_t i = 0; i < ARRAY_LEN(own); i++)
		(void)sigdelset(out, own[i]);
}

int relay_begin(struct err *err)
{
	sigset_t set;

	relayed_signals(&set);
	return sigprocmask(SIG_BLOCK, &set, NULL) < 0 ? err_sys(err, "block signals") : 0;
}

int relay_adopt_orphans(struct err *err)
{
	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
		return err_sys(err, "become the parent of orphans");
	return 0;
}

/* Reaps what has ended. Returns 1 with the workload's exit code, 0 when it still runs. */
static int reap(const struct relay *r, int *out_exit_code, struct err *err)
{
	for (;;) {
		int status;
		pid_t pid = waitpid(-1, &status, WNOHANG);

		if (pid == 0 || (pid < 0 && errno == EINTR))
			return 0;
		if (pid < 0)
			return err_sys(err, "wait for process %d", r->pid);
		if (pid == r->pid) {
			*out_exit_code = proc_exit_code(status);
			return 1;
		}
	}
}

/* Deals with one signal. Returns as reap(). */
static int on_signal(const struct relay *r, int sig, int *out_exit_code, struct err *err)
{
	if (sig == SIGCHLD)
		return reap(r, out_exit_code, err);
	/* SIGPIPE is about our own output, SIGWINCH about a terminal that is not the workload's. */
	if (sig == SIGPIPE || sig == SIGWINCH)
		return 0;
	/* It may have ended a moment ago: its SIGCHLD is on the way. */
	(void)!proc_signal(r->pid_fd, sig);
	return 0;
}

static int wait_plain(const struct relay *r, int *out_exit_code, struct err *err)
{
	sigset_t set;
	int rc = reap(r, out_exit_code, err);

	relayed_signals(&set);
	while (rc == 0) {
		int sig = sigwaitinfo(&set, NULL);

		if (sig < 0 && errno != EINTR)
			return err_sys(err, "wait for signals");
		if (sig > 0)
			rc = on_signal(r, sig, out_exit_code, err);
	}
	return rc < 0 ? rc : 0;
}

static int on_signal_fd(const struct relay *r, const struct console_relay *c, int signal_fd,
			int *out_exit_code, struct err *err)
{
	struct signalfd_siginfo info;

	if (read(signal_fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return 0;
	if (info.ssi_signo == SIGWINCH && c)
		console_relay_resize(c);
	return on_signal(r, (int)info.ssi_signo, out_exit_code, err);
}

enum { POLL_SIGNALS, POLL_NOTIFY, POLL_CONSOLE, POLLS = POLL_CONSOLE + CONSOLE_POLLS };

/* @c: NULL: no terminal */
static int wait_polling(const struct relay *r, struct console_relay *c, int *out_exit_code,
			struct err *err)
{
	auto_close int signal_fd = -1;
	int notify_fd = r->notify_fd;
	sigset_t set;
	int rc = reap(r, out_exit_code, err);

	relayed_signals(&set);
	signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signal_fd < 0)
		return err_sys(err, "wait for signals");
	while (rc == 0) {
		struct pollfd polls[POLLS] = {
			[POLL_SIGNALS] = { signal_fd, POLLIN, 0 },
			[POLL_NOTIFY] = { notify_fd, POLLIN, 0 },
		};

		if (c)
			console_relay_polls(c, polls + POLL_CONSOLE);
		if (poll(polls, c ? POLLS : POLL_CONSOLE, -1) < 0) {
			if (errno == EINTR)
				continue;
			return err_sys(err, "wait for the workload");
		}
		if (c)
			console_relay_step(c, polls + POLL_CONSOLE);
		if (polls[POLL_NOTIFY].revents && notify_forward(notify_fd, r->pid))
			notify_fd = -1;
		if (polls[POLL_SIGNALS].revents)
			rc = on_signal_fd(r, c, signal_fd, out_exit_code, err);
	}
	return rc < 0 ? rc : 0;
}

int relay_wait(const struct relay *r, int *out_exit_code, struct err *err)
{
	struct console_relay c;
	int rc;

	if (r->console_fd < 0 && r->notify_fd < 0)
		return wait_plain(r, out_exit_code, err);
	if (r->console_fd < 0)
		return wait_polling(r, NULL, out_exit_code, err);
	rc = console_relay_begin(&c, r->console_fd, err);
	if (rc == 0)
		rc = wait_polling(r, &c, out_exit_code, err);
	console_relay_finish(&c);
	return rc;
}
