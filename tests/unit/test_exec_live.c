// SPDX-License-Identifier: GPL-2.0-or-later
/* ns_exec() for real, what it sees of others, and the sealed copy of the runtime. */
#include "namespaces/launch.h"

#include "namespaces/final.h"
#include "tests/unit/live.h"

/* ---- exec --------------------------------------------------------------------------------------
 */

/* Runs one more process in @r's container, in a process of its own: ns_exec() changes its caller.
 */
static void exec_in(const struct run *r, const struct spec *s, char out[OUT_MAX])
{
	struct run x;
	int fds[2];
	int status;
	pid_t pid;

	CHECK_EQ(pipe(fds), 0);
	(void)fflush(stdout);
	pid = fork();
	if (pid == 0) {
		struct ns_exec_plan plan = NS_EXEC_PLAN_INIT;
		int rc;

		if (!prepare(&x, s))
			_exit(99);
		plan.config = &r->config;
		plan.process = x.config.process;
		plan.id = "live";
		plan.init_pid = r->child.pid;
		plan.init_pid_fd = r->child.pid_fd;
		plan.io.stdio_fds[1] = fds[1];
		plan.io.stdio_fds[2] = fds[1];
		rc = ns_exec(&plan, &x.child, &x.err);
		if (rc == 0)
			rc = follow(&x, NS_EVENT_RUNNING);
		if (rc < 0) {
			dprintf(fds[1], "error %d: %s\n", rc, x.err.msg);
			ns_kill(&x.child);
			_exit(0);
		}
		if (x.console_fd >= 0) {
			char text[512];
			ssize_t n;

			while ((n = read(x.console_fd, text, sizeof(text))) > 0)
				CHECK_EQ(write(fds[1], text, (size_t)n), n);
		}
		rc = proc_reap(x.child.pid, &status);
		_exit(rc < 0 ? 98 : 0);
	}
	(void)close(fds[1]);
	x = (struct run){ .out_fd = fds[0] };
	read_output(&x);
	memcpy(out, x.out, OUT_MAX);
	(void)close(fds[0]);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
}

/* Starts a container that stays; false when it did not. */
static bool start_sleeper(struct run *r, const struct spec *s)
{
	if (!prepare(r, s))
		return false;
	CHECK_EQ(launch(r), 0);
	CHECK_EQ(follow(r, NS_EVENT_RUNNING), 0);
	CHECK_STR(r->err.msg, "");
	return r->child.pid > 0;
}

static void test_exec(void)
{
	struct spec s = { .args = "[\"/bin/sleep\",\"60\"]",
			  .top = "\"hostname\":\"shell\"",
			  .linux_ = PROFILE("SCMP_ACT_ERRNO") "}" };
	struct spec x = {
		.script =
		    "hostname; cat /proc/1/comm; readlink /proc/self/exe; id -u; echo $HOME; grep "
		    "-E 'Seccomp:|CapBnd' /proc/self/status; ls /proc/self/fd",
		.process = "\"user\":{\"uid\":1000,\"gid\":1000}",
	};
	static char out[OUT_MAX];
	struct run r;

	if (!is_root())
		TEST_SKIP("needs root and busybox");
	if (start_sleeper(&r, &s)) {
		exec_in(&r, &x, out);
		CHECK_STR(out,
			  "shell\nsleep\n/bin/busybox\n1000\n/home/u\nCapBnd:\t0000000000000000\n"
			  "Seccomp:\t2\n0\n1\n2\n3\n");
		exec_in(&r, &(struct spec){ .args = "[\"none\"]" }, out);
		CHECK_STR(out, "error -2: exec 'none': executable file not found in $PATH\n");
		exec_in(&r, &(struct spec){ .args = "[\"/proc/self/exe\"]" }, out);
		CHECK_HAS(out, "error -");
		exec_in(&r, &(struct spec){ .script = "", .cwd = "/missing" }, out);
		CHECK_HAS(out, "/process/cwd: enter '/missing'");
	}
	cleanup(&r);
}

static void test_exec_terminal(void)
{
	struct spec s = { .args = "[\"/bin/sleep\",\"60\"]" };
	struct spec x = {
		.script = "tty; stty size",
		.process = "\"terminal\":true,\"consoleSize\":{\"height\":3,\"width\":4}",
	};
	static char out[OUT_MAX];
	struct run r;

	if (!is_root())
		TEST_SKIP("needs root and busybox");
	if (start_sleeper(&r, &s)) {
		exec_in(&r, &x, out);
		CHECK_HAS(out, "/dev/pts/0\r\n3 4\r\n");
	}
	cleanup(&r);
}

static void test_exec_user_namespace(void)
{
	struct spec s = { .args = "[\"/bin/sleep\",\"60\"]",
			  .namespaces = "{\"type\":\"user\"}," NAMESPACES,
			  .linux_ = MAPS };
	struct spec x = { .script = "id -u; cat /proc/self/uid_map; cat /proc/1/comm" };
	static char out[OUT_MAX];
	struct run r;

	if (!is_root())
		TEST_SKIP("needs root and busybox");
	if (start_sleeper(&r, &s)) {
		exec_in(&r, &x, out);
		CHECK_STR(out, "0\n         0     100000      65536\nsleep\n");
	}
	cleanup(&r);
}

/* CVE-2019-5736: a program in the container looks for our binary while a created container waits.
 */
static void test_created_is_hidden(void)
{
	/* As many capabilities as the init has at that moment: else they alone would hide it. */
	static const char caps[] = CAPS("\"CAP_CHECKPOINT_RESTORE\",\"CAP_SYS_ADMIN\"");
	struct spec s = { .script = "true", .process = caps };
	struct spec x = { .script = "readlink /proc/1/exe; cat /proc/1/exe | head -c 4; "
				    "busybox tr -d '\\0' < /proc/1/environ 2>/dev/null; for f in "
				    "/proc/1/fd/*; do readlink $f; "
				    "done; ls /proc/1/root/",
			  .process = caps };
	static char out[OUT_MAX];
	auto_close int dir_fd = -1;
	struct run r;

	if (!is_root())
		TEST_SKIP("needs root and busybox");
	dir_fd = open_bundle();
	if (prepare(&r, &s)) {
		r.plan.start_fd = ns_start_listen(dir_fd, "start", &r.err);
		CHECK_EQ(launch(&r), 0);
		CHECK_EQ(follow(&r, NS_EVENT_READY), 0);
		exec_in(&r, &x, out);
		CHECK_STR(out, "cat: can't open '/proc/1/exe': Permission denied\n"
			       "ls: /proc/1/root/: Permission denied\n");
		(void)close(r.plan.start_fd);
	}
	cleanup(&r);
	(void)unlinkat(dir_fd, "start", 0);
}

/* ---- the sealed copy ---------------------------------------------------------------------------
 */

/* The second life of test_sealed(), in the process that final_self_protect() executed. */
__attribute__((constructor)) static void sealed_main(void)
{
	struct err err = ERR_INIT;
	char *const argv[] = { NULL };
	int fd;

	if (!getenv("BIVALVE_TEST_SEALED"))
		return;
	fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	_exit(final_self_protect(argv, true, &err) == 1 && fd >= 0 &&
		      fcntl(fd, F_GET_SEALS) ==
			  (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)
		  ? 42
		  : 1);
}

static void test_sealed(void)
{
	char name[] = "sealed";
	char *const argv[] = { name, NULL };
	struct err err = ERR_INIT;
	int status = 0;
	pid_t pid;

	CHECK_EQ(final_self_protect(argv, false, &err), 0);
	(void)fflush(stdout);
	pid = fork();
	if (pid == 0) {
		(void)setenv("BIVALVE_TEST_SEALED", "1", 1);
		_exit(final_self_protect(argv, true, &err) == 0);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(proc_exit_code(status), 42);
}

TEST_MAIN(TEST(test_exec), TEST(test_exec_terminal), TEST(test_exec_user_namespace),
	  TEST(test_created_is_hidden), TEST(test_sealed), TEST(test_cleanup))
