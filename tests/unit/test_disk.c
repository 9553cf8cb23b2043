// SPDX-License-Identifier: GPL-2.0-or-later
/* Which descriptors are a disk, and which sectors are on it. */
#include "vmmode/virtio/disk.h"

#include <fcntl.h>
#include <sys/mman.h>

#include "tests/unit/test.h"

static int memory(int64_t size)
{
	int fd = memfd_create("disk", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, size) < 0)
		abort();
	return fd;
}

/* @fd again, by another open file description. */
static int reopen(int fd, int flags)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, flags | O_CLOEXEC);
}

static void test_files(void)
{
	static const struct {
		int64_t size;
		bool read_only;
		int rc;
		uint64_t sectors;
		const char *msg;
	} cases[] = {
		{ 0, true, -EINVAL, 0, "disk: the file is empty" },
		{ 1, true, 0, 1, NULL },
		{ 512, false, 0, 1, NULL },
		{ 513, true, 0, 2, NULL },
		{ 513, false, -EINVAL, 0,
		  "disk: the file's size is no multiple of 512 bytes, and it is to be written" },
		{ INT64_C(1) << 40, false, 0, UINT64_C(1) << 31, NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		auto_close int fd = memory(cases[i].size);
		struct err err = ERR_INIT;
		struct disk d;

		CHECK_EQ(disk_init(&d, fd, cases[i].read_only, &err), cases[i].rc);
		if (cases[i].rc < 0) {
			CHECK_STR(err.msg, cases[i].msg);
			continue;
		}
		CHECK_EQ(d.sectors, cases[i].sectors);
		CHECK_EQ(d.can_punch, !cases[i].read_only);
		CHECK_EQ(d.is_block, false);
		CHECK_EQ(lseek(fd, 0, SEEK_END), cases[i].size);
	}
}

static void test_refused(void)
{
	static const struct {
		int flags;
		bool read_only;
		int rc;
		const char *msg;
	} cases[] = {
		{ O_RDONLY, true, 0, "" },
		{ O_RDWR, true, 0, "" },
		{ O_RDONLY, false, -EBADF, "disk: not open for writing" },
		{ O_WRONLY, false, -EBADF, "disk: not open for reading" },
		{ O_PATH, true, -EBADF, "disk: not open for reading" },
		{ O_RDWR | O_APPEND, false, -EINVAL, "disk: opened for appending" },
	};
	auto_close int file_fd = memory(4096);
	auto_close int dir_fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct err err = ERR_INIT;
	struct disk d;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		auto_close int fd = reopen(file_fd, cases[i].flags);

		err = (struct err)ERR_INIT;
		CHECK_EQ(disk_init(&d, fd, cases[i].read_only, &err), cases[i].rc);
		CHECK_STR(err.msg, cases[i].msg);
	}
	CHECK_EQ(disk_init(&d, dir_fd, true, &err), -EINVAL);
	CHECK_STR(err.msg, "disk: neither a regular file nor a block device");
	CHECK_EQ(disk_init(&d, -1, true, &err), -EBADF);
}

static void test_ranges(void)
{
	static const struct {
		uint64_t sector, bytes;
		bool want;
	} cases[] = {
		{ 0, 512, true },
		{ 0, 4096, true },
		{ 0, 4608, false },
		{ 7, 512, true },
		{ 7, 1024, false },
		{ 8, 0, true },
		{ 8, 512, false },
		{ 9, 0, false },
		{ 0, 1, false },
		{ 0, 511, false },
		{ UINT64_MAX, 512, false },
		{ UINT64_MAX, 0, false },
		{ UINT64_C(1) << 55, 512, false },
		{ 0, UINT64_MAX - 511, false },
	};
	const struct disk d = { .sectors = 8 };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		CHECK_EQ(disk_has(&d, cases[i].sector, cases[i].bytes), cases[i].want);
}

TEST_MAIN(TEST(test_files), TEST(test_refused), TEST(test_ranges))
