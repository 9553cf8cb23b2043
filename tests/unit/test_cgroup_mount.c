// SPDX-License-Identifier: GPL-2.0-or-later
/* Lines of /proc/PID/cgroup, and which mount is which hierarchy. */
#include "namespaces/cgroup_mount.h"
#include "tests/unit/test.h"

static void test_lines(void)
{
	char text[] = "9:name=systemd:/a\n"
		      "no line\n"
		      "8:\n"
		      "7:cpu,cpuacct:/b:c\n"
		      "6:memory:relative\n"
		      ":x:/y\n"
		      "\n"
		      "0::/";
	char *rest = text;
	struct cgroup_line line;

	CHECK(cgroup_lines_next(&rest, &line));
	CHECK_STR(line.controllers, "name=systemd");
	CHECK_STR(line.path, "/a");
	CHECK(cgroup_lines_next(&rest, &line));
	CHECK_STR(line.controllers, "cpu,cpuacct");
	CHECK_STR(line.path, "/b:c");
	CHECK(cgroup_lines_next(&rest, &line));
	CHECK_STR(line.controllers, "");
	CHECK_STR(line.path, "/");
	CHECK(!cgroup_lines_next(&rest, &line));
}

static void test_has(void)
{
	static const struct {
		const char *type, *super, *controllers;
		bool is_it;
	} cases[] = {
		{ "cgroup", "rw,cpu,cpuacct", "cpu,cpuacct", true },
		{ "cgroup", "rw,cpuacct,cpu", "cpu,cpuacct", true },
		{ "cgroup", "rw,cpuacct", "cpu,cpuacct", false },
		{ "cgroup", "rw,cpuset", "cpu", false },
		{ "cgroup", "rw,memory", "memory", true },
		{ "cgroup", "memory", "memory", true },
		{ "cgroup", "rw,xattr,name=systemd", "name=systemd", true },
		{ "cgroup", "rw,xattr,name=systemd2", "name=systemd", false },
		{ "cgroup", "rw,memory", "", false },
		{ "cgroup2", "rw,nsdelegate", "", true },
		{ "cgroup2", "rw,memory", "memory", false },
		{ "tmpfs", "rw,memory", "memory", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct mountinfo m = {
			.root = "/", .point = "/x", .type = cases[i].type, .super = cases[i].super
		};
		struct cgroup_line line = { cases[i].controllers, "/" };

		if (cgroup_mount_has(&m, &line) != cases[i].is_it)
			TEST_FAIL("case %zu", i);
	}
}

TEST_MAIN(TEST(test_lines), TEST(test_has))
