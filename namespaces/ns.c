// SPDX-License-Identifier: GPL-2.0-or-later
/* The kinds of namespaces: names, flags, joining by path, and what a new one needs at its start. */
#include "namespaces/ns.h"

#include <fcntl.h>
#include <linux/nsfs.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "namespaces/plan.h"
#include "namespaces/procfs.h"
#include "spec/base/fd.h"
#include "spec/base/path.h"
#include "spec/base/sys.h"

static const struct ns_kind_info kinds[] = {
	[NS_USER] = { "user", "user", CLONE_NEWUSER },
	[NS_PID] = { "pid", "pid", CLONE_NEWPID },
	[NS_NETWORK] = { "network", "net", CLONE_NEWNET },
	[NS_IPC] = { "ipc", "ipc", CLONE_NEWIPC },
	[NS_UTS] = { "uts", "uts", CLONE_NEWUTS },
	[NS_CGROUP] = { "cgroup", "cgroup", CLONE_NEWCGROUP },
	[NS_TIME] = { "time", "time", CLONE_NEWTIME },
	[NS_MOUNT] = { "mount", "mnt", CLONE_NEWNS },
};
_Static_assert(ARRAY_LEN(kinds) == NS_KINDS, "one row per kind");

const struct ns_kind_info *ns_kind_info(enum config_ns_kind kind)
{
	return &kinds[kind];
}

uint64_t ns_flags(const struct config *c)
{
	uint64_t flags = 0;

	for (int k = 0; k < NS_KINDS; k++) {
		if (ns_is_new(c, (enum config_ns_kind)k))
			flags |= kinds[k].clone_flag;
	}
	return flags;
}

/* The namespace of @kind that @path names is the one that the caller is in. */
static bool is_own(enum config_ns_kind kind, const char *path)
{
	char own_path[32];
	struct stat own;
	struct stat other;

	(void)snprintf(own_path, sizeof(own_path), "/proc/self/ns/%s", kinds[kind].file);
	return stat(own_path, &own) == 0 && stat(path, &other) == 0 && own.st_ino == other.st_ino &&
	       own.st_dev == other.st_dev;
}

/* Whose namespace a setting belongs to. Source: the list that config_validate() allows. */
static enum config_ns_kind sysctl_kind(const char *key)
{
	if (str_starts(key, "net.") || str_starts(key, "net/"))
		return NS_NETWORK;
	return strstr(key, "domainname") || strstr(key, "hostname") ? NS_UTS : NS_IPC;
}

/* A namespace that is joined may be the host's own: what is set there would be the host's. */
static int check_sysctls(const struct config *c, const struct ns_joins *j, struct err *err)
{
	for (size_t i = 0; i < c->linux_.sysctl.n; i++) {
		const char *key = c->linux_.sysctl.items[i].key;
		enum config_ns_kind kind = sysctl_kind(key);
		char name[PATH_PROC_FD_MAX];

		if (j->fds[kind] >= 0 && is_own(kind, path_proc_fd(name, j->fds[kind])))
			return err_set(err, -EPERM,
				       "/linux/sysctl/%s: the %s namespace '%s' is the host's", key,
				       kinds[kind].type, c->linux_.namespaces[kind].path);
	}
	return 0;
}

uint64_t ns_enter_flags(const struct config *c, pid_t pid)
{
	uint64_t flags = 0;
	char path[32];

	for (int k = 0; k < NS_KINDS; k++) {
		if (c->linux_.namespaces[k].is_set)
			flags |= kinds[k].clone_flag;
	}
	(void)snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
	if (ns_is_joined(c, NS_USER) && is_own(NS_USER, path))
		flags &= ~(uint64_t)CLONE_NEWUSER;
	return flags;
}

static int open_one(enum config_ns_kind kind, const char *path, int *out, struct err *err)
{
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	const char *type = kinds[kind].type;
	char name[PATH_PROC_FD_MAX];
	int flag;

	if (fd < 0)
		return err_sys(err, "/linux/namespaces: %s: open '%s'", type, path);
	/* Answers on namespace files alone, so another kind of file is found out, too. */
	flag = ioctl(fd, NS_GET_NSTYPE);
	if (flag < 0)
		return err_set(err, -EINVAL, "/linux/namespaces: %s: '%s' is not a namespace", type,
			       path);
	if ((uint64_t)flag != kinds[kind].clone_flag)
		return err_set(err, -EINVAL,
			       "/linux/namespaces: %s: '%s' is a namespace of another type", type,
			       path);
	if (kind == NS_USER && is_own(NS_USER, path_proc_fd(name, fd)))
		return 0;
	*out = take_fd(&fd);
	return 0;
}

int ns_joins_open(const struct config *c, struct ns_joins *out, struct err *err)
{
	auto_ns_joins struct ns_joins j = NS_JOINS_INIT;
	int rc = 0;

	for (int k = 0; k < NS_KINDS; k++) {
		const struct config_ns *ns = &c->linux_.namespaces[k];

		if (ns->is_set && ns->path)
			rc = open_one((enum config_ns_kind)k, ns->path, &j.fds[k], err);
		if (rc < 0)
			return rc;
	}
	rc = check_sysctls(c, &j, err);
	if (rc < 0)
		return rc;
	for (int k = 0; k < NS_KINDS; k++)
		out->fds[k] = take_fd(&j.fds[k]);
	return 0;
}

void ns_joins_close(struct ns_joins *j)
{
	for (int k = 0; k < NS_KINDS; k++) {
		cleanup_close(&j->fds[k]);
		j->fds[k] = -1;
	}
}

int ns_join(const struct config *c, const struct ns_joins *j, enum config_ns_kind kind,
	    struct err *err)
{
	if (j->fds[kind] < 0 || setns(j->fds[kind], (int)kinds[kind].clone_flag) == 0)
		return 0;
	return err_sys(err, "/linux/namespaces: %s: join '%s'", kinds[kind].type,
		       c->linux_.namespaces[kind].path);
}

bool ns_has_time_offsets(const struct config *c)
{
	return c->linux_.monotonic.is_set || c->linux_.boottime.is_set;
}

int ns_set_time_offsets(int proc_fd, const struct config *c, struct err *err)
{
	static const struct {
		const char *clock;
		size_t offset;
	} clocks[] = {
		{ "monotonic", offsetof(struct config_linux, monotonic) },
		{ "boottime", offsetof(struct config_linux, boottime) },
	};
	auto_close int fd = -1;

	if (!ns_has_time_offsets(c))
		return 0;
	fd = procfs_open_task(proc_fd, 0, "timens_offsets", O_WRONLY);
	if (fd < 0)
		return err_code(err, fd, "/linux/timeOffsets: open 'timens_offsets'");
	for (size_t i = 0; i < ARRAY_LEN(clocks); i++) {
		struct config_time_offset o;
		char line[80];
		int rc;

		memcpy(&o, (const char *)&c->linux_ + clocks[i].offset, sizeof(o));
		if (!o.is_set)
			continue;
		(void)snprintf(line, sizeof(line), "%s %lld %u", clocks[i].clock, (long long)o.secs,
			       o.nanosecs);
		rc = fd_write_all(fd, line, strlen(line));
		if (rc < 0)
			return err_code(err, rc, "/linux/timeOffsets/%s: write", clocks[i].clock);
	}
	return 0;
}

int ns_loopback_up(struct err *err)
{
	struct ifreq req = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	auto_close int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	/* A kernel without IPv4 answers interface ioctls on any other socket. */
	if (fd < 0)
		fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_sys(err, "make a socket for 'lo'");
	if (ioctl(fd, SIOCSIFFLAGS, &req) < 0)
		return err_sys(err, "bring up 'lo'");
	return 0;
}

int ns_set_names(const struct config *c, struct err *err)
{
	if (c->hostname && sethostname(c->hostname, strlen(c->hostname)) < 0)
		return err_sys(err, "/hostname: set '%s'", c->hostname);
	if (c->domainname && setdomainname(c->domainname, strlen(c->domainname)) < 0)
		return err_sys(err, "/domainname: set '%s'", c->domainname);
	return 0;
}
