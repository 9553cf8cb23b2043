// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A minimal driver of a console with one named port. It says '!' by the emergency register, repeats
 * in capital letters what comes to the console, shows what comes from the port up to its end, and
 * ends at a 'q'. The host's side is in vmm_boot.bats.
 */
#include "tests/guest/guest.h"

enum {
	ID_CONSOLE = 3,
	MULTIPORT = 1 << 1,
	EMERGENCY_WRITE = 1 << 2,
	CONFIG_PORTS = 4,
	CONFIG_EMERGENCY = 0x100 + 8,
	RX0 = 0,
	TX0 = 1,
	CTRL_RX = 2,
	CTRL_TX = 3,
	RX1 = 4,
	QUEUES = 6,
	DEVICE_READY = 0,
	PORT_ADD = 1,
	PORT_READY = 3,
	CONSOLE_PORT = 4,
	PORT_OPEN = 6,
	PORT_NAME = 7,
	BYTES = 256,
};

struct control {
	uint32_t id;
	uint16_t event, value;
	uint8_t data[64];
};

static void tell(uint32_t id, uint16_t event)
{
	static struct control m;
	const struct vq_buffer b = { &m, 8, false };

	m.id = id;
	m.event = event;
	m.value = 1;
	vq_call(CTRL_TX, &b, 1);
}

/* The next message is this one; another one is shown. */
static bool hear(uint32_t id, uint16_t event, uint16_t value, uint32_t bytes)
{
	static volatile struct control m;
	const struct vq_buffer b = { (void *)(uintptr_t)&m, sizeof(m), true };
	const uint32_t len = vq_call(CTRL_RX, &b, 1);

	if (len == bytes && m.id == id && m.event == event && m.value == value &&
	    (event != PORT_NAME || m.data[0] == 'o'))
		return true;
	print("heard port, event, value, bytes: ");
	print_hex((uint64_t)m.id << 48 | (uint64_t)m.event << 32 | (uint64_t)m.value << 16 | len);
	print(", not ");
	print_hex((uint64_t)id << 48 | (uint64_t)event << 32 | (uint64_t)value << 16 | bytes);
	print("\n");
	return false;
}

/* 0, or the number of the step that failed. */
static unsigned int handshake(void)
{
	tell(0, DEVICE_READY);
	if (!hear(0, PORT_ADD, 1, 8))
		return 11;
	if (!hear(1, PORT_ADD, 1, 8))
		return 12;
	tell(0, PORT_READY);
	tell(1, PORT_READY);
	if (!hear(0, CONSOLE_PORT, 1, 8))
		return 13;
	if (!hear(0, PORT_OPEN, 1, 8))
		return 14;
	if (!hear(1, PORT_NAME, 1, 8 + 3))
		return 15;
	return hear(1, PORT_OPEN, 1, 8) ? 0 : 16;
}

/* What comes to a receive queue goes to the console. True: it had a 'q'. */
static bool repeat(uint32_t queue)
{
	static volatile uint8_t data[BYTES];
	const struct vq_buffer in = { (void *)(uintptr_t)data, BYTES, true };
	const uint32_t len = vq_call(queue, &in, 1);
	const struct vq_buffer out = { (void *)(uintptr_t)data, len, false };
	bool quit = false;

	for (uint32_t i = 0; i < len && i < BYTES; i++) {
		quit |= data[i] == 'q';
		if (data[i] >= 'a' && data[i] <= 'z')
			data[i] = (uint8_t)(data[i] - 'a' + 'A');
	}
	if (len)
		vq_call(TX0, &out, 1);
	return quit;
}

unsigned int console_test(void)
{
	static volatile uint8_t end[BYTES];
	const struct vq_buffer rest = { (void *)(uintptr_t)end, BYTES, true };
	unsigned int step;

	write32(VIRTIO_BASE + CONFIG_EMERGENCY, '!'); /* before anything is negotiated */
	if (!vq_open(ID_CONSOLE, MULTIPORT | EMERGENCY_WRITE, QUEUES))
		return 1;
	if (vq_config(CONFIG_PORTS) != 2)
		return 2;
	step = handshake();
	if (step)
		return step;
	tell(1, PORT_OPEN);
	repeat(RX1);
	vq_put(RX1, &rest, 1);         /* the end is read into a buffer as well */
	if (!hear(1, PORT_OPEN, 0, 8)) /* a file's end */
		return 4;
	tell(0, PORT_OPEN);
	while (!repeat(RX0))
		;
	return 0;
}
