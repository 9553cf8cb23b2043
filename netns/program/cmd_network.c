// SPDX-License-Identifier: GPL-2.0-or-later
/* `bivalve network create | list | inspect | remove`. */
#include <stdio.h>
#include <string.h>

#include "netns/program/names.h"
#include "netns/program/program.h"
#include "netns/program/text.h"
#include "spec/base/num.h"
#include "spec/base/str.h"

#define DEFAULT_NETWORK "default"

/* ---- create -------------------------------------------------------------------------------- */

struct create_options {
	const char *mode, *subnet, *subnet6, *gateway, *gateway6;
	const char *bridge_name, *uplink, *mtu;
	bool route, internal_dns;
};

#define CREATE(kind, member) OPTION_##kind, offsetof(struct create_options, member)
static const struct option_row create_rows[] = {
	{ "mode", 'm', "MODE", "'nat' (default), 'bridge', 'host-only' or 'isolated'",
	  CREATE(TEXT, mode) },
	{ "subnet", 0, "CIDR", "IPv4 subnet, such as 10.5.0.0/24 (default: a free one)",
	  CREATE(TEXT, subnet) },
	{ "subnet6", 0, "CIDR", "IPv6 subnet, such as fd00:5::/64 (default: a free one)",
	  CREATE(TEXT, subnet6) },
	{ "gateway", 0, "ADDRESS",
	  "the host's address in it (default: the first); bridge: the LAN's "
	  "router",
	  CREATE(TEXT, gateway) },
	{ "gateway6", 0, "ADDRESS", "the same for IPv6", CREATE(TEXT, gateway6) },
	{ "bridge-name", 0, "BR", "of the bridge; mode bridge: one that is there is used",
	  CREATE(TEXT, bridge_name) },
	{ "uplink", 0, "IF", "mode bridge: this interface of the host joins the bridge",
	  CREATE(TEXT, uplink) },
	{ "route", 0, NULL, "mode host-only: forward to and from it, without NAT",
	  CREATE(FLAG, route) },
	{ "mtu", 0, "BYTES", "of its interfaces (default 1500)", CREATE(TEXT, mtu) },
	{ "internal-dns", 0, NULL, "a resolver (dnsmasq) that knows its workloads by name",
	  CREATE(FLAG, internal_dns) },
	{ .name = NULL },
};

static int read_prefix(const char *option, const char *text, struct ip_prefix *out, struct err *err)
{
	if (!text || ip_prefix_parse(text, out) == 0)
		return 0;
	return err_set(err, -EINVAL, "option '--%s': '%s' is not ADDRESS/BITS", option, text);
}

static int read_addr(const char *option, const char *text, struct ip_addr *out, struct err *err)
{
	if (!text || ip_parse(text, out) == 0)
		return 0;
	return err_set(err, -EINVAL, "option '--%s': '%s' is not an address", option, text);
}

static int read_name(const char *option, const char *text, char out[IFNAMSIZ], struct err *err)
{
	if (!text)
		return 0;
	if (strlen(text) >= IFNAMSIZ)
		return err_set(err, -EINVAL, "option '--%s': '%s' is longer than %d bytes", option,
			       text, IFNAMSIZ - 1);
	(void)snprintf(out, IFNAMSIZ, "%s", text);
	return 0;
}

static int read_wish(const struct create_options *o, struct network *n, struct err *err)
{
	uint64_t mtu = 0;
	int rc;

	if (o->mode && net_mode_parse(o->mode, &n->mode) < 0)
		return err_set(err, -EINVAL,
			       "option '--mode': '%s' is not 'nat', 'bridge', 'host-only' or "
			       "'isolated'",
			       o->mode);
	if (o->mtu && num_u64(o->mtu, 1, UINT16_MAX, &mtu) < 0)
		return err_set(err, -EINVAL, "option '--mtu': '%s' is not a number of bytes",
			       o->mtu);
	n->mtu = (uint32_t)mtu;
	n->is_routed = o->route;
	n->has_dns = o->internal_dns;
	rc = read_prefix("subnet", o->subnet, &n->subnet, err);
	if (rc == 0)
		rc = read_prefix("subnet6", o->subnet6, &n->subnet6, err);
	if (rc == 0)
		rc = read_addr("gateway", o->gateway, &n->gateway, err);
	if (rc == 0)
		rc = read_addr("gateway6", o->gateway6, &n->gateway6, err);
	if (rc == 0)
		rc = read_name("bridge-name", o->bridge_name, n->bridge, err);
	if (rc == 0)
		rc = read_name("uplink", o->uplink, n->uplink, err);
	return rc;
}

static int create_run(struct program *p, const void *options, char **args, struct err *err)
{
	struct network wanted = { .mode = NET_NAT };
	auto_buf struct buf text = BUF_INIT;
	struct network made;
	int rc;

	if (strlen(args[0]) > NET_NAME_MAX)
		return err_set(err, -EINVAL, "network '%.32s...': a name has at most %d bytes",
			       args[0], NET_NAME_MAX);
	(void)snprintf(wanted.name, sizeof(wanted.name), "%s", args[0]);
	rc = read_wish(options, &wanted, err);
	if (rc == 0)
		rc = network_create(&p->store, &wanted, &made, err);
	if (rc < 0)
		return rc;
	buf_printf(&text, "%s\n", made.name);
	return program_print(&text, err);
}

/* ---- list ---------------------------------------------------------------------------------- */

struct format_options {
	const char *format;
};

static const struct option_row format_rows[] = {
	{ "format", 'f', "FORMAT", "'table' or 'json'", OPTION_TEXT,
	  offsetof(struct format_options, format) },
	{ .name = NULL },
};

struct listing {
	const struct program *p;
	struct buf *table; /* NULL: json is filled */
	struct json_writer *json;
	bool has_default;
	struct err *err;
};

static int count_member(const char *id, const struct net_ends *ends, const struct net_end *end,
			void *data)
{
	size_t *n = data;

	(void)id;
	(void)ends;
	(void)end;
	(*n)++;
	return 0;
}

static void list_row(struct listing *l, const struct network *n, size_t members)
{
	char subnet[IP_STR_MAX];
	char subnet6[IP_STR_MAX];

	buf_printf(l->table, "%-20s %-10s %-15s %-18s %-24s %zu\n", n->name,
		   n->is_routed ? "routed" : net_mode_name(n->mode),
		   n->bridge[0] ? n->bridge : "(on first use)",
		   n->subnet.addr.family ? ip_prefix_str(&n->subnet, subnet) : "-",
		   n->subnet6.addr.family ? ip_prefix_str(&n->subnet6, subnet6) : "-", members);
}

static int list_one(const struct network *n, void *data)
{
	struct listing *l = data;
	size_t members = 0;
	int rc = net_member_each(&l->p->store, n->name, count_member, &members, l->err);

	if (rc < 0)
		return rc;
	l->has_default |= str_eq(n->name, DEFAULT_NETWORK);
	if (l->table) {
		list_row(l, n, members);
		return 0;
	}
	json_write_object(l->json, NULL);
	text_network(l->json, n);
	json_write_u64(l->json, "members", members);
	json_write_end(l->json);
	return 0;
}

/* What the network "default" is before somebody uses it. */
static struct network unmade_default(void)
{
	struct network n = { .mode = NET_NAT };

	(void)snprintf(n.name, sizeof(n.name), DEFAULT_NETWORK);
	return n;
}

static int list_all(struct listing *l)
{
	const struct network unmade = unmade_default();
	int rc = network_each(&l->p->store, list_one, l, l->err);

	return rc < 0 || l->has_default ? rc : list_one(&unmade, l);
}

static int check_format(const char *format, bool *is_json, struct err *err)
{
	*is_json = format && str_eq(format, "json");
	if (format && !*is_json && !str_eq(format, "table"))
		return err_set(err, -EINVAL, "option '--format': '%s' is not 'table' or 'json'",
			       format);
	return 0;
}

static int list_run(struct program *p, const void *options, char **args, struct err *err)
{
	const struct format_options *o = options;
	auto_buf struct buf text = BUF_INIT;
	struct listing l = { .p = p, .err = err };
	struct json_writer w;
	bool is_json;
	int rc = check_format(o->format, &is_json, err);

	(void)args;
	if (rc < 0)
		return rc;
	if (is_json) {
		json_writer_init(&w, &text, JSON_PRETTY);
		l.json = &w;
		json_write_array(&w, NULL);
		rc = list_all(&l);
		json_write_end(&w);
		if (json_writer_finish(&w) < 0 && rc == 0)
			rc = err_set(err, -ENOMEM, "out of memory");
	} else {
		l.table = &text;
		buf_printf(&text, "%-20s %-10s %-15s %-18s %-24s %s\n", "NAME", "MODE", "BRIDGE",
			   "SUBNET", "SUBNET6", "MEMBERS");
		rc = list_all(&l);
	}
	return rc < 0 ? rc : program_print(&text, err);
}

/* ---- inspect, remove ----------------------------------------------------------------------- */

static int inspect_member(const char *id, const struct net_ends *ends, const struct net_end *end,
			  void *data)
{
	struct json_writer *w = data;

	json_write_object(w, NULL);
	json_write_str(w, "id", id);
	if (ends->host_name[0])
		json_write_str(w, "hostname", ends->host_name);
	text_end(w, end);
	json_write_end(w);
	return 0;
}

static int inspect_run(struct program *p, const void *options, char **args, struct err *err)
{
	auto_buf struct buf text = BUF_INIT;
	struct json_writer w;
	struct network n;
	int rc = network_load(&p->store, args[0], &n, err);

	(void)options;
	if (rc == -ENOENT && str_eq(args[0], DEFAULT_NETWORK)) {
		n = unmade_default();
		rc = 0;
	}
	if (rc < 0)
		return rc;
	json_writer_init(&w, &text, JSON_PRETTY);
	json_write_object(&w, NULL);
	text_network(&w, &n);
	json_write_array(&w, "members");
	rc = net_member_each(&p->store, n.name, inspect_member, &w, err);
	json_write_end(&w);
	json_write_end(&w);
	if (json_writer_finish(&w) < 0 && rc == 0)
		rc = err_set(err, -ENOMEM, "out of memory");
	return rc < 0 ? rc : program_print(&text, err);
}

static int remove_run(struct program *p, const void *options, char **args, struct err *err)
{
	int rc = network_remove(&p->store, args[0], err);

	(void)options;
	if (rc == 0)
		names_forget(p, args[0]);
	return rc;
}

const struct verb network_verbs[] = {
	{ .name = "create",
	  .usage = "[options] NAME",
	  .summary = "make a network",
	  .examples = "  bivalve network create web\n"
		      "  bivalve network create db --mode isolated --subnet 10.5.0.0/24\n"
		      "  bivalve network create lan --mode bridge --bridge-name br0\n"
		      "  bivalve network create app --internal-dns    # needs dnsmasq\n",
	  .rows = create_rows,
	  .min_args = 1,
	  .max_args = 1,
	  .run = create_run },
	{ .name = "list",
	  .usage = "[options]",
	  .summary = "show all networks",
	  .rows = format_rows,
	  .run = list_run },
	{ .name = "inspect",
	  .usage = "NAME",
	  .summary = "show a network and who is on it, as JSON",
	  .examples = "  bivalve network inspect default | jq -r '.members[].addresses[]'\n",
	  .min_args = 1,
	  .max_args = 1,
	  .run = inspect_run },
	{ .name = "remove",
	  .usage = "NAME",
	  .summary = "take down a network that no workload is on",
	  .min_args = 1,
	  .max_args = 1,
	  .run = remove_run },
	{ .name = NULL },
};
