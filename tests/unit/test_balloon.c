// SPDX-License-Identifier: GPL-2.0-or-later
/* virtio-balloon, driven by a driver in plain memory that also breaks the rules. */
#include "vmmode/virtio/balloon.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include "spec/base/fd.h"
#include "spec/base/log.h"
#include "tests/unit/vq_rig.h"

enum {
	PAGE = BALLOON_PAGE_BYTES,
	FIRST_PFN = VQD_GPA / PAGE,
	PAGES = VQD_BYTES / PAGE,
	DATA_PFN = (VQD_GPA + VQD_DATA) / PAGE, /* pages that tests give away begin here */
	LIST = 0x60000,                         /* lists and reports, offset into RAM */
	Q_INFLATE = 0,
	Q_DEFLATE = 1,
	Q_STATS = 2,
};

#define BIT(n) (UINT64_C(1) << (n))

struct box {
	struct rig r;
	struct loop loop;
	struct loop_source idle; /* always ready */
	int idle_calls;
};

/* All that is ready has had its turn between two calls. */
static void on_idle(struct loop_source *src, uint32_t events)
{
	struct box *b = CONTAINER_OF(src, struct box, idle);

	(void)events;
	if (++b->idle_calls % 3 == 0)
		loop_stop(&b->loop);
}

static void turn(struct box *b)
{
	CHECK_EQ(loop_run(&b->loop), 0);
}

static void setup(struct box *b, const struct virtio_balloon_options *o)
{
	struct virtio_device *dev = NULL;
	struct err err = ERR_INIT;

	memset(b, 0, sizeof(*b));
	log_setup(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT, -1);
	b->idle = (struct loop_source){ .fd = eventfd(1, EFD_CLOEXEC), .ready = on_idle };
	if (loop_init(&b->loop) < 0 || loop_add(&b->loop, &b->idle, EPOLLIN) < 0 ||
	    virtio_balloon_new(o, &b->loop, &dev, &err) < 0) {
		TEST_FAIL("%s", err.msg);
		abort();
	}
	rig_init(&b->r, dev);
	memset(b->r.ram + VQD_DATA, 0x5a, VQD_BYTES - VQD_DATA);
}

static void cleanup(struct box *b)
{
	rig_fini(&b->r);
	loop_remove(&b->loop, &b->idle);
	(void)close(b->idle.fd);
	loop_fini(&b->loop);
}

/* Gives @n page numbers to @queue. Returns whether they were answered. */
static bool give(struct box *b, uint16_t queue, const uint32_t *pfns, uint32_t n)
{
	const struct vqd_buf buf = { LIST, n * 4, false };
	uint32_t head;
	uint32_t len;

	memcpy(b->r.ram + LIST, pfns, (size_t)n * 4);
	(void)vqd_add(&b->r.d[queue], &buf, 1);
	rig_kick(&b->r, queue);
	turn(b);
	return vqd_used(&b->r.d[queue], &head, &len) && len == 0;
}

static bool is_gone(const struct box *b, uint32_t pfn)
{
	const uint8_t *p = b->r.ram + (size_t)(pfn - FIRST_PFN) * PAGE;

	for (size_t i = 0; i < PAGE; i++) {
		if (p[i] != 0)
			return false;
	}
	return true;
}

static void test_options(void)
{
	struct virtio_device *dev = NULL;
	struct err err = ERR_INIT;
	struct virtio_balloon_options o = { .target_bytes = UINT64_C(17) << 40 };

	CHECK_EQ(virtio_balloon_new(&o, NULL, &dev, &err), -EINVAL);
	o = (struct virtio_balloon_options){ .stats_s = BALLOON_STATS_S_MAX + 1 };
	CHECK_EQ(virtio_balloon_new(&o, NULL, &dev, &err), -EINVAL);
	CHECK(dev == NULL);
}

static void test_config(void)
{
	const struct virtio_balloon_options all = { .target_bytes = 5 * PAGE + 1,
						    .deflate_on_oom = true,
						    .reporting = true };
	struct virtio_balloon_config c = { 0 };
	struct virtio_balloon_state s;
	const uint32_t v = 3;
	struct box b;

	setup(&b, &(struct virtio_balloon_options){ 0 });
	CHECK_EQ(b.r.dev->id, 5);
	CHECK_EQ(b.r.dev->offered, VIRTIO_COMMON_FEATURES | BIT(VIRTIO_BALLOON_F_STATS_VQ));
	cleanup(&b);
	setup(&b, &all);
	CHECK_EQ(b.r.dev->offered, VIRTIO_COMMON_FEATURES | BIT(VIRTIO_BALLOON_F_STATS_VQ) |
				       BIT(VIRTIO_BALLOON_F_DEFLATE_ON_OOM) |
				       BIT(VIRTIO_BALLOON_F_REPORTING) |
				       BIT(VIRTIO_BALLOON_F_PAGE_POISON));
	CHECK_EQ(rig_activate(&b.r, b.r.dev->offered, 4), 0);
	b.r.dev->ops->config_read(b.r.dev, 0, &c, sizeof(c));
	CHECK_EQ(c.num_pages, 5);
	/* The target is the host's alone; the driver writes what it has. */
	b.r.dev->ops->config_write(b.r.dev, 0, &v, 4);
	b.r.dev->ops->config_write(b.r.dev, 4, &v, 4);
	b.r.dev->ops->config_write(b.r.dev, 12, &v, 1);
	b.r.dev->ops->config_read(b.r.dev, 0, &c, sizeof(c));
	CHECK_EQ(c.num_pages, 5);
	CHECK_EQ(c.actual, 3);
	CHECK_EQ(c.poison_val, 3);
	virtio_balloon_get_state(b.r.dev, &s);
	CHECK_EQ(s.target_bytes, 5 * PAGE);
	CHECK_EQ(s.actual_bytes, 3 * PAGE);
	/* A new target is told by an interrupt. */
	CHECK(!rig_signalled(b.r.dev->config_call_fd, 0));
	CHECK_EQ(virtio_balloon_set_target(b.r.dev, 9 * PAGE), 0);
	CHECK(rig_signalled(b.r.dev->config_call_fd, 0));
	CHECK_EQ(virtio_balloon_set_target(b.r.dev, UINT64_MAX), -ERANGE);
	virtio_device_reset(b.r.dev);
	b.r.dev->ops->config_read(b.r.dev, 0, &c, sizeof(c));
	CHECK_EQ(c.num_pages, 9);
	CHECK_EQ(c.actual, 0);
	CHECK_EQ(c.poison_val, 0);
	cleanup(&b);
}

static void test_inflate(void)
{
	/* Backwards, twice, apart; the neighbours stay. */
	static const uint32_t pfns[] = { DATA_PFN + 3, DATA_PFN + 2, DATA_PFN + 2, DATA_PFN + 1,
					 DATA_PFN + 9 };
	struct virtio_balloon_state s;
	struct box b;

	setup(&b, &(struct virtio_balloon_options){ 0 });
	CHECK_EQ(rig_activate(&b.r, VIRTIO_COMMON_FEATURES, 2), 0);
	CHECK(give(&b, Q_INFLATE, pfns, ARRAY_LEN(pfns)));
	for (uint32_t i = 0; i < 12; i++)
		CHECK_EQ(is_gone(&b, DATA_PFN + i), (i >= 1 && i <= 3) || i == 9);
	virtio_balloon_get_state(b.r.dev, &s);
	CHECK_EQ(s.inflated_bytes, 5 * PAGE);
	b.r.ram[VQD_DATA + PAGE] = 1; /* used without a word: MUST_TELL_HOST is not offered */
	CHECK(give(&b, Q_DEFLATE, pfns, ARRAY_LEN(pfns)));
	CHECK_EQ(b.r.ram[VQD_DATA + PAGE], 1);
	CHECK(!atomic_load(&b.r.dev->broken));
	cleanup(&b);
}

/* More chains than one turn takes. */
static void test_many(void)
{
	struct box b;
	uint32_t head;
	uint32_t len;
	uint32_t n = 0;

	setup(&b, &(struct virtio_balloon_options){ 0 });
	CHECK_EQ(rig_activate(&b.r, VIRTIO_COMMON_FEATURES, 2), 0);
	for (uint32_t i = 0; i < RIG_SIZE; i++) {
		const struct vqd_buf buf = { LIST + 4 * i, 4, false };
		const uint32_t pfn = DATA_PFN + i;

		memcpy(b.r.ram + LIST + 4 * (size_t)i, &pfn, 4);
		(void)vqd_add(&b.r.d[0], &buf, 1);
	}
	rig_kick(&b.r, Q_INFLATE);
	for (int i = 0; i < RIG_SIZE; i++)
		turn(&b);
	while (vqd_used(&b.r.d[0], &head, &len))
		n++;
	CHECK_EQ(n, RIG_SIZE);
	for (uint32_t i = 0; i < RIG_SIZE; i++)
		CHECK(is_gone(&b, DATA_PFN + i));
	cleanup(&b);
}

static void broken_by(uint16_t queue, const struct vqd_buf *bufs, size_t n, const uint32_t *pfns)
{
	struct box b;
	uint32_t head;
	uint32_t len;

	setup(&b, &(struct virtio_balloon_options){ .reporting = true });
	CHECK_EQ(rig_activate(&b.r, b.r.dev->offered, 4), 0);
	memcpy(b.r.ram + LIST, pfns, 8);
	(void)vqd_add(&b.r.d[queue], bufs, n);
	rig_kick(&b.r, queue);
	turn(&b);
	CHECK(atomic_load(&b.r.dev->broken));
	CHECK(!vqd_used(&b.r.d[queue], &head, &len));
	/* Nothing of a bad list is done, and the other queues are dead as well. */
	CHECK(!is_gone(&b, DATA_PFN));
	CHECK(!give(&b, Q_DEFLATE, (const uint32_t[]){ DATA_PFN }, 1));
	virtio_balloon_refresh(b.r.dev);
	/* A reset makes it whole again. */
	virtio_device_reset(b.r.dev);
	CHECK_EQ(rig_activate(&b.r, VIRTIO_COMMON_FEATURES, 2), 0);
	CHECK(give(&b, Q_INFLATE, (const uint32_t[]){ DATA_PFN }, 1));
	CHECK(is_gone(&b, DATA_PFN));
	cleanup(&b);
}

static void test_hostile(void)
{
	static const struct {
		uint16_t queue;
		struct vqd_buf bufs[2];
		size_t n;
		uint32_t pfns[2];
	} cases[] = {
		{ 0, { { LIST, 8, false } }, 1, { DATA_PFN, UINT32_MAX } },
		{ 0, { { LIST, 8, false } }, 1, { DATA_PFN, 0 } }, /* a hole */
		{ 0, { { LIST, 8, false } }, 1, { DATA_PFN, FIRST_PFN - 1 } },
		{ 0, { { LIST, 8, false } }, 1, { DATA_PFN, FIRST_PFN + PAGES } },
		{ 1, { { LIST, 8, false } }, 1, { DATA_PFN, FIRST_PFN + PAGES } },
		{ 0, { { LIST, 7, false } }, 1, { DATA_PFN, DATA_PFN } },
		{ 0, { { LIST, 3, false } }, 1, { DATA_PFN, DATA_PFN } },
		{ 0, { { LIST, 0, false } }, 1, { DATA_PFN, DATA_PFN } },
		{ 0, { { LIST, 8, true } }, 1, { DATA_PFN, DATA_PFN } },
		{ 0, { { LIST, 8, false }, { VQD_DATA, 8, true } }, 2, { DATA_PFN, DATA_PFN } },
		{ 2, { { LIST, 8, true } }, 1, { 0, 0 } }, /* statistics to be written */
		{ 2, { { LIST, 0, false } }, 1, { 0, 0 } },
		{ 3, { { VQD_DATA, PAGE, false } }, 1, { 0, 0 } }, /* a report to be read */
		{ 3, { { LIST, 8, false }, { VQD_DATA, PAGE, true } }, 2, { 0, 0 } },
		{ 3, { { VQD_DATA, 0, true } }, 1, { 0, 0 } },
		{ 3, { { VQD_BYTES - PAGE, 2 * PAGE, true } }, 1, { 0, 0 } }, /* past the end */
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		broken_by(cases[i].queue, cases[i].bufs, cases[i].n, cases[i].pfns);
}

/* A list longer than what is looked at: the rest is left alone. */
static void test_long_list(void)
{
	static uint32_t pfns[BALLOON_PFNS_MAX + 1];
	struct box b;

	for (size_t i = 0; i < ARRAY_LEN(pfns); i++)
		pfns[i] = DATA_PFN;
	pfns[BALLOON_PFNS_MAX] = DATA_PFN + 1;
	setup(&b, &(struct virtio_balloon_options){ 0 });
	CHECK_EQ(rig_activate(&b.r, VIRTIO_COMMON_FEATURES, 2), 0);
	CHECK(give(&b, Q_INFLATE, pfns, ARRAY_LEN(pfns)));
	CHECK(is_gone(&b, DATA_PFN));
	CHECK(!is_gone(&b, DATA_PFN + 1));
	cleanup(&b);
}

/* The ring's own pages go into the balloon: harm for the guest alone. */
static void test_ring_pages(void)
{
	struct box b;
	static uint32_t pfns[VQD_RING_BYTES / PAGE];

	for (uint32_t i = 0; i < ARRAY_LEN(pfns); i++)
		pfns[i] = FIRST_PFN + i;
	setup(&b, &(struct virtio_balloon_options){ 0 });
	CHECK_EQ(rig_activate(&b.r, VIRTIO_COMMON_FEATURES, 2), 0);
	(void)give(&b, Q_INFLATE, pfns, ARRAY_LEN(pfns));
	rig_kick(&b.r, Q_INFLATE);
	turn(&b);
	CHECK(atomic_load(&b.r.dev->broken)); /* the available index jumped back to 0 */
	cleanup(&b);
}

static void put_stats(struct box *b, const struct virtio_balloon_stat *list, uint32_t n)
{
	const struct vqd_buf buf = { LIST, (uint32_t)(n * sizeof(*list)), false };

	memcpy(b->r.ram + LIST, list, n * sizeof(*list));
	(void)vqd_add(&b->r.d[Q_STATS], &buf, 1);
	rig_kick(&b->r, Q_STATS);
	turn(b);
}

static void test_stats(void)
{
	static const struct virtio_balloon_stat list[] = {
		{ VIRTIO_BALLOON_S_MEMFREE, 1000 },
		{ VIRTIO_BALLOON_S_MEMTOT, 2000 },
		{ VIRTIO_BALLOON_S_NR, 1 }, /* unknown */
		{ UINT16_MAX, 1 },
	};
	struct virtio_balloon_state s;
	struct box b;
	uint32_t head;
	uint32_t len;

	setup(&b, &(struct virtio_balloon_options){ 0 });
	CHECK_EQ(rig_activate(&b.r, b.r.dev->offered, 3), 0);
	virtio_balloon_refresh(b.r.dev); /* nothing to give back yet */
	virtio_balloon_get_state(b.r.dev, &s);
	CHECK_EQ(s.stats_mask, 0);
	put_stats(&b, list, ARRAY_LEN(list));
	virtio_balloon_get_state(b.r.dev, &s);
	CHECK_EQ(s.stats_mask, 1 << VIRTIO_BALLOON_S_MEMFREE | 1 << VIRTIO_BALLOON_S_MEMTOT);
	CHECK_EQ(s.stats[VIRTIO_BALLOON_S_MEMFREE], 1000);
	CHECK_EQ(s.stats[VIRTIO_BALLOON_S_MEMTOT], 2000);
	CHECK(!vqd_used(&b.r.d[Q_STATS], &head, &len)); /* held */
	virtio_balloon_refresh(b.r.dev);
	CHECK(vqd_used(&b.r.d[Q_STATS], &head, &len));
	CHECK(rig_signalled(b.r.dev->queues[Q_STATS].call_fd, 0));
	virtio_balloon_refresh(b.r.dev);
	CHECK(!vqd_used(&b.r.d[Q_STATS], &head, &len)); /* once */
	put_stats(&b, list, 1);
	put_stats(&b, list, 1); /* a second buffer: the first comes back */
	CHECK(vqd_used(&b.r.d[Q_STATS], &head, &len));
	CHECK(!atomic_load(&b.r.dev->broken));
	virtio_device_reset(b.r.dev);
	virtio_balloon_refresh(b.r.dev);
	virtio_balloon_get_state(b.r.dev, &s);
	CHECK_EQ(s.stats_mask, 0);
	CHECK_STR(virtio_balloon_stat_name(VIRTIO_BALLOON_S_MEMFREE), "free-memory");
	CHECK_STR(virtio_balloon_stat_name(VIRTIO_BALLOON_S_NR), "");
	cleanup(&b);
}

/* A chain that was there before the device was ready needs no kick. */
static void test_stats_early(void)
{
	const struct vqd_buf buf = { LIST, sizeof(struct virtio_balloon_stat), false };
	struct virtio_balloon_state s;
	struct box b;

	setup(&b, &(struct virtio_balloon_options){ 0 });
	b.r.dev->features = b.r.dev->offered;
	for (uint16_t i = 0; i < 3; i++) {
		vqd_init(&b.r.d[i], b.r.ram, i, RIG_SIZE);
		b.r.dev->queues[i].config = b.r.d[i].config;
	}
	(void)vqd_add(&b.r.d[Q_STATS], &buf, 1);
	CHECK_EQ(virtio_device_activate(b.r.dev, &b.r.mem), 0);
	turn(&b);
	virtio_balloon_get_state(b.r.dev, &s);
	CHECK_EQ(s.stats_mask, 1);
	cleanup(&b);
}

/* A huge list of statistics: a fixed part of it is looked at. */
static void test_stats_flood(void)
{
	const struct vqd_buf buf = { VQD_DATA, VQD_BYTES - VQD_DATA, false };
	struct box b;

	setup(&b, &(struct virtio_balloon_options){ 0 });
	CHECK_EQ(rig_activate(&b.r, b.r.dev->offered, 3), 0);
	(void)vqd_add(&b.r.d[Q_STATS], &buf, 1);
	rig_kick(&b.r, Q_STATS);
	turn(&b);
	CHECK(!atomic_load(&b.r.dev->broken));
	cleanup(&b);
}

static void test_stats_timer(void)
{
	static const struct virtio_balloon_stat one = { VIRTIO_BALLOON_S_MEMFREE, 1 };
	struct box b;
	uint32_t head;
	uint32_t len;

	setup(&b, &(struct virtio_balloon_options){ .stats_s = 1 });
	CHECK_EQ(rig_activate(&b.r, b.r.dev->offered, 3), 0);
	put_stats(&b, &one, 1);
	while (!vqd_used(&b.r.d[Q_STATS], &head, &len)) {
		(void)usleep(10000);
		turn(&b);
	}
	cleanup(&b);
}

/* Reports on the queue that the driver chose; with a pattern they change nothing. */
static void report(uint64_t features, uint16_t queue, uint32_t poison, bool gone)
{
	const struct vqd_buf bufs[] = { { VQD_DATA, 2 * PAGE, true },
					{ VQD_DATA + 4 * PAGE + 1, 2 * PAGE, true } };
	struct virtio_balloon_state s;
	struct box b;
	uint32_t head;
	uint32_t len;

	setup(&b, &(struct virtio_balloon_options){ .reporting = true });
	CHECK_EQ(rig_activate(&b.r, VIRTIO_COMMON_FEATURES | features,
			      queue == 4 ? 5 : (uint16_t)(queue + 1)),
		 0);
	b.r.dev->ops->config_write(b.r.dev, 12, &poison, 4);
	(void)vqd_add(&b.r.d[queue], bufs, 2);
	rig_kick(&b.r, queue);
	turn(&b);
	CHECK(vqd_used(&b.r.d[queue], &head, &len));
	/* A page that is not wholly in the range is not touched. */
	for (uint32_t i = 0; i < 8; i++)
		CHECK_EQ(is_gone(&b, DATA_PFN + i), gone && (i < 2 || i == 5));
	virtio_balloon_get_state(b.r.dev, &s);
	CHECK_EQ(s.reported_bytes, gone ? 4 * PAGE : 0);
	cleanup(&b);
}

static void test_report(void)
{
	const uint64_t rep = BIT(VIRTIO_BALLOON_F_REPORTING);
	const uint64_t stats = BIT(VIRTIO_BALLOON_F_STATS_VQ);
	const uint64_t poison = BIT(VIRTIO_BALLOON_F_PAGE_POISON);

	report(rep, 2, 0, true);
	report(rep | stats, 3, 0, true);
	report(rep | stats, 4, 0, true);
	report(rep | stats | poison, 3, 0, true);
	report(rep | stats | poison, 3, 0xaaaaaaaa, false);
	report(rep | stats, 3, 0xaaaaaaaa, true); /* not negotiated: no meaning */
}

/* A memfd's pages go back as well. */
static void test_shared(void)
{
	auto_close int fd = fd_memory("test");
	struct guest_mem mem = { .is_shared = true };
	const size_t bytes = (size_t)16 * PAGE;
	uint8_t *p;
	struct stat st;

	CHECK_EQ(ftruncate(fd, (off_t)bytes), 0);
	p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		abort();
	memset(p, 1, bytes);
	CHECK_EQ(guest_mem_add(&mem, 0, bytes, p), 0);
	CHECK_EQ(guest_mem_discard(&mem, p + 1, bytes - 1), 0);
	CHECK_EQ(p[PAGE - 1], 1);
	CHECK_EQ(p[PAGE], 0);
	CHECK_EQ(guest_mem_discard(&mem, p, PAGE - 1), 0);
	CHECK_EQ(p[0], 1);
	CHECK_EQ(fstat(fd, &st), 0);
	CHECK_EQ(st.st_blocks * 512, 2 * PAGE); /* the first, and the one just read */
	(void)munmap(p, bytes);
}

TEST_MAIN(TEST(test_options), TEST(test_config), TEST(test_inflate), TEST(test_many),
	  TEST(test_hostile), TEST(test_long_list), TEST(test_ring_pages), TEST(test_stats),
	  TEST(test_stats_early), TEST(test_stats_flood), TEST(test_stats_timer), TEST(test_report),
	  TEST(test_shared))
