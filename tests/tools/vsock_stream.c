// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Streams over AF_VSOCK in a guest and over the Unix sockets of the machine's vsock device on the
 * host; static, so that it runs in both.
 *   vsock_stream listen ADDRESS echo COUNT     COUNT connections, all at once, then ends
 *   vsock_stream listen ADDRESS take COUNT     the same; each must be the pattern, whole
 *   vsock_stream connect ADDRESS echo BYTES    sends the pattern and reads it back at the same time
 *   vsock_stream connect ADDRESS give BYTES    sends the pattern, half closes, waits for the end
 *   vsock_stream connect ADDRESS slow BYTES    as echo; reads nothing until no more can be sent
 *   vsock_stream connect ADDRESS many COUNT    COUNT connections at once, a word through each
 *   vsock_stream connect ADDRESS refused       succeeds when the connection does not come about
 * ADDRESS: vsock:CID:PORT, unix:PATH, or unix:PATH:PORT for "CONNECT PORT" behind connecting.
 * Prints one line with bytes and time; anything wrong is a line and exit status 1.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
/* It wants sa_family_t of sys/socket.h. */
#include <linux/vm_sockets.h>

enum { CHUNK = 65536, MANY_MAX = 1000, SECONDS_MAX = 600 };

struct address {
	union {
		struct sockaddr any;
		struct sockaddr_vm vm;
		struct sockaddr_un un;
	} u;
	socklen_t len;
	const char *connect_port; /* NULL: none */
};

static _Noreturn void fail(const char *what)
{
	printf("vsock_stream: %s: %m\n", what);
	exit(1);
}

static void parse(const char *text, struct address *a)
{
	char *end;

	memset(a, 0, sizeof(*a));
	if (strncmp(text, "vsock:", 6) == 0) {
		a->u.vm.svm_family = AF_VSOCK;
		a->u.vm.svm_cid = (unsigned int)strtoul(text + 6, &end, 10);
		if (*end != ':')
			fail(text);
		a->u.vm.svm_port = (unsigned int)strtoul(end + 1, NULL, 10);
		a->len = sizeof(a->u.vm);
		return;
	}
	if (strncmp(text, "unix:", 5) != 0 || strlen(text) >= sizeof(a->u.un.sun_path))
		fail(text);
	a->u.un.sun_family = AF_UNIX;
	strcpy(a->u.un.sun_path, text + 5);
	end = strchr(a->u.un.sun_path, ':');
	if (end) {
		*end = '\0';
		a->connect_port = strchr(text + 5, ':') + 1;
	}
	a->len = sizeof(a->u.un);
}

/* Byte @i of every stream. */
static uint8_t pattern(uint64_t i)
{
	return (uint8_t)(i ^ (i >> 8) * 3 ^ (i >> 16) * 5);
}

static void check_pattern(const uint8_t *data, size_t n, uint64_t at)
{
	for (size_t i = 0; i < n; i++) {
		if (data[i] != pattern(at + i)) {
			errno = EBADMSG;
			fail("the stream's content");
		}
	}
}

/* Waits for @events on @fd. */
static short wait_for(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };

	if (poll(&p, 1, SECONDS_MAX * 1000) != 1) {
		errno = ETIMEDOUT;
		fail("wait");
	}
	return p.revents;
}

static void read_exactly(int fd, char *data, size_t n)
{
	while (n > 0) {
		ssize_t rc;

		(void)wait_for(fd, POLLIN);
		rc = read(fd, data, n);
		if (rc <= 0) {
			errno = rc == 0 ? ECONNRESET : errno;
			fail("read");
		}
		data += rc;
		n -= (size_t)rc;
	}
}

/* "CONNECT PORT", "OK PORT". Returns 0 or -1: refused. */
static int handshake(int fd, const char *port)
{
	char line[64];
	size_t n = 0;

	if (dprintf(fd, "CONNECT %s\n", port) < 0)
		return -1;
	while (n + 1 < sizeof(line) && read(fd, line + n, 1) == 1) {
		if (line[n++] == '\n')
			return strncmp(line, "OK ", 3) == 0 ? 0 : -1;
	}
	return -1;
}

/* A connection, or -1. Non-blocking. */
static int open_stream(const struct address *a)
{
	const struct timeval patience = { .tv_sec =
					      30 }; /* the kernel's 2 s are short on a busy bed */
	int fd = socket(a->u.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		fail("socket");
	if (a->u.any.sa_family == AF_VSOCK &&
	    setsockopt(fd, AF_VSOCK, SO_VM_SOCKETS_CONNECT_TIMEOUT, &patience, sizeof(patience)) <
		0)
		fail("setsockopt");
	if (connect(fd, &a->u.any, a->len) < 0 ||
	    (a->connect_port && handshake(fd, a->connect_port) < 0)) {
		close(fd);
		return -1;
	}
	if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
		fail("fcntl");
	return fd;
}

/* Sends as much of the pattern as goes now. Returns the new position. */
static uint64_t send_some(int fd, uint64_t at, uint64_t end)
{
	static uint8_t data[CHUNK];
	size_t n = end - at < CHUNK ? (size_t)(end - at) : CHUNK;
	ssize_t rc;

	for (size_t i = 0; i < n; i++)
		data[i] = pattern(at + i);
	rc = send(fd, data, n, MSG_NOSIGNAL);
	if (rc < 0 && errno != EAGAIN)
		fail("send");
	return at + (rc > 0 ? (uint64_t)rc : 0);
}

/* Receives what there is of the pattern. Returns the new position; *@out_end: the stream's end. */
static uint64_t take_some(int fd, uint64_t at, int *out_end)
{
	static uint8_t data[CHUNK];
	ssize_t rc = recv(fd, data, sizeof(data), 0);

	if (rc < 0 && errno != EAGAIN)
		fail("recv");
	if (rc > 0)
		check_pattern(data, (size_t)rc, at);
	*out_end = rc == 0;
	return at + (rc > 0 ? (uint64_t)rc : 0);
}

/* @slow: reads nothing before the other side takes no more. */
static void run_echo(int fd, uint64_t bytes, int slow)
{
	uint64_t sent = 0;
	uint64_t got = 0;
	int shut = 0;
	int end = 0;

	while (slow && sent < bytes) {
		struct pollfd p = { .fd = fd, .events = POLLOUT };

		if (poll(&p, 1, 1000) == 0)
			break;
		sent = send_some(fd, sent, bytes);
	}
	if (slow)
		printf("it took %llu bytes without a reader\n", (unsigned long long)sent);
	while (!end) {
		short events = wait_for(fd, sent < bytes ? POLLIN | POLLOUT : POLLIN);

		if ((events & POLLOUT) && sent < bytes)
			sent = send_some(fd, sent, bytes);
		if (sent == bytes && !shut) {
			shut = 1;
			if (shutdown(fd, SHUT_WR) < 0)
				fail("shutdown");
		}
		if (events & (POLLIN | POLLHUP))
			got = take_some(fd, got, &end);
	}
	if (got != bytes) {
		errno = EPIPE;
		fail("the stream's length");
	}
}

static void run_give(int fd, uint64_t bytes)
{
	uint64_t sent = 0;
	char c;

	while (sent < bytes) {
		(void)wait_for(fd, POLLOUT);
		sent = send_some(fd, sent, bytes);
	}
	if (shutdown(fd, SHUT_WR) < 0)
		fail("shutdown");
	(void)wait_for(fd, POLLIN);
	if (read(fd, &c, 1) != 0)
		fail("the other side's end");
}

static void run_many(const struct address *a, size_t count)
{
	static int fds[MANY_MAX];
	char back[4];

	if (count > MANY_MAX)
		fail("too many");
	for (size_t i = 0; i < count; i++) {
		fds[i] = open_stream(a);
		if (fds[i] < 0)
			fail("connect");
		if (send(fds[i], "word", 4, MSG_NOSIGNAL) != 4)
			fail("send");
	}
	for (size_t i = 0; i < count; i++) {
		read_exactly(fds[i], back, sizeof(back));
		if (memcmp(back, "word", sizeof(back)) != 0)
			fail("the word");
		close(fds[i]);
	}
}

/* ---- the server --------------------------------------------------------------------------------
 */

struct peer {
	int fd;
	uint8_t *data; /* what is to be echoed */
	size_t first, len;
	uint64_t at;
	int is_over;
};

/* Serves one connection as far as it goes. Returns 1 when it has ended. */
static int serve(struct peer *p, int echo, uint64_t *total)
{
	ssize_t rc;

	if (p->len == 0 && !p->is_over) {
		rc = recv(p->fd, p->data, CHUNK, 0);
		if (rc < 0 && errno == EAGAIN)
			return 0;
		if (rc < 0 && errno != ECONNRESET)
			fail("recv");
		p->is_over = rc <= 0;
		p->first = 0;
		p->len = echo && rc > 0 ? (size_t)rc : 0;
		if (!echo && rc > 0)
			check_pattern(p->data, (size_t)rc, p->at);
		p->at += rc > 0 ? (uint64_t)rc : 0;
		*total += rc > 0 ? (uint64_t)rc : 0;
	}
	if (p->len > 0) {
		rc = send(p->fd, p->data + p->first, p->len, MSG_NOSIGNAL);
		if (rc < 0 && errno == EAGAIN)
			return 0;
		if (rc < 0)
			return 1; /* a client that does not wait */
		p->first += (size_t)rc;
		p->len -= (size_t)rc;
	}
	return p->is_over && p->len == 0;
}

static void watch(int epoll_fd, int op, struct peer *p, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.ptr = p };

	if (epoll_ctl(epoll_fd, op, p->fd, &e) < 0)
		fail("epoll_ctl");
}

static void accept_all(int server, int epoll_fd)
{
	int fd;

	while ((fd = accept4(server, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0) {
		struct peer *p = calloc(1, sizeof(*p));

		p->fd = fd;
		p->data = malloc(CHUNK);
		watch(epoll_fd, EPOLL_CTL_ADD, p, EPOLLIN);
	}
	if (errno != EAGAIN)
		fail("accept");
}

static void run_server(int server, int echo, size_t count, uint64_t *total)
{
	struct peer listener = { .fd = server };
	struct epoll_event events[64];
	int epoll_fd = epoll_create1(EPOLL_CLOEXEC);

	watch(epoll_fd, EPOLL_CTL_ADD, &listener, EPOLLIN);
	while (count > 0) {
		int n = epoll_wait(epoll_fd, events, 64, SECONDS_MAX * 1000);

		if (n <= 0) {
			errno = ETIMEDOUT;
			fail("wait for clients");
		}
		for (int i = 0; i < n; i++) {
			struct peer *p = events[i].data.ptr;

			if (p == &listener) {
				accept_all(server, epoll_fd);
			} else if (serve(p, echo, total)) {
				close(p->fd);
				free(p->data);
				free(p);
				count--;
			} else {
				watch(epoll_fd, EPOLL_CTL_MOD, p, p->len ? EPOLLOUT : EPOLLIN);
			}
		}
	}
}

int main(int argc, char **argv)
{
	struct address a;
	struct timespec begin;
	struct timespec end;
	uint64_t n = argc > 4 ? strtoull(argv[4], NULL, 10) : 0;
	int fd;

	if (argc < 4)
		return 2;
	parse(argv[2], &a);
	if (strcmp(argv[1], "listen") == 0) {
		uint64_t total = 0;

		fd = socket(a.u.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		if (bind(fd, &a.u.any, a.len) < 0 || listen(fd, MANY_MAX) < 0)
			fail("listen");
		printf("listening\n");
		(void)fflush(stdout);
		run_server(fd, strcmp(argv[3], "echo") == 0, n, &total);
		printf("served %llu, %llu bytes\n", (unsigned long long)n,
		       (unsigned long long)total);
		return 0;
	}
	(void)clock_gettime(CLOCK_MONOTONIC, &begin);
	if (strcmp(argv[3], "many") == 0) {
		run_many(&a, n);
	} else {
		fd = open_stream(&a);
		if (strcmp(argv[3], "refused") == 0)
			return fd < 0 ? 0 : 1;
		if (fd < 0)
			fail("connect");
		if (strcmp(argv[3], "give") == 0)
			run_give(fd, n);
		else
			run_echo(fd, n, strcmp(argv[3], "slow") == 0);
		close(fd);
	}
	(void)clock_gettime(CLOCK_MONOTONIC, &end);
	printf("%s %llu in %lld ms\n", argv[3], (unsigned long long)n,
	       (long long)(end.tv_sec - begin.tv_sec) * 1000 +
		   (end.tv_nsec - begin.tv_nsec) / 1000000);
	return 0;
}
