// SPDX-License-Identifier: GPL-2.0-or-later
/* The networks and devices of one workload: up and down, by way of netns/. */
#include "runtime/network.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "namespaces/plan.h"
#include "netns/names.h"
#include "netns/netdev.h"
#include "runtime/container.h"
#include "spec/base/fd.h"
#include "spec/base/log.h"

struct network_job {
	const struct container *c;
	struct names_wish names;
	struct net_attach attach[NET_ENDS_MAX];
	struct net_port ports[NET_PORTS_MAX];
	struct net_plan plan;
	struct net_ends ends;
	struct net_store store;
	struct net_job *job; /* owned; borrows what is above */
	struct names_peers peers;
};

/* ---- the store ----------------------------------------------------------------------------- */

static bool is_alive(const char *id, void *data)
{
	const int *root_fd = data;

	return faccessat(*root_fd, id, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

int network_store_open(const int *root_fd, struct net_store *out, struct err *err)
{
	return net_store_open(*root_fd, NETWORK_STORE, is_alive, drop_const(root_fd), out, err);
}

static struct names_place place_of(const struct container *c, const struct net_store *store)
{
	return (struct names_place){ store, c->root_fd, c->dir_fd };
}

/* ---- the plan ------------------------------------------------------------------------------ */

void network_job_free(struct network_job **p)
{
	struct network_job *j = *p;

	if (!j)
		return;
	net_job_free(&j->job);
	names_peers_fini(&j->peers);
	net_store_close(&j->store);
	free(j);
	*p = NULL;
}

static int read_wish(struct network_job *j, const struct network_wish *w, struct err *err)
{
	int rc = 0;

	if (w->networks.n > NET_ENDS_MAX || w->publish.n > NET_PORTS_MAX)
		return err_set(err, -E2BIG, "more than %d networks or %d published ranges of ports",
			       NET_ENDS_MAX, NET_PORTS_MAX);
	for (size_t i = 0; rc == 0 && i < w->networks.n; i++)
		rc = net_attach_parse(w->networks.v[i], &j->attach[i], err);
	for (size_t i = 0; rc == 0 && i < w->publish.n; i++)
		rc = net_port_parse(w->publish.v[i], &j->ports[i], err);
	return rc < 0 ? rc : names_check(&j->names, err);
}

int network_plan(const struct container *c, const struct network_wish *w, struct network_job **out,
		 struct err *err)
{
	struct network_job *j;
	int rc;

	if (w->networks.n == 0 && c->config.linux_.net_devices.n == 0)
		return 0;
	j = calloc(1, sizeof(*j));
	if (!j)
		return err_set(err, -ENOMEM, "out of memory");
	j->c = c;
	j->store = (struct net_store)NET_STORE_INIT;
	j->names = (struct names_wish){ c->state.id, c->config.hostname, &w->add_hosts, &w->dns };
	j->plan = (struct net_plan){ .id = c->state.id,
				     .host_name = c->config.hostname,
				     .netns_fd = -1,
				     .attach = j->attach,
				     .n_attach = w->networks.n,
				     .ports = j->ports,
				     .n_ports = w->publish.n };
	rc = read_wish(j, w, err);
	if (rc < 0)
		network_job_free(&j);
	*out = j;
	return rc;
}

/* ---- up ------------------------------------------------------------------------------------ */

/* The workload's namespace, which is not our own, or -errno. */
static int open_netns(pid_t pid, struct err *err)
{
	auto_close int fd = -1;
	struct stat own;
	struct stat its;
	char path[32];

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || stat("/proc/self/ns/net", &own) < 0 || fstat(fd, &its) < 0)
		return err_sys(err, "open the workload's network namespace");
	if (own.st_ino == its.st_ino && own.st_dev == its.st_dev)
		return err_set(err, -EINVAL, "the workload has no network namespace of its own");
	return take_fd(&fd);
}

/* The first @n devices go back: nothing is left of a creation that fails. */
static void move_back(const struct config_linux *config, size_t n, int netns_fd)
{
	auto_close int home_fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	struct err err = ERR_INIT;

	if (n == 0 || home_fd < 0 || setns(netns_fd, CLONE_NEWNET) < 0)
		return;
	while (n-- > 0) {
		const struct config_net_device *d = &config->net_devices.items[n];
		const char *name = d->name ? d->name : d->host_name;

		/* The number in the place of a "%d" is not known here. */
		if (strchr(name, '%') || netdev_move(home_fd, name, d->host_name, &err) < 0)
			log_warn("move network device '%s' back: %s, ignoring", d->host_name,
				 err.msg);
	}
	if (setns(home_fd, CLONE_NEWNET) < 0)
		abort(); /* all that follows would hit the wrong network */
}

static int move_devices(const struct config_linux *config, int netns_fd, struct err *err)
{
	for (size_t i = 0; i < config->net_devices.n; i++) {
		const struct config_net_device *d = &config->net_devices.items[i];
		int rc = netdev_move(netns_fd, d->host_name, d->name ? d->name : "", err);

		if (rc < 0) {
			move_back(config, i, netns_fd);
			return err_wrap(err, rc, "/linux/netDevices");
		}
	}
	return 0;
}

bool network_has_ends(const struct network_job *j)
{
	return j && j->plan.n_attach;
}

int network_up(struct network_job *j, pid_t pid, struct err *err)
{
	struct names_place place;
	auto_close int netns_fd = -1;
	int rc = 0;

	if (!j)
		return 0;
	place = place_of(j->c, &j->store);
	if (network_has_ends(j)) {
		rc = network_store_open(&j->c->root_fd, &j->store, err);
		if (rc == 0)
			rc = net_reserve(&j->store, &j->plan, &j->ends, &j->job, err);
		if (rc == 0)
			rc = names_join(&place, &j->names, &j->ends, &j->peers, err);
	}
	if (rc < 0)
		return rc; /* network_down() takes it back */
	netns_fd = open_netns(pid, err);
	if (netns_fd < 0)
		return netns_fd;
	if (j->job)
		rc = net_connect(j->job, netns_fd, err);
	return rc < 0 ? rc : move_devices(&j->c->config.linux_, netns_fd, err);
}

void network_tell(const struct network_job *j)
{
	struct names_place place;

	if (!j || !j->job)
		return;
	place = place_of(j->c, &j->store);
	names_tell(&place, j->plan.id, &j->ends, &j->peers);
}

/* ---- down ---------------------------------------------------------------------------------- */

static int take_down(const struct container *c, const struct net_store *store, struct net_job *job,
		     struct err *err)
{
	/* With its pid namespace every process has ended; others may keep the devices. */
	const bool is_dying = c->has_config && ns_is_new(&c->config, NS_PID);
	const unsigned int flags = is_dying ? NET_DOWN_DYING : 0;
	const struct names_place place = place_of(c, store);

	for (size_t i = 0; i < c->state.networks.n; i++) {
		struct net_attach a;
		int rc = net_attach_parse(c->state.networks.v[i], &a, err);

		if (rc == 0)
			rc = names_leave(&place, a.network, c->state.id, err);
		if (rc < 0)
			return rc;
	}
	return job ? net_job_down(job, flags, err) : net_down(store, c->state.id, flags, err);
}

int network_down(const struct container *c, struct err *err)
{
	auto_net_store struct net_store store = NET_STORE_INIT;
	int rc;

	if (c->state.networks.n == 0)
		return 0;
	if (c->network && c->network->job)
		return take_down(c, &c->network->store, c->network->job, err);
	rc = network_store_open(&c->root_fd, &store, err);
	return rc < 0 ? rc : take_down(c, &store, NULL, err);
}
