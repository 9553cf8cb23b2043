// SPDX-License-Identifier: GPL-2.0-or-later
/* ns_launch() for real: one plan after the other, and what the program in it sees. */
#include "namespaces/launch.h"

#include <sched.h>
#include <signal.h>

#include "tests/unit/live.h"

/* ---- what the program sees ---------------------------------------------------------------------
 */

static void test_plain(void)
{
	struct spec s = {
		.script = "echo pid $$; readlink /proc/self/exe; hostname; pwd; echo home $HOME; "
			  "exit 7",
		.top = "\"hostname\":\"shell\"",
	};
	struct run r;

	if (!is_root())
		TEST_SKIP("needs root and busybox");
	CHECK_RUN(&r, &s);
	CHECK_STR(r.out, "pid 1\n/bin/busybox\nshell\n/\nhome /root\n");
	CHECK_EQ(proc_exit_code(r.status), 7);
	cleanup(&r);
}

static void test_answer_ahead(void)
{
	struct spec s = { .script = "exit 3" };
	struct run r;

	if (!is_root())
		TEST_SKIP("needs root and busybox");
	if (prepare(&r, &s)) {
		CHECK_EQ(launch(&r), 0);
		CHECK_EQ(ns_continue(&r.child, NS_EVENT_READY, &r.err), 0);
		CHECK_EQ(follow(&r, NS_EVENT_RUNNING), 0);
		finish(&r);
		CHECK_EQ(proc_exit_code(r.status), 3);
	}
	cleanup(&r);
}

static void test_rights(void)
{
	static const char script[] =
	    "grep -E 'Uid|Groups|Cap|NoNew|Seccomp:' /proc/self/status; umask";
	static const struct {
		const char *process;
		const char *has[6];
	} cases[] = {
		{ "\"noNewPrivileges\":true",
		  { "Uid:\t0\t0\t0\t0\n", "CapPrm:\t0000000000000000\n",
		    "CapBnd:\t0000000000000000\n", "NoNewPrivs:\t1\n", "0022\n" } },
		{ CAPS("\"CAP_CHOWN\",\"CAP_KILL\""),
		  { "CapPrm:\t0000000000000021\n", "CapEff:\t0000000000000021\n",
		    "CapBnd:\t0000000000000021\n", "CapInh:\t0000000000000000\n",
		    "NoNewPrivs:\t0\n" } },
		{ "\"user\":{\"uid\":1000,\"gid\":1001,\"umask\":63,\"additionalGids\":[7,8]},"
		  "\"capabilities\":{\"bounding\":[\"CAP_KILL\"],\"permitted\":[\"CAP_KILL\"],"
		  "\"effective\":[\"CAP_KILL\"],\"inheritable\":[\"CAP_KILL\"],"
		  "\"ambient\":[\"CAP_KILL\"]}",
		  { "Uid:\t1000\t1000\t1000\t1000\n", "Groups:\t7 8", "CapAmb:\t0000000000000020\n",
		    "CapEff:\t0000000000000020\n", "0077\n" } },
	};

	if (!is_root())
		TEST_SKIP("needs root and busybox");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct spec s = { .script = script, .process = cases[i].process };
		struct run r;

		CHECK_RUN(&r, &s);
		for (size_t k = 0; cases[i].has[k]; k++)
			CHECK_HAS(r.out, cases[i].has[k]);
		cleanup(&r);
	}
}

static void test_errors(void)
{
	static const struct {
		struct spec spec;
		int rc;
		const char *has;
	} cases[] = {
		{ { .args = "[\"/bin/none\"]" }, -ENOENT, "no such file or directory" },
		{ { .args = "[\"none\"]" }, -ENOENT, "executable file not found in $PATH" },
		{ { .args = "[\"/bin/noexec\"]" }, -EACCES, "permission denied" },
		{ { .args = "[\"/bin/self\",\"--version\"]" }, -ENOEXEC, "/bin/self" },
#ifndef __SANITIZE_ADDRESS__ /* a dynamic program lacks its interpreter there */
		/* CVE-2019-5736: it is not our program that a container finds there. */
		{ { .args = "[\"/proc/self/exe\",\"--version\"]" }, -ENOEXEC, "/proc/self/exe" },
#endif
		{ { .script = "", .cwd = "/bin/true/x" }, -ENOTDIR, "/process/cwd" },
		{ { .script = "",
		    .namespaces = "{\"type\":\"mount\"},{\"type\":\"network\","
				  "\"path\":\"/proc/self/ns/uts\"}" },
		  -EINVAL,
		  "/linux/namespaces: network: '/proc/self/ns/uts' is a namespace of another "
		  "type" },
		{ { .script = "",
		    .namespaces = "{\"type\":\"mount\"},{\"type\":\"ipc\","
				  "\"path\":\"/etc/passwd\"}" },
		  -EINVAL,
		  "'/etc/passwd' is not a namespace" },
		{ { .script = "",
		    .namespaces = "{\"type\":\"user\"}," NAMESPACES,
		    .linux_ = MAPS,
		    .process = "\"user\":{\"uid\":70000,\"gid\":0}" },
		  -EINVAL,
		  "/process/user/uid: 70000" },
	};

	if (!is_root())
		TEST_SKIP("needs root and busybox");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct run r;

		CHECK_EQ(run(&r, &cases[i].spec), cases[i].rc);
		CHECK_HAS(r.err.msg, cases[i].has);
		cleanup(&r);
	}
}

/* Limits too low for our own last steps hold for the program alone. */
static void test_limits(void)
{
	struct spec s = {
		.script = "ulimit -n; ulimit -Hn; ulimit -f; ulimit -c",
		.process = "\"rlimits\":[{\"type\":\"RLIMIT_NOFILE\",\"soft\":3,\"hard\":5},"
			   "{\"type\":\"RLIMIT_FSIZE\",\"soft\":512,\"hard\":1024},"
			   "{\"type\":\"RLIMIT_CORE\",\"soft\":0,\"hard\":0},"
			   "{\"type\":\"RLIMIT_AS\",\"soft\":33554432,\"hard\":33554432}]",
	};
	struct run r;

	if (!is_root())
		TEST_SKIP("needs root and busybox");
	CHECK_RUN(&r, &s);
	CHECK_STR(r.out, "3\n5\n1\n0\n");
	cleanup(&r);
}

/* ---- descriptors, working directory ------------------------------------------------------------
 */

/* Descriptor 3 is the host's root, and not close-on-exec: as a caller would leak it. */
static int open_third(void)
{
	int fd = open("/", O_RDONLY | O_DIRECTORY);

	if (fd != 3) {
		CHECK_EQ(dup2(fd, 3), 3);
		(void)close(fd);
	}
	return 3;
}

static void test_descriptors(void)
{
	struct spec s = { .script = "ls /proc/self/fd" };
	int leaked_fd;
	struct run r;

	if (!is_root())
		TEST_SKIP("needs root and busybox");
	leaked_fd = open_third();
	CHECK_RUN(&r, &s);
	CHECK_STR(r.out, "0\n1\n2\n3\n"); /* 3: ls itself, reading the folder */
	cleanup(&r);
	s.preserve_fds = 1;
	CHECK_RUN(&r, &s);
	CHECK_STR(r.out, "0\n1\n2\n3\n4\n");
	cleanup(&r);
	(void)close(leaked_fd);
}

/* CVE-2024-21626: a working directory that is a descriptor of the host's tree. */
static void test_cwd_escape(void)
{
	static const char *const ways[] = { "/proc/self/fd/3", "/proc/thread-self/fd/3",
					    "/proc/1/fd/3/etc" };
	struct run r;
	int fd;

	if (!is_root())
		TEST_SKIP("needs root and busybox");
	fd = open_third();
	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		struct spec s = { .script = "pwd; ls", .cwd = ways[i], .preserve_fds = 1 };
		int rc = run(&r, &s);

		CHECK_EQ(rc, -EPERM);
		CHECK_HAS(r.err.msg, "is outside of the container");
		cleanup(&r);
	}
	(void)close(fd);
}

/* ---- namespaces --------------------------------------------------------------------------------
 */

static void test_user_namespace(void)
{
	struct spec s = {
		.script = "cat /proc/self/uid_map; id -u; stat -c %u /proc/self/; grep CapEff "
			  "/proc/self/status",
		.namespaces = "{\"type\":\"user\"}," NAMESPACES,
		.linux_ = MAPS,
		.process = CAPS("\"CAP_SYS_ADMIN\""),
	};
	struct run r;

	if (!is_root())
		TEST_SKIP("needs root and busybox");
	CHECK_RUN(&r, &s);
	CHECK_HAS(r.out, "0     100000      65536\n0\n0\nCapEff:\t0000000000200000\n");
	cleanup(&r);
}

/* A process in namespaces of its own that waits to be killed. */
static pid_t start_holder(int flags)
{
	int fds[2];
	char c;
	pid_t pid;

	if (pipe(fds) < 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		if (unshare(flags) < 0 || write(fds[1], "x", 1) != 1)
			_exit(1);
		(void)pause();
		_exit(0);
	}
	(void)close(fds[1]);
	if (read(fds[0], &c, 1) != 1)
		pid = -1;
	(void)close(fds[0]);
	return pid;
}

static void stop_holder(pid_t pid)
{
	int status;

	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, &status, 0);
}

static void write_file(const char *path, const char *text)
{
	CHECK_EQ(file_write_at(AT_FDCWD, path, text), 0);
}

/* What the calling process sees as namespace @file of process @pid. */
static const char *ns_of(pid_t pid, const char *file, char out[64])
{
	char path[64];
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid, file);
	n = readlink(path, out, 63);
	out[n < 0 ? 0 : n] = '\0';
	return out;
}

static void test_joined_user(void)
{
	char namespaces[512];
	char map[64];
	char link[64];
	struct spec s = {
		.script = "id -u; readlink /proc/self/ns/user; readlink /proc/self/ns/net; "
			  "cat /proc/self/uid_map",
		.namespaces = namespaces,
	};
	struct run r;
	pid_t holder;

	if (!is_root())
		TEST_SKIP("needs root and busybox");
	/* The network namespace is the user namespace's: it can be joined only after that. */
	holder = start_holder(CLONE_NEWUSER | CLONE_NEWNET);
	CHECK(holder > 0);
	(void)snprintf(map, sizeof(map), "/proc/%d/uid_map", holder);
	write_file(map, "0 200000 1000");
	(void)snprintf(map, sizeof(map), "/proc/%d/gid_map", holder);
	write_file(map, "0 200000 1000");
	(void)snprintf(namespaces, sizeof(namespaces),
		       "{\"type\":\"user\",\"path\":\"/proc/%d/ns/user\"},{\"type\":\"network\","
		       "\"path\":\"/proc/%d/ns/net\"},{\"type\":\"pid\"},{\"type\":\"mount\"}",
		       holder, holder);
	CHECK_RUN(&r, &s);
	CHECK_HAS(r.out, "0\n");
	CHECK_HAS(r.out, ns_of(holder, "user", link));
	CHECK_HAS(r.out, ns_of(holder, "net", link));
	CHECK_HAS(r.out, "200000       1000");
	cleanup(&r);
	stop_holder(holder);
}

static void test_new_user_joined_net(void)
{
	char namespaces[512];
	char link[64];
	struct spec s = {
		.script = "readlink /proc/self/ns/net; cat /proc/self/uid_map; echo pid $$",
		.namespaces = namespaces,
		.linux_ = MAPS,
	};
	struct run r;
	pid_t holder;

	if (!is_root())
		TEST_SKIP("needs root and busybox");
	holder = start_holder(CLONE_NEWNET);
	(void)snprintf(namespaces, sizeof(namespaces),
		       "{\"type\":\"user\"},{\"type\":\"network\",\"path\":\"/proc/%d/ns/net\"},"
		       "{\"type\":\"pid\"},{\"type\":\"mount\"}",
		       holder);
	CHECK_RUN(&r, &s);
	CHECK_HAS(r.out, ns_of(holder, "net", link));
	CHECK_HAS(r.out, "100000      65536\npid 1\n");
	cleanup(&r);
	stop_holder(holder);
}

static void test_joined_pid(void)
{
	struct spec s = {
		.script = "readlink /proc/self/ns/pid",
		.namespaces =
		    "{\"type\":\"mount\"},{\"type\":\"pid\",\"path\":\"/proc/self/ns/pid\"}",
	};
	char before[64];
	char after[64];
	struct run r;

	if (!is_root())
		TEST_SKIP("needs root and busybox");
	(void)ns_of(getpid(), "pid_for_children", before);
	CHECK_RUN(&r, &s);
	CHECK_HAS(r.out, before);
	/* The caller's own children are where they were. */
	CHECK_STR(ns_of(getpid(), "pid_for_children", after), before);
	cleanup(&r);
}

static void test_time_namespace(void)
{
	struct spec s = {
		.script = "cat /proc/self/timens_offsets; echo pid $$",
		.namespaces = "{\"type\":\"time\"}," NAMESPACES,
		.linux_ = "\"timeOffsets\":{\"monotonic\":{\"secs\":86400,\"nanosecs\":5},"
			  "\"boottime\":{\"secs\":-1}}",
	};
	struct run r;

	if (!is_root())
		TEST_SKIP("needs root and busybox");
	CHECK_RUN(&r, &s);
	CHECK_HAS(r.out, "monotonic       86400         5\n");
	CHECK_HAS(r.out, "boottime           -1         0\npid 1\n");
	cleanup(&r);
}

TEST_MAIN(TEST(test_plain), TEST(test_answer_ahead), TEST(test_rights), TEST(test_errors),
	  TEST(test_limits), TEST(test_descriptors), TEST(test_cwd_escape),
	  TEST(test_user_namespace), TEST(test_joined_user), TEST(test_new_user_joined_net),
	  TEST(test_joined_pid), TEST(test_time_namespace), TEST(test_cleanup))
