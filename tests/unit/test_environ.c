// SPDX-License-Identifier: GPL-2.0-or-later
/* The program's strings: order and additions, and the home from a hostile passwd(5). */
#include "namespaces/workload.h"
#include "tests/unit/test.h"

static void test_passwd_home(void)
{
	static const struct {
		const char *text;
		uint32_t uid;
		const char *home; /* NULL: none */
	} cases[] = {
		{ "root:x:0:0:root:/root:/bin/sh\n", 0, "/root" },
		{ "root:x:0:0:root:/root:/bin/sh\nu:x:1000:1000::/home/u:/bin/sh\n", 1000,
		  "/home/u" },
		{ "u:x:1000:1000::/home/u:/bin/sh", 1000, "/home/u" }, /* no newline at the end */
		{ "u:x:1000:1000::/home/u", 1000, "/home/u" },         /* no shell */
		{ "u:x:1000:1000:a:b\n", 1000, "b" },
		{ "a:x:7:7::/first:\na:x:7:7::/second:\n", 7, "/first" },
		{ "u:x:1000:1000::/home/u:/bin/sh\n", 1001, NULL },
		{ "u:x:10000:1000::/home/u:/bin/sh\n", 1000, NULL },
		{ "u:x:+1000:1000::/home/u:/bin/sh\n", 1000, NULL },
		{ "u:x:4294967296:0::/home/u:/bin/sh\n", 0, NULL },
		{ "u:x:00000000000000000000000000000001000:0::/h:/s\n", 1000, NULL },
		{ "u:x:1000\n", 1000, NULL },
		{ "u:x:1000:1000:gecos\nv:x:5:5::/v:/s\n", 5, "/v" },
		{ "1000:1000\n\n\n::::::\n:::::/h:\n", 1000, NULL },
		{ "u:x:1000:1000::/a:/s:more:fields\n", 1000, "/a" },
		{ "", 0, NULL },
		{ "\n", 0, NULL },
		{ ":", 0, NULL },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t len = 0;
		const char *home = passwd_home(cases[i].text, cases[i].uid, &len);
		char copy[64];

		(void)snprintf(copy, sizeof(copy), "%.*s", (int)len, home ? home : "");
		CHECK_STR(home ? copy : NULL, cases[i].home);
	}
}

/* A process with the given environment and nothing else. */
static void copy_strings(struct workload *w, struct config_process *p, struct ns_io *io)
{
	struct err err = ERR_INIT;

	*w = (struct workload)WORKLOAD_INIT;
	w->process = p;
	w->io = io;
	CHECK_EQ(workload_copy_strings(w, &err), 0);
}

static char sh[] = "/bin/sh", option[] = "-c", script[] = "exit", path[] = "PATH=/bin",
	    term[] = "TERM=vt100";
static char *args[] = { sh, option, script, NULL };

static void test_order(void)
{
	char *env[] = { path, NULL };
	static const char *const extra[] = { "NOTIFY_SOCKET=/x", NULL };
	struct config_process p = { .args = { args, 3 }, .env = { env, 1 }, .terminal = true };
	struct ns_io io = NS_IO_INIT;
	struct workload w;

	io.extra_env = extra;
	io.listen_fds = 2;
	copy_strings(&w, &p, &io);
	CHECK_STR(w.argv[0], "/bin/sh");
	CHECK_STR(w.argv[2], "exit");
	CHECK_STR(w.argv[3], NULL);
	CHECK_EQ(w.n_env, 5);
	CHECK_STR(w.env[0], "PATH=/bin");
	CHECK_STR(w.env[1], "NOTIFY_SOCKET=/x");
	CHECK_STR(w.env[2], "LISTEN_FDS=2");
	CHECK_STR(w.env[3], "LISTEN_PID=1");
	CHECK_STR(w.env[4], "TERM=xterm");
	CHECK_STR(w.env[5], NULL);
	CHECK(w.argv[0] != args[0] && w.env[0] != env[0]); /* copies: final.h */
	workload_fini(&w);
}

static void test_no_additions(void)
{
	char *env[] = { term, NULL };
	struct config_process p = { .args = { args, 1 }, .env = { env, 1 }, .terminal = true };
	struct ns_io io = NS_IO_INIT;
	struct workload w;

	copy_strings(&w, &p, &io);
	CHECK_EQ(w.n_env, 1);
	CHECK_STR(w.env[0], "TERM=vt100");
	workload_fini(&w);
	p.env = (struct strv){ NULL, 0 };
	p.terminal = false;
	copy_strings(&w, &p, &io);
	CHECK_EQ(w.n_env, 0);
	CHECK_STR(w.env[0], NULL);
	workload_fini(&w);
}

static void test_no_args(void)
{
	struct config_process p = { .terminal = false };
	struct ns_io io = NS_IO_INIT;
	struct workload w = WORKLOAD_INIT;
	struct err err = ERR_INIT;

	w.process = &p;
	w.io = &io;
	CHECK_EQ(workload_copy_strings(&w, &err), -EINVAL);
	CHECK_STR(err.msg, "/process/args: empty");
	workload_fini(&w);
}

TEST_MAIN(TEST(test_passwd_home), TEST(test_order), TEST(test_no_additions), TEST(test_no_args))
