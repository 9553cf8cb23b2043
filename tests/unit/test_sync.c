// SPDX-License-Identifier: GPL-2.0-or-later
/* Messages between the runtime and its child: whole, early, and malformed ones. */
#include "namespaces/sync.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "spec/base/fd.h"
#include "tests/unit/test.h"

static bool make_pair(int fds[2])
{
	struct err err = ERR_INIT;

	CHECK_EQ(sync_pair(fds, &err), 0);
	CHECK(fcntl(fds[0], F_GETFD) & FD_CLOEXEC);
	CHECK(fcntl(fds[1], F_GETFD) & FD_CLOEXEC);
	return true;
}

static void close_pair(const int fds[2])
{
	(void)close(fds[0]);
	(void)close(fds[1]);
}

static void test_error_text(void)
{
	struct err e = { .code = -ENOENT };
	struct sync_msg m;
	int fds[2];

	(void)make_pair(fds);
	memset(e.msg, 'x', sizeof(e.msg)); /* without an end, as a broken child could send it */
	sync_send_err(fds[1], SYNC_ERROR, &e);
	CHECK_EQ(sync_recv(fds[0], &m, NULL), 1);
	CHECK_EQ(m.kind, SYNC_ERROR);
	CHECK_EQ(m.code, -ENOENT);
	CHECK_EQ(strlen(m.text), ERR_MSG_MAX - 1);
	(void)err_set(&e, -EPERM, "short");
	sync_send_err(fds[1], SYNC_PROGRAM, &e);
	CHECK_EQ(sync_recv(fds[0], &m, NULL), 1);
	CHECK_EQ(m.kind, SYNC_PROGRAM);
	CHECK_STR(m.text, "short");
	(void)close(fds[0]);
	sync_send_err(fds[1], SYNC_ERROR, &e); /* nobody reads: no signal, no failure */
	(void)close(fds[1]);
}

static void test_descriptor(void)
{
	struct sync_msg m;
	int fds[2];
	int fd = -1;

	(void)make_pair(fds);
	CHECK_EQ(sync_send(fds[1], SYNC_CONSOLE, 0, fds[1]), 0);
	CHECK_EQ(sync_recv(fds[0], &m, &fd), 1);
	CHECK(fd >= 0);
	CHECK_STR(m.text, "");
	(void)close(fd);
	/* One that nobody asked for does not stay open. */
	CHECK_EQ(sync_send(fds[1], SYNC_CONSOLE, 0, fds[1]), 0);
	CHECK_EQ(sync_recv(fds[0], &m, NULL), -EMSGSIZE);
	fd = 0;
	CHECK_EQ(sync_send(fds[1], SYNC_READY, 0, -1), 0);
	CHECK_EQ(sync_recv(fds[0], &m, &fd), 1);
	CHECK_EQ(fd, -1);
	close_pair(fds);
}

static void test_malformed(void)
{
	static const uint32_t unknown[] = { SYNC_STARTED + 1, 0 };
	char big[sizeof(struct sync_msg) + 64] = { 0 };
	struct sync_msg m;
	int fds[2];

	(void)make_pair(fds);
	CHECK_EQ(send(fds[1], "abc", 3, 0), 3);
	CHECK_EQ(sync_recv(fds[0], &m, NULL), -EPROTO);
	CHECK_EQ(send(fds[1], unknown, sizeof(unknown), 0), sizeof(unknown));
	CHECK_EQ(sync_recv(fds[0], &m, NULL), -EPROTO);
	CHECK_EQ(send(fds[1], big, sizeof(big), 0), sizeof(big));
	CHECK_EQ(sync_recv(fds[0], &m, NULL), -EMSGSIZE);
	(void)close(fds[1]);
	CHECK_EQ(sync_recv(fds[0], &m, NULL), 0);
	(void)close(fds[0]);
}

static void test_wait(void)
{
	struct err err = ERR_INIT;
	struct sync s = { 0 };
	int fds[2];

	(void)make_pair(fds);
	s.fd = fds[1];
	CHECK_EQ(sync_send(fds[0], SYNC_READY, 0, -1), 0); /* ahead of the other one */
	CHECK_EQ(sync_send(fds[0], SYNC_HOOKS, 0, -1), 0);
	CHECK_EQ(sync_wait(&s, SYNC_HOOKS, &err), 0);
	(void)close(fds[0]);
	CHECK_EQ(sync_wait(&s, SYNC_READY, &err), 0);           /* was read already */
	CHECK_EQ(sync_wait(&s, SYNC_READY, &err), -ECONNRESET); /* holds once */
	CHECK_STR(err.msg, "wait for the runtime: it has ended");
	(void)close(fds[1]);
}

TEST_MAIN(TEST(test_error_text), TEST(test_descriptor), TEST(test_malformed), TEST(test_wait))
