// SPDX-License-Identifier: GPL-2.0-or-later
/* When the serial port's output goes on, and what happens if nobody reads it. */
#include "vmmode/vmm/serial.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "tests/unit/test.h"

static struct loop loop;
static struct serial serial;
static int reader_fd;

static void begin(void)
{
	struct serial_options so = { .in_fd = -1, .irq_fd = -1 };
	int fds[2];

	CHECK_EQ(pipe2(fds, O_CLOEXEC), 0);
	CHECK_EQ(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
	reader_fd = fds[0];
	so.out_fd = fds[1];
	CHECK_EQ(loop_init(&loop), 0);
	CHECK_EQ(serial_init(&serial, &loop, &so, NULL), 0);
}

static void end(void)
{
	const int fd = serial.opts.out_fd;

	serial_fini(&serial);
	loop_fini(&loop);
	close(fd);
	close(reader_fd);
}

static void guest_writes(const char *text)
{
	for (; *text; text++)
		serial.range.write(&serial.range, 0, text, 1);
}

/* What the loop does when @src becomes ready within @timeout_ms; whether it did. */
static bool serve(struct loop_source *src, int timeout_ms)
{
	struct pollfd p = { .fd = src->fd, .events = POLLIN };

	if (poll(&p, 1, timeout_ms) != 1)
		return false;
	src->ready(src, EPOLLIN);
	return true;
}

static const char *output(void)
{
	static char text[256];
	const ssize_t n = read(reader_fd, text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

static void test_lines(void)
{
	begin();
	guest_writes("ab");
	CHECK(serve(&serial.wake, 0)); /* starts the timer */
	CHECK_STR(output(), "");
	guest_writes("cd");
	CHECK(!serve(&serial.wake, 0));
	guest_writes("e\nf\n");
	CHECK(serve(&serial.wake, 0));
	CHECK_STR(output(), "abcde\nf\n");
	CHECK(!serve(&serial.wake, 0));
	guest_writes("login: "); /* while the timer still runs, or not any more */
	(void)serve(&serial.wake, 0);
	while (serve(&serial.timer, 200))
		;
	CHECK_STR(output(), "login: ");
	guest_writes("end"); /* what is left is written at the end */
	serial_flush(&serial);
	CHECK_STR(output(), "end");
	end();
}

static void test_flood(void)
{
	static const char line[] =
	    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde\n";
	bool is_said = false;
	size_t bytes = 0;

	begin();
	for (size_t i = 0; i < 4 * (size_t)SERIAL_OUT_BYTES; i += sizeof(line) - 1) {
		guest_writes(line);
		(void)serve(&serial.wake, 0);
	}
	CHECK(serial.writer.listed);
	CHECK_EQ(serial.out_len, SERIAL_OUT_BYTES);
	CHECK(serial.lost > 0);
	for (const char *text = output(); *text; text = output()) {
		bytes += strlen(text);
		is_said = is_said || strstr(text, " bytes lost]\n");
		serial.writer.ready(&serial.writer, EPOLLOUT);
	}
	CHECK(is_said);
	CHECK(bytes > SERIAL_OUT_BYTES);
	CHECK_EQ(serial.lost, 0);
	CHECK(!serial.writer.listed);
	end();
}

TEST_MAIN(TEST(test_lines), TEST(test_flood))
