/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Networks: named objects with a mode and a subnet, and the ends that workloads have on them.
 *
 *   net_store_open()                      the folder that keeps networks, leases and records
 *   network_create/load/each/remove()     the objects
 *   net_up()                              gives a workload its ends, as its plan says
 *   net_down()                            takes them away, by id alone, whatever is left of them
 *
 * A lease is written before what it stands for is made, and is removed after it: a process that is
 * killed at any point leaves only what net_down(id) finds. Tables, bridges and rules that are gone
 * (a reboot, another's flush) are made again by the next net_up().
 */
#ifndef BIVALVE_NETNS_NET_H
#define BIVALVE_NETNS_NET_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "netns/ip.h"
#include "spec/base/err.h"

enum { NET_NAME_MAX = 64, NET_ENDS_MAX = 8, NET_PORTS_MAX = 64, NET_ID_MAX = 255 };
enum { NET_HOST_NAME_MAX = 64 };

enum net_mode { NET_NAT, NET_BRIDGE, NET_HOST_ONLY, NET_ISOLATED };
enum { NET_MODES = NET_ISOLATED + 1 };

/* ---- the store (store.c) ---- */

/* net_alive_fn - the workload @id exists. What it says decides about leases that nobody gave back.
 */
typedef bool (*net_alive_fn)(const char *id, void *data);

struct net_store {
	int dir_fd;         /* owned */
	net_alive_fn alive; /* NULL = every one exists */
	void *alive_data;   /* borrowed */
};

#define NET_STORE_INIT                                                                             \
	{                                                                                          \
		-1, NULL, NULL                                                                     \
	}

/* net_store_open - the folder @name below @root_fd, made if it is not there. */
MUST_CHECK int net_store_open(int root_fd, const char *name, net_alive_fn alive, void *data,
			      struct net_store *out, struct err *err);
void net_store_close(struct net_store *s);

#define auto_net_store auto_cleanup(net_store_close)

/* ---- networks (network.c) ---- */

struct network {
	char name[NET_NAME_MAX + 1];
	enum net_mode mode;
	bool is_routed;        /* host-only: with forwarding, without NAT */
	bool owns_bridge;      /* made by us, so removed by us */
	bool has_dns;          /* with a resolver: nat, host-only */
	char bridge[IFNAMSIZ]; /* "" when creating: chosen by us */
	char uplink[IFNAMSIZ]; /* bridge: the host's interface that becomes a port; "" = none */
	struct ip_prefix subnet, subnet6; /* family 0 = none, or when creating: see below */
	struct ip_addr gateway, gateway6; /* family 0 = none, or when creating: the first */
	uint32_t mtu;                     /* 0 when creating: 1500 */
};

const char *net_mode_name(enum net_mode mode);

/* net_mode_parse - "nat", "bridge", "host-only", "isolated". Returns 0 or -EINVAL. */
MUST_CHECK int net_mode_parse(const char *s, enum net_mode *out);

/*
 * network_create - checks, completes and makes a network, and its resolver.
 * @wanted: what was asked for. Without any subnet, a network other than `bridge` gets a free one of
 *          each family from private space; with one family given, it has that family alone.
 * Returns 0; -EEXIST the name or the bridge is taken; -EADDRINUSE the subnet overlaps another
 * network or a route of the host; -EINVAL contradictory wishes; or what the kernel says, with
 * nothing left behind.
 */
MUST_CHECK int network_create(const struct net_store *s, const struct network *wanted,
			      struct network *out, struct err *err);

/* network_load - Returns 0, or -ENOENT when there is no network @name. */
MUST_CHECK int network_load(const struct net_store *s, const char *name, struct network *out,
			    struct err *err);

/* network_each - every network, by name. @fn returns 0 or an error that ends it. */
typedef int (*network_fn)(const struct network *n, void *data);
MUST_CHECK int network_each(const struct net_store *s, network_fn fn, void *data, struct err *err);

/*
 * network_remove - takes down and forgets the network.
 * Returns 0; -ENOENT; -EBUSY a workload that exists is on it (the text names it).
 */
MUST_CHECK int network_remove(const struct net_store *s, const char *name, struct err *err);

/* ---- ends ---- */

/* One wish: "NAME[:ip=ADDR,ip6=ADDR,mac=MAC,ifname=IF]". */
struct net_attach {
	char network[NET_NAME_MAX + 1];
	struct ip_addr ip, ip6; /* family 0 = leased */
	struct mac_addr mac;    /* all zero = random */
	char if_name[IFNAMSIZ]; /* "" = "eth" and the number of the wish */
};

MUST_CHECK int net_attach_parse(const char *s, struct net_attach *out, struct err *err);

/* A published port or range: "[HOSTIP:]HOSTPORT[-LAST]:PORT[-LAST][/tcp|udp]". */
struct net_port {
	uint8_t proto;
	struct ip_addr host; /* family 0 = every address of the host */
	uint16_t host_port, port, count;
};

MUST_CHECK int net_port_parse(const char *s, struct net_port *out, struct err *err);

/* net_host_name_ok - labels of letters, digits, '-' and '_', with dots between. */
bool net_host_name_ok(const char *name);

struct net_plan {
	const char *id;
	const char *host_name; /* how peers call it; NULL = no name */
	int netns_fd;          /* the workload's namespace; -1: TAP devices are made instead */
	const struct net_attach *attach; /* at most NET_ENDS_MAX */
	size_t n_attach;
	const struct net_port *ports; /* at most NET_PORTS_MAX; to the first end on a NAT network */
	size_t n_ports;
};

/* What a workload has on one network. */
struct net_end {
	char network[NET_NAME_MAX + 1];
	char if_name[IFNAMSIZ]; /* in the workload */
	char port[IFNAMSIZ];    /* on the bridge */
	struct mac_addr mac;
	struct ip_prefix ip, ip6;         /* family 0 = none */
	struct ip_addr gateway, gateway6; /* family 0 = none */
	uint32_t mtu;
	bool is_published; /* the workload's published ports lead here */
	bool has_dns;      /* the gateways are name servers */
	bool is_lan;       /* the network is a user's LAN, of mode "bridge" */
	int tap_fd;        /* of net_up() with TAPs: given to the caller; else -1 */
};

struct net_ends {
	struct net_end end[NET_ENDS_MAX];
	size_t n;
	char host_name[NET_HOST_NAME_MAX + 1];
	struct net_port ports[NET_PORTS_MAX];
	size_t n_ports;
};

/*
 * net_up - leases, makes and connects the ends of @plan. The network "default" is made when it is
 * asked for and not there. What an earlier workload of the same id left is removed first.
 * Returns 0; -ENOENT no such network; -EADDRINUSE an address or port that another has (the text
 * names it); -ENOSPC no address left; -EINVAL an address that is not of the network; or what the
 * kernel says. On failure nothing is left.
 */
MUST_CHECK int net_up(const struct net_store *s, const struct net_plan *plan, struct net_ends *out,
		      struct err *err);

/*
 * net_up() in two halves, for a namespace that is still being made:
 *
 * net_reserve - leases, the record and the rules; plan->netns_fd is not looked at. Gives *@out, to
 * be freed with net_job_free(); @s, @plan and @ends are borrowed until then. A caller that does not
 * go on takes it back by net_down().
 * net_connect - the devices and their addresses in the namespace @netns_fd (-1: TAPs), where `lo`
 * comes up, too. Fills in ends' tap_fd. Results and failures of both are those of net_up().
 */
struct net_job;
MUST_CHECK int net_reserve(const struct net_store *s, const struct net_plan *plan,
			   struct net_ends *ends, struct net_job **out, struct err *err);
MUST_CHECK int net_connect(struct net_job *j, int netns_fd, struct err *err);

/*
 * net_job_down - net_down() of what net_connect() has connected, for who has kept the job: nothing
 * is read or opened again. The container has not been deleted by anybody meanwhile.
 */
MUST_CHECK int net_job_down(struct net_job *j, unsigned int flags, struct err *err);
void net_job_free(struct net_job **j);

#define auto_net_job auto_cleanup(net_job_free)

/*
 * NET_DOWN_DYING - the workload's processes are gone, and the namespace was made for it: the kernel
 * is about to delete the devices by itself. Deleting them here would only wait for that, some
 * 20 milliseconds. Until then they are mute: their rules are gone.
 */
enum { NET_DOWN_DYING = 1 };

/* net_down - removes links, rules, leases and the record of @id; success when there is nothing. */
MUST_CHECK int net_down(const struct net_store *s, const char *id, unsigned int flags,
			struct err *err);

/* net_ends_load - what @id has, from its record. Returns 0, or -ENOENT. tap_fd is -1. */
MUST_CHECK int net_ends_load(const struct net_store *s, const char *id, struct net_ends *out,
			     struct err *err);

/* net_member_each - every workload with an end on @network, with that end. */
typedef int (*net_member_fn)(const char *id, const struct net_ends *ends, const struct net_end *end,
			     void *data);
MUST_CHECK int net_member_each(const struct net_store *s, const char *network, net_member_fn fn,
			       void *data, struct err *err);

#endif
