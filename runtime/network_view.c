// SPDX-License-Identifier: GPL-2.0-or-later
/* Networks and ends as their users see them. */
#include "runtime/network_view.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>

#include "runtime/container.h"
#include "runtime/network.h"

void network_view_load(const struct container *c, struct net_ends *out)
{
	struct net_store store = NET_STORE_INIT;

	*out = (struct net_ends){ .n = 0 };
	if (c->state.networks.n == 0)
		return;
	store.dir_fd =
	    openat(c->root_fd, NETWORK_STORE, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (store.dir_fd >= 0 && net_ends_load(&store, c->state.id, out, NULL) < 0)
		out->n = 0;
	net_store_close(&store);
}

static void write_prefix(struct json_writer *w, const char *key, const struct ip_prefix *p)
{
	char text[IP_STR_MAX];

	if (p->addr.family)
		json_write_str(w, key, ip_prefix_str(p, text));
}

static void write_addr(struct json_writer *w, const char *key, const struct ip_addr *a)
{
	char text[IP_STR_MAX];

	if (a->family)
		json_write_str(w, key, ip_str(a, text));
}

void network_view_network(struct json_writer *w, const struct network *n)
{
	json_write_str(w, "name", n->name);
	json_write_str(w, "mode", net_mode_name(n->mode));
	if (n->mode == NET_HOST_ONLY)
		json_write_bool(w, "route", n->is_routed);
	if (n->bridge[0])
		json_write_str(w, "bridge", n->bridge);
	if (n->uplink[0])
		json_write_str(w, "uplink", n->uplink);
	write_prefix(w, "subnet", &n->subnet);
	write_addr(w, "gateway", &n->gateway);
	write_prefix(w, "subnet6", &n->subnet6);
	write_addr(w, "gateway6", &n->gateway6);
	if (n->mtu)
		json_write_u64(w, "mtu", n->mtu);
	json_write_bool(w, "internalDns", n->has_dns);
}

static void write_addresses(struct json_writer *w, const struct net_end *e)
{
	json_write_array(w, "addresses");
	write_prefix(w, NULL, &e->ip);
	write_prefix(w, NULL, &e->ip6);
	json_write_end(w);
}

void network_view_end(struct json_writer *w, const struct net_end *e)
{
	char mac[MAC_STR_MAX];

	json_write_str(w, "network", e->network);
	json_write_str(w, "interface", e->if_name);
	json_write_str(w, "hostInterface", e->port);
	json_write_str(w, "mac", mac_str(&e->mac, mac));
	write_addresses(w, e);
	write_addr(w, "gateway", &e->gateway);
	write_addr(w, "gateway6", &e->gateway6);
	json_write_u64(w, "mtu", e->mtu);
}

/* As --publish has it. */
static void write_port(struct json_writer *w, const struct net_port *p)
{
	bool is_v6 = p->host.family == AF_INET6;
	char host[IP_STR_MAX];
	char text[IP_STR_MAX + 64];
	char ranges[48];

	if (p->count > 1)
		(void)snprintf(ranges, sizeof(ranges), "%d-%d:%d-%d", p->host_port,
			       p->host_port + p->count - 1, p->port, p->port + p->count - 1);
	else
		(void)snprintf(ranges, sizeof(ranges), "%d:%d", p->host_port, p->port);
	(void)snprintf(text, sizeof(text), "%s%s%s%s/%s", is_v6 ? "[" : "", ip_str(&p->host, host),
		       is_v6            ? "]:"
		       : p->host.family ? ":"
					: "",
		       ranges, p->proto == IPPROTO_UDP ? "udp" : "tcp");
	json_write_str(w, NULL, text);
}

void network_view_write(struct json_writer *w, const struct net_ends *ends)
{
	char mac[MAC_STR_MAX];

	if (ends->n == 0)
		return;
	json_write_array(w, "networks");
	for (size_t i = 0; i < ends->n; i++) {
		const struct net_end *e = &ends->end[i];

		json_write_object(w, NULL);
		json_write_str(w, "network", e->network);
		json_write_str(w, "interface", e->if_name);
		json_write_str(w, "mac", mac_str(&e->mac, mac));
		write_addresses(w, e);
		if (e->is_published) {
			json_write_array(w, "ports");
			for (size_t k = 0; k < ends->n_ports; k++)
				write_port(w, &ends->ports[k]);
			json_write_end(w);
		}
		json_write_end(w);
	}
	json_write_end(w);
}

static void add_address(const struct ip_addr *a, bool *is_first, struct buf *out)
{
	char text[IP_STR_MAX];

	if (!a->family)
		return;
	buf_printf(out, "%s%s", *is_first ? "" : ",", ip_str(a, text));
	*is_first = false;
}

void network_view_text(const struct net_ends *ends, struct buf *out)
{
	bool is_first = true;

	for (size_t i = 0; i < ends->n; i++) {
		add_address(&ends->end[i].ip.addr, &is_first, out);
		add_address(&ends->end[i].ip6.addr, &is_first, out);
	}
	if (is_first)
		buf_add_char(out, '-');
}
