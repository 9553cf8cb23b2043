// SPDX-License-Identifier: GPL-2.0-or-later
/* The virtio-fs device as a file system: every operation of a Linux guest through the queue. */
#include "vmmode/virtio/fs.h"

#include <sys/prctl.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#include "tests/unit/filtered.h"
#include "tests/unit/fs_rig.h"
#include "vmmode/virtio/fs/creds.h"

static const struct virtio_fs_options plain = { .cache = VIRTIO_FS_CACHE_AUTO };

static void test_options(void)
{
	static const struct {
		struct virtio_fs_options o;
		const char *msg;
	} bad[] = {
		{ { .tag = "" }, "not 1 to 36 bytes" },
		{ { .tag = "1234567890123456789012345678901234567" }, "not 1 to 36 bytes" },
		{ { .tag = "t", .flags = 1 << 20 }, "unknown" },
		{ { .tag = "t", .flags = VIRTIO_FS_WRITEBACK, .cache = VIRTIO_FS_CACHE_NONE },
		  "no cache" },
		{ { .tag = "t", .n_queues = 17 }, "more than" },
		{ { .tag = "t", .n_workers = 17 }, "more than" },
		{ { .tag = "t", .root_fd = -1 }, "Bad file descriptor" },
		{ { .tag = "t", .root_fd = -2 }, "Not a directory" },
	};
	const int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	const int fds = rig_open_fds();

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct virtio_fs_options o = bad[i].o;
		struct virtio_device *dev = NULL;
		struct err err = ERR_INIT;

		o.root_fd = o.root_fd == -2 ? null_fd : o.root_fd;
		CHECK(virtio_fs_new(&o, NULL, &dev, &err) < 0);
		CHECK_HAS(err.msg, bad[i].msg);
	}
	CHECK_EQ(rig_open_fds(), fds);
	(void)close(null_fd);
}

static void test_config(void)
{
	struct rig r;
	uint8_t config[40];

	rig_open(&r, &plain);
	CHECK_EQ(r.dev->config_len, sizeof(config));
	r.dev->ops->config_read(r.dev, 0, config, sizeof(config));
	CHECK_STR((char *)config, "test");
	CHECK_EQ(config[36], 2);
	r.dev->ops->config_read(r.dev, 36, config, 1);
	CHECK_EQ(config[0], 2);
	rig_close(&r);
}

static void test_init(void)
{
	struct fuse_init_in old = { .major = 7, .minor = 30 };
	struct fuse_init_in next = { .major = 8, .minor = 1 };
	struct fuse_init_out out;
	struct rig r;
	int rc;

	rig_open(&r, &plain);
	CHECK_EQ(rig_lookup(&r, FUSE_ROOT_ID, "x", &rc), 0);
	CHECK_EQ(rc, -EIO); /* before INIT */
	CHECK_EQ(rig_op(&r, FUSE_INIT, 0, RIG_ARGS(old), NULL, NULL), -EPROTO);
	CHECK_EQ(rig_op(&r, FUSE_INIT, 0, RIG_ARGS(next), NULL, NULL), sizeof(out));
	CHECK_EQ(rig_init(&r), sizeof(out));
	memcpy(&out, rig_body(&r), sizeof(out));
	CHECK_EQ(out.major, 7);
	CHECK_EQ(out.minor, FUSE_KERNEL_MINOR_VERSION);
	CHECK_EQ(out.max_write, 1 << 20);
	CHECK_EQ(out.max_pages, 256);
	CHECK(out.flags & FUSE_HANDLE_KILLPRIV_V2);
	CHECK(out.flags & FUSE_POSIX_ACL);
	CHECK(!(out.flags & FUSE_POSIX_LOCKS));
	CHECK(!(out.flags & FUSE_WRITEBACK_CACHE));
	CHECK_EQ(out.flags2, 4); /* CREATE_SUPP_GROUP alone */
	rig_close(&r);
}

static void test_files(void)
{
	struct fuse_fsync_in sync = { 0 };
	struct fuse_flush_in flush = { 0 };
	struct fuse_attr a;
	struct rig_created c;
	struct rig r;
	int rc;

	rig_open(&r, &plain);
	CHECK_EQ(rig_init(&r), sizeof(struct fuse_init_out));
	c = rig_create(&r, FUSE_ROOT_ID, "a", O_RDWR, 0666, &rc);
	CHECK(c.node != 0);
	CHECK_EQ(rig_write(&r, c.node, c.fh, 0, "hello world", 11), 11);
	CHECK_EQ(rig_write(&r, c.node, c.fh, 6, "W", 1), 1);
	CHECK_EQ(rig_read(&r, FUSE_READ, c.node, c.fh, 0, 100), 11);
	CHECK_MEM(rig_body(&r), "hello World", 11);
	CHECK_EQ(rig_read(&r, FUSE_READ, c.node, c.fh, 4, 3), 3);
	CHECK_MEM(rig_body(&r), "o W", 3);
	CHECK_EQ(rig_read(&r, FUSE_READ, c.node, c.fh, 11, 3), 0);
	a = rig_attr(&r, c.node, &rc);
	CHECK_EQ(a.size, 11);
	CHECK_EQ(a.mode, S_IFREG | 0644); /* the guest's umask */
	sync.fh = c.fh;
	flush.fh = c.fh;
	CHECK_EQ(rig_op(&r, FUSE_FSYNC, c.node, RIG_ARGS(sync), NULL, NULL), 0);
	CHECK_EQ(rig_op(&r, FUSE_FLUSH, c.node, RIG_ARGS(flush), NULL, NULL), 0);
	CHECK_EQ(rig_release(&r, FUSE_RELEASE, c.node, c.fh), 0);
	CHECK_EQ(rig_release(&r, FUSE_RELEASE, c.node, c.fh), -EBADF);
	CHECK_EQ(rig_lookup(&r, FUSE_ROOT_ID, "a", &rc), c.node);
	(void)rig_create(&r, FUSE_ROOT_ID, "a", O_RDWR | O_EXCL, 0666, &rc);
	CHECK_EQ(rc, -EEXIST);
	CHECK_EQ(rig_create(&r, FUSE_ROOT_ID, "a", O_RDWR, 0666, &rc).node, c.node);
	c.fh = rig_open_node(&r, FUSE_OPEN, c.node, O_WRONLY | O_TRUNC, &rc);
	CHECK_EQ(rig_attr(&r, c.node, &rc).size, 0);
	CHECK_EQ(rig_read(&r, FUSE_READ, c.node, c.fh, 0, 1), -EBADF);
	CHECK_EQ(rig_op(&r, FUSE_UNLINK, FUSE_ROOT_ID, RIG_NONE, "a", NULL), 0);
	CHECK_EQ(rig_write(&r, c.node, c.fh, 0, "x", 1), 1); /* open files live on */
	CHECK_EQ(rig_attr(&r, c.node, &rc).nlink, 0);
	CHECK_EQ(rig_lookup(&r, FUSE_ROOT_ID, "a", &rc), 0);
	CHECK_EQ(rc, -ENOENT);
	rig_close(&r);
}

static void test_names(void)
{
	const struct fuse_mkdir_in dir = { .mode = 0777, .umask = 027 };
	const struct fuse_mknod_in fifo = { .mode = S_IFIFO | 0600 };
	const struct fuse_mknod_in odd = { .mode = S_IFLNK | 0600 };
	struct fuse_rename2_in no_replace = { .flags = 1 };
	struct fuse_rename2_in bad_flags = { .flags = 8, .newdir = FUSE_ROOT_ID };
	struct fuse_rename_in to = { 0 };
	struct fuse_link_in link = { 0 };
	struct rig r;
	uint64_t d;
	uint64_t s;
	int rc;

	rig_open(&r, &plain);
	CHECK_EQ(rig_init(&r), sizeof(struct fuse_init_out));
	CHECK(rig_op(&r, FUSE_MKDIR, FUSE_ROOT_ID, RIG_ARGS(dir), "d", NULL) > 0);
	d = rig_lookup(&r, FUSE_ROOT_ID, "d", &rc);
	CHECK_EQ(rig_attr(&r, d, &rc).mode, S_IFDIR | 0750);
	CHECK_EQ(rig_op(&r, FUSE_MKDIR, FUSE_ROOT_ID, RIG_ARGS(dir), "d", NULL), -EEXIST);
	CHECK(rig_op(&r, FUSE_MKNOD, d, RIG_ARGS(fifo), "p", NULL) > 0);
	CHECK_EQ(rig_op(&r, FUSE_MKNOD, d, RIG_ARGS(odd), "q", NULL), -EINVAL);
	CHECK(rig_op(&r, FUSE_SYMLINK, d, RIG_NONE, "s", "/etc/passwd") > 0);
	s = rig_lookup(&r, d, "s", &rc);
	CHECK_EQ(rig_op(&r, FUSE_READLINK, s, RIG_NONE, NULL, NULL), 11);
	CHECK_MEM(rig_body(&r), "/etc/passwd", 11);
	CHECK_EQ(rig_op(&r, FUSE_READLINK, d, RIG_NONE, NULL, NULL), -EINVAL);
	link.oldnodeid = s;
	CHECK(rig_op(&r, FUSE_LINK, FUSE_ROOT_ID, RIG_ARGS(link), "s2", NULL) > 0);
	CHECK_EQ(rig_lookup(&r, FUSE_ROOT_ID, "s2", &rc), s); /* the link itself, not passwd */
	CHECK_EQ(rig_attr(&r, s, &rc).nlink, 2);
	to.newdir = d;
	CHECK_EQ(rig_op(&r, FUSE_RENAME, FUSE_ROOT_ID, RIG_ARGS(to), "s2", "s3"), 0);
	CHECK_EQ(rig_lookup(&r, d, "s3", &rc), s);
	no_replace.newdir = d;
	CHECK_EQ(rig_op(&r, FUSE_RENAME2, d, RIG_ARGS(no_replace), "s3", "p"), -EEXIST);
	CHECK_EQ(rig_op(&r, FUSE_RENAME2, d, RIG_ARGS(bad_flags), "s3", "p"), -EINVAL);
	CHECK_EQ(rig_op(&r, FUSE_RMDIR, FUSE_ROOT_ID, RIG_NONE, "d", NULL), -ENOTEMPTY);
	CHECK_EQ(rig_op(&r, FUSE_UNLINK, d, RIG_NONE, "s", NULL), 0);
	CHECK_EQ(rig_op(&r, FUSE_UNLINK, d, RIG_NONE, "s3", NULL), 0);
	CHECK_EQ(rig_op(&r, FUSE_UNLINK, d, RIG_NONE, "p", NULL), 0);
	CHECK_EQ(rig_op(&r, FUSE_UNLINK, FUSE_ROOT_ID, RIG_NONE, "d", NULL), -EISDIR);
	CHECK_EQ(rig_op(&r, FUSE_RMDIR, FUSE_ROOT_ID, RIG_NONE, "d", NULL), 0);
	rig_close(&r);
}

static int set_attr(struct rig *r, uint64_t node, struct fuse_setattr_in in)
{
	return rig_op(r, FUSE_SETATTR, node, RIG_ARGS(in), NULL, NULL);
}

static void test_attributes(void)
{
	const int want = sizeof(struct fuse_attr_out);
	struct fuse_access_in access = { .mask = 4 };
	struct rig_created c;
	struct fuse_attr a;
	struct rig r;
	int rc;

	rig_open(&r, &plain);
	CHECK_EQ(rig_init(&r), sizeof(struct fuse_init_out));
	c = rig_create(&r, FUSE_ROOT_ID, "a", O_RDWR, 0644, &rc);
	CHECK_EQ(set_attr(&r, c.node, (struct fuse_setattr_in){ FATTR_MODE, .mode = 04751 }), want);
	CHECK_EQ(rig_attr(&r, c.node, &rc).mode, S_IFREG | 04751);
	CHECK_EQ(set_attr(&r, c.node, (struct fuse_setattr_in){ FATTR_SIZE, .size = 100 }), want);
	CHECK_EQ(
	    set_attr(&r, c.node,
		     (struct fuse_setattr_in){ FATTR_SIZE | FATTR_FH, .fh = c.fh, .size = 50 }),
	    want);
	CHECK_EQ(set_attr(&r, c.node,
			  (struct fuse_setattr_in){ FATTR_SIZE | FATTR_FH, .fh = 99, .size = 50 }),
		 -EBADF);
	CHECK_EQ(
	    set_attr(&r, c.node, (struct fuse_setattr_in){ FATTR_SIZE, .size = UINT64_C(1) << 63 }),
	    -EINVAL);
	CHECK_EQ(set_attr(&r, FUSE_ROOT_ID, (struct fuse_setattr_in){ FATTR_SIZE, .size = 1 }),
		 -EINVAL);
	CHECK_EQ(set_attr(&r, c.node,
			  (struct fuse_setattr_in){ FATTR_ATIME | FATTR_MTIME | FATTR_MTIME_NOW,
						    .atime = 1000000000, .atimensec = 7 }),
		 want);
	a = rig_attr(&r, c.node, &rc);
	CHECK_EQ(a.size, 50);
	CHECK_EQ(a.atime, 1000000000);
	CHECK_EQ(a.atimensec, 7);
	CHECK(a.mtime > 1500000000);
	CHECK_EQ(rig_op(&r, FUSE_ACCESS, c.node, RIG_ARGS(access), NULL, NULL), 0);
	access.mask = 8;
	CHECK_EQ(rig_op(&r, FUSE_ACCESS, c.node, RIG_ARGS(access), NULL, NULL), -EINVAL);
	CHECK_EQ(rig_op(&r, FUSE_STATFS, FUSE_ROOT_ID, RIG_NONE, NULL, NULL),
		 sizeof(struct fuse_statfs_out));
	if (geteuid() == 0) {
		CHECK_EQ(set_attr(&r, c.node,
				  (struct fuse_setattr_in){ FATTR_UID | FATTR_GID | FATTR_MODE,
							    .uid = 5, .gid = 6, .mode = 06755 }),
			 want);
		a = rig_attr(&r, c.node, &rc);
		CHECK_EQ(a.uid, 5);
		CHECK_EQ(a.gid, 6);
		CHECK_EQ(a.mode,
			 S_IFREG | 06755); /* the mode that was asked for, after the owner */
	}
	rig_close(&r);
}

static void test_kill_suid(void)
{
	struct fuse_write_in in = { .size = 1, .write_flags = FUSE_WRITE_KILL_SUIDGID };
	const struct rig_part parts[] = { RIG_ARGS(in), { "x", 1 } };
	struct rig_created c;
	struct rig r;
	int rc;

	if (geteuid() != 0)
		TEST_SKIP("needs root");
	rig_open(&r, &plain);
	CHECK_EQ(rig_init(&r), sizeof(struct fuse_init_out));
	c = rig_create(&r, FUSE_ROOT_ID, "a", O_RDWR, 0755, &rc);
	in.fh = c.fh;
	CHECK(set_attr(&r, c.node, (struct fuse_setattr_in){ FATTR_MODE, .mode = 06755 }) > 0);
	CHECK_EQ(rig_write(&r, c.node, c.fh, 0, "x", 1), 1);
	CHECK_EQ(rig_attr(&r, c.node, &rc).mode, S_IFREG | 06755);
	CHECK_EQ(rig_call(&r, FUSE_WRITE, c.node, parts, 2), sizeof(struct fuse_write_out));
	CHECK_EQ(rig_attr(&r, c.node, &rc).mode, S_IFREG | 0755);
	rig_close(&r);
}

/* What is created belongs to the caller, also in a folder that only its group may write. */
static void test_owner(void)
{
	const struct fuse_mkdir_in dir = { .mode = 0755 };
	struct rig_created c;
	struct fuse_attr a;
	struct rig r;
	int rc;

	if (geteuid() != 0)
		TEST_SKIP("needs root");
	rig_open(&r, &plain);
	CHECK_EQ(rig_init(&r), sizeof(struct fuse_init_out));
	r.uid = 1234;
	r.gid = 5678;
	c = rig_create(&r, FUSE_ROOT_ID, "f", O_RDWR, 0600, &rc);
	a = rig_attr(&r, c.node, &rc);
	CHECK_EQ(a.uid, 1234);
	CHECK_EQ(a.gid, 5678);
	CHECK(rig_op(&r, FUSE_MKDIR, FUSE_ROOT_ID, RIG_ARGS(dir), "d", NULL) > 0);
	a = rig_attr(&r, rig_lookup(&r, FUSE_ROOT_ID, "d", &rc), &rc);
	CHECK_EQ(a.uid, 1234);
	/* CVE-2022-0358: a set-group-id file in a set-group-id folder, by one not in its group. */
	CHECK_EQ(chmod(r.path, 02777), 0);
	c = rig_create(&r, FUSE_ROOT_ID, "g", O_RDWR, 02755, &rc);
	a = rig_attr(&r, c.node, &rc);
	CHECK_EQ(a.gid, 0);
	CHECK_EQ(a.mode, S_IFREG | 0755);
	r.uid = r.gid = 0;
	a = rig_attr(&r, rig_create(&r, FUSE_ROOT_ID, "h", O_RDWR, 0600, &rc).node, &rc);
	CHECK_EQ(a.uid, 0); /* the thread is itself again */
	rig_close(&r);
}

/* Reads a folder whole. Returns the number of entries; @sum: of the numbers in names "fN". */
static int read_dir(struct rig *r, uint32_t opcode, uint64_t node, uint32_t size, long *sum)
{
	const size_t head = opcode == FUSE_READDIRPLUS ? sizeof(struct fuse_entry_out) : 0;
	uint64_t fh;
	uint64_t off = 0;
	int count = 0;
	int rc;

	*sum = 0;
	fh = rig_open_node(r, FUSE_OPENDIR, node, O_RDONLY, &rc);
	while ((rc = rig_read(r, opcode, node, fh, off, size)) > 0) {
		const uint8_t *p = rig_body(r);

		for (int at = 0; at < rc;) {
			struct fuse_entry_out e = { 0 };
			struct fuse_dirent d;
			char name[256] = "";

			memcpy(&e, p + at, head);
			memcpy(&d, p + at + head, sizeof(d));
			memcpy(name, p + at + head + sizeof(d), d.namelen);
			if (name[0] == 'f') {
				*sum += strtol(name + 1, NULL, 10);
				CHECK(!head || (e.nodeid > 1 && S_ISREG(e.attr.mode)));
			} else {
				CHECK_EQ(e.nodeid, 0);
			}
			at += (int)FUSE_DIRENT_ALIGN(head + sizeof(d) + d.namelen);
			off = d.off;
			count++;
		}
	}
	CHECK_EQ(rc, 0);
	CHECK_EQ(rig_release(r, FUSE_RELEASEDIR, node, fh), 0);
	return count;
}

/* In a process of another user with root's capabilities, as the sandbox leaves it. */
static int as_nobody(const char *dir)
{
	const struct fs_caller root = { 0 };
	const struct fs_caller user = { .uid = 1000, .gid = 1000 };
	struct fs_creds c;

	if (chdir(dir) < 0 || prctl(PR_SET_KEEPCAPS, 1L) < 0 || setresgid(9, 9, 9) < 0 ||
	    setresuid(65534, 65534, 65534) < 0)
		return 1;
	/* They are permitted still, but no more effective. */
	if (fs_creds_init(&c) < 0)
		return 2;
	c.caps = UINT64_C(0xffffffff);
	c.is_privileged = true;
	fs_creds_restore(&c);
	if (fs_creds_become(&c, &root) < 0 || mknod("null", S_IFCHR | 0666, makedev(1, 3)) < 0)
		return 3;
	fs_creds_return(&c, &root);
	if (fs_creds_become(&c, &user) < 0 || mknod("zero", S_IFCHR | 0666, makedev(1, 5)) == 0)
		return 4;
	return 0;
}

static void test_nobody(void)
{
	char dir[] = "/tmp/bivalve-fs.XXXXXX";
	int status = -1;
	struct stat st;
	pid_t pid;

	if (geteuid() != 0)
		TEST_SKIP("not root");
	CHECK(mkdtemp(dir) != NULL);
	pid = fork();
	if (pid == 0)
		_exit(as_nobody(dir));
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(WEXITSTATUS(status), 0);
	CHECK_EQ(chdir(dir), 0);
	CHECK_EQ(stat("null", &st), 0);
	CHECK_EQ(st.st_uid, 0);
	(void)unlink("null");
	CHECK_EQ(chdir("/"), 0);
	CHECK_EQ(rmdir(dir), 0);
}

static void test_folders(void)
{
	static const struct {
		uint32_t opcode, size;
	} cases[] = {
		{ FUSE_READDIR, 4096 },     { FUSE_READDIR, 280 },     { FUSE_READDIR, 65536 },
		{ FUSE_READDIRPLUS, 4096 }, { FUSE_READDIRPLUS, 500 }, { FUSE_READDIRPLUS, 65536 },
	};
	struct fuse_fsync_in sync = { 0 };
	struct rig r;
	uint64_t fh;
	long sum;
	int rc;

	rig_open(&r, &plain);
	CHECK_EQ(rig_init(&r), sizeof(struct fuse_init_out));
	for (int i = 0; i < 500; i++) {
		char name[128];

		(void)snprintf(name, sizeof(name), "%s/f%0*d", r.path, 1 + i % 90, i);
		CHECK_EQ(mknod(name, S_IFREG | 0644, 0), 0);
	}
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CHECK_EQ(read_dir(&r, cases[i].opcode, FUSE_ROOT_ID, cases[i].size, &sum), 502);
		CHECK_EQ(sum, 499 * 500 / 2);
	}
	fh = rig_open_node(&r, FUSE_OPENDIR, FUSE_ROOT_ID, O_RDONLY, &rc);
	sync.fh = fh;
	CHECK_EQ(rig_op(&r, FUSE_FSYNCDIR, FUSE_ROOT_ID, RIG_ARGS(sync), NULL, NULL), 0);
	CHECK_EQ(rig_op(&r, FUSE_FSYNC, FUSE_ROOT_ID, RIG_ARGS(sync), NULL, NULL), -EBADF);
	CHECK_EQ(rig_read(&r, FUSE_READ, FUSE_ROOT_ID, fh, 0, 10), -EBADF);
	CHECK_EQ(rig_read(&r, FUSE_READDIR, FUSE_ROOT_ID, fh, 0, 8), -EINVAL);
	CHECK_EQ(rig_read(&r, FUSE_READDIR, FUSE_ROOT_ID, fh, UINT64_MAX, 4096), -EINVAL);
	rig_close(&r);
}

static int set_xattr(struct rig *r, uint64_t node, const char *name, const char *value,
		     uint32_t size)
{
	const struct fuse_setxattr_in in = { .size = size };
	const struct rig_part parts[] = { RIG_ARGS(in),
					  { name, strlen(name) + 1 },
					  { value, strlen(value) } };

	return rig_call(r, FUSE_SETXATTR, node, parts, 3);
}

static int get_xattr(struct rig *r, uint32_t opcode, uint64_t node, const char *name, uint32_t size)
{
	const struct fuse_getxattr_in in = { .size = size };

	return rig_op(r, opcode, node, RIG_ARGS(in), name, NULL);
}

static void test_xattrs(void)
{
	char long_name[300];
	struct rig_created c;
	struct rig r;
	uint64_t s;
	int rc;

	rig_open(&r, &plain);
	CHECK_EQ(rig_init(&r), sizeof(struct fuse_init_out));
	c = rig_create(&r, FUSE_ROOT_ID, "a", O_RDWR, 0644, &rc);
	CHECK_EQ(set_xattr(&r, c.node, "user.k", "value", 5), 0);
	CHECK_EQ(get_xattr(&r, FUSE_GETXATTR, c.node, "user.k", 0), 8);
	CHECK_EQ(get_xattr(&r, FUSE_GETXATTR, c.node, "user.k", 4), -ERANGE);
	CHECK_EQ(get_xattr(&r, FUSE_GETXATTR, c.node, "user.k", 100), 5);
	CHECK_MEM(rig_body(&r), "value", 5);
	CHECK_EQ(get_xattr(&r, FUSE_GETXATTR, c.node, "user.none", 100), -ENODATA);
	CHECK_EQ(get_xattr(&r, FUSE_GETXATTR, c.node, "trusted.k", 100), -EOPNOTSUPP);
	CHECK_EQ(set_xattr(&r, c.node, "trusted.k", "v", 1), -EOPNOTSUPP);
	CHECK_EQ(set_xattr(&r, c.node, "security.selinux", "v", 1), -EOPNOTSUPP);
	CHECK_EQ(set_xattr(&r, c.node, "user.k", "v", 2), -EINVAL); /* fewer bytes than said */
	CHECK_EQ(set_xattr(&r, c.node, "user.k", "v", 65537), -E2BIG);
	CHECK_EQ(set_xattr(&r, c.node, "", "v", 1), -ERANGE);
	memset(long_name, 'x', sizeof(long_name));
	memcpy(long_name, "user.", 5);
	long_name[299] = '\0';
	CHECK_EQ(set_xattr(&r, c.node, long_name, "v", 1), -ERANGE);
	CHECK_EQ(get_xattr(&r, FUSE_LISTXATTR, c.node, NULL, 100), 7);
	CHECK_MEM(rig_body(&r), "user.k", 7);
	CHECK_EQ(rig_op(&r, FUSE_REMOVEXATTR, c.node, RIG_NONE, "user.k", NULL), 0);
	CHECK_EQ(get_xattr(&r, FUSE_LISTXATTR, c.node, NULL, 100), 0);
	/* A symbolic link's attributes are its own: the target's are never touched. */
	CHECK(rig_op(&r, FUSE_SYMLINK, FUSE_ROOT_ID, RIG_NONE, "s", "a") > 0);
	s = rig_lookup(&r, FUSE_ROOT_ID, "s", &rc);
	CHECK_EQ(set_xattr(&r, s, "user.k", "value", 5), -EPERM);
	CHECK_EQ(get_xattr(&r, FUSE_LISTXATTR, c.node, NULL, 100), 0);
	rig_close(&r);
}

static void test_ranges(void)
{
	struct fuse_fallocate_in alloc = { .length = 1 << 20 };
	struct fuse_lseek_in seek = { .whence = SEEK_HOLE };
	struct fuse_copy_file_range_in copy = { .len = 5 };
	struct rig_created a;
	struct rig_created b;
	struct rig r;
	uint64_t off;
	int rc;

	rig_open(&r, &plain);
	CHECK_EQ(rig_init(&r), sizeof(struct fuse_init_out));
	a = rig_create(&r, FUSE_ROOT_ID, "a", O_RDWR, 0644, &rc);
	b = rig_create(&r, FUSE_ROOT_ID, "b", O_RDWR, 0644, &rc);
	CHECK_EQ(rig_write(&r, a.node, a.fh, 0, "hello world", 11), 11);
	seek.fh = copy.fh_in = alloc.fh = a.fh;
	copy.fh_out = b.fh;
	copy.nodeid_out = b.node;
	copy.off_in = 6;
	CHECK_EQ(rig_op(&r, FUSE_COPY_FILE_RANGE, a.node, RIG_ARGS(copy), NULL, NULL), 8);
	CHECK_EQ(rig_read(&r, FUSE_READ, b.node, b.fh, 0, 100), 5);
	CHECK_MEM(rig_body(&r), "world", 5);
	copy.nodeid_out = a.node;
	CHECK_EQ(rig_op(&r, FUSE_COPY_FILE_RANGE, a.node, RIG_ARGS(copy), NULL, NULL), -EBADF);
	copy.flags = 1;
	CHECK_EQ(rig_op(&r, FUSE_COPY_FILE_RANGE, a.node, RIG_ARGS(copy), NULL, NULL), -EINVAL);
	CHECK_EQ(rig_op(&r, FUSE_LSEEK, a.node, RIG_ARGS(seek), NULL, NULL), 8);
	memcpy(&off, rig_body(&r), 8);
	CHECK(off == 11 || off == 4096);
	seek.whence = SEEK_SET;
	CHECK_EQ(rig_op(&r, FUSE_LSEEK, a.node, RIG_ARGS(seek), NULL, NULL), -EINVAL);
	CHECK_EQ(rig_op(&r, FUSE_FALLOCATE, a.node, RIG_ARGS(alloc), NULL, NULL), 0);
	CHECK_EQ(rig_attr(&r, a.node, &rc).size, 1 << 20);
	alloc.mode = 0x80000000;
	CHECK_EQ(rig_op(&r, FUSE_FALLOCATE, a.node, RIG_ARGS(alloc), NULL, NULL), -EOPNOTSUPP);
	CHECK_EQ(rig_op(&r, FUSE_SYNCFS, FUSE_ROOT_ID, RIG_NONE, NULL, NULL), 0);
	rig_close(&r);
}

/* What the guest has not written yet is no hole. */
static void test_lseek_writeback(void)
{
	const struct virtio_fs_options o = { .flags = VIRTIO_FS_WRITEBACK };
	struct fuse_lseek_in in = { .whence = SEEK_DATA };
	struct rig_created c;
	struct rig r;
	int rc;

	rig_open(&r, &o);
	CHECK_EQ(rig_init(&r), sizeof(struct fuse_init_out));
	c = rig_create(&r, FUSE_ROOT_ID, "f", O_RDWR, 0644, &rc);
	in.fh = c.fh;
	CHECK_EQ(rig_op(&r, FUSE_LSEEK, c.node, RIG_ARGS(in), NULL, NULL), -ENOSYS);
	rig_close(&r);
}

static void test_tmpfile(void)
{
	const struct fuse_create_in in = { .flags = O_RDWR, .mode = S_IFREG | 0600 };
	struct fuse_entry_out e;
	struct fuse_link_in link;
	struct rig r;
	int rc;

	rig_open(&r, &plain);
	CHECK_EQ(rig_init(&r), sizeof(struct fuse_init_out));
	rc = rig_op(&r, FUSE_TMPFILE, FUSE_ROOT_ID, RIG_ARGS(in), "", NULL);
	CHECK_EQ(rc, sizeof(e) + sizeof(struct fuse_open_out));
	memcpy(&e, rig_body(&r), sizeof(e));
	CHECK_EQ(e.attr.nlink, 0);
	link.oldnodeid = e.nodeid;
	CHECK(rig_op(&r, FUSE_LINK, FUSE_ROOT_ID, RIG_ARGS(link), "named", NULL) > 0);
	CHECK_EQ(rig_lookup(&r, FUSE_ROOT_ID, "named", &rc), e.nodeid);
	rig_close(&r);
}

static void test_read_only(void)
{
	const struct fuse_mkdir_in dir = { .mode = 0755 };
	struct virtio_fs_options o = { .flags = VIRTIO_FS_READ_ONLY };
	struct rig r;
	uint64_t node;
	uint64_t fh;
	char name[64];
	int rc;

	rig_open(&r, &o);
	CHECK_EQ(rig_init(&r), sizeof(struct fuse_init_out));
	(void)snprintf(name, sizeof(name), "%s/a", r.path);
	CHECK_EQ(mknod(name, S_IFREG | 0644, 0), 0);
	node = rig_lookup(&r, FUSE_ROOT_ID, "a", &rc);
	fh = rig_open_node(&r, FUSE_OPEN, node, O_RDONLY, &rc);
	CHECK_EQ(rc, sizeof(struct fuse_open_out));
	CHECK_EQ(rig_read(&r, FUSE_READ, node, fh, 0, 10), 0);
	CHECK_EQ(rig_write(&r, node, fh, 0, "x", 1), -EROFS);
	(void)rig_open_node(&r, FUSE_OPEN, node, O_RDWR, &rc);
	CHECK_EQ(rc, -EROFS);
	(void)rig_open_node(&r, FUSE_OPEN, node, O_RDONLY | O_TRUNC, &rc);
	CHECK_EQ(rc, -EROFS);
	(void)rig_create(&r, FUSE_ROOT_ID, "b", O_RDWR, 0644, &rc);
	CHECK_EQ(rc, -EROFS);
	CHECK_EQ(rig_op(&r, FUSE_MKDIR, FUSE_ROOT_ID, RIG_ARGS(dir), "d", NULL), -EROFS);
	CHECK_EQ(rig_op(&r, FUSE_UNLINK, FUSE_ROOT_ID, RIG_NONE, "a", NULL), -EROFS);
	CHECK_EQ(set_attr(&r, node, (struct fuse_setattr_in){ FATTR_MODE, .mode = 0 }), -EROFS);
	CHECK_EQ(set_xattr(&r, node, "user.k", "v", 1), -EROFS);
	rig_close(&r);
}

/* After FUSE_DESTROY and after a reset nothing of the guest is left. */
static void test_destroy_and_reset(void)
{
	struct rig_created c;
	struct rig r;
	int fds;
	int rc;

	rig_open(&r, &plain);
	fds = rig_open_fds();
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(rig_init(&r), sizeof(struct fuse_init_out));
		c = rig_create(&r, FUSE_ROOT_ID, "a", O_RDWR, 0644, &rc);
		CHECK_EQ(rig_open_fds(), fds + 2);
		if (i == 0) {
			CHECK_EQ(rig_op(&r, FUSE_DESTROY, 0, RIG_NONE, NULL, NULL), 0);
		} else {
			virtio_device_reset(r.dev);
			rig_activate(&r);
		}
		CHECK_EQ(rig_open_fds(), fds);
		CHECK_EQ(rig_init(&r), sizeof(struct fuse_init_out));
		CHECK_EQ(rig_write(&r, c.node, c.fh, 0, "x", 1), -EBADF);
	}
	rig_close(&r);
}

TEST_MAIN(TEST(test_options), TEST(test_config), TEST(test_init), TEST(test_files),
	  TEST(test_names), TEST(test_attributes), TEST(test_kill_suid), TEST(test_owner),
	  TEST(test_nobody), TEST(test_folders), TEST(test_xattrs), TEST(test_ranges),
	  TEST(test_lseek_writeback), TEST(test_tmpfile), TEST(test_read_only),
	  TEST(test_destroy_and_reset))
