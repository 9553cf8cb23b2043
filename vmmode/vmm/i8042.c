// SPDX-License-Identifier: GPL-2.0-or-later
/* The keyboard controller without a keyboard. */
#include <string.h>

#include "spec/base/cleanup.h"
#include "vmmode/vmm/legacy.h"

enum {
	STATUS_OUT_FULL = 0x01, /* a reply waits at the data port */
	STATUS_SYSTEM = 0x04,   /* the self-test was passed */
	CMD_READ_CONFIG = 0x20,
	CMD_WRITE_CONFIG = 0x60,
	CMD_SELF_TEST = 0xaa,
	CMD_TEST_KEYBOARD = 0xab,
	CMD_TEST_MOUSE = 0xa9,
	SELF_TEST_GOOD = 0x55,
	PORT_TEST_BAD = 0xff, /* nothing is connected */
};

static void reply(struct i8042 *k, uint8_t byte)
{
	k->reply = byte;
	k->has_reply = true;
}

static void data_read(struct bus_range *r, uint64_t off, void *data, uint32_t len)
{
	struct i8042 *k = CONTAINER_OF(r, struct i8042, data);

	(void)off;
	memset(data, 0, len);
	pthread_mutex_lock(&k->lock);
	*(uint8_t *)data = k->has_reply ? k->reply : 0;
	k->has_reply = false;
	pthread_mutex_unlock(&k->lock);
}

static void data_write(struct bus_range *r, uint64_t off, const void *data, uint32_t len)
{
	struct i8042 *k = CONTAINER_OF(r, struct i8042, data);

	(void)off;
	(void)len;
	pthread_mutex_lock(&k->lock);
	if (k->wants_config)
		k->config = *(const uint8_t *)data;
	k->wants_config = false;
	pthread_mutex_unlock(&k->lock);
}

static void command_read(struct bus_range *r, uint64_t off, void *data, uint32_t len)
{
	struct i8042 *k = CONTAINER_OF(r, struct i8042, command);

	(void)off;
	memset(data, 0, len);
	pthread_mutex_lock(&k->lock);
	/* The input buffer is never full: a kernel waits for that before it asks for a reset. */
	*(uint8_t *)data = (uint8_t)(STATUS_SYSTEM | (k->has_reply ? STATUS_OUT_FULL : 0));
	pthread_mutex_unlock(&k->lock);
}

static void command_write(struct bus_range *r, uint64_t off, const void *data, uint32_t len)
{
	struct i8042 *k = CONTAINER_OF(r, struct i8042, command);

	(void)off;
	(void)len;
	pthread_mutex_lock(&k->lock);
	k->wants_config = false;
	switch (*(const uint8_t *)data) {
	case CMD_READ_CONFIG:
		reply(k, k->config);
		break;
	case CMD_WRITE_CONFIG:
		k->wants_config = true;
		break;
	case CMD_SELF_TEST:
		reply(k, SELF_TEST_GOOD);
		break;
	case CMD_TEST_KEYBOARD:
	case CMD_TEST_MOUSE:
		reply(k, PORT_TEST_BAD);
		break;
	case I8042_RESET:
		ending_request(k->ending, VMM_EXIT_RESET);
		break;
	default:
		break;
	}
	pthread_mutex_unlock(&k->lock);
}

void i8042_init(struct i8042 *k, struct ending *ending)
{
	*k = (struct i8042){
		.data = { .base = I8042_DATA_PORT,
			  .size = 1,
			  .read = data_read,
			  .write = data_write },
		.command = { .base = I8042_COMMAND_PORT,
			     .size = 1,
			     .read = command_read,
			     .write = command_write },
		.ending = ending,
		.lock = PTHREAD_MUTEX_INITIALIZER,
	};
}
