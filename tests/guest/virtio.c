// SPDX-License-Identifier: GPL-2.0-or-later
/* A minimal virtio-mmio driver in the test guest. */
#include "tests/guest/guest.h"

enum {
	REG_MAGIC = 0x000,
	REG_VERSION = 0x004,
	REG_DEVICE_ID = 0x008,
	REG_DRIVER_FEATURES = 0x020,
	REG_DRIVER_FEATURES_SEL = 0x024,
	REG_QUEUE_SEL = 0x030,
	REG_QUEUE_NUM_MAX = 0x034,
	REG_QUEUE_NUM = 0x038,
	REG_QUEUE_READY = 0x044,
	REG_QUEUE_NOTIFY = 0x050,
	REG_INTERRUPT_STATUS = 0x060,
	REG_INTERRUPT_ACK = 0x064,
	REG_STATUS = 0x070,
	REG_QUEUE_DESC = 0x080,
	REG_QUEUE_AVAIL = 0x090,
	REG_QUEUE_USED = 0x0a0,
	REG_CONFIG = 0x100,
	QUEUE_SIZE = 8,
	ACK = 1,
	DRIVER = 2,
	DRIVER_OK = 4,
	FEATURES_OK = 8,
	NEEDS_RESET = 64,
	DESC_NEXT = 1,
	DESC_WRITE = 2,
	ID_RNG = 4,
	ID_BALLOON = 5,
	CONFIG = 0x100,
	CONFIG_ACTUAL = CONFIG + 4,
	PFNS = 256,
	MIB = 1 << 20,
	BALLOON_START = 16 * MIB, /* what is given away begins here */
	BYTES = 64,
};

static struct {
	struct {
		uint64_t addr;
		uint32_t len;
		uint16_t flags, next;
	} desc[QUEUE_SIZE];
	struct {
		volatile uint16_t flags, idx;
		uint16_t ring[QUEUE_SIZE], event;
	} avail;
	struct {
		volatile uint16_t flags, idx;
		struct {
			volatile uint32_t id, len;
		} ring[QUEUE_SIZE];
		uint16_t event;
	} used __attribute__((aligned(4)));
} queues[VQ_MAX] __attribute__((aligned(4096)));

#define queue queues[0]

static uint8_t buffer[BYTES];

static void set(uint32_t reg, uint32_t v)
{
	write32(VIRTIO_BASE + reg, v);
}

static uint32_t get(uint32_t reg)
{
	return read32(VIRTIO_BASE + reg);
}

static bool negotiate(uint32_t features)
{
	set(REG_STATUS, 0);
	set(REG_STATUS, ACK);
	set(REG_STATUS, ACK | DRIVER);
	set(REG_DRIVER_FEATURES_SEL, 0);
	set(REG_DRIVER_FEATURES, features);
	set(REG_DRIVER_FEATURES_SEL, 1);
	set(REG_DRIVER_FEATURES, 1); /* VERSION_1 */
	set(REG_STATUS, ACK | DRIVER | FEATURES_OK);
	return get(REG_STATUS) == (ACK | DRIVER | FEATURES_OK);
}

static void set_queue(uint32_t index, uint64_t desc, uint32_t size)
{
	const uint64_t avail = (uint64_t)&queues[index].avail;
	const uint64_t used = (uint64_t)&queues[index].used;

	set(REG_QUEUE_SEL, index);
	set(REG_QUEUE_NUM, size);
	set(REG_QUEUE_DESC, (uint32_t)desc);
	set(REG_QUEUE_DESC + 4, (uint32_t)(desc >> 32));
	set(REG_QUEUE_AVAIL, (uint32_t)avail);
	set(REG_QUEUE_USED, (uint32_t)used);
	set(REG_QUEUE_READY, 1);
}

bool vq_open(uint32_t id, uint32_t features, uint32_t n_queues)
{
	if (get(REG_MAGIC) != 0x74726976 || get(REG_DEVICE_ID) != id || !negotiate(features))
		return false;
	irq_init();
	irq_route(VIRTIO_GSI, VECTOR_DEVICE);
	for (uint32_t i = 0; i < n_queues; i++)
		set_queue(i, (uint64_t)queues[i].desc, QUEUE_SIZE);
	set(REG_STATUS, ACK | DRIVER | FEATURES_OK | DRIVER_OK);
	return get(REG_STATUS) == (ACK | DRIVER | FEATURES_OK | DRIVER_OK);
}

uint32_t vq_config(uint32_t offset)
{
	return get(REG_CONFIG + offset);
}

void vq_put(uint32_t index, const struct vq_buffer *b, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		queues[index].desc[i].addr = (uint64_t)b[i].data;
		queues[index].desc[i].len = b[i].len;
		queues[index].desc[i].flags =
		    (uint16_t)((b[i].write ? DESC_WRITE : 0) | (i + 1 < n ? DESC_NEXT : 0));
		queues[index].desc[i].next = (uint16_t)(i + 1);
	}
	queues[index].avail.ring[queues[index].avail.idx % QUEUE_SIZE] = 0;
	__asm__ volatile("" : : : "memory");
	queues[index].avail.idx++;
	set(REG_QUEUE_NOTIFY, index);
}

uint32_t vq_wait(uint32_t index)
{
	/* An interrupt that came before the sleep is not lost: irq_wait() looks with them off. */
	for (;;) {
		const uint32_t seen = irq_count[VECTOR_DEVICE - VECTOR_TIMER];

		set(REG_INTERRUPT_ACK, 3);
		if (queues[index].used.idx == queues[index].avail.idx)
			break;
		irq_wait(VECTOR_DEVICE, seen + 1);
	}
	return queues[index].used.ring[(queues[index].used.idx - 1) % QUEUE_SIZE].len;
}

uint32_t vq_call(uint32_t index, const struct vq_buffer *b, unsigned int n)
{
	vq_put(index, b, n);
	return vq_wait(index);
}

static void ask(void)
{
	queue.desc[0].addr = (uint64_t)buffer;
	queue.desc[0].len = BYTES;
	queue.desc[0].flags = DESC_WRITE;
	queue.avail.ring[queue.avail.idx % QUEUE_SIZE] = 0;
	queue.avail.idx++;
	set(REG_QUEUE_NOTIFY, 0);
}

unsigned int rng_test(void)
{
	uint32_t sum = 0;

	if (get(REG_MAGIC) != 0x74726976 || get(REG_VERSION) != 2 || get(REG_DEVICE_ID) != ID_RNG)
		return 1;
	if (!negotiate(0))
		return 2;
	set(REG_QUEUE_SEL, 0);
	if (get(REG_QUEUE_NUM_MAX) < QUEUE_SIZE || get(REG_QUEUE_READY) != 0)
		return 3;
	irq_init();
	irq_route(VIRTIO_GSI, VECTOR_DEVICE);
	set_queue(0, (uint64_t)queue.desc, QUEUE_SIZE);
	set(REG_STATUS, ACK | DRIVER | FEATURES_OK | DRIVER_OK);
	for (uint32_t i = 1; i <= 10; i++) {
		ask();
		irq_wait(VECTOR_DEVICE, i);
		if (!(get(REG_INTERRUPT_STATUS) & 1))
			return 4;
		set(REG_INTERRUPT_ACK, 1);
		if (queue.used.idx != i || queue.used.ring[(i - 1) % QUEUE_SIZE].len != BYTES)
			return 5;
	}
	for (unsigned int i = 0; i < BYTES; i++)
		sum += buffer[i];
	set(REG_STATUS, 0);
	if (get(REG_STATUS) != 0)
		return 6;
	print("ten interrupts\n");
	return sum == 0 ? 7 : 0;
}

unsigned int mmio_test(void)
{
	set(REG_STATUS, 0);
	set(REG_STATUS, ACK | DRIVER | DRIVER_OK); /* without FEATURES_OK */
	if (get(REG_STATUS) & DRIVER_OK)
		return 1;
	if (!negotiate(0))
		return 2;
	set_queue(0, (uint64_t)queue.desc, QUEUE_SIZE);
	for (uint32_t i = 0; i < 65536; i += 1021)
		set(REG_QUEUE_NOTIFY, i); /* too early, and of no queue */
	set(REG_STATUS, ACK | DRIVER | FEATURES_OK | DRIVER_OK);
	set_queue(0, 0xfffffffffffff000, 3); /* too late: ignored */
	queue.avail.idx = 0x4000;            /* a jump */
	set(REG_QUEUE_NOTIFY, 0);
	while (!(get(REG_STATUS) & NEEDS_RESET))
		;
	if (!(get(REG_INTERRUPT_STATUS) & 2))
		return 3;
	set(REG_INTERRUPT_ACK, 3);
	if (get(REG_INTERRUPT_STATUS) & 2)
		return 4;
	queue.avail.idx = 0;
	for (uint32_t reg = 0; reg < 0x1000; reg += 3) /* any width, any alignment */
		(void)*(volatile uint8_t *)(uint64_t)(VIRTIO_BASE + reg);
	return rng_test();
}

/* Hands the @n pages from number @first on to the inflate queue. */
static void give_pages(uint32_t first, uint32_t n)
{
	static uint32_t pfns[PFNS];

	for (uint32_t i = 0; i < n; i++)
		pfns[i] = first + n - 1 - i; /* backwards, as Linux does */
	queue.desc[0].addr = (uint64_t)pfns;
	queue.desc[0].len = n * 4;
	queue.desc[0].flags = 0;
	queue.avail.ring[queue.avail.idx % QUEUE_SIZE] = 0;
	queue.avail.idx++;
	set(REG_QUEUE_NOTIFY, 0);
	while (queue.used.idx != queue.avail.idx)
		;
}

/* Writes to the pages of MiB @from to @to of what may be given away: no reads, which would get
 * pages of zeroes first. */
static void touch(uint32_t from, uint32_t to)
{
	for (uint64_t at = (uint64_t)from * MIB; at < (uint64_t)to * MIB; at += 4096)
		write32(BALLOON_START + at, 1);
}

/* How many pages of MiB number @n were touched and are still there. */
static uint32_t count(uint32_t n)
{
	uint32_t sum = 0;

	for (uint64_t at = (uint64_t)n * MIB; at < (uint64_t)(n + 1) * MIB; at += 4096)
		sum += read32(BALLOON_START + at);
	return sum;
}

/* Sleeps until the configuration's first field is zero, or is not, and returns it. */
static uint32_t await_target(bool is_zero)
{
	static uint32_t n;
	uint32_t v;

	while (((v = get(CONFIG)) == 0) != is_zero) {
		irq_wait(VECTOR_DEVICE, ++n);
		set(REG_INTERRUPT_ACK, 3);
	}
	return v;
}

unsigned int balloon_test(uint32_t mib)
{
	uint32_t pages;

	if (get(REG_DEVICE_ID) != ID_BALLOON || !negotiate(0))
		return 1;
	irq_init();
	irq_route(VIRTIO_GSI, VECTOR_DEVICE);
	queue.avail.flags = 1; /* the only interrupt is that of the configuration */
	set_queue(0, (uint64_t)queue.desc, QUEUE_SIZE);
	set(REG_STATUS, ACK | DRIVER | FEATURES_OK | DRIVER_OK);
	touch(0, mib);
	print("touched\n");
	pages = await_target(false);
	if (pages < MIB / 4096 || pages > (mib - 1) * (MIB / 4096))
		return 2; /* the first MiB goes, the last stays */
	for (uint32_t i = 0; i < pages; i += PFNS)
		give_pages(BALLOON_START / 4096 + i, pages - i < PFNS ? pages - i : PFNS);
	set(CONFIG_ACTUAL, pages);
	print("inflated\n");
	(void)await_target(true);
	if (count(0) != 0 || count(mib - 1) != MIB / 4096)
		return 3;
	touch(0, mib);
	set(CONFIG_ACTUAL, 0);
	print("deflated\n");
	for (;;)
		__asm__ volatile("hlt");
}
