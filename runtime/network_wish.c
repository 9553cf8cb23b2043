// SPDX-License-Identifier: GPL-2.0-or-later
/* What a workload asks for: options, annotations, and the files for its /etc. */
#include "runtime/network.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "netns/names.h"
#include "runtime/container.h"
#include "spec/base/arena.h"

#define ANNOTATION "org.bivalve."

/* ---- options and annotations --------------------------------------------------------------- */

enum { WISH_KINDS = 4 };

static const struct {
	const char *option, *annotation;
} names[WISH_KINDS] = {
	{ "--network", ANNOTATION "network" },
	{ "--publish", ANNOTATION "publish" },
	{ "--dns", ANNOTATION "dns" },
	{ "--add-host", ANNOTATION "add-host" },
};

static int no_memory(struct err *err)
{
	return err_set(err, -ENOMEM, "out of memory");
}

/* "ip6=..." goes on with the network before it; "lan", "lan:ip=..." begin one. */
static bool begins_wish(const char *word)
{
	size_t len = strcspn(word, ":=");

	return word[len] != '=';
}

/* Splits a comma list; @has_settings: the commas inside of a network's settings are not ends. */
static int split_list(struct config *c, const char *text, bool has_settings, struct strv *out,
		      struct err *err)
{
	char *rest = arena_strdup(&c->arena, text);
	size_t max = 2;

	for (const char *p = text; *p; p++)
		max += *p == ',';
	out->v = arena_alloc(&c->arena, max, sizeof(*out->v));
	if (!rest || !out->v)
		return no_memory(err);
	while (rest) {
		char *word = strsep(&rest, ",");

		if (*word == '\0')
			continue;
		if (has_settings && out->n && !begins_wish(word))
			word[-1] = ','; /* strsep ended the one before here */
		else
			out->v[out->n++] = word;
	}
	return 0;
}

static int read_annotations(struct config *c, struct strv *const lists[WISH_KINDS], struct err *err)
{
	for (size_t i = 0; i < WISH_KINDS; i++) {
		const char *text = config_annotation(c, names[i].annotation);
		int rc = text ? split_list(c, text, i == 0, lists[i], err) : 0;

		if (rc < 0)
			return rc;
	}
	return 0;
}

/* "none" and "host" stand alone; both leave no network to connect to. */
static int apply_special(struct config *c, struct strv *networks, const char *origin,
			 bool *out_is_changed, struct err *err)
{
	struct config_ns *ns = &c->linux_.namespaces[NS_NETWORK];
	bool is_host = false;

	for (size_t i = 0; i < networks->n; i++) {
		is_host |= str_eq(networks->v[i], "host");
		if (!is_host && !str_eq(networks->v[i], "none"))
			continue;
		if (networks->n > 1)
			return err_set(err, -EINVAL, "%s: '%s' excludes other networks", origin,
				       networks->v[i]);
		if (is_host) {
			*out_is_changed = ns->is_set;
			*ns = (struct config_ns){ .is_set = false };
		} else if (!ns->is_set || ns->path) {
			return err_set(err, -EINVAL,
				       "%s: 'none' needs a new network namespace, and "
				       "/linux/namespaces has none",
				       origin);
		}
		networks->n = 0;
		return 1;
	}
	return 0;
}

/*
 * The workload's init writes them while the interfaces are still on their way to it: what worked
 * now and then would be worse than what never does.
 */
static int check_sysctls(const struct config *c, struct err *err)
{
	static const char *const of_interfaces[] = { "net.ipv4.conf.", "net.ipv6.conf.",
						     "net.ipv4.neigh.", "net.ipv6.neigh." };

	for (size_t i = 0; i < c->linux_.sysctl.n; i++) {
		const char *key = c->linux_.sysctl.items[i].key;

		for (size_t k = 0; k < ARRAY_LEN(of_interfaces); k++) {
			const char *name = key + strlen(of_interfaces[k]);

			if (!str_starts(key, of_interfaces[k]) || str_starts(name, "all.") ||
			    str_starts(name, "default.") || str_starts(name, "lo."))
				continue;
			return err_set(err, -ENOTSUP,
				       "/linux/sysctl/%s: of an interface that a network or "
				       "/linux/netDevices brings, which is not built",
				       key);
		}
	}
	return 0;
}

static int check_wish(const struct config *c, const struct network_wish *w, bool is_rootless,
		      const char *origin, struct err *err)
{
	const struct config_ns *ns = &c->linux_.namespaces[NS_NETWORK];

	if (w->networks.n && (!ns->is_set || ns->path))
		return err_set(err, -EINVAL,
			       "%s: needs a new network namespace, and /linux/namespaces has %s",
			       origin, ns->path ? "one by path" : "none");
	if (is_rootless && (w->networks.n || c->linux_.net_devices.n))
		return err_set(err, -EPERM, "%s: networks need root's rights over the host",
			       w->networks.n ? origin : "/linux/netDevices");
	return w->networks.n || c->linux_.net_devices.n ? check_sysctls(c, err) : 0;
}

int network_read_wish(const struct network_wish *o, bool is_rootless, struct config *c,
		      struct network_wish *out, bool *out_is_changed, struct err *err)
{
	struct network_wish w = *o;
	struct strv *const lists[WISH_KINDS] = { &w.networks, &w.publish, &w.dns, &w.add_hosts };
	bool has_options = w.networks.n || w.publish.n || w.dns.n || w.add_hosts.n;
	char origin[64];
	int rc = has_options ? 0 : read_annotations(c, lists, err);

	(void)snprintf(origin, sizeof(origin), "%s '%s'", has_options ? "option" : "annotation",
		       has_options ? names[0].option : names[0].annotation);
	if (rc == 0)
		rc = apply_special(c, &w.networks, origin, out_is_changed, err);
	for (size_t i = 1; rc >= 0 && w.networks.n == 0 && i < WISH_KINDS; i++) {
		if (lists[i]->n)
			rc = err_set(err, -EINVAL, "%s '%s' needs a network ('%s')",
				     has_options ? "option" : "annotation",
				     has_options ? names[i].option : names[i].annotation,
				     has_options ? names[0].option : names[0].annotation);
	}
	if (rc >= 0)
		rc = check_wish(c, &w, is_rootless, origin, err);
	if (rc < 0)
		return rc;
	*out = w;
	return 0;
}

/* ---- files for /etc ------------------------------------------------------------------------ */

static const struct {
	const char *name, *destination;
} files[] = {
	{ NAMES_HOSTS_FILE, "/etc/hosts" },
	{ NAMES_RESOLV_FILE, "/etc/resolv.conf" },
	{ NAMES_HOSTNAME_FILE, "/etc/hostname" },
};

static bool is_mounted(const struct config *c, const char *destination)
{
	for (size_t i = 0; i < c->mounts.n; i++) {
		if (str_eq(c->mounts.items[i].destination, destination))
			return true;
	}
	return false;
}

static int make_file(int dir_fd, const char *name, struct err *err)
{
	auto_close int fd =
	    openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	/* Whoever may see the mount may read it; the state folder itself stays closed. */
	if (fd < 0 || fchmod(fd, 0644) < 0)
		return err_sys(err, "make '%s' for the workload", name);
	return 0;
}

/* The hosts file of its only network, all of whose members share it; false: it needs its own. */
static bool link_hosts(const struct container *c, const struct network_wish *w)
{
	char path[PATH_MAX];
	const char *name = w->networks.n == 1 && w->add_hosts.n == 0 ? w->networks.v[0] : "";
	size_t len = strcspn(name, ":/");

	if (len == 0 || name[len] == '/' || name[0] == '.' ||
	    snprintf(path, sizeof(path), NETWORK_STORE "/" NAMES_SHARED_FOLDER "/%.*s", (int)len,
		     name) >= PATH_MAX)
		return false;
	return linkat(c->root_fd, path, c->dir_fd, NAMES_HOSTS_FILE, 0) == 0;
}

/*
 * Read-only: peers' names are changed by us alone, and a workload cannot fill the host's /run. A
 * config that mounts one of them itself keeps its own.
 */
int network_prepare(struct container *c, const struct network_wish *w, struct err *err)
{
	static const char *const flags[] = { "bind", "ro", "nosuid", "noexec", "nodev" };
	struct config *config = &c->config;
	struct config_mount *items;
	const char *folder;
	char **options;
	size_t n = config->mounts.n;
	int rc;

	if (w->networks.n == 0)
		return 0;
	rc = state_folder_path(c->dir_fd, &c->state, &folder, err);
	if (rc < 0)
		return rc;
	items = arena_alloc(&config->arena, n + ARRAY_LEN(files), sizeof(*items));
	options = arena_alloc(&config->arena, ARRAY_LEN(flags) + 1, sizeof(*options));
	if (!items || !options)
		return no_memory(err);
	for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
		options[i] = arena_strdup(&config->arena, flags[i]);
		if (!options[i])
			return no_memory(err);
	}
	if (n)
		memcpy(items, config->mounts.items, n * sizeof(*items));
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		if (is_mounted(config, files[i].destination))
			continue;
		if (!str_eq(files[i].name, NAMES_HOSTS_FILE) || !link_hosts(c, w))
			rc = make_file(c->dir_fd, files[i].name, err);
		if (rc < 0)
			return rc;
		items[n] = (struct config_mount){ .destination = files[i].destination,
						  .type = "bind",
						  .options = { options, ARRAY_LEN(flags) } };
		items[n].source = arena_printf(&config->arena, "%s/%s", folder, files[i].name);
		if (!items[n++].source)
			return no_memory(err);
	}
	config->mounts.items = items;
	config->mounts.n = n;
	return 0;
}
