// SPDX-License-Identifier: GPL-2.0-or-later
/* Listing and removing a group with those below it. */
#include "cgroups/tree.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "spec/base/fd.h"
#include "spec/base/num.h"

/* PROCS_MAX: bytes of one cgroup.procs; four million pids of eight characters. */
enum { QUEUE_MAX = 8 << 20, PROCS_MAX = 32 << 20, DIR_BUF = 8192 };

struct dir_iter {
	int fd; /* borrowed */
	ssize_t len, at;
	_Alignas(struct dirent64) char buf[DIR_BUF];
};

/* The next folder's name, NULL at the end (or on an error, which the caller then meets again). */
static const char *next_dir(struct dir_iter *it)
{
	for (;;) {
		const struct dirent64 *e;

		if (it->at >= it->len) {
			it->len = getdents64(it->fd, it->buf, sizeof(it->buf));
			it->at = 0;
			if (it->len <= 0)
				return NULL;
		}
		e = (const void *)(it->buf + it->at);
		it->at += e->d_reclen;
		if (e->d_type == DT_DIR && !str_eq(e->d_name, ".") && !str_eq(e->d_name, ".."))
			return e->d_name;
	}
}

static int open_dir(int dir_fd, const char *name)
{
	int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

void cg_pid_list_fini(struct cg_pid_list *l)
{
	free(l->items);
	memset(l, 0, sizeof(*l));
}

static int add_pid(struct cg_pid_list *l, pid_t pid)
{
	if (l->n == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 64;
		pid_t *items = reallocarray(l->items, cap, sizeof(*items));

		if (!items)
			return -ENOMEM;
		l->items = items;
		l->cap = cap;
	}
	l->items[l->n++] = pid;
	return 0;
}

static int add_procs(int dir_fd, struct cg_pid_list *out)
{
	auto_buf struct buf text = BUF_INIT;
	char *save = NULL;
	int rc = file_read_at(dir_fd, "cgroup.procs", PROCS_MAX, &text);

	/* A threaded group (v2) has only threads; their processes are listed further up. */
	if (rc == -EOPNOTSUPP || rc == -ENOENT || rc == -ENODEV)
		return 0;
	if (rc < 0 || !text.data)
		return rc;
	for (char *p = strtok_r(text.data, "\n", &save); p; p = strtok_r(NULL, "\n", &save)) {
		uint64_t pid;

		/* 0: a process of a pid namespace that cannot be seen from here. */
		if (num_u64(p, 1, INT_MAX, &pid) < 0)
			continue;
		rc = add_pid(out, (pid_t)pid);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* Appends "PREFIX/CHILD" for each folder in @fd to the queue of NUL-terminated paths. */
static int queue_children(int fd, const char *prefix, struct buf *queue)
{
	struct dir_iter it = { .fd = fd };
	auto_free char *copy = strdup(prefix); /* the queue's memory moves */

	if (!copy)
		return -ENOMEM;
	for (const char *name = next_dir(&it); name; name = next_dir(&it)) {
		if (queue->len > QUEUE_MAX)
			return -E2BIG;
		if (strlen(copy) + strlen(name) + 1 >= PATH_MAX)
			return -ENAMETOOLONG;
		buf_printf(queue, "%s/%s", copy, name);
		buf_add(queue, "", 1);
	}
	return buf_failed(queue) ? -ENOMEM : 0;
}

int cg_tree_pids(const struct cgroup *cg, const struct cg_hier *hier, struct cg_pid_list *out)
{
	auto_close int top_fd = cg_file_open(cg, hier, ".", O_RDONLY | O_DIRECTORY);
	auto_buf struct buf queue = BUF_INIT;
	int rc;

	if (top_fd < 0)
		return top_fd;
	buf_add(&queue, ".", sizeof("."));
	if (buf_failed(&queue))
		return -ENOMEM;
	for (size_t at = 0; at < queue.len; at += strlen(queue.data + at) + 1) {
		auto_close int fd = open_dir(top_fd, queue.data + at);

		if (fd == -ENOENT)
			continue;
		if (fd < 0)
			return fd;
		rc = add_procs(fd, out);
		if (rc == 0)
			rc = queue_children(fd, queue.data + at, &queue);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/*
 * Removes the groups in @fd that have none below them. Returns 0 none is left; 1 descend, into
 * *@out_fd; -EBUSY @fd has no groups, so what keeps it is a process; -errno.
 */
static int sweep(int fd, bool is_top, int *out_fd)
{
	struct dir_iter it = { .fd = fd };
	bool is_empty = true;

	for (const char *name = next_dir(&it); name; name = next_dir(&it)) {
		is_empty = false;
		if (unlinkat(fd, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
			continue;
		if (errno != EBUSY && errno != ENOTEMPTY)
			return -errno;
		*out_fd = open_dir(fd, name);
		if (*out_fd == -ENOENT)
			continue;
		return *out_fd < 0 ? *out_fd : 1;
	}
	return is_empty && !is_top ? -EBUSY : 0;
}

/* Goes down to what can be removed and up again by "..": one descriptor, whatever the depth. */
static int remove_below(int top_fd)
{
	auto_close int fd = open_dir(top_fd, ".");
	size_t depth = 0;

	if (fd < 0)
		return fd;
	for (;;) {
		int next_fd = -1;
		int rc = sweep(fd, depth == 0, &next_fd);

		if (rc < 0)
			return rc;
		if (rc == 0 && depth == 0)
			return 0;
		if (rc == 0) {
			next_fd = open_dir(fd, "..");
			if (next_fd < 0)
				return next_fd;
			depth--;
		} else {
			depth++;
		}
		(void)close(fd);
		fd = next_fd;
	}
}

int cg_tree_remove(const struct cgroup *cg, const struct cg_hier *hier)
{
	auto_close int fd = -1;
	char name[CG_FILE_MAX];
	int rc = cg_file_path(hier, cg->path, NULL, name);

	if (rc < 0)
		return rc;
	if (unlinkat(cg->host.root_fd, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return 0;
	rc = -errno;
	/* A read-only or forbidden tree is answered before the name is looked at. */
	if (faccessat(cg->host.root_fd, name, F_OK, 0) < 0 && errno == ENOENT)
		return 0;
	if (rc != -EBUSY && rc != -ENOTEMPTY)
		return rc;
	fd = open_dir(cg->host.root_fd, name);
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	rc = remove_below(fd);
	if (rc < 0)
		return rc;
	return unlinkat(cg->host.root_fd, name, AT_REMOVEDIR) == 0 || errno == ENOENT ? 0 : -errno;
}
