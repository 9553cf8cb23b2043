// SPDX-License-Identifier: GPL-2.0-or-later
/* The files of a container's state folder: what is written is read again, and nothing else is. */
#include "runtime/state.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/lock.h"
#include "tests/unit/test.h"

/* A folder in memory of its own per test; removed by the test. */
struct folder {
	char path[64];
	int fd;
};

static bool folder_make(struct folder *f)
{
	(void)snprintf(f->path, sizeof(f->path), "/tmp/bivalve-state-XXXXXX");
	if (!mkdtemp(f->path))
		return false;
	f->fd = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return f->fd >= 0;
}

static void folder_remove(struct folder *f)
{
	static const char *const names[] = { STATE_FILE, STATE_INIT_LINK, STATE_INIT_NEW_LINK };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		(void)unlinkat(f->fd, names[i], 0);
	(void)close(f->fd);
	(void)rmdir(f->path);
}

static void test_ids(void)
{
	static const struct {
		const char *id;
		int rc;
	} cases[] = {
		{ "a", 0 },
		{ "A-z_0+9.x", 0 },
		{ "-x", 0 },
		{ "", -EINVAL },
		{ ".", -EINVAL },
		{ "..", -EINVAL },
		{ ".hidden", -EINVAL },
		{ "a/b", -EINVAL },
		{ "a b", -EINVAL },
		{ "a\nb", -EINVAL },
		{ "\xc3\xa9", -EINVAL },
		{ "a:b", -EINVAL },
	};
	char longest[258];

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err err = ERR_INIT;

		if (state_check_id(cases[i].id, &err) != cases[i].rc)
			TEST_FAIL("'%s' gave another result than %d", cases[i].id, cases[i].rc);
		if (cases[i].rc < 0)
			CHECK_HAS(err.msg, "invalid container ID format");
	}
	memset(longest, 'x', sizeof(longest));
	longest[255] = '\0';
	CHECK_EQ(state_check_id(longest, NULL), 0);
	longest[255] = 'x';
	longest[256] = '\0';
	CHECK_EQ(state_check_id(longest, NULL), -EINVAL);
}

static void test_round_trip(void)
{
	struct config_annotation annotations[] = { { "org.example.a", "b \"c\"\n\xc3\xa9" },
						   { "empty", "" } };
	struct state s = { .id = "x",
			   .bundle = "/some/bundle",
			   .rootfs = "/some/bundle/rootfs",
			   .created = "2026-01-02T03:04:05.000000006Z",
			   .isolation = "container",
			   .annotations = { annotations, ARRAY_LEN(annotations) },
			   .cgroup_path = "/a/b",
			   .is_cgroup_ours = true,
			   .is_rootless = true };
	struct err err = ERR_INIT;
	struct state got;
	struct folder f;

	CHECK(folder_make(&f));
	CHECK_EQ(state_save(f.fd, &s, &err), 0);
	CHECK_EQ(state_load(f.fd, "x", &got, &err), 0);
	CHECK_STR(got.id, "x");
	CHECK_STR(got.bundle, s.bundle);
	CHECK_STR(got.rootfs, s.rootfs);
	CHECK_STR(got.created, s.created);
	CHECK_STR(got.isolation, "container");
	CHECK_STR(got.cgroup_path, "/a/b");
	CHECK(got.is_cgroup_ours && got.is_rootless && !got.has_rdt && !got.is_clos_ours);
	CHECK_EQ(got.annotations.n, 2);
	CHECK_STR(got.annotations.items[0].key, "org.example.a");
	CHECK_STR(got.annotations.items[0].value, annotations[0].value);
	CHECK_STR(got.annotations.items[1].value, "");
	state_fini(&got);
	s.cgroup_path = NULL;
	s.annotations.n = 0;
	CHECK_EQ(state_save(f.fd, &s, &err), 0);
	CHECK_EQ(state_load(f.fd, "x", &got, &err), 0);
	CHECK(got.cgroup_path == NULL);
	CHECK_EQ(got.annotations.n, 0);
	state_fini(&got);
	folder_remove(&f);
}

static void test_damaged_state(void)
{
	static const struct {
		const char *text;
		int rc;
		const char *want;
	} cases[] = {
		{ "", -EINVAL, "read the state of 'x'" },
		{ "{", -EINVAL, "read the state of 'x'" },
		{ "[]", -EINVAL, "object" },
		{ "{}", -EINVAL, "is missing" },
		{ "{\"bundle\": 7}", -EINVAL, "/bundle" },
		{ "{\"bundle\":\"/b\",\"rootfs\":\"/r\",\"created\":\"t\",\"isolation\":\"vm\","
		  "\"annotations\":{\"a\":1}}",
		  -EINVAL, "/annotations/a" },
	};
	struct folder f;

	CHECK(folder_make(&f));
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err err = ERR_INIT;
		struct state got;
		int fd = openat(f.fd, STATE_FILE, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

		CHECK(write(fd, cases[i].text, strlen(cases[i].text)) >= 0);
		(void)close(fd);
		CHECK_EQ(state_load(f.fd, "x", &got, &err), cases[i].rc);
		CHECK_HAS(err.msg, cases[i].want);
	}
	(void)unlinkat(f.fd, STATE_FILE, 0);
	{
		struct err err = ERR_INIT;
		struct state got;

		CHECK_EQ(state_load(f.fd, "x", &got, &err), -ENOENT);
	}
	folder_remove(&f);
}

static void test_init_link(void)
{
	const struct state_init new_init = { .pid = 4711,
					     .start_ticks = UINT64_MAX,
					     .is_new = true };
	struct err err = ERR_INIT;
	struct state_init got;
	struct folder f;

	CHECK(folder_make(&f));
	CHECK_EQ(state_load_init(f.fd, &got, &err), 0);
	CHECK_EQ(got.pid, 0);
	CHECK_EQ(state_save_init(f.fd, &new_init, &err), 0);
	CHECK_EQ(state_load_init(f.fd, &got, &err), 0);
	CHECK_EQ(got.pid, 4711);
	CHECK(got.start_ticks == UINT64_MAX);
	CHECK(got.is_new);
	CHECK_EQ(state_end_new(f.fd, &got, &err), 0);
	CHECK_EQ(state_load_init(f.fd, &got, &err), 0);
	CHECK_EQ(got.pid, 4711);
	CHECK(!got.is_new);
	/* A second process is never recorded over the first. */
	got.pid = 4712;
	CHECK_EQ(state_save_init(f.fd, &got, &err), -EEXIST);
	folder_remove(&f);
}

static void test_damaged_init_link(void)
{
	static const char *const texts[] = { "x",   "12",    "12 ",           "0 1", "-1 1",
					     "1 x", "1 2 3", "99999999999 1", " 1 1" };
	struct folder f;

	CHECK(folder_make(&f));
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct state_init got;

		CHECK_EQ(symlinkat(texts[i], f.fd, STATE_INIT_LINK), 0);
		if (state_load_init(f.fd, &got, NULL) != -EPROTO)
			TEST_FAIL("'%s' was taken for a process", texts[i]);
		(void)unlinkat(f.fd, STATE_INIT_LINK, 0);
	}
	folder_remove(&f);
}

static void test_text_around_the_pid(void)
{
	struct config_annotation a = { "k", "v:7}" };
	const struct state s = {
		.id = "x", .bundle = "/b", .rootfs = "/r", .created = "t", .annotations = { &a, 1 }
	};
	const struct state_view view = { .status = CTR_CREATING, .pid = 1 };
	struct buf text = BUF_INIT;
	const char *tail;

	CHECK_EQ(state_write_text(&s, &view, JSON_COMPACT, &text, NULL), 0);
	tail = state_split_pid(&text);
	CHECK_STR(buf_str(&text), "{\"ociVersion\":\"1.3.0\",\"id\":\"x\",\"status\":\"creating\","
				  "\"bundle\":\"/b\",\"annotations\":{\"k\":\"v:7}\"},\"pid\":");
	CHECK_STR(tail, "}");
	buf_fini(&text);
}

static void test_time(void)
{
	char now[STATE_TIME_MAX];

	state_now(now);
	CHECK_EQ(strlen(now), strlen("2026-01-02T03:04:05.000000006Z"));
	CHECK(now[0] == '2' && now[4] == '-' && now[10] == 'T' && now[19] == '.' && now[29] == 'Z');
	state_time(951782399, 7, now); /* the second before a leap day of a century */
	CHECK_STR(now, "2000-02-28T23:59:59.000000007Z");
	state_time(951782400, 0, now);
	CHECK_STR(now, "2000-02-29T00:00:00.000000000Z");
	state_time(1709251199, 999999999, now);
	CHECK_STR(now, "2024-02-29T23:59:59.999999999Z");
	state_time(1735689599, 1, now);
	CHECK_STR(now, "2024-12-31T23:59:59.000000001Z");
	state_time(0, 0, now);
	CHECK_STR(now, "1970-01-01T00:00:00.000000000Z");
	state_time(4107542400, 0, now);
	CHECK_STR(now, "2100-03-01T00:00:00.000000000Z");
}

static void test_root_must_be_private(void)
{
	struct err err = ERR_INIT;
	struct app app = { 0 };
	struct folder f;
	int fd;

	CHECK(folder_make(&f));
	app.root = f.path;
	fd = state_root_open(&app, false, &err);
	CHECK(fd >= 0);
	(void)close(fd);
	CHECK_EQ(chmod(f.path, 0755), 0);
	fd = state_root_open(&app, false, &err);
	CHECK(fd >= 0);
	(void)close(fd);
	CHECK_EQ(chmod(f.path, 0770), 0);
	CHECK_EQ(state_root_open(&app, false, &err), -EPERM);
	CHECK_HAS(err.msg, "is not private");
	CHECK_EQ(chmod(f.path, 01777), 0);
	CHECK_EQ(state_root_open(&app, true, &err), -EPERM);
	folder_remove(&f);
	CHECK_EQ(state_root_open(&app, false, &err), -ENOENT);
}

static void test_lock(void)
{
	struct err err = ERR_INIT;
	struct folder f;
	int dir_fd = -1;
	int other_fd = -1;

	CHECK(folder_make(&f));
	CHECK_EQ(lock_new(f.fd, "x", &dir_fd, &err), 0);
	CHECK_EQ(lock_new(f.fd, "x", &other_fd, &err), -EEXIST);
	CHECK_HAS(err.msg, "container with given ID already exists");
	other_fd = openat(f.fd, "x", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CHECK(lock_is_held(other_fd));
	lock_release(dir_fd);
	CHECK(!lock_is_held(other_fd));
	CHECK_EQ(lock_retake(f.fd, "x", dir_fd, &err), 0);
	CHECK(lock_is_held(other_fd));
	lock_release(dir_fd);
	/* Deleted, and made anew by another: the old folder's lock is worth nothing. */
	CHECK_EQ(unlinkat(f.fd, "x", AT_REMOVEDIR), 0);
	CHECK_EQ(lock_retake(f.fd, "x", dir_fd, &err), -ENOENT);
	CHECK_EQ(mkdirat(f.fd, "x", 0700), 0);
	CHECK_EQ(lock_retake(f.fd, "x", dir_fd, &err), -ENOENT);
	CHECK_HAS(err.msg, "container 'x' does not exist");
	(void)close(other_fd);
	CHECK_EQ(lock_take(f.fd, "x", &other_fd, &err), 0);
	CHECK_EQ(unlinkat(f.fd, "x", AT_REMOVEDIR), 0);
	(void)close(other_fd);
	(void)close(dir_fd);
	CHECK_EQ(lock_take(f.fd, "x", &other_fd, &err), -ENOENT);
	folder_remove(&f);
}

TEST_MAIN(TEST(test_ids), TEST(test_round_trip), TEST(test_damaged_state), TEST(test_init_link),
	  TEST(test_damaged_init_link), TEST(test_text_around_the_pid), TEST(test_time),
	  TEST(test_root_must_be_private), TEST(test_lock))
