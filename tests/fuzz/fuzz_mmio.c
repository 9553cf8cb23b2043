// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A hostile driver of the transport, before a device without configuration and one with it. HOST n
 * b is an access to the registers: bits 0 to 8 of n are the offset, bit 15 a write (of the four
 * bytes that follow), the low two bits of b the width. RUN notifies a queue, FRESH is what a good
 * driver does up to DRIVER_OK.
 */
#include <linux/virtio_mmio.h>

#include "tests/fuzz/device.h"
#include "vmmode/virtio/balloon.h"
#include "vmmode/virtio/rng.h"
#include "vmmode/vmm/mmio.h"

enum { STEPS_MAX = 128, DEVICES = 2, BALLOON_QUEUES = 5, DRIVER_OK = 0xf };

static struct fuzz_device m;
static struct mmio transports[DEVICES];
static struct mmio *t; /* this input's */

static void setup(void)
{
	const struct virtio_balloon_options o = { .deflate_on_oom = true, .reporting = true };
	const struct mmio_options opts = { .base = 0xd0000000, .gsi = 5, .mem = &m.mem };
	struct virtio_device *devices[DEVICES];

	fuzz_setup(&m);
	fuzz_add_stop(&m);
	if (virtio_rng_new(&m.loop, &devices[0], NULL) < 0 ||
	    virtio_balloon_new(&o, &m.loop, &devices[1], NULL) < 0)
		abort();
	for (size_t i = 0; i < DEVICES; i++) {
		if (mmio_init(&transports[i], devices[i], &opts, NULL) < 0)
			abort();
	}
}

static void set(uint32_t reg, uint32_t v)
{
	t->range.write(&t->range, reg, &v, sizeof(v));
}

static void set_address(uint32_t low, gpa_t v)
{
	set(low, (uint32_t)v);
	set(low + 4, (uint32_t)(v >> 32));
}

static void run(size_t queue)
{
	set(VIRTIO_MMIO_QUEUE_NOTIFY, (uint32_t)queue);
	if (loop_run(&m.loop) < 0)
		abort();
}

static void host(struct vq_input *in)
{
	const uint32_t where = vq_take(in, 2);
	const uint32_t width = 1U << (vq_take(in, 1) & 3);
	uint64_t v = 0;

	if (where & 0x8000) {
		v = vq_take(in, 4) * UINT64_C(0x100000001);
		t->range.write(&t->range, where & 0x1ff, &v, width);
	} else {
		t->range.read(&t->range, where & 0x1ff, &v, width);
	}
	if (loop_run(&m.loop) < 0)
		abort();
}

static void fresh(void)
{
	set(VIRTIO_MMIO_STATUS, 0);
	for (uint32_t i = 0; i < 2; i++) {
		set(VIRTIO_MMIO_DRIVER_FEATURES_SEL, i);
		set(VIRTIO_MMIO_DRIVER_FEATURES, (uint32_t)(m.features >> (32 * i)));
	}
	set(VIRTIO_MMIO_STATUS, DRIVER_OK & ~4);
	for (uint16_t i = 0; i < m.n_queues; i++) {
		vqd_init(&m.d[i], m.ram, i, FUZZ_QUEUE_SIZE);
		set(VIRTIO_MMIO_QUEUE_SEL, i);
		set(VIRTIO_MMIO_QUEUE_NUM, FUZZ_QUEUE_SIZE);
		set_address(VIRTIO_MMIO_QUEUE_DESC_LOW, m.d[i].config.desc);
		set_address(VIRTIO_MMIO_QUEUE_AVAIL_LOW, m.d[i].config.avail);
		set_address(VIRTIO_MMIO_QUEUE_USED_LOW, m.d[i].config.used);
		set(VIRTIO_MMIO_QUEUE_READY, 1);
	}
	set(VIRTIO_MMIO_STATUS, DRIVER_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct fuzz_ops ops = { run, host, fresh };
	struct vq_input in = { data, size };

	if (!m.ram)
		setup();
	m.n_queues = vq_take(&in, 1) % DEVICES ? BALLOON_QUEUES : 1;
	t = &transports[m.n_queues > 1];
	fuzz_begin(&m, &in);
	m.features &= t->dev->offered | VIRTIO_COMMON_FEATURES;
	fresh();
	for (int i = 0; i < STEPS_MAX && in.left > 0; i++)
		fuzz_step(&m, &in, &ops);
	set(VIRTIO_MMIO_STATUS, 0);
	if (t->dev->active)
		abort();
	return 0;
}
