// SPDX-License-Identifier: GPL-2.0-or-later
/* What the runtime makes of the ends that bivalve-net can come to. */
#include <stddef.h>
#include <sys/socket.h>
#include <unistd.h>

#include "netns/helper.h"
#include "runtime/network.h"
#include "spec/base/fd.h"
#include "tests/unit/test.h"

/* A helper whose process has ended; what it sent before is in the socket. */
static bool begin(struct network_helper *h, int *out_their_fd)
{
	int pair[2];

	h->pid = fork(); /* before the sockets, which it would keep open */
	if (h->pid == 0)
		_exit(1);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return false;
	h->sock_fd = pair[0];
	*out_their_fd = pair[1];
	return h->pid > 0;
}

static void answer(int fd, int code, const char *text)
{
	struct helper_reply reply = { .code = code };

	(void)snprintf(reply.text, sizeof(reply.text), "%s", text);
	CHECK_EQ(
	    fd_send(fd, &reply, offsetof(struct helper_reply, text) + strlen(text) + 1, NULL, 0),
	    0);
}

/* The end of a socket with an unread message resets the connection, and the reply is still there.
 */
static void test_answers_without_reading(void)
{
	struct network_helper h = NETWORK_HELPER_INIT;
	struct err err = ERR_INIT;
	int fd;

	if (!begin(&h, &fd)) {
		CHECK(false);
		return;
	}
	CHECK_EQ(fd_send(h.sock_fd, "", 1, NULL, 0), 0);
	answer(fd, -EINVAL, "option '--dns': no");
	(void)close(fd);
	CHECK_EQ(network_down_end(&h, &err), -EINVAL);
	CHECK_STR(err.msg, "option '--dns': no");
	network_end(&h);
	CHECK_EQ(h.pid, 0);
}

static void test_answers(void)
{
	struct network_helper h = NETWORK_HELPER_INIT;
	struct err err = ERR_INIT;
	int fd;

	if (!begin(&h, &fd)) {
		CHECK(false);
		return;
	}
	answer(fd, 0, "");
	(void)close(fd);
	CHECK_EQ(network_down_end(&h, &err), 0);
	network_end(&h);
}

static void test_ends_without_a_word(void)
{
	static const bool unread[] = { false, true };

	for (size_t i = 0; i < ARRAY_LEN(unread); i++) {
		struct network_helper h = NETWORK_HELPER_INIT;
		struct err err = ERR_INIT;
		int fd;

		if (!begin(&h, &fd)) {
			CHECK(false);
			return;
		}
		if (unread[i])
			CHECK_EQ(fd_send(h.sock_fd, "", 1, NULL, 0), 0);
		(void)close(fd);
		CHECK_EQ(network_down_end(&h, &err), -EPROTO);
		CHECK_STR(err.msg, "'bivalve-net' ended without a result");
		network_end(&h);
	}
}

TEST_MAIN(TEST(test_answers_without_reading), TEST(test_answers), TEST(test_ends_without_a_word))
