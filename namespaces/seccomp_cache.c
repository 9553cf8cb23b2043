// SPDX-License-Identifier: GPL-2.0-or-later
// The cache of compiled filters. A file is a head, the key and the program; its size is exactly
// that of the three, and the program's hash guards against a file that was cut or changed by
// accident.
#include "namespaces/seccomp_cache.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "spec/base/fd.h"
#include "spec/base/log.h"

enum {
	KEY_BYTES_MAX = 1 << 20,
	NAME_BYTES = 64,
};

#define HEAD_MAGIC UINT64_C(0x316c6966766c6962) /* "bilvfil1" in memory */

struct head {
	uint64_t magic;
	uint64_t program_hash;
	uint32_t key_len;
	uint32_t n_insns;
};

/* FNV-1a over 8-byte words; not against an attacker, who would need to write the folder. */
static uint64_t hash_bytes(const void *data, size_t len)
{
	const unsigned char *p = data;
	uint64_t h = UINT64_C(0xcbf29ce484222325) ^ len;

	while (len > 0) {
		uint64_t word = 0;
		size_t n = len < sizeof(word) ? len : sizeof(word);

		memcpy(&word, p, n);
		h = (h ^ word) * UINT64_C(0x100000001b3);
		h ^= h >> 32;
		p += n;
		len -= n;
	}
	return h;
}

static void file_name(const struct buf *key, char out[NAME_BYTES])
{
	(void)snprintf(out, NAME_BYTES, "%016llx",
		       (unsigned long long)hash_bytes(key->data, key->len));
}

static int is_trusted(const struct stat *st)
{
	return S_ISREG(st->st_mode) && st->st_uid == geteuid() &&
	       (st->st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

/* Whether the @len bytes of a file are the entry of @key; then *@out_insns points into them. */
static int parse_entry(const char *file, size_t len, const struct buf *key, struct head *out_head,
		       const char **out_insns)
{
	struct head h;

	if (len < sizeof(h))
		return -ENOENT;
	memcpy(&h, file, sizeof(h));
	if (h.magic != HEAD_MAGIC || h.key_len != key->len || h.n_insns == 0 ||
	    h.n_insns > BPF_MAXINSNS ||
	    len != sizeof(h) + h.key_len + h.n_insns * sizeof(struct sock_filter))
		return -ENOENT;
	if (memcmp(file + sizeof(h), key->data, key->len) != 0)
		return -ENOENT;
	file += sizeof(h) + h.key_len;
	if (hash_bytes(file, h.n_insns * sizeof(struct sock_filter)) != h.program_hash)
		return -ENOENT;
	*out_head = h;
	*out_insns = file;
	return 0;
}

int seccomp_cache_get(int cache_fd, const struct buf *key, struct seccomp_program *out)
{
	size_t max = sizeof(struct head) + key->len + BPF_MAXINSNS * sizeof(struct sock_filter);
	auto_close int fd = -1;
	auto_free char *file = NULL;
	char name[NAME_BYTES];
	const char *insns;
	struct stat st;
	struct head h;
	size_t size;
	ssize_t got;

	file_name(key, name);
	fd = openat(cache_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0 || !is_trusted(&st) || (uint64_t)st.st_size > max)
		return -ENOENT;
	size = (size_t)st.st_size;
	file = malloc(size + 1);
	if (!file)
		return -ENOMEM;
	got = read(fd, file, size + 1);
	if (got < 0 || (size_t)got != size || parse_entry(file, size, key, &h, &insns) < 0)
		return -ENOENT;
	out->insns = malloc(h.n_insns * sizeof(*out->insns));
	if (!out->insns)
		return -ENOMEM;
	memcpy(out->insns, insns, h.n_insns * sizeof(*out->insns));
	out->n = h.n_insns;
	return 0;
}

/* Removes the oldest file when the folder is full. Another process may do so at the same time. */
static void evict(int cache_fd)
{
	auto_closedir DIR *dir = NULL;
	char oldest[NAME_MAX + 1] = "";
	struct timespec oldest_time = { 0 };
	unsigned int n = 0;
	int fd;

	fd = openat(cache_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	dir = fdopendir(fd);
	if (!dir) {
		(void)close(fd);
		return;
	}
	for (struct dirent *e; (e = readdir(dir));) {
		struct stat st;

		if (fstatat(cache_fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		    S_ISDIR(st.st_mode))
			continue;
		n++;
		if (oldest[0] && (st.st_mtim.tv_sec > oldest_time.tv_sec ||
				  (st.st_mtim.tv_sec == oldest_time.tv_sec &&
				   st.st_mtim.tv_nsec >= oldest_time.tv_nsec)))
			continue;
		oldest_time = st.st_mtim;
		(void)snprintf(oldest, sizeof(oldest), "%s", e->d_name);
	}
	if (n >= SECCOMP_CACHE_FILES_MAX && unlinkat(cache_fd, oldest, 0) < 0 && errno != ENOENT)
		log_debug("remove cached filter '%s': %m, ignoring", oldest);
}

int seccomp_cache_put(int cache_fd, const struct buf *key, const struct seccomp_program *p)
{
	struct head h = { .magic = HEAD_MAGIC };
	auto_buf struct buf b = BUF_INIT;
	char name[NAME_BYTES];

	if (key->len > KEY_BYTES_MAX)
		return -EFBIG;
	h.key_len = (uint32_t)key->len;
	h.n_insns = (uint32_t)p->n;
	h.program_hash = hash_bytes(p->insns, p->n * sizeof(*p->insns));
	buf_add(&b, &h, sizeof(h));
	buf_add(&b, key->data, key->len);
	buf_add(&b, p->insns, p->n * sizeof(*p->insns));
	if (buf_failed(&b))
		return -ENOMEM;
	evict(cache_fd);
	file_name(key, name);
	/* Two writers of one key have equal content. */
	return file_put_at(cache_fd, name, b.data, b.len, 0600);
}
