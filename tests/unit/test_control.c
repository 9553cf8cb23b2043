// SPDX-License-Identifier: GPL-2.0-or-later
/* The control socket's protocol, with verbs of the test's own. */
#include "vmmode/vmm/control.h"

#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "spec/base/log.h"
#include "tests/unit/test.h"

struct box {
	struct loop loop;
	struct loop_source idle; /* always ready */
	int idle_calls;
	struct control c;
	int fd; /* the caller's end; -1 */
	int told;
};

static int do_add(void *ctx, const char *arg, struct buf *out, struct err *err)
{
	struct box *b = ctx;

	if (arg[0] < '0' || arg[0] > '9')
		return err_set(err, -EINVAL, "'%s' is\nno number", arg);
	b->told += arg[0] - '0';
	buf_printf(out, " sum=%d", b->told);
	return 0;
}

static int do_reset(void *ctx, const char *arg, struct buf *out, struct err *err)
{
	struct box *b = ctx;

	(void)out;
	(void)err;
	CHECK_STR(arg, "");
	b->told = 0;
	return 0;
}

static const struct control_verb verbs[] = { { "add", true, do_add },
					     { "reset", false, do_reset } };

static void on_idle(struct loop_source *src, uint32_t events)
{
	struct box *b = CONTAINER_OF(src, struct box, idle);

	(void)events;
	if (++b->idle_calls % 3 == 0)
		loop_stop(&b->loop);
}

static void turn(struct box *b)
{
	CHECK_EQ(loop_run(&b->loop), 0);
}

/* Serves @where, or a socket pair if that is NULL. */
static void setup(struct box *b, const char *where)
{
	int fds[2] = { -1, -1 };
	char name[16];

	memset(b, 0, sizeof(*b));
	log_setup(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT, -1);
	b->idle = (struct loop_source){ .fd = eventfd(1, EFD_CLOEXEC), .ready = on_idle };
	if (!where && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		abort();
	(void)snprintf(name, sizeof(name), "fd:%d", fds[0]);
	b->fd = fds[1];
	control_set_verbs(&b->c, verbs, ARRAY_LEN(verbs), b);
	if (loop_init(&b->loop) < 0 || loop_add(&b->loop, &b->idle, EPOLLIN) < 0 ||
	    control_init(&b->c, &b->loop, where ? where : name, NULL) < 0)
		abort();
}

static void cleanup(struct box *b)
{
	control_fini(&b->c);
	control_fini(&b->c);
	if (b->fd >= 0)
		(void)close(b->fd);
	loop_remove(&b->loop, &b->idle);
	(void)close(b->idle.fd);
	loop_fini(&b->loop);
}

/* Sends @len bytes and returns all that comes back; "-" when the connection was closed. */
static const char *talk_on(struct box *b, int fd, const void *text, size_t len)
{
	static char answer[4096];
	ssize_t n;

	(void)send(fd, text, len, MSG_NOSIGNAL);
	turn(b);
	n = recv(fd, answer, sizeof(answer) - 1, MSG_DONTWAIT);
	if (n == 0 || (n < 0 && errno == ECONNRESET))
		return "-";
	answer[n < 0 ? 0 : n] = '\0';
	return answer;
}

static const char *talk(struct box *b, const char *text)
{
	return talk_on(b, b->fd, text, strlen(text));
}

static void test_lines(void)
{
	struct box b;

	setup(&b, NULL);
	CHECK_STR(talk(&b, "add 3\n"), "ok sum=3\n");
	CHECK_STR(talk(&b, "add 1\nadd 2\nreset\n"), "ok sum=4\nok sum=6\nok\n");
	CHECK_STR(talk(&b, "ad"), ""); /* in pieces */
	CHECK_STR(talk(&b, "d 9\nres"), "ok sum=9\n");
	CHECK_STR(talk(&b, "et\n"), "ok\n");
	CHECK_STR(talk(&b, "subtract 1\n"), "error no such verb\n");
	CHECK_STR(talk(&b, "\n"), "error no such verb\n");
	CHECK_STR(talk(&b, "add\n"), "error 'add' takes one argument\n");
	CHECK_STR(talk(&b, "reset now\n"), "error 'reset' takes no argument\n");
	CHECK_STR(talk(&b, "add x y\n"), "error 'x y' is?no number\n"); /* one line */
	CHECK_EQ(shutdown(b.fd, SHUT_WR), 0);
	CHECK_STR(talk(&b, ""), "-");
	cleanup(&b);
}

static void test_hostile(void)
{
	char line[2 * CONTROL_LINE_MAX];
	struct box b;

	memset(line, 'x', sizeof(line));
	line[sizeof(line) - 1] = '\n';
	setup(&b, NULL);
	CHECK_STR(talk_on(&b, b.fd, line, sizeof(line)), "error a line that is too long\n");
	CHECK_STR(talk(&b, "reset\n"), "-");
	cleanup(&b);
	setup(&b, NULL);
	line[CONTROL_LINE_MAX - 1] = '\n'; /* the longest */
	CHECK_STR(talk_on(&b, b.fd, line, CONTROL_LINE_MAX), "error no such verb\n");
	CHECK_STR(talk_on(&b, b.fd, "add\0 1\n", 7), "error a line with a NUL byte\n");
	CHECK_STR(talk(&b, ""), "-");
	cleanup(&b);
	/* A client that never reads its answers goes; nothing waits for it. */
	setup(&b, NULL);
	for (int i = 0; i < 100000 && send(b.fd, "reset\n", 6, MSG_DONTWAIT | MSG_NOSIGNAL) > 0;
	     i++)
		turn(&b);
	CHECK(send(b.fd, "reset\n", 6, MSG_NOSIGNAL) < 0);
	cleanup(&b);
}

static void test_listener(void)
{
	char dir[] = "/tmp/bivalve-control-XXXXXX";
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fds[CONTROL_CLIENTS + 1];
	struct err err = ERR_INIT;
	struct stat st;
	struct box b;
	struct control other = { 0 };

	CHECK(mkdtemp(dir) != NULL);
	(void)snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/socket", dir);
	setup(&b, sa.sun_path);
	CHECK_EQ(stat(sa.sun_path, &st), 0);
	CHECK_EQ(st.st_mode, S_IFSOCK | 0600);
	CHECK_EQ(control_init(&other, &b.loop, sa.sun_path, &err), -EADDRINUSE);
	CHECK_HAS(err.msg, "--control '/tmp/bivalve-control-");
	control_fini(&other);
	turn(&b); /* the look whether somebody listens was a connection */
	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		fds[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		CHECK_EQ(connect(fds[i], (const struct sockaddr *)&sa, sizeof(sa)), 0);
		turn(&b);
	}
	CHECK_STR(talk_on(&b, fds[0], "add 1\n", 6), "ok sum=1\n");
	CHECK_STR(talk_on(&b, fds[CONTROL_CLIENTS - 1], "add 1\n", 6), "ok sum=2\n");
	CHECK_STR(talk_on(&b, fds[CONTROL_CLIENTS], "", 0), "-"); /* one too many */
	(void)close(fds[0]);
	turn(&b);
	(void)close(fds[CONTROL_CLIENTS]);
	fds[0] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK_EQ(connect(fds[0], (const struct sockaddr *)&sa, sizeof(sa)), 0);
	turn(&b);
	CHECK_STR(talk_on(&b, fds[0], "add 1\n", 6), "ok sum=3\n");
	for (size_t i = 0; i < CONTROL_CLIENTS; i++)
		(void)close(fds[i]);
	cleanup(&b);
	setup(&b, sa.sun_path); /* nobody listens there any more: replaced */
	cleanup(&b);
	CHECK_EQ(unlink(sa.sun_path), 0);
	CHECK_EQ(rmdir(dir), 0);
}

static void refused(const char *where, int rc)
{
	struct control c = { 0 };
	struct err err = ERR_INIT;
	struct loop l;

	CHECK_EQ(loop_init(&l), 0);
	CHECK_EQ(control_init(&c, &l, where, &err), rc);
	CHECK_HAS(err.msg, "--control '");
	control_fini(&c);
	loop_fini(&l);
}

static void test_refused(void)
{
	refused("", -EINVAL);
	refused("/tmp/", -EINVAL);
	refused("fd:x", -EINVAL);
	refused("fd:999", -EBADF);
	refused("/nonexistent/socket", -ENOENT);
	refused("/dev/null", -ENOTSOCK);
}

/* An inherited socket that listens. */
static void test_inherited(void)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	socklen_t len = sizeof(sa);
	struct box b;
	char name[16];
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	int client = socket(AF_UNIX, SOCK_STREAM, 0);

	/* An abstract name of the kernel's choice. */
	CHECK_EQ(bind(fd, (const struct sockaddr *)&sa, sizeof(sa.sun_family)), 0);
	CHECK_EQ(listen(fd, 1), 0);
	CHECK_EQ(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
	(void)snprintf(name, sizeof(name), "fd:%d", fd);
	setup(&b, name);
	CHECK_EQ(connect(client, (const struct sockaddr *)&sa, len), 0);
	turn(&b);
	CHECK_STR(talk_on(&b, client, "add 2\n", 6), "ok sum=2\n");
	(void)close(client);
	cleanup(&b);
}

TEST_MAIN(TEST(test_lines), TEST(test_hostile), TEST(test_listener), TEST(test_refused),
	  TEST(test_inherited))
