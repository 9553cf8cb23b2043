// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What one virtio-fs request costs on the host, without a KVM: the unit tests' guest sends requests
 * one at a time through the queue, so each figure holds two switches between threads; beside it
 * the same work by plain system calls. Prints one line per kind of request.
 */
#include <time.h>

#include "tests/unit/fs_rig.h"

enum { FILES = 2000, BLOCK = 256 * 1024, BLOCKS = 256, FILE_BYTES = 4096 };

struct bench {
	struct rig r;
	uint64_t node, fh; /* of the big file */
	int host_fd;
};

static double now_s(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void guest_getattr(struct bench *b, int i)
{
	int rc;

	(void)i;
	(void)rig_attr(&b->r, FUSE_ROOT_ID, &rc);
}

static void host_getattr(struct bench *b, int i)
{
	struct stat st;

	(void)i;
	(void)fstatat(b->r.root_fd, "", &st, AT_EMPTY_PATH);
}

static void guest_small(struct bench *b, int i)
{
	static const char data[FILE_BYTES];
	struct rig_created c;
	char name[32];
	int rc;

	(void)snprintf(name, sizeof(name), "g%d", i);
	c = rig_create(&b->r, FUSE_ROOT_ID, name, O_WRONLY, 0644, &rc);
	(void)rig_write(&b->r, c.node, c.fh, 0, data, sizeof(data));
	(void)rig_release(&b->r, FUSE_RELEASE, c.node, c.fh);
}

static void host_small(struct bench *b, int i)
{
	static const char data[FILE_BYTES];
	char name[32];
	int fd;

	(void)snprintf(name, sizeof(name), "h%d", i);
	fd = openat(b->r.root_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (write(fd, data, sizeof(data)) < 0)
		abort();
	(void)close(fd);
}

static void guest_lookup(struct bench *b, int i)
{
	char name[32];
	int rc;

	(void)snprintf(name, sizeof(name), "h%d", i);
	(void)rig_lookup(&b->r, FUSE_ROOT_ID, name, &rc);
}

static void host_lookup(struct bench *b, int i)
{
	struct stat st;
	char name[32];

	(void)snprintf(name, sizeof(name), "h%d", i);
	(void)fstatat(b->r.root_fd, name, &st, AT_SYMLINK_NOFOLLOW);
}

static void guest_read(struct bench *b, int i)
{
	b->r.out_room = BLOCK + sizeof(struct fuse_out_header);
	if (rig_read(&b->r, FUSE_READ, b->node, b->fh, (uint64_t)i * BLOCK, BLOCK) != BLOCK)
		abort();
}

static void host_read(struct bench *b, int i)
{
	uint8_t *to = b->r.ram + RIG_OUT + sizeof(struct fuse_out_header);

	if (pread(b->host_fd, to, BLOCK, (off_t)i * BLOCK) != BLOCK)
		abort();
}

static double run(struct bench *b, void (*one)(struct bench *, int), int n)
{
	const double start = now_s();

	for (int i = 0; i < n; i++)
		one(b, i);
	return (now_s() - start) / n * 1e6;
}

static long rss_kib(void)
{
	FILE *f = fopen("/proc/self/statm", "re");
	long total;
	long pages = 0;

	if (f && fscanf(f, "%ld %ld", &total, &pages) != 2)
		pages = 0;
	if (f)
		(void)fclose(f);
	return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

int main(void)
{
	static const struct {
		const char *name;
		void (*guest)(struct bench *, int);
		void (*host)(struct bench *, int);
		int n;
	} rows[] = {
		{ "getattr", guest_getattr, host_getattr, 20000 },
		{ "create, write 4 KiB, release", guest_small, host_small, FILES },
		{ "lookup", guest_lookup, host_lookup, FILES },
		{ "read 256 KiB, cached", guest_read, host_read, BLOCKS },
	};
	const struct virtio_fs_options o = { .cache = VIRTIO_FS_CACHE_AUTO };
	static struct bench b;
	const long before = rss_kib();
	int rc;

	rig_open(&b.r, &o);
	(void)rig_init(&b.r);
	b.host_fd = openat(b.r.root_fd, "big", O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	for (int i = 0; i < BLOCKS; i++) {
		if (pwrite(b.host_fd, b.r.ram, BLOCK, (off_t)i * BLOCK) != BLOCK)
			abort();
	}
	b.node = rig_lookup(&b.r, FUSE_ROOT_ID, "big", &rc);
	b.fh = rig_open_node(&b.r, FUSE_OPEN, b.node, O_RDONLY, &rc);
	printf("%-30s %12s %12s\n", "microseconds each", "virtio-fs", "system calls");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const double host = run(&b, rows[i].host, rows[i].n);
		const double guest = run(&b, rows[i].guest, rows[i].n);

		printf("%-30s %12.1f %12.1f\n", rows[i].name, guest, host);
	}
	printf("memory used, KiB: %ld (%d of it guest RAM)\n", rss_kib() - before,
	       VQD_BYTES / 1024);
	(void)close(b.host_fd);
	rig_close(&b.r);
	return test_failed || test_skipped;
}
