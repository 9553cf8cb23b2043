// SPDX-License-Identifier: GPL-2.0-or-later
/* Clients of the host: "CONNECT PORT", how it may come and how not, and how many may dawdle. */
#include <sys/resource.h>

#include "tests/unit/vsock_rig.h"

enum { OP_REQUEST = VIRTIO_VSOCK_OP_REQUEST };

static void test_parse(void)
{
	static const struct {
		const char *line;
		int rc;
		uint32_t port;
	} cases[] = {
		{ "CONNECT 0", 0, 0 },
		{ "CONNECT 52", 0, 52 },
		{ "CONNECT 4294967294", 0, UINT32_MAX - 1 },
		{ "CONNECT 4294967295", -EINVAL, 0 }, /* "any port" */
		{ "CONNECT 4294967296", -EINVAL, 0 },
		{ "CONNECT 18446744073709551616", -EINVAL, 0 },
		{ "CONNECT ", -EINVAL, 0 },
		{ "CONNECT", -EINVAL, 0 },
		{ "CONNECT  5", -EINVAL, 0 },
		{ "CONNECT 5 ", -EINVAL, 0 },
		{ "CONNECT 5\r", -EINVAL, 0 },
		{ "CONNECT +5", -EINVAL, 0 },
		{ "CONNECT -5", -EINVAL, 0 },
		{ "CONNECT 0x5", -EINVAL, 0 },
		{ "CONNECT 5a", -EINVAL, 0 },
		{ "connect 5", -EINVAL, 0 },
		{ " CONNECT 5", -EINVAL, 0 },
		{ "", -EINVAL, 0 },
		{ "GET / HTTP/1.1", -EINVAL, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint32_t port = 0;

		CHECK_EQ(vsock_host_parse_line(cases[i].line, &port), cases[i].rc);
		CHECK_EQ(port, cases[i].port);
	}
}

static void test_refused_lines(void)
{
	static const char *const lines[] = {
		"CONNECT x\n",
		"\n",
		"CONNECT 1\r\n",
		"0123456789012345678901234567890123456789",
		"CONNECT 00000000000000000000000000000000000001\n",
	};
	struct vsock_rig t;
	int fd;

	vs_setup(&t);
	vs_offer(&t, 4);
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		fd = vs_client(&t, lines[i]);
		vs_pump(&t);
		CHECK(vs_at_end(fd));
		(void)close(fd);
	}
	fd = vs_client(&t, "CONNECT 1");
	CHECK_EQ(send(fd, "\0\n", 2, 0), 2); /* a NUL does not end it */
	vs_pump(&t);
	CHECK(vs_at_end(fd));
	(void)close(fd);
	fd = vs_client(&t, "CONNECT 1"); /* ends before its line does */
	CHECK_EQ(shutdown(fd, SHUT_WR), 0);
	vs_pump(&t);
	CHECK(vs_at_end(fd));
	(void)close(fd);
	CHECK_EQ(t.v->n_conns, 0);
	vs_expect_nothing(&t);
	vs_teardown(&t);
}

/* Byte by byte. */
static void test_dribble(void)
{
	static const char line[] = "CONNECT 4294967294\n";
	struct vsock_rig t;
	int fd;

	vs_setup(&t);
	vs_offer(&t, 4);
	fd = vs_client(&t, "");
	for (size_t i = 0; line[i]; i++) {
		vs_expect_nothing(&t);
		CHECK_EQ(send(fd, line + i, 1, 0), 1);
	}
	CHECK(vs_expect(&t, UINT32_MAX - 1, VSOCK_HOST_PORT, OP_REQUEST, NULL));
	(void)close(fd);
	vs_teardown(&t);
}

/* Clients that say nothing: no more than VSOCK_HANDSHAKES_MAX are let in, the next waits. */
static void test_dawdlers(void)
{
	static int fds[VSOCK_HANDSHAKES_MAX];
	struct vsock_rig t;
	int fd;

	vs_setup(&t);
	vs_offer(&t, 4);
	for (int i = 0; i < VSOCK_HANDSHAKES_MAX; i++)
		fds[i] = vs_client(&t, "CON");
	fd = vs_client(&t, "CONNECT 8\n");
	vs_expect_nothing(&t);
	CHECK_EQ(t.v->n_handshakes, VSOCK_HANDSHAKES_MAX);
	(void)close(fds[5]); /* one of them goes */
	CHECK(vs_expect(&t, 8, VSOCK_HOST_PORT, OP_REQUEST, NULL));
	vs_expire(&t);
	CHECK_EQ(t.v->n_handshakes, 0);
	for (int i = 0; i < VSOCK_HANDSHAKES_MAX; i++) {
		if (i != 5)
			(void)close(fds[i]);
	}
	(void)close(fd);
	vs_teardown(&t);
}

/* No descriptor for a client: it waits, and nothing is busy meanwhile. */
static void test_no_fds(void)
{
	struct vsock_rig t;
	struct rlimit was;
	struct rlimit none;
	int fd;

	vs_setup(&t);
	vs_offer(&t, 4);
	fd = vs_client(&t, "CONNECT 8\n");
	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &was), 0);
	none = was;
	none.rlim_cur = 3; /* 0, 1 and 2 are open */
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
	vs_expect_nothing(&t);
	CHECK(t.v->accept_failed);
	CHECK_EQ(t.v->n_conns, 0);
	vs_expire(&t);
	CHECK(t.v->accept_failed);
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &was), 0);
	vs_expire(&t);
	CHECK(vs_expect(&t, 8, VSOCK_HOST_PORT, OP_REQUEST, NULL));
	(void)close(fd);
	vs_teardown(&t);
}

/* Ports of the host: none twice for one port of the guest, and round at the end. */
static void test_ports(void)
{
	struct vsock_rig t;
	uint32_t a;
	uint32_t b;
	int fds[2];

	vs_setup(&t);
	vs_offer(&t, 8);
	t.v->next_port = 2 * (uint32_t)VSOCK_HOST_PORT - 1;
	fds[0] = vs_from_host(&t, 8, &a);
	CHECK_EQ(a, 2 * (uint32_t)VSOCK_HOST_PORT - 1);
	CHECK_EQ(t.v->next_port, VSOCK_HOST_PORT);
	t.v->next_port = a;
	fds[1] = vs_from_host(&t, 8, &b);
	CHECK_EQ(b, VSOCK_HOST_PORT);
	(void)close(fds[0]);
	(void)close(fds[1]);
	vs_teardown(&t);
}

TEST_MAIN(TEST(test_parse), TEST(test_refused_lines), TEST(test_dribble), TEST(test_dawdlers),
	  TEST(test_no_fds), TEST(test_ports))
