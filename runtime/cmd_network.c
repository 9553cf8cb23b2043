// SPDX-License-Identifier: GPL-2.0-or-later
/* `network create | list | inspect | remove`. */
#include <stdio.h>
#include <string.h>

#include "netns/names.h"
#include "runtime/commands.h"
#include "runtime/network.h"
#include "runtime/network_view.h"
#include "runtime/state.h"
#include "spec/base/num.h"

#define DEFAULT_NETWORK "default"

/* What every one of them works on. */
struct networks {
	int root_fd;
	struct net_store store;
};

#define NETWORKS_INIT                                                                              \
	{                                                                                          \
		-1, NET_STORE_INIT                                                                 \
	}

static void networks_fini(struct networks *n)
{
	net_store_close(&n->store);
	cleanup_close(&n->root_fd);
}

#define auto_networks auto_cleanup(networks_fini)

static int networks_open(const struct app *app, struct networks *n, struct err *err)
{
	if (app->is_rootless)
		return err_set(err, -EPERM, "networks need root's rights over the host");
	n->root_fd = state_root_open(app, true, err);
	return n->root_fd < 0 ? n->root_fd : network_store_open(&n->root_fd, &n->store, err);
}

/* ---- create -------------------------------------------------------------------------------- */

struct new_options {
	const char *mode, *subnet, *subnet6, *gateway, *gateway6;
	const char *bridge_name, *uplink, *mtu;
	bool route, internal_dns;
};

#define CREATE(kind, member) CLI_##kind, offsetof(struct new_options, member)
static const struct cli_option create_rows[] = {
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

static int read_wish(const struct new_options *o, struct network *n, struct err *err)
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

static int create_run(struct invocation *inv, struct err *err)
{
	auto_networks struct networks networks = NETWORKS_INIT;
	struct network wanted = { .mode = NET_NAT };
	auto_buf struct buf text = BUF_INIT;
	const char *name = inv->args[0];
	struct network made;
	int rc;

	if (strlen(name) > NET_NAME_MAX)
		return err_set(err, -EINVAL, "network '%.32s...': a name has at most %d bytes",
			       name, NET_NAME_MAX);
	(void)snprintf(wanted.name, sizeof(wanted.name), "%s", name);
	rc = read_wish(inv->options, &wanted, err);
	if (rc == 0)
		rc = networks_open(inv->app, &networks, err);
	if (rc == 0)
		rc = network_create(&networks.store, &wanted, &made, err);
	if (rc < 0)
		return rc;
	buf_printf(&text, "%s\n", made.name);
	return cli_print(&text, err);
}

/* ---- list ---------------------------------------------------------------------------------- */

struct format_options {
	const char *format;
};

static const struct cli_option format_rows[] = {
	{ "format", 'f', "FORMAT", "'table' or 'json'", CLI_TEXT,
	  offsetof(struct format_options, format) },
};

struct listing {
	const struct net_store *store;
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
	int rc = net_member_each(l->store, n->name, count_member, &members, l->err);

	if (rc < 0)
		return rc;
	l->has_default |= str_eq(n->name, DEFAULT_NETWORK);
	if (l->table) {
		list_row(l, n, members);
		return 0;
	}
	json_write_object(l->json, NULL);
	network_view_network(l->json, n);
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
	int rc = network_each(l->store, list_one, l, l->err);

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

static int list_run(struct invocation *inv, struct err *err)
{
	const struct format_options *o = inv->options;
	auto_networks struct networks networks = NETWORKS_INIT;
	struct listing l = { .store = &networks.store, .err = err };
	auto_buf struct buf text = BUF_INIT;
	struct json_writer w;
	bool is_json;
	int rc = check_format(o->format, &is_json, err);

	if (rc == 0)
		rc = networks_open(inv->app, &networks, err);
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
	return rc < 0 ? rc : cli_print(&text, err);
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
	network_view_end(w, end);
	json_write_end(w);
	return 0;
}

static int inspect_run(struct invocation *inv, struct err *err)
{
	auto_networks struct networks networks = NETWORKS_INIT;
	auto_buf struct buf text = BUF_INIT;
	struct json_writer w;
	struct network n;
	int rc = networks_open(inv->app, &networks, err);

	if (rc == 0)
		rc = network_load(&networks.store, inv->args[0], &n, err);
	if (rc == -ENOENT && str_eq(inv->args[0], DEFAULT_NETWORK)) {
		n = unmade_default();
		rc = 0;
	}
	if (rc < 0)
		return rc;
	json_writer_init(&w, &text, JSON_PRETTY);
	json_write_object(&w, NULL);
	network_view_network(&w, &n);
	json_write_array(&w, "members");
	rc = net_member_each(&networks.store, n.name, inspect_member, &w, err);
	json_write_end(&w);
	json_write_end(&w);
	if (json_writer_finish(&w) < 0 && rc == 0)
		rc = err_set(err, -ENOMEM, "out of memory");
	return rc < 0 ? rc : cli_print(&text, err);
}

static int remove_run(struct invocation *inv, struct err *err)
{
	auto_networks struct networks networks = NETWORKS_INIT;
	int rc = networks_open(inv->app, &networks, err);

	if (rc == 0)
		rc = network_remove(&networks.store, inv->args[0], err);
	if (rc == 0)
		names_forget(&networks.store, inv->args[0]);
	return rc;
}

/* ---- the command --------------------------------------------------------------------------- */

static const struct command verbs[] = {
	{ .name = "network create",
	  .usage = "[options] NAME",
	  .summary = "make a network",
	  .examples = "  bivalve network create web\n"
		      "  bivalve network create db --mode isolated --subnet 10.5.0.0/24\n"
		      "  bivalve network create lan --mode bridge --bridge-name br0\n"
		      "  bivalve network create app --internal-dns    # needs dnsmasq\n",
	  .groups = { CLI_GROUP(create_rows) },
	  .options_size = sizeof(struct new_options),
	  .min_args = 1,
	  .max_args = 1,
	  .run = create_run },
	{ .name = "network list",
	  .usage = "[options]",
	  .summary = "show all networks",
	  .groups = { CLI_GROUP(format_rows) },
	  .options_size = sizeof(struct format_options),
	  .run = list_run },
	{ .name = "network inspect",
	  .usage = "NAME",
	  .summary = "show a network and who is on it, as JSON",
	  .examples = "  bivalve network inspect default | jq -r '.members[].addresses[]'\n",
	  .min_args = 1,
	  .max_args = 1,
	  .run = inspect_run },
	{ .name = "network remove",
	  .usage = "NAME",
	  .summary = "take down a network that no workload is on",
	  .min_args = 1,
	  .max_args = 1,
	  .run = remove_run },
};

static const struct command *find_verb(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
		if (str_eq(verbs[i].name + strlen("network "), name))
			return &verbs[i];
	}
	return NULL;
}

static int network_run(struct invocation *inv, struct err *err)
{
	auto_invocation struct invocation own = { .app = inv->app,
						  .command = find_verb(inv->args[0]) };
	auto_buf struct buf help = BUF_INIT;
	int rc;

	if (!own.command)
		return err_set(err, -EINVAL,
			       "unknown command 'network %s' (see 'bivalve network --help')",
			       inv->args[0]);
	rc = cli_command_parse(&own, inv->args + 1, err);
	if (rc == 0)
		return own.command->run(&own, err);
	if (rc < 0)
		return rc;
	cli_help_command(own.command, &help);
	return cli_print(&help, err);
}

const struct command cmd_network = {
	.name = "network",
	.summary = "create, list, inspect and remove networks",
	.usage = "create [options] NAME | list [--format json] | inspect NAME | remove NAME",
	.examples = "  bivalve network create web                    # nat, subnets of its own\n"
		    "  bivalve network create db --mode isolated --subnet 10.5.0.0/24\n"
		    "  bivalve network create lan --mode bridge --bridge-name br0\n"
		    "  bivalve network create --help                 # its options\n"
		    "  bivalve run --rootfs /srv/root --network web -p 8080:80 www\n",
	.min_args = 1,
	.max_args = (size_t)-1,
	.has_program = true,
	.run = network_run,
};
