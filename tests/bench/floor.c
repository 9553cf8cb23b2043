// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The floor: the least program that clones the namespaces of a `bivalve spec` bundle, makes its
 * mounts and executes a program. No config, no state, no cgroup, no rights, no error handling worth
 * the name: what is left is what the kernel asks for. Usage: floor ROOTFS PROGRAM [ARG...]
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
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

int main(int argc, char **argv)
{
	struct clone_args args = {
		.flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS |
			 CLONE_NEWCGROUP,
		.exit_signal = SIGCHLD,
	};
	pid_t pid;
	int status;

	if (argc < 3)
		return 125;
	pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	MUST(pid);
	if (pid == 0) {
		make_mounts(argv[1]);
		execv(argv[2], argv + 2);
		_exit(127);
	}
	MUST(waitpid(pid, &status, 0));
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
