// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Moves bytes that both ends can check over TCP, and datagrams over UDP.
 * usage: netpump serve PORT COUNT: serves COUNT connections, all at once (TCP), or datagrams (UDP,
 * on the same port) netpump send|receive|both ADDRESS PORT MIB: one connection, in the given
 * direction netpump udp ADDRESS PORT BYTES: the echo of one datagram
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHUNK = 100000, SECONDS = 300 };

struct request {
	uint32_t sends, receives; /* MiB, of the client, in network order */
};

/* The stream repeats after PERIOD bytes, which no buffer or segment divides. */
enum { PERIOD = 65521 };
static uint8_t chunk[CHUNK + 4096];
static uint8_t stream[PERIOD + CHUNK];

static void make_stream(void)
{
	uint32_t x = 1;

	for (size_t i = 0; i < PERIOD; i++) {
		x = x * 1664525 + 1013904223;
		stream[i] = (uint8_t)(x >> 24);
	}
	for (size_t i = PERIOD; i < sizeof(stream); i++)
		stream[i] = stream[i - PERIOD];
}

static bool send_all(int fd, uint64_t bytes)
{
	for (uint64_t at = 0; at < bytes;) {
		const size_t n = bytes - at < CHUNK ? (size_t)(bytes - at) : CHUNK;

		for (size_t done = 0; done < n;) {
			ssize_t rc = write(fd, stream + at % PERIOD + done, n - done);

			if (rc <= 0)
				return false;
			done += (size_t)rc;
		}
		at += n;
	}
	return true;
}

static bool receive_all(int fd, uint64_t bytes)
{
	for (uint64_t at = 0; at < bytes;) {
		ssize_t n = read(fd, chunk, bytes - at < CHUNK ? (size_t)(bytes - at) : CHUNK);

		if (n <= 0)
			return false;
		if (memcmp(chunk, stream + at % PERIOD, (size_t)n) != 0) {
			printf("netpump: bytes from %llu on differ\n", (unsigned long long)at);
			return false;
		}
		at += (uint64_t)n;
	}
	return true;
}

/* Both at once: a child sends, the parent receives. */
static bool exchange(int fd, uint64_t out, uint64_t in)
{
	int status = -1;
	pid_t pid = fork();
	bool ok;

	if (pid == 0)
		_exit(!send_all(fd, out));
	ok = receive_all(fd, in);
	return waitpid(pid, &status, 0) == pid && status == 0 && ok;
}

static void set_limit(int fd)
{
	const struct timeval t = { .tv_sec = SECONDS };

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t));
}

static int serve_one(int fd)
{
	struct request r;
	char end = 'e';

	set_limit(fd);
	if (read(fd, &r, sizeof(r)) != sizeof(r))
		return 1;
	if (!exchange(fd, (uint64_t)ntohl(r.receives) << 20, (uint64_t)ntohl(r.sends) << 20))
		return 1;
	return write(fd, &end, 1) == 1 ? 0 : 1;
}

static int serve(uint16_t port, long count)
{
	const struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	int tcp = socket(AF_INET6, SOCK_STREAM, 0);
	int udp = socket(AF_INET6, SOCK_DGRAM, 0);
	const int one = 1;
	int failed = 0;

	setsockopt(tcp, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(tcp, (const void *)&any, sizeof(any)) < 0 || listen(tcp, 16) < 0 ||
	    bind(udp, (const void *)&any, sizeof(any)) < 0)
		return 2;
	for (long i = 0; i < count; i++) {
		struct pollfd p[2] = { { .fd = tcp, .events = POLLIN },
				       { .fd = udp, .events = POLLIN } };
		int fd;

		if (poll(p, 2, SECONDS * 1000) <= 0)
			return 3;
		if (p[1].revents) {
			struct sockaddr_in6 from;
			socklen_t len = sizeof(from);
			ssize_t n = recvfrom(udp, chunk, sizeof(chunk), 0, (void *)&from, &len);

			failed |=
			    n < 0 || sendto(udp, chunk, (size_t)n, 0, (void *)&from, len) != n;
			continue;
		}
		fd = accept(tcp, NULL, NULL);
		if (fork() == 0)
			_exit(serve_one(fd));
		close(fd);
	}
	for (int status; wait(&status) > 0;)
		failed |= status;
	return failed != 0;
}

static int open_to(const char *address, uint16_t port, int type)
{
	struct sockaddr_in6 a6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	struct sockaddr_in a4 = { .sin_family = AF_INET, .sin_port = htons(port) };
	const bool is6 = strchr(address, ':') != NULL;
	int fd = socket(is6 ? AF_INET6 : AF_INET, type, 0);

	inet_pton(is6 ? AF_INET6 : AF_INET, address,
		  is6 ? (void *)&a6.sin6_addr : (void *)&a4.sin_addr);
	set_limit(fd);
	if (connect(fd, is6 ? (void *)&a6 : (void *)&a4, is6 ? sizeof(a6) : sizeof(a4)) < 0)
		perror(address);
	return fd;
}

static int udp(const char *address, uint16_t port, size_t bytes)
{
	int fd = open_to(address, port, SOCK_DGRAM);
	static uint8_t back[sizeof(chunk)];

	if (bytes > 65000)
		return 2;
	for (size_t i = 0; i < bytes; i++)
		chunk[i] = stream[i];
	if (send(fd, chunk, bytes, 0) != (ssize_t)bytes)
		return 1;
	return recv(fd, back, sizeof(back), 0) == (ssize_t)bytes && memcmp(chunk, back, bytes) == 0
		   ? 0
		   : 1;
}

int main(int argc, char **argv)
{
	struct request r = { 0 };
	uint32_t mib;
	char end = 0;
	int fd;

	make_stream();
	if (argc == 4 && strcmp(argv[1], "serve") == 0)
		return serve((uint16_t)atoi(argv[2]), atol(argv[3]));
	if (argc != 5)
		return 2;
	mib = (uint32_t)atol(argv[4]);
	if (strcmp(argv[1], "udp") == 0)
		return udp(argv[2], (uint16_t)atoi(argv[3]), mib);
	if (strcmp(argv[1], "receive") != 0)
		r.sends = htonl(mib);
	if (strcmp(argv[1], "send") != 0)
		r.receives = htonl(mib);
	fd = open_to(argv[2], (uint16_t)atoi(argv[3]), SOCK_STREAM);
	if (write(fd, &r, sizeof(r)) != sizeof(r))
		return 1;
	if (!exchange(fd, (uint64_t)ntohl(r.sends) << 20, (uint64_t)ntohl(r.receives) << 20))
		return 1;
	/* The other end has checked all of it too. */
	return read(fd, &end, 1) == 1 && end == 'e' ? 0 : 1;
}
