// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * /init of a guest that measures its disk or its shared folder, by the word io=blk or io=fs on the
 * kernel's command line. Prints lines "io NAME VALUE UNIT", then "init", at the console, and waits
 * to be killed. Every byte that is read is compared with what was written.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
	MIB = 1 << 20,
	TOTAL_MIB = 32,
	BLOCK = 4096,
	RANDOM_READS = 500,
	FILES = 200,
};

static char *buffer;

static void die(const char *what)
{
	printf("io failed: %s: %s\n", what, strerror(errno));
	for (;;)
		pause();
}

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void report(const char *name, double amount, double since, const char *unit)
{
	printf("io %s %.1f %s\n", name, amount / (now_s() - since), unit);
}

static void drop_caches(void)
{
	int fd = open("/proc/sys/vm/drop_caches", O_WRONLY);

	if (fd < 0 || write(fd, "3", 1) != 1)
		die("drop caches");
	close(fd);
}

/* Block N of the file begins with N, so that a read of the wrong place is seen. */
static void fill(uint64_t first_block)
{
	memset(buffer, 'a', MIB);
	for (uint64_t i = 0; i < MIB / BLOCK; i++) {
		uint64_t n = first_block + i;

		memcpy(buffer + i * BLOCK, &n, sizeof(n));
	}
}

static void check(const char *block, uint64_t want)
{
	uint64_t n;

	memcpy(&n, block, sizeof(n));
	if (n != want || block[BLOCK - 1] != 'a') {
		errno = EILSEQ;
		die("data differ");
	}
}

static void write_all(int fd)
{
	double start = now_s();

	for (int i = 0; i < TOTAL_MIB; i++) {
		fill((uint64_t)i * (MIB / BLOCK));
		if (pwrite(fd, buffer, MIB, (off_t)i * MIB) != MIB)
			die("write");
	}
	if (fsync(fd) < 0)
		die("fsync");
	report("write", TOTAL_MIB, start, "MiB/s");
}

static void read_all(int fd)
{
	double start = now_s();

	for (int i = 0; i < TOTAL_MIB; i++) {
		if (pread(fd, buffer, MIB, (off_t)i * MIB) != MIB)
			die("read");
		check(buffer, (uint64_t)i * (MIB / BLOCK));
		check(buffer + MIB - BLOCK, (uint64_t)(i + 1) * (MIB / BLOCK) - 1);
	}
	report("read", TOTAL_MIB, start, "MiB/s");
}

static void read_random(int fd)
{
	uint64_t state = 88172645463325252U; /* xorshift64 */
	double start = now_s();

	for (int i = 0; i < RANDOM_READS; i++) {
		uint64_t block;

		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		block = state % ((uint64_t)TOTAL_MIB * MIB / BLOCK);
		if (pread(fd, buffer, BLOCK, (off_t)(block * BLOCK)) != BLOCK)
			die("random read");
		check(buffer, block);
	}
	report("random-4k-read", RANDOM_READS, start, "1/s");
}

static void bench_file(const char *path, int flags)
{
	int fd = open(path, O_RDWR | O_CREAT | flags, 0600);

	if (fd < 0)
		die(path);
	write_all(fd);
	drop_caches();
	read_all(fd);
	drop_caches();
	if (posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM) != 0)
		die("fadvise");
	read_random(fd);
	close(fd);
}

static void for_files(const char *name, int (*op)(const char *path))
{
	char path[64];
	double start;

	drop_caches();
	start = now_s();
	for (int i = 0; i < FILES; i++) {
		snprintf(path, sizeof(path), "/m/many/%d", i);
		if (op(path) < 0)
			die(path);
	}
	report(name, FILES, start, "1/s");
}

static int create_one(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);

	if (fd < 0 || write(fd, path, 32) != 32)
		return -1;
	return close(fd);
}

static int stat_one(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && st.st_size == 32 ? 0 : -1;
}

static int read_one(const char *path)
{
	int fd = open(path, O_RDONLY);

	if (fd < 0 || read(fd, buffer, 64) != 32)
		return -1;
	return close(fd);
}

static void bench_files(void)
{
	if (mkdir("/m/many", 0700) < 0)
		die("mkdir");
	for_files("create", create_one);
	for_files("stat", stat_one);
	for_files("open-read-close", read_one);
	for_files("unlink", unlink);
}

int main(void)
{
	const char *what = getenv("io");

	setvbuf(stdout, NULL, _IOLBF, 0);
	mkdir("/proc", 0755);
	mkdir("/m", 0755);
	if (mount("proc", "/proc", "proc", 0, NULL) < 0 ||
	    mount("dev", "/dev", "devtmpfs", 0, NULL) < 0)
		die("mount");
	buffer = aligned_alloc(BLOCK, MIB);
	if (!buffer || !what)
		die("start");
	if (strcmp(what, "blk") == 0) {
		bench_file("/dev/vda", O_DIRECT);
	} else {
		if (mount("tag", "/m", "virtiofs", 0, NULL) < 0)
			die("mount virtiofs");
		bench_file("/m/file", 0);
		bench_files();
	}
	puts("init");
	for (;;)
		pause();
}
