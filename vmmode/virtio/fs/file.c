// SPDX-License-Identifier: GPL-2.0-or-later
/* The table of open files: slots in chunks and a free list. */
#include "vmmode/virtio/fs/file.h"

enum { CHUNK = 128 };

static struct fs_file *slot(const struct fs_files *t, uint32_t i)
{
	return &t->chunks[i / CHUNK][i % CHUNK];
}

int fs_files_init(struct fs_files *t, uint32_t max_files)
{
	*t = (struct fs_files){ .lock = PTHREAD_MUTEX_INITIALIZER, .max_slots = max_files };
	if (max_files == 0 || max_files == UINT32_MAX)
		return -EINVAL;
	t->chunks = calloc(max_files / CHUNK + 1, sizeof(struct fs_file *));
	return t->chunks ? 0 : -ENOMEM;
}

/* Frees a chunk; only the first @n of its slots were ever used. */
static void chunk_free(struct fs_file *chunk, uint32_t n)
{
	for (uint32_t i = 0; chunk && i < n; i++)
		cleanup_close(&chunk[i].fd);
	free(chunk);
}

void fs_files_fini(struct fs_files *t)
{
	for (uint32_t at = 0; t->chunks && at < t->max_slots; at += CHUNK) {
		const uint32_t used = at < t->n_slots ? t->n_slots - at : 0;

		chunk_free(t->chunks[at / CHUNK], used < CHUNK ? used : CHUNK);
	}
	free(t->chunks);
	*t = (struct fs_files){ .lock = PTHREAD_MUTEX_INITIALIZER };
}

static void slot_free(struct fs_files *t, struct fs_file *f, uint32_t i)
{
	cleanup_close(&f->fd);
	f->fd = -1;
	f->gen++;
	f->next = t->free;
	t->free = i + 1;
}

void fs_files_clear(struct fs_files *t)
{
	pthread_mutex_lock(&t->lock);
	for (uint32_t i = 0; i < t->n_slots; i++) {
		struct fs_file *f = slot(t, i);

		if (!f->is_live)
			continue;
		f->is_live = false;
		t->n_live--;
		if (!f->pins)
			slot_free(t, f, i);
	}
	pthread_mutex_unlock(&t->lock);
}

/* A free slot's number. Returns 0; -EMFILE; -ENOMEM. */
static int slot_new(struct fs_files *t, uint32_t *out)
{
	struct fs_file **chunk;

	if (t->free) {
		*out = t->free - 1;
		t->free = slot(t, *out)->next;
		return 0;
	}
	if (t->n_slots == t->max_slots)
		return -EMFILE;
	chunk = &t->chunks[t->n_slots / CHUNK];
	if (!*chunk)
		*chunk = calloc(CHUNK, sizeof(**chunk));
	if (!*chunk)
		return -ENOMEM;
	*out = t->n_slots++;
	slot(t, *out)->dir_lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
	return 0;
}

int fs_file_add(struct fs_files *t, int *fd, uint64_t node_id, bool is_dir, uint64_t *out_fh)
{
	uint32_t i;
	int rc;

	pthread_mutex_lock(&t->lock);
	rc = slot_new(t, &i);
	if (rc == 0) {
		struct fs_file *f = slot(t, i);

		f->fd = take_fd(fd);
		f->is_dir = is_dir;
		f->is_live = true;
		f->node_id = node_id;
		f->dir_pos = 0;
		t->n_live++;
		*out_fh = (uint64_t)f->gen << 32 | i;
	}
	pthread_mutex_unlock(&t->lock);
	return rc;
}

/* The live file of @fh, or NULL. Called with the lock held. */
static struct fs_file *find(const struct fs_files *t, uint64_t fh, uint64_t node_id, bool is_dir)
{
	const uint32_t i = (uint32_t)fh;
	struct fs_file *f;

	if (i >= t->n_slots)
		return NULL;
	f = slot(t, i);
	if (!f->is_live || f->gen != fh >> 32 || f->node_id != node_id || f->is_dir != is_dir)
		return NULL;
	return f;
}

int fs_file_get(struct fs_files *t, uint64_t fh, uint64_t node_id, bool is_dir,
		struct fs_file **out)
{
	struct fs_file *f;

	pthread_mutex_lock(&t->lock);
	f = find(t, fh, node_id, is_dir);
	if (f) {
		f->pins++;
		*out = f;
	}
	pthread_mutex_unlock(&t->lock);
	return f ? 0 : -EBADF;
}

/* The number of a slot whose address is known: chunks are few and files are put once. */
static uint32_t number_of(const struct fs_files *t, const struct fs_file *f)
{
	for (uint32_t c = 0; c * CHUNK < t->n_slots; c++) {
		if (f >= t->chunks[c] && f < t->chunks[c] + CHUNK)
			return c * CHUNK + (uint32_t)(f - t->chunks[c]);
	}
	return 0;
}

void fs_file_put(struct fs_files *t, struct fs_file **file)
{
	struct fs_file *f = TAKE_PTR(*file);

	if (!f)
		return;
	pthread_mutex_lock(&t->lock);
	if (--f->pins == 0 && !f->is_live)
		slot_free(t, f, number_of(t, f));
	pthread_mutex_unlock(&t->lock);
}

int fs_file_release(struct fs_files *t, uint64_t fh, uint64_t node_id, bool is_dir)
{
	struct fs_file *f;

	pthread_mutex_lock(&t->lock);
	f = find(t, fh, node_id, is_dir);
	if (f) {
		f->is_live = false;
		t->n_live--;
		if (!f->pins)
			slot_free(t, f, (uint32_t)fh);
	}
	pthread_mutex_unlock(&t->lock);
	return f ? 0 : -EBADF;
}
