// SPDX-License-Identifier: GPL-2.0-or-later
/* The parsers of statistics files, and reading a whole group from a tree of plain files. */
#include "tests/unit/test.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "cgroups/resctrl.h"
#include "cgroups/stats_internal.h"
#include "spec/base/fd.h"

static void test_psi(void)
{
	char good[] = "some avg10=1.25 avg60=0.07 avg300=100.00 total=42\n"
		      "full avg10=0.00 avg60=0.00 avg300=0.00 total=7\n";
	char one[] = "some avg10=0.00 avg60=0.00 avg300=0.00 total=9\n";
	char bad[] = "some avg10=0.00 avg60=0.00 total=9\n";
	struct cg_psi psi = { 0 };

	CHECK_EQ(cg_psi_parse(good, &psi), 0);
	CHECK(psi.is_set);
	CHECK_EQ(psi.some.avg10, 125);
	CHECK_EQ(psi.some.avg60, 7);
	CHECK_EQ(psi.some.avg300, 10000);
	CHECK_EQ(psi.some.total_us, 42);
	CHECK_EQ(psi.full.total_us, 7);
	CHECK_EQ(cg_psi_parse(one, &psi), 0);
	CHECK_EQ(cg_psi_parse(bad, &psi), -EPROTO);
}

static void test_set(void)
{
	static const struct {
		const char *text;
		int rc;
		size_t n;
		uint16_t last;
	} cases[] = {
		{ "", 0, 0, 0 },
		{ "0\n", 0, 1, 0 },
		{ "0-3,7\n", 0, 5, 7 },
		{ "5,1", 0, 2, 1 },
		{ "0-65535", 0, 65536, 65535 },
		{ "3-1", -EPROTO, 0, 0 },
		{ "a", -EPROTO, 0, 0 },
		{ "1-", -EPROTO, 0, 0 },
		{ "70000", -EPROTO, 0, 0 },
		{ "0-99999999999", -EPROTO, 0, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct arena a = ARENA_INIT;
		char text[32];
		uint16_t *out = NULL;
		size_t n = 0;

		(void)snprintf(text, sizeof(text), "%s", cases[i].text);
		CHECK_EQ(cg_stat_parse_set(&a, text, &out, &n), cases[i].rc);
		CHECK_EQ(n, cases[i].n);
		if (n > 0)
			CHECK_EQ(out[n - 1], cases[i].last);
		arena_fini(&a);
	}
}

static void test_io(void)
{
	char v1[] = "8:0 Read 10\n8:0 Write 20\n8:0 Strange 3\n8:0 Total 33\n8:16 7\nTotal 33\n";
	char v2[] = "8:16 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6 new=7\n254:0\n"
		    "8:0 rbytes=9 rbytes=10\n";
	char bad[] = "8:0 Read x\n";
	char bad_device[] = "8 Read 1\n";
	struct arena a = ARENA_INIT;
	struct cg_io_entries e = { 0 };
	struct cg_stats_io io = { 0 };

	CHECK_EQ(cg_stat_parse_io_v1(&a, v1, &e), 0);
	CHECK_EQ(e.n, 4);
	CHECK_STR(e.items[1].op, "Write");
	CHECK_EQ(e.items[1].value, 20);
	CHECK_STR(e.items[2].op, "Total");
	CHECK_STR(e.items[3].op, "");
	CHECK_EQ(e.items[3].minor, 16);
	CHECK_EQ(e.items[3].value, 7);
	CHECK_EQ(cg_stat_parse_io_v1(&a, bad, &e), -EPROTO);
	CHECK_EQ(cg_stat_parse_io_v1(&a, bad_device, &e), -EPROTO);
	CHECK_EQ(cg_stat_parse_io_v2(&a, v2, &io), 0);
	CHECK_EQ(io.service_bytes.n, 4);
	CHECK_EQ(io.serviced.n, 3);
	CHECK_STR(io.service_bytes.items[2].op, "Discard");
	CHECK_EQ(io.service_bytes.items[2].value, 5);
	CHECK_EQ(io.service_bytes.items[3].value, 9);
	CHECK_EQ(io.service_bytes.items[3].minor, 0);
	arena_fini(&a);
}

static void put(int root_fd, const char *name, const char *text)
{
	auto_close int fd = openat(root_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	CHECK(fd >= 0);
	CHECK_EQ(fd_write_all(fd, text, strlen(text)), 0);
}

static void fill_v2(int fd)
{
	CHECK_EQ(mkdirat(fd, "g", 0755), 0);
	put(fd, "g/cpu.stat",
	    "usage_usec 30\nuser_usec 20\nsystem_usec 10\nnr_periods 4\nnr_throttled 2\n"
	    "throttled_usec 5\nnr_bursts 1\nburst_usec 6\n");
	put(fd, "g/memory.stat", "anon 5\nfile 4096\n");
	put(fd, "g/memory.current", "8192\n");
	put(fd, "g/memory.max", "max\n");
	put(fd, "g/memory.peak", "9000\n");
	put(fd, "g/memory.events", "low 0\nhigh 0\nmax 3\noom 1\noom_kill 1\n");
	put(fd, "g/memory.swap.current", "100\n");
	put(fd, "g/memory.swap.max", "500\n");
	put(fd, "g/memory.pressure",
	    "some avg10=0.50 avg60=0.00 avg300=0.00 total=1\n"
	    "full avg10=0.00 avg60=0.00 avg300=0.00 total=0\n");
	put(fd, "g/pids.current", "3\n");
	put(fd, "g/pids.max", "max\n");
	put(fd, "g/io.stat", "8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0\n");
	put(fd, "g/hugetlb.2MB.current", "1\n");
	put(fd, "g/hugetlb.2MB.rsvd.current", "2097152\n");
	put(fd, "g/hugetlb.2MB.events", "max 8\n");
	put(fd, "g/hugetlb.2MB.max", "max\n");
}

static void test_read_v2(void)
{
	char dir[] = "/tmp/bivalve-test-XXXXXX";
	static char group[] = "/g";
	struct cgroup cg = { .path = group, .has_group = true, .v2_dir_fd = -1 };
	struct cg_stats s;
	struct err err = ERR_INIT;
	char cmd[64];

	if (!mkdtemp(dir))
		TEST_SKIP("no temporary folder");
	cg.host = (struct cg_host){ .mode = CG_MODE_V2, .n = 1 };
	(void)snprintf(cg.host.hiers[0].dir, sizeof(cg.host.hiers[0].dir), ".");
	cg.host.hiers[0].is_v2 = true;
	cg.host.root_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fill_v2(cg.host.root_fd);
	CHECK_EQ(cg_stats_read(&cg, &s, &err), 0);
	CHECK_STR(err.msg, "");
	CHECK(s.cpu.has_usage && s.cpu.has_throttling);
	CHECK_EQ(s.cpu.total_ns, 30000);
	CHECK_EQ(s.cpu.user_ns, 20000);
	CHECK_EQ(s.cpu.kernel_ns, 10000);
	CHECK_EQ(s.cpu.throttled_ns, 5000);
	CHECK_EQ(s.cpu.burst_ns, 6000);
	CHECK(!s.cpu.psi.is_set);
	CHECK(!s.cpuset.is_set);
	CHECK_EQ(s.memory.cache, 4096);
	CHECK_EQ(s.memory.usage.usage, 8192);
	CHECK_EQ(s.memory.usage.max, 9000);
	CHECK_EQ(s.memory.usage.failcnt, 3);
	CHECK(s.memory.usage.limit == UINT64_MAX);
	CHECK_EQ(s.memory.swap.usage, 8292);
	CHECK(s.memory.swap.limit == UINT64_MAX);
	CHECK_EQ(s.memory.raw.n, 2);
	CHECK_EQ(s.memory.psi.some.avg10, 50);
	CHECK_EQ(s.pids.current, 3);
	CHECK(s.pids.limit == UINT64_MAX);
	CHECK_EQ(s.io.service_bytes.n, 3);
	CHECK_EQ(s.hugetlb.n, 1);
	CHECK_STR(s.hugetlb.items[0].page_size, "2MB");
	CHECK_EQ(s.hugetlb.items[0].usage, 2097152);
	CHECK_EQ(s.hugetlb.items[0].failcnt, 8);
	cg_stats_fini(&s);

	put(cg.host.root_fd, "g/memory.stat", "anon\n");
	CHECK_EQ(cg_stats_read(&cg, &s, &err), -EPROTO);
	CHECK_HAS(err.msg, "read the accounts of cgroup '/g'");
	cg.has_group = false;
	CHECK_EQ(cg_stats_read(&cg, &s, &err), -ENOENT);
	(void)close(cg.host.root_fd);
	(void)snprintf(cmd, sizeof(cmd), "rm -rf '%s'", dir);
	CHECK_EQ(system(cmd), 0);
}

static void test_schemata(void)
{
	static const struct {
		const char *l3, *mb, *want;
	} merges[] = {
		{ "L3:0=f", NULL, "L3:0=f\n" },
		{ NULL, "MB:0=20", "MB:0=20\n" },
		{ "L3:0=f\nMB:0=10", "MB:0=20", "L3:0=f\nMB:0=20\n" },
		{ "L3:0=f\nMB:0=10\n", NULL, "L3:0=f\nMB:0=10\n" },
		{ NULL, NULL, "" },
	};
	static const char have[] = "    MB:0=100;1= 50\n    L3:0=00ff;1=7ff\n";
	static const struct {
		const char *wanted;
		bool has;
	} cases[] = {
		{ "L3:0=ff", true },
		{ "L3:1=7FF;0=0ff", true },
		{ "L3:0=fe", false },
		{ "L3:2=ff", false },
		{ "L2:0=ff", false },
		{ "MB:0=100\nL3:0=ff", true },
		{ "MB:0=90\nL3:0=ff", false },
		{ "L3:0=ff\n", true },
		{ "nonsense", false },
		{ "", true },
		{ "L3:0", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(merges); i++) {
		auto_buf struct buf b = BUF_INIT;

		rdt_legacy_schemata(merges[i].l3, merges[i].mb, &b);
		CHECK_STR(buf_str(&b), merges[i].want);
	}
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		if (rdt_schemata_has(have, cases[i].wanted) != cases[i].has)
			TEST_FAIL("'%s' is wrong", cases[i].wanted);
	}
}

static void test_no_resctrl(void)
{
	struct config_intel_rdt rdt = { .clos_id = "x" };
	struct err err = ERR_INIT;

	if (access("/sys/fs/resctrl/schemata", F_OK) == 0)
		TEST_SKIP("this host has resctrl");
	CHECK_EQ(rdt_prepare(&rdt, "c1", &err), -ENOTSUP);
	CHECK_STR(err.msg, "/linux/intelRdt: no resctrl file system is mounted");
	rdt.clos_id = "a/b";
	CHECK_EQ(rdt_prepare(&rdt, "c1", &err), -EINVAL);
	CHECK_HAS(err.msg, "/linux/intelRdt/closID: 'a/b' cannot name a class");
	rdt.clos_id = "..";
	CHECK_EQ(rdt_clos_exists(&rdt, "c1", &err), -EINVAL);
	rdt = (struct config_intel_rdt){ .mem_bw_schema = "L3:0=f" };
	CHECK_EQ(rdt_prepare(&rdt, "c1", &err), -EINVAL);
	CHECK_HAS(err.msg, "/linux/intelRdt/memBwSchema: must begin with");
}

TEST_MAIN(TEST(test_psi), TEST(test_set), TEST(test_io), TEST(test_read_v2), TEST(test_schemata),
	  TEST(test_no_resctrl))
