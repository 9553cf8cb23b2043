// SPDX-License-Identifier: GPL-2.0-or-later
/* The texts of a mount's id maps. */
#include <errno.h>

#include "namespaces/idmap_mount.h"
#include "tests/unit/test.h"

static struct config_id_map users[] = { { 0, 1000, 1 }, { 1, 2000, 100 } };
static struct config_id_map groups[] = { { 0, 3000, 50 } };

static const struct {
	const char *spec;
	const char *uids, *gids; /* NULL: refused */
} specs[] = {
	{ "uids=0-1-10#10-11-10;gids=0-100-10", "0 1 10\n10 11 10\n", "0 100 10\n" },
	{ "gids=0-100-10;uids=5-6-7", "5 6 7\n", "0 100 10\n" },
	{ "uids=@0-0-1#@7-1-100;gids=@3-10-40", "0 1000 1\n7 2000 100\n", "3 3010 40\n" },
	{ "uids=@0-50-51;gids=0-0-1", "0 2049 51\n", "0 0 1\n" },
	{ "uids=0-0-4294967295;gids=0-0-1", "0 0 4294967295\n", "0 0 1\n" },
	{ "uids=@0-50-52;gids=0-0-1", NULL, NULL }, /* beyond the end of the range */
	{ "uids=@0-0-2;gids=0-0-1", NULL, NULL },   /* over two ranges */
	{ "uids=@0-101-1;gids=0-0-1", NULL, NULL }, /* in none */
	{ "uids=0-0-0;gids=0-0-1", NULL, NULL },
	{ "uids=0-0-4294967296;gids=0-0-1", NULL, NULL },
	{ "uids=0-0;gids=0-0-1", NULL, NULL },
	{ "uids=0-0-1-1;gids=0-0-1", NULL, NULL },
	{ "uids=0--1;gids=0-0-1", NULL, NULL },
	{ "uids=-1-0-1;gids=0-0-1", NULL, NULL },
	{ "uids=0-0-1#;gids=0-0-1", NULL, NULL },
	{ "uids=0-0-1;gids=0-0-1;", NULL, NULL },
	{ "uid=0-0-1;gids=0-0-1", NULL, NULL },
	{ "uids=0-0-1", NULL, NULL },
	{ "uids=;gids=", NULL, NULL },
	{ "", NULL, NULL },
};

static void test_specs(void)
{
	static char text[128];
	struct config config = { .linux_ = { .uid_mappings = { users, 2 },
					     .gid_mappings = { groups, 1 } } };
	struct config_mount conf = { .destination = "/x" };
	struct mount_plan mp = { .conf = &conf, .opts.idmap_spec = text };

	for (size_t i = 0; i < ARRAY_LEN(specs); i++) {
		auto_buf struct buf uids = BUF_INIT;
		auto_buf struct buf gids = BUF_INIT;
		struct err err = ERR_INIT;
		int rc;

		(void)snprintf(text, sizeof(text), "%s", specs[i].spec);
		rc = idmap_texts(&config, &mp, &uids, &gids, &err);
		if (rc != (specs[i].uids ? 0 : -EINVAL))
			TEST_FAIL("'%s': %d %s", specs[i].spec, rc, err.msg);
		if (!specs[i].uids)
			continue;
		CHECK_STR(buf_str(&uids), specs[i].uids);
		CHECK_STR(buf_str(&gids), specs[i].gids);
	}
}

static void test_sources(void)
{
	auto_buf struct buf uids = BUF_INIT;
	auto_buf struct buf gids = BUF_INIT;
	struct config config = { .linux_ = { .uid_mappings = { users, 2 },
					     .gid_mappings = { groups, 1 } } };
	struct config_id_map own[] = { { 7, 8, 9 } };
	struct config_mount conf = { .destination = "/x" };
	struct mount_plan mp = { .conf = &conf };

	CHECK(!idmap_is_wanted(&mp));
	mp.opts.idmap = MOUNT_IDMAP_PLAIN;
	CHECK(idmap_is_wanted(&mp));
	CHECK_EQ(idmap_texts(&config, &mp, &uids, &gids, NULL), 0); /* the container's own */
	CHECK_STR(buf_str(&uids), "0 1000 1\n1 2000 100\n");
	CHECK_STR(buf_str(&gids), "0 3000 50\n");
	buf_clear(&uids);
	buf_clear(&gids);
	mp.opts.idmap = MOUNT_IDMAP_NONE;
	conf.uid_mappings = conf.gid_mappings = (struct config_id_maps){ own, 1 };
	CHECK(idmap_is_wanted(&mp));
	CHECK_EQ(idmap_texts(&config, &mp, &uids, &gids, NULL), 0);
	CHECK_STR(buf_str(&uids), "7 8 9\n");
	conf.gid_mappings.n = 0;
	buf_clear(&gids);
	CHECK_EQ(idmap_texts(&config, &mp, &uids, &gids, NULL), -EINVAL);
}

TEST_MAIN(TEST(test_specs), TEST(test_sources))
