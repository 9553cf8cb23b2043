// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Writes blocks of 1 to 16 sectors at random places of a disk or a file, each saying where it is
 * and in which step it was written, and verifies them, also later: the same seed gives the same
 * places. usage: blkcheck write|verify FILE BYTES SEED STEPS [direct] [sync] blkcheck
 * discard|zero|zero-unmap FILE OFFSET BYTES blkcheck refused FILE: a write and a discard must fail
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { SECTOR = 512, PART_MAX = 16, SLOT = PART_MAX * SECTOR };

static uint64_t state;

static uint64_t rnd(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state >> 11;
}

static void fill(uint64_t *sector, uint64_t at, uint64_t seed, uint64_t step)
{
	uint64_t h = at * 0x9e3779b97f4a7c15U ^ seed << 32 ^ step;

	sector[0] = at;
	sector[1] = seed;
	sector[2] = step;
	for (size_t i = 3; i < SECTOR / 8; i++) {
		h = h * 6364136223846793005U + 1442695040888963407U;
		sector[i] = h;
	}
}

/* The slot of each step, and how much of it. */
static void place(uint64_t slots, uint64_t *slot, unsigned int *sectors)
{
	*slot = rnd() % slots;
	*sectors = 1 + (unsigned int)(rnd() % PART_MAX);
}

static int run(int fd, bool is_write, uint64_t bytes, uint64_t seed, uint64_t steps)
{
	const uint64_t slots = bytes / SLOT;
	/* For each sector the last step that wrote it, and 0: none did. */
	uint32_t *last = calloc(slots * PART_MAX, sizeof(*last));
	uint64_t want[SECTOR / 8];
	unsigned int n;
	void *room = NULL;
	uint64_t slot;

	if (!last || slots == 0 || posix_memalign(&room, 4096, SLOT) != 0)
		return 2;
	for (uint64_t step = 1; step <= steps; step++) {
		uint8_t *p = room;

		place(slots, &slot, &n);
		for (unsigned int i = 0; i < n; i++) {
			last[slot * PART_MAX + i] = (uint32_t)step;
			fill((uint64_t *)(void *)(p + (size_t)i * SECTOR),
			     slot * SLOT + (uint64_t)i * SECTOR, seed, step);
		}
		if (is_write && pwrite(fd, p, (size_t)n * SECTOR, (off_t)(slot * SLOT)) !=
				    (ssize_t)((size_t)n * SECTOR)) {
			perror("blkcheck: write");
			return 1;
		}
	}
	if (is_write)
		return fsync(fd) == 0 ? 0 : 1;
	for (slot = 0; slot < slots; slot++) {
		uint8_t *p = room;
		ssize_t got;

		for (n = PART_MAX; n > 0 && !last[slot * PART_MAX + n - 1]; n--)
			;
		got = n ? pread(fd, p, SLOT, (off_t)(slot * SLOT)) : 0;
		if (n && got < (ssize_t)((size_t)n * SECTOR)) {
			perror("blkcheck: read");
			return 1;
		}
		for (unsigned int i = 0; i < n; i++) {
			fill(want, slot * SLOT + (uint64_t)i * SECTOR, seed,
			     last[slot * PART_MAX + i]);
			if (memcmp(want, p + (size_t)i * SECTOR, SECTOR) != 0) {
				uint64_t have[3];

				memcpy(have, p + (size_t)i * SECTOR, sizeof(have));
				printf(
				    "blkcheck: at %llu wanted step %llu, there is place %llu seed "
				    "%llu step %llu\n",
				    (unsigned long long)want[0], (unsigned long long)want[2],
				    (unsigned long long)have[0], (unsigned long long)have[1],
				    (unsigned long long)have[2]);
				return 1;
			}
		}
	}
	return 0;
}

static int range(int fd, const char *what, uint64_t from, uint64_t bytes)
{
	const uint64_t r[2] = { from, bytes };

	if (strcmp(what, "discard") == 0)
		return ioctl(fd, BLKDISCARD, r);
	if (strcmp(what, "zero-unmap") == 0)
		return fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)from,
				 (off_t)bytes);
	return ioctl(fd, BLKZEROOUT, r);
}

/* The driver says that the disk is read-only, and the device refuses whatever is tried. */
static int refused(const char *name)
{
	uint64_t r[2] = { 0, 4096 };
	int off = 0;
	int fd = open(name, O_RDWR);

	if (fd >= 0 && (write(fd, r, 16) == 16 && fsync(fd) == 0))
		return 1;
	if (fd >= 0)
		close(fd);
	fd = open(name, O_RDONLY);
	/* Even when the guest's kernel believes that it may. */
	if (fd < 0 || (ioctl(fd, BLKROSET, &off) == 0 && ioctl(fd, BLKDISCARD, r) == 0))
		return 1;
	return 0;
}

int main(int argc, char **argv)
{
	int flags = O_RDWR;
	int fd;
	int rc;

	if (argc == 3 && strcmp(argv[1], "refused") == 0)
		return refused(argv[2]);
	if (argc < 5)
		return 2;
	for (int i = 6; i < argc; i++)
		flags |= strcmp(argv[i], "direct") == 0 ? O_DIRECT : O_SYNC;
	if (strcmp(argv[1], "verify") == 0)
		flags = (flags & ~O_ACCMODE) | O_RDONLY;
	else if (strcmp(argv[1], "write") == 0)
		flags |= O_CREAT;
	fd = open(argv[2], flags, 0644);
	if (fd < 0) {
		perror(argv[2]);
		return 1;
	}
	if (argc == 5) {
		rc = range(fd, argv[1], strtoull(argv[3], NULL, 0), strtoull(argv[4], NULL, 0));
		if (rc < 0)
			perror(argv[1]);
		return rc < 0 ? 1 : 0;
	}
	state = strtoull(argv[4], NULL, 0) * 2654435761U + 88172645463325252U;
	return run(fd, strcmp(argv[1], "write") == 0, strtoull(argv[3], NULL, 0),
		   strtoull(argv[4], NULL, 0), strtoull(argv[5], NULL, 0));
}
