// SPDX-License-Identifier: GPL-2.0-or-later
/* The CMOS clock: the host's time, UTC, in BCD. Other cells read as 0. */
#include <time.h>

#include "spec/base/cleanup.h"
#include "vmmode/vmm/legacy.h"

enum {
	STATUS_A = 0x0a,
	STATUS_B = 0x0b,
	STATUS_D = 0x0d,
	CENTURY = 0x32,
	STATUS_A_VALUE = 0x26, /* 32 kHz, 1 kHz; no update in progress */
	STATUS_B_VALUE = 0x02, /* 24 hours, BCD */
	STATUS_D_VALUE = 0x80, /* the battery is good */
};

static uint8_t bcd(int n)
{
	return (uint8_t)(n / 10 % 10 * 16 + n % 10);
}

static uint8_t read_cell(uint8_t index)
{
	const time_t now = time(NULL);
	struct tm tm = { 0 };

	(void)gmtime_r(&now, &tm);
	switch (index) {
	case 0x00:
		return bcd(tm.tm_sec);
	case 0x02:
		return bcd(tm.tm_min);
	case 0x04:
		return bcd(tm.tm_hour);
	case 0x06:
		return bcd(tm.tm_wday + 1);
	case 0x07:
		return bcd(tm.tm_mday);
	case 0x08:
		return bcd(tm.tm_mon + 1);
	case 0x09:
		return bcd(tm.tm_year % 100);
	case CENTURY:
		return bcd((tm.tm_year + 1900) / 100);
	case STATUS_A:
		return STATUS_A_VALUE;
	case STATUS_B:
		return STATUS_B_VALUE;
	case STATUS_D:
		return STATUS_D_VALUE;
	default:
		return 0;
	}
}

static void on_read(struct bus_range *r, uint64_t off, void *data, uint32_t len)
{
	struct cmos *c = CONTAINER_OF(r, struct cmos, range);
	uint8_t *bytes = data;

	for (uint32_t i = 0; i < len; i++)
		bytes[i] = off + i == 1 ? read_cell(c->index) : 0xff;
}

static void on_write(struct bus_range *r, uint64_t off, const void *data, uint32_t len)
{
	struct cmos *c = CONTAINER_OF(r, struct cmos, range);

	(void)len;
	if (off == 0)
		c->index = *(const uint8_t *)data & 0x7f; /* bit 7 masks NMIs */
}

void cmos_init(struct cmos *c)
{
	*c = (struct cmos){
		.range = { .base = CMOS_PORT, .size = 2, .read = on_read, .write = on_write },
	};
}
