// SPDX-License-Identifier: GPL-2.0-or-later
/* Which mounts the resolver keeps, and how its record is read. */
#include "netns/dnsmasq.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "spec/base/fd.h"
#include "spec/base/proc.h"
#include "tests/unit/test.h"

static void test_mounts(void)
{
	static const struct {
		const char *path;
		bool keeps;
	} cases[] = {
		{ "/", true },
		{ "/usr", true },
		{ "/usr/lib", true },
		{ "/lib64", true },
		{ "/etc/resolv.conf", true }, /* a mount of its own in a container */
		{ "/run", true },
		{ "/sys", true }, /* by then the names */
		{ "/sys/fs/cgroup", false },
		{ "/run/netns/a", false },
		{ "/run/user/0", false },
		{ "/home", false },
		{ "/usrlocal", false },
		{ "", false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		CHECK_EQ(dnsmasq_keeps_mount(cases[i].path), cases[i].keeps);
}

static bool lives(int dir_fd, const char *record)
{
	int fd;

	CHECK_EQ(file_replace_at(dir_fd, "pid", record, strlen(record), 0600), 0);
	fd = dnsmasq_pidfd(dir_fd);
	if (fd >= 0)
		(void)close(fd);
	else
		CHECK_EQ(fd, -ESRCH);
	return fd >= 0;
}

static void test_record(void)
{
	static const char *const bad[] = {
		"",      "\n",      "1",        "1 ",       "1 2",
		"x 2 y", "1 x y\n", "0 0 id\n", "-1 2 y\n", "99999999999 1 y"
	};
	char dir[] = "/tmp/test_dnsmasq.XXXXXX";
	char boot_id[37] = "";
	char text[128];
	struct proc_stat st;
	FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");
	int dir_fd;

	CHECK(f != NULL && fgets(boot_id, sizeof(boot_id), f) != NULL);
	(void)fclose(f);
	CHECK(mkdtemp(dir) != NULL);
	dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CHECK_EQ(dnsmasq_pidfd(dir_fd), -ESRCH);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(!lives(dir_fd, bad[i]));
	CHECK_EQ(proc_stat_read(getpid(), &st), 0);
	(void)snprintf(text, sizeof(text), "%d %ju %s\n", getpid(), (uintmax_t)st.start_ticks,
		       boot_id);
	CHECK(lives(dir_fd, text));
	(void)snprintf(text, sizeof(text), "%d %ju %s\n", getpid(), (uintmax_t)st.start_ticks + 1,
		       boot_id);
	CHECK(!lives(dir_fd, text)); /* the number is another's now */
	boot_id[0] = boot_id[0] == '0' ? '1' : '0';
	(void)snprintf(text, sizeof(text), "%d %ju %s\n", getpid(), (uintmax_t)st.start_ticks,
		       boot_id);
	CHECK(!lives(dir_fd, text));             /* of another boot */
	CHECK_EQ(dnsmasq_stop(dir_fd, NULL), 0); /* not us */
	CHECK(faccessat(dir_fd, "pid", F_OK, 0) < 0);
	(void)close(dir_fd);
	CHECK_EQ(rmdir(dir), 0);
}

TEST_MAIN(TEST(test_mounts), TEST(test_record))
