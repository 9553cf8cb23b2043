/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For tests of netns/: a network namespace of the test's own, so that nothing of the machine is
 * ever touched; and a comparison of built netlink messages with bytes written as hex.
 */
#ifndef BIVALVE_TESTS_UNIT_NETNS_H
#define BIVALVE_TESTS_UNIT_NETNS_H

#include <ctype.h>
#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include "netns/nl.h"
#include "tests/unit/test.h"

/* test_enter_netns - moves the process into a new, empty network namespace. False when not root. */
static inline bool test_enter_netns(void)
{
	return unshare(CLONE_NEWNET) == 0;
}

/* test_new_netns - makes one more and returns a descriptor of it; the process stays where it is. */
static inline int test_new_netns(void)
{
	int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	int fd = -1;

	if (home >= 0 && unshare(CLONE_NEWNET) == 0) {
		fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
		if (setns(home, CLONE_NEWNET) < 0)
			abort();
	}
	(void)close(home);
	return fd;
}

#define NEED_NETNS()                                                                               \
	do {                                                                                       \
		if (!test_enter_netns())                                                           \
			TEST_SKIP("needs root");                                                   \
	} while (0)

/*
 * test_hex - @len bytes as "0011 2233 ..." in groups of four bytes, as netlink aligns them.
 * Static buffer: one use at a time.
 */
static inline const char *test_hex(const void *data, size_t len)
{
	static char text[8192];
	const unsigned char *p = data;
	size_t n = 0;

	for (size_t i = 0; i < len && n + 4 < sizeof(text); i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%02x",
				      i && i % 4 == 0 ? " " : "", p[i]);
	text[n] = '\0';
	return text;
}

/* CHECK_BATCH - the batch holds exactly the bytes of @want (hex, groups of four bytes). */
#define CHECK_BATCH(batch, want)                                                                   \
	do {                                                                                       \
		size_t len_;                                                                       \
		const void *data_ = nl_bytes((batch), &len_);                                      \
		CHECK_STR(test_hex(data_, len_), (want));                                          \
	} while (0)

#endif
