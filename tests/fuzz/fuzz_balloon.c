// SPDX-License-Identifier: GPL-2.0-or-later
/* A hostile driver of a balloon. HOST sets a target and asks for statistics. */
#include <sys/eventfd.h>

#include "spec/base/log.h"
#include "tests/fuzz/vq_ops.h"
#include "vmmode/virtio/balloon.h"

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
	uint64_t features;
} m;

static void on_stop(struct loop_source *src, uint32_t events)
{
	(void)src;
	(void)events;
	if (++m.stop_calls % 2 == 0)
		loop_stop(&m.loop);
}

static void setup(void)
{
	const struct virtio_balloon_options o = { .deflate_on_oom = true, .reporting = true };

	log_setup(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT, -1);
	m.ram = vqd_ram_new(&m.mem);
	m.stop = (struct loop_source){ .fd = eventfd(1, EFD_CLOEXEC), .ready = on_stop };
	if (loop_init(&m.loop) < 0 || loop_add(&m.loop, &m.stop, EPOLLIN) < 0 ||
	    virtio_balloon_new(&o, &m.loop, &m.dev, NULL) < 0)
		abort();
	for (size_t i = 0; i < QUEUES; i++) {
		m.dev->queues[i].kick_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		m.dev->queues[i].call_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	}
}

/* With reporting on queue 4 or behind the others: bit 0 of the features, which is not offered. */
static void fresh(void)
{
	virtio_device_reset(m.dev);
	m.dev->features = m.features & m.dev->offered;
	for (uint16_t i = 0; i < QUEUES - (m.features & 1); i++) {
		vqd_init(&m.d[i], m.ram, i, QUEUE_SIZE);
		m.dev->queues[i].config = m.d[i].config;
	}
	if (virtio_device_activate(m.dev, &m.mem) < 0)
		abort();
}

static void host(struct vq_input *in)
{
	uint32_t v = vq_take(in, 2);
	struct virtio_balloon_state s;

	if (virtio_balloon_set_target(m.dev, (uint64_t)v << 12) < 0)
		abort();
	v = vq_take(in, 1);
	m.dev->ops->config_write(m.dev, v % 16, &v, 1);
	virtio_balloon_refresh(m.dev);
	virtio_balloon_get_state(m.dev, &s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vq_input in = { data, size };

	if (!m.ram)
		setup();
	memset(m.ram, 0, VQD_BYTES);
	for (uint16_t i = 0; i < QUEUES; i++)
		vqd_init(&m.d[i], m.ram, i, QUEUE_SIZE);
	m.features = (uint64_t)vq_take(&in, 4) | UINT64_C(1) << 32;
	fresh();
	for (int i = 0; i < STEPS_MAX && in.left > 0; i++) {
		size_t queue;
		enum vq_op op = vq_step(&in, m.d, QUEUES, &queue);

		if (op == VQ_RUN &&
		    (eventfd_write(m.dev->queues[queue].kick_fd, 1) < 0 || loop_run(&m.loop) < 0))
			abort();
		if (op == VQ_HOST)
			host(&in);
		if (op == VQ_FRESH)
			fresh();
	}
	virtio_device_reset(m.dev);
	return 0;
}
