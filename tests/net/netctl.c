// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A command line for netns/ alone, for tests: what the runtime does with networks, without one.
 *
 *   netctl ROOT create NAME MODE [key=value...]    subnet subnet6 gateway gateway6 bridge uplink
 *                                                  mtu route dns
 *   netctl ROOT remove NAME
 *   netctl ROOT list
 *   netctl ROOT members NAME
 *   netctl ROOT up ID NETNS-FILE [-n NETWORK[:...]]... [-p PORT]... [-h HOSTNAME]
 *   netctl ROOT tap ID [-n ...]... PROGRAM ARG...  runs it with the TAP as descriptor 3
 *   netctl ROOT down ID [dying]
 *   netctl ROOT show ID
 *   netctl ROOT move NETNS-FILE DEVICE [NAME]
 *   netctl ROOT time N NETWORK|none                median microseconds, over N new namespaces, of
 *                                                  making the namespace, of up, and of down
 *
 * An id exists while the file ROOT/alive/ID does, if the folder ROOT/alive exists.
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "netns/net.h"
#include "netns/netdev.h"
#include "spec/base/num.h"
#include "spec/base/str.h"

struct context {
	struct net_store store;
	int root_fd;
	int argc;
	char **argv;
	struct err err;
};

static bool is_alive(const char *id, void *data)
{
	const struct context *c = data;
	char path[NET_ID_MAX + 16];

	(void)snprintf(path, sizeof(path), "alive/%s", id);
	return faccessat(c->root_fd, "alive", F_OK, 0) < 0 ||
	       faccessat(c->root_fd, path, F_OK, 0) == 0;
}

static int fail_usage(struct context *c)
{
	return err_set(&c->err, -EINVAL, "see the head of tests/net/netctl.c");
}

static int set_wish(struct network *n, char *word)
{
	char *value = strchr(word, '=');
	uint64_t v;

	if (!value)
		return -EINVAL;
	*value++ = '\0';
	if (str_eq(word, "subnet"))
		return ip_prefix_parse(value, &n->subnet);
	if (str_eq(word, "subnet6"))
		return ip_prefix_parse(value, &n->subnet6);
	if (str_eq(word, "gateway"))
		return ip_parse(value, &n->gateway);
	if (str_eq(word, "gateway6"))
		return ip_parse(value, &n->gateway6);
	if (str_eq(word, "bridge"))
		return snprintf(n->bridge, sizeof(n->bridge), "%s", value) < IFNAMSIZ ? 0 : -EINVAL;
	if (str_eq(word, "uplink"))
		return snprintf(n->uplink, sizeof(n->uplink), "%s", value) < IFNAMSIZ ? 0 : -EINVAL;
	if (str_eq(word, "dns")) {
		n->has_dns = true;
		return 0;
	}
	if (str_eq(word, "route")) {
		n->is_routed = true;
		return 0;
	}
	if (!str_eq(word, "mtu") || num_u64(value, 0, UINT32_MAX, &v) < 0)
		return -EINVAL;
	n->mtu = (uint32_t)v;
	return 0;
}

static void print_network(const struct network *n)
{
	char a[IP_STR_MAX];
	char b[IP_STR_MAX];
	char c[IP_STR_MAX];
	char d[IP_STR_MAX];

	printf("%s %s%s bridge=%s subnet=%s gateway=%s subnet6=%s gateway6=%s mtu=%u\n", n->name,
	       net_mode_name(n->mode), n->is_routed ? "+route" : "", n->bridge,
	       ip_prefix_str(&n->subnet, a), ip_str(&n->gateway, b), ip_prefix_str(&n->subnet6, c),
	       ip_str(&n->gateway6, d), n->mtu);
}

static int do_create(struct context *c)
{
	struct network wanted = { 0 };
	struct network made;
	int rc;

	if (c->argc < 2 || net_mode_parse(c->argv[1], &wanted.mode) < 0)
		return fail_usage(c);
	(void)snprintf(wanted.name, sizeof(wanted.name), "%s", c->argv[0]);
	for (int i = 2; i < c->argc; i++) {
		if (set_wish(&wanted, c->argv[i]) < 0)
			return err_set(&c->err, -EINVAL, "bad wish '%s'", c->argv[i]);
	}
	rc = network_create(&c->store, &wanted, &made, &c->err);
	if (rc == 0)
		print_network(&made);
	return rc;
}

static int do_remove(struct context *c)
{
	return c->argc == 1 ? network_remove(&c->store, c->argv[0], &c->err) : fail_usage(c);
}

static int list_one(const struct network *n, void *data)
{
	(void)data;
	print_network(n);
	return 0;
}

static int do_list(struct context *c)
{
	return network_each(&c->store, list_one, NULL, &c->err);
}

static void print_end(const struct net_end *e)
{
	char mac[MAC_STR_MAX];
	char a[IP_STR_MAX];
	char b[IP_STR_MAX];

	printf("%s %s port=%s mac=%s ip=%s ip6=%s mtu=%u\n", e->network, e->if_name, e->port,
	       mac_str(&e->mac, mac), ip_prefix_str(&e->ip, a), ip_prefix_str(&e->ip6, b), e->mtu);
}

static int member(const char *id, const struct net_ends *ends, const struct net_end *end,
		  void *data)
{
	(void)ends;
	(void)data;
	printf("%s ", id);
	print_end(end);
	return 0;
}

static int do_members(struct context *c)
{
	return c->argc == 1 ? net_member_each(&c->store, c->argv[0], member, NULL, &c->err)
			    : fail_usage(c);
}

struct wishes {
	struct net_attach attach[NET_ENDS_MAX];
	struct net_port ports[NET_PORTS_MAX];
	struct net_plan plan;
};

/* Reads -n, -p and -h from c->argv[@first] on. Returns the index of what follows. */
static int read_wishes(struct context *c, int first, struct wishes *w)
{
	int i = first;

	w->plan = (struct net_plan){ .id = c->argv[0], .netns_fd = -1 };
	for (; i + 1 < c->argc && c->argv[i][0] == '-'; i += 2) {
		int rc = 0;

		if (str_eq(c->argv[i], "-n") && w->plan.n_attach < NET_ENDS_MAX)
			rc = net_attach_parse(c->argv[i + 1], &w->attach[w->plan.n_attach++],
					      &c->err);
		else if (str_eq(c->argv[i], "-p") && w->plan.n_ports < NET_PORTS_MAX)
			rc = net_port_parse(c->argv[i + 1], &w->ports[w->plan.n_ports++], &c->err);
		else if (str_eq(c->argv[i], "-h"))
			w->plan.host_name = c->argv[i + 1];
		else
			return fail_usage(c);
		if (rc < 0)
			return rc;
	}
	w->plan.attach = w->attach;
	w->plan.ports = w->ports;
	return i;
}

/*
 * The machine's own namespace is never the host of a test nor a workload: a test says which it is
 * in MACHINE_NETNS ("net:[4026531840]"), so that mixing them up fails.
 */
static int open_netns(struct context *c, const char *path)
{
	const char *machine = getenv("MACHINE_NETNS");
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	char name[32];

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(&c->err, "open '%s'", path);
	(void)snprintf(name, sizeof(name), "net:[%ju]", (uintmax_t)st.st_ino);
	if (!machine || str_eq(name, machine))
		return err_set(&c->err, -EINVAL, "'%s' is the machine's own namespace", path);
	return take_fd(&fd);
}

static int do_up(struct context *c)
{
	auto_close int netns_fd = -1;
	struct wishes w = { 0 };
	struct net_ends ends;
	int rc;

	if (c->argc < 2)
		return fail_usage(c);
	rc = read_wishes(c, 2, &w);
	if (rc < 0)
		return rc;
	netns_fd = w.plan.netns_fd = open_netns(c, c->argv[1]);
	if (netns_fd < 0)
		return netns_fd;
	rc = net_up(&c->store, &w.plan, &ends, &c->err);
	for (size_t i = 0; rc == 0 && i < ends.n; i++)
		print_end(&ends.end[i]);
	return rc;
}

static int do_tap(struct context *c)
{
	struct wishes w = { 0 };
	struct net_ends ends;
	int rest;
	int rc;

	if (c->argc < 2)
		return fail_usage(c);
	rest = read_wishes(c, 1, &w);
	if (rest < 0 || rest >= c->argc)
		return rest < 0 ? rest : fail_usage(c);
	rc = net_up(&c->store, &w.plan, &ends, &c->err);
	if (rc < 0)
		return rc;
	print_end(&ends.end[0]);
	(void)fflush(stdout);
	if (dup2(ends.end[0].tap_fd, 3) < 0)
		return err_sys(&c->err, "pass the TAP on");
	(void)execvp(c->argv[rest], c->argv + rest);
	return err_sys(&c->err, "execute '%s'", c->argv[rest]);
}

static int do_down(struct context *c)
{
	bool is_dying = c->argc == 2 && str_eq(c->argv[1], "dying");

	if (c->argc != 1 && !is_dying)
		return fail_usage(c);
	return net_down(&c->store, c->argv[0], is_dying ? NET_DOWN_DYING : 0, &c->err);
}

static int do_show(struct context *c)
{
	struct net_ends ends;
	int rc;

	if (c->argc != 1)
		return fail_usage(c);
	rc = net_ends_load(&c->store, c->argv[0], &ends, &c->err);
	for (size_t i = 0; rc == 0 && i < ends.n; i++)
		print_end(&ends.end[i]);
	return rc;
}

static int do_move(struct context *c)
{
	auto_close int fd = -1;

	if (c->argc < 2)
		return fail_usage(c);
	fd = open_netns(c, c->argv[0]);
	return fd < 0 ? fd : netdev_move(fd, c->argv[1], c->argc > 2 ? c->argv[2] : NULL, &c->err);
}

static double time_us(clockid_t clock)
{
	struct timespec t;

	(void)clock_gettime(clock, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static double now_us(void)
{
	return time_us(CLOCK_MONOTONIC);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return (x > y) - (x < y);
}

enum { ROUNDS_MAX = 1000 };

/* A process that has a network namespace of its own until it is killed. */
static pid_t start_workload(int *netns_fd)
{
	char path[32];
	int ready[2];
	char c;
	pid_t pid;

	if (pipe(ready) < 0)
		return -errno;
	pid = fork();
	if (pid == 0) {
		if (unshare(CLONE_NEWNET) < 0 || write(ready[1], "", 1) != 1)
			_exit(1);
		for (;;)
			(void)pause();
	}
	(void)close(ready[1]);
	if (read(ready[0], &c, 1) != 1)
		(void)kill(pid, SIGKILL);
	(void)close(ready[0]);
	(void)snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	*netns_fd = open(path, O_RDONLY | O_CLOEXEC);
	return pid;
}

struct times {
	double made[ROUNDS_MAX], up[ROUNDS_MAX], cpu[ROUNDS_MAX], down[ROUNDS_MAX];
};

static int time_one(struct context *c, struct net_plan *plan, struct times *times, size_t i)
{
	auto_close int fd = -1;
	struct net_ends ends;
	double t = now_us();
	double cpu;
	pid_t pid = start_workload(&fd);
	int rc = 0;

	times->made[i] = now_us() - t;
	t = now_us();
	cpu = time_us(CLOCK_PROCESS_CPUTIME_ID);
	plan->netns_fd = fd;
	if (plan->n_attach)
		rc = net_up(&c->store, plan, &ends, &c->err);
	times->cpu[i] = time_us(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	times->up[i] = now_us() - t;
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	(void)close(take_fd(&fd));
	t = now_us();
	if (rc == 0 && plan->n_attach)
		rc = net_down(&c->store, plan->id, NET_DOWN_DYING, &c->err);
	times->down[i] = now_us() - t;
	return rc;
}

static void print_times(const char *name, double *v, size_t n)
{
	qsort(v, n, sizeof(*v), by_value);
	printf("%s %.0f us (p25 %.0f, min %.0f)  ", name, v[n / 2], v[n / 4], v[0]);
}

static int do_time(struct context *c)
{
	static struct times times;
	struct wishes w = { 0 };
	char id[32];
	uint64_t n;
	int rc = 0;

	if (c->argc != 2 || num_u64(c->argv[0], 1, ROUNDS_MAX, &n) < 0 ||
	    net_attach_parse(c->argv[1], &w.attach[0], &c->err) < 0)
		return fail_usage(c);
	w.plan = (struct net_plan){ .id = id, .attach = w.attach };
	w.plan.n_attach = str_eq(c->argv[1], "none") ? 0 : 1;
	for (uint64_t i = 0; rc == 0 && i < n; i++) {
		(void)snprintf(id, sizeof(id), "timed-%d-%zu", getpid(), (size_t)i);
		rc = time_one(c, &w.plan, &times, i);
	}
	if (rc < 0)
		return rc;
	print_times("namespace", times.made, n);
	print_times("up", times.up, n);
	print_times("of it on the CPU", times.cpu, n);
	print_times("down", times.down, n);
	printf("\n");
	return 0;
}

static const struct {
	const char *name;
	int (*run)(struct context *c);
} verbs[] = {
	{ "create", do_create },   { "down", do_down }, { "list", do_list },
	{ "members", do_members }, { "move", do_move }, { "remove", do_remove },
	{ "show", do_show },       { "tap", do_tap },   { "time", do_time },
	{ "up", do_up },
};

int main(int argc, char **argv)
{
	struct context c = { .store = NET_STORE_INIT, .argc = argc - 3, .argv = argv + 3 };
	auto_close int own_fd = -1;
	int rc;

	if (argc < 3)
		return 2;
	own_fd = open_netns(&c, "/proc/self/ns/net");
	if (own_fd < 0) {
		(void)fprintf(stderr, "netctl: %s\n", c.err.msg);
		return 1;
	}
	c.root_fd = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (c.root_fd < 0) {
		perror(argv[1]);
		return 1;
	}
	rc = net_store_open(c.root_fd, "net", is_alive, &c, &c.store, &c.err);
	if (rc == 0) {
		rc = fail_usage(&c);
		for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
			if (str_eq(verbs[i].name, argv[2]))
				rc = verbs[i].run(&c);
		}
	}
	if (rc < 0)
		(void)fprintf(stderr, "netctl: %s\n", c.err.msg);
	net_store_close(&c.store);
	(void)close(c.root_fd);
	return rc < 0;
}
