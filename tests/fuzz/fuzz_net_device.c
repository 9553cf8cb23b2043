// SPDX-License-Identifier: GPL-2.0-or-later
/* A hostile driver of a network device, with a socket in the place of the TAP. */
#include <linux/virtio_net.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "spec/base/log.h"
#include "tests/fuzz/vq_ops.h"
#include "vmmode/virtio/net.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { QUEUE_SIZE = 16, QUEUES = 5, STEPS_MAX = 64 };

static struct {
	struct guest_mem mem;
	uint8_t *ram;
	struct vqd d[QUEUES];
	struct virtio_device *dev;
	struct loop loop;
	struct loop_source stop;
	int stop_calls;
	int host_fd, tap_fd;
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
	struct virtio_net_options o = { .n_pairs = 2 };
	int fds[2];

	log_setup(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT, -1);
	m.ram = vqd_ram_new(&m.mem);
	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) < 0)
		abort();
	m.host_fd = fds[0];
	m.tap_fd = o.tap_fds[0] = fds[1];
	o.tap_fds[1] = dup(fds[1]);
	m.stop = (struct loop_source){ .fd = eventfd(1, EFD_CLOEXEC), .ready = on_stop };
	if (loop_init(&m.loop) < 0 || loop_add(&m.loop, &m.stop, EPOLLIN) < 0 ||
	    virtio_net_new(&o, &m.loop, &m.dev, NULL) < 0)
		abort();
	for (size_t i = 0; i < QUEUES; i++) {
		m.dev->queues[i].kick_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		m.dev->queues[i].call_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	}
}

static void fresh(void)
{
	virtio_device_reset(m.dev);
	m.dev->features = m.features & m.dev->offered;
	for (uint16_t i = 0; i < QUEUES; i++) {
		vqd_init(&m.d[i], m.ram, i, QUEUE_SIZE);
		m.dev->queues[i].config = m.d[i].config;
	}
	if (virtio_device_activate(m.dev, &m.mem) < 0)
		abort();
}

static void run(size_t queue)
{
	char packet[128];

	if (eventfd_write(m.dev->queues[queue].kick_fd, 1) < 0 || loop_run(&m.loop) < 0)
		abort();
	while (recv(m.host_fd, packet, sizeof(packet), 0) >= 0)
		;
}

static void host(struct vq_input *in)
{
	static uint8_t packet[65536 + 64];
	size_t n = vq_take(in, 2);

	memset(packet, (int)vq_take(in, 1), n);
	(void)send(m.host_fd, packet, n, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vq_input in = { data, size };

	if (!m.ram)
		setup();
	memset(m.ram, 0, VQD_BYTES);
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
	/* What the host sent and nobody took is not the next input's. */
	virtio_device_reset(m.dev);
	for (char c; recv(m.tap_fd, &c, 1, 0) >= 0;)
		;
	return 0;
}
