// SPDX-License-Identifier: GPL-2.0-or-later
/* The values that limits become, on v1 and v2, and the loop that writes them to a tree of files. */
#include "tests/unit/test.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "cgroups/limits.h"
#include "spec/base/fd.h"

#define I64(x)                                                                                     \
	{                                                                                          \
		true, (x)                                                                          \
	}
#define ITEMS(a)                                                                                   \
	{                                                                                          \
		(a), ARRAY_LEN(a)                                                                  \
	}

static const struct cg_layout v1 = { 0, false };
static const struct cg_layout v2 = { UINT32_MAX, true };

/* "file=value;" for each write, with '?' for an alternative and '!' for advice. */
static void describe(const struct cg_limits *l, struct buf *out)
{
	buf_clear(out);
	for (size_t i = 0; i < l->n; i++) {
		const struct cg_write *w = &l->items[i];

		buf_printf(
		    out, "%s=%s%s%s%s;", w->file, w->value, w->flags & CG_WRITE_ALT ? "?" : "",
		    w->flags & CG_WRITE_ADVICE ? "!" : "", w->flags & CG_WRITE_OPTIONAL ? "~" : "");
	}
}

static struct config_weight_device weights[] = { { 8, 0, I64(500), { 0 } } };
static struct config_weight_device leaf_weights[] = { { 8, 0, I64(500), I64(300) } };
static struct config_throttle rates[] = { { 8, 0, 1000 }, { 8, 16, 0 } };
static struct config_hugepage_limit huge[] = { { "2MB", 4194304 } };
static struct config_hugepage_limit bad_huge[] = { { "2MB/../x", 1 } };
static struct config_rdma rdma[] = { { "mlx5_1", I64(3), I64(10000) }, { "rxe3", { 0 }, I64(7) } };
static struct config_rdma bad_rdma[] = { { "a b", I64(3), { 0 } } };
static struct config_net_priority prios[] = { { "eth0", 5 } };
static struct config_unified unified[] = { { "memory.high", "1000" },
					   { "io.max", "8:0 rbps=1\n8:16 rbps=2" } };
static struct config_unified bad_unified[] = { { "../memory.max", "1" } };
static struct config_unified procs_unified[] = { { "cgroup.procs", "1" } };

struct build_case {
	struct config_resources res;
	const char *on_v1, *on_v2; /* what is written; begins with "/": the error's JSON path */
};

static const struct build_case memory_cases[] = {
	{ .on_v1 = "", .on_v2 = "" },
	{ { .memory = { .limit = I64(0), .swap = I64(0), .reservation = I64(0) } }, "", "" },
	{ { .memory = { .limit = I64(1000) } }, "memory.limit_in_bytes=1000;", "memory.max=1000;" },
	{ { .memory = { .limit = I64(1000), .swap = I64(3000), .reservation = I64(500) } },
	  "memory.memsw.limit_in_bytes=3000;memory.limit_in_bytes=1000;"
	  "memory.soft_limit_in_bytes=500;",
	  "memory.swap.max=2000;memory.max=1000;memory.low=500;" },
	{ { .memory = { .limit = I64(1000), .swap = I64(1000) } },
	  "memory.memsw.limit_in_bytes=1000;memory.limit_in_bytes=1000;",
	  "memory.swap.max=0~;memory.max=1000;" },
	{ { .memory = { .limit = I64(1000), .swap = I64(-1) } },
	  "memory.memsw.limit_in_bytes=-1~;memory.limit_in_bytes=1000;",
	  "memory.swap.max=max~;memory.max=1000;" },
	{ { .memory = { .limit = I64(-1) } },
	  "memory.memsw.limit_in_bytes=-1~;memory.limit_in_bytes=-1;",
	  "memory.swap.max=max~;memory.max=max;" },
	{ { .memory = { .limit = I64(-1), .swap = I64(5000) } },
	  "memory.memsw.limit_in_bytes=5000;memory.limit_in_bytes=-1;",
	  "memory.swap.max=5000;memory.max=max;" },
	{ { .memory = { .limit = I64(1000), .swap = I64(999) } },
	  "/linux/resources/memory/swap",
	  "/linux/resources/memory/swap" },
	{ { .memory = { .limit = I64(-2) } },
	  "/linux/resources/memory/limit",
	  "/linux/resources/memory/limit" },
	{ { .memory = { .reservation = I64(-1) } },
	  "memory.soft_limit_in_bytes=-1;",
	  "memory.low=max;" },
	{ { .memory = { .swappiness = I64(0) } },
	  "memory.swappiness=0;",
	  "/linux/resources/memory/swappiness" },
	{ { .memory = { .swappiness = I64(101) } },
	  "/linux/resources/memory/swappiness",
	  "/linux/resources/memory/swappiness" },
	{ { .memory = { .disable_oom_killer = { true, false }, .use_hierarchy = { true, false } } },
	  "",
	  "" },
	{ { .memory = { .disable_oom_killer = { true, true } } },
	  "memory.oom_control=1;",
	  "/linux/resources/memory/disableOOMKiller" },
	{ { .memory = { .use_hierarchy = { true, true } } }, "memory.use_hierarchy=1~;", "" },
	{ { .memory = { .kernel = I64(7), .kernel_tcp = I64(8) } },
	  "memory.kmem.limit_in_bytes=7!;memory.kmem.tcp.limit_in_bytes=8;",
	  "/linux/resources/memory/kernelTCP" },
	{ { .memory = { .kernel = I64(7) } },
	  "memory.kmem.limit_in_bytes=7!;",
	  "memory.kmem.max=7!;" },
	{ { .memory = { .kernel_tcp = I64(-1) } }, "memory.kmem.tcp.limit_in_bytes=-1;", "" },
};

static const struct build_case cpu_cases[] = {
	{ { .cpu = { .shares = I64(0),
		     .quota_us = I64(0),
		     .period_us = I64(0),
		     .realtime_runtime_us = I64(0),
		     .realtime_period_us = I64(0),
		     .cpus = "" } },
	  "",
	  "" },
	{ { .cpu = { .shares = I64(512) } }, "cpu.shares=512;", "cpu.weight=59;" },
	{ { .cpu = { .quota_us = I64(50000), .period_us = I64(100000) } },
	  "cpu.cfs_period_us=100000;cpu.cfs_quota_us=50000;",
	  "cpu.max=50000 100000;" },
	{ { .cpu = { .quota_us = I64(-1) } }, "cpu.cfs_quota_us=-1;", "cpu.max=max;" },
	{ { .cpu = { .quota_us = I64(-2) } },
	  "/linux/resources/cpu/quota",
	  "/linux/resources/cpu/quota" },
	{ { .cpu = { .period_us = I64(1000) } }, "cpu.cfs_period_us=1000;", "cpu.max=1000;" },
	{ { .cpu = { .quota_us = I64(1000), .burst_us = I64(0) } },
	  "cpu.cfs_quota_us=1000;cpu.cfs_burst_us=0;",
	  "cpu.max=1000;cpu.max.burst=0;" },
	{ { .cpu = { .quota_us = I64(1000), .burst_us = I64(1001) } },
	  "/linux/resources/cpu/burst",
	  "/linux/resources/cpu/burst" },
	{ { .cpu = { .idle = I64(1) } }, "cpu.idle=1;", "cpu.idle=1;" },
	{ { .cpu = { .idle = I64(2) } }, "/linux/resources/cpu/idle", "/linux/resources/cpu/idle" },
	{ { .cpu = { .realtime_runtime_us = I64(950), .realtime_period_us = I64(1000) } },
	  "cpu.rt_period_us=1000;cpu.rt_runtime_us=950;",
	  "/linux/resources/cpu/realtimeRuntime" },
	{ { .cpu = { .realtime_period_us = I64(1000) } },
	  "cpu.rt_period_us=1000;",
	  "/linux/resources/cpu/realtimePeriod" },
	{ { .cpu = { .cpus = "0-1", .mems = "0" } },
	  "cpuset.cpus=0-1;cpuset.mems=0;",
	  "cpuset.cpus=0-1;cpuset.mems=0;" },
};

static const struct build_case other_cases[] = {
	{ { .pids_limit = I64(-1) }, "pids.max=max;", "pids.max=max;" },
	{ { .pids_limit = I64(0) }, "pids.max=0;", "pids.max=0;" },
	{ { .pids_limit = I64(64) }, "pids.max=64;", "pids.max=64;" },
	{ { .pids_limit = I64(-2) }, "/linux/resources/pids/limit", "/linux/resources/pids/limit" },
	{ { .block_io = { .weight = I64(0), .leaf_weight = I64(0) } }, "", "" },
	{ { .block_io = { .weight = I64(10) } },
	  "blkio.bfq.weight=10?;blkio.weight=10;",
	  "io.bfq.weight=10?;io.weight=1;" },
	{ { .block_io = { .weight = I64(1000) } },
	  "blkio.bfq.weight=1000?;blkio.weight=1000;",
	  "io.bfq.weight=1000?;io.weight=10000;" },
	{ { .block_io = { .weight = I64(9) } },
	  "/linux/resources/blockIO/weight",
	  "/linux/resources/blockIO/weight" },
	{ { .block_io = { .leaf_weight = I64(20) } },
	  "blkio.leaf_weight=20;",
	  "/linux/resources/blockIO/leafWeight" },
	{ { .block_io = { .weight_devices = ITEMS(weights) } },
	  "blkio.bfq.weight_device=8:0 500?;blkio.weight_device=8:0 500;",
	  "io.bfq.weight=8:0 500?;io.weight=8:0 4950;" },
	{ { .block_io = { .weight_devices = ITEMS(leaf_weights) } },
	  "blkio.bfq.weight_device=8:0 500?;blkio.weight_device=8:0 500;"
	  "blkio.leaf_weight_device=8:0 300;",
	  "/linux/resources/blockIO/weightDevice/0/leafWeight" },
	{ { .block_io = { .read_bps = ITEMS(rates), .write_iops = ITEMS(rates) } },
	  "blkio.throttle.read_bps_device=8:0 1000;blkio.throttle.read_bps_device=8:16 0;"
	  "blkio.throttle.write_iops_device=8:0 1000;blkio.throttle.write_iops_device=8:16 0;",
	  "io.max=8:0 rbps=1000;io.max=8:16 rbps=max;io.max=8:0 wiops=1000;"
	  "io.max=8:16 wiops=max;" },
	{ { .hugepage_limits = ITEMS(huge) },
	  "hugetlb.2MB.rsvd.limit_in_bytes=4194304?;hugetlb.2MB.limit_in_bytes=4194304;",
	  "hugetlb.2MB.rsvd.max=4194304?;hugetlb.2MB.max=4194304;" },
	{ { .hugepage_limits = ITEMS(bad_huge) },
	  "/linux/resources/hugepageLimits/0/pageSize",
	  "/linux/resources/hugepageLimits/0/pageSize" },
	{ { .rdma = ITEMS(rdma) },
	  "rdma.max=mlx5_1 hca_handle=3 hca_object=10000;rdma.max=rxe3 hca_object=7;",
	  "rdma.max=mlx5_1 hca_handle=3 hca_object=10000;rdma.max=rxe3 hca_object=7;" },
	{ { .rdma = ITEMS(bad_rdma) }, "/linux/resources/rdma/a b", "/linux/resources/rdma/a b" },
	{ { .net_class_id = I64(0) }, "", "" },
	{ { .net_class_id = I64(1048577) },
	  "net_cls.classid=1048577;",
	  "/linux/resources/network/classID" },
	{ { .net_priorities = ITEMS(prios) },
	  "net_prio.ifpriomap=eth0 5;",
	  "/linux/resources/network/priorities/0" },
	{ { .unified = ITEMS(unified) },
	  "/linux/resources/unified/memory.high",
	  "memory.high=1000;io.max=8:0 rbps=1\n8:16 rbps=2;" },
	{ { .unified = ITEMS(bad_unified) },
	  "/linux/resources/unified/../memory.max",
	  "/linux/resources/unified/../memory.max" },
	{ { .unified = ITEMS(procs_unified) },
	  "/linux/resources/unified/cgroup.procs",
	  "/linux/resources/unified/cgroup.procs" },
};

static void check_build(const struct config_resources *res, const struct cg_layout *layout,
			const char *want)
{
	auto_cleanup(cg_limits_fini) struct cg_limits l = { 0 };
	auto_buf struct buf text = BUF_INIT;
	struct err err = ERR_INIT;
	int rc = cg_limits_build(res, layout, &l, &err);

	if (*want == '/') {
		CHECK(rc < 0);
		CHECK(strncmp(err.msg, want, strlen(want)) == 0 && err.msg[strlen(want)] == ':');
		if (strncmp(err.msg, want, strlen(want)) != 0)
			CHECK_STR(err.msg, want);
		return;
	}
	CHECK_EQ(rc, 0);
	CHECK_STR(err.msg, "");
	describe(&l, &text);
	CHECK_STR(buf_str(&text), want);
}

static void check_cases(const struct build_case *cases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		check_build(&cases[i].res, &v1, cases[i].on_v1);
		check_build(&cases[i].res, &v2, cases[i].on_v2);
	}
}

static void test_memory(void)
{
	check_cases(memory_cases, ARRAY_LEN(memory_cases));
}

static void test_cpu(void)
{
	check_cases(cpu_cases, ARRAY_LEN(cpu_cases));
}

static void test_others(void)
{
	check_cases(other_cases, ARRAY_LEN(other_cases));
}

static void test_swap_alone(void)
{
	const struct config_resources res = { .memory = { .swap = I64(5000) } };
	auto_cleanup(cg_limits_fini) struct cg_limits l = { 0 };

	CHECK_EQ(cg_limits_build(&res, &v2, &l, NULL), 0);
	CHECK_EQ(l.n, 0);
	CHECK(l.swap_total.is_set);
	CHECK_EQ(l.swap_total.v, 5000);
}

static void test_weights(void)
{
	static const struct {
		uint64_t shares, weight;
	} cases[] = { { 0, 0 },          { 1, 1 },          { 2, 1 },          { 10, 4 },
		      { 100, 17 },       { 1024, 100 },     { 2048, 174 },     { 65536, 3023 },
		      { 262143, 10000 }, { 262144, 10000 }, { 1 << 30, 10000 } };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		CHECK_EQ(cg_weight_from_shares(cases[i].shares), cases[i].weight);
	for (uint64_t s = 2; s < 262144; s++) {
		if (cg_weight_from_shares(s) > cg_weight_from_shares(s + 1)) {
			TEST_FAIL("weight falls at %llu", (unsigned long long)s);
			break;
		}
	}
	CHECK_EQ(cg_io_weight_from_blkio(10), 1);
	CHECK_EQ(cg_io_weight_from_blkio(500), 4950);
	CHECK_EQ(cg_io_weight_from_blkio(1000), 10000);
}

/* ---- a tree of plain files ----------------------------------------------------------------- */

struct tree {
	char dir[64];
	struct cgroup cg;
};

static void put(struct tree *t, const char *name, const char *text)
{
	auto_close int fd =
	    openat(t->cg.host.root_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	CHECK(fd >= 0);
	CHECK_EQ(fd_write_all(fd, text, strlen(text)), 0);
}

static void check_file(struct tree *t, const char *name, const char *want)
{
	auto_buf struct buf b = BUF_INIT;

	CHECK_EQ(file_read_at(t->cg.host.root_fd, name, 4096, &b), 0);
	CHECK_STR(buf_str(&b), want);
}

static bool tree_open(struct tree *t)
{
	static char group[] = "/g";

	memset(t, 0, sizeof(*t));
	(void)snprintf(t->dir, sizeof(t->dir), "/tmp/bivalve-test-XXXXXX");
	if (!mkdtemp(t->dir))
		return false;
	t->cg.host.root_fd = open(t->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	t->cg.path = group;
	t->cg.has_group = true;
	t->cg.v2_dir_fd = -1;
	return true;
}

static void tree_close(struct tree *t)
{
	char cmd[128];

	cleanup_close(&t->cg.host.root_fd);
	(void)snprintf(cmd, sizeof(cmd), "rm -rf '%s'", t->dir);
	CHECK_EQ(system(cmd), 0);
}

static void add_hier(struct tree *t, const char *dir, uint32_t ctls, bool is_v2)
{
	struct cg_hier *h = &t->cg.host.hiers[t->cg.host.n++];
	char group[64];

	(void)snprintf(h->dir, sizeof(h->dir), "%s", dir);
	h->ctls = ctls;
	h->is_v2 = is_v2;
	if (!is_v2)
		CHECK_EQ(mkdirat(t->cg.host.root_fd, dir, 0755), 0);
	(void)snprintf(group, sizeof(group), "%s/g", dir);
	CHECK_EQ(mkdirat(t->cg.host.root_fd, group, 0755), 0);
}

static void test_write_v2(void)
{
	struct config_resources res = { .memory = { .limit = I64(1000), .swap = I64(1500) },
					.cpu = { .period_us = I64(2000) },
					.pids_limit = I64(7),
					.hugepage_limits = ITEMS(huge) };
	struct tree t;
	struct err err = ERR_INIT;

	if (!tree_open(&t))
		TEST_SKIP("no temporary folder");
	add_hier(&t, ".", 0, true);
	t.cg.host.mode = CG_MODE_V2;
	put(&t, "cgroup.controllers", "cpu memory pids hugetlb");
	put(&t, "g/cgroup.controllers", "cpu memory pids hugetlb");
	put(&t, "g/memory.max", "");
	put(&t, "g/memory.swap.max", "");
	put(&t, "g/cpu.max", "500 9999");
	put(&t, "g/pids.max", "");
	put(&t, "g/hugetlb.2MB.max", ""); /* no rsvd: the alternative alone */
	CHECK_EQ(cg_limits_apply(&t.cg, &res, &err), 0);
	CHECK_STR(err.msg, "");
	check_file(&t, "g/memory.max", "1000");
	check_file(&t, "g/memory.swap.max", "500");
	check_file(&t, "g/cpu.max", "500 2000");
	check_file(&t, "g/pids.max", "7");
	check_file(&t, "g/hugetlb.2MB.max", "4194304");

	res = (struct config_resources){ .memory = { .swap = I64(4000) } };
	put(&t, "g/memory.max", "1000");
	CHECK_EQ(cg_limits_apply(&t.cg, &res, &err), 0);
	check_file(&t, "g/memory.swap.max", "3000");

	res = (struct config_resources){ .memory = { .limit = I64(100),
						     .check_before_update = { true, true } } };
	put(&t, "g/memory.current", "100\n");
	CHECK_EQ(cg_limits_apply(&t.cg, &res, &err), -EBUSY);
	CHECK_HAS(err.msg, "/linux/resources/memory/limit: 100 is not above the usage, 100");
	check_file(&t, "g/memory.max", "1000");
	tree_close(&t);
}

static void test_write_errors(void)
{
	struct config_resources res = { .block_io = { .weight = I64(100) } };
	struct tree t;
	struct err err = ERR_INIT;

	if (!tree_open(&t))
		TEST_SKIP("no temporary folder");
	add_hier(&t, "blkio", CTL_BIT(CTL_IO), false);
	t.cg.host.mode = CG_MODE_V1;
	CHECK_EQ(cg_limits_apply(&t.cg, &res, &err), -ENOENT);
	CHECK_HAS(err.msg, "/linux/resources/blockIO/weight: the group '/g' has no file");
	put(&t, "blkio/g/blkio.bfq.weight", "");
	CHECK_EQ(cg_limits_apply(&t.cg, &res, &err), 0);
	check_file(&t, "blkio/g/blkio.bfq.weight", "100");

	res = (struct config_resources){ .pids_limit = I64(3) };
	CHECK_EQ(cg_limits_apply(&t.cg, &res, &err), -ENOTSUP);
	CHECK_STR(err.msg, "/linux/resources/pids/limit: no cgroup controller 'pids' on this host");

	add_hier(&t, "pids", CTL_BIT(CTL_PIDS), false);
	t.cg.host.hiers[1].is_denied = true;
	CHECK_EQ(cg_limits_apply(&t.cg, &res, &err), -EACCES);
	CHECK_HAS(err.msg, "/linux/resources/pids/limit: no right to make a cgroup in 'pids'");
	tree_close(&t);
}

/* v2: a controller that the host has and the group lacks is passed on along the path. */
static void test_enable(void)
{
	struct config_resources res = { .pids_limit = I64(3) };
	struct tree t;
	struct err err = ERR_INIT;

	if (!tree_open(&t))
		TEST_SKIP("no temporary folder");
	add_hier(&t, ".", 0, true);
	t.cg.host.mode = CG_MODE_V2;
	put(&t, "cgroup.controllers", "cpu pids");
	put(&t, "cgroup.subtree_control", "");
	put(&t, "g/cgroup.controllers", "");
	CHECK_EQ(cg_limits_apply(&t.cg, &res, &err), -ENOTSUP);
	check_file(&t, "cgroup.subtree_control", "+pids ");
	CHECK_HAS(err.msg, "/linux/resources/pids/limit: no cgroup v2 controller 'pids'");

	CHECK_EQ(unlinkat(t.cg.host.root_fd, "cgroup.subtree_control", 0), 0);
	CHECK_EQ(cg_limits_apply(&t.cg, &res, &err), -ENOENT);
	CHECK_HAS(err.msg, "/linux/resources/pids/limit: enable controller 'pids' in cgroup '/'");

	/* Processes in a group above: nothing is passed on there, not even what the kernel takes.
	 */
	put(&t, "cgroup.subtree_control", "");
	put(&t, "cgroup.type", "domain");
	put(&t, "cgroup.procs", "12\n");
	t.cg.enable_code = 0;
	CHECK_EQ(cg_limits_apply(&t.cg, &res, &err), -EBUSY);
	CHECK_HAS(err.msg, "/linux/resources/pids/limit: enable controller 'pids' in cgroup '/', "
			   "which holds processes");
	check_file(&t, "cgroup.subtree_control", "");
	tree_close(&t);
}

/* Hybrid: what v1 lacks and cgroup2 has is set there. */
static void test_hybrid(void)
{
	struct config_resources res = { .hugepage_limits = ITEMS(huge), .pids_limit = I64(5) };
	struct tree t;
	struct err err = ERR_INIT;

	if (!tree_open(&t))
		TEST_SKIP("no temporary folder");
	add_hier(&t, "pids", CTL_BIT(CTL_PIDS), false);
	CHECK_EQ(mkdirat(t.cg.host.root_fd, "unified", 0755), 0);
	add_hier(&t, "unified", 0, true);
	t.cg.host.mode = CG_MODE_HYBRID;
	put(&t, "unified/cgroup.controllers", "hugetlb");
	put(&t, "unified/g/cgroup.controllers", "hugetlb");
	put(&t, "unified/g/hugetlb.2MB.max", "");
	put(&t, "unified/g/hugetlb.2MB.rsvd.max", "");
	put(&t, "pids/g/pids.max", "");
	CHECK_EQ(cg_limits_apply(&t.cg, &res, &err), 0);
	CHECK_STR(err.msg, "");
	check_file(&t, "pids/g/pids.max", "5");
	check_file(&t, "unified/g/hugetlb.2MB.max", "4194304");
	check_file(&t, "unified/g/hugetlb.2MB.rsvd.max", "4194304");
	tree_close(&t);
}

TEST_MAIN(TEST(test_memory), TEST(test_cpu), TEST(test_others), TEST(test_swap_alone),
	  TEST(test_weights), TEST(test_write_v2), TEST(test_write_errors), TEST(test_enable),
	  TEST(test_hybrid))
