// SPDX-License-Identifier: GPL-2.0-or-later
/* A hostile driver of a console: port 0 and two named ones, with sockets on the host's side. */
#include <linux/virtio_console.h>
#include <sys/socket.h>

#include "tests/fuzz/device.h"
#include "vmmode/virtio/console.h"

enum { PORTS = 3, QUEUES = 2 * (PORTS + 1), STEPS_MAX = 64 };

static struct fuzz_device m = { .n_queues = QUEUES };
static int host_fds[PORTS], port_fds[PORTS];

/* A device of its own for each input: what an input closed stays closed. */
static void begin(void)
{
	static const char *const names[PORTS] = { NULL, "one", "two" };
	struct virtio_console_options o = { .n_ports = PORTS, .winch_fd = -1 };

	for (size_t i = 0; i < PORTS; i++) {
		int fds[2];

		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) < 0)
			abort();
		host_fds[i] = fds[0];
		port_fds[i] = fds[1];
		o.ports[i] = (struct console_port_options){ .name = names[i],
							    .kind = CONSOLE_STREAM,
							    .in_fd = fds[1],
							    .out_fd = fds[1],
							    .watch_fd = -1 };
	}
	if (virtio_console_new(&o, &m.loop, &m.dev, NULL) < 0)
		abort();
	fuzz_add_eventfds(&m);
}

static void end(void)
{
	int fds[2 * QUEUES];

	virtio_device_reset(m.dev);
	for (size_t i = 0; i < QUEUES; i++) {
		fds[2 * i] = m.dev->queues[i].kick_fd;
		fds[2 * i + 1] = m.dev->queues[i].call_fd;
	}
	m.dev->ops->destroy(m.dev);
	for (size_t i = 0; i < 2 * QUEUES; i++)
		(void)close(fds[i]);
	for (size_t i = 0; i < PORTS; i++) {
		(void)close(host_fds[i]);
		(void)close(port_fds[i]);
	}
}

static void fresh(void)
{
	fuzz_activate(&m, QUEUES);
}

static void run(size_t queue)
{
	fuzz_run(&m, queue);
}

/* The other side of a port reads, writes, or says that it has no more. */
static void host(struct vq_input *in)
{
	static uint8_t bytes[65536];
	size_t n = vq_take(in, 2);
	uint32_t what = vq_take(in, 1);
	int fd = host_fds[what % PORTS];

	if (what & 0x80)
		(void)shutdown(fd, (what & 0x40) ? SHUT_WR : SHUT_RDWR);
	else if (what & 0x40)
		m.dev->ops->config_write(m.dev, 8, &what, 4);
	else if (what & 0x20)
		while (recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
			;
	else
		(void)send(fd, bytes, n, MSG_DONTWAIT | MSG_NOSIGNAL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct fuzz_ops ops = { run, host, fresh };
	struct vq_input in = { data, size };

	if (!m.ram) {
		fuzz_setup(&m);
		fuzz_add_stop(&m);
	}
	begin();
	fuzz_begin(&m, &in);
	fresh();
	for (int i = 0; i < STEPS_MAX && in.left > 0; i++)
		fuzz_step(&m, &in, &ops);
	end();
	return 0;
}
