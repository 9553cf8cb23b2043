// SPDX-License-Identifier: GPL-2.0-or-later
/* A hostile driver of a console: port 0 and two named ones, with sockets on the host's side. */
#include <linux/virtio_console.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "spec/base/log.h"
#include "tests/fuzz/vq_ops.h"
#include "vmmode/virtio/console.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { QUEUE_SIZE = 16, PORTS = 3, QUEUES = 2 * (PORTS + 1), STEPS_MAX = 64 };

static struct {
	struct guest_mem mem;
	uint8_t *ram;
	struct vqd d[QUEUES];
	struct virtio_device *dev;
	struct loop loop;
	struct loop_source stop;
	int stop_calls;
	int host_fds[PORTS], port_fds[PORTS];
	uint64_t features;
} m;

static void on_stop(struct loop_source *src, uint32_t events)
{
	(void)src;
	(void)events;
	/* All that is ready has its turn between two calls. */
	if (++m.stop_calls % 2 == 0)
		loop_stop(&m.loop);
}

static void setup(void)
{
	log_setup(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT, -1);
	m.ram = vqd_ram_new(&m.mem);
	m.stop = (struct loop_source){ .fd = eventfd(1, EFD_CLOEXEC), .ready = on_stop };
	if (loop_init(&m.loop) < 0 || loop_add(&m.loop, &m.stop, EPOLLIN) < 0)
		abort();
}

/* A device of its own for each input: what an input closed stays closed. */
static void begin(void)
{
	static const char *const names[PORTS] = { NULL, "one", "two" };
	struct virtio_console_options o = { .n_ports = PORTS, .winch_fd = -1 };

	for (size_t i = 0; i < PORTS; i++) {
		int fds[2];

		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) < 0)
			abort();
		m.host_fds[i] = fds[0];
		m.port_fds[i] = fds[1];
		o.ports[i] = (struct console_port_options){ .name = names[i],
							    .kind = CONSOLE_STREAM,
							    .in_fd = fds[1],
							    .out_fd = fds[1],
							    .watch_fd = -1 };
	}
	if (virtio_console_new(&o, &m.loop, &m.dev, NULL) < 0)
		abort();
	for (size_t i = 0; i < QUEUES; i++) {
		m.dev->queues[i].kick_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		m.dev->queues[i].call_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	}
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
		(void)close(m.host_fds[i]);
		(void)close(m.port_fds[i]);
	}
}

static void fresh(void)
{
	virtio_device_reset(m.dev);
	m.dev->features = m.features & (m.dev->offered | VIRTIO_COMMON_FEATURES);
	for (uint16_t i = 0; i < QUEUES; i++) {
		vqd_init(&m.d[i], m.ram, i, QUEUE_SIZE);
		m.dev->queues[i].config = m.d[i].config;
	}
	if (virtio_device_activate(m.dev, &m.mem) < 0)
		abort();
}

static void run(size_t queue)
{
	if (eventfd_write(m.dev->queues[queue].kick_fd, 1) < 0 || loop_run(&m.loop) < 0)
		abort();
	m.loop.stopping = false; /* the machine goes on */
}

/* The other side of a port reads, writes, or says that it has no more. */
static void host(struct vq_input *in)
{
	static uint8_t bytes[65536];
	size_t n = vq_take(in, 2);
	uint32_t what = vq_take(in, 1);
	int fd = m.host_fds[what % PORTS];

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
	struct vq_input in = { data, size };

	if (!m.ram)
		setup();
	memset(m.ram, 0, VQD_BYTES);
	begin();
	m.features = (uint64_t)vq_take(&in, 4) | UINT64_C(1) << 32;
	fresh();
	for (int i = 0; i < STEPS_MAX && in.left > 0; i++) {
		size_t queue;

		switch (vq_step(&in, m.d, QUEUES, &queue)) {
		case VQ_RUN:
			run(queue);
			break;
		case VQ_HOST:
			host(&in);
			break;
		case VQ_FRESH:
			fresh();
			break;
		case VQ_DESC:
		case VQ_PUBLISH:
		case VQ_BYTES:
		case VQ_INDEX:
		case VQ_OPS:
			break;
		}
	}
	end();
	return 0;
}
