// SPDX-License-Identifier: GPL-2.0-or-later
/* Leases as symbolic links: taking, giving back, taking back from the dead. */
#include "netns/ipam.h"

#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/stat.h>

#include "netns/store.h"
#include "spec/base/fd.h"
#include "spec/base/num.h"
#include "spec/base/str.h"

/* IPv6 addresses are leased from the first 64 Ki of a prefix: enough, and easy to read. */
enum { SPAN6 = 65536, PORT_KEY_MAX = 80 };

/* The owner of lease @name in @dir_fd; false when there is none. */
static bool owner_of(int dir_fd, const char *name, char out[NET_ID_MAX + 1])
{
	ssize_t n = readlinkat(dir_fd, name, out, NET_ID_MAX);

	if (n <= 0)
		return false;
	out[n] = '\0';
	return true;
}

static bool is_dead(const struct net_store *s, const char *id)
{
	return s->alive && !s->alive(id, s->alive_data);
}

/* Takes lease @name. Returns 0 (also when it is @id's already), -EEXIST, or another -errno. */
static int take(int dir_fd, const char *name, const char *id)
{
	char owner[NET_ID_MAX + 1];

	if (symlinkat(id, dir_fd, name) == 0)
		return 0;
	if (errno != EEXIST)
		return -errno;
	return owner_of(dir_fd, name, owner) && str_eq(owner, id) ? 0 : -EEXIST;
}

static void give_back(int dir_fd, const char *name, const char *id)
{
	char owner[NET_ID_MAX + 1];

	if (owner_of(dir_fd, name, owner) && str_eq(owner, id))
		(void)unlinkat(dir_fd, name, 0);
}

static int open_leases(const struct net_store *s, const char *network)
{
	char path[NET_NAME_MAX + 16];
	int fd;

	(void)snprintf(path, sizeof(path), "leases/%s", network);
	fd = openat(s->dir_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT && mkdirat(s->dir_fd, path, 0700) == 0)
		fd = openat(s->dir_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* The numbers [first, last] of the addresses that may be leased. False when there are none. */
static bool lease_range(const struct ip_prefix *p, uint64_t *first, uint64_t *last)
{
	unsigned int host_bits = ip_bytes(&p->addr) * 8U - p->len;
	uint64_t size = host_bits >= 16 ? SPAN6 : 1ULL << host_bits;

	/* 0 is the network, or the routers' anycast address (RFC 4291, 2.6.1); 1 is where people
	 * look for a router, so that a network without one leaves it free too. */
	*first = 2;
	*last = size - 1;
	if (p->addr.family == AF_INET && host_bits < 16)
		*last -= 1; /* broadcast */
	return host_bits >= 2;
}

/* One file holds where to go on for both families: two numbers, 8 bytes each. */
static int open_next(const struct net_store *s, const char *network)
{
	char path[NET_NAME_MAX + 16];

	(void)snprintf(path, sizeof(path), "next/%s", network);
	return openat(s->dir_fd, path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
}

struct search {
	const struct net_store *s;
	const struct ip_prefix *prefix;
	const struct ip_addr *gateway;
	const char *id;
	int dir_fd;
	uint64_t first, last;
};

/* Tries every address once, from @*at on. Returns 0 and the address, -ENOSPC, or -errno. */
static int search(const struct search *q, uint64_t *at, struct ip_addr *out)
{
	uint64_t n = *at;

	for (uint64_t tries = q->first; tries <= q->last; tries++, n++) {
		char name[IP_STR_MAX];
		struct ip_addr a;
		int rc;

		if (n < q->first || n > q->last)
			n = q->first;
		if (ip_at(q->prefix, n, &a) < 0)
			continue;
		if (ip_eq(&a, q->gateway))
			continue;
		rc = take(q->dir_fd, ip_str(&a, name), q->id);
		if (rc == -EEXIST)
			continue;
		if (rc == 0) {
			*at = n + 1;
			*out = a;
		}
		return rc;
	}
	return -ENOSPC;
}

static int lease_next(const struct search *q, const char *network, struct ip_addr *out)
{
	auto_close int fd = open_next(q->s, network);
	off_t slot = q->prefix->addr.family == AF_INET ? 0 : 8;
	uint64_t at = q->first;
	int rc;

	if (fd < 0)
		return -errno;
	if (pread(fd, &at, sizeof(at), slot) != sizeof(at))
		at = q->first;
	rc = search(q, &at, out);
	if (rc == 0 && pwrite(fd, &at, sizeof(at), slot) != sizeof(at))
		rc = -EIO;
	return rc;
}

static int lease_wanted(const struct search *q, const struct ip_addr *wanted, struct err *err)
{
	struct ip_addr first = ip_first(q->prefix);
	struct ip_addr last = ip_last(q->prefix);
	char owner[NET_ID_MAX + 1];
	char name[IP_STR_MAX];
	char subnet[IP_STR_MAX];
	int rc;

	(void)ip_str(wanted, name);
	if (!ip_in(q->prefix, wanted))
		return err_set(err, -EINVAL, "address '%s' is not in '%s'", name,
			       ip_prefix_str(q->prefix, subnet));
	if (ip_eq(wanted, q->gateway) || ip_eq(wanted, &first) ||
	    (wanted->family == AF_INET && q->prefix->len < 31 && ip_eq(wanted, &last)))
		return err_set(err, -EINVAL, "address '%s' is not for a workload", name);
	rc = take(q->dir_fd, name, q->id);
	if (rc == -EEXIST && owner_of(q->dir_fd, name, owner))
		return err_set(err, -EADDRINUSE, "address '%s' is in use by '%s'", name, owner);
	return rc < 0 ? err_code(err, rc, "lease address '%s'", name) : 0;
}

int ipam_lease(const struct net_store *s, const struct ipam_wish *w, struct ip_prefix *out,
	       struct err *err)
{
	const struct network *n = w->network;
	auto_close int dir_fd = open_leases(s, n->name);
	struct search q = {
		.s = s,
		.prefix = w->family == AF_INET ? &n->subnet : &n->subnet6,
		.gateway = w->family == AF_INET ? &n->gateway : &n->gateway6,
		.id = w->id,
		.dir_fd = dir_fd,
	};
	struct ip_addr addr = w->addr;
	int rc;

	if (dir_fd < 0)
		return err_code(err, dir_fd, "open the leases of network '%s'", n->name);
	if (addr.family) {
		rc = lease_wanted(&q, &addr, err);
		if (rc < 0)
			return err_wrap(err, rc, "network '%s'", n->name);
	} else {
		rc = lease_range(q.prefix, &q.first, &q.last) ? lease_next(&q, n->name, &addr)
							      : -ENOSPC;
		if (rc == -ENOSPC)
			return err_set(err, rc, "network '%s' has no free address", n->name);
		if (rc < 0)
			return err_code(err, rc, "lease an address of network '%s'", n->name);
	}
	*out = (struct ip_prefix){ addr, q.prefix->len };
	return 0;
}

void ipam_release(const struct net_store *s, const char *network, const struct ip_addr *addr,
		  const char *id)
{
	char path[sizeof("leases/") + NET_NAME_MAX + 1 + IP_STR_MAX];
	char name[IP_STR_MAX];

	if (!addr->family)
		return;
	(void)snprintf(path, sizeof(path), "leases/%s/%s", network, ip_str(addr, name));
	give_back(s->dir_fd, path, id);
}

static const char *port_key(const struct net_port *p, unsigned int i, char out[PORT_KEY_MAX])
{
	char text[IP_STR_MAX];

	(void)snprintf(out, PORT_KEY_MAX, "ports/%s-%s-%u", p->proto == IPPROTO_UDP ? "udp" : "tcp",
		       p->host.family ? ip_str(&p->host, text) : "any", p->host_port + i);
	return out;
}

int ipam_lease_port(const struct net_store *s, const struct net_port *p, const char *id,
		    struct err *err)
{
	for (unsigned int i = 0; i < p->count; i++) {
		char owner[NET_ID_MAX + 1];
		char key[PORT_KEY_MAX];
		int rc = take(s->dir_fd, port_key(p, i, key), id);

		if (rc == 0)
			continue;
		if (!owner_of(s->dir_fd, key, owner))
			owner[0] = '\0';
		while (i)
			give_back(s->dir_fd, port_key(p, --i, (char[PORT_KEY_MAX]){ 0 }), id);
		if (rc == -EEXIST)
			return err_set(err, -EADDRINUSE, "port '%s' is published by '%s' already",
				       key + strlen("ports/"), owner);
		return err_code(err, rc, "lease port '%s'", key + strlen("ports/"));
	}
	return 0;
}

void ipam_release_port(const struct net_store *s, const struct net_port *p, const char *id)
{
	for (unsigned int i = 0; i < p->count; i++)
		give_back(s->dir_fd, port_key(p, i, (char[PORT_KEY_MAX]){ 0 }), id);
}

/* Removes the leases of @id (or of all who are dead) in one folder. */
static void sweep(const struct net_store *s, int fd, const char *id)
{
	auto_closedir DIR *dir = fdopendir(fd);

	if (!dir) {
		(void)close(fd);
		return;
	}
	for (struct dirent *d; (d = readdir(dir));) {
		char owner[NET_ID_MAX + 1];

		if (d->d_name[0] == '.' || !owner_of(fd, d->d_name, owner))
			continue;
		if (id ? str_eq(owner, id) : is_dead(s, owner))
			(void)unlinkat(fd, d->d_name, 0);
	}
}

struct sweep_all {
	const struct net_store *s;
	const char *id;
};

static int sweep_network(const struct network *n, void *data)
{
	const struct sweep_all *a = data;
	int fd = open_leases(a->s, n->name);

	if (fd >= 0)
		sweep(a->s, fd, a->id);
	return 0;
}

int ipam_release_all(const struct net_store *s, const char *id, struct err *err)
{
	struct sweep_all a = { s, id };
	int fd = openat(s->dir_fd, "ports", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0)
		sweep(s, fd, id);
	return network_each(s, sweep_network, &a, err);
}

int ipam_owner(const struct net_store *s, const char *network, char out[NET_ID_MAX + 1])
{
	int fd = open_leases(s, network);
	auto_closedir DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir)
		return fd < 0 ? fd : -errno;
	for (struct dirent *d; (d = readdir(dir));) {
		if (d->d_name[0] != '.' && owner_of(fd, d->d_name, out) && !is_dead(s, out))
			return 0;
	}
	return -ENOENT;
}

void ipam_forget(const struct net_store *s, const char *network)
{
	char path[NET_NAME_MAX + 16];

	(void)snprintf(path, sizeof(path), "leases/%s", network);
	(void)unlinkat(s->dir_fd, path, AT_REMOVEDIR);
	(void)snprintf(path, sizeof(path), "next/%s", network);
	(void)unlinkat(s->dir_fd, path, 0);
}
