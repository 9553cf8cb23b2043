// SPDX-License-Identifier: GPL-2.0-or-later
/* Reads, writes and descriptor passing, with short transfers and hostile messages. */
#include "spec/base/fd.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "tests/unit/test.h"

static bool is_cloexec(int fd)
{
	return fcntl(fd, F_GETFD) & FD_CLOEXEC;
}

static void test_read_all(void)
{
	auto_close int fd = memfd_create("t", MFD_CLOEXEC);
	auto_buf struct buf b = BUF_INIT;
	char block[20000];

	memset(block, 'x', sizeof(block));
	CHECK_EQ(fd_write_all(fd, block, sizeof(block)), 0);
	CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
	CHECK_EQ(fd_read_all(fd, sizeof(block) - 1, &b), -EFBIG);
	buf_clear(&b);
	CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
	buf_add_str(&b, "head");
	CHECK_EQ(fd_read_all(fd, sizeof(block), &b), 0);
	CHECK_EQ(b.len, sizeof(block) + 4);
	CHECK_EQ(lseek(fd, -5, SEEK_END), (long)sizeof(block) - 5);
	CHECK_EQ(fd_read_full(fd, block, 10), 5);
	CHECK_EQ(fd_read_full(-1, block, 10), -EBADF);
	CHECK_EQ(fd_read_all(-1, 10, &b), -EBADF);
	CHECK_EQ(fd_write_all(-1, block, 10), -EBADF);
}

/* A pipe gives what it has; fd_read_full goes on until the end. */
static void test_short_reads(void)
{
	char got[8] = { 0 };
	int p[2];

	CHECK_EQ(pipe2(p, O_CLOEXEC), 0);
	CHECK_EQ(fd_write_all(p[1], "abc", 3), 0);
	CHECK_EQ(fd_write_all(p[1], "def", 3), 0);
	(void)close(p[1]);
	CHECK_EQ(fd_read_full(p[0], got, 4), 4);
	CHECK_EQ(fd_read_full(p[0], got + 4, 4), 2);
	CHECK_STR(got, "abcdef");
	(void)close(p[0]);
}

static void test_files(void)
{
	char dir[] = "/tmp/bivalve-fd-XXXXXX";
	auto_close int dir_fd = -1;
	auto_buf struct buf b = BUF_INIT;
	struct stat st;
	char wide[260];

	CHECK(mkdtemp(dir) != NULL);
	dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CHECK_EQ(file_write_at(dir_fd, "f", "x"), -ENOENT);
	CHECK_EQ(file_replace_at(dir_fd, "f", "one", 3, 0600), 0);
	CHECK_EQ(file_replace_at(dir_fd, "f", "two", 3, 0600), 0);
	CHECK_EQ(file_read_at(dir_fd, "f", 3, &b), 0);
	CHECK_STR(b.data, "two");
	CHECK_EQ(fstatat(dir_fd, "f", &st, 0), 0);
	CHECK_EQ(st.st_mode & 07777, 0600);
	CHECK(fstatat(dir_fd, ".f.tmp", &st, 0) < 0);
	CHECK_EQ(file_write_at(dir_fd, "f", "T"), 0);
	buf_clear(&b);
	CHECK_EQ(file_read_at(dir_fd, "f", 3, &b), 0);
	CHECK_STR(b.data, "Two");
	CHECK_EQ(file_read_at(dir_fd, "f", 2, &b), -EFBIG);
	CHECK_EQ(file_read_at(dir_fd, "none", 2, &b), -ENOENT);
	memset(wide, 'w', sizeof(wide) - 1);
	wide[sizeof(wide) - 1] = '\0';
	CHECK_EQ(file_replace_at(dir_fd, wide, "x", 1, 0600), -ENAMETOOLONG);
	/* A folder of that name cannot be replaced, and nothing is left behind. */
	CHECK_EQ(mkdirat(dir_fd, "d", 0700), 0);
	CHECK_EQ(file_replace_at(dir_fd, "d", "x", 1, 0600), -EISDIR);
	CHECK(fstatat(dir_fd, ".d.tmp", &st, 0) < 0);
	CHECK_EQ(unlinkat(dir_fd, "d", AT_REMOVEDIR), 0);
	CHECK_EQ(unlinkat(dir_fd, "f", 0), 0);
	CHECK_EQ(rmdir(dir), 0);
}

static int count_names(int dir_fd)
{
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fdopendir(fd);
	int n = 0;

	while (dir && readdir(dir))
		n++;
	(void)closedir(dir);
	return n - 2;
}

static void test_put(void)
{
	static const char *const parents[] = { "/tmp", "/dev/shm", "/proc" };
	char wide[260];

	memset(wide, 'w', sizeof(wide) - 1);
	wide[sizeof(wide) - 1] = '\0';
	for (size_t i = 0; i < 2; i++) {
		auto_close int dir_fd = -1;
		auto_buf struct buf b = BUF_INIT;
		char dir[64];
		struct stat st;

		(void)snprintf(dir, sizeof(dir), "%s/bivalve-put-XXXXXX", parents[i]);
		CHECK(mkdtemp(dir) != NULL);
		dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
		CHECK_EQ(file_put_at(dir_fd, "f", "one", 3, 0640), 0);
		CHECK_EQ(file_put_at(dir_fd, "f", "three", 5, 0640), 0);
		CHECK_EQ(file_read_at(dir_fd, "f", 9, &b), 0);
		CHECK_STR(b.data, "three");
		CHECK_EQ(fstatat(dir_fd, "f", &st, 0), 0);
		CHECK_EQ(st.st_mode & 07777, 0640);
		CHECK_EQ(count_names(dir_fd), 1);
		/* Its own length is too much, and so is that of the name beside it. */
		CHECK_EQ(file_put_at(dir_fd, wide, "x", 1, 0600), -ENAMETOOLONG);
		CHECK_EQ(mkdirat(dir_fd, "d", 0700), 0);
		CHECK_EQ(file_put_at(dir_fd, "d", "x", 1, 0600), -EISDIR);
		CHECK_EQ(count_names(dir_fd), 2);
		CHECK_EQ(unlinkat(dir_fd, "d", AT_REMOVEDIR), 0);
		CHECK_EQ(unlinkat(dir_fd, "f", 0), 0);
		CHECK_EQ(rmdir(dir), 0);
	}
	/* No unnamed files, nor any: the error is that of a named one. */
	{
		auto_close int dir_fd = open(parents[2], O_PATH | O_DIRECTORY | O_CLOEXEC);

		CHECK_EQ(file_put_at(dir_fd, "f", "x", 1, 0600), -ENOENT);
	}
}

static void test_pass(void)
{
	auto_close int fd = memfd_create("t", MFD_CLOEXEC);
	int fds[2] = { -1, -1 };
	size_t n = 9;
	char text[8] = { 0 };
	int s[2];

	CHECK_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, s), 0);
	CHECK_EQ(fd_send(s[0], "hi", 2, (int[]){ fd, s[0] }, 2), 0);
	CHECK_EQ(fd_recv(s[1], text, sizeof(text), fds, 2, &n), 2);
	CHECK_EQ(n, 2);
	CHECK_STR(text, "hi");
	CHECK(fds[0] >= 0 && is_cloexec(fds[0]) && is_cloexec(fds[1]));
	(void)close(fds[0]);
	(void)close(fds[1]);
	CHECK_EQ(fd_send(s[0], "x", 1, NULL, 0), 0);
	CHECK_EQ(fd_recv(s[1], text, sizeof(text), fds, 2, &n), 1);
	CHECK_EQ(n, 0);
	CHECK_EQ(fd_send(s[0], "", 0, NULL, 0), -EINVAL);
	CHECK_EQ(fd_send(s[0], "x", 1, fds, 17), -EINVAL);
	(void)close(s[0]);
	CHECK_EQ(fd_recv(s[1], text, sizeof(text), fds, 2, &n), 0); /* the end */
	CHECK_EQ(fd_send(s[1], "x", 1, NULL, 0), -EPIPE);           /* and no signal */
	(void)close(s[1]);
}

/* Counts open descriptors, to see that refused ones were closed. */
static int count_open(void)
{
	int n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void test_pass_too_much(void)
{
	int fds[1] = { -1 };
	size_t n = 9;
	char text[4];
	int before;
	int s[2];

	CHECK_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, s), 0);
	before = count_open();
	CHECK_EQ(fd_send(s[0], "x", 1, (int[]){ s[0], s[0], s[0] }, 3), 0);
	CHECK_EQ(fd_recv(s[1], text, sizeof(text), fds, 1, &n), -EMSGSIZE);
	CHECK_EQ(fd_send(s[0], "too long", 8, (int[]){ s[0] }, 1), 0);
	CHECK_EQ(fd_recv(s[1], text, sizeof(text), fds, 1, &n), -EMSGSIZE);
	CHECK_EQ(count_open(), before);
	(void)close(s[0]);
	(void)close(s[1]);
}

static void test_cloexec(void)
{
	auto_close int fd = memfd_create("t", 0);
	auto_close int memory = fd_memory("t");

	CHECK_EQ(fd_set_cloexec(fd, 1), 0);
	CHECK(is_cloexec(fd));
	CHECK_EQ(fd_set_cloexec(fd, 0), 0);
	CHECK(!is_cloexec(fd));
	CHECK_EQ(fd_set_cloexec(-1, 1), -EBADF);
	CHECK_EQ(fd_cloexec_from((unsigned int)fd), 0);
	CHECK(is_cloexec(fd));
	CHECK(memory >= 0 && is_cloexec(memory));
}

TEST_MAIN(TEST(test_read_all), TEST(test_short_reads), TEST(test_files), TEST(test_put),
	  TEST(test_pass), TEST(test_pass_too_much), TEST(test_cloexec))
