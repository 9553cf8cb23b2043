// SPDX-License-Identifier: GPL-2.0-or-later
// The host's procfs by descriptor: what is refused; oom_score_adj over it.
#include "namespaces/procfs.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>

#include "namespaces/oom.h"
#include "spec/base/fd.h"
#include "tests/unit/child.h"
#include "tests/unit/test.h"

static void test_open(void)
{
	auto_close int proc_fd = procfs_open(NULL);
	static const struct {
		const char *path;
		int rc;
	} table[] = {
		{ "sys/kernel/ostype", 0 },  { "sys/kernel/none", -ENOENT },
		{ "/proc/version", -EXDEV }, { "../etc/passwd", -EXDEV },
		{ "self/status", -ELOOP },   { "sys/../version", 0 },
		{ "1/root/etc", -ELOOP },    { "1/exe", -ELOOP },
		{ "mounts", -ELOOP },
	};

	CHECK(proc_fd >= 0);
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		auto_close int fd = procfs_open_file(proc_fd, table[i].path, O_RDONLY);
		int rc = fd < 0 ? fd : 0;

		if (rc != table[i].rc)
			TEST_FAIL("'%s': %d, wanted %d", table[i].path, rc, table[i].rc);
	}
}

static void test_open_task(void)
{
	auto_close int proc_fd = procfs_open(NULL);
	auto_close int self_fd = procfs_open_task(proc_fd, 0, "status", O_RDONLY);
	auto_close int own_fd = procfs_open_task(proc_fd, getpid(), "status", O_RDONLY);
	char a[64] = "", b[64] = "";

	CHECK(self_fd >= 0 && own_fd >= 0);
	CHECK(fd_read_full(self_fd, a, sizeof(a) - 1) > 0);
	CHECK(fd_read_full(own_fd, b, sizeof(b) - 1) > 0);
	CHECK_STR(a, b);
	CHECK_EQ(procfs_open_task(proc_fd, 0, "exe", O_RDONLY), -ELOOP);
	CHECK_EQ(procfs_open_task(proc_fd, 0, "fd/0", O_RDONLY), -ELOOP);
	CHECK_EQ(procfs_open_task(proc_fd, 0, "../version", O_RDONLY) >= 0, 1);
	CHECK_EQ(procfs_open_task(proc_fd, 0,
				  "a/very/long/name/that/no/file/of/a/task/would/ever/"
				  "have/in/any/kernel",
				  O_RDONLY),
		 -ENAMETOOLONG);
}

/* A file of procfs with something else mounted over it, and a /proc that is not one. */
static void child_covered(void *arg)
{
	auto_close int proc_fd = procfs_open(NULL);
	struct err err = ERR_INIT;

	(void)arg;
	CHECK_EQ(unshare(CLONE_NEWNS), 0);
	CHECK_EQ(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	CHECK_EQ(mount("/etc/passwd", "/proc/sys/kernel/ostype", NULL, MS_BIND, NULL), 0);
	proc_fd = procfs_open(NULL);
	CHECK_EQ(procfs_open_file(proc_fd, "sys/kernel/ostype", O_RDONLY), -EXDEV);
	CHECK_EQ(mount("tmpfs", "/proc", "tmpfs", 0, NULL), 0);
	CHECK_EQ(procfs_open(&err), -ENOTSUP);
	CHECK_STR(err.msg, "open '/proc': not the root of a procfs");
	CHECK_EQ(umount("/proc"), 0);
	CHECK_EQ(mount("/proc/sys", "/proc", NULL, MS_BIND, NULL), 0);
	CHECK_EQ(procfs_open(&err), -ENOTSUP);
}

static void test_covered(void)
{
	if (!is_root())
		TEST_SKIP("needs root");
	IN_CHILD(child_covered, NULL);
}

static void child_oom(void *arg)
{
	auto_close int proc_fd = procfs_open(NULL);
	auto_buf struct buf b = BUF_INIT;
	struct err err = ERR_INIT;

	(void)arg;
	CHECK_EQ(oom_apply(-1, 0, (struct opt_i64){ false, 5 }, &err), 0);
	CHECK_EQ(oom_apply(proc_fd, 0, (struct opt_i64){ true, 321 }, &err), 0);
	CHECK_EQ(file_read_at(AT_FDCWD, "/proc/self/oom_score_adj", 64, &b), 0);
	CHECK_STR(buf_str(&b), "321\n");
	CHECK_EQ(oom_apply(proc_fd, getpid(), (struct opt_i64){ true, 654 }, &err), 0);
	buf_clear(&b);
	CHECK_EQ(file_read_at(AT_FDCWD, "/proc/self/oom_score_adj", 64, &b), 0);
	CHECK_STR(buf_str(&b), "654\n");
	CHECK_EQ(oom_apply(proc_fd, 0, (struct opt_i64){ true, 1001 }, &err), -EINVAL);
	CHECK_HAS(err.msg, "/process/oomScoreAdj: set to 1001: ");
	CHECK_EQ(oom_apply(proc_fd, 0x7ffffff0, (struct opt_i64){ true, 1 }, &err), -ENOENT);
	CHECK_HAS(err.msg, "/process/oomScoreAdj: open oom_score_adj: ");
}

static void test_oom(void)
{
	IN_CHILD(child_oom, NULL);
}

TEST_MAIN(TEST(test_open), TEST(test_open_task), TEST(test_covered), TEST(test_oom))
