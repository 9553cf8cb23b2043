// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Building and entering a root for real: the usual mounts, what follows from options, devices, user
 * namespaces, cgroup mounts. Needs root. Hostile images are in test_rootfs_hostile.c.
 */
#include <sys/prctl.h>

#include "tests/unit/rootfs_box.h"

/* ---- the usual ----------------------------------------------------------------------------- */

/* The box's stdin is the host's /dev/null: the container has its own. */
static void check_stdin_null(void)
{
	struct stat in, own;

	CHECK_EQ(fstat(0, &in), 0);
	CHECK_EQ(stat("/dev/null", &own), 0);
	CHECK_EQ(in.st_rdev, makedev(1, 3));
	CHECK_EQ(in.st_dev, own.st_dev);
}

static void check_defaults(const struct box *b)
{
	char host_path[128];

	CHECK_EQ(fs_type("/proc"), PROC_SUPER_MAGIC);
	CHECK_EQ(fs_type("/dev"), TMPFS_MAGIC);
	CHECK_EQ(fs_type("/dev/pts"), DEVPTS_SUPER_MAGIC);
	CHECK_EQ(fs_type("/dev/shm"), TMPFS_MAGIC);
	CHECK_EQ(fs_type("/dev/mqueue"), 0x19800202);
	CHECK_EQ(fs_type("/sys"), SYSFS_MAGIC);
	CHECK_EQ(mode_of("/dev"), S_IFDIR | 0755);
	CHECK_EQ(mode_of("/dev/shm"), S_IFDIR | 01777);
	CHECK(fs_flags("/sys") & ST_RDONLY);
	CHECK(fs_flags("/sys/fs/cgroup") & ST_RDONLY);
	CHECK(fs_flags("/dev/shm") & ST_NOEXEC);
	CHECK(is_device("/dev/null", S_IFCHR, 1, 3));
	CHECK(is_device("/dev/zero", S_IFCHR, 1, 5));
	CHECK(is_device("/dev/full", S_IFCHR, 1, 7));
	CHECK(is_device("/dev/random", S_IFCHR, 1, 8));
	CHECK(is_device("/dev/urandom", S_IFCHR, 1, 9));
	CHECK(is_device("/dev/tty", S_IFCHR, 5, 0));
	CHECK_EQ(mode_of("/dev/null"), S_IFCHR | 0666);
	CHECK_STR(link_of("/dev/fd"), "/proc/self/fd");
	CHECK_STR(link_of("/dev/stdin"), "/proc/self/fd/0");
	CHECK_STR(link_of("/dev/ptmx"), "pts/ptmx");
	/* The host is out of reach, by name and by the working directory. */
	CHECK_STR(text_of("/marker"), "inside");
	CHECK_STR(text_of("../../../../marker"), "inside");
	(void)snprintf(host_path, sizeof(host_path), "%s/rootfs/marker", b->dir);
	CHECK_STR(text_of(host_path), "No such file or directory");
	CHECK_EQ(getpid(), 1);
	CHECK_STR(link_of("/proc/self"), "1");
	check_stdin_null();
}

static void test_defaults(void)
{
	struct box b;
	mode_t old;

	NEED_ROOT();
	b = box_new();
	box_shell(&b, "printf inside > marker");
	old = umask(077); /* modes are exact whatever the umask is */
	BOX_OK(&b, .more = MOUNTS(DEFAULTS), .check = check_defaults);
	(void)umask(old);
	/* Nothing came into being outside the mounts, but their targets. */
	box_shell(&b,
		  "test \"$(find . | sort | tr '\\n' ' ')\" = '. ./dev ./marker ./proc ./sys '");
	box_free(&b);
}

static void check_masks(const struct box *b)
{
	(void)b;
	CHECK(fs_flags("/proc/keys") & ST_RDONLY);
	CHECK(is_device("/proc/keys", S_IFCHR, 1, 3));
	CHECK_STR(text_of("/proc/keys"), "");
	CHECK_EQ(chmod("/proc/keys", 0666), -1); /* it is the host's node (and has this mode) */
	CHECK_EQ(errno, EROFS);
	CHECK_EQ(fs_type("/sys/firmware"), TMPFS_MAGIC);
	CHECK_EQ(fs_type("/folder"), TMPFS_MAGIC);
	CHECK(fs_flags("/folder") & ST_RDONLY);
	CHECK(access("/folder/secret", F_OK) < 0);
	CHECK(is_device("/file", S_IFCHR, 1, 3));
	CHECK(is_device("/real", S_IFCHR, 1, 3)); /* through the link */
	CHECK(fs_flags("/proc/sys") & ST_RDONLY);
	CHECK(fs_flags("/ro/below") & ST_RDONLY);
	CHECK(!(fs_flags("/proc") & ST_RDONLY));
	CHECK(access("/missing", F_OK) < 0);
}

static void test_masks(void)
{
	struct box b;

	NEED_ROOT();
	b = box_new();
	box_shell(&b,
		  "mkdir folder ro ro/below; echo x > folder/secret; echo x > file; echo x > real;"
		  "ln -s /real link");
	BOX_OK(&b, .more = MOUNTS(DEFAULTS "," FS("/ro/below", "tmpfs")),
	       .linux_more =
		   ",\"maskedPaths\":[\"/proc/keys\",\"/sys/firmware\",\"/folder\",\"/file\","
		   "\"/missing\",\"/file/below\",\"/link\"],"
		   "\"readonlyPaths\":[\"/proc/sys\",\"/ro\",\"/missing\"]",
	       .check = check_masks);
	BOX_FAILS(&b, "/linux/maskedPaths/0: is the container's root",
		  .linux_more = ",\"maskedPaths\":[\"/./\"]");
	box_free(&b);
}

static void check_no_pivot(const struct box *b)
{
	(void)b;
	CHECK_STR(text_of("/marker"), "inside");
	CHECK_STR(text_of("../../marker"), "inside");
	CHECK_EQ(fs_type("/proc"), PROC_SUPER_MAGIC);
}

static void test_no_pivot(void)
{
	struct box b;

	NEED_ROOT();
	b = box_new();
	box_shell(&b, "printf inside > marker");
	BOX_OK(&b, .more = MOUNTS(DEFAULTS), .no_pivot = true, .check = check_no_pivot);
	box_free(&b);
}

/* ---- options ------------------------------------------------------------------------------- */

static void check_options(const struct box *b)
{
	(void)b;
	CHECK(fs_flags("/ro") & ST_RDONLY);
	CHECK(!(fs_flags("/ro/below") & ST_RDONLY));
	CHECK(fs_flags("/rro") & ST_RDONLY);
	CHECK(fs_flags("/rro/below") & ST_RDONLY);
	CHECK_EQ(fs_type("/plain/below"), fs_type("/plain"));
	CHECK(fs_flags("/plain") & ST_NOEXEC);
	CHECK(fs_flags("/plain") & ST_NOATIME);
	CHECK(!(fs_flags("/plain") & ST_RDONLY));
	CHECK(fs_flags("/late") & ST_RDONLY); /* but what was mounted below it is there */
	CHECK_EQ(fs_type("/late/a/b"), TMPFS_MAGIC);
	CHECK_STR(text_of("/file"), "source");
	CHECK_STR(text_of("/relative/file"), "source");
	CHECK_EQ(mode_of("/old"), S_IFDIR | 0751); /* a tmpfs takes the mode of what it hides */
	CHECK_EQ(mode_of("/new"), S_IFDIR | 01777);
	CHECK(fs_flags("/again") & ST_RDONLY);
	CHECK(fs_flags("/again") & ST_NOSUID); /* the remount kept what it did not name */
}

static void test_options(void)
{
	struct box b;
	char more[8192];

	NEED_ROOT();
	b = box_new();
	box_shell(&b, "mkdir -p ../src/below old; chmod 751 old; printf source > ../src/file");
	(void)snprintf(
	    more, sizeof(more),
	    MOUNTS("%s" BIND("/ro", "src", "\"rbind\",\"ro\"") "," BIND("/rro", "%s/src", "\"rbind\",\"rro\"") "," BIND("/plain", "src", "\"bind\",\"noexec\",\"noatime\"") "," WITH(
		"/late", "tmpfs",
		"\"ro\"") "," FS("/late/a/b",
				 "tmpfs") "," BIND("/file", "src/file",
						   "\"bind\"") "," BIND("/relative", "src",
									"") "," FS("/old",
										   "tmpfs") "," FS("/new",
												   "tmpfs") "," WITH("/again",
														     "tmpfs",
														     "\"nosuid\"") "," WITH("/again",
																	    "tmpfs",
																	    "\"remount\",\"ro\"")),
	    "", b.dir);
	/* A mount below the source, so that recursion is seen. */
	CHECK_EQ(unshare(CLONE_NEWNS), 0);
	CHECK_EQ(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	{
		char below[128];

		(void)snprintf(below, sizeof(below), "%s/src/below", b.dir);
		CHECK_EQ(mount("x", below, "tmpfs", 0, NULL), 0);
		BOX_OK(&b, .more = more, .check = check_options);
		CHECK_EQ(umount2(below, MNT_DETACH), 0);
	}
	box_free(&b);
}

static void check_copyup(const struct box *b)
{
	struct stat st;

	(void)b;
	CHECK_EQ(fs_type("/var"), TMPFS_MAGIC);
	CHECK_EQ(mode_of("/var"), S_IFDIR | 0711);
	CHECK_STR(text_of("/var/a/b/file"), "text");
	CHECK_EQ(mode_of("/var/a/b/file"), S_IFREG | 04710);
	CHECK_EQ(lstat("/var/a/b/file", &st), 0);
	CHECK_EQ(st.st_uid, 12);
	CHECK_EQ(st.st_gid, 34);
	CHECK_EQ(st.st_mtime, 1000000000);
	CHECK_STR(link_of("/var/link"), "/outside");
	CHECK_EQ(mode_of("/var/fifo"), S_IFIFO | 0644);
	CHECK(is_device("/var/device", S_IFBLK, 7, 200));
	CHECK_EQ(stat("/var/big", &st), 0);
	CHECK_EQ(st.st_size, 100000);
}

static void test_copyup(void)
{
	struct box b;

	NEED_ROOT();
	b = box_new();
	box_shell(&b, "mkdir -p var/a/b; printf text > var/a/b/file; chown 12:34 var/a/b/file;"
		      "chmod 4710 var/a/b/file; touch -d @1000000000 var/a/b/file;"
		      "ln -s /outside var/link; mkfifo -m 644 var/fifo; mknod var/device b 7 200;"
		      "head -c 100000 /dev/zero > var/big; chmod 711 var");
	BOX_OK(&b, .more = MOUNTS(WITH("/var", "tmpfs", "\"tmpcopyup\",\"rprivate\",\"nodev\"")),
	       .check = check_copyup);
	box_shell(&b, "d=var; for i in $(seq 210); do d=$d/d; done; mkdir -p $d");
	BOX_FAILS(&b, "deeper than 200", .more = MOUNTS(WITH("/var", "tmpfs", "\"tmpcopyup\"")));
	BOX_FAILS(&b, "'tmpcopyup' is for new tmpfs mounts",
		  .more = MOUNTS(BIND("/var", "/tmp", "\"bind\",\"tmpcopyup\"")));
	box_free(&b);
}

static void check_links_copied(const struct box *b)
{
	(void)b;
	CHECK_STR(link_of("/copied"), "/nowhere");
	CHECK_STR(link_of("/sub/same"), "/nowhere");
	CHECK_STR(link_of("/nofollow"), "/nowhere");
}

static void test_links(void)
{
	struct box b;

	NEED_ROOT();
	b = box_new();
	box_shell(&b, "ln -s /nowhere ../link; mkdir sub; ln -s /nowhere sub/same; ln -s x other;"
		      "echo > file");
	BOX_OK(&b,
	       .more = MOUNTS(BIND("/copied", "link", "\"bind\",\"copy-symlink\"") "," BIND(
		   "/sub/same", "link",
		   "\"bind\",\"copy-symlink\"") "," BIND("/nofollow", "link",
							 "\"bind\",\"src-nofollow\",\"dest-"
							 "nofollow\"")),
	       .check = check_links_copied);
	BOX_FAILS(&b, "/mounts/0: copy the link to '/other': something else is there",
		  .more = MOUNTS(BIND("/other", "link", "\"bind\",\"copy-symlink\"")));
	BOX_FAILS(&b, "/mounts/0: open the source", .more = MOUNTS(BIND("/x", "link", "\"bind\"")));
	box_free(&b);
}

static void check_readonly(const struct box *b)
{
	(void)b;
	CHECK(fs_flags("/") & ST_RDONLY);
	CHECK(!(fs_flags("/dev") & ST_RDONLY));
}

static void check_shared(const struct box *b)
{
	char line[512];
	FILE *f = fopen("/proc/self/mountinfo", "re");

	(void)b;
	CHECK(f && fgets(line, sizeof(line), f));
	CHECK_HAS(line, "shared:");
	if (f)
		(void)fclose(f);
}

static void test_root(void)
{
	struct box b;

	NEED_ROOT();
	b = box_new();
	BOX_OK(&b, .more = MOUNTS(DEFAULTS), .root = "{\"path\":\"rootfs\",\"readonly\":true}",
	       .check = check_readonly);
	BOX_OK(&b, .more = MOUNTS(PROC), .linux_more = ",\"rootfsPropagation\":\"rshared\"",
	       .check = check_shared);
	box_shell(&b, "echo > ../file");
	BOX_FAILS(&b, "/root/path: open", .root = "{\"path\":\"file\"}");
	BOX_FAILS(&b, "No such file", .root = "{\"path\":\"missing\"}");
	box_free(&b);
}

/* ---- devices ------------------------------------------------------------------------------- */

static void check_devices(const struct box *b)
{
	struct stat st;

	(void)b;
	CHECK(is_device("/dev/a/loop", S_IFBLK, 7, 9));
	CHECK_EQ(lstat("/dev/a/loop", &st), 0);
	CHECK_EQ(st.st_mode & 07777, 0640);
	CHECK_EQ(st.st_uid, 5);
	CHECK_EQ(st.st_gid, 6);
	CHECK_EQ(mode_of("/pipe"), S_IFIFO | 0600);
	CHECK(is_device("/dev/null", S_IFCHR, 1, 3));
	CHECK_EQ(mode_of("/dev/null"), S_IFCHR | 0600); /* the config's wins over the default one */
	CHECK_STR(link_of("/dev/ptmx"), "pts/ptmx");
}

static void test_devices(void)
{
	struct box b;

	NEED_ROOT();
	b = box_new();
	box_shell(&b, "mkdir dev; mknod dev/zero c 1 5");
	BOX_OK(&b, .check = check_devices,
	       .linux_more = ",\"devices\":[{\"path\":\"/dev/a/loop\",\"type\":\"b\",\"major\":7,"
			     "\"minor\":9,\"fileMode\":416,\"uid\":5,\"gid\":6},"
			     "{\"path\":\"/pipe\",\"type\":\"p\",\"fileMode\":384},"
			     "{\"path\":\"/dev/ptmx\",\"type\":\"c\",\"major\":5,\"minor\":2},"
			     "{\"path\":\"/dev/null\",\"type\":\"c\",\"major\":1,\"minor\":3,"
			     "\"fileMode\":384}]");
	box_shell(&b, "rm -f dev/full; ln -s /pipe dev/full");
	BOX_FAILS(&b, "make '/dev/full': something else is there");
	box_shell(&b, "rm -f dev/full");
	BOX_FAILS(&b, "/linux/devices/0: major 4096, minor 0: out of range",
		  .linux_more = ",\"devices\":[{\"path\":\"/dev/y\",\"type\":\"c\",\"major\":4096,"
				"\"minor\":0}]");
	box_shell(&b, "rm -f dev/full; ln -s /outside dev/x");
	BOX_FAILS(&b, "/linux/devices/0: make '/dev/x': something else is there",
		  .linux_more = ",\"devices\":[{\"path\":\"/dev/x\",\"type\":\"c\",\"major\":1,"
				"\"minor\":3}]");
	box_free(&b);
}

static void check_host_dev(const struct box *b)
{
	(void)b;
	CHECK(access("/dev/zero", F_OK) < 0);
	CHECK(access("/dev/ptmx", F_OK) < 0);
}

static void test_host_dev(void)
{
	struct box b;

	NEED_ROOT();
	b = box_new();
	box_shell(&b, "mkdir ../mydev");
	BOX_OK(&b, .more = MOUNTS(BIND("/dev/", "mydev", "\"bind\"")), .check = check_host_dev);
	box_shell(&b, "test -z \"$(ls ../mydev)\"");
	box_free(&b);
}

/* ---- user namespaces ----------------------------------------------------------------------- */

#define USERNS                                                                                     \
	"{\"type\":\"user\"},{\"type\":\"mount\"},{\"type\":\"pid\"},{\"type\":\"ipc\"},"          \
	"{\"type\":\"uts\"},{\"type\":\"network\"}"

static void check_idmap(const struct box *b)
{
	struct stat st;

	(void)b;
	CHECK_EQ(lstat("/mapped/file", &st), 0);
	CHECK_EQ(st.st_uid, 1005);
	CHECK_EQ(st.st_gid, 2007);
	CHECK_EQ(lstat("/spec/file", &st), 0);
	CHECK_EQ(st.st_uid, 305);
	CHECK_EQ(st.st_gid, 7);
}

static void test_idmap(void)
{
	struct box b;

	NEED_ROOT();
	b = box_new();
	box_shell(&b, "mkdir ../src; echo > ../src/file; chown 5:7 ../src/file");
	BOX_OK(&b, .check = check_idmap,
	       .more = MOUNTS(
		   "{\"destination\":\"/mapped\",\"type\":\"bind\",\"source\":\"src\","
		   "\"options\":[\"bind\",\"idmap\"],"
		   "\"uidMappings\":[{\"containerID\":0,\"hostID\":1000,\"size\":10}],"
		   "\"gidMappings\":[{\"containerID\":0,\"hostID\":2000,\"size\":10}]}," BIND(
		       "/spec", "src", "\"bind\",\"idmap=uids=0-300-10;gids=0-0-10\"")));
	BOX_FAILS(&b, "/mounts/0: id map: needs mappings",
		  .more = MOUNTS(BIND("/x", "src", "\"bind\",\"idmap\"")));
	BOX_FAILS(&b, "'idmap=uids=1-2' is no mapping",
		  .more = MOUNTS(BIND("/x", "src", "\"bind\",\"idmap=uids=1-2\"")));
	box_free(&b);
}

/* Ids 100000 and up of the host; the folders above the bundle's root are closed to them. */
#define USER_MAPS                                                                                  \
	",\"uidMappings\":[{\"containerID\":0,\"hostID\":100000,\"size\":1000}],"                  \
	"\"gidMappings\":[{\"containerID\":0,\"hostID\":100000,\"size\":1000}]"

static void check_userns(const struct box *b)
{
	struct stat st;

	check_defaults(b);
	CHECK_EQ(lstat("/dev/null", &st), 0);
	CHECK_EQ(st.st_uid, 65534); /* the host's own node */
	CHECK_EQ(open("/dev/null", O_WRONLY | O_CLOEXEC) >= 0, 1);
	CHECK_EQ(lstat("/mapped/file", &st), 0);
	CHECK_EQ(st.st_uid, 3);
	CHECK_EQ(lstat("/closed/file", &st), 0);
	CHECK_EQ(mode_of("/var"), S_IFDIR | 0700);
	CHECK_STR(text_of("/var/file"), "text");
}

static void test_userns(void)
{
	struct box b;

	NEED_ROOT();
	b = box_new();
	box_shell(
	    &b, "printf inside > marker; mkdir -p ../src ../closed/in var; echo > ../src/file;"
		"printf text > var/file; chown -R 100000:100000 .; chmod 700 var;"
		"chown 3 ../src/file; echo > ../closed/in/file; chmod 700 ../closed; chmod 700 ..");
	BOX_OK(&b, .namespaces = USERNS, .linux_more = USER_MAPS, .check = check_userns,
	       .more = MOUNTS(DEFAULTS "," BIND("/mapped", "src", "\"bind\",\"idmap\"") "," BIND(
		   "/closed", "closed/in", "\"rbind\",\"ro\"") "," WITH("/var", "tmpfs",
									"\"tmpcopyup\"")));
	box_free(&b);
}

static void check_host_views(const struct box *b)
{
	(void)b;
	CHECK_EQ(fs_type("/sys"), SYSFS_MAGIC);
	CHECK(fs_flags("/sys") & ST_RDONLY);
	CHECK(access("/sys/class/net/lo", F_OK) == 0);
	CHECK_EQ(fs_type("/proc"), PROC_SUPER_MAGIC);
}

/* The host's network and pid namespaces in a user namespace: sysfs and proc come from the host. */
static void test_host_views(void)
{
	struct box b;

	NEED_ROOT();
	b = box_new();
	box_shell(&b, "chown 100000:100000 .");
	BOX_OK(&b, .namespaces = "{\"type\":\"user\"},{\"type\":\"mount\"}",
	       .linux_more = USER_MAPS, .check = check_host_views,
	       .more = MOUNTS(PROC "," WITH("/sys", "sysfs", "\"ro\",\"nosuid\"")));
	box_free(&b);
}

/* ---- cgroup mounts ------------------------------------------------------------------------- */

static void check_cgroup(const struct box *b)
{
	(void)b;
	CHECK(fs_flags("/sys/fs/cgroup") & ST_RDONLY);
	if (fs_type("/sys/fs/cgroup") == CGROUP2_SUPER_MAGIC) {
		CHECK(access("/sys/fs/cgroup/cgroup.procs", F_OK) == 0);
		return;
	}
	CHECK_EQ(fs_type("/sys/fs/cgroup"), TMPFS_MAGIC);
	CHECK_EQ(fs_type("/sys/fs/cgroup/memory"), CGROUP_SUPER_MAGIC);
	CHECK(fs_flags("/sys/fs/cgroup/memory") & ST_RDONLY);
	CHECK(access("/sys/fs/cgroup/memory/cgroup.procs", F_OK) == 0);
	/* The own group is the top. */
	CHECK_HAS(text_of("/sys/fs/cgroup/pids/cgroup.procs"), "1\n");
}

static void in_own_group(void *arg)
{
	static const char *const cgroupns[] = { BOX_NAMESPACES,
						BOX_NAMESPACES ",{\"type\":\"cgroup\"}" };
	const struct box *b = arg;
	int fd = open("/sys/fs/cgroup/pids/bivalve-test-rootfs/cgroup.procs", O_WRONLY | O_CLOEXEC);

	if (fd >= 0) {
		CHECK_EQ(write(fd, "0", 1), 1);
		(void)close(fd);
	}
	for (size_t i = 0; i < ARRAY_LEN(cgroupns); i++)
		BOX_OK(b, .namespaces = cgroupns[i], .more = MOUNTS(DEFAULTS),
		       .check = check_cgroup);
}

static void test_cgroup(void)
{
	static const char group[] = "/sys/fs/cgroup/pids/bivalve-test-rootfs";
	bool is_v1 = fs_type("/sys/fs/cgroup/pids") == CGROUP_SUPER_MAGIC;
	struct box b;

	NEED_ROOT();
	b = box_new();
	if (is_v1)
		CHECK_EQ(mkdir(group, 0755), 0);
	IN_CHILD(in_own_group, &b);
	if (is_v1)
		CHECK_EQ(rmdir(group), 0);
	box_free(&b);
}

/* ---- an unprivileged caller ---------------------------------------------------------------- */

static void check_rootless(const struct box *b)
{
	(void)b;
	CHECK_EQ(fs_type("/proc"), PROC_SUPER_MAGIC);
	CHECK_EQ(fs_type("/dev"), TMPFS_MAGIC);
	CHECK_EQ(fs_type("/dev/pts"), DEVPTS_SUPER_MAGIC);
	CHECK_EQ(fs_type("/dev/mqueue"), 0x19800202);
	CHECK_EQ(fs_type("/sys"), SYSFS_MAGIC);
	CHECK(fs_flags("/sys/fs/cgroup") & ST_RDONLY);
	CHECK(is_device("/dev/null", S_IFCHR, 1, 3));
	CHECK(open("/dev/zero", O_RDONLY | O_CLOEXEC) >= 0);
	CHECK_STR(text_of("/volume/file"), "source");
	CHECK(fs_flags("/volume") & ST_NOEXEC);
	CHECK_EQ(mode_of("/pipe"), S_IFIFO | 0666);
	CHECK(is_device("/proc/keys", S_IFCHR, 1, 3));
	CHECK(fs_flags("/proc/sys") & ST_RDONLY);
	CHECK(fs_flags("/") & ST_RDONLY);
}

static void as_user(void *arg)
{
	const struct box *b = arg;

	CHECK_EQ(setresgid(1234, 1234, 1234), 0);
	CHECK_EQ(setresuid(1234, 1234, 1234), 0);
	CHECK_EQ(prctl(PR_SET_DUMPABLE, 1), 0); /* as after an execve: /proc/self is ours */
	BOX_OK(b, .namespaces = USERNS, .check = check_rootless,
	       .root = "{\"path\":\"rootfs\",\"readonly\":true}",
	       .linux_more = ",\"uidMappings\":[{\"containerID\":0,\"hostID\":1234,\"size\":1}],"
			     "\"gidMappings\":[{\"containerID\":0,\"hostID\":1234,\"size\":1}],"
			     "\"devices\":[{\"path\":\"/pipe\",\"type\":\"p\"}],"
			     "\"maskedPaths\":[\"/proc/keys\"],\"readonlyPaths\":[\"/proc/sys\"]",
	       .more = MOUNTS(DEFAULTS "," BIND("/volume", "src", "\"rbind\",\"noexec\"")));
	BOX_FAILS(b, "/mounts/0: ", .namespaces = USERNS,
		  .linux_more = ",\"uidMappings\":[{\"containerID\":0,\"hostID\":1234,\"size\":1}],"
				"\"gidMappings\":[{\"containerID\":0,\"hostID\":1234,\"size\":1}]",
		  .more = MOUNTS(BIND("/volume", "src", "\"rbind\",\"idmap\"")));
}

static void test_rootless(void)
{
	struct box b;

	NEED_ROOT();
	b = box_new();
	box_shell(&b, "mkdir ../src; printf source > ../src/file; chown -R 1234:1234 ..");
	IN_CHILD(as_user, &b);
	box_free(&b);
}

/* ---- a mount namespace that is others' too -------------------------------------------------- */

static void check_joined(const struct box *b)
{
	(void)b;
	CHECK_STR(text_of("/marker"), "inside");
	CHECK_EQ(fs_type("/proc"), PROC_SUPER_MAGIC);
	CHECK(fs_flags("/") & ST_RDONLY);
}

static void in_joined(void *arg)
{
	const char *joined =
	    "{\"type\":\"pid\"},{\"type\":\"mount\",\"path\":\"/proc/self/ns/mnt\"}";
	const struct box *b = arg;

	CHECK_EQ(unshare(CLONE_NEWNS), 0);
	CHECK_EQ(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	BOX_OK(b, .namespaces = joined, .more = MOUNTS(DEFAULTS), .check = check_joined,
	       .root = "{\"path\":\"rootfs\",\"readonly\":true}");
	CHECK(access(b->dir, F_OK) == 0); /* this process, in the same namespace, kept its root */
	CHECK_EQ(mount(NULL, "/", NULL, MS_SHARED, NULL), 0);
	BOX_FAILS(b, "/linux/namespaces: the mount namespace shares mounts", .namespaces = joined);
}

static void test_joined(void)
{
	struct box b;

	NEED_ROOT();
	b = box_new();
	box_shell(&b, "printf inside > marker");
	IN_CHILD(in_joined, &b);
	box_free(&b);
}

TEST_MAIN(TEST(test_defaults), TEST(test_masks), TEST(test_no_pivot), TEST(test_options),
	  TEST(test_copyup), TEST(test_links), TEST(test_root), TEST(test_devices),
	  TEST(test_host_dev), TEST(test_idmap), TEST(test_userns), TEST(test_host_views),
	  TEST(test_cgroup), TEST(test_rootless), TEST(test_joined))
