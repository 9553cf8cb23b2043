// SPDX-License-Identifier: GPL-2.0-or-later
/* Id maps: their text, who may write what, and a real map of a child. */
#include "namespaces/idmap.h"

#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "namespaces/procfs.h"
#include "spec/base/fd.h"
#include "tests/unit/test.h"

static struct config_id_map one[] = { { 0, 1000, 1 } };
static struct config_id_map two[] = { { 0, 1000, 1 }, { 1, 100000, 4294867295 } };

static void test_format(void)
{
	auto_buf struct buf b = BUF_INIT;

	idmap_format(&(struct config_id_maps){ two, 2 }, &b);
	CHECK_STR(buf_str(&b), "0 1000 1\n1 100000 4294867295\n");
}

static void test_is_own(void)
{
	CHECK(idmap_is_own(&(struct config_id_maps){ one, 1 }, 1000));
	CHECK(!idmap_is_own(&(struct config_id_maps){ one, 1 }, 1001));
	CHECK(!idmap_is_own(&(struct config_id_maps){ two, 2 }, 1000));
	CHECK(!idmap_is_own(&(struct config_id_maps){ NULL, 0 }, 1000));
	one[0].size = 2;
	CHECK(!idmap_is_own(&(struct config_id_maps){ one, 1 }, 1000));
	one[0].size = 1;
}

/* A child in a new user namespace; it ends when killed. */
static pid_t start_child(void)
{
	int fds[2];
	char c = 0;
	pid_t pid;

	if (pipe(fds) < 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		if (unshare(CLONE_NEWUSER) < 0 || write(fds[1], "x", 1) != 1)
			_exit(1);
		(void)pause();
		_exit(0);
	}
	(void)close(fds[1]);
	if (read(fds[0], &c, 1) != 1)
		pid = -1;
	(void)close(fds[0]);
	return pid;
}

static void check_write(const struct config_id_maps *uids, const struct config_id_maps *gids,
			int want, const char *has)
{
	struct err err = ERR_INIT;
	auto_close int proc_fd = procfs_open(&err);
	auto_buf struct buf text = BUF_INIT;
	struct config c = { 0 };
	char path[64];
	int status;
	pid_t pid = start_child();

	CHECK(pid > 0);
	c.linux_.uid_mappings = *uids;
	c.linux_.gid_mappings = *gids;
	CHECK_EQ(idmap_write(proc_fd, pid, &c, &err), want);
	CHECK_HAS(err.msg, has);
	if (want == 0) {
		(void)snprintf(path, sizeof(path), "/proc/%d/uid_map", pid);
		CHECK_EQ(file_read_at(-1, path, 4096, &text), 0);
		CHECK_STR(buf_str(&text), "         0       1000          1\n"
					  "         1     100000 4294867295\n");
	}
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, &status, 0);
}

static void test_write(void)
{
	static struct config_id_map overlap[] = { { 0, 1000, 10 }, { 5, 2000, 10 } };
	const struct config_id_maps good = { two, 2 };
	const struct config_id_maps bad = { overlap, 2 };

	if (geteuid() != 0)
		TEST_SKIP("needs root");
	check_write(&good, &good, 0, "");
	check_write(&bad, &good, -EINVAL, "/linux/uidMappings: write 'uid_map'");
	check_write(&good, &bad, -EINVAL, "/linux/gidMappings: write 'gid_map'");
}

TEST_MAIN(TEST(test_format), TEST(test_is_own), TEST(test_write))
