// SPDX-License-Identifier: GPL-2.0-or-later
/* The console's control queues: the handshake, ports that come and go, hostile messages. */
#include <pthread.h>
#include <sched.h>

#include "tests/unit/console_rig.h"

enum { ROUNDS = 2000 };

/* A device with output at port 0 and port 1 at a socket. Returns the socket's other end. */
static int rig_with_console(struct console_rig *n, unsigned int n_ports)
{
	int host;

	rig_ports(n, n_ports);
	rig_stream(n, 0, -1, STDERR_FILENO);
	host = rig_socket(n, 1);
	rig_make(n);
	rig_drop(n, 1);
	return host;
}

static void test_handshake(void)
{
	struct console_rig n;
	int host;

	host = rig_with_console(&n, 3);
	rig_on(&n, MULTIPORT);
	offer_ctrl(&n, 16);
	CHECK_STR(heard(&n), "");
	tell(&n, UINT32_MAX, VIRTIO_CONSOLE_DEVICE_READY, 1);
	CHECK_STR(heard(&n), "ADD 0 1");
	CHECK_STR(heard(&n), "ADD 1 1");
	CHECK_STR(heard(&n), "ADD 2 1");
	CHECK_STR(heard(&n), "");
	tell(&n, 0, VIRTIO_CONSOLE_PORT_READY, 1);
	CHECK_STR(heard(&n), "CONSOLE 0 1");
	CHECK_STR(heard(&n), "OPEN 0 1");
	tell(&n, 2, VIRTIO_CONSOLE_PORT_READY, 1);
	CHECK_STR(heard(&n), "NAME 2 1 two");
	CHECK_STR(heard(&n), ""); /* nobody is on the host's side */
	tell(&n, 1, VIRTIO_CONSOLE_PORT_READY, 1);
	CHECK_STR(heard(&n), "NAME 1 1 one");
	CHECK_STR(heard(&n), "OPEN 1 1");
	/* Said again: nothing new. */
	tell(&n, 0, VIRTIO_CONSOLE_DEVICE_READY, 1);
	tell(&n, 1, VIRTIO_CONSOLE_PORT_READY, 1);
	CHECK_STR(heard(&n), "");
	CHECK(rig_signalled(n.r.dev->queues[CONSOLE_CTRL_RX].call_fd, 0));
	CHECK(!is_broken(&n));
	rig_off(&n);
	(void)close(host);
}

/* Without buffers messages wait, and come in order; what became untrue is not said. */
static void test_no_buffers(void)
{
	struct console_rig n;
	int host;

	host = rig_with_console(&n, 2);
	rig_on(&n, MULTIPORT);
	tell(&n, 0, VIRTIO_CONSOLE_DEVICE_READY, 1);
	for (int i = 0; i < 500; i++)
		tell(&n, (uint32_t)i % 2, VIRTIO_CONSOLE_PORT_READY, 1);
	offer_ctrl(&n, 1);
	CHECK_STR(heard(&n), "ADD 0 1");
	CHECK_STR(heard(&n), "");
	offer_ctrl(&n, 3);
	CHECK_STR(heard(&n), "CONSOLE 0 1");
	CHECK_STR(heard(&n), "OPEN 0 1");
	CHECK_STR(heard(&n), "ADD 1 1");
	tell(&n, 1, VIRTIO_CONSOLE_PORT_OPEN, 1);
	(void)close(host);
	offer(&n, 1, 1); /* the end of the input is read */
	offer_ctrl(&n, 10);
	CHECK_STR(heard(&n), "NAME 1 1 one");
	CHECK_STR(heard(&n), ""); /* never open, as far as the guest knows */
	rig_off(&n);
}

/* The host's side goes for good: PORT_OPEN 0, and the port goes when the guest has closed it. */
static void test_remove(void)
{
	struct console_rig n;
	int host;

	host = rig_with_console(&n, 2);
	handshake(&n);
	offer(&n, 1, 2);
	tell(&n, 1, VIRTIO_CONSOLE_PORT_OPEN, 0);
	CHECK_STR(heard(&n), ""); /* the host's side is still there */
	tell(&n, 1, VIRTIO_CONSOLE_PORT_OPEN, 1);
	host_send(&n, host, "last words");
	(void)close(host);
	pump(&n);
	CHECK_STR(guest_got(&n, 1), "last words");
	CHECK_STR(heard(&n), "OPEN 1 0");
	guest_send(&n, 1, "x", 1); /* nobody reads it, nobody waits for it */
	CHECK_EQ(guest_sent(&n, 1), 1);
	tell(&n, 1, VIRTIO_CONSOLE_PORT_OPEN, 0);
	CHECK_STR(heard(&n), "REMOVE 1 1");
	tell(&n, 1, VIRTIO_CONSOLE_PORT_READY, 1); /* of what is gone */
	tell(&n, 1, VIRTIO_CONSOLE_PORT_OPEN, 1);
	CHECK_STR(heard(&n), "");
	/* Also for the next driver. */
	virtio_device_reset(n.r.dev);
	rig_on(&n, MULTIPORT);
	offer_ctrl(&n, 8);
	tell(&n, 0, VIRTIO_CONSOLE_DEVICE_READY, 1);
	CHECK_STR(heard(&n), "ADD 0 1");
	CHECK_STR(heard(&n), "");
	rig_off(&n);
}

/* Messages that make no sense are passed over. */
static void test_odd_messages(void)
{
	static const struct virtio_console_control odd[] = {
		{ 0, VIRTIO_CONSOLE_PORT_READY, 1 }, /* before DEVICE_READY */
		{ 0, VIRTIO_CONSOLE_PORT_OPEN, 1 },
		{ 0, VIRTIO_CONSOLE_DEVICE_READY, 0 },
		{ 2, VIRTIO_CONSOLE_PORT_READY, 1 },
		{ 31, VIRTIO_CONSOLE_PORT_OPEN, 1 },
		{ UINT32_MAX, VIRTIO_CONSOLE_PORT_OPEN, 1 },
		{ 0x80000000, VIRTIO_CONSOLE_PORT_READY, 0xffff },
		{ 0, VIRTIO_CONSOLE_PORT_ADD, 1 },
		{ 0, VIRTIO_CONSOLE_PORT_REMOVE, 1 },
		{ 0, VIRTIO_CONSOLE_PORT_NAME, 1 },
		{ 0, 0xffff, 0xffff },
	};
	struct console_rig n;

	rig_ports(&n, 2);
	rig_stream(&n, 0, -1, STDERR_FILENO);
	rig_make(&n);
	for (int round = 0; round < 2; round++) {
		rig_on(&n, MULTIPORT);
		offer_ctrl(&n, 8);
		for (size_t i = 0; i < ARRAY_LEN(odd); i++)
			tell(&n, odd[i].id, odd[i].event, odd[i].value);
		CHECK_STR(heard(&n), "");
		CHECK(!is_broken(&n));
		virtio_device_reset(n.r.dev);
	}
	rig_off(&n);
}

/* Buffers that are none: NEEDS_RESET, and after the reset all is well. */
static void test_bad_buffers(void)
{
	static const struct {
		uint16_t queue;
		struct vqd_buf b;
	} cases[] = {
		{ CONSOLE_CTRL_TX, { CTRL, 7, false } },
		{ CONSOLE_CTRL_TX, { CTRL, 0, false } },
		{ CONSOLE_CTRL_TX, { CTRL, 8, true } },
		{ CONSOLE_CTRL_TX, { 0x7fffff00, 8, false } },
		{ CONSOLE_CTRL_RX, { CTRL_RECV, 7, true } },
		{ CONSOLE_CTRL_RX, { CTRL_RECV, 0, true } },
		{ CONSOLE_CTRL_RX, { CTRL_RECV, 128, false } },
		{ CONSOLE_CTRL_RX, { 0x7fffff00, 128, true } },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct console_rig n;

		rig_ports(&n, 1);
		rig_stream(&n, 0, -1, STDERR_FILENO);
		rig_make(&n);
		rig_on(&n, MULTIPORT);
		tell(&n, 0, VIRTIO_CONSOLE_DEVICE_READY, 1); /* there is something to say */
		(void)vqd_add(&n.r.d[cases[i].queue], &cases[i].b, 1);
		rig_kick(&n.r, cases[i].queue);
		pump(&n);
		CHECK(is_broken(&n));
		CHECK(rig_signalled(n.r.dev->config_call_fd, 0));
		virtio_device_reset(n.r.dev);
		handshake(&n);
		CHECK(!is_broken(&n));
		rig_off(&n);
	}
}

/* A ring that is full of messages all the time: each is answered, none is kept. */
static void test_flood(void)
{
	const struct virtio_console_control m = { 0, VIRTIO_CONSOLE_PORT_OPEN, 1 };
	const struct vqd_buf b = { CTRL, sizeof(m), false };
	struct console_rig n;
	unsigned int done = 0;
	uint32_t head;
	uint32_t len;

	rig_ports(&n, 1);
	rig_stream(&n, 0, -1, STDERR_FILENO);
	rig_make(&n);
	handshake(&n);
	memcpy(n.r.ram + CTRL, &m, sizeof(m));
	for (int i = 0; i < 20; i++) {
		for (int k = 0; k < RIG_SIZE; k++)
			(void)vqd_add(&n.r.d[CONSOLE_CTRL_TX], &b, 1);
		rig_kick(&n.r, CONSOLE_CTRL_TX);
		pump(&n);
		while (vqd_used(&n.r.d[CONSOLE_CTRL_TX], &head, &len))
			done++;
	}
	CHECK_EQ(done, 20 * RIG_SIZE);
	CHECK(!is_broken(&n));
	/* An index that jumps. */
	n.r.d[CONSOLE_CTRL_TX].avail->idx = (uint16_t)(n.r.d[CONSOLE_CTRL_TX].avail_idx + 1000);
	rig_kick(&n.r, CONSOLE_CTRL_TX);
	pump(&n);
	CHECK(is_broken(&n));
	rig_off(&n);
}

/* ---- a driver that runs beside the device */

static void *run_loop(void *arg)
{
	struct console_rig *n = arg;

	CHECK_EQ(loop_run(&n->loop), 0);
	n->loop.stopping = false;
	return NULL;
}

static void on_enough(struct loop_source *src, uint32_t events)
{
	eventfd_t ignored;

	(void)events;
	(void)eventfd_read(src->fd, &ignored);
	loop_stop(stop_loop);
}

/* One buffer to @queue, as small drivers do: always the first descriptor. Waits by looking. */
static uint32_t call(struct console_rig *n, uint16_t queue, uint32_t off, uint32_t len, bool write)
{
	struct vqd *d = &n->r.d[queue];
	uint32_t head;
	uint32_t used_len = 0;

	vqd_desc(d, 0, VQD_GPA + off, len, write ? VRING_DESC_F_WRITE : 0, 0);
	vqd_publish(d, 0);
	rig_kick(&n->r, queue);
	for (uint64_t i = 0; !vqd_used(d, &head, &used_len); i++) {
		if (i == 100000000) {
			TEST_FAIL("queue %u: no answer", queue);
			break;
		}
		if (i % 64 == 63)
			(void)sched_yield();
	}
	return used_len;
}

static void call_tell(struct console_rig *n, uint32_t id, uint16_t event)
{
	const struct virtio_console_control m = { id, event, 1 };

	memcpy(n->r.ram + CTRL, &m, sizeof(m));
	(void)call(n, CONSOLE_CTRL_TX, CTRL, sizeof(m), false);
}

static void call_hear(struct console_rig *n, uint32_t id, uint16_t event, uint32_t bytes)
{
	struct virtio_console_control m;

	CHECK_EQ(call(n, CONSOLE_CTRL_RX, CTRL_RECV, CTRL_RECV_BYTES, true), bytes);
	memcpy(&m, n->r.ram + CTRL_RECV, sizeof(m));
	CHECK_EQ(m.id, id);
	CHECK_EQ(m.event, event);
	CHECK_EQ(m.value, 1);
}

/* The driver goes on as soon as a buffer is used, wherever the device is then. */
static void test_driver_beside(void)
{
	struct console_rig n;
	pthread_t thread;
	int host;

	host = rig_with_console(&n, 2);
	loop_remove(&n.loop, &n.stop);
	n.stop.ready = on_enough;
	CHECK_EQ(loop_add(&n.loop, &n.stop, EPOLLIN), 0);
	(void)eventfd_read(n.stop.fd, &(eventfd_t){ 0 });
	for (int i = 0; i < ROUNDS; i++) {
		rig_on(&n, MULTIPORT);
		CHECK_EQ(pthread_create(&thread, NULL, run_loop, &n), 0);
		call_tell(&n, 0, VIRTIO_CONSOLE_DEVICE_READY);
		call_hear(&n, 0, VIRTIO_CONSOLE_PORT_ADD, 8);
		call_hear(&n, 1, VIRTIO_CONSOLE_PORT_ADD, 8);
		call_tell(&n, 0, VIRTIO_CONSOLE_PORT_READY);
		call_tell(&n, 1, VIRTIO_CONSOLE_PORT_READY);
		call_hear(&n, 0, VIRTIO_CONSOLE_CONSOLE_PORT, 8);
		call_hear(&n, 0, VIRTIO_CONSOLE_PORT_OPEN, 8);
		call_hear(&n, 1, VIRTIO_CONSOLE_PORT_NAME, 8 + 3);
		call_hear(&n, 1, VIRTIO_CONSOLE_PORT_OPEN, 8);
		CHECK_EQ(eventfd_write(n.stop.fd, 1), 0);
		CHECK_EQ(pthread_join(thread, NULL), 0);
		virtio_device_reset(n.r.dev);
	}
	CHECK(!is_broken(&n));
	rig_off(&n);
	(void)close(host);
}

TEST_MAIN(TEST(test_handshake), TEST(test_no_buffers), TEST(test_remove), TEST(test_odd_messages),
	  TEST(test_bad_buffers), TEST(test_flood), TEST(test_driver_beside))
