// SPDX-License-Identifier: GPL-2.0-or-later
/* What a console's port can be on the host: files, pipes, terminals, sockets that clients come to.
 */
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/un.h>

#include "spec/base/tty.h"
#include "tests/unit/console_rig.h"

/* A file can be read and written, and is never waited for. */
static void test_file(void)
{
	struct console_rig n;
	char text[16] = "";
	int in = memfd_create("in", MFD_CLOEXEC);
	int out = memfd_create("out", MFD_CLOEXEC);

	CHECK_EQ(pwrite(in, "from a file", 11, 0), 11);
	rig_ports(&n, 2);
	rig_stream(&n, 1, in, out);
	rig_make(&n);
	handshake(&n);
	offer(&n, 1, 3);
	CHECK_STR(guest_got(&n, 1), "from a file");
	CHECK_STR(heard(&n), ""); /* it can still be written */
	guest_send(&n, 1, "to a file", 9);
	CHECK_EQ(pread(out, text, sizeof(text), 0), 9);
	CHECK_STR(text, "to a file");
	rig_off(&n);
	rig_drop(&n, 1);
}

/* Input alone: its end is the port's. It cannot be polled, and is longer than a batch. */
static void test_long_file(void)
{
	static char bytes[40 * RECV_BYTES];
	struct console_rig n;
	int in = memfd_create("in", MFD_CLOEXEC);

	memset(bytes, 'x', sizeof(bytes));
	CHECK_EQ(pwrite(in, bytes, sizeof(bytes), 0), (ssize_t)sizeof(bytes));
	rig_ports(&n, 2);
	rig_stream(&n, 1, in, -1);
	rig_make(&n);
	handshake(&n);
	offer(&n, 1, 60);
	CHECK_EQ(strlen(guest_got(&n, 1)), sizeof(bytes));
	CHECK_STR(heard(&n), "OPEN 1 0");
	guest_send(&n, 1, "nowhere", 7);
	CHECK_EQ(guest_sent(&n, 1), 1);
	rig_off(&n);
	rig_drop(&n, 1);
}

/* The flags of pipes that others share stay what they are. */
static void test_pipes(void)
{
	struct console_rig n;
	int in[2];
	int out[2];

	CHECK_EQ(pipe2(in, O_CLOEXEC), 0);
	CHECK_EQ(pipe2(out, O_CLOEXEC), 0);
	rig_ports(&n, 2);
	rig_stream(&n, 1, in[0], out[1]);
	rig_make(&n);
	CHECK(!(fcntl(in[0], F_GETFL) & O_NONBLOCK));
	CHECK(!(fcntl(out[1], F_GETFL) & O_NONBLOCK));
	rig_drop(&n, 1);
	handshake(&n);
	offer(&n, 1, 3);
	host_send(&n, in[1], "through a pipe");
	CHECK_STR(guest_got(&n, 1), "through a pipe");
	guest_send(&n, 1, "and back", 8);
	CHECK_STR(host_got(out[0]), "and back");
	(void)close(in[1]);
	pump(&n);
	CHECK_STR(heard(&n), ""); /* one direction is left */
	(void)close(out[0]);
	pump(&n);
	CHECK_STR(heard(&n), "OPEN 1 0");
	guest_send(&n, 1, "nowhere", 7);
	CHECK_EQ(guest_sent(&n, 1), 2);
	rig_off(&n);
}

/* A pipe that cannot be opened again is asked before it is written. */
static void test_guarded(void)
{
	static char bytes[16384];
	struct console_end e = { .may_wait = true };
	struct iovec iov[3] = { { bytes, 1000 }, { bytes, 10000 }, { bytes, 10 } };
	int fds[2];

	CHECK_EQ(pipe2(fds, O_CLOEXEC), 0);
	e.src.fd = fds[1];
	CHECK_EQ(console_end_write(&e, iov, 3), 4096); /* PIPE_BUF */
	for (int i = 0; i < 100; i++) {
		struct iovec more = { bytes, sizeof(bytes) };
		ssize_t rc = console_end_write(&e, &more, 1);

		if (rc < 0) {
			CHECK_EQ(rc, -EAGAIN);
			break;
		}
		CHECK(i < 99);
	}
	e.src.fd = fds[0];
	for (int i = 0; i < 100; i++) {
		struct iovec more = { bytes, sizeof(bytes) };
		ssize_t rc = console_end_read(&e, &more, 1);

		if (rc < 0) {
			CHECK_EQ(rc, -EAGAIN);
			break;
		}
	}
	(void)close(fds[0]);
	(void)close(fds[1]);
}

/* A half-closed socket: the end of the input is the end, what the guest sends still goes. */
static void test_half_closed(void)
{
	struct console_rig n;
	int host = rig_with_socket(&n);

	handshake(&n);
	offer(&n, 1, 3);
	host_send(&n, host, "request");
	CHECK_EQ(shutdown(host, SHUT_WR), 0);
	pump(&n);
	CHECK_STR(guest_got(&n, 1), "request");
	CHECK_STR(heard(&n), "OPEN 1 0");
	guest_send(&n, 1, "answer", 6);
	CHECK_STR(host_got(host), "answer");
	rig_off(&n);
	(void)close(host);
}

static int listener(struct console_rig *n, struct sockaddr_un *a)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	/* An abstract name: nothing is left behind. */
	*a = (struct sockaddr_un){ .sun_family = AF_UNIX };
	(void)snprintf(a->sun_path + 1, sizeof(a->sun_path) - 1, "console-%d", (int)getpid());
	CHECK_EQ(bind(fd, (struct sockaddr *)a, sizeof(*a)), 0);
	CHECK_EQ(listen(fd, 4), 0);
	n->o.ports[1].kind = CONSOLE_LISTENER;
	n->o.ports[1].in_fd = fd;
	return fd;
}

static int client(struct console_rig *n, const struct sockaddr_un *a)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	CHECK_EQ(connect(fd, (const struct sockaddr *)a, sizeof(*a)), 0);
	pump(n);
	return fd;
}

static void test_clients(void)
{
	struct sockaddr_un a;
	struct console_rig n;
	int first;
	int second;
	int fd;
	char c;

	rig_ports(&n, 2);
	fd = listener(&n, &a);
	rig_make(&n);
	handshake(&n);
	offer(&n, 1, 8);
	guest_send(&n, 1, "nobody", 6);
	CHECK_EQ(guest_sent(&n, 1), 1);
	first = client(&n, &a);
	CHECK_STR(heard(&n), "OPEN 1 1");
	second = client(&n, &a);
	CHECK_EQ(read(second, &c, 1), 0); /* busy */
	(void)close(second);
	host_send(&n, first, "one");
	guest_send(&n, 1, "for one", 7);
	CHECK_STR(guest_got(&n, 1), "one");
	CHECK_STR(host_got(first), "for one");
	(void)close(first);
	pump(&n);
	CHECK_STR(heard(&n), "OPEN 1 0");
	first = client(&n, &a);
	CHECK_STR(heard(&n), "OPEN 1 1");
	host_send(&n, first, "two");
	CHECK_STR(guest_got(&n, 1), "two");
	/* The guest closes: the client gets what was sent, and the end. */
	guest_send(&n, 1, "bye", 3);
	tell(&n, 1, VIRTIO_CONSOLE_PORT_OPEN, 0);
	CHECK_STR(heard(&n), "OPEN 1 0");
	CHECK_STR(host_got(first), "bye");
	CHECK_EQ(read(first, &c, 1), 0);
	(void)close(first);
	/* One that came and went without a word makes room, also while the guest does not look. */
	first = client(&n, &a);
	(void)close(first);
	second = client(&n, &a);
	CHECK_EQ(read(second, &c, 1), -1);
	tell(&n, 1, VIRTIO_CONSOLE_PORT_OPEN, 1);
	host_send(&n, second, "three");
	CHECK_STR(guest_got(&n, 1), "three");
	/* The guest's reset ends its connections. */
	virtio_device_reset(n.r.dev);
	CHECK_EQ(read(second, &c, 1), 0);
	(void)close(second);
	rig_off(&n);
	(void)close(fd);
}

/* A client that goes while the guest's output waits for it: the next one gets none of it. */
static void test_client_leaves(void)
{
	static uint8_t data[SEND_BYTES];
	struct sockaddr_un a;
	struct console_rig n;
	int fd;
	int c;

	rig_ports(&n, 2);
	fd = listener(&n, &a);
	rig_make(&n);
	handshake(&n);
	offer(&n, 1, 8);
	c = client(&n, &a);
	for (int i = 0; i < 4; i++)
		guest_send(&n, 1, data, SEND_BYTES);
	CHECK(n.r.d[tx_of(1)].used->idx < 4);
	(void)close(c);
	pump(&n);
	CHECK_EQ(n.r.d[tx_of(1)].used->idx, 4);
	c = client(&n, &a);
	guest_send(&n, 1, "fresh", 5);
	CHECK_STR(host_got(c), "fresh");
	(void)close(c);
	rig_off(&n);
	(void)close(fd);
}

static int open_slave(int master, int flags)
{
	return ioctl(master, TIOCGPTPEER, flags | O_NOCTTY | O_CLOEXEC);
}

/* A terminal's bytes pass through a worker of the kernel: both sides wait for them. */
static void expect_guest(struct console_rig *n, const char *want)
{
	char all[64] = "";
	size_t at = 0;

	for (int i = 0; i < 1000 && at < strlen(want); i++) {
		const char *got;

		pump(n);
		got = guest_got(n, 0);
		for (; *got && at < sizeof(all) - 1; got++)
			all[at++] = *got;
		(void)usleep(1000);
	}
	CHECK_STR(all, want);
}

static void expect_host(int fd, const char *want)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	CHECK_EQ(poll(&p, 1, RIG_WAIT_MS), 1);
	CHECK_STR(host_got(fd), want);
}

/* A pseudo-terminal whose slave is opened and closed by clients. */
static void test_pty(void)
{
	const struct winsize size = { .ws_row = 40, .ws_col = 132 };
	struct termios before;
	struct console_rig n;
	char path[64];
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	int watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	int slave;

	CHECK_EQ(unlockpt(master), 0);
	slave = open_slave(master, O_RDWR);
	CHECK_EQ(tty_make_raw(slave, &before), 1);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", slave);
	CHECK(inotify_add_watch(watch, path, IN_OPEN | IN_CLOSE) >= 0);
	(void)close(slave);
	rig_ports(&n, 1);
	n.o.ports[0] = (struct console_port_options){
		.kind = CONSOLE_PTY, .in_fd = master, .out_fd = -1, .watch_fd = watch
	};
	rig_make(&n);
	CHECK(n.r.dev->offered & BIT(VIRTIO_CONSOLE_F_SIZE));
	handshake(&n);
	offer(&n, 0, 8);
	guest_send(&n, 0, "nobody", 6);
	CHECK_EQ(guest_sent(&n, 0), 1);
	for (int round = 0; round < 2; round++) {
		slave = open_slave(master, O_RDWR | O_NONBLOCK);
		pump(&n);
		CHECK_STR(heard(&n), "OPEN 0 1");
		guest_send(&n, 0, "login: ", 7);
		expect_host(slave, "login: ");
		host_send(&n, slave, "root\r");
		expect_guest(&n, "root\r");
		host_send(&n, slave, "exit");
		expect_guest(&n, "exit");
		(void)close(slave);
		pump(&n);
		CHECK_STR(heard(&n), "OPEN 0 0");
		guest_send(&n, 0, "nobody", 6);
		CHECK_EQ(guest_sent(&n, 0), 2);
	}
	/* As stty does. */
	slave = open_slave(master, O_RDWR);
	CHECK_EQ(ioctl(slave, TIOCSWINSZ, &size), 0);
	(void)close(slave);
	pump(&n);
	CHECK_STR(heard(&n), "RESIZE 0 1 132x40");
	rig_off(&n);
	(void)close(master);
	(void)close(watch);
}

/* A terminal's reader stops: the guest's output waits, and goes on. */
static void test_pty_is_slow(void)
{
	static uint8_t data[SEND_BYTES];
	struct termios before;
	struct console_rig n;
	size_t got = 0;
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	int slave;

	CHECK_EQ(unlockpt(master), 0);
	slave = open_slave(master, O_RDWR);
	CHECK_EQ(tty_make_raw(slave, &before), 1);
	CHECK_EQ(tty_make_raw(master, &before), 1);
	rig_ports(&n, 1);
	rig_stream(&n, 0, slave, slave); /* as with stdio: the descriptor is the shell's too */
	rig_make(&n);
	CHECK(!(fcntl(slave, F_GETFL) & O_NONBLOCK));
	CHECK(n.r.dev->offered & BIT(VIRTIO_CONSOLE_F_SIZE));
	handshake(&n);
	guest_send(&n, 0, data, SEND_BYTES);
	guest_send(&n, 0, data, SEND_BYTES);
	CHECK(n.r.d[tx_of(0)].used->idx < 2);
	for (int i = 0; i < 1000 && got < (size_t)2 * SEND_BYTES; i++) {
		ssize_t len = read(master, data, sizeof(data));

		got += len > 0 ? (size_t)len : 0;
		pump(&n);
	}
	CHECK_EQ(got, 2 * SEND_BYTES);
	CHECK_EQ(n.r.d[tx_of(0)].used->idx, 2);
	(void)close(master);
	pump(&n);
	guest_send(&n, 0, "x", 1);
	CHECK(!is_broken(&n));
	rig_off(&n);
	(void)close(slave);
}

TEST_MAIN(TEST(test_file), TEST(test_long_file), TEST(test_pipes), TEST(test_guarded),
	  TEST(test_half_closed), TEST(test_clients), TEST(test_client_leaves), TEST(test_pty),
	  TEST(test_pty_is_slow))
