// SPDX-License-Identifier: GPL-2.0-or-later
/* Lines of mountinfo. */
#include "namespaces/mountinfo.h"
#include "spec/base/cleanup.h"
#include "tests/unit/test.h"

static const struct {
	const char *line;
	const char *root, *point, *type, *super; /* type NULL: passed over */
} lines[] = {
	{ "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue", "/mnt1",
	  "/mnt2", "ext3", "rw,errors=continue" },
	{ "36 35 0:1 / / rw - proc proc rw", "/", "/", "proc", "rw" },
	{ "36 35 0:1 / /a rw shared:1 master:2 propagate_from:3 - tmpfs - ro,size=4k", "/", "/a",
	  "tmpfs", "ro,size=4k" },
	{ "36 35 0:1 /x\\040y /a\\134b\\011c\\012d rw - cgroup cgroup rw,cpu,cpuacct", "/x y",
	  "/a\\b\tc\nd", "cgroup", "rw,cpu,cpuacct" },
	{ "36 35 0:1 / /end\\04 rw - proc proc rw", "/", "/end\\04", "proc", "rw" },
	{ "36 35 0:1 / /end\\777 rw - proc proc rw", "/", "/end\\777", "proc", "rw" },
	{ "", NULL, NULL, NULL, NULL },
	{ "-", NULL, NULL, NULL, NULL },
	{ "36 35 98:0 /mnt1", NULL, NULL, NULL, NULL },
	{ "36 35 98:0 /mnt1 /mnt2 rw", NULL, NULL, NULL, NULL },
	{ "36 35 98:0 /mnt1 /mnt2 rw -", NULL, NULL, NULL, NULL },
	{ "36 35 98:0 /mnt1 /mnt2 rw - ext3", NULL, NULL, NULL, NULL },
	{ "36 35 98:0 - - - - -", NULL, NULL, NULL, NULL },
};

static void test_lines(void)
{
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		auto_free char *text = strdup(lines[i].line);
		char *rest = text;
		struct mountinfo m;
		bool found = mountinfo_next(&rest, &m);

		CHECK_EQ(found, lines[i].type != NULL);
		if (!found)
			continue;
		CHECK_STR(m.root, lines[i].root);
		CHECK_STR(m.point, lines[i].point);
		CHECK_STR(m.type, lines[i].type);
		CHECK_STR(m.super, lines[i].super);
		CHECK(!mountinfo_next(&rest, &m));
	}
}

static void test_sequence(void)
{
	char text[] = "1 2 0:1 / /a rw - proc p rw\nnonsense\n\n3 4 0:2 / /b rw - sysfs s ro\n";
	char *rest = text;
	struct mountinfo m;

	CHECK(mountinfo_next(&rest, &m));
	CHECK_STR(m.point, "/a");
	CHECK(mountinfo_next(&rest, &m));
	CHECK_STR(m.point, "/b");
	CHECK_STR(m.super, "ro");
	CHECK(!mountinfo_next(&rest, &m));
}

static void test_own(void)
{
	auto_buf struct buf text = BUF_INIT;
	struct mountinfo m;
	char *rest;
	bool has_proc = false;

	CHECK_EQ(mountinfo_read(&text, NULL), 0);
	rest = text.data;
	while (mountinfo_next(&rest, &m))
		has_proc = has_proc || strcmp(m.point, "/proc") == 0;
	CHECK(has_proc);
}

TEST_MAIN(TEST(test_lines), TEST(test_sequence), TEST(test_own))
