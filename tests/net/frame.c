// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Sends frames as they are given, and looks where they come out; for tests. Knows no protocol.
 *   frame guarded|open NETNS DEVICE NETNS DEVICE NETNS DEVICE
 * The three are the sender, a peer and the host (its bridge). Lines on stdin:
 *   pass|drop|mark|hello NAME WORD...
 * Words are put behind one another: MAC, IPv4 and IPv6 addresses, or hexadecimal digits. Each frame
 * gets a number behind its end, by which it is known again. "mark" is a frame that passes and gets
 * to both: it is sent after each of the others, and when it is there, what was sent before it has
 * come or never will. "hello" is one of the peer's own, sent before each, so that the bridge knows
 * again where the peer is. The two come first. With "open" nothing keeps frames back, so each must
 * get to where its destination says: who is told "drop" is not kept back by something else.
 * Prints what is otherwise, and the number of frames; exit 1 if one is otherwise.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { FRAME_MAX = 512, LINE_MAX_BYTES = 2048, WAIT_MS = 5000, RETRY_MS = 20 };
enum { SENDER, PEER, HOST, PLACES };

struct frame {
	char name[64];
	uint8_t bytes[FRAME_MAX];
	size_t len;
};

struct place {
	int fd;
	uint8_t mac[ETH_ALEN];
};

/* Behind a frame's end. */
struct tail {
	char word[4];
	uint32_t number;
};
static const char tail_word[4] = { 'b', 'i', 'v', '!' };

static void die(const char *what)
{
	perror(what);
	exit(2);
}

static int64_t now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Frames that one processor sends stay in their order. */
static void stay_on_this_cpu(void)
{
	int cpu = sched_getcpu();
	cpu_set_t set;

	CPU_ZERO(&set);
	if (cpu >= 0)
		CPU_SET((size_t)cpu, &set);
	if (cpu < 0 || sched_setaffinity(0, sizeof(set), &set) < 0)
		die("sched_setaffinity");
}

static void open_place(const char *netns, const char *device, struct place *out)
{
	struct sockaddr_ll at = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };
	struct ifreq r = { 0 };
	int netns_fd = open(netns, O_RDONLY | O_CLOEXEC);
	int one = 1;

	if (netns_fd < 0 || setns(netns_fd, CLONE_NEWNET) < 0)
		die(netns);
	(void)close(netns_fd);
	/* No protocol until it is bound, or it would get frames of every device. */
	out->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	(void)snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", device);
	at.sll_ifindex = (int)if_nametoindex(device);
	if (out->fd < 0 || at.sll_ifindex == 0 || ioctl(out->fd, SIOCGIFHWADDR, &r) < 0 ||
	    setsockopt(out->fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one)) < 0 ||
	    bind(out->fd, (const struct sockaddr *)&at, sizeof(at)) < 0)
		die(device);
	memcpy(out->mac, r.ifr_hwaddr.sa_data, sizeof(out->mac));
}

static bool put(struct frame *f, const void *bytes, size_t len)
{
	if (len > sizeof(f->bytes) - sizeof(struct tail) - f->len)
		return false;
	memcpy(f->bytes + f->len, bytes, len);
	f->len += len;
	return true;
}

static bool put_word(struct frame *f, const char *word)
{
	uint8_t b[16];
	char end;

	if (inet_pton(AF_INET6, word, b) == 1)
		return put(f, b, 16);
	if (inet_pton(AF_INET, word, b) == 1)
		return put(f, b, 4);
	if (sscanf(word, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx%c", b, b + 1, b + 2, b + 3, b + 4, b + 5,
		   &end) == 6)
		return put(f, b, ETH_ALEN);
	for (; *word; word += 2) {
		if (!isxdigit(word[0]) || !isxdigit(word[1]) || sscanf(word, "%2hhx", b) != 1 ||
		    !put(f, b, 1))
			return false;
	}
	return true;
}

/* Returns the first word of @line. */
static const char *read_frame(char *line, struct frame *f)
{
	char *save;
	const char *kind = strtok_r(line, " \n", &save);
	const char *name = kind ? strtok_r(NULL, " \n", &save) : NULL;
	const char *word;

	if (!name)
		return NULL;
	f->len = 0;
	(void)snprintf(f->name, sizeof(f->name), "%s", name);
	while ((word = strtok_r(NULL, " \n", &save))) {
		if (!put_word(f, word)) {
			(void)fprintf(stderr, "%s: what is '%s'?\n", name, word);
			exit(2);
		}
	}
	return kind;
}

static void send_frame(const struct place *from, const struct frame *f, uint32_t number)
{
	struct tail tail = { .number = number };
	uint8_t buf[FRAME_MAX];

	memcpy(tail.word, tail_word, sizeof(tail.word));
	memcpy(buf, f->bytes, f->len);
	memcpy(buf + f->len, &tail, sizeof(tail));
	if (send(from->fd, buf, f->len + sizeof(tail), 0) < 0)
		die(f->name);
}

/* Reads until the frame @last is there. Returns how often @asked came before it, or -1. */
static int count_until(const struct place *at, uint32_t asked, uint32_t last, int wait_ms)
{
	struct pollfd p = { .fd = at->fd, .events = POLLIN };
	int64_t end = now_ms() + wait_ms;
	int count = 0;

	while (now_ms() < end) {
		uint8_t buf[4096];
		struct tail tail;
		ssize_t n;

		if (poll(&p, 1, wait_ms) != 1)
			continue;
		n = recv(at->fd, buf, sizeof(buf), MSG_DONTWAIT);
		if (n < (ssize_t)sizeof(tail))
			continue;
		memcpy(&tail, buf + n - sizeof(tail), sizeof(tail));
		if (memcmp(tail.word, tail_word, sizeof(tail.word)) != 0)
			continue;
		if (tail.number == last)
			return count;
		count += tail.number == asked;
	}
	return -1;
}

static uint32_t next_number = 1;

/* A port of a bridge lets frames through some time after both of its ends are up. */
static void wait_until_open(const struct place *places, const struct frame *mark,
			    const struct frame *hello)
{
	int64_t end = now_ms() + WAIT_MS;

	while (now_ms() < end) {
		uint32_t n = next_number;

		next_number += 2;
		send_frame(&places[PEER], hello, n);
		send_frame(&places[SENDER], mark, n + 1);
		if (count_until(&places[PEER], 0, n + 1, RETRY_MS) == 0 &&
		    count_until(&places[HOST], n, n + 1, RETRY_MS) == 1)
			return;
	}
	printf("%s or %s does not come through\n", hello->name, mark->name);
	exit(1);
}

/* Whether an open bridge brings the frame to the peer or the host: all but the host's own goes to
 * every port. */
static bool leads_to(const struct frame *f, int place, const struct place *places)
{
	bool is_hosts = memcmp(f->bytes, places[HOST].mac, ETH_ALEN) == 0;

	if (f->bytes[0] & 1)
		return true;
	return place == HOST ? is_hosts : !is_hosts;
}

static bool ask(const struct place *places, const struct frame *f, const struct frame *mark,
		const struct frame *hello, bool must_pass)
{
	static const char *const names[] = { "sender", "peer", "host" };
	uint32_t asked = next_number + 1;
	uint32_t last = next_number + 2;
	bool good = true;

	send_frame(&places[PEER], hello, next_number);
	if (count_until(&places[HOST], 0, next_number, WAIT_MS) < 0) {
		printf("%s: nothing comes from the peer\n", f->name);
		exit(1);
	}
	send_frame(&places[SENDER], f, asked);
	send_frame(&places[SENDER], mark, last);
	next_number += 3;
	for (int i = PEER; i <= HOST; i++) {
		int want = must_pass && leads_to(f, i, places);
		int count = count_until(&places[i], asked, last, WAIT_MS);

		if (count < 0) {
			printf("%s: nothing comes to the %s any more\n", f->name, names[i]);
			exit(1);
		}
		if (count != want)
			printf("%s: came %d times to the %s, not %d\n", f->name, count, names[i],
			       want);
		good = good && count == want;
	}
	return good;
}

/* Asks what stands on stdin. Returns how many are otherwise. */
static int ask_all(const struct place *places, bool is_open)
{
	static char line[LINE_MAX_BYTES];
	static struct frame mark, hello, f;
	int bad = 0;
	int n = 0;

	while (fgets(line, sizeof(line), stdin)) {
		const char *kind = read_frame(line, &f);

		if (!kind)
			continue;
		if (strcmp(kind, "mark") == 0) {
			mark = f;
		} else if (strcmp(kind, "hello") == 0) {
			hello = f;
		} else {
			if (n++ == 0)
				wait_until_open(places, &mark, &hello);
			bad +=
			    !ask(places, &f, &mark, &hello, is_open || strcmp(kind, "pass") == 0);
		}
	}
	printf("%d frames, %d otherwise\n", n, bad);
	return bad;
}

int main(int argc, char **argv)
{
	struct place places[PLACES];

	if (argc != 2 + 2 * PLACES) {
		(void)fprintf(stderr, "see the head of tests/net/frame.c\n");
		return 2;
	}
	stay_on_this_cpu();
	for (int i = 0; i < PLACES; i++)
		open_place(argv[2 + 2 * i], argv[3 + 2 * i], &places[i]);
	return ask_all(places, strcmp(argv[1], "open") == 0) ? 1 : 0;
}
