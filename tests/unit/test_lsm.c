// SPDX-License-Identifier: GPL-2.0-or-later
// Labels: what is asked of a host that has no such module, and the data string of mounts. Hosts
// that have one are tried by the same calls: an unknown profile must fail there as well.
#include "namespaces/lsm.h"

#include <errno.h>

#include "namespaces/procfs.h"
#include "tests/unit/child.h"
#include "tests/unit/test.h"

static void test_nothing_asked(void)
{
	static const struct config_process table[] = {
		{ .apparmor_profile = NULL },
		{ .apparmor_profile = "", .selinux_label = "" },
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		auto_lsm struct lsm l = LSM_INIT;

		CHECK_EQ(lsm_open(-1, &table[i], &l, NULL), 0);
		CHECK_EQ(l.apparmor_fd, -1);
		CHECK_EQ(l.selinux_fd, -1);
		CHECK_EQ(lsm_apply(&l, NULL), 0);
	}
}

static void child_apparmor(void *arg)
{
	struct config_process p = { .apparmor_profile = "no-such-profile" };
	auto_close int proc_fd = procfs_open(NULL);
	auto_lsm struct lsm l = LSM_INIT;
	struct err err = ERR_INIT;
	int rc = lsm_open(proc_fd, &p, &l, &err);

	(void)arg;
	if (lsm_has_apparmor()) {
		CHECK_EQ(rc, 0);
		CHECK(lsm_apply(&l, &err) < 0);
		CHECK_HAS(err.msg, "/process/apparmorProfile: apply profile 'no-such-profile'");
		return;
	}
	CHECK_EQ(rc, -ENOTSUP);
	CHECK_STR(err.msg,
		  "/process/apparmorProfile: 'no-such-profile': AppArmor is not enabled on "
		  "this host");
	p.apparmor_profile = "unconfined";
	CHECK_EQ(lsm_open(proc_fd, &p, &l, &err), 0);
	CHECK_EQ(lsm_apply(&l, &err), 0);
}

static void child_selinux(void *arg)
{
	struct config_process p = { .selinux_label = "no:such:label" };
	auto_close int proc_fd = procfs_open(NULL);
	auto_lsm struct lsm l = LSM_INIT;
	struct err err = ERR_INIT;
	int rc = lsm_open(proc_fd, &p, &l, &err);

	(void)arg;
	if (lsm_has_selinux()) {
		CHECK_EQ(rc, 0);
		CHECK(lsm_apply(&l, &err) < 0);
		return;
	}
	CHECK_EQ(rc, -ENOTSUP);
	CHECK_STR(err.msg,
		  "/process/selinuxLabel: 'no:such:label': SELinux is not enabled on this host");
	CHECK_EQ(lsm_label_keyring(proc_fd, "x:y:z", &err), 0);
}

static void test_unknown(void)
{
	IN_CHILD(child_apparmor, NULL);
	IN_CHILD(child_selinux, NULL);
}

static void test_mount_data(void)
{
	auto_buf struct buf b = BUF_INIT;
	struct err err = ERR_INIT;
	const char *label = "system_u:object_r:svirt_sandbox_file_t:s0:c715,c811";
	int rc;

	CHECK_EQ(lsm_mount_data("size=1m", NULL, &b, &err), 0);
	CHECK_STR(buf_str(&b), "size=1m");
	buf_clear(&b);
	CHECK_EQ(lsm_mount_data(NULL, "", &b, &err), 0);
	CHECK_STR(buf_str(&b), "");
	CHECK_EQ(lsm_mount_data(NULL, "a\"b", &b, &err), -EINVAL);
	CHECK_EQ(lsm_mount_data(NULL, "a\nb", &b, &err), -EINVAL);
	CHECK_HAS(err.msg, "/linux/mountLabel: ");
	rc = lsm_mount_data("size=1m", label, &b, &err);
	if (lsm_has_selinux()) {
		CHECK_EQ(rc, 0);
		CHECK_STR(buf_str(&b),
			  "size=1m,context=\"system_u:object_r:svirt_sandbox_file_t:s0:"
			  "c715,c811\"");
	} else {
		CHECK_EQ(rc, -ENOTSUP);
		CHECK_HAS(err.msg, "SELinux is not enabled on this host");
	}
}

TEST_MAIN(TEST(test_nothing_asked), TEST(test_unknown), TEST(test_mount_data))
