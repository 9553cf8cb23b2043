// SPDX-License-Identifier: GPL-2.0-or-later
/* A terminal's raw mode. */
#include "spec/base/tty.h"

int tty_make_raw(int fd, struct termios *out_before)
{
	struct termios before;
	struct termios raw;

	if (tcgetattr(fd, &before) < 0)
		return 0;
	raw = before;
	cfmakeraw(&raw);
	if (tcsetattr(fd, TCSANOW, &raw) < 0)
		return -errno;
	*out_before = before;
	return 1;
}
