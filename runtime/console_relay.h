/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Carries bytes between the caller's stdin and stdout and a pty's master. A caller's terminal is in
 * raw mode meanwhile, and its size is the pty's.
 */
#ifndef BIVALVE_RUNTIME_CONSOLE_RELAY_H
#define BIVALVE_RUNTIME_CONSOLE_RELAY_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <termios.h>

#include "spec/base/err.h"
#include "spec/config.h"

/* At most PIPE_BUF: a write of that much to a pipe that is ready for writing does not block. */
enum { CHANNEL_BYTES = 4096 };

struct channel {
	int from_fd, to_fd;
	bool is_over; /* nothing more will come */
	size_t begin, end;
	char bytes[CHANNEL_BYTES];
};

struct console_relay {
	int master_fd;         /* borrowed */
	bool is_raw;           /* the caller's terminal was set up, and is to be restored */
	struct termios before; /* of the caller's terminal */
	struct channel in, out;
};

/*
 * console_relay_size - a process with a terminal gets the size of stdin's, where that is one: from
 * the beginning, since its program does not wait for us.
 */
void console_relay_size(struct config_process *process);

/* console_relay_begin - raw mode and size, where stdin is a terminal. */
MUST_CHECK int console_relay_begin(struct console_relay *c, int master_fd, struct err *err);

/* console_relay_resize - the size of stdin's terminal becomes the pty's; nothing without one. */
void console_relay_resize(const struct console_relay *c);

enum { CONSOLE_POLLS = 3 };
/* console_relay_polls - what to wait for. console_relay_step - what to do with the answers. */
void console_relay_polls(const struct console_relay *c, struct pollfd polls[CONSOLE_POLLS]);
void console_relay_step(struct console_relay *c, const struct pollfd polls[CONSOLE_POLLS]);

/* console_relay_finish - the process has ended: writes what it left, restores the terminal. */
void console_relay_finish(struct console_relay *c);

#endif
