// SPDX-License-Identifier: GPL-2.0-or-later
/* A hostile driver of a balloon. HOST sets a target and asks for statistics. */

#include "tests/fuzz/device.h"
#include "vmmode/virtio/balloon.h"

enum { QUEUES = 5, STEPS_MAX = 64 };

static struct fuzz_device m = { .n_queues = QUEUES };

static void setup(void)
{
	const struct virtio_balloon_options o = { .deflate_on_oom = true, .reporting = true };

	fuzz_setup(&m);
	fuzz_add_stop(&m);
	if (virtio_balloon_new(&o, &m.loop, &m.dev, NULL) < 0)
		abort();
	fuzz_add_eventfds(&m);
}

/* With reporting on queue 4 or behind the others: bit 0 of the features, which is not offered. */
static void fresh(void)
{
	fuzz_activate(&m, QUEUES - (m.features & 1));
}

static void run(size_t queue)
{
	fuzz_run(&m, queue);
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
	static const struct fuzz_ops ops = { run, host, fresh };
	struct vq_input in = { data, size };

	if (!m.ram)
		setup();
	fuzz_begin(&m, &in);
	for (uint16_t i = 0; i < QUEUES; i++)
		vqd_init(&m.d[i], m.ram, i, FUZZ_QUEUE_SIZE);
	fresh();
	for (int i = 0; i < STEPS_MAX && in.left > 0; i++)
		fuzz_step(&m, &in, &ops);
	virtio_device_reset(m.dev);
	return 0;
}
