// SPDX-License-Identifier: GPL-2.0-or-later
/* The terminal of a foreground command. */
#include "runtime/console_relay.h"

#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "spec/base/fd.h"
#include "spec/base/tty.h"

void console_relay_size(struct config_process *process)
{
	struct winsize size;

	if (!process->terminal || ioctl(STDIN_FILENO, TIOCGWINSZ, &size) < 0)
		return;
	process->console_size.is_set = true;
	process->console_size.height = size.ws_row;
	process->console_size.width = size.ws_col;
}

int console_relay_begin(struct console_relay *c, int master_fd, struct err *err)
{
	int flags = fcntl(master_fd, F_GETFL);
	int rc;

	*c = (struct console_relay){ .master_fd = master_fd };
	c->in.from_fd = STDIN_FILENO;
	c->in.to_fd = master_fd;
	c->out.from_fd = master_fd;
	c->out.to_fd = STDOUT_FILENO;
	if (flags < 0 || fcntl(master_fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return err_sys(err, "prepare the terminal");
	rc = tty_make_raw(STDIN_FILENO, &c->before);
	if (rc == 0)
		return 0; /* no terminal: bytes are carried as they are */
	if (rc < 0)
		return err_code(err, rc, "set the terminal to raw mode");
	c->is_raw = true;
	console_relay_resize(c);
	return 0;
}

void console_relay_resize(const struct console_relay *c)
{
	struct winsize size;

	if (c->is_raw && ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0)
		(void)ioctl(c->master_fd, TIOCSWINSZ, &size);
}

void console_relay_polls(const struct console_relay *c, struct pollfd polls[CONSOLE_POLLS])
{
	bool in_full = c->in.end > c->in.begin;
	bool out_full = c->out.end > c->out.begin;

	/* poll(2) passes over negative descriptors. */
	polls[0] = (struct pollfd){ in_full || c->in.is_over ? -1 : STDIN_FILENO, POLLIN, 0 };
	polls[1] = (struct pollfd){ c->master_fd, 0, 0 };
	if (in_full)
		polls[1].events |= POLLOUT;
	if (!out_full)
		polls[1].events |= POLLIN;
	if (!polls[1].events || c->out.is_over)
		polls[1].fd = -1;
	polls[2] = (struct pollfd){ out_full ? STDOUT_FILENO : -1, POLLOUT, 0 };
}

/* Fills an empty channel. EIO of a master: nobody has the other side open (any more). */
static void fill(struct channel *ch)
{
	ssize_t n = read(ch->from_fd, ch->bytes, sizeof(ch->bytes));

	if (n > 0) {
		ch->begin = 0;
		ch->end = (size_t)n;
	} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		ch->is_over = true;
	}
}

static void drain(struct channel *ch)
{
	ssize_t n = write(ch->to_fd, ch->bytes + ch->begin, ch->end - ch->begin);

	if (n > 0)
		ch->begin += (size_t)n;
	else if (n < 0 && errno != EAGAIN && errno != EINTR)
		ch->begin = ch->end; /* nobody reads it: the workload must not stand still for it */
}

/* The end of a stdin that is no terminal: what a person would type. */
static void send_end_of_file(struct console_relay *c)
{
	struct termios t;

	if (c->is_raw || tcgetattr(c->master_fd, &t) < 0 || !(t.c_lflag & ICANON))
		return;
	c->in.bytes[0] = (char)t.c_cc[VEOF];
	c->in.begin = 0;
	c->in.end = 1;
}

void console_relay_step(struct console_relay *c, const struct pollfd polls[CONSOLE_POLLS])
{
	if (polls[0].fd >= 0 && polls[0].revents) {
		fill(&c->in);
		if (c->in.is_over)
			send_end_of_file(c);
	}
	if (polls[1].fd >= 0 && (polls[1].revents & POLLOUT))
		drain(&c->in);
	if (polls[1].fd >= 0 && (polls[1].revents & ~POLLOUT) && c->out.begin == c->out.end)
		fill(&c->out);
	if (polls[2].fd >= 0 && polls[2].revents)
		drain(&c->out);
}

void console_relay_finish(struct console_relay *c)
{
	for (;;) {
		size_t left = c->out.end - c->out.begin;

		if (left && fd_write_all(STDOUT_FILENO, c->out.bytes + c->out.begin, left) < 0)
			break;
		c->out.begin = c->out.end = 0;
		if (c->out.is_over)
			break;
		fill(&c->out);
		if (c->out.begin == c->out.end)
			break; /* another process still has the terminal open, and says nothing */
	}
	if (c->is_raw)
		(void)tcsetattr(STDIN_FILENO, TCSANOW, &c->before);
	c->is_raw = false;
}
