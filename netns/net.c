// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Ends of workloads: leases, then the record, then the kernel; and back in the opposite order.
 * Stages: (1) net_reserve(), under the lock: leases and the record, on disk; (2) without the lock,
 * one netlink batch each: the rules, and by net_connect() the device and its addresses. Killed
 * after (1), net_down() finds the record; killed within (1), it reads all leases.
 */
#include "netns/net.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "netns/dns.h"
#include "netns/ipam.h"
#include "netns/kernel.h"
#include "netns/store.h"
#include "spec/base/log.h"
#include "spec/base/str.h"

static bool is_dead(const struct net_store *s, const char *id)
{
	return s->alive && !s->alive(id, s->alive_data);
}

/* ---- down ---- */

/*
 * The part of the way down that needs the lock: the devices are gone already. @nft is opened when
 * it is not; to be closed with nl_close_later().
 */
static int forget(const struct net_store *s, const char *id, const struct net_ends *e,
		  struct nl *nft, struct err *err)
{
	auto_nl_batch struct nl_batch b = NL_BATCH_INIT;
	int rc = nft->sock ? 0 : nl_open(-1, NETLINK_NETFILTER, nft, err);

	if (rc == 0)
		rc = nl_batch_init(&b, err);
	if (rc < 0)
		return rc;
	nft_begin(&b);
	kernel_ends_rules(&b, NFT_MSG_DELSETELEM, e);
	nft_end(&b);
	rc = nl_talk(nft, &b, err);
	if (rc < 0 && rc != -ENOENT) /* no tables, no rules */
		return rc;
	for (size_t i = 0; i < e->n; i++) {
		if (e->end[i].has_dns)
			dns_leave(s, &e->end[i], id);
		ipam_release(s, e->end[i].network, &e->end[i].ip.addr, id);
		ipam_release(s, e->end[i].network, &e->end[i].ip6.addr, id);
	}
	for (size_t i = 0; i < e->n_ports; i++)
		ipam_release_port(s, &e->ports[i], id);
	return store_ends_delete(s, id, err);
}

enum { HAS_LOCK = 0x100 };

static int down(const struct net_store *s, const char *id, unsigned int flags, struct err *err)
{
	auto_close int lock_fd = -1;
	auto_nl struct nl route = NL_INIT;
	auto_nl_later struct nl nft = NL_INIT;
	struct net_ends ends;
	int rc = net_ends_load(s, id, &ends, err);

	if (rc == 0 && ends.n && !(flags & NET_DOWN_DYING)) {
		rc = nl_open(-1, NETLINK_ROUTE, &route, err);
		if (rc == 0)
			rc = kernel_ends_down(&route, &ends, err);
		if (rc < 0)
			return rc;
	} else if (rc < 0 && rc != -ENOENT) {
		return rc;
	}
	if (!(flags & HAS_LOCK)) {
		lock_fd = store_lock(s, err);
		if (lock_fd < 0)
			return lock_fd;
	}
	return rc == -ENOENT ? ipam_release_all(s, id, err) : forget(s, id, &ends, &nft, err);
}

int net_down(const struct net_store *s, const char *id, unsigned int flags, struct err *err)
{
	return down(s, id, flags & NET_DOWN_DYING, err);
}

struct dead {
	const struct net_store *s;
	struct err *err;
};

static int reclaim_one(const char *id, const struct net_ends *e, void *data)
{
	const struct dead *d = data;

	(void)e;
	return is_dead(d->s, id) ? down(d->s, id, HAS_LOCK, d->err) : 0;
}

int net_reclaim_locked(const struct net_store *s, struct err *err)
{
	struct dead d = { s, err };
	int rc;

	if (!s->alive)
		return 0;
	rc = store_ends_each(s, reclaim_one, &d, err);
	return rc < 0 ? rc : ipam_release_all(s, NULL, err);
}

static int found_user(const char *id, const struct net_ends *e, const struct net_end *end,
		      void *data)
{
	(void)e;
	(void)end;
	(void)snprintf(data, NET_ID_MAX + 1, "%s", id);
	return -EBUSY;
}

int net_user_of(const struct net_store *s, const char *network, char out[NET_ID_MAX + 1])
{
	if (net_member_each(s, network, found_user, out, NULL) == -EBUSY)
		return 0;
	return ipam_owner(s, network, out);
}

/* ---- up: leases ---- */

struct net_job {
	const struct net_store *s;
	const struct net_plan *plan;
	struct network networks[NET_ENDS_MAX];
	struct net_ends *ends;
	int netns_fd;
	struct kernel_sockets sockets;
};

static int load_network(const struct net_store *s, const char *name, struct network *out,
			struct err *err)
{
	struct network wanted = { .mode = NET_NAT };
	int rc = network_load(s, name, out, err);

	if (rc != -ENOENT || !str_eq(name, "default"))
		return rc;
	(void)snprintf(wanted.name, sizeof(wanted.name), "%s", name);
	return network_create_locked(s, &wanted, out, err);
}

static int lease_family(const struct net_job *j, const struct network *n,
			const struct net_attach *a, uint8_t family, struct ip_prefix *out,
			struct err *err)
{
	const struct ip_prefix *subnet = family == AF_INET ? &n->subnet : &n->subnet6;
	struct ipam_wish w = { .network = n,
			       .family = family,
			       .addr = family == AF_INET ? a->ip : a->ip6,
			       .id = j->plan->id };
	int rc;

	if (!subnet->addr.family)
		return w.addr.family ? err_set(err, -EINVAL, "network '%s' has no IPv%s subnet",
					       n->name, family == AF_INET ? "4" : "6")
				     : 0;
	if (n->mode == NET_BRIDGE && !w.addr.family)
		return 0; /* others give out the addresses of that LAN */
	rc = ipam_lease(j->s, &w, out, err);
	if (rc != -EADDRINUSE && rc != -ENOSPC)
		return rc;
	/* Perhaps of one that was never taken down. */
	if (net_reclaim_locked(j->s, err) < 0)
		return rc;
	return ipam_lease(j->s, &w, out, err);
}

static int random_mac(struct mac_addr *out, struct err *err)
{
	if (getrandom(out->b, sizeof(out->b), 0) != (ssize_t)sizeof(out->b))
		return err_sys(err, "choose a MAC address");
	out->b[0] = (uint8_t)((out->b[0] & 0xfc) | 2); /* unicast, locally administered */
	return 0;
}

static int lease_end(struct net_job *j, size_t i, struct err *err)
{
	static const struct mac_addr none = { { 0 } };
	const struct net_attach *a = &j->plan->attach[i];
	struct network *n = &j->networks[i];
	struct net_end *end = &j->ends->end[i];
	int rc = load_network(j->s, a->network, n, err);

	if (rc < 0)
		return rc;
	*end = (struct net_end){ .mtu = n->mtu,
				 .mac = a->mac,
				 .gateway = n->gateway,
				 .gateway6 = n->gateway6,
				 .has_dns = n->has_dns,
				 .is_lan = n->mode == NET_BRIDGE,
				 .tap_fd = -1 };
	(void)snprintf(end->network, sizeof(end->network), "%s", n->name);
	(void)snprintf(end->port, sizeof(end->port), NAT_PORT_PREFIX "%012llx",
		       (unsigned long long)kernel_hash48(j->plan->id, (unsigned int)i));
	if (a->if_name[0])
		(void)snprintf(end->if_name, sizeof(end->if_name), "%s", a->if_name);
	else
		(void)snprintf(end->if_name, sizeof(end->if_name), "eth%u",
			       (unsigned int)(i % NET_ENDS_MAX));
	if (memcmp(&end->mac, &none, sizeof(none)) == 0)
		rc = random_mac(&end->mac, err);
	j->ends->n = i + 1; /* from here on there may be leases to give back */
	if (rc == 0)
		rc = lease_family(j, n, a, AF_INET, &end->ip, err);
	if (rc == 0)
		rc = lease_family(j, n, a, AF_INET6, &end->ip6, err);
	if (!end->ip.addr.family)
		end->gateway.family = 0;
	if (!end->ip6.addr.family)
		end->gateway6.family = 0;
	return rc;
}

static int lease_ports(struct net_job *j, struct err *err)
{
	const struct net_plan *p = j->plan;
	size_t target = 0;

	if (p->n_ports == 0)
		return 0;
	while (target < j->ends->n && j->networks[target].mode != NET_NAT)
		target++;
	if (target == j->ends->n)
		return err_set(err, -EINVAL, "publish ports of '%s': it is on no nat network",
			       p->id);
	j->ends->end[target].is_published = true;
	for (size_t i = 0; i < p->n_ports; i++) {
		int rc = ipam_lease_port(j->s, &p->ports[i], p->id, err);

		if (rc == -EADDRINUSE && net_reclaim_locked(j->s, NULL) == 0)
			rc = ipam_lease_port(j->s, &p->ports[i], p->id, err);
		if (rc < 0)
			return rc;
		j->ends->ports[j->ends->n_ports++] = p->ports[i];
	}
	return 0;
}

static int check_plan(const struct net_plan *p, struct err *err)
{
	if (!store_id_ok(p->id))
		return err_set(err, -EINVAL, "networks of '%s': not a possible id", p->id);
	if (p->n_attach > NET_ENDS_MAX || p->n_ports > NET_PORTS_MAX)
		return err_set(err, -E2BIG,
			       "networks of '%s': more than %d networks or %d ranges of ports",
			       p->id, NET_ENDS_MAX, NET_PORTS_MAX);
	if (p->host_name && !net_host_name_ok(p->host_name))
		return err_set(err, -EINVAL, "networks of '%s': '%s' is not a possible host name",
			       p->id, p->host_name);
	return 0;
}

/* Stage 1: all of it on disk, or nothing. */
static int lease_all(struct net_job *j, struct err *err)
{
	auto_close int lock_fd = store_lock(j->s, err);
	struct net_ends stale;
	int rc;

	if (lock_fd < 0)
		return lock_fd;
	rc = net_ends_load(j->s, j->plan->id, &stale, NULL);
	if (rc == 0) {
		rc = down(j->s, j->plan->id, HAS_LOCK, err);
		if (rc < 0)
			return rc;
	}
	rc = 0;
	if (j->plan->host_name)
		(void)snprintf(j->ends->host_name, sizeof(j->ends->host_name), "%s",
			       j->plan->host_name);
	for (size_t i = 0; rc == 0 && i < j->plan->n_attach; i++)
		rc = lease_end(j, i, err);
	if (rc == 0)
		rc = lease_ports(j, err);
	if (rc == 0)
		rc = store_ends_save(j->s, j->plan->id, j->ends, err);
	if (rc < 0 && forget(j->s, j->plan->id, j->ends, &j->sockets.nft, NULL) < 0)
		return rc; /* net_down() reads all leases */
	return rc;
}

/* ---- up: the kernel ---- */

static int heal_network(const struct net_job *j, const struct network *n, struct err *err)
{
	auto_close int lock_fd = store_lock(j->s, err);
	auto_nl struct nl nl = NL_INIT;
	int rc = lock_fd < 0 ? lock_fd : nl_open(-1, NETLINK_ROUTE, &nl, err);

	return rc < 0 ? rc : kernel_network_up(j->s, &nl, n, err);
}

/* Deletes a port of the same name: of an id that was taken down as dying a moment ago. */
static int delete_port(struct net_job *j, const struct net_end *end, struct err *err)
{
	struct net_ends one = { .end = { *end }, .n = 1 };

	return kernel_ends_down(&j->sockets.route, &one, err);
}

static int connect_end(struct net_job *j, size_t i, bool has_default_route, struct err *err)
{
	const struct network *n = &j->networks[i];
	struct net_end *end = &j->ends->end[i];
	int rc = kernel_end_up(&j->sockets, n, j->netns_fd, end, has_default_route, err);

	if (rc == -ENODEV && n->owns_bridge)
		rc = heal_network(j, n, err);
	else if (rc == -EEXIST)
		rc = delete_port(j, end, err);
	else
		return rc;
	if (rc < 0)
		return rc;
	return kernel_end_up(&j->sockets, n, j->netns_fd, end, has_default_route, err);
}

static int add_rules(struct net_job *j, struct err *err)
{
	auto_nl_batch struct nl_batch b = NL_BATCH_INIT;
	auto_close int lock_fd = -1;
	int rc = nl_open(-1, NETLINK_NETFILTER, &j->sockets.nft, err);

	if (rc == 0)
		rc = nl_batch_init(&b, err);
	if (rc < 0)
		return rc;
	nft_begin(&b);
	kernel_ends_rules(&b, NFT_MSG_NEWSETELEM, j->ends);
	nft_end(&b);
	rc = nl_talk(&j->sockets.nft, &b, err);
	if (rc != -ENOENT && rc != -EEXIST)
		return rc;
	/* The tables are gone, or hold what no record knows: from the records, all anew. */
	lock_fd = store_lock(j->s, err);
	if (lock_fd < 0)
		return lock_fd;
	return kernel_rebuild_rules(j->s, &j->sockets.nft, err);
}

/* Under the lock: one of them starts the resolver. */
static int join_resolver(struct net_job *j, size_t i, struct err *err)
{
	auto_close int lock_fd = store_lock(j->s, err);
	int rc = lock_fd < 0 ? lock_fd : dns_up(j->s, &j->networks[i], err);

	return rc < 0 ? rc : dns_join(j->s, &j->ends->end[i], j->plan->id, j->plan->host_name, err);
}

static void close_taps(struct net_ends *e)
{
	for (size_t i = 0; i < e->n; i++)
		cleanup_close(&e->end[i].tap_fd);
}

/* Nothing is left of what failed. Returns @rc. */
static int undo(const struct net_job *j, int rc)
{
	struct err err = ERR_INIT;

	close_taps(j->ends);
	if (net_down(j->s, j->plan->id, 0, &err) < 0)
		log_warn("take down the networks of '%s': %s, ignoring", j->plan->id, err.msg);
	return rc;
}

int net_reserve(const struct net_store *s, const struct net_plan *plan, struct net_ends *ends,
		struct net_job **out, struct err *err)
{
	auto_net_job struct net_job *j = NULL;
	int rc = check_plan(plan, err);

	if (rc < 0)
		return rc;
	j = calloc(1, sizeof(*j));
	if (!j)
		return err_code(err, -ENOMEM, "prepare the networks of '%s'", plan->id);
	*ends = (struct net_ends){ 0 };
	j->s = s;
	j->plan = plan;
	j->ends = ends;
	rc = lease_all(j, err);
	if (rc < 0)
		return rc;
	/* Ahead of the devices: there is no moment when a port is on a bridge without its rules. */
	if (ends->n)
		rc = add_rules(j, err);
	if (rc < 0)
		return undo(j, rc);
	*out = TAKE_PTR(j);
	return 0;
}

int net_connect(struct net_job *j, int netns_fd, struct err *err)
{
	bool has_route = false;
	int rc = 0;

	j->netns_fd = netns_fd;
	for (size_t i = 0; rc == 0 && i < j->ends->n; i++) {
		const struct net_end *end = &j->ends->end[i];

		rc = connect_end(j, i, !has_route, err);
		has_route |= end->gateway.family || end->gateway6.family;
	}
	for (size_t i = 0; rc == 0 && i < j->ends->n; i++) {
		if (j->ends->end[i].has_dns)
			rc = join_resolver(j, i, err);
	}
	return rc < 0 ? undo(j, rc) : 0;
}

int net_job_down(struct net_job *j, unsigned int flags, struct err *err)
{
	auto_close int lock_fd = -1;
	int rc = flags & NET_DOWN_DYING ? 0 : kernel_ends_down(&j->sockets.route, j->ends, err);

	if (rc < 0)
		return rc;
	lock_fd = store_lock(j->s, err);
	if (lock_fd < 0)
		return lock_fd;
	return forget(j->s, j->plan->id, j->ends, &j->sockets.nft, err);
}

void net_job_free(struct net_job **j)
{
	if (*j)
		kernel_sockets_close(&(*j)->sockets);
	free(*j);
	*j = NULL;
}

int net_up(const struct net_store *s, const struct net_plan *plan, struct net_ends *out,
	   struct err *err)
{
	auto_net_job struct net_job *j = NULL;
	int rc = net_reserve(s, plan, out, &j, err);

	return j ? net_connect(j, plan->netns_fd, err) : rc;
}
