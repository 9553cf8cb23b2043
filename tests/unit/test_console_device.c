// SPDX-License-Identifier: GPL-2.0-or-later
/* The console device: options, configuration, size, life cycle. */
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>

#include "tests/unit/console_rig.h"

static void test_options(void)
{
	static char long_name[CONSOLE_NAME_MAX + 2];
	struct virtio_device *dev = NULL;
	struct err err = ERR_INIT;
	struct console_rig n;
	struct loop loop;

	CHECK_EQ(loop_init(&loop), 0);
	rig_ports(&n, 0);
	CHECK_EQ(virtio_console_new(&n.o, &loop, &dev, &err), -EINVAL);
	CHECK_STR(err.msg, "console: the number of ports must be 1 to 31");
	n.o.n_ports = CONSOLE_PORTS_MAX + 1;
	CHECK_EQ(virtio_console_new(&n.o, &loop, &dev, &err), -EINVAL);
	n.o.n_ports = 2;
	memset(long_name, 'x', CONSOLE_NAME_MAX + 1);
	n.o.ports[1].name = long_name;
	CHECK_EQ(virtio_console_new(&n.o, &loop, &dev, &err), -EINVAL);
	CHECK_STR(err.msg, "console: port 1: want a name of 1 to 63 bytes");
	n.o.ports[1].name = NULL;
	CHECK_EQ(virtio_console_new(&n.o, &loop, &dev, &err), -EINVAL);
	n.o.ports[1].name = "a";
	n.o.ports[1].kind = CONSOLE_STREAM;
	n.o.ports[1].in_fd = 999;
	CHECK_EQ(virtio_console_new(&n.o, &loop, &dev, &err), -EBADF);
	CHECK_STR(err.msg, "console: port 1: Bad file descriptor");
	CHECK(dev == NULL);
	loop_fini(&loop);
}

static void test_config(void)
{
	struct virtio_console_config c = { .emerg_wr = 7 };
	struct console_rig n;
	uint16_t half = 0;

	rig_ports(&n, CONSOLE_PORTS_MAX);
	rig_make(&n);
	CHECK_EQ(n.r.dev->id, 3);
	CHECK_EQ(n.r.dev->n_queues, 64);
	CHECK_EQ(n.r.dev->config_len, 12);
	n.r.dev->ops->config_read(n.r.dev, 0, &c, 12);
	CHECK_EQ(c.cols, 0);
	CHECK_EQ(c.rows, 0);
	CHECK_EQ(c.max_nr_ports, CONSOLE_PORTS_MAX);
	CHECK_EQ(c.emerg_wr, 0);
	n.r.dev->ops->config_read(n.r.dev, 4, &half, 2);
	CHECK_EQ(half, CONSOLE_PORTS_MAX);
	CHECK_EQ(n.r.dev->offered, BIT(1) | BIT(2)); /* nothing that has a size */
	rig_off(&n);
}

/* Before the driver said a word, and whatever it writes besides. */
static void test_emergency(void)
{
	const uint32_t word = 'A' | 0xffffff00;
	struct console_rig n;
	int host;

	rig_ports(&n, 1);
	host = rig_socket(&n, 0);
	rig_make(&n);
	rig_drop(&n, 0);
	for (uint32_t off = 0; off < 12; off++)
		n.r.dev->ops->config_write(n.r.dev, off, &word, off == 8 ? 4 : 1);
	CHECK_STR(host_got(host), "A");
	for (int i = 0; i < 500000; i++) /* nobody reads: it must not wait */
		n.r.dev->ops->config_write(n.r.dev, 8, &word, 4);
	(void)close(host);
	n.r.dev->ops->config_write(n.r.dev, 8, &word, 4);
	rig_off(&n);
	rig_ports(&n, 1);
	rig_make(&n);
	n.r.dev->ops->config_write(n.r.dev, 8, &word, 4);
	rig_off(&n);
}

static void set_size(int fd, uint16_t rows, uint16_t cols)
{
	const struct winsize size = { .ws_row = rows, .ws_col = cols };

	CHECK_EQ(ioctl(fd, TIOCSWINSZ, &size), 0);
}

/* A terminal whose size changes; SIGWINCH says so. */
static void test_size(void)
{
	struct virtio_console_config c = { 0 };
	struct console_rig n;
	sigset_t set;
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	int slave;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGWINCH);
	CHECK_EQ(sigprocmask(SIG_BLOCK, &set, NULL), 0);
	CHECK_EQ(unlockpt(master), 0);
	slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	set_size(master, 24, 80);
	rig_ports(&n, 1);
	rig_stream(&n, 0, slave, slave);
	n.o.winch_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	rig_make(&n);
	CHECK(n.r.dev->offered & BIT(VIRTIO_CONSOLE_F_SIZE));
	n.r.dev->ops->config_read(n.r.dev, 0, &c, 12);
	CHECK_EQ(c.cols, 80);
	CHECK_EQ(c.rows, 24);
	/* Before a driver is there: nobody is interrupted. */
	set_size(master, 25, 80);
	CHECK_EQ(raise(SIGWINCH), 0);
	pump(&n);
	CHECK(!rig_signalled(n.r.dev->config_call_fd, 0));
	rig_on(&n, MULTIPORT | BIT(VIRTIO_CONSOLE_F_SIZE));
	offer_ctrl(&n, 16);
	tell(&n, 0, VIRTIO_CONSOLE_DEVICE_READY, 1);
	tell(&n, 0, VIRTIO_CONSOLE_PORT_READY, 1);
	CHECK_STR(heard(&n), "ADD 0 1");
	CHECK_STR(heard(&n), "CONSOLE 0 1");
	CHECK_STR(heard(&n), "RESIZE 0 1 80x25");
	CHECK_STR(heard(&n), "OPEN 0 1");
	CHECK_EQ(raise(SIGWINCH), 0); /* without a change */
	pump(&n);
	CHECK_STR(heard(&n), "");
	set_size(master, 50, 100);
	CHECK_EQ(raise(SIGWINCH), 0);
	pump(&n);
	CHECK_STR(heard(&n), "RESIZE 0 1 100x50");
	CHECK(rig_signalled(n.r.dev->config_call_fd, 0));
	set_size(master, 0, 0); /* not known: what was stays */
	CHECK_EQ(raise(SIGWINCH), 0);
	pump(&n);
	CHECK_STR(heard(&n), "");
	n.r.dev->ops->config_read(n.r.dev, 0, &c, 12);
	CHECK_EQ(c.cols, 100);
	/* A driver that knows sizes, but no ports. */
	virtio_device_reset(n.r.dev);
	rig_on(&n, BIT(VIRTIO_CONSOLE_F_SIZE));
	set_size(master, 51, 100);
	CHECK_EQ(raise(SIGWINCH), 0);
	pump(&n);
	CHECK(rig_signalled(n.r.dev->config_call_fd, 0));
	rig_off(&n);
	(void)close(n.o.winch_fd);
	(void)close(master);
	(void)close(slave);
}

/* A reset with output half written and input waiting: the next driver starts clean. */
static void test_reset(void)
{
	static uint8_t data[SEND_BYTES];
	struct console_rig n;
	int host = rig_with_socket(&n);

	for (int round = 0; round < 3; round++) {
		handshake(&n);
		for (int i = 0; i < 4; i++)
			guest_send(&n, 1, data, SEND_BYTES);
		CHECK(n.r.d[tx_of(1)].used->idx < 4);
		virtio_device_reset(n.r.dev);
		pump(&n);
		while (read(host, data, sizeof(data)) > 0)
			;
		CHECK(!is_broken(&n));
	}
	host_send(&n, host, "kept");
	handshake(&n);
	offer(&n, 1, 1);
	CHECK_STR(guest_got(&n, 1), "kept");
	guest_send(&n, 1, "clean", 5);
	CHECK_STR(host_got(host), "clean");
	rig_off(&n);
	(void)close(host);
}

/* Queues that the driver left out are not touched. */
static void test_few_queues(void)
{
	struct console_rig n;
	int host = rig_with_socket(&n);

	for (uint16_t n_queues = 0; n_queues <= 6; n_queues++) {
		CHECK_EQ(rig_activate(&n.r, V1 | MULTIPORT, n_queues), 0);
		host_send(&n, host, "x");
		for (uint16_t i = 0; i < 6; i++) {
			rig_kick(&n.r, i);
			pump(&n);
		}
		CHECK(!is_broken(&n));
		virtio_device_reset(n.r.dev);
	}
	rig_off(&n);
	(void)close(host);
}

TEST_MAIN(TEST(test_options), TEST(test_config), TEST(test_emergency), TEST(test_size),
	  TEST(test_reset), TEST(test_few_queues))
