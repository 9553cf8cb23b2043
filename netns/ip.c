// SPDX-License-Identifier: GPL-2.0-or-later
/* IP and Ethernet addresses as values. Pure functions. */
#include "netns/ip.h"

#include <stdio.h>
#include <string.h>

#include "spec/base/num.h"

/* The bits of byte @i that belong to a network of @len bits. */
static uint8_t net_mask(uint8_t len, size_t i)
{
	size_t bits = len > i * 8 ? len - i * 8 : 0;

	return (uint8_t)(bits >= 8 ? 0xffU : 0xff00U >> bits);
}

int ip_parse(const char *s, struct ip_addr *out)
{
	struct ip_addr a = { 0 };

	a.family = strchr(s, ':') ? AF_INET6 : AF_INET;
	if (inet_pton(a.family, s, a.b) != 1)
		return -EINVAL;
	*out = a;
	return 0;
}

int ip_prefix_parse(const char *s, struct ip_prefix *out)
{
	char text[IP_STR_MAX];
	const char *slash = strchr(s, '/');
	struct ip_prefix p;
	uint64_t len;

	if (!slash || (size_t)(slash - s) >= sizeof(text))
		return -EINVAL;
	memcpy(text, s, (size_t)(slash - s));
	text[slash - s] = '\0';
	if (ip_parse(text, &p.addr) < 0 ||
	    num_u64(slash + 1, 0, 8ULL * ip_bytes(&p.addr), &len) < 0)
		return -EINVAL;
	p.len = (uint8_t)len;
	*out = p;
	return 0;
}

int mac_parse(const char *s, struct mac_addr *out)
{
	struct mac_addr m;

	if (strlen(s) != MAC_STR_MAX - 1)
		return -EINVAL;
	for (size_t i = 0; i < sizeof(m.b); i++) {
		char pair[3] = { s[i * 3], s[i * 3 + 1], '\0' };
		uint64_t v;

		if (num_u64_base(pair, 16, 0, 255, &v) < 0 || (i < 5 && s[i * 3 + 2] != ':'))
			return -EINVAL;
		m.b[i] = (uint8_t)v;
	}
	/* Group addresses name no interface, and neither does zero. Source: IEEE 802, 8.2.2. */
	if ((m.b[0] & 1) || memcmp(m.b, (uint8_t[6]){ 0 }, 6) == 0)
		return -EINVAL;
	*out = m;
	return 0;
}

const char *ip_str(const struct ip_addr *a, char *buf)
{
	if (!a->family || !inet_ntop(a->family, a->b, buf, IP_STR_MAX))
		buf[0] = '\0';
	return buf;
}

const char *ip_prefix_str(const struct ip_prefix *p, char *buf)
{
	size_t len = strlen(ip_str(&p->addr, buf));

	if (len)
		(void)snprintf(buf + len, IP_STR_MAX - len, "/%u", p->len);
	return buf;
}

const char *mac_str(const struct mac_addr *m, char *buf)
{
	(void)snprintf(buf, MAC_STR_MAX, "%02x:%02x:%02x:%02x:%02x:%02x", m->b[0], m->b[1], m->b[2],
		       m->b[3], m->b[4], m->b[5]);
	return buf;
}

bool ip_eq(const struct ip_addr *a, const struct ip_addr *b)
{
	return a->family == b->family && memcmp(a->b, b->b, ip_bytes(a)) == 0;
}

bool ip_in(const struct ip_prefix *p, const struct ip_addr *a)
{
	if (a->family == 0 || p->addr.family != a->family)
		return false;
	for (size_t i = 0; i < ip_bytes(a); i++) {
		if ((p->addr.b[i] ^ a->b[i]) & net_mask(p->len, i))
			return false;
	}
	return true;
}

bool ip_prefix_overlaps(const struct ip_prefix *a, const struct ip_prefix *b)
{
	/* Prefixes are nested or apart: the shorter one holds the other's address, or nothing. */
	return a->len <= b->len ? ip_in(a, &b->addr) : ip_in(b, &a->addr);
}

struct ip_addr ip_first(const struct ip_prefix *p)
{
	struct ip_addr a = p->addr;

	for (size_t i = 0; i < ip_bytes(&a); i++)
		a.b[i] &= net_mask(p->len, i);
	return a;
}

struct ip_addr ip_last(const struct ip_prefix *p)
{
	struct ip_addr a = p->addr;

	for (size_t i = 0; i < ip_bytes(&a); i++)
		a.b[i] |= (uint8_t)~net_mask(p->len, i);
	return a;
}

int ip_at(const struct ip_prefix *p, uint64_t n, struct ip_addr *out)
{
	struct ip_addr a = ip_first(p);

	/* The host bits are zero, so adding never carries into the network unless n is too big. */
	for (size_t i = ip_bytes(&a); i-- > 0 && n; n >>= 8)
		a.b[i] |= (uint8_t)n;
	if (n || !ip_in(p, &a) || ip_index(p, &a) == UINT64_MAX)
		return -ERANGE;
	*out = a;
	return 0;
}

uint64_t ip_index(const struct ip_prefix *p, const struct ip_addr *a)
{
	uint64_t n = 0;

	if (!ip_in(p, a))
		return UINT64_MAX;
	for (size_t i = 0; i < ip_bytes(a); i++) {
		if (n >> 56)
			return UINT64_MAX;
		n = n << 8 | (a->b[i] & (uint8_t)~net_mask(p->len, i));
	}
	return n;
}
