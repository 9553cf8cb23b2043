// SPDX-License-Identifier: GPL-2.0-or-later
/* Reading the list of mounts: what is refused before anything is made, and the pure helpers. */
#include <errno.h>

#include "namespaces/mount.h"
#include "tests/unit/test.h"

static const struct {
	const char *type, *source, *option;
	const char *want; /* the error, or the bind source; NULL: accepted, no source */
	int rc;
} plans[] = {
	{ "tmpfs", "tmpfs", "size=1k", NULL, 0 },
	{ "bind", "/src", "ro", "/src", 0 },
	{ "rbind", "sub/src", NULL, "/bundle/sub/src", 0 },
	{ NULL, "/src", "rbind", "/src", 0 },
	{ "none", "/src", "bind", "/src", 0 },
	{ "none", "x", "remount", NULL, 0 },
	{ "ext4", "/dev/sda1", "errors=remount-ro", NULL, 0 },
	{ NULL, "/src", "ro", "/mounts/0/type: missing", -EINVAL },
	{ "", "/src", "ro", "/mounts/0/type: missing", -EINVAL },
	{ "none", "/src", NULL, "/mounts/0/type: missing", -EINVAL },
	{ "bind", NULL, NULL, "/mounts/0/source: missing", -EINVAL },
	{ "bind", "", NULL, "/mounts/0/source: missing", -EINVAL },
	{ "bind", "/src", "size=1k", "/mounts/0/options: 'size=1k' is an option of a file system",
	  -EINVAL },
	{ "bind", "/src", "tmpcopyup", "'tmpcopyup' is for new tmpfs mounts", -EINVAL },
	{ "proc", "proc", "tmpcopyup", "'tmpcopyup' is for new tmpfs mounts", -EINVAL },
	{ "tmpfs", "tmpfs", "copy-symlink", "are for bind mounts", -EINVAL },
	{ "tmpfs", "tmpfs", "src-nofollow", "are for bind mounts", -EINVAL },
};

static void test_plan(void)
{
	for (size_t i = 0; i < ARRAY_LEN(plans); i++) {
		auto_rootfs struct rootfs r = ROOTFS_INIT;
		char option[64];
		char *options[] = { option, NULL };
		struct config_mount conf = { .destination = "/x",
					     .type = plans[i].type,
					     .source = plans[i].source,
					     .options = { options, plans[i].option ? 1 : 0 } };
		struct config config = { .mounts = { &conf, 1 } };
		struct ns_plan plan = { .config = &config, .bundle = "/bundle" };
		struct err err = ERR_INIT;

		(void)snprintf(option, sizeof(option), "%s",
			       plans[i].option ? plans[i].option : "");
		if (mounts_plan(&plan, &r, &err) != plans[i].rc)
			TEST_FAIL("case %zu: %d %s", i, err.code, err.msg);
		else if (plans[i].rc < 0)
			CHECK_HAS(err.msg, plans[i].want);
		else
			CHECK_STR(r.mounts[0].source, plans[i].want);
	}
}

static void test_remount_idmap(void)
{
	auto_rootfs struct rootfs r = ROOTFS_INIT;
	char remount[] = "remount", idmap[] = "idmap";
	char *options[] = { remount, idmap, NULL };
	struct config_mount conf = { .destination = "/x", .options = { options, 2 } };
	struct config config = { .mounts = { &conf, 1 } };
	struct ns_plan plan = { .config = &config, .bundle = "/bundle" };
	struct err err = ERR_INIT;

	CHECK_EQ(mounts_plan(&plan, &r, &err), -EINVAL);
	CHECK_HAS(err.msg, "can not be id-mapped");
}

static void test_is_dest(void)
{
	static const struct {
		const char *path, *want;
		bool is_it;
	} dests[] = {
		{ "/dev", "/dev", true },
		{ "/dev/", "/dev", true },
		{ "//dev//", "/dev", true },
		{ "dev", "/dev", true },
		{ "/./dev/.", "/dev", true },
		{ "/", "/", true },
		{ "", "/", true },
		{ ".", "/", true },
		{ "/de", "/dev", false },
		{ "/devs", "/dev", false },
		{ "/dev/x", "/dev", false },
		{ "/dev", "/dev/x", false },
		{ "/.dev", "/dev", false },
		{ "/..", "/", false },
		{ "/a/./b", "/a/b", true },
		{ "/a/.b", "/a/b", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(dests); i++) {
		if (mount_is_dest(dests[i].path, dests[i].want) != dests[i].is_it)
			TEST_FAIL("'%s' and '%s'", dests[i].path, dests[i].want);
	}
}

static void test_host_dev(void)
{
	auto_rootfs struct rootfs r = ROOTFS_INIT;
	struct config_mount conf[] = {
		{ .destination = "/dev", .type = "tmpfs", .source = "x" },
		{ .destination = "/dev/", .type = "bind", .source = "/dev" },
	};
	struct config config = { .mounts = { conf, 2 } };
	struct ns_plan plan = { .config = &config, .bundle = "/bundle" };

	CHECK_EQ(mounts_plan(&plan, &r, NULL), 0);
	CHECK(mounts_has_host_dev(&r));
	rootfs_fini(&r);
	config.mounts.n = 1;
	CHECK_EQ(mounts_plan(&plan, &r, NULL), 0);
	CHECK(!mounts_has_host_dev(&r));
}

TEST_MAIN(TEST(test_plan), TEST(test_remount_idmap), TEST(test_is_dest), TEST(test_host_dev))
