// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the vsock device costs on the host, without a KVM: the unit tests' guest in plain memory
 * against a program of the host (a thread that reads or writes), and beside it the same work over a
 * plain Unix socket. No exits and interrupts are in it.
 */
#include <pthread.h>
#include <time.h>

#include "tests/unit/vsock_rig.h"

enum { GUEST = 9, HOST = 90, PACKET = 65536, TRIPS = 100000 };
static const uint64_t bulk = UINT64_C(1) << 30;

static double now_s(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* The host's program. */
static void *read_bulk(void *arg)
{
	static uint8_t data[4 * PACKET];
	const int fd = *(int *)arg;
	uint64_t n = 0;

	while (n < bulk) {
		ssize_t rc = recv(fd, data, sizeof(data), 0);

		if (rc <= 0)
			abort();
		n += (uint64_t)rc;
	}
	return NULL;
}

static void *write_bulk(void *arg)
{
	static uint8_t data[PACKET];
	const int fd = *(int *)arg;

	for (uint64_t n = 0; n < bulk; n += sizeof(data)) {
		for (size_t at = 0; at < sizeof(data);) {
			ssize_t rc = send(fd, data + at, sizeof(data) - at, 0);

			if (rc <= 0)
				abort();
			at += (size_t)rc;
		}
	}
	return NULL;
}

static void wait_events(struct vsock_rig *t)
{
	struct pollfd p = { .fd = t->loop.epoll_fd, .events = POLLIN };

	(void)poll(&p, 1, 1000);
}

/* 64 KiB packets, as Linux sends, as long as there is credit. */
static void guest_gives(struct vsock_rig *t)
{
	const struct vqd_buf buf = { VS_TX_AT, VS_HEADER + PACKET, false };
	struct virtio_vsock_hdr h = vs_header(GUEST, HOST, VIRTIO_VSOCK_OP_RW);
	uint64_t sent = 0;
	uint32_t credit = VSOCK_BUF_LARGE;
	uint32_t head;
	uint32_t len;

	h.len = PACKET;
	memcpy(t->r.ram + VS_TX_AT, &h, sizeof(h));
	while (sent < bulk) {
		const uint32_t used = t->r.d[VSOCK_RX].used_idx;
		struct vs_packet p;

		for (; credit >= PACKET && sent < bulk; sent += PACKET, credit -= PACKET)
			(void)vqd_add(&t->r.d[VSOCK_TX], &buf, 1);
		rig_kick(&t->r, VSOCK_TX);
		vs_pump(t);
		while (vqd_used(&t->r.d[VSOCK_TX], &head, &len))
			;
		while (vs_take(t, &p))
			credit = p.h.buf_alloc - ((uint32_t)sent - p.h.fwd_cnt);
		if (t->r.d[VSOCK_RX].used_idx == used)
			wait_events(t);
	}
	while (TAILQ_FIRST(&t->v->all)->buf_len > 0) {
		wait_events(t);
		vs_pump(t);
	}
}

/* Pages, as Linux offers; credit for 256 KiB, told when a quarter is left. */
static void guest_takes(struct vsock_rig *t)
{
	struct vqd *d = &t->r.d[VSOCK_RX];
	uint64_t got = 0;
	uint64_t told = 0;
	uint32_t head;
	uint32_t len;

	while (got < bulk) {
		const uint64_t before = got;

		vs_pump(t);
		while (vqd_used(d, &head, &len)) {
			got += len - VS_HEADER;
			vqd_publish(d, (uint16_t)head);
		}
		rig_kick(&t->r, VSOCK_RX);
		if (got - told >= VS_BUF_ALLOC * 3 / 4) {
			struct virtio_vsock_hdr h =
			    vs_header(GUEST, HOST, VIRTIO_VSOCK_OP_CREDIT_UPDATE);

			h.fwd_cnt = (uint32_t)got;
			vs_send_raw(t, &h, NULL);
			told = got;
		}
		if (got == before)
			wait_events(t);
	}
}

static void print_rate(const char *what, double seconds, double plain)
{
	printf("%-28s %7.0f MB/s, plain Unix socket %7.0f MB/s\n", what,
	       (double)bulk / 1e6 / seconds, (double)bulk / 1e6 / plain);
}

static double plain_bulk(void)
{
	pthread_t reader;
	double begin = now_s();
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0 ||
	    pthread_create(&reader, NULL, read_bulk, &fds[0]) != 0)
		abort();
	(void)write_bulk(&fds[1]);
	(void)pthread_join(reader, NULL);
	(void)close(fds[0]);
	(void)close(fds[1]);
	return now_s() - begin;
}

static void bench_bulk(struct vsock_rig *t, int server, bool to_host, double plain)
{
	int fd = vs_from_guest(t, server, GUEST, HOST);
	struct vs_packet p;
	pthread_t thread;
	double begin = now_s();

	if (fcntl(fd, F_SETFL, 0) < 0 ||
	    pthread_create(&thread, NULL, to_host ? read_bulk : write_bulk, &fd) != 0)
		abort();
	if (to_host)
		guest_gives(t);
	else
		guest_takes(t);
	(void)pthread_join(thread, NULL);
	print_rate(to_host ? "guest to host" : "host to guest", now_s() - begin, plain);
	(void)close(fd);
	vs_pump(t);
	while (vs_take(t, &p) && p.h.op != VIRTIO_VSOCK_OP_SHUTDOWN)
		;
	vs_send(t, GUEST, HOST, VIRTIO_VSOCK_OP_RST);
}

/* A byte to the host and one back, all in this thread: what the device itself takes. */
static void bench_trips(struct vsock_rig *t, int server)
{
	int fd = vs_from_guest(t, server, GUEST, HOST);
	double begin = now_s();
	double plain;
	struct vs_packet p;
	int fds[2];
	char c;

	for (int i = 0; i < TRIPS; i++) {
		vs_send_data(t, GUEST, HOST, "x", 1);
		if (recv(fd, &c, 1, 0) != 1 || send(fd, &c, 1, 0) != 1)
			abort();
		vs_pump(t);
		if (!vs_take(t, &p))
			abort();
	}
	plain = now_s();
	printf("%-28s %7.2f us", "a byte there and back", (plain - begin) * 1e6 / TRIPS);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		abort();
	begin = now_s();
	for (int i = 0; i < 2 * TRIPS; i++) {
		if (send(fds[0], "x", 1, 0) != 1 || recv(fds[1], &c, 1, 0) != 1)
			abort();
	}
	printf(",   plain Unix socket %7.2f us\n", (now_s() - begin) * 1e6 / TRIPS);
	(void)close(fds[0]);
	(void)close(fds[1]);
	(void)close(fd);
}

int main(void)
{
	const double plain = plain_bulk();
	struct vsock_rig t;
	int server;

	vs_setup(&t);
	vs_offer(&t, RIG_SIZE);
	server = vs_listen(&t, HOST, 8);
	bench_bulk(&t, server, true, plain);
	bench_bulk(&t, server, false, plain);
	bench_trips(&t, server);
	vs_unlisten(&t, HOST, server);
	vs_teardown(&t);
	return test_failed || test_skipped;
}
