// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The floor: the least program that clones the namespaces of a `bivalve spec` bundle, makes its
 * mounts and executes a program. No config, no state, no cgroup, no rights, no error handling worth
 * the name: what is left is what the kernel asks for. Usage: floor [-n BRIDGE] ROOTFS PROGRAM
 * [ARG...]
 *
 * -n: with a veth pair on that bridge, made while the mounts are, an IPv4 address (10.254.0.2/16)
 * and a default route: a network without rules, leases and names. The end on the bridge is called
 * "floor" and the process's number.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/sched.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#define MUST(call)                                                                                 \
	do {                                                                                       \
		if ((call) < 0) {                                                                  \
			fprintf(stderr, "floor: %s: %s\n", #call, strerror(errno));                \
			_exit(125);                                                                \
		}                                                                                  \
	} while (0)

enum { NS_FLAGS = MS_NOSUID | MS_NOEXEC | MS_NODEV };

static const char *const masked[] = {
	"proc/acpi",          "proc/asound",     "proc/kcore",       "proc/keys",
	"proc/latency_stats", "proc/timer_list", "proc/timer_stats", "proc/sched_debug",
	"sys/firmware",       "proc/scsi",
};
static const char *const readonly[] = {
	"proc/bus", "proc/fs", "proc/irq", "proc/sys", "proc/sysrq-trigger",
};

static void make_devices(void)
{
	static const struct {
		const char *path;
		unsigned int major, minor;
	} nodes[] = {
		{ "dev/null", 1, 3 },   { "dev/zero", 1, 5 },    { "dev/full", 1, 7 },
		{ "dev/random", 1, 8 }, { "dev/urandom", 1, 9 }, { "dev/tty", 5, 0 },
	};

	for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++) {
		MUST(mknod(nodes[i].path, S_IFCHR | 0666, makedev(nodes[i].major, nodes[i].minor)));
		MUST(chmod(nodes[i].path, 0666));
	}
	MUST(symlink("/proc/self/fd", "dev/fd"));
	MUST(symlink("/proc/self/fd/0", "dev/stdin"));
	MUST(symlink("/proc/self/fd/1", "dev/stdout"));
	MUST(symlink("/proc/self/fd/2", "dev/stderr"));
	MUST(symlink("pts/ptmx", "dev/ptmx"));
}

/* As the config's cgroup mount: one mount for v2, a tmpfs with one per controller for v1. */
static void mount_cgroups(void)
{
	static const char *const v1[] = { "systemd", "pids",   "blkio",   "freezer", "devices",
					  "memory",  "cpuset", "cpuacct", "cpu" };

	if (access("/sys/fs/cgroup/cgroup.controllers", F_OK) == 0) {
		MUST(mount("cgroup", "sys/fs/cgroup", "cgroup2", NS_FLAGS | MS_RDONLY, NULL));
		return;
	}
	MUST(mount("cgroup", "sys/fs/cgroup", "tmpfs", NS_FLAGS, "mode=755"));
	for (size_t i = 0; i < sizeof(v1) / sizeof(v1[0]); i++) {
		char host[64];
		char path[64];

		snprintf(host, sizeof(host), "/sys/fs/cgroup/%s", v1[i]);
		snprintf(path, sizeof(path), "sys/fs/cgroup/%s", v1[i]);
		if (access(host, F_OK) < 0)
			continue;
		MUST(mkdir(path, 0755));
		MUST(mount("cgroup", path, "cgroup", NS_FLAGS | MS_RDONLY,
			   i == 0 ? "none,name=systemd" : v1[i]));
	}
	MUST(mount(NULL, "sys/fs/cgroup", NULL, MS_BIND | MS_REMOUNT | MS_RDONLY | NS_FLAGS, NULL));
}

static void make_mounts(const char *root)
{
	MUST(mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL));
	MUST(mount(root, root, NULL, MS_BIND | MS_REC, NULL));
	MUST(chdir(root));
	MUST(mount("proc", "proc", "proc", 0, NULL));
	MUST(mount("tmpfs", "dev", "tmpfs", MS_NOSUID | MS_STRICTATIME, "mode=755,size=65536k"));
	MUST(mkdir("dev/pts", 0755));
	MUST(mkdir("dev/shm", 0755));
	MUST(mkdir("dev/mqueue", 0755));
	MUST(mount("devpts", "dev/pts", "devpts", MS_NOSUID | MS_NOEXEC,
		   "newinstance,ptmxmode=0666,mode=0620,gid=5"));
	MUST(mount("shm", "dev/shm", "tmpfs", NS_FLAGS, "mode=1777,size=65536k"));
	MUST(mount("mqueue", "dev/mqueue", "mqueue", NS_FLAGS, NULL));
	MUST(mount("sysfs", "sys", "sysfs", NS_FLAGS | MS_RDONLY, NULL));
	mount_cgroups();
	make_devices();
	for (size_t i = 0; i < sizeof(masked) / sizeof(masked[0]); i++) {
		struct stat st;

		if (stat(masked[i], &st) < 0)
			continue;
		if (S_ISDIR(st.st_mode))
			MUST(mount("tmpfs", masked[i], "tmpfs", MS_RDONLY, NULL));
		else
			MUST(mount("dev/null", masked[i], NULL, MS_BIND, NULL));
	}
	for (size_t i = 0; i < sizeof(readonly) / sizeof(readonly[0]); i++) {
		if (access(readonly[i], F_OK) < 0)
			continue;
		MUST(mount(readonly[i], readonly[i], NULL, MS_BIND | MS_REC, NULL));
		MUST(mount(NULL, readonly[i], NULL, MS_BIND | MS_REMOUNT | MS_RDONLY | NS_FLAGS,
			   NULL));
	}
	MUST(syscall(SYS_pivot_root, ".", "."));
	MUST(umount2(".", MNT_DETACH));
	MUST(chdir("/"));
}

/* ---- a network ---- */

struct batch {
	_Alignas(4) char data[1024]; /* zeroed */
	size_t len;
};

static void *put(struct batch *b, const void *data, size_t len)
{
	void *at = b->data + b->len;

	memcpy(at, data, len);
	b->len += (len + 3) & ~(size_t)3;
	return at;
}

static struct nlmsghdr *begin(struct batch *b, uint16_t type, uint16_t flags, const void *family,
			      size_t len)
{
	const struct nlmsghdr h = { .nlmsg_type = type, .nlmsg_flags = NLM_F_REQUEST | flags };
	struct nlmsghdr *at = put(b, &h, sizeof(h));

	put(b, family, len);
	return at;
}

static void end(struct batch *b, struct nlmsghdr *h)
{
	h->nlmsg_len = (uint32_t)(b->data + b->len - (char *)h);
}

static struct nlattr *attr(struct batch *b, uint16_t type, const void *data, size_t len)
{
	const struct nlattr a = { .nla_len = (uint16_t)(sizeof(a) + len), .nla_type = type };
	struct nlattr *at = put(b, &a, sizeof(a));

	if (len)
		put(b, data, len);
	return at;
}

static void nest_end(struct batch *b, struct nlattr *a)
{
	a->nla_len = (uint16_t)(b->data + b->len - (char *)a);
}

/* Only the last message is answered, and failures. */
static void talk(struct batch *b, struct nlmsghdr *last)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	char answer[1024];
	struct nlmsgerr e;

	last->nlmsg_flags |= NLM_F_ACK;
	MUST(send(fd, b->data, b->len, 0));
	MUST(recv(fd, answer, sizeof(answer), 0));
	memcpy(&e, answer + sizeof(struct nlmsghdr), sizeof(e));
	errno = -e.error;
	MUST(e.error);
	MUST(close(fd));
}

static void make_veth(const char *bridge, pid_t pid)
{
	const struct ifinfomsg up = { .ifi_flags = IFF_UP, .ifi_change = IFF_UP };
	const struct ifinfomsg none = { .ifi_family = AF_UNSPEC };
	struct batch b = { .len = 0 };
	struct nlmsghdr *h = begin(&b, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &up, sizeof(up));
	uint32_t master = if_nametoindex(bridge);
	const uint32_t one = 1;
	char name[IFNAMSIZ];
	struct nlattr *info;
	struct nlattr *data;
	struct nlattr *peer;

	snprintf(name, sizeof(name), "floor%d", pid);
	attr(&b, IFLA_IFNAME, name, strlen(name) + 1);
	attr(&b, IFLA_MASTER, &master, sizeof(master));
	attr(&b, IFLA_NUM_TX_QUEUES, &one, sizeof(one));
	attr(&b, IFLA_NUM_RX_QUEUES, &one, sizeof(one));
	info = attr(&b, IFLA_LINKINFO, NULL, 0);
	attr(&b, IFLA_INFO_KIND, "veth", 4);
	data = attr(&b, IFLA_INFO_DATA, NULL, 0);
	peer = attr(&b, VETH_INFO_PEER, NULL, 0);
	put(&b, &none, sizeof(none));
	attr(&b, IFLA_IFNAME, "eth0", 5);
	attr(&b, IFLA_NUM_TX_QUEUES, &one, sizeof(one));
	attr(&b, IFLA_NUM_RX_QUEUES, &one, sizeof(one));
	attr(&b, IFLA_NET_NS_PID, &pid, sizeof(pid));
	nest_end(&b, peer);
	nest_end(&b, data);
	nest_end(&b, info);
	end(&b, h);
	talk(&b, h);
}

static void dress(void)
{
	static const uint8_t own[] = { 10, 254, 0, 2 };
	static const uint8_t gateway[] = { 10, 254, 0, 1 };
	const uint32_t index = if_nametoindex("eth0");
	const struct ifaddrmsg a = { .ifa_family = AF_INET,
				     .ifa_prefixlen = 16,
				     .ifa_index = index };
	const struct ifinfomsg up = { .ifi_index = (int)index,
				      .ifi_flags = IFF_UP,
				      .ifi_change = IFF_UP };
	const struct rtmsg r = { .rtm_family = AF_INET,
				 .rtm_table = RT_TABLE_MAIN,
				 .rtm_protocol = RTPROT_STATIC,
				 .rtm_type = RTN_UNICAST };
	struct batch b = { .len = 0 };
	struct nlmsghdr *h = begin(&b, RTM_NEWADDR, NLM_F_CREATE, &a, sizeof(a));

	attr(&b, IFA_LOCAL, own, sizeof(own));
	end(&b, h);
	h = begin(&b, RTM_SETLINK, 0, &up, sizeof(up));
	end(&b, h);
	h = begin(&b, RTM_NEWROUTE, NLM_F_CREATE, &r, sizeof(r));
	attr(&b, RTA_GATEWAY, gateway, sizeof(gateway));
	end(&b, h);
	talk(&b, h);
}

/* ---- the process ---- */

static void live(char **argv, int link_fd)
{
	char byte;

	make_mounts(argv[0]);
	if (link_fd >= 0) {
		MUST(read(link_fd, &byte, 1));
		dress();
	}
	execv(argv[1], argv + 1);
	_exit(127);
}

int main(int argc, char **argv)
{
	const char *bridge = argc > 2 && strcmp(argv[1], "-n") == 0 ? argv[2] : NULL;
	int link_fds[2] = { -1, -1 };
	struct clone_args args = {
		.flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS |
			 CLONE_NEWCGROUP,
		.exit_signal = SIGCHLD,
	};
	pid_t pid;
	int status;

	argv += bridge ? 3 : 1;
	if (argc - (bridge ? 3 : 1) < 2)
		return 125;
	if (bridge)
		MUST(pipe2(link_fds, O_CLOEXEC));
	pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	MUST(pid);
	if (pid == 0)
		live(argv, link_fds[0]);
	if (bridge) {
		make_veth(bridge, pid);
		MUST(write(link_fds[1], "", 1));
	}
	MUST(waitpid(pid, &status, 0));
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
