// SPDX-License-Identifier: GPL-2.0-or-later
/* The inode table: slots in chunks, a keyed hash over them, and the clock that bounds descriptors.
 */
#include "vmmode/virtio/fs/inode.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

enum {
	ROOT = 1,
	CHUNK = 1024,           /* slots */
	FIRST_HEADS = 1024,     /* hash heads at the start */
	HANDLE_MAX = 128,       /* bytes: MAX_HANDLE_SZ of open_by_handle_at(2) */
	MOUNTS_MAX = 256,       /* mounts that are remembered for handles */
	CLOCK_STEPS_MAX = 4096, /* slots looked at for one descriptor to close */
	FDS_STEP = 1024,        /* by which the bound grows where nothing can be closed */
};

struct fs_inode {
	uint64_t dev, ino, mnt_id;
	uint64_t nlookup; /* of the guest; 0: the slot is free, or freed at the last put */
	struct file_handle *handle; /* owned; NULL: not taken */
	int fd;                     /* owned; -1: kept by handle */
	uint32_t gen;
	uint32_t pins; /* requests that use it */
	uint32_t next; /* in its hash chain or in the free list */
	uint32_t type;
	bool hot;       /* used since the clock's hand passed */
	bool no_handle; /* stays open: its file system has no handles */
};

struct fs_mount {
	uint64_t mnt_id;
	int fd; /* owned; a file or folder on it, not O_PATH; -1: no handles here */
};

static struct fs_inode *slot(const struct fs_inodes *t, uint32_t i)
{
	return &t->chunks[i / CHUNK][i % CHUNK];
}

static uint64_t node_id(const struct fs_inode *inode, uint32_t i)
{
	return (uint64_t)inode->gen << 32 | i;
}

/* ---- hash ---------------------------------------------------------------------------------- */

static uint32_t hash(const struct fs_inodes *t, uint64_t dev, uint64_t ino, uint64_t mnt_id)
{
	uint64_t h = t->key ^ ino;

	h = (h ^ (h >> 32)) * UINT64_C(0xd6e8feb86659fd93);
	h ^= dev ^ (mnt_id << 32);
	h = (h ^ (h >> 32)) * UINT64_C(0xd6e8feb86659fd93);
	return (uint32_t)(h ^ (h >> 32)) & (t->n_heads - 1);
}

static uint32_t *head_of(const struct fs_inodes *t, const struct fs_inode *inode)
{
	return &t->heads[hash(t, inode->dev, inode->ino, inode->mnt_id)];
}

static void hash_add(struct fs_inodes *t, uint32_t i)
{
	struct fs_inode *inode = slot(t, i);
	uint32_t *head = head_of(t, inode);

	inode->next = *head;
	*head = i;
	t->n_hashed++;
}

static void hash_del(struct fs_inodes *t, uint32_t i)
{
	struct fs_inode *inode = slot(t, i);
	uint32_t *p = head_of(t, inode);

	while (*p != i)
		p = &slot(t, *p)->next;
	*p = inode->next;
	t->n_hashed--;
}

/* Doubles the heads when chains get long; without memory chains just stay longer. */
static void hash_grow(struct fs_inodes *t)
{
	uint32_t *old = t->heads;
	const uint32_t n_old = t->n_heads;
	uint32_t *heads;

	if (t->n_hashed < n_old || n_old >= t->max_slots)
		return;
	heads = calloc((size_t)n_old * 2, sizeof(*heads));
	if (!heads)
		return;
	t->heads = heads;
	t->n_heads = n_old * 2;
	t->n_hashed = 0;
	for (uint32_t h = 0; h < n_old; h++) {
		for (uint32_t i = old[h], next; i != 0; i = next) {
			next = slot(t, i)->next;
			hash_add(t, i);
		}
	}
	free(old);
}

/* ---- handles ------------------------------------------------------------------------------- */

/* The handle of the inode behind @fd, freed by the caller; NULL: it has none, or no memory. */
static struct file_handle *take_handle(int fd)
{
	union {
		struct file_handle h;
		char room[sizeof(struct file_handle) + HANDLE_MAX];
	} u;
	struct file_handle *copy;
	size_t bytes;
	int mnt_id;

	u.h.handle_bytes = HANDLE_MAX;
	if (name_to_handle_at(fd, "", &u.h, &mnt_id, AT_EMPTY_PATH) < 0)
		return NULL;
	bytes = sizeof(u.h) + u.h.handle_bytes;
	copy = malloc(bytes);
	if (copy)
		memcpy(copy, &u, bytes);
	return copy;
}

static bool same_handle(const struct file_handle *a, const struct file_handle *b)
{
	return a->handle_bytes == b->handle_bytes && a->handle_type == b->handle_type &&
	       memcmp(a->f_handle, b->f_handle, a->handle_bytes) == 0;
}

static const struct fs_mount *find_mount(const struct fs_inodes *t, uint64_t mnt_id)
{
	for (uint32_t i = 0; i < t->n_mounts; i++) {
		if (t->mounts[i].mnt_id == mnt_id)
			return &t->mounts[i];
	}
	return NULL;
}

/*
 * The mount that @inode is on, opened through the inode when it is the first one of it: the call
 * that opens handles refuses O_PATH descriptors. Only folders and regular files are opened.
 */
static const struct fs_mount *mount_of(struct fs_inodes *t, const struct fs_inode *inode)
{
	const struct fs_mount *known = find_mount(t, inode->mnt_id);
	struct fs_mount *m;
	char name[16];
	int probe;

	if (known || t->n_mounts == MOUNTS_MAX ||
	    (inode->type != S_IFDIR && inode->type != S_IFREG))
		return known;
	(void)snprintf(name, sizeof(name), "%d", inode->fd);
	m = &t->mounts[t->n_mounts++];
	m->mnt_id = inode->mnt_id;
	m->fd = openat(t->proc_fd, name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	/* Whether this process may open handles at all is asked once per mount. */
	probe = m->fd < 0 ? -1 : open_by_handle_at(m->fd, inode->handle, O_PATH | O_CLOEXEC);
	if (probe < 0) {
		cleanup_close(&m->fd);
		m->fd = -1;
	}
	cleanup_close(&probe);
	return m;
}

/* ---- descriptors --------------------------------------------------------------------------- */

/* Closes the descriptor of @inode and keeps its handle. Returns false when it must stay open. */
static bool evict(struct fs_inodes *t, struct fs_inode *inode)
{
	const struct fs_mount *m;

	if (!inode->handle)
		inode->handle = take_handle(inode->fd);
	if (!inode->handle) {
		inode->no_handle = true;
		return false;
	}
	m = mount_of(t, inode);
	if (!m || m->fd < 0) {
		/* Without a known mount a folder of it may come later: only a refusal is final. */
		inode->no_handle = m != NULL;
		return false;
	}
	(void)close(inode->fd);
	inode->fd = -1;
	t->n_fds--;
	return true;
}

/* Room for one more descriptor. Returns 0 or -ENFILE. */
static int make_room(struct fs_inodes *t)
{
	if (t->n_fds < t->max_fds)
		return 0;
	for (uint32_t steps = 0; steps < CLOCK_STEPS_MAX; steps++) {
		struct fs_inode *inode;

		if (++t->hand >= t->n_slots)
			t->hand = ROOT + 1;
		if (t->hand >= t->n_slots)
			break;
		inode = slot(t, t->hand);
		if (inode->fd < 0 || inode->pins || inode->no_handle)
			continue;
		if (inode->hot)
			inode->hot = false;
		else if (evict(t, inode))
			return 0;
	}
	if (t->max_fds >= t->hard_fds)
		return -ENFILE;
	/* Nothing here can be kept by handle. Not one by one: the search is not to be repeated. */
	t->max_fds += t->hard_fds - t->max_fds < FDS_STEP ? t->hard_fds - t->max_fds : FDS_STEP;
	return 0;
}

/* Opens the inode that is kept by handle. Called with the lock held. */
static int reopen(struct fs_inodes *t, struct fs_inode *inode)
{
	const struct fs_mount *m = find_mount(t, inode->mnt_id);
	int rc = make_room(t);
	int fd;

	if (rc < 0)
		return rc;
	if (!m)
		return -ESTALE;
	fd = open_by_handle_at(m->fd, inode->handle, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	inode->fd = fd;
	t->n_fds++;
	return 0;
}

/* ---- slots --------------------------------------------------------------------------------- */

/* A free slot. Returns its number, or 0: the bound is reached or there is no memory. */
static uint32_t slot_new(struct fs_inodes *t)
{
	uint32_t i = t->free;

	if (i) {
		t->free = slot(t, i)->next;
		return i;
	}
	i = t->n_slots;
	if (i == t->max_slots)
		return 0;
	if (!t->chunks[i / CHUNK]) {
		t->chunks[i / CHUNK] = calloc(CHUNK, sizeof(struct fs_inode));
		if (!t->chunks[i / CHUNK])
			return 0;
	}
	t->n_slots++;
	slot(t, i)->fd = -1;
	return i;
}

/* Frees a slot that nobody uses and that is in no hash chain. */
static void slot_free(struct fs_inodes *t, uint32_t i)
{
	struct fs_inode *inode = slot(t, i);

	if (inode->fd >= 0) {
		(void)close(inode->fd);
		t->n_fds--;
	}
	free(inode->handle);
	*inode = (struct fs_inode){ .fd = -1, .gen = inode->gen + 1, .next = t->free };
	t->free = i;
}

/* The number of the live slot of @id, or 0. */
static uint32_t find_slot(const struct fs_inodes *t, uint64_t id)
{
	const uint32_t i = (uint32_t)id;

	if (i < ROOT || i >= t->n_slots)
		return 0;
	return slot(t, i)->nlookup && slot(t, i)->gen == id >> 32 ? i : 0;
}

static uint64_t dev_of(const struct statx *stx)
{
	return (uint64_t)stx->stx_dev_major << 32 | stx->stx_dev_minor;
}

static int add_root(struct fs_inodes *t, int root_fd)
{
	struct fs_inode *root;
	struct statx stx;
	int fd;

	if (statx(root_fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_MNT_ID, &stx) < 0)
		return -errno;
	if (!S_ISDIR(stx.stx_mode))
		return -ENOTDIR;
	/* Not dup: whatever rights root_fd has, the table's descriptor only names. */
	fd = openat(root_fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	root = slot(t, ROOT);
	*root = (struct fs_inode){ .dev = dev_of(&stx),
				   .ino = stx.stx_ino,
				   .mnt_id = stx.stx_mnt_id,
				   .nlookup = 1,
				   .fd = fd,
				   .type = S_IFDIR,
				   .no_handle = true };
	slot(t, 0)->fd = -1;
	t->n_slots = ROOT + 1;
	hash_add(t, ROOT);
	return 0;
}

int fs_inodes_init(struct fs_inodes *t, int root_fd, int proc_fd, const struct fs_limits *limits)
{
	int rc = -ENOMEM;

	*t = (struct fs_inodes){ .lock = PTHREAD_MUTEX_INITIALIZER,
				 .proc_fd = proc_fd,
				 .max_fds = limits->fds,
				 .hard_fds = limits->fds_hard,
				 .n_heads = FIRST_HEADS };
	if (limits->inodes < 2 || limits->fds < 2 || limits->fds_hard < limits->fds ||
	    limits->inodes == UINT32_MAX)
		return -EINVAL;
	t->max_slots = limits->inodes + 1;
	if (getrandom(&t->key, sizeof(t->key), 0) != sizeof(t->key))
		return -EIO;
	t->chunks = calloc(t->max_slots / CHUNK + 1, sizeof(struct fs_inode *));
	t->heads = calloc(t->n_heads, sizeof(*t->heads));
	t->mounts = calloc(MOUNTS_MAX, sizeof(*t->mounts));
	if (t->chunks && t->heads && t->mounts) {
		t->chunks[0] = calloc(CHUNK, sizeof(struct fs_inode));
		rc = t->chunks[0] ? add_root(t, root_fd) : -ENOMEM;
	}
	if (rc < 0)
		fs_inodes_fini(t);
	return rc;
}

/* Frees a chunk and what its slots own; only the first @n of them were ever used. */
static void chunk_free(struct fs_inode *chunk, uint32_t n)
{
	for (uint32_t i = 0; chunk && i < n; i++) {
		cleanup_close(&chunk[i].fd);
		free(chunk[i].handle);
	}
	free(chunk);
}

void fs_inodes_fini(struct fs_inodes *t)
{
	for (uint32_t at = 0; t->chunks && at < t->max_slots; at += CHUNK) {
		const uint32_t used = at < t->n_slots ? t->n_slots - at : 0;

		chunk_free(t->chunks[at / CHUNK], used < CHUNK ? used : CHUNK);
	}
	for (uint32_t i = 0; t->mounts && i < t->n_mounts; i++)
		cleanup_close(&t->mounts[i].fd);
	free(t->chunks);
	free(t->heads);
	free(t->mounts);
	*t = (struct fs_inodes){ .lock = PTHREAD_MUTEX_INITIALIZER };
}

void fs_inodes_clear(struct fs_inodes *t)
{
	pthread_mutex_lock(&t->lock);
	for (uint32_t i = ROOT + 1; i < t->n_slots; i++) {
		struct fs_inode *inode = slot(t, i);

		if (!inode->nlookup)
			continue;
		hash_del(t, i);
		inode->nlookup = 0;
		if (!inode->pins)
			slot_free(t, i);
	}
	/* A mount is only known by its number, which the host may use again. */
	for (uint32_t i = 0; i < t->n_mounts; i++)
		cleanup_close(&t->mounts[i].fd);
	t->n_mounts = 0;
	pthread_mutex_unlock(&t->lock);
}

int fs_inode_get(struct fs_inodes *t, uint64_t id, struct fs_node *out)
{
	int rc = -EINVAL;
	uint32_t i;

	pthread_mutex_lock(&t->lock);
	i = find_slot(t, id);
	if (i) {
		struct fs_inode *inode = slot(t, i);

		rc = inode->fd < 0 ? reopen(t, inode) : 0;
		if (rc == 0) {
			inode->pins++;
			inode->hot = true;
			*out = (struct fs_node){ .inode = inode,
						 .fd = inode->fd,
						 .type = inode->type,
						 .id = id,
						 .mnt_id = inode->mnt_id };
		}
	}
	pthread_mutex_unlock(&t->lock);
	return rc;
}

void fs_inode_put(struct fs_inodes *t, struct fs_node *node)
{
	struct fs_inode *inode = node->inode;

	if (!inode)
		return;
	node->inode = NULL;
	pthread_mutex_lock(&t->lock);
	if (--inode->pins == 0 && inode->nlookup == 0)
		slot_free(t, (uint32_t)node->id);
	pthread_mutex_unlock(&t->lock);
}

/*
 * The slot of the inode behind @fd, or 0. An entry with a descriptor of its own is that inode for
 * sure; one kept by handle may be an older inode of the same number. @handle: filled when needed.
 */
static uint32_t find_inode(struct fs_inodes *t, int fd, const struct statx *stx,
			   struct file_handle **handle)
{
	const uint64_t dev = dev_of(stx);

	for (uint32_t i = t->heads[hash(t, dev, stx->stx_ino, stx->stx_mnt_id)]; i;
	     i = slot(t, i)->next) {
		const struct fs_inode *inode = slot(t, i);

		if (inode->ino != stx->stx_ino || inode->dev != dev ||
		    inode->mnt_id != stx->stx_mnt_id)
			continue;
		if (inode->fd >= 0)
			return i;
		if (!*handle)
			*handle = take_handle(fd);
		if (*handle && same_handle(inode->handle, *handle))
			return i;
	}
	return 0;
}

/* Adds the inode behind *@fd to the table. */
static int add_inode(struct fs_inodes *t, int *fd, const struct statx *stx, uint32_t *out)
{
	int rc = make_room(t);
	struct fs_inode *inode;
	uint32_t i;

	if (rc < 0)
		return rc;
	i = slot_new(t);
	if (!i)
		return -ENFILE;
	inode = slot(t, i);
	*inode = (struct fs_inode){ .dev = dev_of(stx),
				    .ino = stx->stx_ino,
				    .mnt_id = stx->stx_mnt_id,
				    .fd = take_fd(fd),
				    .gen = inode->gen,
				    .type = stx->stx_mode & S_IFMT };
	t->n_fds++;
	hash_add(t, i);
	hash_grow(t);
	*out = i;
	return 0;
}

int fs_inode_enter(struct fs_inodes *t, int *fd, const struct statx *stx, uint64_t *out_id)
{
	auto_free struct file_handle *handle = NULL;
	uint32_t i;
	int rc = 0;

	pthread_mutex_lock(&t->lock);
	i = find_inode(t, *fd, stx, &handle);
	if (!i)
		rc = add_inode(t, fd, stx, &i);
	if (rc == 0) {
		struct fs_inode *inode = slot(t, i);

		if (i != ROOT)
			inode->nlookup++;
		if (inode->fd < 0 && make_room(t) == 0) {
			inode->fd = take_fd(fd);
			t->n_fds++;
		}
		*out_id = node_id(inode, i);
	}
	pthread_mutex_unlock(&t->lock);
	if (rc == 0) {
		cleanup_close(fd); /* the table has one already */
		*fd = -1;
	}
	return rc;
}

void fs_inode_forget(struct fs_inodes *t, uint64_t id, uint64_t n)
{
	uint32_t i;

	pthread_mutex_lock(&t->lock);
	i = find_slot(t, id);
	if (i > ROOT) {
		struct fs_inode *inode = slot(t, i);

		inode->nlookup -= n < inode->nlookup ? n : inode->nlookup;
		if (inode->nlookup == 0) {
			hash_del(t, i);
			if (!inode->pins)
				slot_free(t, i);
		}
	}
	pthread_mutex_unlock(&t->lock);
}
