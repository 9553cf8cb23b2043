// SPDX-License-Identifier: GPL-2.0-or-later
/* Raw terminals: back at the machine's end, at signals that end it, and raw again after a stop. */
#include "vmmode/vmm/terminal.h"

#include <fcntl.h>
#include <sys/ioctl.h>

#include "tests/unit/child.h"

struct tty {
	int master, slave;
};

static struct tty tty_new(void)
{
	struct tty t = { .master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC) };

	CHECK_EQ(unlockpt(t.master), 0);
	t.slave = ioctl(t.master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	return t;
}

static void tty_free(const struct tty *t)
{
	(void)close(t->master);
	(void)close(t->slave);
}

static bool is_raw(int fd)
{
	struct termios t;

	CHECK_EQ(tcgetattr(fd, &t), 0);
	return !(t.c_lflag & (ICANON | ECHO | ISIG)) && !(t.c_oflag & OPOST);
}

static void test_end(void)
{
	struct tty tty = tty_new();
	struct terminal t = { 0 };
	struct err err = ERR_INIT;
	struct loop loop;
	int fds[2];

	CHECK_EQ(loop_init(&loop), 0);
	CHECK_EQ(pipe2(fds, O_CLOEXEC), 0);
	CHECK_EQ(terminal_use(&t, &loop, fds[0], &err), 0); /* no terminal */
	CHECK_EQ(terminal_use(&t, &loop, -1, &err), 0);
	CHECK(t.loop == NULL);
	terminal_fini(&t);
	CHECK_EQ(terminal_use(&t, &loop, tty.slave, &err), 0);
	CHECK(is_raw(tty.slave));
	terminal_fini(&t);
	CHECK(!is_raw(tty.slave));
	terminal_fini(&t);
	for (int i = 0; i < TERMINALS_MAX; i++)
		CHECK_EQ(terminal_use(&t, &loop, tty.slave, &err), 0);
	CHECK_EQ(terminal_use(&t, &loop, tty.slave, &err), -EMFILE);
	terminal_fini(&t);
	CHECK(!is_raw(tty.slave)); /* the first one knows what was */
	loop_fini(&loop);
	tty_free(&tty);
	(void)close(fds[0]);
	(void)close(fds[1]);
}

struct death {
	int slave, sig;
};

static void die(void *arg)
{
	const struct death *d = arg;
	struct terminal t = { 0 };
	struct err err = ERR_INIT;
	struct loop loop;

	(void)signal(d->sig, SIG_DFL);
	CHECK_EQ(loop_init(&loop), 0);
	CHECK_EQ(terminal_use(&t, &loop, d->slave, &err), 0);
	CHECK(is_raw(d->slave));
	if (!test_failed)
		(void)raise(d->sig);
}

static void test_fatal(void)
{
	static const int sigs[] = { SIGSEGV, SIGABRT, SIGBUS, SIGQUIT };
	struct tty tty = tty_new();

	for (size_t i = 0; i < ARRAY_LEN(sigs); i++) {
		struct death d = { tty.slave, sigs[i] };
		int status = run_child(die, &d);

		CHECK(WIFSIGNALED(status) && WTERMSIG(status) == sigs[i]);
		CHECK(!is_raw(tty.slave));
	}
	tty_free(&tty);
}

static struct loop *stop_loop;

static void on_stop(struct loop_source *src, uint32_t events)
{
	(void)src;
	(void)events;
	loop_stop(stop_loop);
}

/* A shell sets what it likes while the job is stopped. */
static void cont(void *arg)
{
	const struct tty *tty = arg;
	struct terminal t = { 0 };
	struct err err = ERR_INIT;
	struct termios before;
	struct termios after;
	struct loop_source stop = { .fd = STDIN_FILENO, .ready = on_stop };
	struct loop loop;
	sigset_t set;
	int fds[2];

	CHECK_EQ(pipe2(fds, O_CLOEXEC), 0);
	stop.fd = fds[0];
	(void)sigemptyset(&set);
	terminal_signals(&set);
	CHECK_EQ(sigprocmask(SIG_BLOCK, &set, NULL), 0);
	CHECK_EQ(loop_init(&loop), 0);
	stop_loop = &loop;
	CHECK_EQ(tcgetattr(tty->slave, &before), 0);
	CHECK_EQ(terminal_use(&t, &loop, tty->slave, &err), 0);
	for (int i = 0; i < 2; i++) { /* the second time it is raw still */
		CHECK_EQ(raise(SIGCONT), 0);
		if (i == 0)
			CHECK_EQ(tcsetattr(tty->slave, TCSANOW, &before), 0);
		CHECK_EQ(write(fds[1], "x", 1), 1);
		CHECK_EQ(loop_add(&loop, &stop, EPOLLIN), 0);
		CHECK_EQ(loop_run(&loop), 0);
		loop_remove(&loop, &stop);
		CHECK(is_raw(tty->slave));
	}
	terminal_fini(&t);
	CHECK_EQ(tcgetattr(tty->slave, &after), 0);
	CHECK_EQ(after.c_lflag, before.c_lflag);
	loop_fini(&loop);
}

static void test_cont(void)
{
	struct tty tty = tty_new();

	IN_CHILD(cont, &tty);
	tty_free(&tty);
}

TEST_MAIN(TEST(test_end), TEST(test_fatal), TEST(test_cont))
