// SPDX-License-Identifier: GPL-2.0-or-later
/* `up` and `down`: the networks and devices of one workload, for the runtime. */
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "netns/helper.h"
#include "netns/netdev.h"
#include "netns/program/names.h"
#include "netns/program/program.h"
#include "netns/program/text.h"
#include "spec/base/fd.h"
#include "spec/base/log.h"
#include "spec/base/str.h"

/* ---- up ------------------------------------------------------------------------------------ */

struct up_options {
	struct option_list networks, ports, dns, add_hosts;
	struct option_list devices; /* "HOST-NAME=NAME", NAME may be empty */
	const char *host_name;
	bool stay;
};

#define UP(kind, member) OPTION_##kind, offsetof(struct up_options, member)
_Static_assert(sizeof(struct up_options) <= VERB_OPTIONS_MAX_BYTES, "main() has room for them");

static const struct option_row up_rows[] = {
	{ "network", 0, "WISH", "an end on a network, see net_attach_parse()", UP(LIST, networks) },
	{ "publish", 0, "PORT", "see net_port_parse()", UP(LIST, ports) },
	{ "dns", 0, "ADDRESS", "a name server", UP(LIST, dns) },
	{ "add-host", 0, "NAME:ADDRESS", "a line of its hosts file", UP(LIST, add_hosts) },
	{ "hostname", 0, "NAME", "its host name", UP(TEXT, host_name) },
	{ "netdev", 0, "DEVICE=NAME", "move a device of the host into it", UP(LIST, devices) },
	{ "stay", 0, NULL, "wait for the order to take it down", UP(FLAG, stay) },
	{ .name = NULL },
};

struct wishes {
	struct net_attach attach[NET_ENDS_MAX];
	struct net_port ports[NET_PORTS_MAX];
	struct net_plan plan;
};

static int read_wishes(const struct up_options *o, const char *id, struct wishes *w,
		       struct err *err)
{
	int rc = 0;

	if (o->networks.n > NET_ENDS_MAX || o->ports.n > NET_PORTS_MAX)
		return err_set(err, -E2BIG, "more than %d networks or %d published ranges of ports",
			       NET_ENDS_MAX, NET_PORTS_MAX);
	for (size_t i = 0; rc == 0 && i < o->networks.n; i++)
		rc = net_attach_parse(o->networks.v[i], &w->attach[i], err);
	for (size_t i = 0; rc == 0 && i < o->ports.n; i++)
		rc = net_port_parse(o->ports.v[i], &w->ports[i], err);
	w->plan = (struct net_plan){
		.id = id,
		.host_name = o->host_name,
		.netns_fd = -1,
		.attach = w->attach,
		.n_attach = o->networks.n,
		.ports = w->ports,
		.n_ports = o->ports.n,
	};
	return rc;
}

/* Waits for the runtime's message. Returns the namespace, which is not our own, or -errno. */
static int receive_netns(const struct program *p, struct err *err)
{
	auto_close int fd = -1;
	struct stat own;
	struct stat its;
	size_t n_fds = 0;
	char byte;
	ssize_t n = fd_recv(p->sock_fd, &byte, sizeof(byte), &fd, 1, &n_fds);

	if (n <= 0 || n_fds != 1)
		return err_code(err, n < 0 ? (int)n : -EPIPE, "receive the network namespace");
	if (stat("/proc/self/ns/net", &own) < 0 || fstat(fd, &its) < 0)
		return err_sys(err, "examine the network namespace");
	if (own.st_ino == its.st_ino && own.st_dev == its.st_dev)
		return err_set(err, -EINVAL, "the workload has no network namespace of its own");
	return take_fd(&fd);
}

/* Splits "DEVICE=NAME". */
static bool split_device(const char *s, char device[IFNAMSIZ], const char **name)
{
	size_t len = strcspn(s, "=");

	if (s[len] != '=' || len >= IFNAMSIZ)
		return false;
	memcpy(device, s, len);
	device[len] = '\0';
	*name = s + len + 1;
	return true;
}

/* The first @n devices go back: nothing is left of a creation that fails. */
static void move_back(const struct option_list *devices, size_t n, int netns_fd)
{
	auto_close int home_fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	struct err err = ERR_INIT;
	char device[IFNAMSIZ];
	const char *name;

	if (n == 0 || home_fd < 0 || setns(netns_fd, CLONE_NEWNET) < 0)
		return;
	while (n-- > 0) {
		if (!split_device(devices->v[n], device, &name))
			continue;
		/* The number in the place of a "%d" is not known here. */
		if (strchr(name, '%') ||
		    netdev_move(home_fd, *name ? name : device, device, &err) < 0)
			log_warn("move network device '%s' back: %s, ignoring", device, err.msg);
	}
	(void)setns(home_fd, CLONE_NEWNET);
}

static int move_devices(const struct option_list *devices, int netns_fd, struct err *err)
{
	char device[IFNAMSIZ];
	const char *name;

	for (size_t i = 0; i < devices->n; i++) {
		int rc = split_device(devices->v[i], device, &name)
			     ? netdev_move(netns_fd, device, name, err)
			     : err_set(err, -EINVAL, "'%s' is not DEVICE=NAME", devices->v[i]);

		if (rc < 0) {
			move_back(devices, i, netns_fd);
			return err_wrap(err, rc, "/linux/netDevices");
		}
	}
	return 0;
}

/* What lives from the wishes to the answer, and what is left to do then. */
struct up {
	struct wishes wishes;
	struct net_ends ends;
	struct net_job *job; /* owned; borrows the two above */
	struct names_peers peers;
};

static void up_fini(struct up *up)
{
	net_job_free(&up->job);
	names_peers_fini(&up->peers);
}

/* For `state` and `list`. */
static int record(const struct program *p, const struct net_ends *ends, struct err *err)
{
	auto_buf struct buf text = BUF_INIT;
	int rc = text_ends(ends, &text, err);

	if (rc < 0)
		return rc;
	rc = file_put_at(p->dir_fd, HELPER_ENDS_FILE, text.data, text.len, 0600);
	return rc < 0 ? err_code(err, rc, "record the addresses") : 0;
}

/* All that needs no namespace yet. */
static int reserve(const struct program *p, const struct names_wish *names, struct up *up,
		   struct err *err)
{
	int rc = net_reserve(&p->store, &up->wishes.plan, &up->ends, &up->job, err);

	if (rc == 0)
		rc = names_join(p, names, &up->ends, &up->peers, err);
	return rc < 0 ? rc : record(p, &up->ends, err);
}

/* @job: what has made it all, if it is still there; else NULL. */
static int take_down(const struct program *p, const char *id, bool is_dying, struct net_job *job,
		     struct err *err)
{
	const unsigned int flags = is_dying ? NET_DOWN_DYING : 0;
	int rc = names_leave(p, id, err);

	if (rc == 0)
		rc = job ? net_job_down(job, flags, err) : net_down(&p->store, id, flags, err);
	return rc < 0 ? rc : program_answer(p, 0, NULL);
}

/* Until the runtime says so, or is gone: then whoever deletes the container takes it down. */
static int stay(const struct program *p, const char *id, struct net_job *job, struct err *err)
{
	char order;
	ssize_t n = fd_recv(p->sock_fd, &order, sizeof(order), NULL, 0, NULL);

	if (n <= 0)
		return 0;
	return take_down(p, id, order == HELPER_DOWN_DYING[0], job, err);
}

static int connect_devices(const struct program *p, const struct up_options *o, const char *id,
			   struct up *up, struct err *err)
{
	const struct names_wish names = { id, o->host_name, &o->add_hosts, &o->dns };
	auto_close int netns_fd = -1;
	int rc = read_wishes(o, id, &up->wishes, err);

	if (rc == 0)
		rc = names_check(&names, err);
	if (rc == 0 && o->networks.n)
		rc = reserve(p, &names, up, err);
	if (rc < 0)
		return rc;
	netns_fd = receive_netns(p, err);
	if (netns_fd < 0)
		return netns_fd; /* `down` takes it back: the wish is in the state */
	if (up->job)
		rc = net_connect(up->job, netns_fd, err);
	return rc < 0 ? rc : move_devices(&o->devices, netns_fd, err);
}

static int up_run(struct program *p, const void *options, char **args, struct err *err)
{
	const struct up_options *o = options;
	auto_cleanup(up_fini) struct up up = { .job = NULL };
	int rc = connect_devices(p, o, args[0], &up, err);

	if (rc == 0)
		rc = program_answer(p, 0, NULL);
	if (rc < 0)
		return rc;
	names_tell(p, args[0], &up.ends, &up.peers);
	return o->stay ? stay(p, args[0], up.job, err) : 0;
}

/* ---- down ---------------------------------------------------------------------------------- */

struct down_options {
	bool is_dying;
};

static const struct option_row down_rows[] = {
	{ "dying", 0, NULL, "its namespace goes by itself, see NET_DOWN_DYING", OPTION_FLAG,
	  offsetof(struct down_options, is_dying) },
	{ .name = NULL },
};

static int down_run(struct program *p, const void *options, char **args, struct err *err)
{
	const struct down_options *o = options;

	return take_down(p, args[0], o->is_dying, NULL, err);
}

const struct verb runtime_verbs[] = {
	{ .name = "up",
	  .usage = "ID",
	  .summary = "connect a workload",
	  .rows = up_rows,
	  .min_args = 1,
	  .max_args = 1,
	  .answers = true,
	  .run = up_run },
	{ .name = "down",
	  .usage = "ID",
	  .summary = "disconnect it",
	  .rows = down_rows,
	  .min_args = 1,
	  .max_args = 1,
	  .answers = true,
	  .run = down_run },
	{ .name = NULL },
};
