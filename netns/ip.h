/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * IP addresses, prefixes and Ethernet addresses as values: parse, print, compare, count. Pure; no
 * resolver is ever asked.
 */
#ifndef BIVALVE_NETNS_IP_H
#define BIVALVE_NETNS_IP_H

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdint.h>

#include "spec/base/cleanup.h"

/* family 0 is "no address". */
struct ip_addr {
	uint8_t family; /* AF_INET, AF_INET6 or 0 */
	uint8_t b[16];  /* network order; 4 or 16 of them */
};

struct ip_prefix {
	struct ip_addr addr;
	uint8_t len; /* bits */
};

struct mac_addr {
	uint8_t b[6];
};

enum { IP_STR_MAX = INET6_ADDRSTRLEN + 4, MAC_STR_MAX = 18 };

/* ip_parse - "10.0.0.1", "fd00::1". Returns 0 or -EINVAL. */
MUST_CHECK int ip_parse(const char *s, struct ip_addr *out);

/* ip_prefix_parse - "10.0.0.0/24"; the host bits are kept as written. Returns 0 or -EINVAL. */
MUST_CHECK int ip_prefix_parse(const char *s, struct ip_prefix *out);

/* mac_parse - six hex pairs with colons, a unicast address. Returns 0 or -EINVAL. */
MUST_CHECK int mac_parse(const char *s, struct mac_addr *out);

/* Printing: @buf has IP_STR_MAX or MAC_STR_MAX bytes; the result is @buf. "" for no address. */
const char *ip_str(const struct ip_addr *a, char *buf);
const char *ip_prefix_str(const struct ip_prefix *p, char *buf);
const char *mac_str(const struct mac_addr *m, char *buf);

static inline uint8_t ip_bytes(const struct ip_addr *a)
{
	return a->family == AF_INET6 ? 16 : 4;
}

bool ip_eq(const struct ip_addr *a, const struct ip_addr *b);

/* ip_in - @a is of @p's family and inside it. */
bool ip_in(const struct ip_prefix *p, const struct ip_addr *a);

/* ip_prefix_overlaps - some address is in both. */
bool ip_prefix_overlaps(const struct ip_prefix *a, const struct ip_prefix *b);

/* ip_first - the address of @p with all host bits zero. */
struct ip_addr ip_first(const struct ip_prefix *p);

/* ip_last - the address of @p with all host bits one (the broadcast address of IPv4). */
struct ip_addr ip_last(const struct ip_prefix *p);

/*
 * ip_at - address number @n of @p, counted from its first one.
 * Returns 0; -ERANGE when @p is smaller than that.
 */
MUST_CHECK int ip_at(const struct ip_prefix *p, uint64_t n, struct ip_addr *out);

/* ip_index - the number of @a in @p as of ip_at(); UINT64_MAX when it has none. */
uint64_t ip_index(const struct ip_prefix *p, const struct ip_addr *a);

#endif
