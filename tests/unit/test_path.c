// SPDX-License-Identifier: GPL-2.0-or-later
/* Paths below a root that is not to be trusted: nothing outside it is ever opened or made. */
#include "spec/base/path.h"

#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <sys/stat.h>

#include "tests/unit/test.h"

/* DIR/root is the tree; DIR/outside is what must stay as it is. */
struct box {
	char dir[64];
	int dir_fd;
	int root_fd;
};

static void box_open(struct box *b)
{
	(void)snprintf(b->dir, sizeof(b->dir), "/tmp/bivalve-path-XXXXXX");
	CHECK(mkdtemp(b->dir) != NULL);
	b->dir_fd = open(b->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CHECK_EQ(mkdirat(b->dir_fd, "root", 0755), 0);
	CHECK_EQ(mkdirat(b->dir_fd, "outside", 0755), 0);
	b->root_fd = openat(b->dir_fd, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	CHECK(b->root_fd >= 0);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

static void box_close(struct box *b)
{
	(void)close(b->root_fd);
	(void)close(b->dir_fd);
	CHECK_EQ(nftw(b->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

/* Whether @path below the box is there, as what it is itself. */
static bool is_there(const struct box *b, const char *path)
{
	return faccessat(b->dir_fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static bool is_same(int fd, const struct box *b, const char *path)
{
	struct stat got;
	struct stat want;

	return fstat(fd, &got) == 0 && fstatat(b->dir_fd, path, &want, 0) == 0 &&
	       got.st_ino == want.st_ino && got.st_dev == want.st_dev;
}

static void test_clean(void)
{
	static const struct {
		const char *path;
		bool ok;
	} cases[] = {
		{ "/", true },      { "/a", true },   { "/a/b.c/..d", true }, { "", false },
		{ "a", false },     { "/a/", false }, { "//a", false },       { "/a//b", false },
		{ "/.", false },    { "/..", false }, { "/a/./b", false },    { "/a/../b", false },
		{ "/a/..", false }, { "./a", false }, { "/...", true },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		if (path_is_clean_abs(cases[i].path) != cases[i].ok)
			TEST_FAIL("'%s' is %s", cases[i].path, cases[i].ok ? "refused" : "taken");
	}
}

static void test_open(void)
{
	static const struct {
		const char *link, *target; /* made in root */
		const char *open;
		const char *want; /* in the box; NULL: -ENOENT */
	} cases[] = {
		{ NULL, NULL, "/d/f", "root/d/f" },
		{ NULL, NULL, "d/f", "root/d/f" },
		{ NULL, NULL, "../../../d/f", "root/d/f" },
		{ "abs", "/d/f", "abs", "root/d/f" },
		{ "up", "../../outside", "up", NULL },
		{ "d/up2", "../../../d", "d/up2/f", "root/d/f" },
		{ "passwd", "/etc/passwd", "passwd", NULL },
	};
	struct box b;
	int fd;

	box_open(&b);
	CHECK_EQ(mkdirat(b.root_fd, "d", 0755), 0);
	fd = openat(b.root_fd, "d/f", O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
	CHECK(fd >= 0 && close(fd) == 0);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		auto_close int got = -1;

		if (cases[i].link)
			CHECK_EQ(symlinkat(cases[i].target, b.root_fd, cases[i].link), 0);
		got = path_open_in_root(b.root_fd, cases[i].open, O_PATH, 0);
		if (cases[i].want ? !is_same(got, &b, cases[i].want) : got != -ENOENT)
			TEST_FAIL("'%s' gives %d", cases[i].open, got);
	}
	CHECK_EQ(symlinkat("loop", b.root_fd, "loop"), 0);
	CHECK_EQ(path_open_in_root(b.root_fd, "loop", O_PATH, 0), -ELOOP);
	CHECK_EQ(path_open_in_root(b.root_fd, "d/f/x", O_PATH, 0), -ENOTDIR);
	box_close(&b);
}

/* /proc is a root here, since magic links live there alone. */
static void test_magic_link(void)
{
	auto_close int proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);

	CHECK_EQ(path_open_in_root(proc_fd, "self/root", O_PATH, 0), -ELOOP);
	CHECK_EQ(path_open_in_root(proc_fd, "self/cwd/tests", O_PATH, 0), -ELOOP);
}

static void test_create(void)
{
	static const struct {
		const char *link, *target; /* made in root first */
		const char *path;
		bool is_dir;
		const char *want; /* in the box, the same object */
	} cases[] = {
		{ NULL, NULL, "/a/b/c", true, "root/a/b/c" },
		{ NULL, NULL, "a/b/c", true, "root/a/b/c" },
		{ NULL, NULL, "a/file", false, "root/a/file" },
		{ NULL, NULL, "/new/deep/file", false, "root/new/deep/file" },
		{ NULL, NULL, "/slash//es///", true, "root/slash/es" },
		{ NULL, NULL, "/", true, "root" },
		{ NULL, NULL, "", true, "root" },
		{ NULL, NULL, "a/../x/./y", true, "root/x/y" },
		{ NULL, NULL, "../../../outside/evil", true, "root/outside/evil" },
		{ "esc", "../../outside", "esc/evil2", true, "root/outside/evil2" },
		{ "abs", "/tmp/bivalve-none", "abs", true, "root/tmp/bivalve-none" },
		{ "dangling", "gone/target", "dangling", false, "root/gone/target" },
		{ "chain", "dangling2", "chain/x", true, "root/far/x" },
		{ "dangling2", "/far", "dangling2/y", false, "root/far/y" },
	};
	struct box b;

	box_open(&b);
	CHECK_EQ(symlinkat("/far", b.root_fd, "dangling2"), 0);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		auto_close int fd = -1;

		if (cases[i].link &&
		    !(symlinkat(cases[i].target, b.root_fd, cases[i].link) == 0 || errno == EEXIST))
			TEST_FAIL("cannot link %s", cases[i].link);
		fd = path_create_in_root(b.root_fd, cases[i].path, cases[i].is_dir, 0755);
		if (fd < 0 || !is_same(fd, &b, cases[i].want))
			TEST_FAIL("'%s' gives %d", cases[i].path, fd);
	}
	CHECK(!is_there(&b, "outside/evil") && !is_there(&b, "outside/evil2"));
	CHECK(!is_there(&b, "../bivalve-none"));
	box_close(&b);
}

static void test_create_refused(void)
{
	char wide[PATH_MAX + 8];
	char name[300];
	struct box b;
	int fd;

	box_open(&b);
	fd = openat(b.root_fd, "file", O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
	CHECK(fd >= 0 && close(fd) == 0);
	CHECK_EQ(path_create_in_root(b.root_fd, "file", true, 0755), -ENOTDIR);
	CHECK_EQ(path_create_in_root(b.root_fd, "file/x", false, 0644), -ENOTDIR);
	CHECK_EQ(symlinkat("loop2", b.root_fd, "loop1"), 0);
	CHECK_EQ(symlinkat("loop1", b.root_fd, "loop2"), 0);
	CHECK_EQ(path_create_in_root(b.root_fd, "loop1", true, 0755), -ELOOP);
	CHECK_EQ(path_create_in_root(b.root_fd, "loop1/x", true, 0755), -ELOOP);
	memset(wide, 'w', sizeof(wide) - 1);
	wide[sizeof(wide) - 1] = '\0';
	CHECK_EQ(path_create_in_root(b.root_fd, wide, true, 0755), -ENAMETOOLONG);
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	CHECK_EQ(path_create_in_root(b.root_fd, name, true, 0755), -ENAMETOOLONG);
	box_close(&b);
}

static void test_mkdirs(void)
{
	char path[128];
	struct box b;

	box_open(&b);
	(void)snprintf(path, sizeof(path), "%s/one/two/three", b.dir);
	CHECK_EQ(path_mkdirs(path, 0700), 0);
	CHECK_EQ(path_mkdirs(path, 0700), 0);
	CHECK(is_there(&b, "one/two/three"));
	(void)snprintf(path, sizeof(path), "%s/one/two/", b.dir);
	CHECK_EQ(path_mkdirs(path, 0700), 0);
	box_close(&b);
}

static void test_proc_fd(void)
{
	char buf[PATH_PROC_FD_MAX];

	CHECK_STR(path_proc_fd(buf, 0), "/proc/self/fd/0");
	CHECK_STR(path_proc_fd(buf, INT_MAX), "/proc/self/fd/2147483647");
}

TEST_MAIN(TEST(test_clean), TEST(test_open), TEST(test_magic_link), TEST(test_create),
	  TEST(test_create_refused), TEST(test_mkdirs), TEST(test_proc_fd))
