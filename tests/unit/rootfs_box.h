/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A box for tests of namespaces/rootfs: a temporary bundle with a root folder, and a child in new
 * namespaces that builds and enters it and then runs a check. What the child finds comes back in
 * shared memory, for its file system is another one by then.
 */
#ifndef BIVALVE_TESTS_UNIT_ROOTFS_BOX_H
#define BIVALVE_TESTS_UNIT_ROOTFS_BOX_H

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/magic.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "namespaces/rootfs.h"
#include "spec/base/sys.h"
#include "spec/parse.h"
#include "tests/unit/child.h"
#include "tests/unit/test.h"

struct box_report {
	int rc;
	struct err err;
	bool failed; /* a check in the child failed */
};

struct box {
	char dir[64]; /* the bundle; the root is its "rootfs" */
	struct box_report *report;
};

static inline void box_shell(const struct box *b, const char *script)
{
	char text[8192];

	(void)snprintf(text, sizeof(text), "cd %s/rootfs && { %s; }", b->dir, script);
	if (system(text) != 0)
		TEST_FAIL("script failed: %s", script);
}

static inline struct box box_new(void)
{
	struct box b = { .dir = "/tmp/bivalve-box-XXXXXX" };
	b.report = mmap(NULL, sizeof(*b.report), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			-1, 0);
	char root[80];

	if (!mkdtemp(b.dir) || chmod(b.dir, 0755) < 0)
		TEST_FAIL("mkdtemp");
	(void)snprintf(root, sizeof(root), "%s/rootfs", b.dir);
	if (mkdir(root, 0755) < 0)
		TEST_FAIL("mkdir '%s'", root);
	return b;
}

static inline int box_remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	(void)remove(path);
	return 0;
}

static inline void box_free(struct box *b)
{
	/* The child's mounts are gone with it: what is left is plain files. */
	(void)nftw(b->dir, box_remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
	(void)munmap(b->report, sizeof(*b->report));
}

/* Runs in the child, inside. */
typedef void (*box_check)(const struct box *b);

static inline void box_child(const struct ns_plan *plan, struct rootfs *r, const struct box *b,
			     box_check check)
{
	struct box_report *out = b->report;

	test_failed = false;
	if (dup2(open("/dev/null", O_RDONLY | O_CLOEXEC), 0) < 0)
		TEST_FAIL("stdin");
	out->rc = rootfs_prepare(plan, r, &out->err);
	if (out->rc == 0)
		out->rc = rootfs_enter(plan, r, &out->err);
	rootfs_fini(r);
	if (out->rc == 0 && check)
		check(b);
	(void)fflush(stdout);
	out->failed = test_failed;
	_exit(0);
}

struct box_run {
	const char *namespaces; /* NULL: mount, pid, ipc, uts, network */
	const char *root;       /* NULL: {"path":"rootfs"} */
	const char *linux_more; /* ",\"maskedPaths\":[...]"; NULL: nothing */
	const char *more;       /* ",\"mounts\":[...]"; NULL: nothing */
	bool no_pivot;
	box_check check;
};

#define BOX_NAMESPACES                                                                             \
	"{\"type\":\"mount\"},{\"type\":\"pid\"},{\"type\":\"ipc\"},{\"type\":\"uts\"},"           \
	"{\"type\":\"network\"}"

static inline bool box_config(const struct box_run *how, struct config *out, struct err *err)
{
	char text[16384];

	(void)snprintf(text, sizeof(text),
		       "{\"ociVersion\":\"1.3.0\",\"root\":%s,"
		       "\"process\":{\"cwd\":\"/\",\"args\":[\"x\"]},"
		       "\"linux\":{\"namespaces\":[%s]%s}%s}",
		       how->root ? how->root : "{\"path\":\"rootfs\"}",
		       how->namespaces ? how->namespaces : BOX_NAMESPACES,
		       how->linux_more ? how->linux_more : "", how->more ? how->more : "");
	return config_parse(text, strlen(text), out, err) == 0;
}

static inline void box_deny_setgroups(pid_t pid)
{
	char path[64];
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/setgroups", pid);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, "deny", 4) < 0)
		TEST_FAIL("write '%s'", path);
	(void)close(fd);
}

static inline void box_write_map(pid_t pid, const char *name, const struct config_id_maps *maps)
{
	char path[64], text[128];
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	(void)snprintf(text, sizeof(text), "%u %u %u", maps->items[0].container_id,
		       maps->items[0].host_id, maps->items[0].size);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		TEST_FAIL("write '%s'", path);
	(void)close(fd);
}

/* The child waits for its id maps; in a user namespace it becomes the root of that. */
static inline void box_clone(const struct ns_plan *plan, struct rootfs *r, const struct box *b,
			     box_check check)
{
	struct clone_args args = { .flags = plan->new_flags, .exit_signal = SIGCHLD };
	const struct config_linux *l = &plan->config->linux_;
	pid_t pid;
	int status = 0;
	int go[2];

	(void)fflush(stdout);
	if (pipe2(go, O_CLOEXEC) < 0)
		TEST_FAIL("pipe");
	pid = sys_clone3(&args);
	if (pid == 0) {
		char c;

		(void)close(go[1]);
		if (read(go[0], &c, 1) != 0 ||
		    (plan->has_userns && (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)))
			_exit(3);
		box_child(plan, r, b, check);
	}
	(void)close(go[0]);
	if (plan->has_userns && pid > 0) {
		if (!is_root())
			box_deny_setgroups(pid);
		box_write_map(pid, "uid_map", &l->uid_mappings);
		box_write_map(pid, "gid_map", &l->gid_mappings);
	}
	(void)close(go[1]);
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
		TEST_FAIL("no child, or it died: %x", (unsigned int)status);
	if (b->report->failed)
		TEST_FAIL("a check inside failed");
}

/* box_run - the code of open, prepare or enter; the text is in @b->report->err. */
static inline int box_run(const struct box *b, struct box_run how)
{
	struct rootfs r = ROOTFS_INIT;
	struct config config;
	struct ns_plan plan;
	struct box_report *out = b->report;

	*out = (struct box_report){ .rc = -1 };
	if (!box_config(&how, &config, &out->err) ||
	    ns_plan_from_config(&config, b->dir, "box", &plan, &out->err) < 0) {
		TEST_FAIL("config: %s", out->err.msg);
		return -1;
	}
	plan.no_pivot = how.no_pivot;
	out->rc = rootfs_open(&plan, &r, &out->err);
	if (out->rc == 0)
		box_clone(&plan, &r, b, how.check);
	rootfs_fini(&r);
	ns_plan_fini(&plan);
	config_fini(&config);
	return out->rc;
}

#define BOX_OK(b, ...)                                                                             \
	do {                                                                                       \
		if (box_run((b), (struct box_run){ __VA_ARGS__ }) != 0)                            \
			TEST_FAIL("%s", (b)->report->err.msg);                                     \
	} while (0)

#define BOX_FAILS(b, text, ...)                                                                    \
	do {                                                                                       \
		CHECK(box_run((b), (struct box_run){ __VA_ARGS__ }) < 0);                          \
		CHECK_HAS((b)->report->err.msg, (text));                                           \
	} while (0)

/* ---- configs ------------------------------------------------------------------------------ */

#define MOUNTS(list)   ",\"mounts\":[" list "]"
#define FS(dest, type) "{\"destination\":\"" dest "\",\"type\":\"" type "\",\"source\":\"x\"}"
#define PROC           FS("/proc", "proc")
#define BIND(dest, src, options)                                                                   \
	"{\"destination\":\"" dest "\",\"type\":\"bind\",\"source\":\"" src                        \
	"\",\"options\":[" options "]}"
#define WITH(dest, type, options)                                                                  \
	"{\"destination\":\"" dest "\",\"type\":\"" type                                           \
	"\",\"source\":\"x\",\"options\":[" options "]}"
#define DEV WITH("/dev", "tmpfs", "\"nosuid\",\"strictatime\",\"mode=755\",\"size=65536k\"")
#define DEFAULTS                                                                                                             \
	PROC "," DEV "," WITH("/dev/pts", "devpts", "\"nosuid\",\"noexec\",\"newinstance\",\"ptmxmode=0666\"") "," WITH(     \
	    "/dev/shm", "tmpfs",                                                                                             \
	    "\"nosuid\",\"noexec\",\"nodev\",\"mode=1777\"") "," WITH("/dev/mqueue", "mqueue",                               \
								      "\"nosuid\",\"noexec\","                               \
								      "\"nodev\"") "," WITH("/sy"                            \
											    "s",                             \
											    "sysf"                           \
											    "s",                             \
											    "\"no"                           \
											    "suid"                           \
											    "\","                            \
											    "\"no"                           \
											    "exec"                           \
											    "\","                            \
											    "\"no"                           \
											    "dev"                            \
											    "\","                            \
											    "\"ro"                           \
											    "\"") "," WITH("/sys/fs/cgroup", \
													   "cgroup",         \
													   "\"nosuid\",\"noexec\",\"nodev\",\"ro\"")

#define NEED_ROOT()                                                                                \
	do {                                                                                       \
		if (!is_root())                                                                    \
			TEST_SKIP("needs root");                                                   \
	} while (0)

/* ---- looking around inside ----------------------------------------------------------------- */

static inline long fs_type(const char *path)
{
	struct statfs fs;

	return statfs(path, &fs) < 0 ? -errno : (long)fs.f_type;
}

static inline unsigned long fs_flags(const char *path)
{
	struct statvfs st;

	return statvfs(path, &st) < 0 ? 0 : st.f_flag;
}

static inline unsigned int mode_of(const char *path)
{
	struct stat st;

	return lstat(path, &st) < 0 ? 0 : st.st_mode;
}

static inline bool is_device(const char *path, mode_t type, unsigned int major_no,
			     unsigned int minor_no)
{
	struct stat st;

	return lstat(path, &st) == 0 && (st.st_mode & S_IFMT) == type &&
	       st.st_rdev == makedev(major_no, minor_no);
}

static inline const char *text_of(const char *path)
{
	static char buf[256];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, sizeof(buf) - 1);

	if (fd >= 0)
		(void)close(fd);
	if (n < 0)
		return strerror(errno);
	buf[n] = '\0';
	return buf;
}

static inline const char *link_of(const char *path)
{
	static char buf[256];
	ssize_t n = readlink(path, buf, sizeof(buf) - 1);

	if (n < 0)
		return strerror(errno);
	buf[n] = '\0';
	return buf;
}

#endif
