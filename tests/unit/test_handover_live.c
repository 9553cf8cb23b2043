// SPDX-License-Identifier: GPL-2.0-or-later
/* What a starting container and its runtime hand to each other: terminal, listener, hooks, start.
 */
#include "namespaces/launch.h"

#include <linux/seccomp.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "namespaces/final.h"
#include "tests/unit/live.h"

/* ---- terminal ----------------------------------------------------------------------------------
 */

static void test_terminal(void)
{
	struct spec s = {
		.script =
		    "tty; stty size; echo $TERM; stat -c %t:%T /dev/console >/dev/null && echo has",
		.process = "\"terminal\":true,\"consoleSize\":{\"height\":33,\"width\":77}",
	};
	struct run r;
	size_t len = 0;

	if (!is_root())
		TEST_SKIP("needs root and busybox");
	if (prepare(&r, &s)) {
		CHECK_EQ(launch(&r), 0);
		CHECK_EQ(follow(&r, NS_EVENT_RUNNING), 0);
		CHECK(r.console_fd >= 0);
		for (;;) { /* EIO: the last slave was closed */
			ssize_t n = read(r.console_fd, r.out + len, sizeof(r.out) - 1 - len);

			if (n <= 0)
				break;
			len += (size_t)n;
		}
		CHECK_STR(r.out, "/dev/pts/0\r\n33 77\r\nxterm\r\nhas\r\n");
		CHECK_EQ(proc_reap(r.child.pid, &r.status), 0);
		r.child.pid = 0;
	}
	cleanup(&r);
}

/* ---- seccomp -----------------------------------------------------------------------------------
 */

static void test_seccomp(void)
{
	static const char *const process[] = { "\"noNewPrivileges\":true",
					       "\"noNewPrivileges\":false" };
	struct spec s = {
		.script = "grep Seccomp: /proc/self/status; mkdir /tmp/x; echo rc $?",
		.linux_ = PROFILE("SCMP_ACT_ERRNO") "}",
	};
	struct run r;

	if (!is_root())
		TEST_SKIP("needs root and busybox");
	for (size_t i = 0; i < ARRAY_LEN(process); i++) {
		s.process = process[i];
		for (int sealed = 0; sealed < 2; sealed++) {
			s.is_sealed = sealed;
			CHECK_RUN(&r, &s);
			CHECK_HAS(r.out, "Seccomp:\t2\n");
			CHECK_HAS(r.out, "Operation not permitted");
			CHECK_HAS(r.out, "rc 1\n");
			cleanup(&r);
		}
	}
}

/* Answers one notification: the call fails with ENOSPC. */
static void answer_notification(int fd)
{
	struct seccomp_notif req = { 0 };
	struct seccomp_notif_resp resp = { .error = -ENOSPC };

	CHECK_EQ(ioctl(fd, SECCOMP_IOCTL_NOTIF_RECV, &req), 0);
	resp.id = req.id;
	CHECK_EQ(ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, &resp), 0);
}

static void test_seccomp_notify(void)
{
	struct spec s = {
		.script = "mkdir /tmp/x; echo rc $?",
		.linux_ = PROFILE("SCMP_ACT_NOTIFY") ",\"listenerPath\":\"/run/none\"}",
		.is_sealed = true,
	};
	struct run r;

	if (!is_root())
		TEST_SKIP("needs root and busybox");
	if (prepare(&r, &s)) {
		CHECK(final_needs_sealed(&r.config, r.config.process));
		CHECK_EQ(launch(&r), 0);
		CHECK_EQ(follow(&r, NS_EVENT_RUNNING), 0);
		CHECK(r.listener_fd >= 0);
		if (r.listener_fd >= 0)
			answer_notification(r.listener_fd);
		finish(&r);
		CHECK_HAS(r.out, "No space left on device");
		CHECK_HAS(r.out, "rc 1\n");
	}
	cleanup(&r);
}

/* ---- hooks -------------------------------------------------------------------------------------
 */

static void test_hooks(void)
{
	static const char top[] =
	    "\"hooks\":{\"createContainer\":[{\"path\":\"/bin/sh\",\"args\":[\"sh\",\"-c\","
	    "\"/bin/busybox cat > /tmp/created-$NAME\"],\"env\":[\"NAME=%d\"]}],"
	    "\"startContainer\":[{\"path\":\"/bin/sh\",\"args\":[\"sh\",\"-c\","
	    "\"cat > /tmp/started\"],\"env\":[\"PATH=/bin\"]}]}";
	char hooks[sizeof(top) + 16];
	char host_file[64];
	char want[64];
	struct spec s = { .script = "cat /tmp/started", .top = hooks };
	auto_buf struct buf created = BUF_INIT;
	struct run r;
	struct ns_event e;

	if (!is_root())
		TEST_SKIP("needs root and busybox");
	(void)snprintf(hooks, sizeof(hooks), top, getpid());
	(void)snprintf(host_file, sizeof(host_file), "/tmp/created-%d", getpid());
	if (prepare(&r, &s)) {
		r.plan.stop_for_hooks = true;
		r.plan.state_created = (struct ns_state_text){ "{\"pid\":", ",\"s\":\"created\"}" };
		r.plan.state_running = (struct ns_state_text){ "{\"pid\":", ",\"s\":\"running\"}" };
		CHECK_EQ(launch(&r), 0);
		CHECK_EQ(ns_next(&r.child, &e, &r.err), 0);
		CHECK_EQ(e.kind, NS_EVENT_HOOKS);
		CHECK_EQ(access(host_file, F_OK),
			 -1); /* createContainer comes after the runtime's */
		CHECK_EQ(ns_continue(&r.child, NS_EVENT_HOOKS, &r.err), 0);
		CHECK_EQ(follow(&r, NS_EVENT_READY), 0);
		/* Run before pivot_root: its path and its files are the host's. */
		CHECK_EQ(file_read_at(AT_FDCWD, host_file, 4096, &created), 0);
		(void)snprintf(want, sizeof(want), "{\"pid\":%d,\"s\":\"created\"}", r.child.pid);
		CHECK_STR(buf_str(&created), want);
		(void)snprintf(want, sizeof(want), "{\"pid\":%d,\"s\":\"running\"}", r.child.pid);
		CHECK_EQ(ns_continue(&r.child, NS_EVENT_READY, &r.err), 0);
		CHECK_EQ(follow(&r, NS_EVENT_RUNNING), 0);
		finish(&r);
		CHECK_STR(r.out, want);
	}
	(void)unlink(host_file);
	cleanup(&r);
}

/* ---- create and start --------------------------------------------------------------------------
 */

static void test_start(void)
{
	struct spec s = { .script = "echo started; exit 5" };
	auto_close int dir_fd = -1;
	struct ns_child start = NS_CHILD_INIT;
	struct ns_event e;
	struct run r;

	if (!is_root())
		TEST_SKIP("needs root and busybox");
	dir_fd = open_bundle();
	if (prepare(&r, &s)) {
		r.plan.start_fd = ns_start_listen(dir_fd, "start", &r.err);
		CHECK(r.plan.start_fd >= 0);
		CHECK_EQ(launch(&r), 0);
		CHECK_EQ(follow(&r, NS_EVENT_READY), 0);
		(void)close(r.plan.start_fd);
		CHECK_EQ(ns_start_connect(dir_fd, "none", &start, NULL), -ENOENT);
		CHECK_EQ(ns_start_connect(dir_fd, "start", &start, &r.err), 0);
		CHECK_EQ(ns_next(&start, &e, &r.err), 0);
		CHECK_EQ(e.kind, NS_EVENT_RUNNING);
		ns_child_fini(&start);
		finish(&r);
		CHECK_STR(r.out, "started\n");
		CHECK_EQ(proc_exit_code(r.status), 5);
		CHECK_EQ(ns_start_connect(dir_fd, "start", &start, &r.err), -ECONNREFUSED);
	}
	cleanup(&r);
	(void)unlinkat(dir_fd, "start", 0);
}

/* Connects to the start socket and goes away without a word. */
static void half_a_start(int dir_fd)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		struct {
			unsigned short family;
			char path[108];
		} a = { AF_UNIX, "" };
		int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);

		(void)snprintf(a.path, sizeof(a.path), "/proc/self/fd/%d/start", dir_fd);
		_exit(connect(fd, (const struct sockaddr *)&a, sizeof(a)) < 0);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
}

static void test_half_start(void)
{
	struct spec s = { .script = "echo started" };
	auto_close int dir_fd = -1;
	struct ns_child start = NS_CHILD_INIT;
	struct run r;

	if (!is_root())
		TEST_SKIP("needs root and busybox");
	dir_fd = open_bundle();
	if (prepare(&r, &s)) {
		struct pollfd p;

		r.plan.start_fd = ns_start_listen(dir_fd, "start", &r.err);
		CHECK_EQ(launch(&r), 0);
		CHECK_EQ(follow(&r, NS_EVENT_READY), 0);
		(void)close(r.plan.start_fd);
		for (int i = 0; i < 5; i++)
			half_a_start(dir_fd);
		p = (struct pollfd){ .fd = r.out_fd, .events = POLLIN };
		CHECK_EQ(poll(&p, 1, 100), 0); /* neither started nor ended */
		CHECK_EQ(ns_start_connect(dir_fd, "start", &start, &r.err), 0);
		ns_child_fini(&start);
		finish(&r);
		CHECK_STR(r.out, "started\n");
	}
	cleanup(&r);
	(void)unlinkat(dir_fd, "start", 0);
}

static void test_start_error(void)
{
	struct spec s = { .args = "[\"/tmp/gone\"]" };
	auto_close int dir_fd = -1;
	struct ns_child start = NS_CHILD_INIT;
	struct ns_event e;
	struct run r;

	if (!is_root())
		TEST_SKIP("needs root and busybox");
	dir_fd = open_bundle();
	CHECK_EQ(symlinkat("/bin/true", dir_fd, "rootfs/tmp/gone"), 0);
	if (prepare(&r, &s)) {
		r.plan.start_fd = ns_start_listen(dir_fd, "start", &r.err);
		CHECK_EQ(launch(&r), 0);
		CHECK_EQ(follow(&r, NS_EVENT_READY), 0);
		CHECK_EQ(unlinkat(dir_fd, "rootfs/tmp/gone", 0), 0);
		(void)close(r.plan.start_fd);
		CHECK_EQ(ns_start_connect(dir_fd, "start", &start, &r.err), 0);
		CHECK_EQ(ns_next(&start, &e, &r.err), -ENOENT);
		CHECK_HAS(r.err.msg, "exec '/tmp/gone': No such file or directory");
		CHECK(start.is_program_bad);
		ns_child_fini(&start);
	}
	cleanup(&r);
	(void)unlinkat(dir_fd, "start", 0);
}

/* ---- the parent's death ------------------------------------------------------------------------
 */

/* Starts a container whose hook does not end, and dies while the hook runs. */
static void dying_runtime(const struct spec *s, const char *mark, int out_fd)
{
	struct run r;

	if (!prepare(&r, s))
		_exit(1);
	if (launch(&r) < 0 || write(out_fd, &r.child.pid, sizeof(pid_t)) < 0)
		_exit(1);
	for (int i = 0; i < DEADLINE_MS / 10 && access(mark, F_OK) < 0; i++)
		(void)usleep(10 * 1000);
	(void)raise(SIGKILL);
}

static void test_parent_dies(void)
{
	char mark[64];
	char hooks[256];
	struct spec s = { .script = "true", .top = hooks };
	pid_t child = 0;
	pid_t runtime;
	int64_t start;
	int fds[2];
	int status;

	if (!is_root())
		TEST_SKIP("needs root and busybox");
	make_bundle();
	(void)snprintf(mark, sizeof(mark), "/tmp/bivalve-mark-%d", getpid());
	(void)snprintf(hooks, sizeof(hooks),
		       "\"hooks\":{\"createContainer\":[{\"path\":\"/bin/sh\",\"args\":[\"sh\","
		       "\"-c\",\"echo > %s; exec sleep 20\"],\"env\":[\"PATH=/bin\"]}]}",
		       mark);
	CHECK_EQ(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0);
	CHECK_EQ(pipe(fds), 0);
	(void)fflush(stdout);
	runtime = fork();
	if (runtime == 0)
		dying_runtime(&s, mark, fds[1]);
	(void)close(fds[1]);
	CHECK_EQ(read(fds[0], &child, sizeof(child)), sizeof(child));
	(void)close(fds[0]);
	CHECK_EQ(waitpid(runtime, &status, 0), runtime);
	start = proc_now_ms();
	CHECK_EQ(access(mark, F_OK), 0);
	CHECK_EQ(waitpid(child, &status, 0), child); /* ours now, as the subreaper */
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	CHECK(proc_now_ms() - start < 10000); /* not when the hook is over */
	CHECK_EQ(prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0), 0);
	(void)unlink(mark);
}

TEST_MAIN(TEST(test_terminal), TEST(test_seccomp), TEST(test_seccomp_notify), TEST(test_hooks),
	  TEST(test_start), TEST(test_half_start), TEST(test_start_error), TEST(test_parent_dies),
	  TEST(test_cleanup))
