// SPDX-License-Identifier: GPL-2.0-or-later
// Names of kernel parameters, and writing those of new namespaces.
#include "namespaces/sysctl.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>

#include "namespaces/procfs.h"
#include "spec/base/fd.h"
#include "tests/unit/child.h"
#include "tests/unit/test.h"

static void test_path(void)
{
	static const struct {
		const char *key, *path;
	} table[] = {
		{ "net.ipv4.ip_forward", "sys/net/ipv4/ip_forward" },
		{ "net/ipv4/ip_forward", "sys/net/ipv4/ip_forward" },
		{ "net.ipv4.conf.eth0/1.forwarding", "sys/net/ipv4/conf/eth0.1/forwarding" },
		{ "net/ipv4/conf/eth0.1/forwarding", "sys/net/ipv4/conf/eth0.1/forwarding" },
		{ "kernel.msgmax", "sys/kernel/msgmax" },
		{ "", NULL },
		{ "kernel", NULL },
		{ ".", NULL },
		{ "..", NULL },
		{ "/", NULL },
		{ "/etc/passwd", NULL },
		{ "kernel//x", NULL },
		{ "kernel..x", NULL },
		{ "kernel.", NULL },
		{ "kernel/../x", NULL },
		{ "net/../../etc", NULL },
		{ "net/./x", NULL },
		{ "net.//.x", NULL }, /* ".." once swapped */
		{ "net./.x", NULL },
		{ "net.a\nb", NULL },
		{ "net.\x7f", NULL },
	};
	char long_key[SYSCTL_PATH_MAX + 1], path[SYSCTL_PATH_MAX];

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		int rc = sysctl_path(table[i].key, path);

		CHECK_EQ(rc, table[i].path ? 0 : -EINVAL);
		if (rc == 0)
			CHECK_STR(path, table[i].path);
	}
	memset(long_key, 'a', sizeof(long_key));
	long_key[1] = '.';
	long_key[sizeof(long_key) - 1] = '\0';
	CHECK_EQ(sysctl_path(long_key, path), -ENAMETOOLONG);
	long_key[SYSCTL_PATH_MAX - 5] = '\0';
	CHECK_EQ(sysctl_path(long_key, path), 0);
	CHECK_EQ(strlen(path), SYSCTL_PATH_MAX - 1);
}

static void expect_value(const char *path, const char *value)
{
	auto_buf struct buf b = BUF_INIT;

	CHECK_EQ(file_read_at(AT_FDCWD, path, 256, &b), 0);
	CHECK_STR(buf_str(&b), value);
}

/* procfs is that of the host: the writer's namespaces count. */
static void child_writes(void *arg)
{
	static const struct config_sysctl good[] = {
		{ "net.ipv4.ip_default_ttl", "33" },
		{ "net/ipv4/conf/lo/forwarding", "1" },
		{ "kernel.msgmax", "4321" },
		{ "kernel.domainname", "an.example" },
	};
	static const struct {
		struct config_sysctl s;
		const char *msg;
	} bad[] = {
		{ { "net.no.such", "1" },
		  "/linux/sysctl/net.no.such: open '/proc/sys/net/no/such': " },
		{ { "kernel.msgmax", "many" }, "/linux/sysctl/kernel.msgmax: write 'many': " },
		{ { "net/../../kernel", "1" }, "/linux/sysctl/net/../../kernel: not the name" },
		{ { "net.ipv4", "1" }, "/linux/sysctl/net.ipv4: " },
	};
	struct err err = ERR_INIT;
	auto_close int proc_fd = procfs_open(&err);

	(void)arg;
	CHECK(proc_fd >= 0);
	CHECK_EQ(unshare(CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS), 0);
	CHECK_EQ(sysctl_apply(proc_fd, good, ARRAY_LEN(good), &err), 0);
	CHECK_STR(err.msg, "");
	expect_value("/proc/sys/net/ipv4/ip_default_ttl", "33\n");
	expect_value("/proc/sys/net/ipv4/conf/lo/forwarding", "1\n");
	expect_value("/proc/sys/kernel/msgmax", "4321\n");
	expect_value("/proc/sys/kernel/domainname", "an.example\n");
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		CHECK(sysctl_apply(proc_fd, &bad[i].s, 1, &err) < 0);
		CHECK_HAS(err.msg, bad[i].msg);
	}
}

static void test_apply(void)
{
	if (!is_root())
		TEST_SKIP("needs root");
	IN_CHILD(child_writes, NULL);
	CHECK_EQ(sysctl_apply(-1, NULL, 0, NULL), 0);
}

TEST_MAIN(TEST(test_path), TEST(test_apply))
