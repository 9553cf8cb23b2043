// SPDX-License-Identifier: GPL-2.0-or-later
// Groups, ids, umask and no_new_privs, in children; also inside user namespaces.
#include "namespaces/creds.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "spec/base/fd.h"
#include "tests/unit/child.h"
#include "tests/unit/test.h"

static uint32_t gids[] = { 7, 70000 };

static void child_plain(void *arg)
{
	struct config_user u = { .uid = 1000, .gid = 1001, .umask = { true, 027 } };
	gid_t got[8];
	uid_t r, e, s;
	struct err err = ERR_INIT;

	(void)arg;
	u.additional_gids.items = gids;
	u.additional_gids.n = 2;
	CHECK_EQ(creds_apply(&u, 0, &err), 0);
	CHECK_EQ(getresuid(&r, &e, &s), 0);
	CHECK(r == 1000 && e == 1000 && s == 1000);
	CHECK_EQ(getresgid(&r, &e, &s), 0);
	CHECK(r == 1001 && e == 1001 && s == 1001);
	CHECK_EQ(getgroups(8, got), 2);
	CHECK_EQ(got[0], 7);
	CHECK_EQ(got[1], 70000);
	CHECK_EQ(umask(0), 027);
	CHECK_EQ(creds_apply(&u, 0, &err), -EPERM);
	CHECK_HAS(err.msg, "/process/user/additionalGids: set groups: ");
	CHECK_EQ(creds_apply(&u, CREDS_KEEP_GROUPS, &err), 0);
	u.gid = 0;
	CHECK_EQ(creds_apply(&u, CREDS_KEEP_GROUPS, &err), -EPERM);
	CHECK_HAS(err.msg, "/process/user/gid: set to 0: ");
	u.gid = 1001;
	u.uid = 0;
	CHECK_EQ(creds_apply(&u, CREDS_KEEP_GROUPS, &err), -EPERM);
	CHECK_HAS(err.msg, "/process/user/uid: set to 0: ");
}

/* The caller's groups go when none are asked for, and stay when that is asked for. */
static void child_groups(void *arg)
{
	struct config_user u = { .uid = 0, .gid = 0 };
	mode_t mask = umask(022);

	(void)arg;
	CHECK_EQ(setgroups(2, gids), 0);
	(void)umask(031);
	CHECK_EQ(creds_apply(&u, CREDS_KEEP_GROUPS, NULL), 0);
	CHECK_EQ(getgroups(0, NULL), 2);
	CHECK_EQ(creds_apply(&u, 0, NULL), 0);
	CHECK_EQ(getgroups(0, NULL), 0);
	CHECK_EQ(umask(mask), 031);
}

static void test_apply(void)
{
	if (!is_root())
		TEST_SKIP("needs root");
	IN_CHILD(child_plain, NULL);
	IN_CHILD(child_groups, NULL);
}

/* A user namespace with one id and setgroups denied, as a rootless container has it. */
static void child_denied(void *arg)
{
	struct config_user u = { .uid = 0, .gid = 0 };
	struct err err = ERR_INIT;

	(void)arg;
	CHECK_EQ(unshare(CLONE_NEWUSER), 0);
	CHECK_EQ(file_write_at(AT_FDCWD, "/proc/self/setgroups", "deny"), 0);
	CHECK_EQ(file_write_at(AT_FDCWD, "/proc/self/uid_map", "0 0 1"), 0);
	CHECK_EQ(file_write_at(AT_FDCWD, "/proc/self/gid_map", "0 0 1"), 0);
	CHECK_EQ(creds_apply(&u, CREDS_IN_USERNS, &err), 0);
	CHECK_EQ(creds_apply(&u, 0, &err), -EPERM);
	u.additional_gids.items = gids;
	u.additional_gids.n = 1;
	CHECK_EQ(creds_apply(&u, CREDS_IN_USERNS, &err), -EPERM);
	CHECK_STR(err.msg,
		  "/process/user/additionalGids: setgroups is denied in this user namespace");
	CHECK_EQ(creds_apply(&u, CREDS_IN_USERNS | CREDS_KEEP_GROUPS, &err), 0);
}

/* In a new user namespace with id 0 mapped alone, and setgroups allowed: its maps come from
 * outside. */
static void enter_mapped(void)
{
	char path[64];
	int go[2], status = -1;
	pid_t self = getpid(), writer;
	char c;

	CHECK_EQ(pipe(go), 0);
	writer = fork();
	if (writer == 0) {
		int rc = read(go[0], &c, 1) == 1 ? 0 : 1;

		(void)snprintf(path, sizeof(path), "/proc/%d/uid_map", (int)self);
		rc |= file_write_at(AT_FDCWD, path, "0 0 1");
		(void)snprintf(path, sizeof(path), "/proc/%d/gid_map", (int)self);
		rc |= file_write_at(AT_FDCWD, path, "0 0 1");
		_exit(rc != 0);
	}
	CHECK_EQ(unshare(CLONE_NEWUSER), 0);
	CHECK_EQ(write(go[1], "g", 1), 1);
	CHECK_EQ(waitpid(writer, &status, 0), writer);
	CHECK_EQ(status, 0);
}

static void child_unmapped(void *arg)
{
	struct config_user u = { .uid = 5, .gid = 0 };
	struct err err = ERR_INIT;

	(void)arg;
	enter_mapped();
	CHECK_EQ(creds_apply(&u, CREDS_IN_USERNS, &err), -EINVAL);
	CHECK_STR(err.msg, "/process/user/uid: 5 is not mapped in the user namespace");
	u.gid = 6;
	CHECK_EQ(creds_apply(&u, CREDS_IN_USERNS, &err), -EINVAL);
	CHECK_STR(err.msg, "/process/user/gid: 6 is not mapped in the user namespace");
	u.additional_gids.items = gids;
	u.additional_gids.n = 1;
	CHECK_EQ(creds_apply(&u, CREDS_IN_USERNS, &err), -EINVAL);
	CHECK_HAS(err.msg, "/process/user/additionalGids: a group is not mapped");
}

static void test_user_namespace(void)
{
	if (!is_root())
		TEST_SKIP("needs root");
	IN_CHILD(child_denied, NULL);
	IN_CHILD(child_unmapped, NULL);
}

static void child_no_new_privs(void *arg)
{
	(void)arg;
	CHECK_EQ(creds_no_new_privs(NULL), 0);
	CHECK_EQ(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 1);
}

static void test_no_new_privs(void)
{
	IN_CHILD(child_no_new_privs, NULL);
}

static void test_annotation(void)
{
	static const struct {
		const char *value;
		bool keeps;
	} table[] = {
		{ NULL, false }, { "1", true }, { "true", true }, { "0", false }, { "false", false }
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct config_annotation a = { "run.oci.keep_original_groups", table[i].value };
		struct config c = { 0 };

		c.annotations.items = &a;
		c.annotations.n = table[i].value ? 1 : 0;
		CHECK_EQ(creds_keeps_groups(&c), table[i].keeps);
	}
}

TEST_MAIN(TEST(test_apply), TEST(test_user_namespace), TEST(test_no_new_privs),
	  TEST(test_annotation))
