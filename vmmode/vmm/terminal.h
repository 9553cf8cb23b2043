/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The terminals that the machine uses: raw while it runs, as they were at every end that a process
 * can notice. Raw means that Ctrl-C and the like are the guest's.
 *
 * Job control is kept: a terminal is touched in the foreground alone, and made raw again when the
 * process comes back there (SIGCONT). One struct terminal per process: a handler of fatal signals
 * must find it.
 */
#ifndef BIVALVE_VMMODE_VMM_TERMINAL_H
#define BIVALVE_VMMODE_VMM_TERMINAL_H

#include <signal.h>
#include <stdbool.h>
#include <termios.h>

#include "spec/base/err.h"
#include "vmmode/virtio/loop.h"

enum { TERMINALS_MAX = 4 };

struct terminal {
	struct loop *loop; /* borrowed; NULL: nothing to undo */
	struct loop_source cont;
	struct {
		int fd; /* borrowed */
		bool is_raw;
		struct termios before;
	} ttys[TERMINALS_MAX];
	volatile sig_atomic_t n_ttys;
};

/* terminal_signals - SIGCONT and SIGWINCH, which must be blocked before any thread starts. */
void terminal_signals(sigset_t *set);

/*
 * terminal_use - makes @fd raw; nothing happens if it is no terminal. The signals are blocked.
 * Returns 0; -EMFILE more than TERMINALS_MAX; -errno.
 */
MUST_CHECK int terminal_use(struct terminal *t, struct loop *loop, int fd, struct err *err);

/* terminal_restore - for a signal handler that ends the process: brings back what was, if anything
 * was changed. Async-signal-safe. */
void terminal_restore(void);

/* terminal_fini - brings back what was; before the descriptors are closed. */
void terminal_fini(struct terminal *t);

#endif
