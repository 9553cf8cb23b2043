// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What POSIX and Linux promise of a file system, as root in a folder of it. Each line is "NAME ok",
 * "NAME failed: ..." or "NAME skipped: ...".
 * usage: fsops DIR [WORD...]; WORD: no-btime no-devices no-xattr no-locks no-direct no-many
 * no-seek, and host: the folder is not a guest's view of another
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

static char why[256]; /* the first failure of the current test */
static char **words;

#define NEED(cond)                                                                                 \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			if (!why[0])                                                               \
				snprintf(why, sizeof(why), "line %d: %s (%s)", __LINE__, #cond,    \
					 strerror(errno));                                         \
			return;                                                                    \
		}                                                                                  \
	} while (0)
#define FAILS(expr, code) NEED((expr) < 0 && errno == (code))

static bool has_word(const char *w)
{
	for (char **p = words; *p; p++) {
		if (strcmp(*p, w) == 0)
			return true;
	}
	return false;
}

static int make(const char *name, const char *text)
{
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0644);

	if (fd >= 0 && write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		return -1;
	return fd;
}

static bool holds(const char *name, const char *text)
{
	char buf[256] = { 0 };
	int fd = open(name, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, sizeof(buf) - 1);

	if (fd >= 0)
		close(fd);
	return n == (ssize_t)strlen(text) && strcmp(buf, text) == 0;
}

static struct stat stat_of(const char *name)
{
	struct stat st = { 0 };

	if (lstat(name, &st) < 0)
		st.st_nlink = 0;
	return st;
}

/* Runs @fn as user and group @id; true if it returned 0. */
static bool as_user(uid_t id, int (*fn)(void))
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		if (setgid(id) < 0 || setuid(id) < 0)
			_exit(99);
		_exit(fn());
	}
	return waitpid(pid, &status, 0) == pid && status == 0;
}

static void test_rename(void)
{
	NEED(close(make("r1", "one")) == 0);
	NEED(close(make("r2", "two")) == 0);
	FAILS(renameat2(AT_FDCWD, "r1", AT_FDCWD, "r2", RENAME_NOREPLACE), EEXIST);
	NEED(renameat2(AT_FDCWD, "r1", AT_FDCWD, "r2", RENAME_EXCHANGE) == 0);
	NEED(holds("r1", "two") && holds("r2", "one"));
	NEED(renameat2(AT_FDCWD, "r1", AT_FDCWD, "r3", RENAME_NOREPLACE) == 0);
	NEED(rename("r3", "r2") == 0 && holds("r2", "two"));
	FAILS(rename("r3", "r2"), ENOENT);
	NEED(mkdir("rd", 0755) == 0 && mkdir("rd/sub", 0755) == 0);
	FAILS(rename("rd", "rd/sub/x"), EINVAL);
	FAILS(rename("rd", "r2"), ENOTDIR);
	FAILS(rename("r2", "rd"), EISDIR);
	NEED(mkdir("re", 0755) == 0);
	FAILS(rename("re", "rd"), ENOTEMPTY);
	NEED(rename("rd/sub", "re") == 0);
	FAILS(rmdir("r2"), ENOTDIR);
	FAILS(unlink("rd"), EISDIR);
}

static void test_links(void)
{
	char buf[64] = { 0 };
	int fd;

	NEED(close(make("l1", "link")) == 0);
	NEED(link("l1", "l2") == 0 && stat_of("l1").st_nlink == 2);
	NEED(stat_of("l1").st_ino == stat_of("l2").st_ino);
	FAILS(link("l1", "l2"), EEXIST);
	fd = open("l1", O_RDWR);
	NEED(fd >= 0 && unlink("l1") == 0 && unlink("l2") == 0);
	/* Unlinked and open: it lives, and has no name. */
	NEED(pwrite(fd, "more", 4, 4) == 4 && pread(fd, buf, 8, 0) == 8);
	NEED(memcmp(buf, "linkmore", 8) == 0);
	{
		struct stat st;

		NEED(fstat(fd, &st) == 0 && st.st_nlink == 0 && st.st_size == 8);
		NEED(ftruncate(fd, 3) == 0 && fstat(fd, &st) == 0 && st.st_size == 3);
		NEED(fchmod(fd, 0600) == 0);
	}
	close(fd);
	NEED(mkdir("ld", 0755) == 0 && stat_of("ld").st_nlink >= 1);
	FAILS(link("ld", "ld2"), EPERM);
}

static void test_symlinks(void)
{
	char buf[64];

	NEED(mkdir("sd", 0755) == 0 && mkdir("sd/e", 0755) == 0);
	NEED(close(make("sfile", "up")) == 0);
	NEED(symlink("../../sfile", "sd/e/up") == 0 && holds("sd/e/up", "up"));
	NEED(symlink("/proc/self/cmdline", "abs") == 0);
	NEED(readlink("abs", buf, sizeof(buf)) == 18);
	/* An absolute link is the reader's: this process's own name, not one of the server. */
	{
		int fd = open("abs", O_RDONLY);
		char got[512] = { 0 };

		NEED(fd >= 0 && read(fd, got, sizeof(got) - 1) > 0 && strstr(got, "fsops"));
		close(fd);
	}
	NEED(symlink("sloop", "sloop") == 0);
	FAILS(open("sloop", O_RDONLY), ELOOP);
	FAILS(open("abs", O_RDONLY | O_NOFOLLOW), ELOOP);
	NEED(symlink("nowhere", "dangling") == 0);
	FAILS(open("dangling", O_RDONLY), ENOENT);
	NEED(S_ISLNK(stat_of("dangling").st_mode) && stat_of("dangling").st_size == 7);
	NEED(lchown("dangling", 7, 8) == 0 && stat_of("dangling").st_uid == 7);
}

static void test_append(void)
{
	int a = open("ap", O_WRONLY | O_CREAT | O_APPEND, 0644);
	int b = open("ap", O_WRONLY | O_APPEND);

	NEED(a >= 0 && b >= 0);
	NEED(write(a, "a1", 2) == 2 && write(b, "b1", 2) == 2 && write(a, "a2", 2) == 2);
	close(a);
	close(b);
	NEED(holds("ap", "a1b1a2"));
}

static void test_open(void)
{
	int fd;

	NEED(close(make("o1", "123")) == 0);
	FAILS(open("o1", O_CREAT | O_EXCL | O_RDWR, 0600), EEXIST);
	FAILS(open("o1/x", O_RDONLY), ENOTDIR);
	FAILS(open("o1", O_RDONLY | O_DIRECTORY), ENOTDIR);
	FAILS(open(".", O_RDWR), EISDIR);
	NEED(close(open("o1", O_WRONLY | O_TRUNC)) == 0 && stat_of("o1").st_size == 0);
	fd = open("o1", O_RDONLY);
	FAILS(write(fd, "x", 1), EBADF);
	close(fd);
	NEED(mkdir("om", 0755) == 0);
	fd = open("om", O_TMPFILE | O_RDWR, 0600);
	if (fd >= 0) { /* Linux 6.2's driver has it */
		char path[40];

		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		NEED(write(fd, "tmp", 3) == 3);
		NEED(linkat(AT_FDCWD, path, AT_FDCWD, "om/named", AT_SYMLINK_FOLLOW) == 0);
		NEED(holds("om/named", "tmp"));
		close(fd);
	}
}

static void test_holes(void)
{
	const off_t mb = 1 << 20;
	char buf[4096];
	int fd = make("h", "");

	NEED(fd >= 0);
	memset(buf, 'x', sizeof(buf));
	NEED(pwrite(fd, buf, sizeof(buf), 2 * mb) == sizeof(buf));
	NEED(fsync(fd) == 0);
	NEED(lseek(fd, 2 * mb, SEEK_HOLE) == 2 * mb + 4096);
	if (!has_word("no-seek")) { /* with a writeback cache all is data */
		NEED(lseek(fd, 0, SEEK_DATA) == 2 * mb);
		NEED(lseek(fd, 0, SEEK_HOLE) == 0);
	}
	FAILS(lseek(fd, 3 * mb, SEEK_DATA), ENXIO);
	NEED(fallocate(fd, 0, 0, mb) == 0 && stat_of("h").st_blocks >= 2048);
	NEED(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 2 * mb, 4096) == 0);
	NEED(pread(fd, buf, sizeof(buf), 2 * mb) == sizeof(buf) && buf[0] == 0 && buf[4095] == 0);
	NEED(fallocate(fd, FALLOC_FL_KEEP_SIZE, 4 * mb, 4096) == 0);
	NEED(stat_of("h").st_size == 2 * mb + 4096);
	FAILS(fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, 4096), EOPNOTSUPP);
	NEED(ftruncate(fd, 100) == 0 && stat_of("h").st_size == 100);
	NEED(ftruncate(fd, mb) == 0 && pread(fd, buf, 8, 200) == 8 && buf[0] == 0);
	close(fd);
}

static void test_copy_range(void)
{
	static char text[70000], back[70000];
	off_t in = 5, out = 9;
	int a = make("c1", "");
	int b = make("c2", "");

	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)(i * 7 + i / 251);
	NEED(write(a, text, sizeof(text)) == sizeof(text));
	for (size_t done = 0; done < 60000;) {
		ssize_t n = copy_file_range(a, &in, b, &out, 60000 - done, 0);

		NEED(n > 0);
		done += (size_t)n;
	}
	NEED(in == 60005 && out == 60009);
	NEED(pread(b, back, sizeof(back), 9) == 60000 && memcmp(back, text + 5, 60000) == 0);
	close(a);
	close(b);
}

static void test_modes(void)
{
	const mode_t old = umask(027);

	NEED(close(open("m1", O_CREAT | O_RDWR, 06777)) == 0);
	NEED(mkdir("m2", 01777) == 0 && mkfifo("m3", 0666) == 0);
	umask(old);
	NEED((stat_of("m1").st_mode & 0777) == 0750 && (stat_of("m3").st_mode & 0777) == 0640);
	NEED((stat_of("m2").st_mode & 07777) == 01750);
	NEED(chmod("m1", 06755) == 0 && (stat_of("m1").st_mode & 07777) == 06755);
	/* chown(2) takes the bits away. */
	NEED(chown("m1", 1000, 1000) == 0 && (stat_of("m1").st_mode & 07777) == 0755);
	NEED(chmod("m1", 06777) == 0 && stat_of("m1").st_uid == 1000);
}

static int write_m1(void)
{
	int fd = open("m1", O_WRONLY);

	return fd < 0 || write(fd, "x", 1) != 1;
}

static void test_kill_suid(void)
{
	NEED(chmod("m1", 06777) == 0);
	NEED(as_user(1001, write_m1));
	NEED((stat_of("m1").st_mode & 07777) == 0777);
	NEED(chmod("m1", 06777) == 0 && write_m1() == 0);
	NEED((stat_of("m1").st_mode & 07777) == 06777); /* root may */
}

static int remove_sticky(void)
{
	return !(unlink("st/theirs") < 0 && (errno == EPERM || errno == EACCES) &&
		 rename("st/theirs", "st/x") < 0 && (errno == EPERM || errno == EACCES));
}

static int make_sticky(void)
{
	return close(make("st/mine", "x"));
}

static void test_owners(void)
{
	NEED(mkdir("st", 0777) == 0 && chmod("st", 01777) == 0);
	NEED(close(make("st/theirs", "x")) == 0 && chown("st/theirs", 1000, 1000) == 0);
	NEED(as_user(1001, remove_sticky));
	NEED(as_user(1001, make_sticky));
	NEED(stat_of("st/mine").st_uid == 1001 && stat_of("st/mine").st_gid == 1001);
	/* A set-group-id folder hands its group down. */
	NEED(mkdir("sg", 0777) == 0 && chown("sg", 0, 55) == 0 && chmod("sg", 02777) == 0);
	NEED(mkdir("sg/d", 0755) == 0 && stat_of("sg/d").st_gid == 55);
	NEED(stat_of("sg/d").st_mode & S_ISGID);
}

static void test_times(void)
{
	struct timespec t[2] = { { 1000000000, 123456789 }, { -5, 1 } };
	struct timespec before;
	int fd = make("t", "x");

	NEED(utimensat(AT_FDCWD, "t", t, 0) == 0);
	NEED(stat_of("t").st_atim.tv_sec == 1000000000 && stat_of("t").st_mtim.tv_sec == -5);
	NEED(stat_of("t").st_atim.tv_nsec == 123456789);
	t[0].tv_nsec = UTIME_OMIT;
	t[1].tv_nsec = UTIME_NOW;
	NEED(utimensat(AT_FDCWD, "t", t, 0) == 0);
	NEED(stat_of("t").st_atim.tv_sec == 1000000000 && stat_of("t").st_mtim.tv_sec > 1000000000);
	t[1] = (struct timespec){ 77, 0 };
	NEED(futimens(fd, t) == 0 && stat_of("t").st_mtim.tv_sec == 77);
	before = stat_of("t").st_mtim;
	NEED(pwrite(fd, "y", 1, 0) == 1 && close(fd) == 0);
	NEED(stat_of("t").st_mtim.tv_sec != before.tv_sec);
	NEED(symlink("t", "tl") == 0);
	t[0] = (struct timespec){ 99, 0 };
	NEED(utimensat(AT_FDCWD, "tl", t, AT_SYMLINK_NOFOLLOW) == 0);
	NEED(stat_of("tl").st_atim.tv_sec == 99 && stat_of("t").st_atim.tv_sec != 99);
}

static void test_btime(void)
{
	struct statx stx;

	NEED(close(make("bt", "x")) == 0);
	NEED(statx(AT_FDCWD, "bt", 0, STATX_BASIC_STATS | STATX_BTIME, &stx) == 0);
	NEED((stx.stx_mask & STATX_BTIME) && stx.stx_btime.tv_sec > 1000000000);
}

static void test_special(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX, .sun_path = "sock" };
	int s = socket(AF_UNIX, SOCK_STREAM, 0);
	char c = 0;
	int fd;
	int in;

	NEED(bind(s, (struct sockaddr *)&addr, sizeof(addr)) == 0 && listen(s, 1) == 0);
	NEED(S_ISSOCK(stat_of("sock").st_mode));
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	NEED(connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0);
	close(fd);
	close(s);
	NEED(mkfifo("fifo", 0600) == 0);
	in = open("fifo", O_RDONLY | O_NONBLOCK);
	fd = open("fifo", O_WRONLY);
	NEED(in >= 0 && fd >= 0 && write(fd, "f", 1) == 1 && read(in, &c, 1) == 1 && c == 'f');
	close(in);
	close(fd);
	if (has_word("no-devices"))
		return;
	/* The guest's own null, not one of the host. */
	NEED(mknod("null", S_IFCHR | 0666, makedev(1, 3)) == 0);
	NEED(stat_of("null").st_rdev == makedev(1, 3));
	fd = open("null", O_RDWR);
	NEED(fd >= 0 && read(fd, &c, 1) == 0 && write(fd, "x", 1) == 1);
	close(fd);
	NEED(mknod("big", S_IFBLK | 0600, makedev(259, 70000)) == 0);
	NEED(stat_of("big").st_rdev == makedev(259, 70000));
}

static void test_names(void)
{
	char longest[257];
	static const char odd[] = "\xff\xfe\x01 \n*?\x80";
	DIR *d;
	bool seen = false;

	memset(longest, 'n', sizeof(longest));
	longest[255] = '\0';
	NEED(close(make(longest, "long")) == 0 && holds(longest, "long"));
	longest[255] = 'n';
	longest[256] = '\0';
	FAILS(open(longest, O_CREAT | O_WRONLY, 0644), ENAMETOOLONG);
	NEED(mkdir("nd", 0755) == 0 && chdir("nd") == 0);
	NEED(close(make(odd, "odd")) == 0 && holds(odd, "odd"));
	d = opendir(".");
	for (struct dirent *e; d && (e = readdir(d));)
		seen |= strcmp(e->d_name, odd) == 0;
	closedir(d);
	NEED(chdir("..") == 0 && seen);
	NEED(close(make("backslash\\", "")) == 0 && close(make("...", "")) == 0);
	FAILS(open("", O_RDONLY), ENOENT);
}

static void test_xattrs(void)
{
	/* struct posix_acl_xattr: version 2, then tag, perm, id of each entry. */
	const unsigned char acl[] = { 2,   0,   0,   0,   1,   0,   6,   0,   255, 255, 255, 255,
				      2,   0,   7,   0,   232, 3,   0,   0, /* user 1000 rwx */
				      4,   0,   4,   0,   255, 255, 255, 255, 16,  0,   7,   0,
				      255, 255, 255, 255, 32,  0,   4,   0,   255, 255, 255, 255 };
	char buf[256];

	NEED(close(make("x", "x")) == 0);
	NEED(setxattr("x", "user.a", "one", 3, XATTR_CREATE) == 0);
	FAILS(setxattr("x", "user.a", "two", 3, XATTR_CREATE), EEXIST);
	FAILS(setxattr("x", "user.b", "two", 3, XATTR_REPLACE), ENODATA);
	NEED(getxattr("x", "user.a", buf, sizeof(buf)) == 3 && memcmp(buf, "one", 3) == 0);
	FAILS(getxattr("x", "user.a", buf, 2), ERANGE);
	NEED(getxattr("x", "user.a", NULL, 0) == 3);
	NEED(listxattr("x", buf, sizeof(buf)) > 0);
	NEED(removexattr("x", "user.a") == 0);
	FAILS(getxattr("x", "user.a", buf, sizeof(buf)), ENODATA);
	if (!has_word("host")) /* trusted.* belongs to it */
		FAILS(setxattr("x", "trusted.a", "x", 1, 0), EOPNOTSUPP);
	{
		/* VFS_CAP_REVISION_2, cap_net_raw */
		const unsigned char caps[20] = { 0, 0, 0, 2, 0, 0x20 };

		NEED(setxattr("x", "security.capability", caps, sizeof(caps), 0) == 0);
		NEED(getxattr("x", "security.capability", buf, sizeof(buf)) == sizeof(caps));
		NEED(chown("x", 0, 0) == 0); /* takes it away */
		FAILS(getxattr("x", "security.capability", buf, sizeof(buf)), ENODATA);
	}
	NEED(setxattr("x", "system.posix_acl_access", acl, sizeof(acl), 0) == 0);
	NEED((stat_of("x").st_mode & 0777) == 0674);
	NEED(mkdir("xd", 0755) == 0);
	NEED(setxattr("xd", "system.posix_acl_default", acl, sizeof(acl), 0) == 0);
	NEED(close(open("xd/f", O_CREAT | O_RDWR, 0666)) == 0);
	NEED(getxattr("xd/f", "system.posix_acl_access", buf, sizeof(buf)) == sizeof(acl));
}

static int read_acl(void)
{
	int fd = open("x", O_RDWR);

	return fd < 0;
}

static void test_acl_holds(void)
{
	NEED(as_user(1000, read_acl)); /* by the list */
	NEED(!as_user(1001, read_acl));
}

static void test_locks(void)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 10, .l_len = 5 };
	int go[2];
	int fd = make("lk", "0123456789abcdef");
	int status = -1;
	char c;
	pid_t pid;

	NEED(fcntl(fd, F_SETLK, &l) == 0 && pipe(go) == 0);
	pid = fork();
	if (pid == 0) {
		struct flock m = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 20 };
		int own = open("lk", O_RDWR);

		if (fcntl(own, F_GETLK, &m) < 0 || m.l_type != F_WRLCK || m.l_start != 10 ||
		    m.l_len != 5)
			_exit(1);
		m = (struct flock){ .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 11 };
		if (fcntl(own, F_SETLK, &m) == 0 || (errno != EAGAIN && errno != EACCES))
			_exit(2);
		m.l_len = 10; /* beside it */
		if (fcntl(own, F_SETLK, &m) < 0)
			_exit(3);
		if (flock(own, LOCK_EX | LOCK_NB) < 0 || write(go[1], "x", 1) != 1)
			_exit(4);
		m.l_len = 11;
		if (fcntl(own, F_SETLKW, &m) < 0) /* until the parent unlocks */
			_exit(5);
		_exit(0);
	}
	NEED(read(go[0], &c, 1) == 1);
	FAILS(flock(fd, LOCK_SH | LOCK_NB), EWOULDBLOCK);
	usleep(100000);
	NEED(waitpid(pid, &status, WNOHANG) == 0);
	l.l_type = F_UNLCK;
	NEED(fcntl(fd, F_SETLK, &l) == 0);
	NEED(waitpid(pid, &status, 0) == pid);
	errno = status >> 8;
	NEED(status == 0);
	NEED(flock(fd, LOCK_SH) == 0);
	close(fd);
}

static void test_direct(void)
{
	void *buf = NULL;
	int fd = open("direct", O_RDWR | O_CREAT | O_DIRECT, 0644);

	if (fd < 0 && errno == EINVAL) {
		snprintf(why, sizeof(why), "skip");
		return;
	}
	NEED(fd >= 0 && posix_memalign(&buf, 4096, 65536) == 0);
	memset(buf, 'd', 65536);
	NEED(pwrite(fd, buf, 65536, 4096) == 65536);
	memset(buf, 0, 65536);
	NEED(pread(fd, buf, 65536, 4096) == 65536 && ((char *)buf)[65535] == 'd');
	NEED(stat_of("direct").st_size == 65536 + 4096);
	close(fd);
	fd = open("direct", O_RDONLY); /* the cached view agrees */
	NEED(pread(fd, buf, 10, 4090) == 10 && ((char *)buf)[5] == 0 && ((char *)buf)[6] == 'd');
	close(fd);
	free(buf);
}

/*
 * Entries of a folder that the host has filled with files f0, f1 ..., some of them removed while
 * they are listed: each that stays is seen exactly once.
 */
static void test_many(void)
{
	enum { N = 10000 };
	static unsigned char seen[N];
	char name[24];
	unsigned int n = 0;
	DIR *d;
	int i;

	NEED(chdir("many") == 0);
	d = opendir(".");
	for (struct dirent *e; d && (e = readdir(d));) {
		if (e->d_name[0] == '.')
			continue;
		i = atoi(e->d_name + 1);
		NEED(i >= 0 && i < N && !seen[i]);
		seen[i] = 1;
		if (++n % 20 == 0) { /* only such whose number is divisible by three */
			snprintf(name, sizeof(name), "f%d", (int)(n * 7 % N) / 3 * 3);
			unlink(name);
		}
	}
	closedir(d);
	NEED(n > N - N / 20);
	for (i = 0; i < N; i++)
		NEED(seen[i] || i % 3 == 0);
}

/* seekdir(3) to any place that telldir(3) named. */
static void test_seekdir(void)
{
	char name[24], first[256];
	long places[300];
	int n = 0;
	DIR *d;
	struct dirent *e;

	NEED(mkdir("seek", 0755) == 0);
	for (int i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "seek/%d", i);
		NEED(mknod(name, S_IFREG | 0644, 0) == 0);
	}
	d = opendir("seek");
	NEED(d != NULL);
	while (n < 300 && (e = readdir(d)))
		places[n++] = telldir(d);
	seekdir(d, places[100]);
	e = readdir(d);
	NEED(e != NULL);
	snprintf(first, sizeof(first), "%s", e->d_name);
	rewinddir(d);
	seekdir(d, places[100]);
	e = readdir(d);
	NEED(e && strcmp(e->d_name, first) == 0);
	closedir(d);
}

static void test_mmap(void)
{
	int fd = make("map", "");
	char *p;
	char c;

	NEED(ftruncate(fd, 100000) == 0);
	p = mmap(NULL, 100000, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED && errno == ENODEV) { /* without a cache in Linux 6.1: private only */
		p = mmap(NULL, 100000, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
		NEED(p != MAP_FAILED && p[99999] == 0);
		return;
	}
	NEED(p != MAP_FAILED);
	p[50000] = 'm';
	NEED(msync(p, 100000, MS_SYNC) == 0);
	NEED(pread(fd, &c, 1, 50000) == 1 && c == 'm');
	NEED(pwrite(fd, "w", 1, 70000) == 1 && p[70000] == 'w');
	NEED(munmap(p, 100000) == 0 && close(fd) == 0);
}

static const struct {
	const char *name;
	void (*run)(void);
	const char *without; /* the word that leaves it out */
} tests[] = {
	{ "rename", test_rename, NULL },
	{ "links", test_links, NULL },
	{ "symlinks", test_symlinks, NULL },
	{ "append", test_append, NULL },
	{ "open", test_open, NULL },
	{ "holes", test_holes, NULL },
	{ "copy_file_range", test_copy_range, NULL },
	{ "modes", test_modes, NULL },
	{ "kill_suid", test_kill_suid, NULL },
	{ "owners", test_owners, NULL },
	{ "times", test_times, NULL },
	{ "btime", test_btime, "no-btime" },
	{ "special", test_special, NULL },
	{ "names", test_names, NULL },
	{ "xattrs", test_xattrs, "no-xattr" },
	{ "acls", test_acl_holds, "no-xattr" },
	{ "locks", test_locks, "no-locks" },
	{ "direct", test_direct, "no-direct" },
	{ "seekdir", test_seekdir, NULL },
	{ "mmap", test_mmap, NULL },
	{ "many", test_many, "no-many" },
};

int main(int argc, char **argv)
{
	char root[4096];
	int rc = 0;

	if (argc < 2 || chdir(argv[1]) < 0 || !getcwd(root, sizeof(root))) {
		fprintf(stderr, "usage: fsops DIR [WORD...]\n");
		return 2;
	}
	words = argv + 2;
	umask(022);
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		why[0] = '\0';
		if (tests[i].without && has_word(tests[i].without))
			continue;
		tests[i].run();
		if (strcmp(why, "skip") == 0)
			printf("%s skipped\n", tests[i].name);
		else if (why[0])
			printf("%s failed: %s\n", tests[i].name, why);
		else
			printf("%s ok\n", tests[i].name);
		fflush(stdout);
		rc |= why[0] && strcmp(why, "skip") != 0;
		if (chdir(root) < 0)
			return 2;
	}
	return rc;
}
