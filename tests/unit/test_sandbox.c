// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The sandbox entered in a child: what is left to its threads, by trying. As root, and with no
 * rights at all in a user namespace.
 */
#include "vmmode/vmm/sandbox.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "tests/unit/child.h"
#include "vmmode/vmm/exit.h"

enum { USER = 1234 };

static char folder[] = "/tmp/test_sandbox.XXXXXX";

struct rig {
	struct sandbox s;
	bool is_root;
	int dir_fd, ro_fd; /* folder */
	int file_fd;       /* folder/file */
};

/* Everything that is checked by a thread of its own: its result is its number of a failed check. */
static int join(struct rig *r, enum thread_kind kind, void *(*run)(void *arg))
{
	const struct thread_options o = { .kind = kind, .name = "test", .run = run, .arg = r };
	void *result = NULL;
	pthread_t thread;
	int rc = thread_start(sandbox_threads(&r->s), &o, &thread);

	if (rc < 0)
		return rc;
	(void)pthread_join(thread, &result);
	return (int)(intptr_t)result;
}

static void *failed(intptr_t line)
{
	return (void *)line; // NOLINT(performance-no-int-to-ptr): a number as a thread's result
}

#define TRY(cond)                                                                                  \
	do {                                                                                       \
		if (!(cond))                                                                       \
			return failed(__LINE__);                                                   \
	} while (0)

static bool is_same(int fd, const char *a, const char *b)
{
	struct statx sa;
	struct statx sb;

	return statx(fd, a, 0, STATX_INO, &sa) == 0 && statx(fd, b, 0, STATX_INO, &sb) == 0 &&
	       sa.stx_ino == sb.stx_ino && sa.stx_dev_minor == sb.stx_dev_minor;
}

static uint64_t own_caps(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { 0 };

	(void)syscall(SYS_capget, &head, data);
	return data[0].effective | data[0].permitted;
}

/* A file server's thread: the folder, by descriptors, and nothing else of the host. */
static void *serve_files(void *arg)
{
	const struct rig *r = arg;
	char name[16];
	int fd;

	TRY(openat(AT_FDCWD, "/etc/passwd", O_RDONLY | O_CLOEXEC) < 0 && errno == ENOENT);
	TRY(openat(AT_FDCWD, "/new", O_CREAT | O_WRONLY | O_CLOEXEC, 0600) < 0 && errno == EROFS);
	TRY(is_same(r->dir_fd, "..", "."));
	TRY(openat(r->dir_fd, "../etc", O_PATH | O_CLOEXEC) < 0 && errno == ENOENT);
	TRY(is_same(r->s.proc_fd, "..", "."));
	/* A descriptor's name, in the working folder. */
	(void)snprintf(name, sizeof(name), "%d/file", r->dir_fd);
	fd = openat(AT_FDCWD, name, O_RDONLY | O_CLOEXEC);
	TRY(fd >= 0);
	(void)close(fd);
	TRY(mkdirat(r->dir_fd, "made", 0700) == 0);
	TRY(mkdirat(r->ro_fd, "never", 0700) < 0 && errno == EROFS);
	TRY(syscall(SYS_open_by_handle_at, r->dir_fd, NULL, 0) < 0 && errno == EPERM);
	TRY((own_caps() & (1U << CAP_CHOWN)) == (r->is_root ? 1U << CAP_CHOWN : 0));
	TRY((own_caps() & (1U << CAP_SYS_ADMIN)) == 0);
	if (r->is_root)
		TRY(fchownat(r->dir_fd, "made", USER, USER, 0) == 0);
	return NULL;
}

static void *use_disk(void *arg)
{
	const struct rig *r = arg;
	uint8_t bytes[4];
	struct iovec iov = { .iov_base = bytes, .iov_len = sizeof(bytes) };

	TRY(preadv2(r->file_fd, &iov, 1, 0, 0) == sizeof(bytes));
	return NULL;
}

static void *be_bad(void *arg)
{
	const struct rig *r = arg;

	(void)openat(r->dir_fd, "file", O_RDONLY | O_CLOEXEC);
	return NULL;
}

static void enter(struct rig *r)
{
	const struct vmm_options opts = { .has_user = r->is_root, .uid = USER, .gid = USER };
	struct err err = ERR_INIT;

	r->s = (struct sandbox)SANDBOX_INIT;
	if (!r->is_root && (setgid(USER) < 0 || setuid(USER) < 0 ||
			    prctl(PR_SET_DUMPABLE, 1) < 0)) /* as after an execve() */
		TEST_FAIL("become a user");
	CHECK_EQ(sandbox_begin(&r->s, &opts, &err), 0);
	CHECK_EQ(r->s.is_root, r->is_root);
	r->dir_fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	r->ro_fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	CHECK_EQ(sandbox_confine_dir(&r->s, r->dir_fd, true, false, &err), 0);
	CHECK_EQ(sandbox_confine_dir(&r->s, r->ro_fd, true, true, &err), 0);
	r->file_fd = openat(r->dir_fd, "file", O_RDONLY | O_CLOEXEC);
	CHECK_EQ(sandbox_enter(&r->s, &err), 0);
	if (err.code)
		TEST_FAIL("%s", err.msg);
}

static void in_sandbox(void *arg)
{
	struct rig r = { .is_root = *(bool *)arg };

	enter(&r);
	CHECK_EQ(join(&r, THREAD_FILES, serve_files), 0);
	/* More than one at a time, and again. */
	for (int i = 0; i < 3; i++)
		CHECK_EQ(join(&r, THREAD_DISK, use_disk), 0);
	sandbox_fini(&r.s);
}

static void bad_disk(void *arg)
{
	struct rig r = { .is_root = *(bool *)arg };

	enter(&r);
	(void)join(&r, THREAD_DISK, be_bad);
	TEST_FAIL("it lives");
}

/* ---- the tests ----------------------------------------------------------------------------------
 */

static void make_folder(void)
{
	char name[64];
	int fd;

	(void)memcpy(folder + sizeof(folder) - 7, "XXXXXX", 6);
	CHECK(mkdtemp(folder) != NULL);
	(void)snprintf(name, sizeof(name), "%s/file", folder);
	fd = open(name, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
	CHECK_EQ(write(fd, "text", 4), 4);
	(void)close(fd);
	CHECK_EQ(chmod(folder, 0755), 0);
}

static void remove_folder(void)
{
	char name[64];

	(void)snprintf(name, sizeof(name), "%s/file", folder);
	(void)unlink(name);
	(void)snprintf(name, sizeof(name), "%s/made", folder);
	(void)rmdir(name);
	CHECK_EQ(rmdir(folder), 0);
}

static void test_as_root(void)
{
	bool as_root = true;

	if (!is_root())
		TEST_SKIP("not root");
	make_folder();
	IN_CHILD(in_sandbox, &as_root);
	CHECK_EQ(run_child(bad_disk, &as_root), VMM_EXIT_FORBIDDEN << 8);
	remove_folder();
}

static void test_as_user(void)
{
	bool as_root = false;

	if (!is_root())
		TEST_SKIP("not root");
	make_folder();
	CHECK_EQ(chown(folder, USER, USER), 0);
	IN_CHILD(in_sandbox, &as_root);
	CHECK_EQ(run_child(bad_disk, &as_root), VMM_EXIT_FORBIDDEN << 8);
	remove_folder();
}

/* Descriptors that options name stay, others go. */
static void close_inherited(void *arg)
{
	const struct vmm_options opts = {
		.kernel = "fd:20",
		.serial = "file:fd:21",
		.control = "fd:26",
		.ports = { "name=fd:28" },
		.n_ports = 1,
		.devices = { { VMM_FS, "tag=fd:22,ro" }, { VMM_DISK, "fd:24" } },
		.n_devices = 2,
	};
	static const int kept[] = { 20, 22, 24, 26, 28 };
	static const int gone[] = { 19, 21, 23, 25, 27, 100 };

	(void)arg;
	for (int fd = 19; fd <= 28; fd++)
		CHECK_EQ(dup2(0, fd), fd);
	CHECK_EQ(dup2(0, 100), 100);
	CHECK_EQ(sandbox_close_inherited(&opts, NULL), 0);
	for (size_t i = 0; i < ARRAY_LEN(kept); i++)
		CHECK(fcntl(kept[i], F_GETFD) >= 0);
	for (size_t i = 0; i < ARRAY_LEN(gone); i++)
		CHECK(fcntl(gone[i], F_GETFD) < 0);
}

static void test_close_inherited(void)
{
	IN_CHILD(close_inherited, NULL);
}

TEST_MAIN(TEST(test_as_root), TEST(test_as_user), TEST(test_close_inherited))
