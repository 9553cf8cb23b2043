// SPDX-License-Identifier: GPL-2.0-or-later
/* The virtio-mmio transport, without KVM: a good driver, and one that writes what it must not. */
#include "vmmode/vmm/mmio.h"

#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>
#include <unistd.h>

#include "tests/unit/test.h"
#include "tests/unit/vq_driver.h"

enum { QUEUES = 2, SIZE_MAX_ = 16, CONFIG_BYTES = 10 };
enum {
	ACK = VIRTIO_CONFIG_S_ACKNOWLEDGE,
	DRIVER = VIRTIO_CONFIG_S_DRIVER,
	FEATURES_OK = VIRTIO_CONFIG_S_FEATURES_OK,
	DRIVER_OK = VIRTIO_CONFIG_S_DRIVER_OK,
	FAILED = VIRTIO_CONFIG_S_FAILED,
	NEEDS_RESET = VIRTIO_CONFIG_S_NEEDS_RESET,
};

static struct toy {
	struct virtio_device dev;
	struct virtio_queue queues[QUEUES];
	uint8_t config[CONFIG_BYTES];
	int activations, resets, destroyed, activate_rc;
} toy;

static void config_read(struct virtio_device *dev, uint32_t off, void *data, uint32_t len)
{
	(void)dev;
	if (off + len > CONFIG_BYTES)
		abort();
	memcpy(data, toy.config + off, len);
}

static void config_write(struct virtio_device *dev, uint32_t off, const void *data, uint32_t len)
{
	(void)dev;
	if (off + len > CONFIG_BYTES)
		abort();
	memcpy(toy.config + off, data, len);
}

static int activate(struct virtio_device *dev)
{
	(void)dev;
	toy.activations++;
	return toy.activate_rc;
}

static void on_reset(struct virtio_device *dev)
{
	(void)dev;
	toy.resets++;
}

static void destroy(struct virtio_device *dev)
{
	(void)dev;
	toy.destroyed++;
}

static const struct virtio_device_ops toy_ops = {
	.name = "toy",
	.config_read = config_read,
	.config_write = config_write,
	.activate = activate,
	.reset = on_reset,
	.destroy = destroy,
};

static struct mmio m;
static struct guest_mem mem;
static struct vqd vq;
static uint8_t *ram;

static uint32_t get(uint32_t reg)
{
	uint32_t v;

	m.range.read(&m.range, reg, &v, sizeof(v));
	return v;
}

static void set(uint32_t reg, uint32_t v)
{
	m.range.write(&m.range, reg, &v, sizeof(v));
}

static void begin(void)
{
	const struct mmio_options opts = { .base = 0xd0000000, .gsi = 5, .mem = &mem };

	toy = (struct toy){ 0 };
	toy.dev = (struct virtio_device){ .ops = &toy_ops,
					  .id = 42,
					  .offered = 0x5,
					  .config_len = CONFIG_BYTES,
					  .n_queues = QUEUES,
					  .queues = toy.queues };
	for (int i = 0; i < QUEUES; i++)
		toy.queues[i].size_max = SIZE_MAX_;
	mem = (struct guest_mem){ .n = 0 };
	ram = vqd_ram_new(&mem);
	vqd_init(&vq, ram, 0, 8);
	CHECK_EQ(mmio_init(&m, &toy.dev, &opts, NULL), 0);
}

static void end(void)
{
	mmio_fini(&m);
	CHECK_EQ(toy.destroyed, 1);
	free(ram);
}

static void negotiate(uint64_t features)
{
	set(VIRTIO_MMIO_STATUS, 0);
	set(VIRTIO_MMIO_STATUS, ACK);
	set(VIRTIO_MMIO_STATUS, ACK | DRIVER);
	for (uint32_t i = 0; i < 2; i++) {
		set(VIRTIO_MMIO_DRIVER_FEATURES_SEL, i);
		set(VIRTIO_MMIO_DRIVER_FEATURES, (uint32_t)(features >> (32 * i)));
	}
	set(VIRTIO_MMIO_STATUS, ACK | DRIVER | FEATURES_OK);
}

static void set_queue(const struct virtq_config *c)
{
	set(VIRTIO_MMIO_QUEUE_SEL, 0);
	set(VIRTIO_MMIO_QUEUE_NUM, c->size);
	set(VIRTIO_MMIO_QUEUE_DESC_LOW, (uint32_t)c->desc);
	set(VIRTIO_MMIO_QUEUE_DESC_HIGH, (uint32_t)(c->desc >> 32));
	set(VIRTIO_MMIO_QUEUE_AVAIL_LOW, (uint32_t)c->avail);
	set(VIRTIO_MMIO_QUEUE_AVAIL_HIGH, (uint32_t)(c->avail >> 32));
	set(VIRTIO_MMIO_QUEUE_USED_LOW, (uint32_t)c->used);
	set(VIRTIO_MMIO_QUEUE_USED_HIGH, (uint32_t)(c->used >> 32));
	set(VIRTIO_MMIO_QUEUE_READY, 1);
}

static const uint64_t version_1 = UINT64_C(1) << VIRTIO_F_VERSION_1;

static void go(void)
{
	negotiate(version_1 | 1);
	set_queue(&vq.config);
	set(VIRTIO_MMIO_STATUS, ACK | DRIVER | FEATURES_OK | DRIVER_OK);
}

static bool kicked(unsigned int i)
{
	uint64_t n;

	return toy.queues[i].kick_fd >= 0 && read(toy.queues[i].kick_fd, &n, sizeof(n)) > 0;
}

static void test_identity(void)
{
	begin();
	CHECK_EQ(get(VIRTIO_MMIO_MAGIC_VALUE), 0x74726976);
	CHECK_EQ(get(VIRTIO_MMIO_VERSION), 2);
	CHECK_EQ(get(VIRTIO_MMIO_DEVICE_ID), 42);
	CHECK_EQ(get(VIRTIO_MMIO_SHM_LEN_LOW), UINT32_MAX);
	set(VIRTIO_MMIO_DEVICE_FEATURES_SEL, 0);
	CHECK_EQ(get(VIRTIO_MMIO_DEVICE_FEATURES), 0x5 | 1U << 28 | 1U << 29);
	set(VIRTIO_MMIO_DEVICE_FEATURES_SEL, 1);
	CHECK_EQ(get(VIRTIO_MMIO_DEVICE_FEATURES), 1);
	set(VIRTIO_MMIO_DEVICE_FEATURES_SEL, 2);
	CHECK_EQ(get(VIRTIO_MMIO_DEVICE_FEATURES), 0);
	set(VIRTIO_MMIO_QUEUE_SEL, QUEUES);
	CHECK_EQ(get(VIRTIO_MMIO_QUEUE_NUM_MAX), 0);
	set(VIRTIO_MMIO_QUEUE_SEL, QUEUES - 1);
	CHECK_EQ(get(VIRTIO_MMIO_QUEUE_NUM_MAX), SIZE_MAX_);
	end();
}

static void test_good_driver(void)
{
	begin();
	go();
	CHECK_EQ(get(VIRTIO_MMIO_STATUS), ACK | DRIVER | FEATURES_OK | DRIVER_OK);
	CHECK_EQ(toy.activations, 1);
	CHECK_EQ(toy.dev.features, version_1 | 1);
	CHECK(virtq_is_active(&toy.queues[0].vq));
	CHECK(!virtq_is_active(&toy.queues[1].vq));
	CHECK_EQ(get(VIRTIO_MMIO_INTERRUPT_STATUS), VIRTIO_MMIO_INT_VRING);
	set(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	CHECK(kicked(0));
	set(VIRTIO_MMIO_STATUS, 0);
	CHECK_EQ(toy.resets, 1);
	CHECK_EQ(get(VIRTIO_MMIO_STATUS), 0);
	set(VIRTIO_MMIO_QUEUE_SEL, 0);
	CHECK_EQ(get(VIRTIO_MMIO_QUEUE_READY), 0);
	go();
	CHECK_EQ(toy.activations, 2);
	end();
	CHECK_EQ(toy.resets, 2);
}

/* Class 7: the state machine, and registers out of their time. */
static void test_states(void)
{
	struct virtq_config other = { .size = 16, .ready = true, .desc = 0, .avail = 0, .used = 0 };

	begin();
	set(VIRTIO_MMIO_STATUS, DRIVER);
	CHECK_EQ(get(VIRTIO_MMIO_STATUS), 0);
	set(VIRTIO_MMIO_STATUS, ACK | FEATURES_OK | DRIVER_OK);
	CHECK_EQ(get(VIRTIO_MMIO_STATUS), ACK);
	set_queue(&vq.config); /* too early */
	CHECK_EQ(get(VIRTIO_MMIO_QUEUE_READY), 0);
	negotiate(0); /* no VERSION_1 */
	CHECK_EQ(get(VIRTIO_MMIO_STATUS), ACK | DRIVER);
	negotiate(version_1 | 2); /* not offered */
	CHECK_EQ(get(VIRTIO_MMIO_STATUS), ACK | DRIVER);
	go();
	set_queue(&other); /* too late */
	CHECK_EQ(toy.queues[0].config.size, 8);
	CHECK_EQ(toy.queues[0].config.desc, vq.config.desc);
	set(VIRTIO_MMIO_DRIVER_FEATURES_SEL, 0);
	set(VIRTIO_MMIO_DRIVER_FEATURES, 0);
	CHECK_EQ(toy.dev.features, version_1 | 1);
	set(VIRTIO_MMIO_STATUS, ACK); /* bits are not cleared */
	CHECK_EQ(get(VIRTIO_MMIO_STATUS), ACK | DRIVER | FEATURES_OK | DRIVER_OK);
	set(VIRTIO_MMIO_STATUS, 0xffffffff);
	CHECK_EQ(get(VIRTIO_MMIO_STATUS), ACK | DRIVER | FEATURES_OK | DRIVER_OK | FAILED);
	CHECK_EQ(toy.activations, 1);
	end();
}

static void test_bad_queues(void)
{
	static const struct virtq_config bad[] = {
		{ 0, true, VQD_GPA, VQD_GPA + 0x4000, VQD_GPA + 0x5000 },
		{ 3, true, VQD_GPA, VQD_GPA + 0x4000, VQD_GPA + 0x5000 },
		{ 32, true, VQD_GPA, VQD_GPA + 0x4000, VQD_GPA + 0x5000 },
		{ 8, true, VQD_GPA + 1, VQD_GPA + 0x4000, VQD_GPA + 0x5000 },
		{ 8, true, 0, VQD_GPA + 0x4000, VQD_GPA + 0x5000 },
		{ 8, true, UINT64_MAX - 15, VQD_GPA + 0x4000, VQD_GPA + 0x5000 },
		{ 8, true, VQD_GPA, 0xd0000000, VQD_GPA + 0x5000 },
	};

	begin();
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		negotiate(version_1);
		set_queue(&bad[i]);
		set(VIRTIO_MMIO_STATUS, ACK | DRIVER | FEATURES_OK | DRIVER_OK);
		CHECK(get(VIRTIO_MMIO_STATUS) & NEEDS_RESET);
		CHECK(get(VIRTIO_MMIO_INTERRUPT_STATUS) & VIRTIO_MMIO_INT_CONFIG);
		set(VIRTIO_MMIO_INTERRUPT_ACK, 3);
		CHECK(!(get(VIRTIO_MMIO_INTERRUPT_STATUS) & VIRTIO_MMIO_INT_CONFIG));
	}
	CHECK_EQ(toy.activations, 0);
	negotiate(version_1);
	set(VIRTIO_MMIO_QUEUE_NUM, 0x10008); /* not 8 */
	CHECK_EQ(toy.queues[0].config.size, 0);
	end();
}

static void test_failing_backend(void)
{
	begin();
	toy.activate_rc = -ENOMEM;
	go();
	CHECK(get(VIRTIO_MMIO_STATUS) & NEEDS_RESET);
	set(VIRTIO_MMIO_STATUS, 0);
	CHECK_EQ(get(VIRTIO_MMIO_STATUS), 0);
	end();
}

/* Class 18: notifications of all numbers in all states. */
static void test_notify(void)
{
	begin();
	for (uint32_t i = 0; i < 65536; i++)
		set(VIRTIO_MMIO_QUEUE_NOTIFY, i);
	CHECK(!kicked(0));
	go();
	for (uint32_t i = 1; i < 65536; i++)
		set(VIRTIO_MMIO_QUEUE_NOTIFY, i);
	set(VIRTIO_MMIO_QUEUE_NOTIFY, 0xffffffff);
	CHECK(!kicked(0));
	CHECK(!kicked(1)); /* not ready */
	set(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	set(VIRTIO_MMIO_STATUS, 0);
	CHECK(!kicked(0)); /* drained by the reset */
	end();
}

/* Class 10: every offset by every width; the toy aborts when asked for what is not there. */
static void test_widths(void)
{
	static const uint32_t widths[] = { 1, 2, 3, 4, 8 };
	uint8_t data[8];

	begin();
	go();
	for (uint64_t off = 0; off < 0x1000; off++) {
		for (size_t i = 0; i < ARRAY_LEN(widths); i++) {
			memset(data, 0xee, sizeof(data));
			m.range.read(&m.range, off, data, widths[i]);
			if (off < VIRTIO_MMIO_CONFIG && widths[i] != 4)
				CHECK_EQ(data[0], 0);
			if (off >= VIRTIO_MMIO_CONFIG)
				m.range.write(&m.range, off, data, widths[i]);
		}
	}
	memcpy(toy.config, "0123456789", CONFIG_BYTES);
	m.range.read(&m.range, VIRTIO_MMIO_CONFIG + 8, data, 2);
	CHECK_MEM(data, "89", 2);
	m.range.read(&m.range, VIRTIO_MMIO_CONFIG + 8, data, 4); /* over its end */
	CHECK_MEM(data, "\0\0\0\0", 4);
	m.range.write(&m.range, VIRTIO_MMIO_CONFIG + 9, "XY", 2);
	CHECK_EQ(toy.config[9], '9');
	end();
}

static void test_generation(void)
{
	begin();
	go();
	virtio_device_config_changed(&toy.dev);
	CHECK_EQ(get(VIRTIO_MMIO_CONFIG_GENERATION), 2);
	CHECK(get(VIRTIO_MMIO_INTERRUPT_STATUS) & VIRTIO_MMIO_INT_CONFIG);
	virtio_device_config_changed(&toy.dev); /* between look and acknowledgement */
	set(VIRTIO_MMIO_INTERRUPT_ACK, VIRTIO_MMIO_INT_CONFIG);
	CHECK(get(VIRTIO_MMIO_INTERRUPT_STATUS) & VIRTIO_MMIO_INT_CONFIG);
	set(VIRTIO_MMIO_INTERRUPT_ACK, VIRTIO_MMIO_INT_CONFIG);
	CHECK(!(get(VIRTIO_MMIO_INTERRUPT_STATUS) & VIRTIO_MMIO_INT_CONFIG));
	end();
}

TEST_MAIN(TEST(test_identity), TEST(test_good_driver), TEST(test_states), TEST(test_bad_queues),
	  TEST(test_failing_backend), TEST(test_notify), TEST(test_widths), TEST(test_generation))
