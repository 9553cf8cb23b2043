// SPDX-License-Identifier: GPL-2.0-or-later
/* Raw terminals, and the way back. */
#include "vmmode/vmm/terminal.h"

#include <string.h>
#include <sys/signalfd.h>

#include "spec/base/log.h"
#include "spec/base/tty.h"

/* Ends that nobody asked for. SIGSYS is the sandbox's. */
static const int fatal[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGQUIT };

/* A signal handler can reach nothing but this: the one exception to "no mutable globals". */
static struct terminal *volatile in_use;

/* In the foreground, or where there is no job control. Else tcsetattr(3) would stop the process. */
static bool may_change(int fd)
{
	pid_t group = tcgetpgrp(fd);

	return group < 0 || group == getpgrp();
}

/* Async-signal-safe. */
static void restore(struct terminal *t)
{
	/* Backwards: of two names for one terminal the first one knows what was. */
	for (int i = t->n_ttys - 1; i >= 0; i--) {
		if (t->ttys[i].is_raw && may_change(t->ttys[i].fd))
			(void)tcsetattr(t->ttys[i].fd, TCSANOW, &t->ttys[i].before);
		t->ttys[i].is_raw = false;
	}
}

void terminal_restore(void)
{
	struct terminal *t = in_use;

	if (t)
		restore(t);
}

/* The signal comes again, and finds no handler: sigaction(2) is not allowed any more. */
static void on_fatal(int sig)
{
	terminal_restore();
	(void)raise(sig);
}

/* Whoever has a handler already, as sanitizers do, wants to tell more of a crash. */
static void watch_fatal(void)
{
	struct sigaction sa = { .sa_handler = on_fatal, .sa_flags = (int)SA_RESETHAND };

	(void)sigfillset(&sa.sa_mask);
	for (size_t i = 0; i < ARRAY_LEN(fatal); i++) {
		struct sigaction old;

		if (sigaction(fatal[i], NULL, &old) == 0 && old.sa_handler == SIG_DFL)
			(void)sigaction(fatal[i], &sa, NULL);
	}
}

static int make_raw(struct terminal *t, int i)
{
	struct termios before;
	int rc;

	if (!may_change(t->ttys[i].fd))
		return 0; /* SIGCONT will tell when it is in the foreground */
	rc = tty_make_raw(t->ttys[i].fd, &before);
	if (rc == 1 && !t->ttys[i].is_raw) { /* else that may be our own */
		t->ttys[i].before = before;
		t->ttys[i].is_raw = true;
	}
	return rc;
}

/* The shell has its own settings in place when a job comes back. */
static void on_cont(struct loop_source *src, uint32_t events)
{
	struct terminal *t = CONTAINER_OF(src, struct terminal, cont);
	struct signalfd_siginfo info;

	(void)events;
	if (read(src->fd, &info, sizeof(info)) < 0)
		return;
	for (int i = 0; i < t->n_ttys; i++) {
		int rc = make_raw(t, i);

		if (rc < 0)
			log_warn("set the terminal to raw mode: %s, ignoring", strerror(-rc));
	}
}

void terminal_signals(sigset_t *set)
{
	(void)sigaddset(set, SIGCONT);
	(void)sigaddset(set, SIGWINCH);
}

static int begin(struct terminal *t, struct loop *loop, struct err *err)
{
	sigset_t set;
	int rc;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGCONT);
	t->cont = (struct loop_source){ .fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK),
					.ready = on_cont };
	if (t->cont.fd < 0)
		return err_sys(err, "create a signalfd");
	t->loop = loop;
	in_use = t;
	watch_fatal();
	rc = loop_add(loop, &t->cont, EPOLLIN);
	return rc < 0 ? err_code(err, rc, "watch SIGCONT") : 0;
}

int terminal_use(struct terminal *t, struct loop *loop, int fd, struct err *err)
{
	int i = t->n_ttys;
	int rc = 0;

	if (!isatty(fd))
		return 0;
	if (i == TERMINALS_MAX)
		return err_set(err, -EMFILE, "more than %d terminals", TERMINALS_MAX);
	if (!t->loop)
		rc = begin(t, loop, err);
	if (rc < 0)
		return rc;
	t->ttys[i].fd = fd;
	t->ttys[i].is_raw = false;
	t->n_ttys = i + 1;
	rc = make_raw(t, i);
	return rc < 0 ? err_code(err, rc, "set the terminal to raw mode") : 0;
}

void terminal_fini(struct terminal *t)
{
	if (!t->loop)
		return;
	restore(t);
	in_use = NULL;
	loop_remove(t->loop, &t->cont);
	cleanup_close(&t->cont.fd);
	t->n_ttys = 0;
	t->loop = NULL;
}
