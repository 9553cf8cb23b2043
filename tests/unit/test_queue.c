// SPDX-License-Identifier: GPL-2.0-or-later
/* The virtqueue against a well-behaved and against a hostile driver. */
#include "vmmode/virtio/queue.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "spec/base/proc.h"
#include "tests/unit/test.h"
#include "tests/unit/vq_driver.h"

enum { SIZE = 8, W = VRING_DESC_F_WRITE, N = VRING_DESC_F_NEXT, I = VRING_DESC_F_INDIRECT };

struct rig {
	struct guest_mem mem;
	uint8_t *ram;
	struct vqd d;
	struct virtq q;
	struct virtq_chain chain;
};

static void rig_init(struct rig *r)
{
	memset(r, 0, sizeof(*r));
	r->ram = vqd_ram_new(&r->mem);
	vqd_init(&r->d, r->ram, 0, SIZE);
	CHECK_EQ(virtq_activate(&r->q, &r->mem, &r->d.config, 256), 0);
	r->q.indirect = true;
}

static void rig_fini(struct rig *r)
{
	free(r->ram);
}

static void test_mem(void)
{
	static uint8_t low[0x1000];
	static uint8_t high[0x1000];
	static const struct {
		gpa_t gpa;
		uint64_t len;
		const uint8_t *want;
	} cases[] = {
		{ 0x1000, 1, low },
		{ 0x1000, 0x1000, low },
		{ 0x1fff, 1, low + 0xfff },
		{ 0x1fff, 2, NULL },
		{ 0x0fff, 1, NULL },
		{ 0x2000, 1, NULL },
		{ 0x1800, UINT64_MAX, NULL },
		{ UINT64_MAX - 0xfff, 0x1000, high },
		{ UINT64_MAX - 0xfff, 0x1001, NULL },
		{ UINT64_MAX, 1, high + 0xfff },
	};
	struct guest_mem m = { 0 };

	CHECK_EQ(guest_mem_add(&m, 0x1000, 0x1000, low), 0);
	CHECK_EQ(guest_mem_add(&m, 0x1fff, 0x1000, high), -EINVAL);
	CHECK_EQ(guest_mem_add(&m, 0x800, 0x801, high), -EINVAL);
	CHECK_EQ(guest_mem_add(&m, 0x5000, 0, high), -EINVAL);
	CHECK_EQ(guest_mem_add(&m, UINT64_MAX - 0xffe, 0x1000, high), -EINVAL);
	CHECK(guest_mem_at(&m, UINT64_MAX, 1) == NULL);
	CHECK_EQ(guest_mem_add(&m, UINT64_MAX - 0xfff, 0x1000, high), 0);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		CHECK(guest_mem_at(&m, cases[i].gpa, cases[i].len) == cases[i].want);
	CHECK_EQ(guest_mem_bytes(&m), 0x2000);
}

static void test_activate_refuses(void)
{
	static const struct {
		struct virtq_config config;
		int want;
	} cases[] = {
		{ { 0, true, VQD_GPA, VQD_GPA + 0x4000, VQD_GPA + 0x5000 }, -EINVAL },
		{ { 3, true, VQD_GPA, VQD_GPA + 0x4000, VQD_GPA + 0x5000 }, -EINVAL },
		{ { 512, true, VQD_GPA, VQD_GPA + 0x4000, VQD_GPA + 0x5000 }, -EINVAL },
		{ { 0x8000, true, VQD_GPA, VQD_GPA + 0x4000, VQD_GPA + 0x5000 }, -EINVAL },
		{ { 8, true, VQD_GPA + 8, VQD_GPA + 0x4000, VQD_GPA + 0x5000 }, -EINVAL },
		{ { 8, true, VQD_GPA, VQD_GPA + 0x4001, VQD_GPA + 0x5000 }, -EINVAL },
		{ { 8, true, VQD_GPA, VQD_GPA + 0x4000, VQD_GPA + 0x5002 }, -EINVAL },
		{ { 8, true, 0, VQD_GPA + 0x4000, VQD_GPA + 0x5000 }, -EFAULT },
		{ { 8, true, VQD_GPA + VQD_BYTES - 112, VQD_GPA, VQD_GPA + 0x5000 }, -EFAULT },
		{ { 8, true, VQD_GPA, VQD_GPA + VQD_BYTES - 20, VQD_GPA }, -EFAULT },
		{ { 8, true, VQD_GPA, VQD_GPA, VQD_GPA + VQD_BYTES - 68 }, -EFAULT },
		{ { 8, true, UINT64_MAX - 15, VQD_GPA, VQD_GPA + 0x5000 }, -EFAULT },
	};
	struct guest_mem mem = { 0 };
	uint8_t *ram = vqd_ram_new(&mem);

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct virtq q = { 0 };

		CHECK_EQ(virtq_activate(&q, &mem, &cases[i].config, 256), cases[i].want);
		CHECK(!virtq_is_active(&q));
	}
	free(ram);
}

static void test_round_trip(void)
{
	struct vqd_buf bufs[] = { { VQD_DATA, 5, false },
				  { VQD_DATA + 64, 3, true },
				  { VQD_DATA + 96, 9, true } };
	struct rig r;
	uint32_t head = 0;
	uint32_t len = 0;
	char text[16] = { 0 };

	rig_init(&r);
	memcpy(r.ram + VQD_DATA, "hello", 5);
	/* More rounds than the ring is long, and past the wrap of the 16-bit index. */
	r.q.next_avail = r.q.next_used = r.q.called_used = 0xfffa;
	r.d.avail_idx = r.d.used_idx = r.d.avail->idx = r.d.used->idx = 0xfffa;
	for (int i = 0; i < 20; i++) {
		uint16_t added = vqd_add(&r.d, bufs, 3);

		CHECK_EQ(virtq_pop(&r.q, &r.chain), 1);
		CHECK_EQ(r.chain.head, added);
		CHECK_EQ(r.chain.n_read, 1);
		CHECK_EQ(r.chain.n_write, 2);
		CHECK_EQ(r.chain.write_bytes, 12);
		CHECK_EQ(virtq_chain_read(&r.chain, 1, text, sizeof(text)), 4);
		CHECK_STR(text, "ello");
		CHECK_EQ(virtq_chain_write(&r.chain, 2, "ABCDEFGHIJKLMN", 14), 10);
		CHECK_MEM(r.ram + VQD_DATA + 66, "A", 1);
		CHECK_MEM(r.ram + VQD_DATA + 96, "BCDEFGHIJ", 9);
		virtq_push(&r.q, r.chain.head, 12);
		CHECK(vqd_used(&r.d, &head, &len));
		CHECK_EQ(head, added);
		CHECK_EQ(len, 12);
		CHECK_EQ(virtq_pop(&r.q, &r.chain), 0);
	}
	CHECK_EQ(r.q.in_flight, 0);
	rig_fini(&r);
}

static void test_hostile_chains(void)
{
	static const struct {
		const char *what;
		struct vring_desc d[4];
		uint16_t head;
		int want;
	} cases[] = {
		{ "self loop", { { VQD_GPA, 1, N, 0 } }, 0, -ELOOP },
		{ "two-cycle", { { VQD_GPA, 1, N, 1 }, { VQD_GPA, 1, N, 0 } }, 0, -ELOOP },
		{ "head is the size", { { 0 } }, SIZE, -EINVAL },
		{ "head 0xffff", { { 0 } }, 0xffff, -EINVAL },
		{ "next is the size", { { VQD_GPA, 1, N, SIZE } }, 0, -EINVAL },
		{ "address in a hole", { { 0x10, 1, 0, 0 } }, 0, -EFAULT },
		{ "past the end", { { VQD_GPA + VQD_BYTES - 1, 2, 0, 0 } }, 0, -EFAULT },
		{ "end wraps", { { UINT64_MAX, 2, 0, 0 } }, 0, -EFAULT },
		{ "huge length", { { VQD_GPA, UINT32_MAX, 0, 0 } }, 0, -EFAULT },
		{ "readable behind writable",
		  { { VQD_GPA, 1, W | N, 1 }, { VQD_GPA, 1, 0, 0 } },
		  0,
		  -EINVAL },
		{ "indirect with next", { { VQD_GPA + VQD_DATA, 16, I | N, 1 } }, 0, -EINVAL },
		{ "indirect of no entry", { { VQD_GPA + VQD_DATA, 0, I, 0 } }, 0, -EINVAL },
		{ "indirect of 17 bytes", { { VQD_GPA + VQD_DATA, 17, I, 0 } }, 0, -EINVAL },
		{ "indirect longer than the queue",
		  { { VQD_GPA + VQD_DATA, 16 * (SIZE + 1), I, 0 } },
		  0,
		  -EINVAL },
		{ "indirect outside", { { VQD_GPA + VQD_BYTES - 16, 32, I, 0 } }, 0, -EFAULT },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct rig r;

		rig_init(&r);
		memcpy(r.d.desc, cases[i].d, sizeof(cases[i].d));
		vqd_publish(&r.d, cases[i].head);
		if (virtq_pop(&r.q, &r.chain) != cases[i].want)
			TEST_FAIL("%s: not %d", cases[i].what, cases[i].want);
		CHECK_EQ(r.q.in_flight, 0);
		rig_fini(&r);
	}
}

static void test_chain_lengths(void)
{
	struct rig r;

	/* As long as the queue: right. The last one pointing back: one too many. */
	rig_init(&r);
	for (uint16_t i = 0; i < SIZE; i++)
		vqd_desc(&r.d, i, VQD_GPA, 1, i + 1 < SIZE ? N : 0, (uint16_t)(i + 1));
	vqd_publish(&r.d, 0);
	CHECK_EQ(virtq_pop(&r.q, &r.chain), 1);
	CHECK_EQ(r.chain.n_read, SIZE);
	virtq_unpop(&r.q);
	r.d.desc[SIZE - 1].flags = N;
	r.d.desc[SIZE - 1].next = 0;
	CHECK_EQ(virtq_pop(&r.q, &r.chain), -ELOOP);
	rig_fini(&r);
}

static void test_indirect(void)
{
	struct vring_desc inner[3] = {
		{ VQD_GPA + VQD_DATA + 256, 4, N, 1 },
		{ VQD_GPA + VQD_DATA + 300, 6, N | W, 2 },
		{ VQD_GPA + VQD_DATA + 400, 2, W, 0 },
	};
	struct rig r;

	rig_init(&r);
	memcpy(r.ram + VQD_DATA, inner, sizeof(inner));
	vqd_desc(&r.d, 0, VQD_GPA + VQD_DATA, sizeof(inner), I, 0);
	vqd_publish(&r.d, 0);
	CHECK_EQ(virtq_pop(&r.q, &r.chain), 1);
	CHECK_EQ(r.chain.n_read, 1);
	CHECK_EQ(r.chain.n_write, 2);
	CHECK_EQ(r.chain.write_bytes, 8);
	virtq_unpop(&r.q);
	/* A table in a table. */
	inner[2].flags = I;
	memcpy(r.ram + VQD_DATA, inner, sizeof(inner));
	CHECK_EQ(virtq_pop(&r.q, &r.chain), -EINVAL);
	/* A loop in the table. */
	inner[2] = (struct vring_desc){ VQD_GPA, 1, N | W, 1 };
	memcpy(r.ram + VQD_DATA, inner, sizeof(inner));
	CHECK_EQ(virtq_pop(&r.q, &r.chain), -ELOOP);
	/* Not negotiated. */
	r.q.indirect = false;
	CHECK_EQ(virtq_pop(&r.q, &r.chain), -EINVAL);
	rig_fini(&r);
}

static void test_total_length(void)
{
	struct guest_mem mem = { 0 };
	struct virtq q = { 0 };
	static struct virtq_chain chain;
	uint8_t *ram = vqd_ram_new(&mem);
	struct vqd d;
	/* A region that is never touched: only its size matters. */
	const uint64_t big = UINT64_C(0xc0000000);

	CHECK_EQ(guest_mem_add(&mem, UINT64_C(1) << 40, big, (void *)(uintptr_t)0x1000), 0);
	vqd_init(&d, ram, 0, SIZE);
	CHECK_EQ(virtq_activate(&q, &mem, &d.config, 256), 0);
	vqd_desc(&d, 0, UINT64_C(1) << 40, 0xc0000000, N | W, 1);
	vqd_desc(&d, 1, UINT64_C(1) << 40, 0x40000000, W, 0);
	vqd_publish(&d, 0);
	CHECK_EQ(virtq_pop(&q, &chain), -EOVERFLOW);
	free(ram);
}

static void test_index_jumps(void)
{
	static const int jumps[] = { SIZE + 1, 0x8000, 0xffff };
	struct vqd_buf buf = { VQD_DATA, 1, false };
	struct rig back;

	for (size_t i = 0; i < ARRAY_LEN(jumps); i++) {
		struct rig r;

		rig_init(&r);
		r.d.avail->idx = (uint16_t)jumps[i];
		CHECK_EQ(virtq_pop(&r.q, &r.chain), -EPROTO);
		rig_fini(&r);
	}
	/* Backwards, behind chains that were taken. */
	rig_init(&back);
	for (int i = 0; i < 3; i++) {
		vqd_add(&back.d, &buf, 1);
		CHECK_EQ(virtq_pop(&back.q, &back.chain), 1);
		virtq_push(&back.q, back.chain.head, 0);
	}
	back.d.avail->idx = 2;
	CHECK_EQ(virtq_pop(&back.q, &back.chain), -EPROTO);
	rig_fini(&back);
}

/* The registers of devices, the local APIC, the top of the address space: no buffer, no ring. */
static void test_not_memory(void)
{
	static const gpa_t places[] = { 0, 0xd0000000, 0xfec00000, 0xfee00000, 0xfffff000 };

	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		struct virtq_config config;
		struct virtq q = { 0 };
		struct rig r;

		rig_init(&r);
		vqd_desc(&r.d, 0, places[i], 16, W, 0);
		vqd_publish(&r.d, 0);
		CHECK_EQ(virtq_pop(&r.q, &r.chain), -EFAULT);
		config = r.d.config;
		config.used = places[i];
		CHECK_EQ(virtq_activate(&q, &r.mem, &config, 256), -EFAULT);
		rig_fini(&r);
	}
}

static void test_in_flight_is_bounded(void)
{
	struct vqd_buf buf = { VQD_DATA, 1, false };
	struct rig r;

	/* A driver that offers the same descriptors again before they were used. */
	rig_init(&r);
	for (int i = 0; i < SIZE; i++) {
		(void)vqd_add(&r.d, &buf, 1);
		CHECK_EQ(virtq_pop(&r.q, &r.chain), 1);
	}
	(void)vqd_add(&r.d, &buf, 1);
	CHECK_EQ(virtq_pop(&r.q, &r.chain), -EPROTO);
	rig_fini(&r);
}

static void test_calls(void)
{
	struct vqd_buf buf = { VQD_DATA, 1, true };
	struct rig r;

	rig_init(&r);
	CHECK(!virtq_needs_call(&r.q));
	for (int i = 0; i < 3; i++)
		(void)vqd_add(&r.d, &buf, 1);
	CHECK_EQ(virtq_pop(&r.q, &r.chain), 1);
	virtq_push(&r.q, r.chain.head, 1);
	CHECK(virtq_needs_call(&r.q));
	CHECK(!virtq_needs_call(&r.q));
	r.d.avail->flags = VRING_AVAIL_F_NO_INTERRUPT;
	CHECK_EQ(virtq_pop(&r.q, &r.chain), 1);
	virtq_push(&r.q, r.chain.head, 1);
	CHECK(!virtq_needs_call(&r.q));
	/* EVENT_IDX: an interrupt when the used index passes the event index, and only then. */
	r.q.event_idx = true;
	r.d.avail->ring[SIZE] = 3;
	CHECK_EQ(virtq_pop(&r.q, &r.chain), 1);
	virtq_push(&r.q, r.chain.head, 1);
	CHECK(!virtq_needs_call(&r.q));
	(void)vqd_add(&r.d, &buf, 1);
	CHECK_EQ(virtq_pop(&r.q, &r.chain), 1);
	virtq_push(&r.q, r.chain.head, 1);
	CHECK(virtq_needs_call(&r.q));
	rig_fini(&r);
}

static void test_kicks(void)
{
	struct vqd_buf buf = { VQD_DATA, 1, true };
	struct rig r;

	rig_init(&r);
	virtq_kicks_off(&r.q);
	CHECK_EQ(r.d.used->flags, VRING_USED_F_NO_NOTIFY);
	CHECK(!virtq_kicks_on(&r.q));
	CHECK_EQ(r.d.used->flags, 0);
	(void)vqd_add(&r.d, &buf, 1);
	CHECK(virtq_kicks_on(&r.q));
	r.q.event_idx = true;
	CHECK_EQ(virtq_pop(&r.q, &r.chain), 1);
	CHECK(!virtq_kicks_on(&r.q));
	/* The available event stands behind the used ring. */
	CHECK_EQ(*(uint16_t *)(void *)&r.d.used->ring[SIZE], 1);
	rig_fini(&r);
}

/* Several answers become visible at once, also over the end of the ring. */
static void test_fill_then_publish(void)
{
	struct vqd_buf buf = { VQD_DATA, 16, true };
	uint32_t head = 0;
	uint32_t len = 0;
	struct rig r;

	rig_init(&r);
	for (uint32_t round = 0; round < 2 * SIZE; round++) {
		uint16_t heads[3];

		for (uint16_t i = 0; i < 3; i++) {
			heads[i] = vqd_add(&r.d, &buf, 1);
			CHECK_EQ(virtq_pop(&r.q, &r.chain), 1);
			virtq_fill(&r.q, i, r.chain.head, round + i);
			CHECK_EQ(vqd_used(&r.d, &head, &len), false);
		}
		virtq_publish(&r.q, 3);
		for (uint16_t i = 0; i < 3; i++) {
			CHECK(vqd_used(&r.d, &head, &len));
			CHECK_EQ(head, heads[i]);
			CHECK_EQ(len, round + i);
		}
		CHECK_EQ(r.q.in_flight, 0);
	}
	rig_fini(&r);
}

/* The indirect table is the queue's own table: nested like any other, and no way to go on for ever.
 */
static void test_indirect_to_itself(void)
{
	struct rig r;

	rig_init(&r);
	vqd_desc(&r.d, 0, r.d.config.desc, SIZE * 16, I, 0);
	vqd_publish(&r.d, 0);
	CHECK_EQ(virtq_pop(&r.q, &r.chain), -EINVAL);
	rig_fini(&r);
}

/* ---- a second processor that changes the rings meanwhile ---------------------------------------
 */

struct racer {
	struct rig *r;
	atomic_bool stop;
};

/* Turns each descriptor from good to bad and back, between any two reads of the device. */
static void *race(void *arg)
{
	static const struct vring_desc evil[] = {
		{ VQD_GPA + VQD_BYTES - 8, 0x1000, W | N, 3 },
		{ UINT64_MAX - 8, 0xffffffff, N, 0 },
		{ VQD_GPA + VQD_DATA, 0xfff0, I, 7 },
		{ VQD_GPA, 16 * SIZE, I, 0xffff }, /* the table itself */
		{ 0, 0, W | N | I, 0 },
	};
	struct racer *racer = arg;
	struct vqd *d = &racer->r->d;

	for (unsigned int i = 0; !atomic_load_explicit(&racer->stop, memory_order_relaxed); i++) {
		const struct vring_desc *e = &evil[i % ARRAY_LEN(evil)];
		struct vring_desc *at = &d->desc[i % SIZE];

		__atomic_store_n(&at->len, e->len, __ATOMIC_RELAXED);
		__atomic_store_n(&at->addr, e->addr, __ATOMIC_RELAXED);
		__atomic_store_n(&at->flags, e->flags, __ATOMIC_RELAXED);
		__atomic_store_n(&at->next, e->next, __ATOMIC_RELAXED);
		__atomic_store_n(&at->flags, W | N, __ATOMIC_RELAXED);
		__atomic_store_n(&at->next, (uint16_t)((i + 1) % SIZE), __ATOMIC_RELAXED);
		__atomic_store_n(&at->addr, VQD_GPA + VQD_DATA, __ATOMIC_RELAXED);
		__atomic_store_n(&at->len, 64, __ATOMIC_RELAXED);
		__atomic_store_n(&at->flags, W, __ATOMIC_RELAXED);
		__atomic_store_n(&d->avail->ring[i % SIZE], (uint16_t)(i % (SIZE + 1)),
				 __ATOMIC_RELAXED);
	}
	return NULL;
}

/* Whatever a chain came to be while it changed: every byte of it is guest memory. */
static void check_chain(const struct rig *r)
{
	const struct virtq_chain *c = &r->chain;
	uint64_t sum = 0;

	if (c->n_read + c->n_write > SIZE)
		TEST_FAIL("%d buffers", c->n_read + c->n_write);
	for (size_t i = 0; i < (size_t)c->n_read + c->n_write; i++) {
		const uint8_t *p = c->iov[i].iov_base;
		const size_t off = (size_t)(p - r->ram);

		if (off > VQD_BYTES || c->iov[i].iov_len > VQD_BYTES - off)
			TEST_FAIL("a buffer at %zu of %zu bytes", off, c->iov[i].iov_len);
		sum += c->iov[i].iov_len;
	}
	CHECK_EQ(sum, (uint64_t)c->read_bytes + c->write_bytes);
}

static void test_double_fetch(void)
{
	enum { WANTED = 5000, RACE_MS = 5000 };
	const int64_t end = proc_now_ms() + RACE_MS;
	struct racer racer = { 0 };
	unsigned int good = 0;
	unsigned int bad = 0;
	pthread_t thread;
	struct rig r;

	rig_init(&r);
	racer.r = &r;
	CHECK_EQ(pthread_create(&thread, NULL, race, &racer), 0);
	while (!test_failed && good < WANTED && proc_now_ms() < end) {
		__atomic_store_n(&r.d.avail->idx, (uint16_t)(r.q.next_avail + 1), __ATOMIC_RELEASE);
		if (virtq_pop(&r.q, &r.chain) <= 0) {
			if (++bad % 64 == 0) /* one processor may be all there is */
				sched_yield();
			continue;
		}
		good++;
		check_chain(&r);
		virtq_push(&r.q, r.chain.head, 0);
	}
	atomic_store(&racer.stop, true);
	(void)pthread_join(thread, NULL);
	CHECK(good > 0);
	rig_fini(&r);
}

TEST_MAIN(TEST(test_mem), TEST(test_activate_refuses), TEST(test_round_trip),
	  TEST(test_hostile_chains), TEST(test_chain_lengths), TEST(test_indirect),
	  TEST(test_total_length), TEST(test_index_jumps), TEST(test_in_flight_is_bounded),
	  TEST(test_calls), TEST(test_kicks), TEST(test_fill_then_publish),
	  TEST(test_indirect_to_itself), TEST(test_double_fetch), TEST(test_not_memory))
