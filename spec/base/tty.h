/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A terminal's raw mode. */
#ifndef BIVALVE_SPEC_BASE_TTY_H
#define BIVALVE_SPEC_BASE_TTY_H

#include <termios.h>

#include "spec/base/cleanup.h"

/*
 * tty_make_raw - bytes pass as they are, in both directions, at once.
 * @out_before: for tcsetattr(3), to bring back what was
 * Returns 1; 0 @fd is no terminal; -errno.
 */
MUST_CHECK int tty_make_raw(int fd, struct termios *out_before);

#endif
