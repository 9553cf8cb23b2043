// SPDX-License-Identifier: GPL-2.0-or-later
/* What people write: "--network NAME:ip=..." and "--publish 8080:80". Pure. */
#include <ctype.h>
#include <netinet/in.h>
#include <string.h>

#include "netns/net.h"
#include "netns/rtnl.h"
#include "netns/store.h"
#include "spec/base/num.h"
#include "spec/base/str.h"

enum { WISH_MAX = 512 };

static bool set_attach(struct net_attach *a, const char *key, const char *value)
{
	if (str_eq(key, "ip"))
		return ip_parse(value, &a->ip) == 0 && a->ip.family == AF_INET;
	if (str_eq(key, "ip6"))
		return ip_parse(value, &a->ip6) == 0 && a->ip6.family == AF_INET6;
	if (str_eq(key, "mac"))
		return mac_parse(value, &a->mac) == 0;
	if (str_eq(key, "ifname") && link_name_ok(value)) {
		(void)snprintf(a->if_name, sizeof(a->if_name), "%s", value);
		return true;
	}
	return false;
}

int net_attach_parse(const char *s, struct net_attach *out, struct err *err)
{
	struct net_attach a = { 0 };
	char copy[WISH_MAX];
	char *rest = copy;
	char *name;

	if (strlen(s) >= sizeof(copy))
		return err_set(err, -EINVAL, "network '%.32s...': too long", s);
	(void)snprintf(copy, sizeof(copy), "%s", s);
	name = strsep(&rest, ":");
	if (!store_name_ok(name))
		return err_set(err, -EINVAL, "network '%s': not a possible name", name);
	(void)snprintf(a.network, sizeof(a.network), "%s", name);
	while (rest) {
		char *word = strsep(&rest, ",");
		char *value = strchr(word, '=');

		if (value)
			*value++ = '\0';
		if (!value || !set_attach(&a, word, value))
			return err_set(
			    err, -EINVAL,
			    "network '%s': '%s' is not ip=, ip6=, mac= or ifname= with a "
			    "fitting value",
			    name, word);
	}
	*out = a;
	return 0;
}

/* "80" or "80-89". */
static bool parse_range(const char *s, uint16_t *first, uint16_t *count)
{
	char copy[16];
	char *last;
	uint64_t a;
	uint64_t b;

	if (strlen(s) >= sizeof(copy))
		return false;
	(void)snprintf(copy, sizeof(copy), "%s", s);
	last = strchr(copy, '-');
	if (last)
		*last++ = '\0';
	if (num_u64(copy, 1, 65535, &a) < 0 || num_u64(last ? last : copy, a, 65535, &b) < 0)
		return false;
	*first = (uint16_t)a;
	*count = (uint16_t)(b - a + 1);
	return true;
}

/* Splits "HOSTIP:HOSTPORT" in place; an IPv6 address stands in brackets. */
static char *split_host(char *s, struct ip_addr *host)
{
	char *port = strrchr(s, ':');
	size_t len;

	*host = (struct ip_addr){ 0 };
	if (!port)
		return s;
	*port++ = '\0';
	len = strlen(s);
	if (s[0] == '[' && len > 1 && s[len - 1] == ']') {
		s[len - 1] = '\0';
		s++;
	} else if (strchr(s, ':')) {
		return NULL;
	}
	return ip_parse(s, host) == 0 ? port : NULL;
}

static bool parse_port(char *s, struct net_port *out)
{
	struct net_port p = { .proto = IPPROTO_TCP };
	char *proto = strchr(s, '/');
	char *inner;
	char *outer;
	uint16_t inner_count;

	if (proto)
		*proto++ = '\0';
	if (proto && str_eq(proto, "udp"))
		p.proto = IPPROTO_UDP;
	else if (proto && !str_eq(proto, "tcp"))
		return false;
	inner = strrchr(s, ':');
	if (!inner)
		return false;
	*inner++ = '\0';
	outer = split_host(s, &p.host);
	if (!outer || !parse_range(outer, &p.host_port, &p.count) ||
	    !parse_range(inner, &p.port, &inner_count) || inner_count != p.count)
		return false;
	*out = p;
	return true;
}

int net_port_parse(const char *s, struct net_port *out, struct err *err)
{
	char copy[WISH_MAX];

	(void)snprintf(copy, sizeof(copy), "%s", s);
	if (strlen(s) >= sizeof(copy) || !parse_port(copy, out))
		return err_set(err, -EINVAL,
			       "port '%.64s': not [HOSTIP:]HOSTPORT[-LAST]:PORT[-LAST][/tcp|udp]",
			       s);
	return 0;
}

bool net_host_name_ok(const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || len > NET_HOST_NAME_MAX || name[0] == '.' || name[0] == '-')
		return false;
	for (size_t i = 0; i < len; i++) {
		bool is_dot = name[i] == '.';

		if (!isalnum((unsigned char)name[i]) && !strchr("-_.", name[i]))
			return false;
		if (is_dot && (name[i + 1] == '.' || name[i + 1] == '\0'))
			return false;
	}
	return true;
}
