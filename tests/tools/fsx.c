// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Random operations on one file, each compared with a copy in memory: read, write, mapped read and
 * write, truncate, punch, zero, fallocate, copy, reopen, and the holes that lseek(2) tells.
 * usage: fsx FILE SEED OPERATIONS [no-map]; prints the seed and step of a difference.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX = 256 * 1024, PART = 40000 };

static uint8_t want[MAX], got[MAX];
static size_t size;
static int fd = -1;
static const char *path;
static uint64_t state;

static uint32_t rnd(uint32_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 20) % below;
}

static void fill(uint8_t *p, size_t n)
{
	const uint32_t base = rnd(256);

	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(base + i + i / 255);
}

static bool same(size_t off, size_t n, ssize_t rc, const char *what)
{
	const size_t expect = off >= size ? 0 : size - off < n ? size - off : n;

	if (rc == (ssize_t)expect && memcmp(got, want + off, expect) == 0)
		return true;
	printf("fsx: %s of %zu at %zu gave %zd of %zu (%s)\n", what, n, off, rc, expect,
	       rc < 0 ? strerror(errno) : "data");
	for (size_t i = 0; i < expect && rc == (ssize_t)expect; i++) {
		if (got[i] != want[off + i]) {
			printf("fsx: first differing byte at %zu: %02x for %02x\n", off + i, got[i],
			       want[off + i]);
			break;
		}
	}
	return false;
}

static void grow(size_t end)
{
	if (end > size) {
		memset(want + size, 0, end - size);
		size = end;
	}
}

static bool do_read(size_t off, size_t n)
{
	return same(off, n, pread(fd, got, n, (off_t)off), "read");
}

static bool do_write(size_t off, size_t n)
{
	grow(off);
	fill(want + off, n);
	if (off + n > size)
		size = off + n;
	return pwrite(fd, want + off, n, (off_t)off) == (ssize_t)n;
}

static bool do_map(size_t off, size_t n, bool write)
{
	const size_t from = off & ~(size_t)4095;
	uint8_t *p;

	if (off >= size)
		return true;
	if (off + n > size)
		n = size - off;
	p = mmap(NULL, off + n - from, PROT_READ | (write ? PROT_WRITE : 0), MAP_SHARED, fd,
		 (off_t)from);
	if (p == MAP_FAILED)
		return false;
	if (write) {
		fill(want + off, n);
		memcpy(p + (off - from), want + off, n);
	}
	memcpy(got, p + (off - from), n);
	munmap(p, off + n - from);
	return same(off, n, (ssize_t)n, write ? "mapped write" : "mapped read");
}

static bool do_truncate(size_t to)
{
	if (to < size)
		size = to;
	grow(to);
	return ftruncate(fd, (off_t)to) == 0;
}

static bool do_range(size_t off, size_t n, int mode)
{
	if (mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)) {
		if (off < size)
			memset(want + off, 0, off + n > size ? size - off : n);
	}
	if (!(mode & FALLOC_FL_KEEP_SIZE))
		grow(off + n);
	if (fallocate(fd, mode, (off_t)off, (off_t)n) == 0)
		return true;
	/* A host without ZERO_RANGE, as tmpfs: written instead. */
	if (errno != EOPNOTSUPP || !(mode & FALLOC_FL_ZERO_RANGE))
		return false;
	return pwrite(fd, want + off, n, (off_t)off) == (ssize_t)n;
}

static bool do_copy(size_t from, size_t to, size_t n)
{
	off_t in = (off_t)from, out = (off_t)to;

	if (from >= size || (from < to + n && to < from + n))
		return true;
	if (from + n > size)
		n = size - from;
	grow(to);
	memcpy(want + to, want + from, n);
	if (to + n > size)
		size = to + n;
	while (n > 0) {
		ssize_t rc = copy_file_range(fd, &in, fd, &out, n, 0);

		if (rc <= 0)
			return false;
		n -= (size_t)rc;
	}
	return true;
}

static bool do_reopen(void)
{
	close(fd);
	fd = open(path, O_RDWR);
	return fd >= 0;
}

/* What SEEK_HOLE calls a hole reads as zeros; the size is what fstat(2) says. */
static bool do_check(void)
{
	off_t hole = lseek(fd, 0, SEEK_HOLE);
	off_t data = hole < 0 ? -1 : lseek(fd, hole, SEEK_DATA);
	struct stat st;

	if (fstat(fd, &st) < 0 || (size_t)st.st_size != size) {
		printf("fsx: size %lld, wanted %zu\n", (long long)st.st_size, size);
		return false;
	}
	if (size == 0 || hole < 0)
		return size == 0;
	if (data < 0)
		data = (off_t)size;
	for (off_t i = hole; i < data; i++) {
		if (want[i]) {
			printf("fsx: data at %lld in the hole from %lld\n", (long long)i,
			       (long long)hole);
			return false;
		}
	}
	return true;
}

static bool step(bool maps)
{
	const size_t n = 1 + rnd(PART);
	const size_t off = rnd(MAX - PART);

	switch (rnd(maps ? 14 : 11)) {
	case 0:
	case 1:
		return do_read(off, n);
	case 2:
	case 3:
		return do_write(off, n);
	case 4:
		return do_truncate(rnd(MAX));
	case 5:
		return do_range(off, n, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE);
	case 6:
		return do_range(off, n, FALLOC_FL_ZERO_RANGE);
	case 7:
		return do_range(off, n, rnd(2) ? FALLOC_FL_KEEP_SIZE : 0);
	case 8:
		return do_copy(off, rnd(MAX - PART), n);
	case 9:
		return do_reopen();
	case 10:
		return do_check();
	case 11:
		return do_map(off, n, false);
	default:
		return do_map(off, n, true);
	}
}

int main(int argc, char **argv)
{
	bool maps;
	long n;

	if (argc < 4)
		return 2;
	path = argv[1];
	state = strtoull(argv[2], NULL, 10) * 2654435761U + 88172645463325252U;
	n = strtol(argv[3], NULL, 10);
	maps = argc < 5;
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0644);
	if (fd < 0) {
		perror(path);
		return 2;
	}
	for (long i = 0; i < n; i++) {
		errno = 0;
		if (!step(maps)) {
			printf("fsx: seed %s, step %ld failed: %s\n", argv[2], i, strerror(errno));
			return 1;
		}
	}
	return do_read(0, MAX) && fsync(fd) == 0 ? 0 : 1;
}
