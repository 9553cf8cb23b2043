// SPDX-License-Identifier: GPL-2.0-or-later
/* The inode table by itself: bounds, ids, and inodes that cannot be kept by handle. */
#include "vmmode/virtio/fs/inode.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <sys/syscall.h>

#include "tests/unit/test.h"

enum { FILES = 40 };

struct box {
	char path[32];
	int root_fd, proc_fd;
	struct fs_inodes t;
};

static void box_open(struct box *b, const struct fs_limits *limits)
{
	char name[16];

	strcpy(b->path, "/tmp/bivalve-in.XXXXXX");
	CHECK(mkdtemp(b->path) != NULL);
	b->root_fd = open(b->path, O_PATH | O_CLOEXEC);
	b->proc_fd = open("/proc/self/fd", O_PATH | O_CLOEXEC);
	for (int i = 0; i < FILES; i++) {
		(void)snprintf(name, sizeof(name), "f%d", i);
		CHECK_EQ(mknodat(b->root_fd, name, S_IFREG | 0644, 0), 0);
	}
	CHECK_EQ(fs_inodes_init(&b->t, b->root_fd, b->proc_fd, limits), 0);
}

static void box_close(struct box *b)
{
	char name[16];

	fs_inodes_fini(&b->t);
	for (int i = 0; i < FILES; i++) {
		(void)snprintf(name, sizeof(name), "f%d", i);
		CHECK_EQ(unlinkat(b->root_fd, name, 0), 0);
	}
	(void)close(b->root_fd);
	(void)close(b->proc_fd);
	CHECK_EQ(rmdir(b->path), 0);
}

/* Looks file @i up: 0 and its id, or an error. */
static int enter(struct box *b, int i, uint64_t *id)
{
	auto_close int fd = -1;
	struct statx stx;
	char name[16];

	(void)snprintf(name, sizeof(name), "f%d", i);
	fd = openat(b->root_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	CHECK_EQ(statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_MNT_ID, &stx), 0);
	return fs_inode_enter(&b->t, &fd, &stx, id);
}

/* Sets or clears CAP_DAC_READ_SEARCH, without which no handle can be opened. */
static bool may_open_handles(bool may)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];
	const uint32_t bit = 1U << CAP_DAC_READ_SEARCH;

	if (syscall(SYS_capget, &head, data) < 0 || !(data[0].permitted & bit))
		return false;
	data[0].effective = may ? data[0].effective | bit : data[0].effective & ~bit;
	return syscall(SYS_capset, &head, data) == 0;
}

static void test_limits(void)
{
	static const struct fs_limits bad[] = {
		{ 1, 8, 8 }, { 8, 1, 8 }, { 8, 8, 7 }, { UINT32_MAX, 8, 8 }
	};
	const int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	const struct fs_limits good = { 8, 8, 8 };
	struct fs_inodes t;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		CHECK_EQ(fs_inodes_init(&t, AT_FDCWD, -1, &bad[i]), -EINVAL);
	CHECK_EQ(fs_inodes_init(&t, null_fd, -1, &good), -ENOTDIR);
	CHECK_EQ(fs_inodes_init(&t, -1, -1, &good), -EBADF);
	(void)close(null_fd);
}

static void test_ids(void)
{
	const struct fs_limits limits = { FILES + 1, FILES, FILES };
	struct fs_node node = { 0 };
	uint64_t first[FILES];
	struct box b;
	uint64_t id;

	box_open(&b, &limits);
	for (int i = 0; i < FILES; i++)
		CHECK_EQ(enter(&b, i, &first[i]), 0);
	CHECK_EQ(b.t.n_fds, FILES);
	CHECK_EQ(enter(&b, 0, &id), 0);
	CHECK(id == first[0]);
	CHECK_EQ(b.t.n_fds, FILES);
	CHECK_EQ(fs_inode_get(&b.t, first[0], &node), 0);
	fs_inode_forget(&b.t, first[0], 2);
	CHECK(fcntl(node.fd, F_GETFD) >= 0); /* in use */
	CHECK_EQ(b.t.n_fds, FILES);
	fs_inode_put(&b.t, &node);
	CHECK_EQ(b.t.n_fds, FILES - 1);
	CHECK_EQ(fs_inode_get(&b.t, first[0], &node), -EINVAL);
	CHECK_EQ(enter(&b, 0, &id), 0);
	CHECK_EQ((uint32_t)id, (uint32_t)first[0]); /* the same slot, another generation */
	CHECK(id != first[0]);
	CHECK_EQ(fs_inode_get(&b.t, first[1], &node), 0);
	fs_inodes_clear(&b.t);
	CHECK_EQ(b.t.n_fds, 1); /* the one in use */
	fs_inode_put(&b.t, &node);
	CHECK_EQ(b.t.n_fds, 0);
	CHECK_EQ(b.t.n_hashed, 1); /* the root */
	box_close(&b);
}

static void test_by_handle(void)
{
	const struct fs_limits limits = { FILES + 1, 4, FILES };
	struct fs_node nodes[4];
	uint64_t ids[FILES];
	struct box b;
	uint64_t id;

	if (!may_open_handles(true))
		TEST_SKIP("no right to open handles here");
	box_open(&b, &limits);
	for (int i = 0; i < FILES; i++) {
		CHECK_EQ(enter(&b, i, &ids[i]), 0);
		CHECK(b.t.n_fds <= 4);
	}
	CHECK_EQ(b.t.max_fds, 4);
	for (int i = 0; i < FILES; i++) {
		CHECK_EQ(enter(&b, i, &id), 0);
		CHECK(id == ids[i]);
	}
	for (int i = 0; i < 4; i++)
		CHECK_EQ(fs_inode_get(&b.t, ids[i], &nodes[i]), 0);
	for (int i = 0; i < 4; i++)
		fs_inode_put(&b.t, &nodes[i]);
	box_close(&b);
}

static void test_without_handles(void)
{
	const struct fs_limits limits = { FILES + 1, 4, 20 };
	struct box b;
	uint64_t id;

	if (!may_open_handles(false))
		TEST_SKIP("no capability to drop");
	box_open(&b, &limits);
	for (int i = 0; i < FILES; i++)
		CHECK_EQ(enter(&b, i, &id), i < 20 ? 0 : -ENFILE);
	CHECK_EQ(b.t.n_fds, 20);
	CHECK_EQ(enter(&b, 3, &id), 0); /* known ones need no room */
	fs_inode_forget(&b.t, id, 2);
	CHECK_EQ(enter(&b, 30, &id), 0);
	CHECK(may_open_handles(true));
	box_close(&b);
}

TEST_MAIN(TEST(test_limits), TEST(test_ids), TEST(test_by_handle), TEST(test_without_handles))
