// SPDX-License-Identifier: GPL-2.0-or-later
/* Sockets by folder and name: what is replaced, what is refused, who may connect. */
#include "vmmode/virtio/unix_socket.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "tests/unit/test.h"

static char dir[32];

static int setup(void)
{
	(void)snprintf(dir, sizeof(dir), "/tmp/socket.XXXXXX");
	if (!mkdtemp(dir))
		abort();
	return open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static void teardown(int dir_fd)
{
	(void)close(dir_fd);
	CHECK_EQ(rmdir(dir), 0);
}

static void test_listen(void)
{
	int dir_fd = setup();
	struct err err = ERR_INIT;
	struct stat id;
	struct stat st;
	int fd;
	int client;
	int again;

	fd = unix_socket_listen(dir_fd, "s", &id, &err);
	CHECK(fd >= 0);
	CHECK_EQ(fstatat(dir_fd, "s", &st, AT_SYMLINK_NOFOLLOW), 0);
	CHECK_EQ(st.st_mode, S_IFSOCK | 0600);
	CHECK_EQ(st.st_ino, id.st_ino);
	client = unix_socket_connect(dir_fd, "s");
	CHECK(client >= 0);
	(void)close(client);
	/* Somebody listens. */
	CHECK_EQ(unix_socket_listen(dir_fd, "s", &st, &err), -EADDRINUSE);
	CHECK_HAS(err.msg, "somebody does already");
	/* Nobody does any more: replaced. */
	(void)close(fd);
	CHECK_EQ(unix_socket_connect(dir_fd, "s"), -ECONNREFUSED);
	again = unix_socket_listen(dir_fd, "s", &st, &err);
	CHECK(again >= 0);
	client = unix_socket_connect(dir_fd, "s");
	CHECK(client >= 0);
	(void)close(client);
	/* Who was replaced removes nothing that is not its own. */
	if (id.st_ino != st.st_ino) {
		unix_socket_unlink(dir_fd, "s", &id);
		CHECK_EQ(faccessat(dir_fd, "s", F_OK, 0), 0);
	}
	unix_socket_unlink(dir_fd, "s", &st);
	CHECK(faccessat(dir_fd, "s", F_OK, 0) < 0);
	(void)close(again);
	teardown(dir_fd);
}

static void test_refused(void)
{
	int dir_fd = setup();
	struct err err = ERR_INIT;
	char name[128];
	struct stat id;
	int fd = openat(dir_fd, "file", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	(void)close(fd);
	CHECK_EQ(symlinkat("file", dir_fd, "link"), 0);
	CHECK_EQ(symlinkat("missing", dir_fd, "dangling"), 0);
	CHECK_EQ(unix_socket_listen(dir_fd, "file", &id, &err), -ENOTSOCK);
	CHECK_EQ(unix_socket_listen(dir_fd, "link", &id, &err), -ENOTSOCK);
	CHECK_EQ(unix_socket_listen(dir_fd, "dangling", &id, &err), -ENOTSOCK);
	CHECK_EQ(unix_socket_connect(dir_fd, "file"), -ENOTSOCK);
	CHECK_EQ(unix_socket_connect(dir_fd, "missing"), -ENOENT);
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	CHECK_EQ(unix_socket_listen(dir_fd, name, &id, &err), -ENAMETOOLONG);
	/* A link to a socket that listens is still a link. */
	fd = unix_socket_listen(dir_fd, "s", &id, &err);
	CHECK(fd >= 0);
	CHECK_EQ(symlinkat("s", dir_fd, "to-s"), 0);
	CHECK_EQ(unix_socket_connect(dir_fd, "to-s"), -ENOTSOCK);
	(void)close(fd);
	for (size_t i = 0; i < 5; i++)
		(void)unlinkat(
		    dir_fd, (const char *const[]){ "file", "link", "dangling", "s", "to-s" }[i], 0);
	teardown(dir_fd);
}

static void test_folder(void)
{
	static const struct {
		const char *path;
		int rc;
	} bad[] = {
		{ "", -EINVAL },
		{ "/tmp/", -EINVAL },
		{ "/nonexistent/s", -ENOENT },
		{ "/dev/null/s", -ENOTDIR },
	};
	static const struct {
		const char *path, *folder, *name;
	} good[] = {
		{ "s", ".", "s" },
		{ "/s", "/", "s" },
		{ "/tmp//s", "/tmp", "s" },
	};
	struct err err = ERR_INIT;
	const char *name;
	struct stat st;
	struct stat want;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		CHECK_EQ(unix_socket_folder(bad[i].path, &name, &err), bad[i].rc);
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		int fd = unix_socket_folder(good[i].path, &name, &err);

		CHECK(fd >= 0);
		CHECK_STR(name, good[i].name);
		CHECK_EQ(fstat(fd, &st), 0);
		CHECK_EQ(stat(good[i].folder, &want), 0);
		CHECK(st.st_ino == want.st_ino && st.st_dev == want.st_dev);
		(void)close(fd);
	}
}

/* In a root without /proc, /proc/self/fd as the working folder is enough. */
static void test_without_proc(void)
{
	int dir_fd = setup();
	struct stat id;
	int fd = unix_socket_listen(dir_fd, "s", &id, NULL);
	pid_t pid;
	int status = 0;

	CHECK(fd >= 0);
	pid = fork();
	if (pid == 0) {
		if (unshare(CLONE_NEWNS) < 0 ||
		    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
			_exit(77);
		if (chdir("/proc/self/fd") < 0 || mount("none", "/proc", "tmpfs", 0, NULL) < 0)
			_exit(77);
		_exit(unix_socket_connect(dir_fd, "s") >= 0 ? 0 : 1);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	unix_socket_unlink(dir_fd, "s", &id);
	(void)close(fd);
	teardown(dir_fd);
	if (WEXITSTATUS(status) == 77)
		TEST_SKIP("no mount namespace");
	CHECK_EQ(status, 0);
}

TEST_MAIN(TEST(test_folder), TEST(test_listen), TEST(test_refused), TEST(test_without_proc))
