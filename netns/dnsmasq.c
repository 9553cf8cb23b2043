// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * dnsmasq as a process: found, recorded, confined, executed, ended. Knows nothing of names.
 *
 * Stages of the new process: (1) a session, the root cgroup; (2) its record, while it still holds
 * the store's lock; (3) a mount namespace with the names in the place of /sys; (4) of root's rights
 * what dnsmasq needs to become somebody else; (5) exec. dnsmasq then gives up the rest.
 */
#include "netns/dnsmasq.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "spec/base/fd.h"
#include "spec/base/num.h"
#include "spec/base/proc.h"
#include "spec/base/str.h"

#define RECORD_FILE "pid"
#define HOSTS_PLACE "/sys" /* there everywhere, and of no use to a resolver */

enum {
	START_TIMEOUT_MS = 10000,
	STOP_TIMEOUT_MS = 2000,
	BOOT_ID_LEN = 36,
	MOUNTINFO_MAX = 16 << 20,
	SAID_MAX = 256,
};

/* ---- finding it ---------------------------------------------------------------------------- */

/* On PATH, else where distributions put it: callers of a runtime often leave sbin out. */
static bool find_program(char out[PATH_MAX])
{
	static const char usual[] = "/usr/local/sbin:/usr/sbin:/sbin:/usr/bin";
	const char *path = getenv("PATH");
	const char *lists[] = { path ? path : "", usual };

	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		const char *next = lists[i];

		while (*next) {
			size_t len = strcspn(next, ":");

			if (next[0] == '/' &&
			    snprintf(out, PATH_MAX, "%.*s/dnsmasq", (int)len, next) < PATH_MAX &&
			    access(out, X_OK) == 0)
				return true;
			next += len + (next[len] == ':');
		}
	}
	return false;
}

int dnsmasq_check(const struct dnsmasq_plan *p, struct err *err)
{
	char program[PATH_MAX];

	/* In its lists of interfaces the one parts them, and the other is a pattern. */
	if (strpbrk(p->bridge, ",*"))
		return err_set(err, -EINVAL,
			       "network '%s': dnsmasq takes no bridge with the name '%s'",
			       p->network, p->bridge);
	if (!find_program(program))
		return err_set(err, -ENOENT,
			       "network '%s': '--internal-dns' needs dnsmasq, which is not "
			       "installed (Debian: dnsmasq-base)",
			       p->network);
	return 0;
}

/* ---- its record: "PID START-TICKS BOOT-ID" --------------------------------------------------- */

static void read_boot_id(char out[BOOT_ID_LEN + 1])
{
	auto_buf struct buf text = BUF_INIT;

	if (file_read_at(AT_FDCWD, "/proc/sys/kernel/random/boot_id", 64, &text) < 0)
		buf_clear(&text);
	(void)snprintf(out, BOOT_ID_LEN + 1, "%s", buf_str(&text));
}

static int record_write(int folder_fd)
{
	struct proc_stat st;
	char boot_id[BOOT_ID_LEN + 1];
	char text[128];
	int rc = proc_stat_read(getpid(), &st);

	if (rc < 0)
		return rc;
	read_boot_id(boot_id);
	(void)snprintf(text, sizeof(text), "%d %ju %s\n", getpid(), (uintmax_t)st.start_ticks,
		       boot_id);
	return file_replace_at(folder_fd, RECORD_FILE, text, strlen(text), 0600);
}

int dnsmasq_pidfd(int folder_fd)
{
	auto_buf struct buf text = BUF_INIT;
	char boot_id[BOOT_ID_LEN + 1];
	char copy[128];
	char *rest = copy;
	uint64_t pid;
	uint64_t start;

	if (file_read_at(folder_fd, RECORD_FILE, sizeof(copy) - 1, &text) < 0)
		return -ESRCH;
	(void)snprintf(copy, sizeof(copy), "%s", buf_str(&text));
	copy[strcspn(copy, "\n")] = '\0';
	if (num_u64(strsep(&rest, " "), 1, INT_MAX, &pid) < 0 || !rest ||
	    num_u64(strsep(&rest, " "), 0, UINT64_MAX, &start) < 0 || !rest)
		return -ESRCH;
	read_boot_id(boot_id);
	/* One that has ended and was not waited for is no use. */
	return str_eq(rest, boot_id) && proc_is_alive((pid_t)pid, start)
		   ? proc_pidfd((pid_t)pid, start)
		   : -ESRCH;
}

int dnsmasq_stop(int folder_fd, struct err *err)
{
	auto_close int pidfd = dnsmasq_pidfd(folder_fd);
	int rc = 0;

	if (pidfd >= 0) {
		rc = proc_signal(pidfd, SIGTERM);
		if (rc == 0 && proc_wait_exit(pidfd, STOP_TIMEOUT_MS) < 0)
			rc = proc_signal(pidfd, SIGKILL);
		if (rc == 0)
			rc = proc_wait_exit(pidfd, STOP_TIMEOUT_MS);
	}
	if (rc < 0 && rc != -ESRCH)
		return err_code(err, rc, "end the resolver of a network");
	if (unlinkat(folder_fd, RECORD_FILE, 0) < 0 && errno != ENOENT)
		return err_sys(err, "remove the record of a resolver");
	return 0;
}

/* ---- the new process, before exec ------------------------------------------------------------ */

/* Its end is the network's, not that of the service that happened to start it. */
static void leave_cgroups(void)
{
	auto_closedir DIR *dir = NULL;
	const struct dirent *e;

	if (file_write_at(AT_FDCWD, "/sys/fs/cgroup/cgroup.procs", "0") == 0)
		return;
	dir = opendir("/sys/fs/cgroup"); /* hierarchies of version 1 */
	while (dir && (e = readdir(dir))) {
		char path[NAME_MAX + 32];

		if (e->d_name[0] == '.')
			continue;
		(void)snprintf(path, sizeof(path), "%s/cgroup.procs", e->d_name);
		/* Where we may not, it stays: the next workload starts it again. */
		(void)!file_write_at(dirfd(dir), path, "0");
	}
}

/*
 * Programs, libraries, /etc/resolv.conf and what it may point to. A mount that it kept for no
 * reason would be busy when its owner takes it off.
 */
bool dnsmasq_keeps_mount(const char *path)
{
	static const char *const exactly[] = { "/",    "/bin", "/dev",     "/etc", "/gnu",
					       "/lib", "/nix", "/proc",    "/run", "/sbin",
					       "/usr", "/var", HOSTS_PLACE };
	static const char *const below[] = { "/etc/", "/usr/", "/lib", "/nix/", "/gnu/" };

	for (size_t i = 0; i < ARRAY_LEN(exactly); i++) {
		if (str_eq(path, exactly[i]))
			return true;
	}
	for (size_t i = 0; i < ARRAY_LEN(below); i++) {
		if (str_starts(path, below[i]))
			return true;
	}
	return false;
}

/* Undoes the octal escapes of mountinfo, in place. Source: proc_pid_mountinfo(5). */
static void unescape(char *s)
{
	char *to = s;

	for (; *s; s++) {
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' && s[2] <= '7' &&
		    s[3] >= '0' && s[3] <= '7') {
			*to++ = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
			s += 3;
		} else {
			*to++ = *s;
		}
	}
	*to = '\0';
}

static int drop_mounts(void)
{
	auto_buf struct buf text = BUF_INIT;
	int rc = file_read_at(AT_FDCWD, "/proc/self/mountinfo", MOUNTINFO_MAX, &text);
	char *rest = text.data;
	char *line;

	if (rc < 0)
		return rc;
	while ((line = strsep(&rest, "\n")) && *line) {
		const char *path = NULL;

		for (int i = 0; line && i < 5; i++) /* number, parent, device, root, mount point */
			path = strsep(&line, " ");
		if (!line || !path)
			continue;
		unescape(drop_const(path));
		/* One below another that went already is gone, too. */
		if (!dnsmasq_keeps_mount(path))
			(void)umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW);
	}
	return 0;
}

static int confine_files(int hosts_fd)
{
	enum { FLAGS = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC };

	/* By the working directory, which moves into the new namespace, and not by name: the way to
	 * it is closed to the user that dnsmasq becomes. */
	if (fchdir(hosts_fd) < 0 || unshare(CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		return -errno;
	(void)umount2(HOSTS_PLACE, MNT_DETACH); /* where it is no mount, the folder is there */
	if (mount(".", HOSTS_PLACE, NULL, MS_BIND, NULL) < 0 ||
	    mount(NULL, HOSTS_PLACE, NULL, MS_REMOUNT | MS_BIND | FLAGS, NULL) < 0)
		return -errno;
	return drop_mounts();
}

static int confine_rights(void)
{
	for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++) {
		if (cap == CAP_NET_BIND_SERVICE || cap == CAP_SETUID || cap == CAP_SETGID)
			continue;
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
			return -errno;
	}
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
}

/* Descriptors and signals as a program expects them that nobody started. */
static int forget_caller(int said_fd)
{
	auto_close int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	sigset_t none;

	if (null_fd < 0 || dup2(null_fd, STDIN_FILENO) < 0 || dup2(null_fd, STDOUT_FILENO) < 0 ||
	    dup2(said_fd, STDERR_FILENO) < 0)
		return -errno;
	for (int i = 1; i < NSIG; i++)
		(void)signal(i, SIG_DFL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)umask(022);
	if (chdir("/") < 0)
		return -errno;
	return fd_cloexec_from(STDERR_FILENO + 1);
}

static int execute(const char *program, const char *bridge)
{
	static const char hosts[] = "--hostsdir=" HOSTS_PLACE;
	char interface[64];
	const char *const argv[] = {
		"dnsmasq",
		"--keep-in-foreground",
		"--conf-file=/dev/null",
		"--pid-file=",
		"--user=dnsmasq",
		"--bind-dynamic", /* only what comes in by the interface; also when it comes later
				   */
		interface,
		"--except-interface=lo",
		"--no-hosts",
		hosts,
		"--domain-needed", /* a name without a dot is a peer's, or nobody's */
		NULL,
	};
	const char *const environment[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL };

	(void)snprintf(interface, sizeof(interface), "--interface=%s", bridge);
	(void)execve(program, drop_const(argv), drop_const(environment));
	return -errno;
}

static void run_child(const struct dnsmasq_plan *p, const char *program, int said_fd)
{
	const char *step = "start a session";
	int rc = setsid() < 0 ? -errno : 0;

	if (rc == 0) {
		leave_cgroups();
		step = "record it";
		rc = record_write(p->folder_fd);
	}
	if (rc == 0) {
		step = "hide the host's files from it";
		rc = confine_files(p->hosts_fd);
	}
	if (rc == 0) {
		step = "take its descriptors";
		rc = forget_caller(said_fd);
	}
	if (rc == 0) {
		step = "take its rights";
		rc = confine_rights();
	}
	if (rc == 0) {
		step = "execute it";
		rc = execute(program, p->bridge);
	}
	(void)dprintf(said_fd, "%s: %s\n", step, strerror(-rc));
}

/* ---- starting it --------------------------------------------------------------------------- */

/*
 * Reads what it says until it closes its stderr: dnsmasq does so when it listens, or by its end.
 * Returns 0 when it said nothing, or -EPROTO with its line in @out; -ETIMEDOUT.
 */
static int wait_started(int said_fd, char out[SAID_MAX])
{
	int64_t deadline_ms = proc_now_ms() + START_TIMEOUT_MS;
	char text[SAID_MAX];
	size_t len = 0;

	for (;;) {
		struct pollfd p = { said_fd, POLLIN, 0 };
		int64_t left = deadline_ms - proc_now_ms();
		ssize_t n;

		if (left <= 0)
			return -ETIMEDOUT;
		if (poll(&p, 1, (int)left) <= 0)
			continue;
		n = read(said_fd, text + len, sizeof(text) - 1 - len);
		if (n <= 0)
			break;
		len += (size_t)n;
		if (len == sizeof(text) - 1)
			break;
	}
	text[len] = '\0';
	{
		const char *line = text + strspn(text, "\n ");

		if (str_starts(line, "dnsmasq: "))
			line += strlen("dnsmasq: ");
		(void)snprintf(out, SAID_MAX, "%.*s", (int)strcspn(line, "\n"), line);
	}
	return len ? -EPROTO : 0;
}

int dnsmasq_start(const struct dnsmasq_plan *p, struct err *err)
{
	auto_close int said_fd = -1;
	char program[PATH_MAX];
	char said[SAID_MAX] = "";
	int status = 0;
	int fds[2];
	pid_t pid;
	int rc = dnsmasq_check(p, err);

	if (rc < 0)
		return rc;
	if (!find_program(program) || pipe2(fds, O_CLOEXEC) < 0)
		return err_sys(err, "network '%s': start dnsmasq", p->network);
	said_fd = fds[0];
	pid = fork();
	if (pid == 0) {
		run_child(p, program, fds[1]);
		_exit(1);
	}
	(void)close(fds[1]);
	if (pid < 0)
		return err_sys(err, "network '%s': start dnsmasq", p->network);
	rc = wait_started(said_fd, said);
	/* One that was killed has said nothing, and has no stderr any more either. */
	if (rc == 0 && waitpid(pid, &status, WNOHANG) == pid)
		rc = -ECHILD;
	if (rc == 0)
		return 0;
	if (rc != -ECHILD) {
		(void)kill(pid, SIGKILL);
		(void)!proc_reap(pid, &status);
	}
	(void)unlinkat(p->folder_fd, RECORD_FILE, 0);
	if (rc == -EPROTO)
		return err_set(err, rc, "network '%s': dnsmasq: %s", p->network, said);
	return err_set(err, rc, "network '%s': dnsmasq %s", p->network,
		       rc == -ECHILD ? "ended at once" : "does not get ready");
}
