// SPDX-License-Identifier: GPL-2.0-or-later
/* A hostile driver of a network device, with a socket in the place of the TAP. */
#include <linux/virtio_net.h>
#include <sys/socket.h>

#include "tests/fuzz/device.h"
#include "vmmode/virtio/net.h"

enum { QUEUES = 5, STEPS_MAX = 64 };

static struct fuzz_device m = { .n_queues = QUEUES };
static int host_fd, tap_fd;

static void setup(void)
{
	struct virtio_net_options o = { .n_pairs = 2 };
	int fds[2];

	fuzz_setup(&m);
	fuzz_add_stop(&m);
	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) < 0)
		abort();
	host_fd = fds[0];
	tap_fd = o.tap_fds[0] = fds[1];
	o.tap_fds[1] = dup(fds[1]);
	if (virtio_net_new(&o, &m.loop, &m.dev, NULL) < 0)
		abort();
	fuzz_add_eventfds(&m);
}

static void fresh(void)
{
	fuzz_activate(&m, QUEUES);
}

static void run(size_t queue)
{
	char packet[128];

	fuzz_run(&m, queue);
	while (recv(host_fd, packet, sizeof(packet), 0) >= 0)
		;
}

static void host(struct vq_input *in)
{
	static uint8_t packet[65536 + 64];
	size_t n = vq_take(in, 2);

	memset(packet, (int)vq_take(in, 1), n);
	(void)send(host_fd, packet, n, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct fuzz_ops ops = { run, host, fresh };
	struct vq_input in = { data, size };

	if (!m.ram)
		setup();
	fuzz_begin(&m, &in);
	fresh();
	for (int i = 0; i < STEPS_MAX && in.left > 0; i++)
		fuzz_step(&m, &in, &ops);
	/* What the host sent and nobody took is not the next input's. */
	virtio_device_reset(m.dev);
	for (char c; recv(tap_fd, &c, 1, 0) >= 0;)
		;
	return 0;
}
