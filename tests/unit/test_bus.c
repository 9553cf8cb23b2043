// SPDX-License-Identifier: GPL-2.0-or-later
/* Which device answers for an address. */
#include "vmmode/vmm/bus.h"

#include "tests/unit/test.h"

static uint64_t last_off;

static void on_read(struct bus_range *r, uint64_t off, void *data, uint32_t len)
{
	memset(data, (int)r->base & 0xff, len);
	last_off = off;
}

static void on_write(struct bus_range *r, uint64_t off, const void *data, uint32_t len)
{
	(void)r;
	(void)data;
	(void)len;
	last_off = off;
}

#define RANGE(from, bytes)                                                                         \
	{                                                                                          \
		.base = (from), .size = (bytes), .read = on_read, .write = on_write                \
	}

static void test_add(void)
{
	struct bus_range a = RANGE(0x10, 0x10);
	struct bus_range b = RANGE(0x20, 0x10);
	struct bus_range c = RANGE(0, 0x10);
	struct bus_range bad[] = { RANGE(0x1f, 1),  RANGE(0x0f, 2),       RANGE(0x28, 8),
				   RANGE(0x100, 0), RANGE(UINT64_MAX, 2), RANGE(0, UINT64_MAX) };
	struct bus_range top = RANGE(UINT64_MAX - 7, 8);
	struct bus_range many[BUS_RANGES_MAX];
	struct bus bus = { .n = 0 };

	CHECK_EQ(bus_add(&bus, &b), 0);
	CHECK_EQ(bus_add(&bus, &a), 0);
	CHECK_EQ(bus_add(&bus, &c), 0);
	CHECK_EQ(bus_add(&bus, &top), 0);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		CHECK_EQ(bus_add(&bus, &bad[i]), -EINVAL);
	for (size_t i = 0; i < BUS_RANGES_MAX; i++) {
		many[i] = (struct bus_range)RANGE(0x1000 + i, 1);
		CHECK_EQ(bus_add(&bus, &many[i]), i < BUS_RANGES_MAX - 4 ? 0 : -ENOSPC);
	}
}

static void test_find(void)
{
	static const struct {
		uint64_t addr;
		uint32_t len;
		uint8_t want;
		uint64_t off;
	} cases[] = {
		{ 0x10, 1, 0x10, 0 },        { 0x1f, 1, 0x10, 15 }, { 0x1c, 4, 0x10, 12 },
		{ 0x1d, 4, 0xff, 99 },       { 0x0f, 1, 0xff, 99 }, { 0x20, 1, 0xff, 99 },
		{ 0x30, 8, 0x30, 0 },        { 0x38, 1, 0xff, 99 }, { 0, 1, 0xff, 99 },
		{ UINT64_MAX, 8, 0xff, 99 },
	};
	struct bus_range a = RANGE(0x10, 0x10);
	struct bus_range b = RANGE(0x30, 8);
	struct bus bus = { .n = 0 };

	CHECK_EQ(bus_add(&bus, &b), 0);
	CHECK_EQ(bus_add(&bus, &a), 0);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint8_t data[8] = { 0 };

		last_off = 99;
		bus_read(&bus, cases[i].addr, data, cases[i].len);
		CHECK_EQ(data[0], cases[i].want);
		CHECK_EQ(data[cases[i].len - 1], cases[i].want);
		CHECK_EQ(last_off, cases[i].off);
		last_off = 99;
		bus_write(&bus, cases[i].addr, data, cases[i].len);
		CHECK_EQ(last_off, cases[i].off);
	}
}

TEST_MAIN(TEST(test_add), TEST(test_find))
