// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A minimal vsock driver in the test guest: a connection to the host's port 80, which echoes, then
 * one from the host to port 7, echoed here. It polls: interrupts are rng's test.
 */
#include "tests/guest/guest.h"

enum {
	REG_DEVICE_ID = 0x008,
	REG_DRIVER_FEATURES = 0x020,
	REG_DRIVER_FEATURES_SEL = 0x024,
	REG_QUEUE_SEL = 0x030,
	REG_QUEUE_NUM = 0x038,
	REG_QUEUE_READY = 0x044,
	REG_QUEUE_NOTIFY = 0x050,
	REG_STATUS = 0x070,
	REG_QUEUE_DESC = 0x080,
	REG_QUEUE_AVAIL = 0x090,
	REG_QUEUE_USED = 0x0a0,
	REG_CID = 0x100,
	STARTED = 1 | 2 | 8, /* ACKNOWLEDGE, DRIVER, FEATURES_OK */
	DRIVER_OK = 4,
	DESC_WRITE = 2,
	ID_VSOCK = 19,
	RX = 0,
	TX = 1,
	EVENT = 2,
	QUEUE_SIZE = 4,
	DATA = 1000,
	STREAM = 1,
	REQUEST = 1,
	RESPONSE = 2,
	RST = 3,
	SHUTDOWN = 4,
	RW = 5,
	BOTH = 3,
	HOST_CID = 2,
	HOST_PORT = 80,
	GUEST_PORT = 7,
};

struct packet {
	uint64_t src_cid, dst_cid;
	uint32_t src_port, dst_port, len;
	uint16_t type, op;
	uint32_t flags, buf_alloc, fwd_cnt;
	uint8_t data[DATA];
} __attribute__((packed));

static struct queue {
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
			uint32_t id, len;
		} ring[QUEUE_SIZE];
		uint16_t event;
	} used __attribute__((aligned(4)));
} __attribute__((aligned(16))) queues[3];

static struct packet rx[QUEUE_SIZE], tx;
static uint16_t rx_seen;
static uint32_t taken;
static bool serving;

static void set(uint32_t reg, uint32_t v)
{
	write32(VIRTIO_BASE + reg, v);
}

static bool start(void)
{
	set(REG_STATUS, 0);
	set(REG_STATUS, 1);
	set(REG_STATUS, 1 | 2);
	set(REG_DRIVER_FEATURES_SEL, 1);
	set(REG_DRIVER_FEATURES, 1); /* VERSION_1 */
	set(REG_STATUS, STARTED);
	if (read32(VIRTIO_BASE + REG_STATUS) != STARTED)
		return false;
	for (uint32_t i = 0; i < 3; i++) {
		set(REG_QUEUE_SEL, i);
		set(REG_QUEUE_NUM, QUEUE_SIZE);
		set(REG_QUEUE_DESC, (uint32_t)(uint64_t)queues[i].desc);
		set(REG_QUEUE_AVAIL, (uint32_t)(uint64_t)&queues[i].avail);
		set(REG_QUEUE_USED, (uint32_t)(uint64_t)&queues[i].used);
		set(REG_QUEUE_READY, 1);
	}
	set(REG_STATUS, STARTED | DRIVER_OK);
	return true;
}

static void give(uint32_t queue, uint16_t i, void *at, uint32_t len, uint16_t flags)
{
	struct queue *q = &queues[queue];

	q->desc[i].addr = (uint64_t)at;
	q->desc[i].len = len;
	q->desc[i].flags = flags;
	q->avail.ring[q->avail.idx % QUEUE_SIZE] = i;
	__asm__ volatile("" : : : "memory");
	q->avail.idx++;
	set(REG_QUEUE_NOTIFY, queue);
}

static void give_back(struct packet *p)
{
	give(RX, (uint16_t)(p - rx), p, sizeof(*p), DESC_WRITE);
}

/* Sends the packet that is in tx, to where @to came from. */
static void send(const struct packet *to, uint16_t op, uint32_t flags, uint32_t len)
{
	tx.src_cid = read32(VIRTIO_BASE + REG_CID);
	tx.dst_cid = HOST_CID;
	tx.src_port = to->dst_port;
	tx.dst_port = to->src_port;
	tx.type = STREAM;
	tx.op = op;
	tx.flags = flags;
	tx.len = len;
	tx.buf_alloc = QUEUE_SIZE * DATA;
	tx.fwd_cnt = taken;
	give(TX, 0, &tx, (uint32_t)(sizeof(tx) - DATA) + len, 0);
	while (queues[TX].used.idx != queues[TX].avail.idx)
		__asm__ volatile("pause" : : : "memory");
}

/* The next packet from the host. Who asks too early is refused, and asks again. */
static struct packet *take(void)
{
	struct queue *q = &queues[RX];
	struct packet *p;

	for (;;) {
		while (q->used.idx == rx_seen)
			__asm__ volatile("pause" : : : "memory");
		p = &rx[q->used.ring[rx_seen++ % QUEUE_SIZE].id];
		if (serving || p->op != REQUEST)
			return p;
		send(p, RST, 0, 0);
		give_back(p);
	}
}

/* Sends @len bytes and has them back. */
static bool call_host(uint32_t len)
{
	const struct packet to = { .src_port = HOST_PORT, .dst_port = 1234 };
	struct packet *p;
	uint32_t got = 0;

	send(&to, REQUEST, 0, 0);
	p = take();
	if (p->op != RESPONSE || p->src_port != HOST_PORT || p->dst_port != 1234)
		return false;
	give_back(p);
	for (uint32_t i = 0; i < len; i++)
		tx.data[i] = (uint8_t)(i * 7);
	send(&to, RW, 0, len);
	while (got < len) {
		p = take();
		for (uint32_t i = 0; p->op == RW && i < p->len; i++) {
			if (p->data[i] != (uint8_t)(got++ * 7))
				return false;
		}
		give_back(p);
	}
	send(&to, SHUTDOWN, BOTH, 0);
	do {
		p = take();
		give_back(p);
	} while (p->op != RST);
	return true;
}

/* Gives the host back what it sends, until it sends no more. */
static bool serve_host(void)
{
	struct packet *p;

	serving = true;
	taken = 0;
	p = take();
	if (p->op != REQUEST || p->dst_port != GUEST_PORT)
		return false;
	for (; p->op != RST; p = take()) {
		uint32_t len = p->op == RW ? p->len : 0;

		for (uint32_t i = 0; i < len; i++)
			tx.data[i] = p->data[i];
		taken += len;
		if (p->op == REQUEST)
			send(p, RESPONSE, 0, 0);
		if (len > 0)
			send(p, RW, 0, len);
		if (p->op == SHUTDOWN)
			send(p, SHUTDOWN, BOTH, 0);
		give_back(p);
	}
	return true;
}

unsigned int vsock_test(void)
{
	if (read32(VIRTIO_BASE + REG_DEVICE_ID) != ID_VSOCK || read32(VIRTIO_BASE + REG_CID) != 42)
		return 1;
	if (!start())
		return 2;
	for (uint16_t i = 0; i < QUEUE_SIZE; i++)
		give_back(&rx[i]);
	if (!call_host(DATA))
		return 3;
	print("the host answered\n");
	if (!serve_host())
		return 4;
	print("the host was served\n");
	set(REG_STATUS, 0);
	return 0;
}
