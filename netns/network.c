// SPDX-License-Identifier: GPL-2.0-or-later
/* Networks as objects: checking and completing a wish, making, removing. */
#include <fcntl.h>
#include <string.h>
#include <sys/random.h>

#include "netns/dns.h"
#include "netns/ipam.h"
#include "netns/kernel.h"
#include "netns/net.h"
#include "netns/rtnl.h"
#include "netns/store.h"
#include "spec/base/str.h"

static const char *const mode_names[] = {
	[NET_NAT] = "nat",
	[NET_BRIDGE] = "bridge",
	[NET_HOST_ONLY] = "host-only",
	[NET_ISOLATED] = "isolated",
};
_Static_assert(ARRAY_LEN(mode_names) == NET_MODES, "one name per mode");

/* Free IPv4 subnets are looked for in 10.90.0.0/24 ... 10.109.255.0/24, free IPv6 ones in fd00::/8.
 */
enum { POOL_FIRST = 90, POOL_SIZE = 20 * 256, MTU_DEFAULT = 1500, MTU_MIN = 1280, MTU_MAX = 65535 };

const char *net_mode_name(enum net_mode mode)
{
	return mode_names[mode];
}

int net_mode_parse(const char *s, enum net_mode *out)
{
	for (size_t i = 0; i < ARRAY_LEN(mode_names); i++) {
		if (str_eq(s, mode_names[i])) {
			*out = (enum net_mode)i;
			return 0;
		}
	}
	return -EINVAL;
}

/* ---- what a wish may not be ---- */

static int check_subnet(const struct network *n, const struct ip_prefix *p, uint8_t family,
			const struct ip_addr *gateway, struct err *err)
{
	char text[IP_STR_MAX];

	if (!p->addr.family)
		return gateway->family
			   ? err_set(err, -EINVAL, "network '%s': gateway '%s' without its subnet",
				     n->name, ip_str(gateway, text))
			   : 0;
	(void)ip_prefix_str(p, text);
	if (p->addr.family != family || p->len < 8 || ip_bytes(&p->addr) * 8 - p->len < 2)
		return err_set(err, -EINVAL, "network '%s': '%s' is not a possible IPv%s subnet",
			       n->name, text, family == AF_INET ? "4" : "6");
	if (gateway->family && !ip_in(p, gateway))
		return err_set(err, -EINVAL, "network '%s': the gateway is not in '%s'", n->name,
			       text);
	return 0;
}

static int check_names(const struct network *n, struct err *err)
{
	if (!store_name_ok(n->name) || str_eq(n->name, "none") || str_eq(n->name, "host"))
		return err_set(err, -EINVAL, "network '%s': not a possible name", n->name);
	if (n->bridge[0] && !link_name_ok(n->bridge))
		return err_set(err, -EINVAL, "network '%s': '%s' is not a possible bridge name",
			       n->name, n->bridge);
	if (n->uplink[0] && !link_name_ok(n->uplink))
		return err_set(err, -EINVAL, "network '%s': '%s' is not a possible uplink", n->name,
			       n->uplink);
	return 0;
}

static int check_wish(const struct network *n, struct err *err)
{
	int rc = check_names(n, err);

	if (rc == 0)
		rc = check_subnet(n, &n->subnet, AF_INET, &n->gateway, err);
	if (rc == 0)
		rc = check_subnet(n, &n->subnet6, AF_INET6, &n->gateway6, err);
	if (rc < 0)
		return rc;
	if (n->is_routed && n->mode != NET_HOST_ONLY)
		return err_set(err, -EINVAL, "network '%s': only host-only networks can be routed",
			       n->name);
	if (n->uplink[0] && n->mode != NET_BRIDGE)
		return err_set(err, -EINVAL, "network '%s': only bridge networks have an uplink",
			       n->name);
	if (n->mode == NET_ISOLATED && (n->gateway.family || n->gateway6.family))
		return err_set(err, -EINVAL, "network '%s': isolated networks have no gateway",
			       n->name);
	if (n->mtu && (n->mtu < MTU_MIN || n->mtu > MTU_MAX))
		return err_set(err, -EINVAL, "network '%s': mtu %u is not in %d-%d", n->name,
			       n->mtu, MTU_MIN, MTU_MAX);
	return 0;
}

/* ---- subnets ---- */

struct taken {
	struct ip_prefix *items; /* owned */
	size_t n;
	int family;
};

static int add_taken(struct taken *t, const struct ip_prefix *p)
{
	struct ip_prefix *items = realloc(t->items, (t->n + 1) * sizeof(*items));

	if (!items)
		return -ENOMEM;
	items[t->n++] = *p;
	t->items = items;
	return 0;
}

static int take_network(const struct network *n, void *data)
{
	struct taken *t = data;
	int rc = n->subnet.addr.family ? add_taken(t, &n->subnet) : 0;

	return rc == 0 && n->subnet6.addr.family ? add_taken(t, &n->subnet6) : rc;
}

static int take_route(const struct ip_prefix *to, uint32_t link, void *data)
{
	(void)link;
	return to->len ? add_taken(data, to) : 0; /* a default route takes nothing */
}

/* Every subnet that the host knows: networks of ours and routes. */
static int list_taken(const struct net_store *s, struct nl *nl, struct taken *t, struct err *err)
{
	int rc = network_each(s, take_network, t, err);

	if (rc == 0)
		rc = route_each(nl, AF_INET, take_route, t, err);
	if (rc == 0)
		rc = route_each(nl, AF_INET6, take_route, t, err);
	return rc;
}

static bool is_free(const struct taken *t, const struct ip_prefix *p)
{
	for (size_t i = 0; i < t->n; i++) {
		if (ip_prefix_overlaps(&t->items[i], p))
			return false;
	}
	return true;
}

static int choose_subnet(const struct taken *t, struct network *n, struct err *err)
{
	for (unsigned int i = 0; i < POOL_SIZE; i++) {
		struct ip_prefix p = {
			{ AF_INET, { 10, (uint8_t)(POOL_FIRST + i / 256), (uint8_t)i } }, 24
		};

		if (is_free(t, &p)) {
			n->subnet = p;
			return 0;
		}
	}
	return err_set(err, -EADDRINUSE, "network '%s': no free subnet, say one", n->name);
}

/* A unique local prefix. Source: RFC 4193, 3.2: 40 random bits, then a subnet number. */
static int choose_subnet6(const struct taken *t, struct network *n, struct err *err)
{
	for (int i = 0; i < 16; i++) {
		struct ip_prefix p = { { AF_INET6, { 0xfd } }, 64 };

		if (getrandom(p.addr.b + 1, 5, 0) != 5)
			return err_sys(err, "choose a subnet");
		if (is_free(t, &p)) {
			n->subnet6 = p;
			return 0;
		}
	}
	return err_set(err, -EADDRINUSE, "network '%s': no free IPv6 subnet, say one", n->name);
}

static int check_free(const struct taken *t, const struct network *n, const struct ip_prefix *p,
		      struct err *err)
{
	char text[IP_STR_MAX];

	if (!p->addr.family || is_free(t, p))
		return 0;
	return err_set(err, -EADDRINUSE,
		       "network '%s': '%s' overlaps another network or a route of the host",
		       n->name, ip_prefix_str(p, text));
}

static int complete_subnets(const struct net_store *s, struct nl *nl, struct network *n,
			    struct err *err)
{
	struct taken t = { 0 };
	int rc = list_taken(s, nl, &t, err);

	/* On the user's own LAN the host has a route to it, of course. */
	if (rc == 0 && n->mode != NET_BRIDGE) {
		bool any = n->subnet.addr.family || n->subnet6.addr.family;

		rc = check_free(&t, n, &n->subnet, err);
		if (rc == 0)
			rc = check_free(&t, n, &n->subnet6, err);
		if (rc == 0 && !any)
			rc = choose_subnet(&t, n, err);
		if (rc == 0 && !any && kernel_has_ipv6())
			rc = choose_subnet6(&t, n, err);
	}
	free(t.items);
	return rc;
}

/* The prefix with its host bits cleared; the first address is the gateway unless one was said. */
static int complete_gateway(struct ip_prefix *p, struct ip_addr *gateway, bool wants_one)
{
	if (!p->addr.family)
		return 0;
	p->addr = ip_first(p);
	return wants_one && !gateway->family ? ip_at(p, 1, gateway) : 0;
}

/* "bv-NAME" when it fits, else "bv-" and a hash of the name. */
static void choose_bridge(struct network *n)
{
	if (strlen(n->name) + 3 < IFNAMSIZ)
		(void)snprintf(n->bridge, sizeof(n->bridge), "bv-%.12s", n->name);
	else
		(void)snprintf(n->bridge, sizeof(n->bridge), "bv-%012llx",
			       (unsigned long long)kernel_hash48(n->name, 0));
}

static int complete(const struct net_store *s, struct nl *nl, struct network *n, struct err *err)
{
	bool has_host = n->mode == NET_NAT || n->mode == NET_HOST_ONLY;
	int rc = complete_subnets(s, nl, n, err);

	if (rc < 0)
		return rc;
	if (complete_gateway(&n->subnet, &n->gateway, has_host) < 0 ||
	    complete_gateway(&n->subnet6, &n->gateway6, has_host) < 0)
		return err_set(err, -EINVAL, "network '%s': its subnet is too small", n->name);
	if (n->mtu == 0)
		n->mtu = MTU_DEFAULT;
	if (!n->bridge[0])
		choose_bridge(n);
	return 0;
}

static int same_bridge(const struct network *n, void *data)
{
	const struct network *wanted = data;

	return str_eq(n->bridge, wanted->bridge) ? -EEXIST : 0;
}

/* Whether the bridge is there, and whose it is. */
static int check_bridge(const struct net_store *s, struct nl *nl, struct network *n,
			struct err *err)
{
	struct link_info link;
	int rc = network_each(s, same_bridge, n, NULL);

	if (rc == -EEXIST)
		return err_set(err, rc, "network '%s': another network has the bridge '%s'",
			       n->name, n->bridge);
	rc = link_find(nl, n->bridge, &link, err);
	if (rc == -ENODEV) {
		n->owns_bridge = true;
		return 0;
	}
	if (rc < 0)
		return rc;
	if (kernel_is_our_bridge(&link, n)) { /* the store was lost, e.g. /run emptied */
		n->owns_bridge = true;
		return 0;
	}
	if (n->mode == NET_BRIDGE && str_eq(link.kind, "bridge") && !n->uplink[0])
		return 0; /* the user's own */
	return err_set(err, -EEXIST, "network '%s': the host has a device '%s' already", n->name,
		       n->bridge);
}

/* An uplink of somebody else's is not taken away from him. */
static int check_uplink(struct nl *nl, const struct network *n, struct err *err)
{
	struct link_info uplink;
	struct link_info bridge;
	int rc;

	if (!n->uplink[0])
		return 0;
	rc = link_find(nl, n->uplink, &uplink, err);
	if (rc == -ENODEV)
		return err_set(err, rc, "network '%s': the host has no device '%s' for an uplink",
			       n->name, n->uplink);
	if (rc < 0 || uplink.master == 0)
		return rc;
	if (link_find(nl, n->bridge, &bridge, NULL) == 0 && bridge.index == uplink.master)
		return 0; /* ours, of a store that was lost */
	return err_set(err, -EBUSY, "network '%s': the uplink '%s' is a port of another bridge",
		       n->name, n->uplink);
}

int network_create_locked(const struct net_store *s, const struct network *wanted,
			  struct network *out, struct err *err)
{
	auto_nl struct nl nl = NL_INIT;
	struct network n = *wanted;
	struct network old;
	int rc = check_wish(&n, err);

	if (rc < 0)
		return rc;
	if (network_load(s, n.name, &old, NULL) == 0)
		return err_set(err, -EEXIST, "network '%s' exists already", n.name);
	rc = nl_open(-1, NETLINK_ROUTE, &nl, err);
	if (rc == 0)
		rc = complete(s, &nl, &n, err);
	if (rc == 0)
		rc = check_bridge(s, &nl, &n, err);
	if (rc == 0)
		rc = check_uplink(&nl, &n, err);
	if (rc == 0 && n.has_dns)
		rc = dns_check(&n, err);
	/* Written first: what is made next is found and removed even if we are killed. */
	if (rc == 0)
		rc = store_network_save(s, &n, err);
	if (rc < 0)
		return rc;
	rc = kernel_network_up(s, &nl, &n, err);
	if (rc == 0 && n.has_dns)
		rc = dns_up(s, &n, err);
	if (rc < 0) {
		if (dns_down(s, n.name, NULL) == 0 && kernel_network_down(s, &nl, &n, NULL) == 0)
			(void)!store_network_delete(s, n.name, NULL);
		return rc;
	}
	*out = n;
	return 0;
}

int network_create(const struct net_store *s, const struct network *wanted, struct network *out,
		   struct err *err)
{
	auto_close int lock_fd = store_lock(s, err);

	if (lock_fd < 0)
		return lock_fd;
	return network_create_locked(s, wanted, out, err);
}

int network_remove(const struct net_store *s, const char *name, struct err *err)
{
	auto_close int lock_fd = store_lock(s, err);
	auto_nl struct nl nl = NL_INIT;
	char owner[NET_ID_MAX + 1];
	struct network n;
	int rc = lock_fd < 0 ? lock_fd : network_load(s, name, &n, err);

	if (rc < 0)
		return rc;
	rc = net_reclaim_locked(s, err);
	if (rc < 0)
		return rc;
	rc = net_user_of(s, name, owner);
	if (rc == 0)
		return err_set(err, -EBUSY, "network '%s' is in use by '%s'", name, owner);
	rc = n.has_dns ? dns_down(s, name, err) : 0;
	if (rc == 0)
		rc = nl_open(-1, NETLINK_ROUTE, &nl, err);
	if (rc == 0)
		rc = kernel_network_down(s, &nl, &n, err);
	if (rc == 0) {
		ipam_forget(s, name);
		rc = store_network_delete(s, name, err);
	}
	return rc;
}
