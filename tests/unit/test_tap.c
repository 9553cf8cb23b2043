// SPDX-License-Identifier: GPL-2.0-or-later
/* A real TAP in a network namespace of the test's own, with a raw socket as the host's side: frames
 * behind their header, offloads, several queues, what is refused. */
#include "vmmode/virtio/tap.h"

#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "tests/unit/test.h"

enum { PROTOCOL = 0x88b5 /* for local experiments */ };

/* A queue of TAP "bvt0"; -1: this host has none. */
static int open_tap(short flags)
{
	struct ifreq ifr = { .ifr_name = "bvt0", .ifr_flags = flags };
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	if (fd >= 0 && ioctl(fd, TUNSETIFF, &ifr) < 0) {
		(void)close(fd);
		fd = -1;
	}
	return fd;
}

/* A raw socket at the TAP's other side, with the interface up. */
static int open_host(void)
{
	struct ifreq ifr = { .ifr_name = "bvt0", .ifr_flags = IFF_UP };
	struct sockaddr_ll at = { .sll_family = AF_PACKET,
				  .sll_protocol = __builtin_bswap16(PROTOCOL) };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, __builtin_bswap16(PROTOCOL));

	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &ifr) < 0 || ioctl(fd, SIOCGIFINDEX, &ifr) < 0)
		abort();
	at.sll_ifindex = ifr.ifr_ifindex;
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0)
		abort();
	return fd;
}

static bool have_namespace(void)
{
	static int state; /* 0: not asked */

	if (state == 0)
		state = unshare(CLONE_NEWNET) == 0 ? 1 : -1;
	return state > 0;
}

static void fill(uint8_t *frame, size_t bytes)
{
	memset(frame, 0xff, 6);
	memset(frame + 6, 2, 6);
	frame[12] = PROTOCOL >> 8;
	frame[13] = PROTOCOL & 0xff;
	for (size_t i = 14; i < bytes; i++)
		frame[i] = (uint8_t)i;
}

static bool readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 2000) == 1 && (p.revents & POLLIN);
}

static void test_frames(void)
{
	struct virtio_net_hdr_v1 h = { 0 };
	uint8_t frame[200];
	uint8_t got[400];
	struct iovec iov[] = { { &h, sizeof(h) }, { frame, sizeof(frame) } };
	struct err err = ERR_INIT;
	struct tap t;
	auto_close int fd = -1;
	auto_close int host_fd = -1;
	ssize_t n;

	if (!have_namespace() || (fd = open_tap(IFF_TAP | IFF_NO_PI | IFF_VNET_HDR)) < 0)
		TEST_SKIP("no TAP here");
	CHECK_EQ(tap_init(&t, fd, &err), 0);
	CHECK_EQ(t.is_tap, true);
	CHECK_EQ(t.is_multi, false);
	CHECK(fcntl(fd, F_GETFL) & O_NONBLOCK);
	CHECK_EQ(tap_set_offloads(&t, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN), 0);
	CHECK_EQ(tap_attach(&t, false), 0); /* one queue: nothing to do */
	host_fd = open_host();
	fill(frame, sizeof(frame));
	CHECK_EQ(writev(fd, iov, 2), sizeof(h) + sizeof(frame));
	CHECK(readable(host_fd));
	CHECK_EQ(recv(host_fd, got, sizeof(got), 0), sizeof(frame));
	CHECK_MEM(got, frame, sizeof(frame));
	CHECK_EQ(send(host_fd, frame, sizeof(frame), 0), sizeof(frame));
	/* The kernel may have frames of its own (IPv6): the first of ours counts. */
	do {
		CHECK(readable(fd));
		n = read(fd, got, sizeof(got));
	} while (n > 0 && memcmp(got + TAP_HEADER_BYTES + 12, frame + 12, 2) != 0);
	CHECK_EQ(n, TAP_HEADER_BYTES + sizeof(frame));
	CHECK_MEM(got + TAP_HEADER_BYTES, frame, sizeof(frame));
}

static void test_refused(void)
{
	/* A TAP without IFF_NO_PI is no case: with the header the kernel says that it has it. */
	static const short flags[] = { IFF_TAP | IFF_NO_PI, IFF_TUN | IFF_NO_PI | IFF_VNET_HDR };

	if (!have_namespace())
		TEST_SKIP("no namespace");
	for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
		auto_close int fd = open_tap(flags[i]);
		struct err err = ERR_INIT;
		struct tap t;

		if (fd < 0)
			TEST_SKIP("no TAP here");
		CHECK_EQ(tap_init(&t, fd, &err), -EINVAL);
		CHECK_STR(err.msg, "net: 'bvt0' is no TAP with IFF_VNET_HDR and IFF_NO_PI");
	}
}

/* Asked by attaching it, which the kernel refuses if it is; leaves it as it was. */
static bool is_attached(int fd)
{
	struct ifreq ifr = { .ifr_flags = IFF_ATTACH_QUEUE };

	if (ioctl(fd, TUNSETQUEUE, &ifr) < 0)
		return true;
	ifr.ifr_flags = IFF_DETACH_QUEUE;
	CHECK_EQ(ioctl(fd, TUNSETQUEUE, &ifr), 0);
	return false;
}

static void test_queues(void)
{
	const short flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | IFF_MULTI_QUEUE;
	auto_close int a_fd = -1;
	auto_close int b_fd = -1;
	struct err err = ERR_INIT;
	struct tap a;
	struct tap b;

	if (!have_namespace() || (a_fd = open_tap(flags)) < 0 || (b_fd = open_tap(flags)) < 0)
		TEST_SKIP("no TAP here");
	CHECK_EQ(tap_init(&a, a_fd, &err), 0);
	CHECK_EQ(tap_init(&b, b_fd, &err), 0);
	CHECK_EQ(b.is_multi, true);
	CHECK_EQ(is_attached(b_fd), true);
	CHECK_EQ(tap_attach(&b, true), 0);
	CHECK_EQ(is_attached(b_fd), true);
	CHECK_EQ(tap_attach(&b, false), 0);
	CHECK_EQ(tap_attach(&b, false), 0);
	CHECK_EQ(is_attached(b_fd), false);
	CHECK_EQ(tap_attach(&b, true), 0);
	CHECK_EQ(is_attached(b_fd), true);
}

TEST_MAIN(TEST(test_frames), TEST(test_refused), TEST(test_queues))
