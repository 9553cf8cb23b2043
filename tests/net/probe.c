// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Questions of reachability, for tests:
 *   probe serve NAME PORT...                   answers TCP and UDP, IPv4 and IPv6: "NAME CLIENT"
 *   probe hold                                 does nothing, for ever
 *   probe tcp|udp|icmp ADDRESS PORT MS         asks, prints the answer; exit 1 without one
 *   probe expect                               reads lines "yes|no ADDRESS", asks each by ICMP, and
 * by TCP and UDP at port 80; exit 1 if one is otherwise probe frames FD MAC ADDRESS speaks Ethernet
 * on a TAP: answers ARP and ICMP echo probe guest FD NETNS-FILE                  joins a TAP to a
 * new one, eth0, in a namespace: what is there has a TAP on a bridge, as a VM does Everything is
 * tried again until the time is over, so a busy machine gives no false "no".
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MAX_PORTS = 64, RETRY_MS = 100, VNET_HEADER = 10 };

union any {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

static int64_t now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int fail(const char *what)
{
	perror(what);
	return 1;
}

static int listen_on(int type, uint16_t port)
{
	struct sockaddr_in6 a = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	int fd = socket(AF_INET6, type | SOCK_CLOEXEC, 0);
	int zero = 0;
	int one = 1;

	(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof(zero));
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 ||
	    (type == SOCK_STREAM && listen(fd, 64) < 0))
		return -1;
	return fd;
}

/* "NAME CLIENT\n"; an IPv4 client is written as such. */
static size_t greeting(char *buf, size_t size, const char *name, const struct sockaddr_in6 *from)
{
	char text[INET6_ADDRSTRLEN];
	const char *client = inet_ntop(AF_INET6, &from->sin6_addr, text, sizeof(text));

	if (client && strncmp(client, "::ffff:", 7) == 0)
		client += 7;
	return (size_t)snprintf(buf, size, "%s %s\n", name, client);
}

static void answer(int fd, int is_stream, const char *name)
{
	struct sockaddr_in6 from;
	socklen_t len = sizeof(from);
	char buf[256];

	if (is_stream) {
		int c = accept(fd, (struct sockaddr *)&from, &len);

		if (c < 0)
			return;
		if (send(c, buf, greeting(buf, sizeof(buf), name, &from), MSG_NOSIGNAL) < 0)
			perror("send");
		(void)close(c);
	} else if (recvfrom(fd, buf, sizeof(buf), 0, (struct sockaddr *)&from, &len) >= 0) {
		if (sendto(fd, buf, greeting(buf, sizeof(buf), name, &from), 0,
			   (struct sockaddr *)&from, len) < 0)
			perror("sendto");
	}
}

static int serve(int argc, char **argv)
{
	struct pollfd p[2 * MAX_PORTS];
	nfds_t n = 0;

	(void)close_range(3, ~0U, 0);
	for (int i = 1; i < argc && i <= MAX_PORTS; i++) {
		p[n++].fd = listen_on(SOCK_STREAM, (uint16_t)atoi(argv[i]));
		p[n++].fd = listen_on(SOCK_DGRAM, (uint16_t)atoi(argv[i]));
		if (p[n - 1].fd < 0 || p[n - 2].fd < 0)
			return fail("listen");
		p[n - 1].events = p[n - 2].events = POLLIN;
	}
	printf("ready\n");
	(void)fflush(stdout);
	for (;;) {
		if (poll(p, n, -1) < 0 && errno != EINTR)
			return fail("poll");
		for (nfds_t i = 0; i < n; i++) {
			if (p[i].revents & POLLIN)
				answer(p[i].fd, i % 2 == 0, argv[0]);
		}
	}
}

static uint16_t checksum(const void *data, size_t len)
{
	const uint8_t *p = data;
	uint32_t sum = 0;

	for (size_t i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)(p[i] << 8 | p[i + 1]);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

/* One try; waits at most RETRY_MS. Returns 1 when it was answered. */
static int try_tcp(const union any *to, socklen_t len)
{
	int fd = socket(to->sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	char buf[256];
	ssize_t n = -1;

	(void)connect(fd, &to->sa, len);
	if (poll(&p, 1, 5 * RETRY_MS) == 1) {
		p.events = POLLIN;
		if (poll(&p, 1, 5 * RETRY_MS) == 1)
			n = recv(fd, buf, sizeof(buf), 0);
	}
	(void)close(fd);
	return n > 0 && write(STDOUT_FILENO, buf, (size_t)n) == n;
}

static int try_udp(const union any *to, socklen_t len)
{
	int fd = socket(to->sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char buf[256];
	ssize_t n = -1;

	if (connect(fd, &to->sa, len) == 0 && send(fd, "?", 1, 0) == 1 &&
	    poll(&p, 1, RETRY_MS) == 1)
		n = recv(fd, buf, sizeof(buf), 0);
	(void)close(fd);
	return n > 0 && write(STDOUT_FILENO, buf, (size_t)n) == n;
}

static int try_icmp(const union any *to, socklen_t len)
{
	int is4 = to->sa.sa_family == AF_INET;
	int fd =
	    socket(to->sa.sa_family, SOCK_RAW | SOCK_CLOEXEC, is4 ? IPPROTO_ICMP : IPPROTO_ICMPV6);
	uint8_t echo[16] = { is4 ? ICMP_ECHO : ICMP6_ECHO_REQUEST };
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int64_t end = now_ms() + RETRY_MS;
	uint16_t sum;
	int found = 0;

	echo[4] = (uint8_t)(getpid() >> 8);
	echo[5] = (uint8_t)getpid();
	sum = checksum(echo, sizeof(echo));
	if (is4)
		memcpy(echo + 2, &sum, 2);
	if (sendto(fd, echo, sizeof(echo), 0, &to->sa, len) > 0) {
		while (!found && now_ms() < end && poll(&p, 1, RETRY_MS) == 1) {
			uint8_t buf[512];
			ssize_t n = recv(fd, buf, sizeof(buf), 0);
			size_t skip = is4 ? 20 : 0;

			found = n >= (ssize_t)skip + 8 &&
				buf[skip] == (is4 ? ICMP_ECHOREPLY : ICMP6_ECHO_REPLY) &&
				memcmp(buf + skip + 4, echo + 4, 2) == 0;
		}
	}
	(void)close(fd);
	return found;
}

static int ask(const char *kind, char **argv)
{
	int (*try)(const union any *to, socklen_t len) = strcmp(kind, "tcp") == 0   ? try_tcp
							 : strcmp(kind, "udp") == 0 ? try_udp
										    : try_icmp;
	int64_t end = now_ms() + atoi(argv[2]);
	union any to = { 0 };
	socklen_t len = sizeof(to.in);

	if (inet_pton(AF_INET, argv[0], &to.in.sin_addr) == 1) {
		to.in.sin_family = AF_INET;
		to.in.sin_port = htons((uint16_t)atoi(argv[1]));
	} else if (inet_pton(AF_INET6, argv[0], &to.in6.sin6_addr) == 1) {
		to.in6.sin6_family = AF_INET6;
		/* A raw socket refuses a port. */
		to.in6.sin6_port = htons(try == try_icmp ? 0 : (uint16_t)atoi(argv[1]));
		len = sizeof(to.in6);
	} else {
		return fail(argv[0]);
	}
	do {
		if (try(&to, len))
			return 0;
		(void)usleep(5000);
	} while (now_ms() < end);
	return 1;
}

enum { EXPECT_MAX = 1024 };

/* One question of expect(): asked by a process of its own. */
struct question {
	pid_t pid;
	int want_yes;
	const char *kind;
	char address[INET6_ADDRSTRLEN];
};

static void start_question(struct question *q)
{
	char port[] = "80";
	char yes_ms[] = "5000";
	char no_ms[] = "400";
	char *argv[] = { q->address, port, q->want_yes ? yes_ms : no_ms, NULL };

	q->pid = fork();
	if (q->pid != 0)
		return;
	if (!freopen("/dev/null", "w", stdout))
		_exit(2);
	_exit(ask(q->kind, argv));
}

/* Lines "yes|no ADDRESS" on stdin. Returns 0 when all by ICMP, TCP and UDP is as expected. */
static int expect(void)
{
	static const char *const kinds[] = { "icmp", "tcp", "udp" };
	static struct question q[EXPECT_MAX];
	char want[8];
	char address[INET6_ADDRSTRLEN];
	size_t n = 0;
	int bad = 0;

	while (scanf("%7s %45s", want, address) == 2) {
		for (size_t i = 0; i < 3 && n < EXPECT_MAX; i++) {
			q[n] = (struct question){ .want_yes = want[0] == 'y', .kind = kinds[i] };
			(void)snprintf(q[n].address, sizeof(q[n].address), "%s", address);
			start_question(&q[n++]);
		}
	}
	for (size_t i = 0; i < n; i++) {
		int status = 0;

		if (waitpid(q[i].pid, &status, 0) < 0 || (status == 0) != q[i].want_yes) {
			printf("%s to %s is %sanswered\n", q[i].kind, q[i].address,
			       q[i].want_yes ? "not " : "");
			bad = 1;
		}
	}
	return n == 0 || n == EXPECT_MAX ? 2 : bad;
}

/* Turns an ARP request for @ip, or an ICMP echo, into its answer. Returns 1 when it did. */
static int turn_round(uint8_t *f, size_t len, const uint8_t *mac, const uint8_t *ip)
{
	if (len >= 42 && f[12] == 8 && f[13] == 6 && f[21] == 1 && memcmp(f + 38, ip, 4) == 0) {
		f[21] = 2;
		memcpy(f + 32, f + 22, 10);
		memcpy(f + 22, mac, 6);
		memcpy(f + 28, ip, 4);
	} else if (len >= 42 && f[12] == 8 && f[13] == 0 && f[23] == 1 && f[34] == 8 &&
		   memcmp(f + 30, ip, 4) == 0) {
		uint16_t sum;

		memcpy(f + 30, f + 26, 4);
		memcpy(f + 26, ip, 4);
		f[34] = 0;
		f[36] = f[37] = 0;
		sum = checksum(f + 34, (len - 34) & ~(size_t)1);
		memcpy(f + 36, &sum, 2);
	} else {
		return 0;
	}
	memcpy(f, f + 6, 6);
	memcpy(f + 6, mac, 6);
	return 1;
}

static int frames(char **argv)
{
	struct pollfd p = { .fd = atoi(argv[0]), .events = POLLIN };
	uint8_t mac[6];
	uint8_t ip[4];

	if (sscanf(argv[1], "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", mac, mac + 1, mac + 2, mac + 3,
		   mac + 4, mac + 5) != 6 ||
	    inet_pton(AF_INET, argv[2], ip) != 1)
		return fail("frames");
	while (poll(&p, 1, -1) >= 0) {
		uint8_t buf[4096];
		ssize_t n = read(p.fd, buf, sizeof(buf));

		if (n < 0 && errno != EINTR && errno != EAGAIN)
			return 0; /* the device is gone */
		if (n <= VNET_HEADER)
			continue;
		if (turn_round(buf + VNET_HEADER, (size_t)n - VNET_HEADER, mac, ip)) {
			memset(buf, 0, VNET_HEADER);
			if (write(p.fd, buf, (size_t)n) != n)
				perror("write");
		}
	}
	return 1;
}

/* A TAP of the guest's own in its namespace, joined to the one that is passed to us. */
static int open_guest_tap(const char *netns)
{
	struct ifreq r = { .ifr_name = "eth0", .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };
	int netns_fd = open(netns, O_RDONLY | O_CLOEXEC);
	int fd;

	if (netns_fd < 0 || setns(netns_fd, CLONE_NEWNET) < 0)
		return -1;
	fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	return fd < 0 || ioctl(fd, TUNSETIFF, &r) < 0 ? -1 : fd;
}

/* Returns -1 when the device is gone. */
static int carry(int from, int to)
{
	static uint8_t buf[1 << 17];
	ssize_t n = read(from, buf, sizeof(buf));

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	return write(to, buf, (size_t)n) < 0 && errno != EAGAIN && errno != EIO ? -1 : 0;
}

static int guest(char **argv)
{
	struct pollfd p[] = { { .fd = atoi(argv[0]), .events = POLLIN },
			      { .fd = open_guest_tap(argv[1]), .events = POLLIN } };

	if (p[1].fd < 0)
		return fail(argv[1]);
	while (poll(p, 2, -1) >= 0 || errno == EINTR) {
		if (p[0].revents && carry(p[0].fd, p[1].fd) < 0)
			return 0;
		if (p[1].revents && carry(p[1].fd, p[0].fd) < 0)
			return 0;
	}
	return 1;
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "hold") == 0) {
		printf("ready\n");
		(void)fflush(stdout);
		(void)close_range(3, ~0U,
				  0); /* the test program waits for who has its descriptors */
		for (;;)
			(void)pause();
	}
	if (argc == 2 && strcmp(argv[1], "expect") == 0)
		return expect();
	if (argc >= 4 && strcmp(argv[1], "serve") == 0)
		return serve(argc - 2, argv + 2);
	if (argc == 5 && strcmp(argv[1], "frames") == 0)
		return frames(argv + 2);
	if (argc == 4 && strcmp(argv[1], "guest") == 0)
		return guest(argv + 2);
	if (argc == 5)
		return ask(argv[1], argv + 2);
	(void)fprintf(stderr, "see the head of tests/net/probe.c\n");
	return 2;
}
