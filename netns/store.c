// SPDX-License-Identifier: GPL-2.0-or-later
/* Networks and ends as files: text forms, atomic writes, the lock. Knows no kernel network. */
#include "netns/store.h"

#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "netns/rtnl.h"
#include "spec/base/fd.h"
#include "spec/base/num.h"
#include "spec/base/str.h"

enum { RECORD_MAX = 65536 };

static const char *const folders[] = { "networks", "next", "leases", "ports", "ends" };

int net_store_open(int root_fd, const char *name, net_alive_fn alive, void *data,
		   struct net_store *out, struct err *err)
{
	auto_close int fd = openat(root_fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT) {
		if (mkdirat(root_fd, name, 0700) < 0 && errno != EEXIST)
			return err_sys(err, "create folder '%s'", name);
		fd = openat(root_fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	}
	if (fd < 0)
		return err_sys(err, "open folder '%s'", name);
	if (faccessat(fd, folders[ARRAY_LEN(folders) - 1], F_OK, 0) < 0) {
		for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
			if (mkdirat(fd, folders[i], 0700) < 0 && errno != EEXIST)
				return err_sys(err, "create folder '%s/%s'", name, folders[i]);
		}
	}
	*out = (struct net_store){ take_fd(&fd), alive, data };
	return 0;
}

void net_store_close(struct net_store *s)
{
	cleanup_close(&s->dir_fd);
	s->dir_fd = -1;
}

int store_lock(const struct net_store *s, struct err *err)
{
	auto_close int fd = openat(s->dir_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		return err_sys(err, "open the lock of the networks");
	while (flock(fd, LOCK_EX) < 0) {
		if (errno != EINTR)
			return err_sys(err, "lock the networks");
	}
	return take_fd(&fd);
}

static bool word_ok(const char *s, size_t max, const char *also)
{
	size_t len = strlen(s);

	if (len == 0 || len > max || s[0] == '.' || s[0] == '-')
		return false;
	for (size_t i = 0; i < len; i++) {
		bool plain = (s[i] >= 'a' && s[i] <= 'z') || (s[i] >= 'A' && s[i] <= 'Z') ||
			     (s[i] >= '0' && s[i] <= '9');

		if (!plain && !strchr(also, s[i]))
			return false;
	}
	return true;
}

bool store_id_ok(const char *id)
{
	return word_ok(id, NET_ID_MAX - 8, "_+.-");
}

bool store_name_ok(const char *name)
{
	return word_ok(name, NET_NAME_MAX, "_.-");
}

/* ---- text ---- */

static void line_prefix(struct buf *out, const char *key, const struct ip_prefix *p)
{
	char text[IP_STR_MAX];

	if (p->addr.family)
		buf_printf(out, "%s %s\n", key, ip_prefix_str(p, text));
}

static void line_addr(struct buf *out, const char *key, const struct ip_addr *a)
{
	char text[IP_STR_MAX];

	if (a->family)
		buf_printf(out, "%s %s\n", key, ip_str(a, text));
}

void store_network_text(const struct network *n, struct buf *out)
{
	buf_printf(out, "name %s\nmode %s\nbridge %s\nmtu %u\n", n->name, net_mode_name(n->mode),
		   n->bridge, n->mtu);
	if (n->is_routed)
		buf_add_str(out, "routed 1\n");
	if (n->owns_bridge)
		buf_add_str(out, "owns-bridge 1\n");
	if (n->has_dns)
		buf_add_str(out, "dns 1\n");
	if (n->uplink[0])
		buf_printf(out, "uplink %s\n", n->uplink);
	line_prefix(out, "subnet", &n->subnet);
	line_prefix(out, "subnet6", &n->subnet6);
	line_addr(out, "gateway", &n->gateway);
	line_addr(out, "gateway6", &n->gateway6);
}

/* Copies a word; false when it is too long. */
static bool copy_word(char *to, size_t size, const char *s)
{
	size_t len = strlen(s);

	if (len >= size)
		return false;
	memcpy(to, s, len + 1);
	return true;
}

static bool read_u32(const char *s, uint32_t *out)
{
	uint64_t v;

	if (num_u64(s, 0, UINT32_MAX, &v) < 0)
		return false;
	*out = (uint32_t)v;
	return true;
}

/* Takes "key value" off *@text; NULL at the end or at a line without a value. */
static char *next_line(char **text, char **out_value)
{
	char *key = strsep(text, "\n");
	char *space = key ? strchr(key, ' ') : NULL;

	if (!space)
		return NULL;
	*space = '\0';
	*out_value = space + 1;
	return key;
}

int store_network_parse(char *text, struct network *out)
{
	struct network n = { 0 };
	char *value;

	for (char *key; (key = next_line(&text, &value));) {
		bool ok = true; /* a key of a later version is passed over */

		if (str_eq(key, "name"))
			ok = copy_word(n.name, sizeof(n.name), value);
		else if (str_eq(key, "mode"))
			ok = net_mode_parse(value, &n.mode) == 0;
		else if (str_eq(key, "bridge"))
			ok = copy_word(n.bridge, sizeof(n.bridge), value);
		else if (str_eq(key, "uplink"))
			ok = copy_word(n.uplink, sizeof(n.uplink), value);
		else if (str_eq(key, "mtu"))
			ok = read_u32(value, &n.mtu);
		else if (str_eq(key, "routed"))
			n.is_routed = true;
		else if (str_eq(key, "owns-bridge"))
			n.owns_bridge = true;
		else if (str_eq(key, "dns"))
			n.has_dns = true;
		else if (str_eq(key, "subnet"))
			ok = ip_prefix_parse(value, &n.subnet) == 0;
		else if (str_eq(key, "subnet6"))
			ok = ip_prefix_parse(value, &n.subnet6) == 0;
		else if (str_eq(key, "gateway"))
			ok = ip_parse(value, &n.gateway) == 0;
		else if (str_eq(key, "gateway6"))
			ok = ip_parse(value, &n.gateway6) == 0;
		if (!ok)
			return -EPROTO;
	}
	if (!store_name_ok(n.name) || !link_name_ok(n.bridge))
		return -EPROTO;
	*out = n;
	return 0;
}

void store_ends_text(const struct net_ends *e, struct buf *out)
{
	char text[IP_STR_MAX];

	if (e->host_name[0])
		buf_printf(out, "host-name %s\n", e->host_name);
	for (size_t i = 0; i < e->n; i++) {
		const struct net_end *end = &e->end[i];

		buf_printf(out, "end %s\nif %s\nport %s\nmac %s\nmtu %u\n", end->network,
			   end->if_name, end->port, mac_str(&end->mac, text), end->mtu);
		if (end->is_published)
			buf_add_str(out, "published 1\n");
		if (end->has_dns)
			buf_add_str(out, "dns 1\n");
		if (end->is_lan)
			buf_add_str(out, "lan 1\n");
		line_prefix(out, "ip", &end->ip);
		line_prefix(out, "ip6", &end->ip6);
		line_addr(out, "gateway", &end->gateway);
		line_addr(out, "gateway6", &end->gateway6);
	}
	for (size_t i = 0; i < e->n_ports; i++) {
		const struct net_port *p = &e->ports[i];

		buf_printf(out, "publish %s%s%s%u-%u:%u-%u/%s\n",
			   p->host.family == AF_INET6 ? "[" : "", ip_str(&p->host, text),
			   p->host.family == AF_INET6 ? "]:"
			   : p->host.family           ? ":"
						      : "",
			   p->host_port, p->host_port + p->count - 1, p->port,
			   p->port + p->count - 1, p->proto == IPPROTO_UDP ? "udp" : "tcp");
	}
}

/* A line about the end @e. */
static bool read_end_line(struct net_end *e, const char *key, const char *value)
{
	if (str_eq(key, "if"))
		return copy_word(e->if_name, sizeof(e->if_name), value);
	if (str_eq(key, "port"))
		return copy_word(e->port, sizeof(e->port), value);
	if (str_eq(key, "mac"))
		return mac_parse(value, &e->mac) == 0;
	if (str_eq(key, "mtu"))
		return read_u32(value, &e->mtu);
	if (str_eq(key, "published"))
		e->is_published = true;
	if (str_eq(key, "dns"))
		e->has_dns = true;
	if (str_eq(key, "lan"))
		e->is_lan = true;
	if (str_eq(key, "ip"))
		return ip_prefix_parse(value, &e->ip) == 0;
	if (str_eq(key, "ip6"))
		return ip_prefix_parse(value, &e->ip6) == 0;
	if (str_eq(key, "gateway"))
		return ip_parse(value, &e->gateway) == 0;
	if (str_eq(key, "gateway6"))
		return ip_parse(value, &e->gateway6) == 0;
	return true;
}

int store_ends_parse(char *text, struct net_ends *out)
{
	char *value;

	*out = (struct net_ends){ 0 };
	for (char *key; (key = next_line(&text, &value));) {
		bool ok = true;

		if (str_eq(key, "host-name")) {
			ok = copy_word(out->host_name, sizeof(out->host_name), value);
		} else if (str_eq(key, "publish")) {
			ok = out->n_ports < NET_PORTS_MAX &&
			     net_port_parse(value, &out->ports[out->n_ports++], NULL) == 0;
		} else if (str_eq(key, "end")) {
			ok = out->n < NET_ENDS_MAX && store_name_ok(value);
			if (ok) {
				struct net_end *e = &out->end[out->n++];

				e->tap_fd = -1;
				ok = copy_word(e->network, sizeof(e->network), value);
			}
		} else if (out->n) {
			ok = read_end_line(&out->end[out->n - 1], key, value);
		}
		if (!ok)
			return -EPROTO;
	}
	return 0;
}

/* ---- files ---- */

static int open_folder(const struct net_store *s, const char *folder, struct err *err)
{
	int fd = openat(s->dir_fd, folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? err_sys(err, "open folder '%s' of the networks", folder) : fd;
}

static int save(const struct net_store *s, const char *folder, const char *name,
		const struct buf *text, struct err *err)
{
	auto_close int fd = open_folder(s, folder, err);
	int rc;

	if (fd < 0)
		return fd;
	rc = buf_failed(text) ? -ENOMEM : file_put_at(fd, name, text->data, text->len, 0600);
	return rc < 0 ? err_code(err, rc, "write '%s/%s' of the networks", folder, name) : 0;
}

static int load(const struct net_store *s, const char *folder, const char *name, struct buf *out)
{
	char path[NET_ID_MAX + 16];

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	return file_read_at(s->dir_fd, path, RECORD_MAX, out);
}

static int delete (const struct net_store *s, const char *folder, const char *name, struct err *err)
{
	char path[NET_ID_MAX + 16];

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	if (unlinkat(s->dir_fd, path, 0) < 0 && errno != ENOENT)
		return err_sys(err, "delete '%s' of the networks", path);
	return 0;
}

int store_network_save(const struct net_store *s, const struct network *n, struct err *err)
{
	auto_buf struct buf text = BUF_INIT;

	store_network_text(n, &text);
	return save(s, "networks", n->name, &text, err);
}

int store_network_delete(const struct net_store *s, const char *name, struct err *err)
{
	return delete (s, "networks", name, err);
}

int network_load(const struct net_store *s, const char *name, struct network *out, struct err *err)
{
	auto_buf struct buf text = BUF_INIT;
	int rc;

	if (!store_name_ok(name))
		return err_set(err, -EINVAL, "network '%s': not a possible name", name);
	rc = load(s, "networks", name, &text);
	if (rc == -ENOENT)
		return err_set(err, rc, "network '%s' does not exist", name);
	if (rc == 0)
		rc = text.data ? store_network_parse(text.data, out) : -EPROTO;
	return rc < 0 ? err_code(err, rc, "read network '%s'", name) : 0;
}

int store_ends_save(const struct net_store *s, const char *id, const struct net_ends *e,
		    struct err *err)
{
	auto_buf struct buf text = BUF_INIT;

	store_ends_text(e, &text);
	return save(s, "ends", id, &text, err);
}

int store_ends_delete(const struct net_store *s, const char *id, struct err *err)
{
	return delete (s, "ends", id, err);
}

int net_ends_load(const struct net_store *s, const char *id, struct net_ends *out, struct err *err)
{
	auto_buf struct buf text = BUF_INIT;
	int rc;

	if (!store_id_ok(id))
		return err_set(err, -EINVAL, "networks of '%s': not a possible id", id);
	rc = load(s, "ends", id, &text);
	if (rc == 0)
		rc = text.data ? store_ends_parse(text.data, out) : -EPROTO;
	return rc < 0 ? err_code(err, rc, "read the networks of '%s'", id) : 0;
}

static int is_record(const struct dirent *d)
{
	return d->d_name[0] != '.'; /* ".", "..", and temporary files */
}

/* The records of a folder, by name; freed with free_list(). */
static int list(const struct net_store *s, const char *folder, struct dirent ***out,
		struct err *err)
{
	int n = scandirat(s->dir_fd, folder, out, is_record, alphasort);

	return n < 0 ? err_sys(err, "list '%s' of the networks", folder) : n;
}

static void free_list(struct dirent **names, int n)
{
	for (int i = 0; i < n; i++)
		free(names[i]);
	free(names);
}

int network_each(const struct net_store *s, network_fn fn, void *data, struct err *err)
{
	struct dirent **names = NULL;
	int n = list(s, "networks", &names, err);
	int rc = 0;

	if (n < 0)
		return n;
	for (int i = 0; rc == 0 && i < n; i++) {
		struct network net;

		rc = network_load(s, names[i]->d_name, &net, err);
		if (rc == -ENOENT)
			rc = 0; /* removed since it was listed */
		else if (rc == 0)
			rc = fn(&net, data);
	}
	free_list(names, n);
	return rc;
}

int store_ends_each(const struct net_store *s, store_ends_fn fn, void *data, struct err *err)
{
	struct dirent **names = NULL;
	int n = list(s, "ends", &names, err);
	int rc = 0;

	if (n < 0)
		return n;
	for (int i = 0; rc == 0 && i < n; i++) {
		struct net_ends ends = { .n = 0 };

		if (net_ends_load(s, names[i]->d_name, &ends, NULL) == 0)
			rc = fn(names[i]->d_name, &ends, data);
	}
	free_list(names, n);
	return rc;
}

struct member_search {
	const char *network;
	net_member_fn fn;
	void *data;
};

static int each_member(const char *id, const struct net_ends *e, void *data)
{
	const struct member_search *m = data;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < e->n; i++) {
		if (str_eq(e->end[i].network, m->network))
			rc = m->fn(id, e, &e->end[i], m->data);
	}
	return rc;
}

int net_member_each(const struct net_store *s, const char *network, net_member_fn fn, void *data,
		    struct err *err)
{
	struct member_search m = { network, fn, data };

	return store_ends_each(s, each_member, &m, err);
}
