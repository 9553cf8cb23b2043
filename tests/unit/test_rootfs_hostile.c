// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Hostile images, each of which ends inside the root or in a clear error; and the host, which stays
 * as it is even when it shares its mounts. Needs root.
 */
#include "tests/unit/rootfs_box.h"

/* ---- hostile images ------------------------------------------------------------------------ */

static void check_hostile_targets(const struct box *b)
{
	(void)b;
	CHECK_EQ(fs_type("/inner/by-absolute"), TMPFS_MAGIC);
	CHECK_EQ(fs_type("/inner/by-dots"), TMPFS_MAGIC);
	CHECK_EQ(fs_type("/made/by/dangling"), TMPFS_MAGIC);
	CHECK_EQ(fs_type("/deep/1/2/3/4/5/6/7/8/9"), TMPFS_MAGIC);
	CHECK_STR(text_of("/fifo"), "source");
	CHECK_STR(text_of("/made/file"), "source");
	CHECK_EQ(fs_type("/here/dev/pts"), DEVPTS_SUPER_MAGIC);
}

static void test_hostile_targets(void)
{
	struct box b;
	char script[1024];

	NEED_ROOT();
	b = box_new();
	(void)snprintf(script, sizeof(script),
		       "mkdir -p ../witness inner/by-absolute inner/by-dots;"
		       "printf source > ../source;"
		       "ln -s /inner/by-absolute absolute;"
		       "ln -s ../../../../../../../../../../inner/by-dots dots;"
		       "ln -s /made/by/dangling dangling; ln -s ../../../made/file file;"
		       "ln -s %s/witness witness; mkfifo fifo; ln -s /here/dev dev; ln -s a loop;"
		       "ln -s loop a",
		       b.dir);
	box_shell(&b, script);
	BOX_OK(
	    &b,
	    .more = MOUNTS(
		FS("/absolute", "tmpfs") "," FS("/dots", "tmpfs") "," FS("/dangling", "tmpfs") "," FS(
		    "/witness/x",
		    "tmpfs") "," FS("/deep/1/2/3/4/5/6/7/8/9",
				    "tmpfs") "," BIND("/fifo", "source",
						      "\"bind\"") "," BIND("/file", "source",
									   "\"bind\"") "," WITH("/d"
												"ev"
												"/p"
												"t"
												"s",
												"de"
												"vp"
												"t"
												"s",
												"\""
												"ne"
												"wi"
												"ns"
												"ta"
												"nc"
												"e"
												"\"")),
	    .check = check_hostile_targets);
	/* The link's text was followed inside: the witness outside is as it was. */
	box_shell(&b, "test -z \"$(ls ../witness)\"");
	BOX_FAILS(&b, "/mounts/0: open the destination '/loop'",
		  .more = MOUNTS(FS("/loop", "tmpfs")));
	BOX_FAILS(&b, "/mounts/0: destination '/fifo': is no folder, but a folder is to be mounted",
		  .more = MOUNTS(FS("/fifo", "tmpfs")));
	BOX_FAILS(&b, "/mounts/0: destination '/inner': is a folder, but a file is to be mounted",
		  .more = MOUNTS(BIND("/inner", "source", "\"bind\"")));
	BOX_FAILS(&b, "is the container's root", .more = MOUNTS(FS("/inner/..", "tmpfs")));
	box_free(&b);
}

static void test_hostile_proc(void)
{
	static const char *const links[] = { "ln -s /etc proc", "ln -s .. proc",
					     "mkdir x; ln -s x proc", "ln -s /missing proc" };
	struct box b;

	NEED_ROOT();
	for (size_t i = 0; i < ARRAY_LEN(links); i++) {
		b = box_new();
		box_shell(&b, links[i]);
		BOX_FAILS(&b, "/mounts/0: destination '/proc': must be an ordinary folder",
			  .more = MOUNTS(PROC));
		box_free(&b);
	}
	b = box_new();
	box_shell(&b, "mkdir p; ln -s p/../p sys; echo > ../source;"
		      "ln -s /proc/self/attr/exec sly; ln -s /proc/sys slydir");
	BOX_FAILS(&b, "/mounts/0: destination '/sys': must be an ordinary folder",
		  .more = MOUNTS(FS("/sys", "sysfs")));
	BOX_FAILS(&b, "/mounts/1: destination '/sly': is inside a procfs",
		  .more = MOUNTS(PROC "," BIND("/sly", "source", "\"bind\"")));
	BOX_FAILS(&b, "/mounts/1: destination '/slydir': is inside a procfs",
		  .more = MOUNTS(PROC "," FS("/slydir", "tmpfs")));
	BOX_FAILS(&b, "/mounts/1: destination '/proc/self/attr/exec': is inside a procfs",
		  .more = MOUNTS(PROC "," BIND("/proc/self/attr/exec", "source", "\"bind\"")));
	BOX_FAILS(&b, "is inside a procfs", .more = MOUNTS(PROC "," FS("/proc", "tmpfs")));
	BOX_FAILS(&b, "only a procfs as a whole", .more = MOUNTS(FS("//proc/.", "tmpfs")));
	BOX_FAILS(&b, "only a procfs as a whole",
		  .more = MOUNTS(BIND("/proc", "/tmp", "\"rbind\"")));
	BOX_FAILS(&b, "open the destination '/proc/self/root/x'",
		  .more = MOUNTS(PROC "," FS("/proc/self/root/x", "tmpfs")));
	box_free(&b);
}

static void check_proc_files(const struct box *b)
{
	(void)b;
	CHECK_STR(text_of("/proc/uptime"), "source");
	CHECK_STR(text_of("/proc/sys/kernel/ns_last_pid"), "source");
}

static void test_proc_files(void)
{
	struct box b;

	NEED_ROOT();
	b = box_new();
	box_shell(&b, "printf source > ../source");
	BOX_OK(&b, .check = check_proc_files,
	       .more = MOUNTS(PROC "," BIND("/proc/uptime", "source", "\"bind\"") "," BIND(
		   "/proc//sys/kernel/ns_last_pid", "source",
		   "\"bind\"") "," BIND("/proc/net/dev", "source", "\"bind\"")));
	BOX_OK(&b, .more = MOUNTS(PROC "," BIND("/proc", "/proc", "\"rbind\"")));
	box_free(&b);
}

static void test_bad_mounts(void)
{
	struct box b;

	NEED_ROOT();
	b = box_new();
	BOX_FAILS(&b, "/mounts/0: mount 'nofs' on '/x': No such device",
		  .more = MOUNTS(FS("/x", "nofs")));
	BOX_FAILS(&b, "/mounts/0: mount 'tmpfs' on '/x': Invalid argument",
		  .more = MOUNTS(WITH("/x", "tmpfs", "\"nonsense=1\"")));
	BOX_FAILS(&b, "/mounts/0: open the source '/does/not/exist': No such file",
		  .more = MOUNTS(BIND("/x", "/does/not/exist", "\"bind\"")));
	BOX_FAILS(&b, "/mounts/0/options: 'size=1' is an option of a file system",
		  .more = MOUNTS(BIND("/x", "/tmp", "\"bind\",\"size=1\"")));
	BOX_FAILS(&b, "/mounts/0: remount '/x'",
		  .more = MOUNTS(WITH("/x", "tmpfs", "\"remount\",\"bind\",\"ro\"")),
		  .linux_more = ",\"devices\":[]");
	box_free(&b);
}

/* ---- the host stays as it is --------------------------------------------------------------- */

/*
 * On a host that shares its mounts (systemd's do) nothing of a container may come back, even when
 * its root is to be shared; and a volume that is shared on purpose must.
 */
static void check_volume(const struct box *b)
{
	(void)b;
	CHECK_EQ(mount("x", "/volume/seen", "tmpfs", 0, NULL), 0);
	CHECK_EQ(mount("x", "/private/unseen", "tmpfs", 0, NULL), 0);
}

static void read_mounts(char *buf, size_t size)
{
	int fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t n;

	while (len < size - 1 && (n = read(fd, buf + len, size - 1 - len)) > 0)
		len += (size_t)n;
	buf[len] = '\0';
	(void)close(fd);
}

static void shared_host(void *arg)
{
	static char before[65536], after[65536];
	const struct box *b = arg;

	CHECK_EQ(unshare(CLONE_NEWNS), 0);
	CHECK_EQ(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	CHECK_EQ(mount(b->dir, b->dir, NULL, MS_BIND, NULL), 0);
	CHECK_EQ(mount(NULL, "/", NULL, MS_REC | MS_SHARED, NULL), 0);
	read_mounts(before, sizeof(before));
	BOX_OK(b,
	       .more = MOUNTS(DEFAULTS "," WITH("/t", "tmpfs", "\"ro\",\"rshared\"") "," BIND(
		   "/private", "private", "\"bind\"")),
	       .linux_more = ",\"rootfsPropagation\":\"rshared\",\"maskedPaths\":[\"/proc/keys\"]",
	       .check = NULL);
	BOX_OK(b, .more = MOUNTS(DEFAULTS), .no_pivot = true);
	read_mounts(after, sizeof(after));
	CHECK_STR(after, before);
	BOX_OK(b,
	       .more = MOUNTS(BIND("/volume", "volume", "\"bind\",\"rshared\"") "," BIND(
		   "/private", "private", "\"bind\"")),
	       .check = check_volume);
	read_mounts(after, sizeof(after));
	CHECK_HAS(after, "/volume/seen");
	CHECK(!strstr(after, "/private/unseen"));
}

static void test_shared_host(void)
{
	struct box b;

	NEED_ROOT();
	b = box_new();
	box_shell(&b, "mkdir -p ../volume/seen ../private/unseen");
	IN_CHILD(shared_host, &b);
	box_free(&b);
}

TEST_MAIN(TEST(test_hostile_targets), TEST(test_hostile_proc), TEST(test_proc_files),
	  TEST(test_bad_mounts), TEST(test_shared_host))
