// SPDX-License-Identifier: GPL-2.0-or-later
/* cgroups/path.c and cgroups/hierarchy.c: where a group is, and which hierarchies there are. */
#include "tests/unit/test.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "cgroups/cgroup_internal.h"

static void test_choose(void)
{
	static const struct {
		const char *path, *want; /* want NULL: refused */
		const char *msg;
	} cases[] = {
		{ NULL, "/c1", NULL },
		{ "", "/c1", NULL },
		{ "/a/b", "/a/b", NULL },
		{ "//a///b/", "/a/b", NULL },
		{ "a/b", "/a/b", NULL },
		{ "system.slice:docker:x", "/system.slice:docker:x", NULL },
		{ "/a..b/.c", "/a..b/.c", NULL },
		{ "/", NULL, "below the root" },
		{ "///", NULL, "below the root" },
		{ "/a/../b", NULL, "\"..\"" },
		{ "..", NULL, "\"..\"" },
		{ "/a/./b", NULL, "\".\"" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err err = ERR_INIT;
		auto_free char *out = NULL;
		int rc = cg_path_choose(cases[i].path, "c1", false, &out, &err);

		CHECK_EQ(rc, cases[i].want ? 0 : -EINVAL);
		CHECK_STR(out, cases[i].want);
		if (!cases[i].want) {
			CHECK_HAS(err.msg, "/linux/cgroupsPath: ");
			CHECK_HAS(err.msg, cases[i].msg);
		}
	}
}

static void test_choose_bounds(void)
{
	static char text[CG_PATH_MAX + 16];
	auto_free char *out = NULL;

	memset(text, 'a', 300);
	CHECK_EQ(cg_path_choose(text, "c1", false, &out, NULL), -EINVAL);
	for (size_t i = 0; i < sizeof(text) - 1; i++)
		text[i] = i % 2 ? 'a' : '/';
	CHECK_EQ(cg_path_choose(text, "c1", false, &out, NULL), -EINVAL);
	text[CG_PATH_MAX] = '\0';
	CHECK_EQ(cg_path_choose(text, "c1", false, &out, NULL), 0);
	CHECK_STR(out, text);
}

static void test_bad_handle(void)
{
	static const char *const bad[] = { "/", "", "a", "/a/..", "/a//b", "/a/" };

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct err err = ERR_INIT;

		CHECK_EQ(cg_exists(bad[i], &err), -EINVAL);
		CHECK_HAS(err.msg, "not a path below the root");
		CHECK_EQ(cg_delete(bad[i], 0, NULL), -EINVAL);
	}
}

static void test_mountinfo(void)
{
	char text[] =
	    "31 23 0:28 / /sys/fs/cgroup rw shared:9 - tmpfs tmpfs rw,mode=755\n"
	    "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
	    "33 31 0:29 / /mnt/again rw - cgroup cgroup rw,cpu,cpuacct\n"
	    "34 31 0:30 / /odd\\040place/mem rw,nosuid shared:4 master:1 - cgroup none rw,memory\n"
	    "35 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd\n"
	    "36 31 0:37 / /other/systemd rw - cgroup cgroup rw,name=systemd\n"
	    "37 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
	    "38 31 0:39 / /x rw - cgroup\n"
	    "39 31\n";
	struct cg_host host = { .root_fd = -1 };

	cg_host_parse_mountinfo(text, &host);
	CHECK_EQ(host.n, 4);
	CHECK_STR(host.hiers[0].dir, "sys/fs/cgroup/cpu,cpuacct");
	CHECK_EQ(host.hiers[0].ctls, CTL_BIT(CTL_CPU) | CTL_BIT(CTL_CPUACCT));
	CHECK_STR(host.hiers[1].dir, "odd place/mem");
	CHECK_EQ(host.hiers[1].ctls, CTL_BIT(CTL_MEMORY));
	CHECK_STR(host.hiers[2].dir, "sys/fs/cgroup/systemd");
	CHECK_EQ(host.hiers[2].ctls, 0);
	CHECK(host.hiers[3].is_v2);
	CHECK(cg_host_v2(&host) == &host.hiers[3]);
	CHECK(cg_host_v1(&host, CTL_CPUACCT) == &host.hiers[0]);
	CHECK(cg_host_v1(&host, CTL_PIDS) == NULL);
}

static void test_scan_dir(void)
{
	char dir[] = "/tmp/bivalve-test-XXXXXX";
	auto_close int fd = -1;
	struct cg_host host = { .root_fd = -1 };

	if (!mkdtemp(dir))
		TEST_SKIP("no temporary folder");
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CHECK_EQ(mkdirat(fd, "cpu,cpuacct", 0755), 0);
	CHECK_EQ(symlinkat("cpu,cpuacct", fd, "cpu"), 0);
	CHECK_EQ(mkdirat(fd, "unified", 0755), 0);
	CHECK_EQ(mkdirat(fd, "openrc", 0755), 0);
	CHECK_EQ(cg_host_scan_v1_dir(fd, &host), 0);
	CHECK_EQ(host.n, 2);
	CHECK(cg_host_v1(&host, CTL_CPU) != NULL);
	CHECK(cg_host_v1(&host, CTL_CPU) == cg_host_v1(&host, CTL_CPUACCT));
	(void)unlinkat(fd, "cpu", 0);
	(void)unlinkat(fd, "cpu,cpuacct", AT_REMOVEDIR);
	(void)unlinkat(fd, "unified", AT_REMOVEDIR);
	(void)unlinkat(fd, "openrc", AT_REMOVEDIR);
	(void)rmdir(dir);
}

static void test_names(void)
{
	CHECK_EQ(cg_ctl_from_name("blkio", 5), CTL_IO);
	CHECK_EQ(cg_ctl_from_name("io.max", 2), CTL_IO);
	CHECK_EQ(cg_ctl_from_name("cgroup.type", 6), CTL_NONE);
	CHECK_STR(cg_ctl_name(CTL_IO, true), "io");
	CHECK_STR(cg_ctl_name(CTL_IO, false), "blkio");
	CHECK_EQ(cg_ctl_parse_list("cpu io memory nonsense pids\n"),
		 CTL_BIT(CTL_CPU) | CTL_BIT(CTL_IO) | CTL_BIT(CTL_MEMORY) | CTL_BIT(CTL_PIDS));
	CHECK_EQ(cg_ctl_parse_list(""), 0);
}

TEST_MAIN(TEST(test_choose), TEST(test_choose_bounds), TEST(test_bad_handle), TEST(test_mountinfo),
	  TEST(test_scan_dir), TEST(test_names))
