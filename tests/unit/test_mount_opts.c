// SPDX-License-Identifier: GPL-2.0-or-later
/* Mount options: each alone, and in the orders that matter. */
#include "spec/mount_opts.h"

#include <linux/mount.h>
#include <sys/mount.h>

#include "tests/unit/test.h"

enum { MAX = 12 };

/* Options as one string, separated by blanks. */
static int parse(const char *text, struct mount_opts *o, struct err *err)
{
	char copy[256];
	char *v[MAX + 1] = { 0 };
	struct strv list = { v, 0 };
	char *save = NULL;

	(void)snprintf(copy, sizeof(copy), "%s", text);
	for (char *p = strtok_r(copy, " ", &save); p && list.n < MAX;
	     p = strtok_r(NULL, " ", &save))
		v[list.n++] = p;
	return mount_options_parse(&list, o, err);
}

static void test_sorted(void)
{
	size_t n = 0;

	for (; mount_option_name(n); n++) {
		if (n && strcmp(mount_option_name(n - 1), mount_option_name(n)) >= 0)
			TEST_FAIL("%s is out of order", mount_option_name(n));
	}
	CHECK_EQ(n, 65);
	/* A known option never reaches the file system. */
	for (size_t i = 0; i < n; i++) {
		auto_mount_opts struct mount_opts o = { 0 };

		CHECK_EQ(parse(mount_option_name(i), &o, NULL), 0);
		if (o.data)
			TEST_FAIL("%s became data", mount_option_name(i));
	}
}

static void test_flags(void)
{
	static const struct {
		const char *text;
		unsigned long set, clear;
		uint64_t attr_set, attr_clear;
	} cases[] = {
		{ "", 0, 0, 0, 0 },
		{ "defaults", 0, 0, 0, 0 },
		{ "ro", MS_RDONLY, 0, MOUNT_ATTR_RDONLY, 0 },
		{ "ro rw", 0, MS_RDONLY, 0, MOUNT_ATTR_RDONLY },
		{ "rw ro", MS_RDONLY, 0, MOUNT_ATTR_RDONLY, 0 },
		{ "nosuid nodev noexec", MS_NOSUID | MS_NODEV | MS_NOEXEC, 0,
		  MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, 0 },
		{ "suid dev exec", 0, MS_NOSUID | MS_NODEV | MS_NOEXEC, 0,
		  MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC },
		{ "sync dirsync mand", MS_SYNCHRONOUS | MS_DIRSYNC | MS_MANDLOCK, 0, 0, 0 },
		{ "iversion lazytime silent", MS_I_VERSION | MS_LAZYTIME | MS_SILENT, 0, 0, 0 },
		{ "noiversion nolazytime loud async nomand", 0,
		  MS_I_VERSION | MS_LAZYTIME | MS_SILENT | MS_SYNCHRONOUS | MS_MANDLOCK, 0, 0 },
		{ "noatime", MS_NOATIME, 0, MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME },
		{ "noatime strictatime", MS_STRICTATIME, 0, MOUNT_ATTR_STRICTATIME,
		  MOUNT_ATTR__ATIME },
		{ "strictatime relatime", MS_RELATIME, 0, 0, MOUNT_ATTR__ATIME },
		{ "atime", 0, MS_NOATIME, 0, MOUNT_ATTR__ATIME },
		{ "nodiratime", MS_NODIRATIME, 0, MOUNT_ATTR_NODIRATIME, 0 },
		{ "diratime nosymfollow", MS_NOSYMFOLLOW, MS_NODIRATIME, MOUNT_ATTR_NOSYMFOLLOW,
		  MOUNT_ATTR_NODIRATIME },
		{ "remount", MS_REMOUNT, 0, 0, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		auto_mount_opts struct mount_opts o = { 0 };

		CHECK_EQ(parse(cases[i].text, &o, NULL), 0);
		if (o.flags_set != cases[i].set || o.flags_clear != cases[i].clear ||
		    o.attrs.set != cases[i].attr_set || o.attrs.clear != cases[i].attr_clear)
			TEST_FAIL("'%s': flags %lx/%lx, attributes %jx/%jx", cases[i].text,
				  o.flags_set, o.flags_clear, (uintmax_t)o.attrs.set,
				  (uintmax_t)o.attrs.clear);
		CHECK(o.rec_attrs.set == 0 && o.rec_attrs.clear == 0 && !o.is_bind);
	}
}

static void test_recursive(void)
{
	static const struct {
		const char *text;
		uint64_t set, clear;
	} cases[] = {
		{ "rro", MOUNT_ATTR_RDONLY, 0 },
		{ "rro rrw", 0, MOUNT_ATTR_RDONLY },
		{ "rnosuid rnodev rnoexec",
		  MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, 0 },
		{ "rsuid rdev rexec", 0, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC },
		{ "rnoatime", MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME },
		{ "rnoatime rstrictatime", MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME },
		{ "rstrictatime rrelatime", 0, MOUNT_ATTR__ATIME },
		{ "ratime", 0, MOUNT_ATTR__ATIME },
		{ "rnorelatime", 0, MOUNT_ATTR__ATIME },
		{ "rnostrictatime", 0, MOUNT_ATTR__ATIME },
		{ "rnodiratime rsymfollow", MOUNT_ATTR_NODIRATIME, MOUNT_ATTR_NOSYMFOLLOW },
		{ "rdiratime rnosymfollow", MOUNT_ATTR_NOSYMFOLLOW, MOUNT_ATTR_NODIRATIME },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		auto_mount_opts struct mount_opts o = { 0 };

		CHECK_EQ(parse(cases[i].text, &o, NULL), 0);
		if (o.rec_attrs.set != cases[i].set || o.rec_attrs.clear != cases[i].clear)
			TEST_FAIL("'%s': %jx/%jx", cases[i].text, (uintmax_t)o.rec_attrs.set,
				  (uintmax_t)o.rec_attrs.clear);
		CHECK(o.flags_set == 0 && o.attrs.set == 0 && o.attrs.clear == 0);
	}
}

static void test_kinds(void)
{
	auto_mount_opts struct mount_opts o = { 0 };
	auto_mount_opts struct mount_opts r = { 0 };

	CHECK_EQ(parse("bind shared rslave tmpcopyup copy-symlink src-nofollow dest-nofollow idmap",
		       &o, NULL),
		 0);
	CHECK(o.is_bind && !o.is_rbind);
	CHECK_EQ(o.n_propagations, 2);
	CHECK_EQ(o.propagations[0], MS_SHARED);
	CHECK_EQ(o.propagations[1], MS_SLAVE | MS_REC);
	CHECK(o.has_tmpcopyup && o.has_copy_symlink && o.has_src_nofollow && o.has_dest_nofollow);
	CHECK_EQ(o.idmap, MOUNT_IDMAP_PLAIN);
	CHECK(o.idmap_spec == NULL && o.data == NULL);
	CHECK_EQ(parse("rbind rprivate unbindable ridmap idmap=uids=0-1000-1#9-9-9;gids=@0-1-2", &r,
		       NULL),
		 0);
	CHECK(r.is_bind && r.is_rbind);
	CHECK_EQ(r.propagations[1], MS_UNBINDABLE);
	CHECK_EQ(r.idmap, MOUNT_IDMAP_RECURSIVE);
	CHECK_STR(r.idmap_spec, "uids=0-1000-1#9-9-9;gids=@0-1-2");
}

static void test_data(void)
{
	auto_mount_opts struct mount_opts o = { 0 };
	auto_mount_opts struct mount_opts twice = { 0 };
	char *with_empty[] = { (char[]){ "" }, (char[]){ "size=1" }, NULL };
	const struct strv list = { with_empty, 2 };
	auto_mount_opts struct mount_opts e = { 0 };

	CHECK_EQ(parse("mode=755 nosuid size=64k lowerdir=/a:/b", &o, NULL), 0);
	CHECK_STR(o.data, "mode=755,size=64k,lowerdir=/a:/b");
	CHECK_EQ(parse("idmap=a idmap=b RO", &twice, NULL), 0);
	CHECK_STR(twice.idmap_spec, "b");
	CHECK_EQ(twice.idmap, MOUNT_IDMAP_PLAIN);
	CHECK_STR(twice.data, "RO"); /* names are case-sensitive */
	CHECK_EQ(mount_options_parse(&list, &e, NULL), 0);
	CHECK_STR(e.data, "size=1");
}

static void test_too_many(void)
{
	struct mount_opts o = { .is_bind = true };
	struct err err = ERR_INIT;

	CHECK_EQ(
	    parse("x=1 shared slave shared slave shared slave shared slave rprivate", &o, &err),
	    -EINVAL);
	CHECK_STR(err.msg, "option 'rprivate': more than 8 propagation options");
	CHECK(o.is_bind && o.data == NULL); /* as it was */
}

TEST_MAIN(TEST(test_sorted), TEST(test_flags), TEST(test_recursive), TEST(test_kinds),
	  TEST(test_data), TEST(test_too_many))
