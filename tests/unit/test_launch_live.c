// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ns_launch() and ns_exec() for real: a busybox root file system in a temporary folder, one plan
 * after the other, and what the program in it sees. Needs root.
 */
#include "namespaces/launch.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "namespaces/final.h"
#include "spec/base/fd.h"
#include "spec/base/proc.h"
#include "spec/parse.h"
#include "tests/unit/test.h"

#define NAMESPACES                                                                                 \
	"{\"type\":\"pid\"},{\"type\":\"network\"},{\"type\":\"ipc\"},{\"type\":\"uts\"},"         \
	"{\"type\":\"cgroup\"},{\"type\":\"mount\"}"
#define MAPS                                                                                       \
	"\"uidMappings\":[{\"containerID\":0,\"hostID\":100000,\"size\":65536}],"                  \
	"\"gidMappings\":[{\"containerID\":0,\"hostID\":100000,\"size\":65536}]"
#define CAPS(list)                                                                                 \
	"\"capabilities\":{\"bounding\":[" list "],\"permitted\":[" list "],\"effective\":[" list  \
	"]}"

enum { OUT_MAX = 16384, DEADLINE_MS = 20000 };

/* Parts of a config, as JSON; NULL: the usual. */
struct spec {
	const char *script;
	const char *args;    /* instead of script: the whole array */
	const char *cwd;     /* "/" */
	const char *process; /* more members */
	const char *namespaces;
	const char *linux_; /* more members */
	const char *top;    /* more members */
	unsigned int preserve_fds;
	bool is_sealed;
};

struct run {
	struct config config;
	struct ns_plan plan;
	struct ns_child child;
	int out_fd;        /* the program's stdout and stderr */
	int console_fd;    /* the terminal's master */
	int listener_fd;   /* of seccomp */
	char out[OUT_MAX]; /* what it wrote */
	int status;
	struct err err;
};

static char bundle[] = "/tmp/bivalve-live-XXXXXX";

static bool is_root(void)
{
	return geteuid() == 0 && access("/bin/busybox", X_OK) == 0;
}

/* ---- the root file system ----------------------------------------------------------------------
 */

static void shell(const char *command)
{
	if (system(command) != 0) {
		printf("Bail out! %s\n", command);
		exit(1);
	}
}

static void make_bundle(void)
{
	static bool is_made;
	char command[1024];

	if (is_made)
		return;
	is_made = true;
	if (!mkdtemp(bundle))
		exit(1);
	(void)snprintf(
	    command, sizeof(command),
	    "cd %s && chmod 755 . && mkdir -p rootfs/bin rootfs/etc rootfs/proc rootfs/sys "
	    "rootfs/dev rootfs/tmp && chmod 1777 rootfs/tmp && cp /bin/busybox rootfs/bin/ "
	    "&& for a in sh true cat ls id grep readlink sleep stat touch mkdir tty stty "
	    "echo ps env pwd hostname kill head; do ln -s busybox rootfs/bin/$a; done && "
	    "printf 'root:x:0:0::/root:/bin/sh\\nu:x:1000:1000::/home/u:/bin/sh\\n' "
	    "> rootfs/etc/passwd && printf '#!/proc/self/exe\\n' > rootfs/bin/self && "
	    "chmod 755 rootfs/bin/self && echo text > rootfs/bin/noexec && chmod 644 "
	    "rootfs/bin/noexec",
	    bundle);
	shell(command);
}

static void remove_bundle(void)
{
	char command[64];

	(void)snprintf(command, sizeof(command), "rm -rf --one-file-system %s", bundle);
	shell(command);
}

/* ---- running -----------------------------------------------------------------------------------
 */

static void add_json_string(struct buf *b, const char *s)
{
	buf_add_char(b, '"');
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			buf_add_char(b, '\\');
		buf_add_char(b, *s);
	}
	buf_add_char(b, '"');
}

static void add_config(struct buf *b, const struct spec *s)
{
	buf_add_str(b, "{\"ociVersion\":\"1.3.0\",\"root\":{\"path\":\"rootfs\"},\"process\":{"
		       "\"env\":[\"PATH=/bin\"],\"cwd\":");
	add_json_string(b, s->cwd ? s->cwd : "/");
	buf_add_str(b, ",\"args\":");
	if (s->args) {
		buf_add_str(b, s->args);
	} else {
		buf_add_str(b, "[\"/bin/sh\",\"-c\",");
		add_json_string(b, s->script);
		buf_add_char(b, ']');
	}
	buf_printf(b, ",%s},", s->process ? s->process : "\"noNewPrivileges\":true");
	buf_add_str(b,
		    "\"mounts\":[{\"destination\":\"/proc\",\"type\":\"proc\",\"source\":\"proc\"},"
		    "{\"destination\":\"/dev\",\"type\":\"tmpfs\",\"source\":\"tmpfs\"},"
		    "{\"destination\":\"/dev/pts\",\"type\":\"devpts\",\"source\":\"devpts\","
		    "\"options\":[\"newinstance\",\"ptmxmode=0666\",\"mode=0620\"]}],");
	buf_printf(b, "\"linux\":{\"namespaces\":[%s]", s->namespaces ? s->namespaces : NAMESPACES);
	if (s->linux_)
		buf_printf(b, ",%s", s->linux_);
	buf_add_char(b, '}');
	if (s->top)
		buf_printf(b, ",%s", s->top);
	buf_add_char(b, '}');
}

/* Reads the config and makes the plan; false: a test's fault. */
static bool prepare(struct run *r, const struct spec *s)
{
	auto_buf struct buf b = BUF_INIT;
	int rc;

	make_bundle();
	memset(r, 0, sizeof(*r));
	r->child = (struct ns_child)NS_CHILD_INIT;
	r->out_fd = r->console_fd = r->listener_fd = -1;
	add_config(&b, s);
	rc = config_parse(b.data, b.len, &r->config, &r->err);
	if (rc == 0)
		rc = ns_plan_from_config(&r->config, bundle, "live", &r->plan, &r->err);
	r->plan.io.preserve_fds = s->preserve_fds;
	r->plan.is_sealed = s->is_sealed;
	CHECK_EQ(rc, 0);
	CHECK_STR(r->err.msg, "");
	return rc == 0;
}

static int launch(struct run *r)
{
	int fds[2];
	int rc;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	r->plan.io.stdio_fds[1] = fds[1];
	r->plan.io.stdio_fds[2] = fds[1];
	rc = ns_launch(&r->plan, &r->child, &r->err);
	(void)close(fds[1]);
	r->out_fd = fds[0];
	return rc;
}

/* Serves events until @last. */
static int follow(struct run *r, enum ns_event_kind last)
{
	struct ns_event e = { NS_EVENT_CONSOLE, -1 };
	int rc = 0;

	for (;;) {
		rc = ns_next(&r->child, &e, &r->err);
		if (rc < 0)
			return rc;
		if (e.kind == NS_EVENT_CONSOLE)
			r->console_fd = e.fd;
		if (e.kind == NS_EVENT_SECCOMP)
			r->listener_fd = e.fd;
		if (e.kind == last)
			return 0;
		if (e.kind == NS_EVENT_HOOKS || e.kind == NS_EVENT_SECCOMP ||
		    (e.kind == NS_EVENT_READY && r->plan.start_fd < 0))
			rc = ns_continue(&r->child, e.kind, &r->err);
		if (rc < 0)
			return rc;
	}
}

static void read_output(struct run *r)
{
	size_t len = strlen(r->out);

	for (;;) {
		struct pollfd p = { .fd = r->out_fd, .events = POLLIN };
		ssize_t n;

		if (poll(&p, 1, DEADLINE_MS) <= 0)
			break;
		n = read(r->out_fd, r->out + len, sizeof(r->out) - 1 - len);
		if (n <= 0)
			break;
		len += (size_t)n;
	}
	r->out[len] = '\0';
}

static void finish(struct run *r)
{
	read_output(r);
	if (r->child.pid > 0)
		CHECK_EQ(proc_reap(r->child.pid, &r->status), 0);
	r->child.pid = 0;
}

static void cleanup(struct run *r)
{
	ns_kill(&r->child);
	cleanup_close(&r->out_fd);
	cleanup_close(&r->console_fd);
	cleanup_close(&r->listener_fd);
	ns_plan_fini(&r->plan);
	config_fini(&r->config);
}

/* From a spec to the output; 0 or the error of the launch. */
static int run(struct run *r, const struct spec *s)
{
	int rc;

	if (!prepare(r, s))
		return -EINVAL;
	rc = launch(r);
	if (rc == 0)
		rc = follow(r, NS_EVENT_RUNNING);
	if (rc == 0)
		finish(r);
	return rc;
}

#define CHECK_RUN(r, spec)                                                                         \
	do {                                                                                       \
		CHECK_EQ(run((r), (spec)), 0);                                                     \
		CHECK_STR((r)->err.msg, "");                                                       \
	} while (0)

/* ---- what the program sees ---------------------------------------------------------------------
 */

static void test_plain(void)
{
	struct spec s = {
		.script = "echo pid $$; readlink /proc/self/exe; hostname; pwd; echo home $HOME; "
			  "exit 7",
		.top = "\"hostname\":\"shell\"",
	};
	struct run r;

	if (!is_root())
		TEST_SKIP("needs root and busybox");
	CHECK_RUN(&r, &s);
	CHECK_STR(r.out, "pid 1\n/bin/busybox\nshell\n/\nhome /root\n");
	CHECK_EQ(proc_exit_code(r.status), 7);
	cleanup(&r);
}

static void test_answer_ahead(void)
{
	struct spec s = { .script = "exit 3" };
	struct run r;

	if (!is_root())
		TEST_SKIP("needs root and busybox");
	if (prepare(&r, &s)) {
		CHECK_EQ(launch(&r), 0);
		CHECK_EQ(ns_continue(&r.child, NS_EVENT_READY, &r.err), 0);
		CHECK_EQ(follow(&r, NS_EVENT_RUNNING), 0);
		finish(&r);
		CHECK_EQ(proc_exit_code(r.status), 3);
	}
	cleanup(&r);
}

static void test_rights(void)
{
	static const char script[] =
	    "grep -E 'Uid|Groups|Cap|NoNew|Seccomp:' /proc/self/status; umask";
	static const struct {
		const char *process;
		const char *has[6];
	} cases[] = {
		{ "\"noNewPrivileges\":true",
		  { "Uid:\t0\t0\t0\t0\n", "CapPrm:\t0000000000000000\n",
		    "CapBnd:\t0000000000000000\n", "NoNewPrivs:\t1\n", "0022\n" } },
		{ CAPS("\"CAP_CHOWN\",\"CAP_KILL\""),
		  { "CapPrm:\t0000000000000021\n", "CapEff:\t0000000000000021\n",
		    "CapBnd:\t0000000000000021\n", "CapInh:\t0000000000000000\n",
		    "NoNewPrivs:\t0\n" } },
		{ "\"user\":{\"uid\":1000,\"gid\":1001,\"umask\":63,\"additionalGids\":[7,8]},"
		  "\"capabilities\":{\"bounding\":[\"CAP_KILL\"],\"permitted\":[\"CAP_KILL\"],"
		  "\"effective\":[\"CAP_KILL\"],\"inheritable\":[\"CAP_KILL\"],"
		  "\"ambient\":[\"CAP_KILL\"]}",
		  { "Uid:\t1000\t1000\t1000\t1000\n", "Groups:\t7 8", "CapAmb:\t0000000000000020\n",
		    "CapEff:\t0000000000000020\n", "0077\n" } },
	};

	if (!is_root())
		TEST_SKIP("needs root and busybox");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct spec s = { .script = script, .process = cases[i].process };
		struct run r;

		CHECK_RUN(&r, &s);
		for (size_t k = 0; cases[i].has[k]; k++)
			CHECK_HAS(r.out, cases[i].has[k]);
		cleanup(&r);
	}
}

static void test_errors(void)
{
	static const struct {
		struct spec spec;
		int rc;
		const char *has;
	} cases[] = {
		{ { .args = "[\"/bin/none\"]" }, -ENOENT, "no such file or directory" },
		{ { .args = "[\"none\"]" }, -ENOENT, "executable file not found in $PATH" },
		{ { .args = "[\"/bin/noexec\"]" }, -EACCES, "permission denied" },
		{ { .args = "[\"/bin/self\",\"--version\"]" }, -ENOEXEC, "/bin/self" },
#ifndef __SANITIZE_ADDRESS__ /* a dynamic program lacks its interpreter there */
		/* CVE-2019-5736: it is not our program that a container finds there. */
		{ { .args = "[\"/proc/self/exe\",\"--version\"]" }, -ENOEXEC, "/proc/self/exe" },
#endif
		{ { .script = "", .cwd = "/bin/true/x" }, -ENOTDIR, "/process/cwd" },
		{ { .script = "",
		    .namespaces = "{\"type\":\"mount\"},{\"type\":\"network\","
				  "\"path\":\"/proc/self/ns/uts\"}" },
		  -EINVAL,
		  "/linux/namespaces: network: '/proc/self/ns/uts' is a namespace of another "
		  "type" },
		{ { .script = "",
		    .namespaces = "{\"type\":\"mount\"},{\"type\":\"ipc\","
				  "\"path\":\"/etc/passwd\"}" },
		  -EINVAL,
		  "'/etc/passwd' is not a namespace" },
		{ { .script = "",
		    .namespaces = "{\"type\":\"user\"}," NAMESPACES,
		    .linux_ = MAPS,
		    .process = "\"user\":{\"uid\":70000,\"gid\":0}" },
		  -EINVAL,
		  "/process/user/uid: 70000" },
	};

	if (!is_root())
		TEST_SKIP("needs root and busybox");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct run r;

		CHECK_EQ(run(&r, &cases[i].spec), cases[i].rc);
		CHECK_HAS(r.err.msg, cases[i].has);
		cleanup(&r);
	}
}

/* Limits too low for our own last steps hold for the program alone. */
static void test_limits(void)
{
	struct spec s = {
		.script = "ulimit -n; ulimit -Hn; ulimit -f; ulimit -c",
		.process = "\"rlimits\":[{\"type\":\"RLIMIT_NOFILE\",\"soft\":3,\"hard\":5},"
			   "{\"type\":\"RLIMIT_FSIZE\",\"soft\":512,\"hard\":1024},"
			   "{\"type\":\"RLIMIT_CORE\",\"soft\":0,\"hard\":0},"
			   "{\"type\":\"RLIMIT_AS\",\"soft\":33554432,\"hard\":33554432}]",
	};
	struct run r;

	if (!is_root())
		TEST_SKIP("needs root and busybox");
	CHECK_RUN(&r, &s);
	CHECK_STR(r.out, "3\n5\n1\n0\n");
	cleanup(&r);
}

/* ---- descriptors, working directory ------------------------------------------------------------
 */

/* Descriptor 3 is the host's root, and not close-on-exec: as a caller would leak it. */
static int open_third(void)
{
	int fd = open("/", O_RDONLY | O_DIRECTORY);

	if (fd != 3) {
		CHECK_EQ(dup2(fd, 3), 3);
		(void)close(fd);
	}
	return 3;
}

static void test_descriptors(void)
{
	struct spec s = { .script = "ls /proc/self/fd" };
	int leaked_fd;
	struct run r;

	if (!is_root())
		TEST_SKIP("needs root and busybox");
	leaked_fd = open_third();
	CHECK_RUN(&r, &s);
	CHECK_STR(r.out, "0\n1\n2\n3\n"); /* 3: ls itself, reading the folder */
	cleanup(&r);
	s.preserve_fds = 1;
	CHECK_RUN(&r, &s);
	CHECK_STR(r.out, "0\n1\n2\n3\n4\n");
	cleanup(&r);
	(void)close(leaked_fd);
}

/* CVE-2024-21626: a working directory that is a descriptor of the host's tree. */
static void test_cwd_escape(void)
{
	static const char *const ways[] = { "/proc/self/fd/3", "/proc/thread-self/fd/3",
					    "/proc/1/fd/3/etc" };
	struct run r;
	int fd;

	if (!is_root())
		TEST_SKIP("needs root and busybox");
	fd = open_third();
	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		struct spec s = { .script = "pwd; ls", .cwd = ways[i], .preserve_fds = 1 };
		int rc = run(&r, &s);

		CHECK_EQ(rc, -EPERM);
		CHECK_HAS(r.err.msg, "is outside of the container");
		cleanup(&r);
	}
	(void)close(fd);
}

/* ---- namespaces --------------------------------------------------------------------------------
 */

static void test_user_namespace(void)
{
	struct spec s = {
		.script = "cat /proc/self/uid_map; id -u; stat -c %u /proc/self/; grep CapEff "
			  "/proc/self/status",
		.namespaces = "{\"type\":\"user\"}," NAMESPACES,
		.linux_ = MAPS,
		.process = CAPS("\"CAP_SYS_ADMIN\""),
	};
	struct run r;

	if (!is_root())
		TEST_SKIP("needs root and busybox");
	CHECK_RUN(&r, &s);
	CHECK_HAS(r.out, "0     100000      65536\n0\n0\nCapEff:\t0000000000200000\n");
	cleanup(&r);
}

/* A process in namespaces of its own that waits to be killed. */
static pid_t start_holder(int flags)
{
	int fds[2];
	char c;
	pid_t pid;

	if (pipe(fds) < 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		if (unshare(flags) < 0 || write(fds[1], "x", 1) != 1)
			_exit(1);
		(void)pause();
		_exit(0);
	}
	(void)close(fds[1]);
	if (read(fds[0], &c, 1) != 1)
		pid = -1;
	(void)close(fds[0]);
	return pid;
}

static void stop_holder(pid_t pid)
{
	int status;

	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, &status, 0);
}

static void write_file(const char *path, const char *text)
{
	CHECK_EQ(file_write_at(AT_FDCWD, path, text), 0);
}

/* What the calling process sees as namespace @file of process @pid. */
static const char *ns_of(pid_t pid, const char *file, char out[64])
{
	char path[64];
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid, file);
	n = readlink(path, out, 63);
	out[n < 0 ? 0 : n] = '\0';
	return out;
}

static void test_joined_user(void)
{
	char namespaces[512];
	char map[64];
	char link[64];
	struct spec s = {
		.script = "id -u; readlink /proc/self/ns/user; readlink /proc/self/ns/net; "
			  "cat /proc/self/uid_map",
		.namespaces = namespaces,
	};
	struct run r;
	pid_t holder;

	if (!is_root())
		TEST_SKIP("needs root and busybox");
	/* The network namespace is the user namespace's: it can be joined only after that. */
	holder = start_holder(CLONE_NEWUSER | CLONE_NEWNET);
	CHECK(holder > 0);
	(void)snprintf(map, sizeof(map), "/proc/%d/uid_map", holder);
	write_file(map, "0 200000 1000");
	(void)snprintf(map, sizeof(map), "/proc/%d/gid_map", holder);
	write_file(map, "0 200000 1000");
	(void)snprintf(namespaces, sizeof(namespaces),
		       "{\"type\":\"user\",\"path\":\"/proc/%d/ns/user\"},{\"type\":\"network\","
		       "\"path\":\"/proc/%d/ns/net\"},{\"type\":\"pid\"},{\"type\":\"mount\"}",
		       holder, holder);
	CHECK_RUN(&r, &s);
	CHECK_HAS(r.out, "0\n");
	CHECK_HAS(r.out, ns_of(holder, "user", link));
	CHECK_HAS(r.out, ns_of(holder, "net", link));
	CHECK_HAS(r.out, "200000       1000");
	cleanup(&r);
	stop_holder(holder);
}

static void test_new_user_joined_net(void)
{
	char namespaces[512];
	char link[64];
	struct spec s = {
		.script = "readlink /proc/self/ns/net; cat /proc/self/uid_map; echo pid $$",
		.namespaces = namespaces,
		.linux_ = MAPS,
	};
	struct run r;
	pid_t holder;

	if (!is_root())
		TEST_SKIP("needs root and busybox");
	holder = start_holder(CLONE_NEWNET);
	(void)snprintf(namespaces, sizeof(namespaces),
		       "{\"type\":\"user\"},{\"type\":\"network\",\"path\":\"/proc/%d/ns/net\"},"
		       "{\"type\":\"pid\"},{\"type\":\"mount\"}",
		       holder);
	CHECK_RUN(&r, &s);
	CHECK_HAS(r.out, ns_of(holder, "net", link));
	CHECK_HAS(r.out, "100000      65536\npid 1\n");
	cleanup(&r);
	stop_holder(holder);
}

static void test_joined_pid(void)
{
	struct spec s = {
		.script = "readlink /proc/self/ns/pid",
		.namespaces =
		    "{\"type\":\"mount\"},{\"type\":\"pid\",\"path\":\"/proc/self/ns/pid\"}",
	};
	char before[64];
	char after[64];
	struct run r;

	if (!is_root())
		TEST_SKIP("needs root and busybox");
	(void)ns_of(getpid(), "pid_for_children", before);
	CHECK_RUN(&r, &s);
	CHECK_HAS(r.out, before);
	/* The caller's own children are where they were. */
	CHECK_STR(ns_of(getpid(), "pid_for_children", after), before);
	cleanup(&r);
}

static void test_time_namespace(void)
{
	struct spec s = {
		.script = "cat /proc/self/timens_offsets; echo pid $$",
		.namespaces = "{\"type\":\"time\"}," NAMESPACES,
		.linux_ = "\"timeOffsets\":{\"monotonic\":{\"secs\":86400,\"nanosecs\":5},"
			  "\"boottime\":{\"secs\":-1}}",
	};
	struct run r;

	if (!is_root())
		TEST_SKIP("needs root and busybox");
	CHECK_RUN(&r, &s);
	CHECK_HAS(r.out, "monotonic       86400         5\n");
	CHECK_HAS(r.out, "boottime           -1         0\npid 1\n");
	cleanup(&r);
}

/* ---- terminal ----------------------------------------------------------------------------------
 */

static void test_terminal(void)
{
	struct spec s = {
		.script =
		    "tty; stty size; echo $TERM; stat -c %t:%T /dev/console >/dev/null && echo has",
		.process = "\"terminal\":true,\"consoleSize\":{\"height\":33,\"width\":77}",
	};
	struct run r;
	size_t len = 0;

	if (!is_root())
		TEST_SKIP("needs root and busybox");
	if (prepare(&r, &s)) {
		CHECK_EQ(launch(&r), 0);
		CHECK_EQ(follow(&r, NS_EVENT_RUNNING), 0);
		CHECK(r.console_fd >= 0);
		for (;;) { /* EIO: the last slave was closed */
			ssize_t n = read(r.console_fd, r.out + len, sizeof(r.out) - 1 - len);

			if (n <= 0)
				break;
			len += (size_t)n;
		}
		CHECK_STR(r.out, "/dev/pts/0\r\n33 77\r\nxterm\r\nhas\r\n");
		CHECK_EQ(proc_reap(r.child.pid, &r.status), 0);
		r.child.pid = 0;
	}
	cleanup(&r);
}

/* ---- seccomp -----------------------------------------------------------------------------------
 */

#define PROFILE(action)                                                                            \
	"\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"mkdir\","   \
	"\"mkdirat\"],\"action\":\"" action "\"}]"

static void test_seccomp(void)
{
	static const char *const process[] = { "\"noNewPrivileges\":true",
					       "\"noNewPrivileges\":false" };
	struct spec s = {
		.script = "grep Seccomp: /proc/self/status; mkdir /tmp/x; echo rc $?",
		.linux_ = PROFILE("SCMP_ACT_ERRNO") "}",
	};
	struct run r;

	if (!is_root())
		TEST_SKIP("needs root and busybox");
	for (size_t i = 0; i < ARRAY_LEN(process); i++) {
		s.process = process[i];
		for (int sealed = 0; sealed < 2; sealed++) {
			s.is_sealed = sealed;
			CHECK_RUN(&r, &s);
			CHECK_HAS(r.out, "Seccomp:\t2\n");
			CHECK_HAS(r.out, "Operation not permitted");
			CHECK_HAS(r.out, "rc 1\n");
			cleanup(&r);
		}
	}
}

/* Answers one notification: the call fails with ENOSPC. */
static void answer_notification(int fd)
{
	struct seccomp_notif req = { 0 };
	struct seccomp_notif_resp resp = { .error = -ENOSPC };

	CHECK_EQ(ioctl(fd, SECCOMP_IOCTL_NOTIF_RECV, &req), 0);
	resp.id = req.id;
	CHECK_EQ(ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, &resp), 0);
}

static void test_seccomp_notify(void)
{
	struct spec s = {
		.script = "mkdir /tmp/x; echo rc $?",
		.linux_ = PROFILE("SCMP_ACT_NOTIFY") ",\"listenerPath\":\"/run/none\"}",
		.is_sealed = true,
	};
	struct run r;

	if (!is_root())
		TEST_SKIP("needs root and busybox");
	if (prepare(&r, &s)) {
		CHECK(final_needs_sealed(&r.config, r.config.process));
		CHECK_EQ(launch(&r), 0);
		CHECK_EQ(follow(&r, NS_EVENT_RUNNING), 0);
		CHECK(r.listener_fd >= 0);
		if (r.listener_fd >= 0)
			answer_notification(r.listener_fd);
		finish(&r);
		CHECK_HAS(r.out, "No space left on device");
		CHECK_HAS(r.out, "rc 1\n");
	}
	cleanup(&r);
}

/* ---- hooks -------------------------------------------------------------------------------------
 */

static void test_hooks(void)
{
	static const char top[] =
	    "\"hooks\":{\"createContainer\":[{\"path\":\"/bin/sh\",\"args\":[\"sh\",\"-c\","
	    "\"/bin/busybox cat > /tmp/created-$NAME\"],\"env\":[\"NAME=%d\"]}],"
	    "\"startContainer\":[{\"path\":\"/bin/sh\",\"args\":[\"sh\",\"-c\","
	    "\"cat > /tmp/started\"],\"env\":[\"PATH=/bin\"]}]}";
	char hooks[sizeof(top) + 16];
	char host_file[64];
	char want[64];
	struct spec s = { .script = "cat /tmp/started", .top = hooks };
	auto_buf struct buf created = BUF_INIT;
	struct run r;
	struct ns_event e;

	if (!is_root())
		TEST_SKIP("needs root and busybox");
	(void)snprintf(hooks, sizeof(hooks), top, getpid());
	(void)snprintf(host_file, sizeof(host_file), "/tmp/created-%d", getpid());
	if (prepare(&r, &s)) {
		r.plan.stop_for_hooks = true;
		r.plan.state_created = (struct ns_state_text){ "{\"pid\":", ",\"s\":\"created\"}" };
		r.plan.state_running = (struct ns_state_text){ "{\"pid\":", ",\"s\":\"running\"}" };
		CHECK_EQ(launch(&r), 0);
		CHECK_EQ(ns_next(&r.child, &e, &r.err), 0);
		CHECK_EQ(e.kind, NS_EVENT_HOOKS);
		CHECK_EQ(access(host_file, F_OK),
			 -1); /* createContainer comes after the runtime's */
		CHECK_EQ(ns_continue(&r.child, NS_EVENT_HOOKS, &r.err), 0);
		CHECK_EQ(follow(&r, NS_EVENT_READY), 0);
		/* Run before pivot_root: its path and its files are the host's. */
		CHECK_EQ(file_read_at(AT_FDCWD, host_file, 4096, &created), 0);
		(void)snprintf(want, sizeof(want), "{\"pid\":%d,\"s\":\"created\"}", r.child.pid);
		CHECK_STR(buf_str(&created), want);
		(void)snprintf(want, sizeof(want), "{\"pid\":%d,\"s\":\"running\"}", r.child.pid);
		CHECK_EQ(ns_continue(&r.child, NS_EVENT_READY, &r.err), 0);
		CHECK_EQ(follow(&r, NS_EVENT_RUNNING), 0);
		finish(&r);
		CHECK_STR(r.out, want);
	}
	(void)unlink(host_file);
	cleanup(&r);
}

/* ---- create and start --------------------------------------------------------------------------
 */

static int open_bundle(void)
{
	make_bundle();
	return open(bundle, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void test_start(void)
{
	struct spec s = { .script = "echo started; exit 5" };
	auto_close int dir_fd = -1;
	struct ns_child start = NS_CHILD_INIT;
	struct ns_event e;
	struct run r;

	if (!is_root())
		TEST_SKIP("needs root and busybox");
	dir_fd = open_bundle();
	if (prepare(&r, &s)) {
		r.plan.start_fd = ns_start_listen(dir_fd, "start", &r.err);
		CHECK(r.plan.start_fd >= 0);
		CHECK_EQ(launch(&r), 0);
		CHECK_EQ(follow(&r, NS_EVENT_READY), 0);
		(void)close(r.plan.start_fd);
		CHECK_EQ(ns_start_connect(dir_fd, "none", &start, NULL), -ENOENT);
		CHECK_EQ(ns_start_connect(dir_fd, "start", &start, &r.err), 0);
		CHECK_EQ(ns_next(&start, &e, &r.err), 0);
		CHECK_EQ(e.kind, NS_EVENT_RUNNING);
		ns_child_fini(&start);
		finish(&r);
		CHECK_STR(r.out, "started\n");
		CHECK_EQ(proc_exit_code(r.status), 5);
		CHECK_EQ(ns_start_connect(dir_fd, "start", &start, &r.err), -ECONNREFUSED);
	}
	cleanup(&r);
	(void)unlinkat(dir_fd, "start", 0);
}

/* Connects to the start socket and goes away without a word. */
static void half_a_start(int dir_fd)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		struct {
			unsigned short family;
			char path[108];
		} a = { AF_UNIX, "" };
		int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);

		(void)snprintf(a.path, sizeof(a.path), "/proc/self/fd/%d/start", dir_fd);
		_exit(connect(fd, (const struct sockaddr *)&a, sizeof(a)) < 0);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
}

static void test_half_start(void)
{
	struct spec s = { .script = "echo started" };
	auto_close int dir_fd = -1;
	struct ns_child start = NS_CHILD_INIT;
	struct run r;

	if (!is_root())
		TEST_SKIP("needs root and busybox");
	dir_fd = open_bundle();
	if (prepare(&r, &s)) {
		struct pollfd p;

		r.plan.start_fd = ns_start_listen(dir_fd, "start", &r.err);
		CHECK_EQ(launch(&r), 0);
		CHECK_EQ(follow(&r, NS_EVENT_READY), 0);
		(void)close(r.plan.start_fd);
		for (int i = 0; i < 5; i++)
			half_a_start(dir_fd);
		p = (struct pollfd){ .fd = r.out_fd, .events = POLLIN };
		CHECK_EQ(poll(&p, 1, 100), 0); /* neither started nor ended */
		CHECK_EQ(ns_start_connect(dir_fd, "start", &start, &r.err), 0);
		ns_child_fini(&start);
		finish(&r);
		CHECK_STR(r.out, "started\n");
	}
	cleanup(&r);
	(void)unlinkat(dir_fd, "start", 0);
}

static void test_start_error(void)
{
	struct spec s = { .args = "[\"/tmp/gone\"]" };
	auto_close int dir_fd = -1;
	struct ns_child start = NS_CHILD_INIT;
	struct ns_event e;
	struct run r;

	if (!is_root())
		TEST_SKIP("needs root and busybox");
	dir_fd = open_bundle();
	CHECK_EQ(symlinkat("/bin/true", dir_fd, "rootfs/tmp/gone"), 0);
	if (prepare(&r, &s)) {
		r.plan.start_fd = ns_start_listen(dir_fd, "start", &r.err);
		CHECK_EQ(launch(&r), 0);
		CHECK_EQ(follow(&r, NS_EVENT_READY), 0);
		CHECK_EQ(unlinkat(dir_fd, "rootfs/tmp/gone", 0), 0);
		(void)close(r.plan.start_fd);
		CHECK_EQ(ns_start_connect(dir_fd, "start", &start, &r.err), 0);
		CHECK_EQ(ns_next(&start, &e, &r.err), -ENOENT);
		CHECK_HAS(r.err.msg, "exec '/tmp/gone': No such file or directory");
		CHECK(start.is_program_bad);
		ns_child_fini(&start);
	}
	cleanup(&r);
	(void)unlinkat(dir_fd, "start", 0);
}

/* ---- the parent's death ------------------------------------------------------------------------
 */

/* Starts a container whose hook does not end, and dies while the hook runs. */
static void dying_runtime(const struct spec *s, const char *mark, int out_fd)
{
	struct run r;

	if (!prepare(&r, s))
		_exit(1);
	if (launch(&r) < 0 || write(out_fd, &r.child.pid, sizeof(pid_t)) < 0)
		_exit(1);
	for (int i = 0; i < DEADLINE_MS / 10 && access(mark, F_OK) < 0; i++)
		(void)usleep(10 * 1000);
	(void)raise(SIGKILL);
}

static void test_parent_dies(void)
{
	char mark[64];
	char hooks[256];
	struct spec s = { .script = "true", .top = hooks };
	pid_t child = 0;
	pid_t runtime;
	int64_t start;
	int fds[2];
	int status;

	if (!is_root())
		TEST_SKIP("needs root and busybox");
	make_bundle();
	(void)snprintf(mark, sizeof(mark), "/tmp/bivalve-mark-%d", getpid());
	(void)snprintf(hooks, sizeof(hooks),
		       "\"hooks\":{\"createContainer\":[{\"path\":\"/bin/sh\",\"args\":[\"sh\","
		       "\"-c\",\"echo > %s; exec sleep 20\"],\"env\":[\"PATH=/bin\"]}]}",
		       mark);
	CHECK_EQ(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0);
	CHECK_EQ(pipe(fds), 0);
	(void)fflush(stdout);
	runtime = fork();
	if (runtime == 0)
		dying_runtime(&s, mark, fds[1]);
	(void)close(fds[1]);
	CHECK_EQ(read(fds[0], &child, sizeof(child)), sizeof(child));
	(void)close(fds[0]);
	CHECK_EQ(waitpid(runtime, &status, 0), runtime);
	start = proc_now_ms();
	CHECK_EQ(access(mark, F_OK), 0);
	CHECK_EQ(waitpid(child, &status, 0), child); /* ours now, as the subreaper */
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	CHECK(proc_now_ms() - start < 10000); /* not when the hook is over */
	CHECK_EQ(prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0), 0);
	(void)unlink(mark);
}

/* ---- exec --------------------------------------------------------------------------------------
 */

/* Runs one more process in @r's container, in a process of its own: ns_exec() changes its caller.
 */
static void exec_in(const struct run *r, const struct spec *s, char out[OUT_MAX])
{
	struct run x;
	int fds[2];
	int status;
	pid_t pid;

	CHECK_EQ(pipe(fds), 0);
	(void)fflush(stdout);
	pid = fork();
	if (pid == 0) {
		struct ns_exec_plan plan = NS_EXEC_PLAN_INIT;
		int rc;

		if (!prepare(&x, s))
			_exit(99);
		plan.config = &r->config;
		plan.process = x.config.process;
		plan.id = "live";
		plan.init_pid = r->child.pid;
		plan.init_pid_fd = r->child.pid_fd;
		plan.io.stdio_fds[1] = fds[1];
		plan.io.stdio_fds[2] = fds[1];
		rc = ns_exec(&plan, &x.child, &x.err);
		if (rc == 0)
			rc = follow(&x, NS_EVENT_RUNNING);
		if (rc < 0) {
			dprintf(fds[1], "error %d: %s\n", rc, x.err.msg);
			ns_kill(&x.child);
			_exit(0);
		}
		if (x.console_fd >= 0) {
			char text[512];
			ssize_t n;

			while ((n = read(x.console_fd, text, sizeof(text))) > 0)
				CHECK_EQ(write(fds[1], text, (size_t)n), n);
		}
		rc = proc_reap(x.child.pid, &status);
		_exit(rc < 0 ? 98 : 0);
	}
	(void)close(fds[1]);
	x = (struct run){ .out_fd = fds[0] };
	read_output(&x);
	memcpy(out, x.out, OUT_MAX);
	(void)close(fds[0]);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
}

/* Starts a container that stays; false when it did not. */
static bool start_sleeper(struct run *r, const struct spec *s)
{
	if (!prepare(r, s))
		return false;
	CHECK_EQ(launch(r), 0);
	CHECK_EQ(follow(r, NS_EVENT_RUNNING), 0);
	CHECK_STR(r->err.msg, "");
	return r->child.pid > 0;
}

static void test_exec(void)
{
	struct spec s = { .args = "[\"/bin/sleep\",\"60\"]",
			  .top = "\"hostname\":\"shell\"",
			  .linux_ = PROFILE("SCMP_ACT_ERRNO") "}" };
	struct spec x = {
		.script =
		    "hostname; cat /proc/1/comm; readlink /proc/self/exe; id -u; echo $HOME; grep "
		    "-E 'Seccomp:|CapBnd' /proc/self/status; ls /proc/self/fd",
		.process = "\"user\":{\"uid\":1000,\"gid\":1000}",
	};
	static char out[OUT_MAX];
	struct run r;

	if (!is_root())
		TEST_SKIP("needs root and busybox");
	if (start_sleeper(&r, &s)) {
		exec_in(&r, &x, out);
		CHECK_STR(out,
			  "shell\nsleep\n/bin/busybox\n1000\n/home/u\nCapBnd:\t0000000000000000\n"
			  "Seccomp:\t2\n0\n1\n2\n3\n");
		exec_in(&r, &(struct spec){ .args = "[\"none\"]" }, out);
		CHECK_STR(out, "error -2: exec 'none': executable file not found in $PATH\n");
		exec_in(&r, &(struct spec){ .args = "[\"/proc/self/exe\"]" }, out);
		CHECK_HAS(out, "error -");
		exec_in(&r, &(struct spec){ .script = "", .cwd = "/missing" }, out);
		CHECK_HAS(out, "/process/cwd: enter '/missing'");
	}
	cleanup(&r);
}

static void test_exec_terminal(void)
{
	struct spec s = { .args = "[\"/bin/sleep\",\"60\"]" };
	struct spec x = {
		.script = "tty; stty size",
		.process = "\"terminal\":true,\"consoleSize\":{\"height\":3,\"width\":4}",
	};
	static char out[OUT_MAX];
	struct run r;

	if (!is_root())
		TEST_SKIP("needs root and busybox");
	if (start_sleeper(&r, &s)) {
		exec_in(&r, &x, out);
		CHECK_HAS(out, "/dev/pts/0\r\n3 4\r\n");
	}
	cleanup(&r);
}

static void test_exec_user_namespace(void)
{
	struct spec s = { .args = "[\"/bin/sleep\",\"60\"]",
			  .namespaces = "{\"type\":\"user\"}," NAMESPACES,
			  .linux_ = MAPS };
	struct spec x = { .script = "id -u; cat /proc/self/uid_map; cat /proc/1/comm" };
	static char out[OUT_MAX];
	struct run r;

	if (!is_root())
		TEST_SKIP("needs root and busybox");
	if (start_sleeper(&r, &s)) {
		exec_in(&r, &x, out);
		CHECK_STR(out, "0\n         0     100000      65536\nsleep\n");
	}
	cleanup(&r);
}

/* CVE-2019-5736: a program in the container looks for our binary while a created container waits.
 */
static void test_created_is_hidden(void)
{
	/* As many capabilities as the init has at that moment: else they alone would hide it. */
	static const char caps[] = CAPS("\"CAP_CHECKPOINT_RESTORE\",\"CAP_SYS_ADMIN\"");
	struct spec s = { .script = "true", .process = caps };
	struct spec x = { .script = "readlink /proc/1/exe; cat /proc/1/exe | head -c 4; "
				    "busybox tr -d '\\0' < /proc/1/environ 2>/dev/null; for f in "
				    "/proc/1/fd/*; do readlink $f; "
				    "done; ls /proc/1/root/",
			  .process = caps };
	static char out[OUT_MAX];
	auto_close int dir_fd = -1;
	struct run r;

	if (!is_root())
		TEST_SKIP("needs root and busybox");
	dir_fd = open_bundle();
	if (prepare(&r, &s)) {
		r.plan.start_fd = ns_start_listen(dir_fd, "start", &r.err);
		CHECK_EQ(launch(&r), 0);
		CHECK_EQ(follow(&r, NS_EVENT_READY), 0);
		exec_in(&r, &x, out);
		CHECK_STR(out, "cat: can't open '/proc/1/exe': Permission denied\n"
			       "ls: /proc/1/root/: Permission denied\n");
		(void)close(r.plan.start_fd);
	}
	cleanup(&r);
	(void)unlinkat(dir_fd, "start", 0);
}

/* ---- the sealed copy ---------------------------------------------------------------------------
 */

/* The second life of test_sealed(), in the process that final_self_protect() executed. */
__attribute__((constructor)) static void sealed_main(void)
{
	struct err err = ERR_INIT;
	char *const argv[] = { NULL };
	int fd;

	if (!getenv("BIVALVE_TEST_SEALED"))
		return;
	fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	_exit(final_self_protect(argv, true, &err) == 1 && fd >= 0 &&
		      fcntl(fd, F_GET_SEALS) ==
			  (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)
		  ? 42
		  : 1);
}

static void test_sealed(void)
{
	char name[] = "sealed";
	char *const argv[] = { name, NULL };
	struct err err = ERR_INIT;
	int status = 0;
	pid_t pid;

	CHECK_EQ(final_self_protect(argv, false, &err), 0);
	(void)fflush(stdout);
	pid = fork();
	if (pid == 0) {
		(void)setenv("BIVALVE_TEST_SEALED", "1", 1);
		_exit(final_self_protect(argv, true, &err) == 0);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(proc_exit_code(status), 42);
}

static void test_cleanup(void)
{
	if (is_root())
		remove_bundle();
}

TEST_MAIN(TEST(test_plain), TEST(test_answer_ahead), TEST(test_rights), TEST(test_errors),
	  TEST(test_limits), TEST(test_descriptors), TEST(test_cwd_escape),
	  TEST(test_user_namespace), TEST(test_joined_user), TEST(test_new_user_joined_net),
	  TEST(test_joined_pid), TEST(test_time_namespace), TEST(test_terminal), TEST(test_seccomp),
	  TEST(test_seccomp_notify), TEST(test_hooks), TEST(test_start), TEST(test_half_start),
	  TEST(test_start_error), TEST(test_parent_dies), TEST(test_exec), TEST(test_exec_terminal),
	  TEST(test_exec_user_namespace), TEST(test_created_is_hidden), TEST(test_sealed),
	  TEST(test_cleanup))
