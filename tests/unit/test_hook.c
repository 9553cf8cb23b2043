// SPDX-License-Identifier: GPL-2.0-or-later
// Running hooks: what they get, what is said when they fail, and that none can hold us.
#include "namespaces/hook.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "spec/base/fd.h"
#include "spec/base/proc.h"
#include "tests/unit/child.h"
#include "tests/unit/test.h"

static const struct hook_io no_io = HOOK_IO_INIT;

/* A hook "sh -c @script". The vectors live in @argv and @envv of the caller. */
static struct config_hook sh_hook(char *argv[4], const char *script)
{
	struct config_hook h = { .path = "/bin/sh" };

	argv[0] = (char *)(uintptr_t) "a-name";
	argv[1] = (char *)(uintptr_t) "-c";
	argv[2] = (char *)(uintptr_t)script;
	argv[3] = NULL;
	h.args = (struct strv){ argv, 3 };
	return h;
}

static int run(const char *script, unsigned int timeout_s, const char *state, struct err *err)
{
	char *argv[4];
	struct config_hook h = sh_hook(argv, script);

	h.timeout_s = (struct opt_u32){ timeout_s > 0, timeout_s };
	return hook_run(&h, HOOK_PRESTART, 2, state, &no_io, err);
}

static void test_results(void)
{
	static const struct {
		const char *script;
		int rc;
		const char *msg;
	} table[] = {
		{ "exit 0", 0, "" },
		{ "exit 3", -ECANCELED, "hook /hooks/prestart/2 '/bin/sh': exit status 3" },
		{ "echo one >&2; echo two >&2; exit 1", -ECANCELED,
		  "hook /hooks/prestart/2 '/bin/sh': exit status 1: two" },
		{ "echo out; printf 'no end' >&2; exit 1", -ECANCELED, "exit status 1: no end" },
		{ "printf 'last\\n\\n  \\n' >&2; exit 1", -ECANCELED, "exit status 1: last" },
		{ "printf 'a\\tb\\033[m\\n' >&2; exit 1", -ECANCELED, "exit status 1: a?b?[m" },
		{ "kill -9 $$", -ECANCELED, "killed by signal 9" },
		{ "test \"$0\" = a-name", 0, "" },
		{ "cat >/dev/null; test -t 0 || exit 5", -ECANCELED, "exit status 5" },
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct err err = ERR_INIT;

		CHECK_EQ(run(table[i].script, 0, "{}", &err), table[i].rc);
		CHECK_HAS(err.msg, table[i].msg);
	}
}

static void test_cannot_execute(void)
{
	struct config_hook h = { .path = "/no/such/hook" };
	struct err err = ERR_INIT;

	CHECK_EQ(hook_run(&h, HOOK_POSTSTOP, 0, "{}", &no_io, &err), -ENOENT);
	CHECK_STR(err.msg, "hook /hooks/poststop/0 '/no/such/hook': No such file or directory");
	h.path = "/etc/passwd";
	CHECK_EQ(hook_run(&h, HOOK_CREATE_RUNTIME, 1, "{}", &no_io, &err), -EACCES);
	CHECK_HAS(err.msg, "hook /hooks/createRuntime/1 '/etc/passwd': ");
}

static void test_names(void)
{
	static const char *const names[HOOK_KINDS] = { "prestart",        "createRuntime",
						       "createContainer", "startContainer",
						       "poststart",       "poststop" };

	for (unsigned int i = 0; i < HOOK_KINDS; i++)
		CHECK_STR(hook_kind_name((enum config_hook_kind)i), names[i]);
}

/* Larger than a pipe holds: whether read or not, nobody waits for the other. */
static void test_state(void)
{
	size_t len = 1 << 20;
	auto_free char *state = malloc(len + 1);
	struct err err = ERR_INIT;

	memset(state, 'x', len);
	state[len] = '\0';
	CHECK_EQ(run("exit 0", 0, state, &err), 0);
	CHECK_EQ(run("test \"$(wc -c)\" = 1048576", 0, state, &err), 0);
	CHECK_EQ(run("test \"$(wc -c </dev/stdin)\" = 1048576", 0, state, &err), 0);
	CHECK_EQ(run("test \"$(cat)\" = '{\"id\":\"c\"}'", 0, "{\"id\":\"c\"}", &err), 0);
}

static void test_environment(void)
{
	char *argv[] = { (char *)(uintptr_t) "/usr/bin/env", NULL };
	char *envv[] = { (char *)(uintptr_t) "A=1", (char *)(uintptr_t) "B=two words", NULL };
	struct config_hook h = { .path = "/usr/bin/env", .args = { argv, 1 } };
	int fds[2];
	struct hook_io io = { -1, -1 };
	char out[256] = "";

	CHECK_EQ(setenv("LEAK", "1", 1), 0);
	CHECK_EQ(pipe2(fds, O_CLOEXEC), 0);
	io.stdout_fd = fds[1];
	CHECK_EQ(hook_run(&h, HOOK_POSTSTART, 0, "{}", &io, NULL), 0);
	h.env = (struct strv){ envv, 2 };
	h.args = (struct strv){ NULL, 0 };
	CHECK_EQ(hook_run(&h, HOOK_POSTSTART, 0, "{}", &io, NULL), 0);
	(void)close(fds[1]);
	CHECK(fd_read_full(fds[0], out, sizeof(out) - 1) >= 0);
	CHECK_STR(out, "A=1\nB=two words\n");
	(void)close(fds[0]);
}

/* Only 0, 1 and 2 are open in a hook; signals are as a program expects them. */
static void child_signals(void *arg)
{
	sigset_t all;
	struct err err = ERR_INIT;

	(void)arg;
	(void)sigfillset(&all);
	CHECK_EQ(sigprocmask(SIG_SETMASK, &all, NULL), 0);
	CHECK(signal(SIGPIPE, SIG_IGN) != SIG_ERR); /* 13: the bit that is looked for below */
	CHECK_EQ(dup2(0, 77), 77);
	CHECK_EQ(run("grep -q '^SigBlk:\t0*$' /proc/self/status", 0, "{}", &err), 0);
	CHECK_EQ(run("! grep -q '^SigIgn:.*[13579bdf]...$' /proc/self/status", 0, "{}", &err), 0);
	CHECK_EQ(run("test \"$(ls /proc/self/fd | tr '\\n' ' ')\" = '0 1 2 3 '", 0, "{}", &err), 0);
	CHECK_STR(err.msg, "");
}

static void test_signals_and_fds(void)
{
	IN_CHILD(child_signals, NULL);
}

/* With 0, 1 and 2 closed our own descriptors get these numbers. */
static void child_no_stdio(void *arg)
{
	struct err err = ERR_INIT;

	(void)arg;
	for (int i = 0; i < 3; i++)
		(void)close(i);
	if (run("test \"$(cat)\" = '{\"id\":1}' && echo x && exit 4", 0, "{\"id\":1}", &err) !=
	    -ECANCELED)
		_exit(20);
	_exit(strstr(err.msg, "exit status 4") ? 0 : 21);
}

static void test_closed_stdio(void)
{
	IN_CHILD(child_no_stdio, NULL);
}

/* Much output on both pipes; only the end of stderr is kept. */
static void test_much_output(void)
{
	struct err err = ERR_INIT;

	CHECK_EQ(run("yes | head -c 3000000; yes abcdefg | head -c 300001 >&2; echo x; "
		     "echo >&2; echo the end >&2; exit 1",
		     10, "{}", &err) < 0,
		 1);
	CHECK_HAS(err.msg, "exit status 1: the end");
}

static void test_timeout(void)
{
	struct err err = ERR_INIT;
	int64_t start_ms = proc_now_ms();
	char script[256], pid_text[16] = "", path[64] = "/tmp/bivalve-hook-XXXXXX";
	int fd = mkstemp(path);
	pid_t pid;

	/* The whole group goes, also what the hook has started. */
	(void)snprintf(script, sizeof(script), "sleep 100 & echo $! >%s; trap '' TERM; wait", path);
	CHECK_EQ(run(script, 1, "{}", &err), -ETIMEDOUT);
	CHECK_STR(err.msg, "hook /hooks/prestart/2 '/bin/sh': killed after its timeout of 1 s");
	CHECK(proc_now_ms() - start_ms >= 1000 && proc_now_ms() - start_ms < 5000);
	CHECK(read(fd, pid_text, sizeof(pid_text) - 1) > 0);
	pid = (pid_t)atoi(pid_text);
	for (int i = 0; i < 100; i++) {
		struct proc_stat st;

		if (pid <= 1 || proc_stat_read(pid, &st) < 0 || st.state == 'Z')
			break;
		(void)usleep(10000);
		if (i == 99)
			TEST_FAIL("the hook's child lives");
	}
	(void)close(fd);
	CHECK_EQ(unlink(path), 0);
	CHECK_EQ(run("exit 0", 1, "{}", &err), 0);
}

/* A daemon that keeps the pipes open does not keep us. */
static void test_daemon(void)
{
	int64_t start_ms = proc_now_ms();
	struct err err = ERR_INIT;

	CHECK_EQ(run("sleep 3 & exit 0", 0, "{}", &err), 0);
	CHECK_EQ(run("sleep 3 & echo why >&2; exit 1", 0, "{}", &err), -ECANCELED);
	CHECK_HAS(err.msg, "exit status 1: why");
	CHECK(proc_now_ms() - start_ms < 2000);
}

static void test_run_all(void)
{
	char *argv[3][4];
	struct config_hook hooks[3];
	struct config c = { 0 };
	char path[64] = "/tmp/bivalve-hook-XXXXXX", scripts[3][128];
	auto_buf struct buf b = BUF_INIT;
	struct err err = ERR_INIT;

	CHECK_EQ(close(mkstemp(path)), 0);
	(void)snprintf(scripts[0], sizeof(scripts[0]), "printf a >>%s", path);
	(void)snprintf(scripts[1], sizeof(scripts[1]), "printf b >>%s; exit 9", path);
	(void)snprintf(scripts[2], sizeof(scripts[2]), "printf c >>%s", path);
	for (int i = 0; i < 3; i++)
		hooks[i] = sh_hook(argv[i], scripts[i]);
	c.hooks[HOOK_START_CONTAINER].items = hooks;
	c.hooks[HOOK_START_CONTAINER].n = 3;
	CHECK_EQ(hook_run_all(&c, HOOK_START_CONTAINER, "{}", &no_io, &err), -ECANCELED);
	CHECK_STR(err.msg, "hook /hooks/startContainer/1 '/bin/sh': exit status 9");
	CHECK_EQ(hook_run_all(&c, HOOK_PRESTART, "{}", &no_io, &err), 0);
	CHECK_EQ(file_read_at(AT_FDCWD, path, 16, &b), 0);
	CHECK_STR(buf_str(&b), "ab");
	CHECK_EQ(unlink(path), 0);
}

/* Descriptors that change places with each other. */
static void child_swapped(void *arg)
{
	char path[64] = "/tmp/bivalve-hook-XXXXXX", *argv[4];
	struct config_hook h = sh_hook(argv, "echo o; echo e >&2");
	struct hook_io io = { 2, 1 };
	auto_buf struct buf b = BUF_INIT;
	int fd = mkstemp(path), kept = dup(1);

	(void)arg;
	(void)fflush(stdout);
	CHECK_EQ(dup2(fd, 2), 2);
	(void)close(1);
	CHECK(open("/dev/null", O_WRONLY | O_CLOEXEC) == 1);
	CHECK_EQ(hook_run(&h, HOOK_POSTSTOP, 0, "{}", &io, NULL), 0);
	CHECK_EQ(dup2(kept, 1), 1);
	CHECK_EQ(file_read_at(AT_FDCWD, path, 64, &b), 0);
	CHECK_STR(buf_str(&b), "o\n");
	CHECK_EQ(unlink(path), 0);
}

static void test_swapped_stdio(void)
{
	IN_CHILD(child_swapped, NULL);
}

static void test_output_files(void)
{
	char dir[64] = "/tmp/bivalve-hook-XXXXXX", out[128], errs[128], *argv[4];
	struct config_annotation a[2] = { { "run.oci.hooks.stdout", out },
					  { "run.oci.hooks.stderr", errs } };
	struct config_hook h = sh_hook(argv, "echo o; echo e >&2; exit 1");
	struct config c = { 0 };
	struct hook_io io = HOOK_IO_INIT;
	auto_buf struct buf b = BUF_INIT;
	struct err err = ERR_INIT;

	CHECK(mkdtemp(dir));
	(void)snprintf(out, sizeof(out), "%s/out", dir);
	(void)snprintf(errs, sizeof(errs), "%s/err", dir);
	CHECK_EQ(hook_io_open(&c, &io, &err), 0);
	CHECK(io.stdout_fd == -1 && io.stderr_fd == -1);
	c.annotations.items = a;
	c.annotations.n = 2;
	for (int i = 0; i < 2; i++) { /* the second run is appended */
		CHECK_EQ(hook_io_open(&c, &io, &err), 0);
		CHECK_EQ(hook_run(&h, HOOK_POSTSTOP, 0, "{}", &io, &err), -ECANCELED);
		CHECK_STR(err.msg, "hook /hooks/poststop/0 '/bin/sh': exit status 1");
		hook_io_close(&io);
	}
	CHECK_EQ(file_read_at(AT_FDCWD, out, 64, &b), 0);
	CHECK_STR(buf_str(&b), "o\no\n");
	buf_clear(&b);
	CHECK_EQ(file_read_at(AT_FDCWD, errs, 64, &b), 0);
	CHECK_STR(buf_str(&b), "e\ne\n");
	CHECK_EQ(unlink(out) | unlink(errs) | rmdir(dir), 0);
	CHECK_EQ(hook_io_open(&c, &io, &err), -ENOENT);
	CHECK_HAS(err.msg, "/annotations/run.oci.hooks.stdout: open '");
}

TEST_MAIN(TEST(test_results), TEST(test_cannot_execute), TEST(test_names), TEST(test_state),
	  TEST(test_environment), TEST(test_signals_and_fds), TEST(test_closed_stdio),
	  TEST(test_much_output), TEST(test_timeout), TEST(test_daemon), TEST(test_run_all),
	  TEST(test_output_files), TEST(test_swapped_stdio))
