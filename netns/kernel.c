// SPDX-License-Identifier: GPL-2.0-or-later
/* Networks and ends in the kernel: the order of steps. What the messages look like is elsewhere. */
#include "netns/kernel.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "netns/store.h"
#include "netns/sysctl.h"
#include "spec/base/str.h"

enum {
	ALIAS_MAX = NET_NAME_MAX + 24,
	LOOPBACK = 1, /* index of `lo` in every namespace. Source: LOOPBACK_IFINDEX, net/flow.h */
};

bool kernel_has_ipv6(void)
{
	return access("/proc/sys/net/ipv6/conf/all/forwarding", F_OK) == 0;
}

uint64_t kernel_hash48(const char *name, unsigned int number)
{
	uint64_t h = 14695981039346656037ULL; /* FNV-1a, 64 bits */

	for (const char *p = name; *p; p++)
		h = (h ^ (uint8_t)*p) * 1099511628211ULL;
	h = (h ^ (uint8_t)number) * 1099511628211ULL;
	return (h ^ h >> 48) & 0xffffffffffffULL;
}

static const char *alias_of(const struct network *n, char out[ALIAS_MAX])
{
	(void)snprintf(out, ALIAS_MAX, "bivalve network %s", n->name);
	return out;
}

bool kernel_is_our_bridge(const struct link_info *link, const struct network *n)
{
	char alias[ALIAS_MAX];

	return str_eq(link->kind, "bridge") &&
	       strncmp(link->alias, alias_of(n, alias), sizeof(link->alias) - 1) == 0;
}

/* ---- networks ---- */

static unsigned int rule_flags(const struct network *n)
{
	switch (n->mode) {
	case NET_NAT:
		return NAT_OUT | NAT_MASQUERADE;
	case NET_HOST_ONLY:
		return n->is_routed ? NAT_OUT | NAT_IN : 0;
	case NET_ISOLATED:
		return NAT_NO_HOST;
	case NET_BRIDGE:
		break;
	}
	return 0;
}

static void rules_of_network(struct nl_batch *b, uint16_t type, const struct network *n)
{
	/* A user's LAN is no business of our forwarding rules. */
	if (n->mode != NET_BRIDGE)
		nat_network(b, type, n->bridge, rule_flags(n));
}

/* The bridge's own address: the same each time that it is made. */
static struct mac_addr bridge_mac(const struct network *n)
{
	uint64_t h = kernel_hash48(n->name, 255);
	struct mac_addr m;

	for (size_t i = 0; i < sizeof(m.b); i++)
		m.b[i] = (uint8_t)(h >> (8 * i));
	m.b[0] = (uint8_t)((m.b[0] & 0xfc) | 2); /* unicast, locally administered */
	return m;
}

static int make_bridge(struct nl *nl, const struct network *n, struct err *err)
{
	auto_nl_batch struct nl_batch b = NL_BATCH_INIT;
	struct mac_addr mac = bridge_mac(n);
	struct link_info link;
	char alias[ALIAS_MAX];
	int rc = link_find(nl, n->bridge, &link, err);

	if (rc == 0)
		return kernel_is_our_bridge(&link, n)
			   ? 0
			   : err_set(err, -EEXIST, "network '%s': the device '%s' is another's",
				     n->name, n->bridge);
	if (rc != -ENODEV || nl_batch_init(&b, err) < 0)
		return rc;
	link_add_bridge(&b, n->bridge, &mac, n->mtu, alias_of(n, alias));
	/* No listener reports get there, see nat.c. */
	if (n->mode != NET_BRIDGE)
		link_set_no_snooping(&b, n->bridge);
	rc = nl_talk(nl, &b, err);
	nl_batch_fini(&b);
	return rc;
}

/* Per-bridge settings, made before it is up. */
static int tune_bridge(const struct network *n, struct err *err)
{
	bool has_ip6 = n->subnet6.addr.family && n->mode != NET_ISOLATED;
	int rc = 0;

	if (kernel_has_ipv6()) {
		rc = sysctl_set(err, has_ip6 ? "0" : "1", "net/ipv6/conf/%s/disable_ipv6",
				n->bridge);
		if (rc == 0)
			rc = sysctl_set(err, "0", "net/ipv6/conf/%s/accept_ra", n->bridge);
		/* Until its link-local address is settled, for a second or two, the host would
		 * look for no neighbour there: published ports would be deaf. */
		if (rc == 0)
			rc = sysctl_set(err, "0", "net/ipv6/conf/%s/accept_dad", n->bridge);
	}
	/* For 127.0.0.1:PORT of the host. Our "loopback" chain keeps containers out of 127/8. */
	if (rc == 0 && n->mode == NET_NAT)
		rc = sysctl_set(err, "1", "net/ipv4/conf/%s/route_localnet", n->bridge);
	return rc;
}

static int forwarding_on(const struct network *n, struct err *err)
{
	int rc = 0;

	if (!(rule_flags(n) & NAT_OUT))
		return 0;
	if (n->subnet.addr.family)
		rc = sysctl_set(err, "1", "net/ipv4/ip_forward");
	if (rc == 0 && n->subnet6.addr.family)
		rc = sysctl_forward_ipv6(err);
	return rc;
}

static int dress_bridge(struct nl *nl, const struct network *n, struct err *err)
{
	auto_nl_batch struct nl_batch b = NL_BATCH_INIT;
	uint32_t index;
	int rc = link_index(nl, n->bridge, &index);

	if (rc < 0)
		return err_code(err, rc, "find bridge '%s'", n->bridge);
	rc = nl_batch_init(&b, err);
	if (rc < 0)
		return rc;
	if (n->gateway.family && n->mode != NET_BRIDGE)
		addr_add_plain(&b, index, n->bridge,
			       &(struct ip_prefix){ n->gateway, n->subnet.len });
	if (n->gateway6.family && n->mode != NET_BRIDGE)
		addr_add_plain(&b, index, n->bridge,
			       &(struct ip_prefix){ n->gateway6, n->subnet6.len });
	link_set(&b, &(struct link_change){ .index = index,
					    .name = n->bridge,
					    .set_up = true,
					    .set_noarp = n->mode == NET_ISOLATED });
	/* For [::1]:PORT of the host; for 127.0.0.1 see route_localnet. */
	if (n->mode == NET_NAT && n->gateway6.family)
		route_add_loopback6(&b, index, n->bridge);
	if (n->uplink[0])
		link_set(&b, &(struct link_change){ .name = n->uplink,
						    .set_master = true,
						    .master = index,
						    .set_up = true });
	return nl_talk(nl, &b, err);
}

/* Carries out rule changes; makes the tables when they are not there or not as we know them. */
static int apply_rules(const struct net_store *s, struct nl *nft, struct nl_batch *b,
		       struct err *err)
{
	int rc = nl_talk(nft, b, err);

	return rc == -ENOENT || rc == -EEXIST ? kernel_rebuild_rules(s, nft, err) : rc;
}

int kernel_network_up(const struct net_store *s, struct nl *nl, const struct network *n,
		      struct err *err)
{
	auto_nl struct nl nft = NL_INIT;
	auto_nl_batch struct nl_batch b = NL_BATCH_INIT;
	int rc = 0;

	/* The rules come first: the bridge never exists without them. */
	rc = nl_open(-1, NETLINK_NETFILTER, &nft, err);
	if (rc == 0)
		rc = nl_batch_init(&b, err);
	if (rc < 0)
		return rc;
	nft_begin(&b);
	rules_of_network(&b, NFT_MSG_NEWSETELEM, n);
	if (b.n == 1) /* nothing to add: the tables alone are needed, for the guard */
		rc = kernel_rebuild_rules(s, &nft, err);
	else {
		nft_end(&b);
		rc = apply_rules(s, &nft, &b, err);
	}
	if (rc == 0 && n->owns_bridge) {
		rc = make_bridge(nl, n, err);
		if (rc == 0)
			rc = tune_bridge(n, err);
		if (rc == 0)
			rc = dress_bridge(nl, n, err);
	}
	return rc == 0 ? forwarding_on(n, err) : rc;
}

int kernel_network_down(const struct net_store *s, struct nl *nl, const struct network *n,
			struct err *err)
{
	auto_nl struct nl nft = NL_INIT;
	auto_nl_batch struct nl_batch b = NL_BATCH_INIT;
	struct link_info link;
	int rc = nl_batch_init(&b, err);

	(void)s;
	if (rc < 0)
		return rc;
	/* By its mark, not by its name alone: another may have taken the name. */
	if (n->owns_bridge && link_find(nl, n->bridge, &link, NULL) == 0 &&
	    kernel_is_our_bridge(&link, n)) {
		link_del(&b, n->bridge);
		rc = nl_talk(nl, &b, err);
		if (rc < 0)
			return rc;
		nl_batch_clear(&b);
	}
	nft_begin(&b);
	rules_of_network(&b, NFT_MSG_DELSETELEM, n);
	if (b.n == 1)
		return 0;
	nft_end(&b);
	rc = nl_open(-1, NETLINK_NETFILTER, &nft, err);
	if (rc == 0)
		rc = nl_talk(&nft, &b, err);
	return rc == -ENOENT ? 0 : rc; /* no table, no rules */
}

/* ---- rules of ends ---- */

static void publish(struct nl_batch *b, uint16_t type, const struct net_end *end,
		    const struct net_port *p, uint8_t family)
{
	const struct ip_addr *to = family == AF_INET ? &end->ip.addr : &end->ip6.addr;

	if (!to->family || (p->host.family && p->host.family != family))
		return;
	nat_publish(b, type,
		    &(struct nat_publish){ .proto = p->proto,
					   .host_port = p->host_port,
					   .port = p->port,
					   .count = p->count,
					   .host = p->host,
					   .to = *to,
					   .object = end->port });
}

void kernel_ends_rules(struct nl_batch *b, uint16_t type, const struct net_ends *e)
{
	const struct net_end *target = NULL;

	for (size_t i = 0; i < e->n; i++) {
		const struct net_end *end = &e->end[i];
		struct nat_guard g = {
			.port = end->port,
			.mac = end->mac,
			.ip = end->ip.addr,
			.ip6 = end->ip6.addr,
			.any_ip = !end->ip.addr.family && !end->ip6.addr.family,
			.is_lan = end->is_lan,
		};

		nat_guard(b, type, &g);
		if (end->is_published)
			target = end;
	}
	for (size_t i = 0; target && i < e->n_ports; i++) {
		publish(b, type, target, &e->ports[i], AF_INET);
		publish(b, type, target, &e->ports[i], AF_INET6);
	}
}

/* What the store holds; the batch borrows the names in it until it is sent. */
struct rebuild {
	struct nl_batch *b;
	struct network *networks; /* owned */
	size_t n_networks;
	struct net_ends *ends; /* owned */
	size_t n_ends;
};

static int rebuild_network(const struct network *n, void *data)
{
	struct rebuild *r = data;
	struct network *more = realloc(r->networks, (r->n_networks + 1) * sizeof(*more));

	if (!more)
		return -ENOMEM;
	r->networks = more;
	r->networks[r->n_networks++] = *n;
	return 0;
}

static int rebuild_ends(const char *id, const struct net_ends *e, void *data)
{
	struct rebuild *r = data;
	struct net_ends *more = realloc(r->ends, (r->n_ends + 1) * sizeof(*more));

	(void)id;
	if (!more)
		return -ENOMEM;
	r->ends = more;
	r->ends[r->n_ends++] = *e;
	return 0;
}

static void rebuild_fini(struct rebuild *r)
{
	free(r->ends);
	free(r->networks);
}

int kernel_rebuild_rules(const struct net_store *s, struct nl *nft, struct err *err)
{
	auto_nl_batch struct nl_batch b = NL_BATCH_INIT;
	auto_cleanup(rebuild_fini) struct rebuild r = { 0 };
	int rc = nl_batch_init(&b, err);

	if (rc == 0)
		rc = network_each(s, rebuild_network, &r, err);
	if (rc == 0)
		rc = store_ends_each(s, rebuild_ends, &r, err);
	if (rc < 0)
		return rc;
	nft_begin(&b);
	nat_add_tables(&b);
	for (size_t i = 0; i < r.n_networks; i++)
		rules_of_network(&b, NFT_MSG_NEWSETELEM, &r.networks[i]);
	for (size_t i = 0; i < r.n_ends; i++)
		kernel_ends_rules(&b, NFT_MSG_NEWSETELEM, &r.ends[i]);
	nft_end(&b);
	return nl_talk(nft, &b, err);
}

/* ---- ends ---- */

void kernel_sockets_close(struct kernel_sockets *k)
{
	nl_close(&k->route);
	nl_close_later(&k->nft);
}

/* Addresses, routes and "up" for the device that was made in the workload's namespace, and `lo`. */
static int dress_end(int netns_fd, const struct net_end *end, bool has_default_route,
		     struct err *err)
{
	auto_nl struct nl nl = NL_INIT;
	auto_nl_batch struct nl_batch b = NL_BATCH_INIT;
	uint32_t index;
	int rc = nl_open(netns_fd, NETLINK_ROUTE, &nl, err);

	if (rc == 0)
		rc = nl_batch_init(&b, err);
	if (rc < 0)
		return rc;
	rc = link_index(&nl, end->if_name, &index);
	if (rc < 0)
		return err_code(err, rc, "find network device '%s'", end->if_name);
	if (end->ip.addr.family)
		addr_add_plain(&b, index, end->if_name, &end->ip);
	if (end->ip6.addr.family)
		addr_add_plain(&b, index, end->if_name, &end->ip6);
	/* The kernel would ask all members first whether it is free; it follows from the MAC
	 * address, which is guarded. */
	if (end->ip6.addr.family && !end->is_lan)
		addr_add_plain(&b, index, end->if_name,
			       &(struct ip_prefix){ nat_link_local(&end->mac), 64 });
	link_set(&b, &(struct link_change){ .index = index, .name = end->if_name, .set_up = true });
	link_set(&b, &(struct link_change){ .index = LOOPBACK, .name = "lo", .set_up = true });
	if (has_default_route && end->gateway.family)
		route_add_default(&b, index, end->if_name, &end->gateway);
	if (has_default_route && end->gateway6.family)
		route_add_default(&b, index, end->if_name, &end->gateway6);
	return nl_talk(&nl, &b, err);
}

static int open_tap(const char *name, struct err *err)
{
	auto_close int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	/* The header carries checksum and segmentation offload. Source: uapi linux/if_tun.h. */
	struct ifreq r = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };

	if (fd < 0)
		return err_sys(err, "open '/dev/net/tun'");
	(void)snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", name);
	if (ioctl(fd, TUNSETIFF, &r) < 0)
		return err_sys(err, "create TAP '%s'", name);
	return take_fd(&fd);
}

/* On another's bridge, whose own settings are left alone; see link_add_bridge(). */
static int pin_port(struct nl *route, const struct net_end *end, struct err *err)
{
	auto_nl_batch struct nl_batch b = NL_BATCH_INIT;
	uint32_t index;
	int rc = link_index(route, end->port, &index);

	if (rc < 0)
		return err_code(err, rc, "find network device '%s'", end->port);
	rc = nl_batch_init(&b, err);
	if (rc < 0)
		return rc;
	link_pin_port(&b, index, end->port, &end->mac);
	return nl_talk(route, &b, err);
}

static int make_device(struct kernel_sockets *k, const struct network *n, uint32_t master,
		       int netns_fd, struct net_end *end, struct err *err)
{
	auto_nl_batch struct nl_batch b = NL_BATCH_INIT;
	auto_close int tap_fd = -1;
	int rc = nl_batch_init(&b, err);

	if (rc < 0)
		return rc;
	if (netns_fd >= 0) {
		link_add_veth(&b, &(struct veth_spec){ .host_name = end->port,
						       .peer_name = end->if_name,
						       .peer_mac = &end->mac,
						       .master = master,
						       .mtu = n->mtu,
						       .netns_fd = netns_fd });
	} else {
		tap_fd = open_tap(end->port, err);
		if (tap_fd < 0)
			return tap_fd;
		link_set(&b, &(struct link_change){ .name = end->port,
						    .set_master = true,
						    .master = master,
						    .mtu = n->mtu });
		link_set_port_up(&b, end->port);
	}
	/* With br_netfilter a workload's way to its own published port is turned round by the
	 * bridge. */
	if (end->is_published)
		link_set_hairpin(&b, end->port);
	rc = nl_talk(&k->route, &b, err);
	if (rc == 0 && !n->owns_bridge)
		rc = pin_port(&k->route, end, err);
	if (rc == 0)
		end->tap_fd = take_fd(&tap_fd);
	return rc;
}

static int remove_port(struct nl *route, const char *port, struct err *err)
{
	auto_nl_batch struct nl_batch b = NL_BATCH_INIT;
	int rc = nl_batch_init(&b, err);

	if (rc < 0)
		return rc;
	link_del(&b, port);
	return nl_talk(route, &b, err);
}

int kernel_end_up(struct kernel_sockets *k, const struct network *n, int netns_fd,
		  struct net_end *end, bool has_default_route, struct err *err)
{
	struct err first_err = ERR_INIT;
	uint32_t master;
	int rc = 0;

	if (!k->route.sock)
		rc = nl_open(-1, NETLINK_ROUTE, &k->route, err);
	if (rc < 0)
		return rc;
	rc = link_index(&k->route, n->bridge, &master);
	if (rc < 0)
		return err_code(err, rc, "find bridge '%s' of network '%s'", n->bridge, n->name);
	rc = make_device(k, n, master, netns_fd, end, &first_err);
	if (rc == -EEXIST && netns_fd >= 0) {
		/* Of an earlier workload of that id: NET_DOWN_DYING leaves it to the kernel. */
		rc = remove_port(&k->route, end->port, err);
		if (rc == 0)
			rc = make_device(k, n, master, netns_fd, end, err);
	} else if (rc < 0) {
		return err_set(err, rc, "%s", first_err.msg);
	}
	if (rc == 0 && netns_fd >= 0)
		rc = dress_end(netns_fd, end, has_default_route, err);
	return rc;
}

int kernel_ends_down(struct nl *route, const struct net_ends *e, struct err *err)
{
	auto_nl_batch struct nl_batch b = NL_BATCH_INIT;
	int rc = nl_batch_init(&b, err);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < e->n; i++)
		link_del(&b, e->end[i].port);
	return nl_talk(route, &b, err);
}
