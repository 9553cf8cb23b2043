// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * News of a group, by one descriptor. Neither kernel interface tells of the group's removal in a
 * way that lasts, so it is asked for: a file of a removed group answers ENODEV.
 */
#include "cgroups/events.h"

#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>

#include "cgroups/cgroup_internal.h"

void cg_watch_fini(struct cg_watch *w)
{
	cleanup_close(&w->fd);
	cleanup_close(&w->group_fd);
	cleanup_close(&w->file_fd);
	*w = (struct cg_watch)CG_WATCH_INIT;
}

/* Reads a small file from its start. Returns 0 or -errno; -ENODEV: its group is removed. */
static int read_again(int fd, char *out, size_t cap)
{
	ssize_t n = pread(fd, out, cap - 1, 0);

	if (n < 0)
		return -errno;
	out[n] = '\0';
	return 0;
}

static int count_oom_kills(int fd, uint64_t *out)
{
	char text[512];
	int rc = read_again(fd, text, sizeof(text));

	return rc < 0 ? rc : cg_text_key_u64(text, "oom_kill", out);
}

static int add_watch(const struct cgroup *cg, const struct cg_hier *hier, const char *file, int fd)
{
	char path[CG_FILE_MAX];
	char full[CG_FILE_MAX + 64];
	int rc = cg_file_path(hier, cg->path, file, path);

	if (rc < 0)
		return rc;
	/* inotify has no "at" form. */
	(void)snprintf(full, sizeof(full), "/proc/self/fd/%d/%s", cg->host.root_fd, path);
	return inotify_add_watch(fd, full, IN_MODIFY) < 0 ? -errno : 0;
}

static int open_v2(const struct cgroup *cg, const struct cg_hier *hier, struct cg_watch *w)
{
	int rc;

	w->is_v2 = true;
	w->file_fd = cg_file_open(cg, hier, "memory.events", O_RDONLY);
	if (w->file_fd < 0)
		return w->file_fd;
	w->group_fd = cg_file_open(cg, hier, "cgroup.events", O_RDONLY);
	if (w->group_fd < 0)
		return w->group_fd;
	w->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (w->fd < 0)
		return -errno;
	rc = add_watch(cg, hier, "memory.events", w->fd);
	if (rc == 0)
		rc = add_watch(cg, hier, "cgroup.events", w->fd);
	/* Counted after the watch began: a kill in between is seen as an event, none is lost. */
	return rc < 0 ? rc : count_oom_kills(w->file_fd, &w->n_oom);
}

static int open_v1(const struct cgroup *cg, const struct cg_hier *hier, struct cg_watch *w)
{
	char line[32];

	w->is_v2 = false;
	w->file_fd = cg_file_open(cg, hier, "memory.oom_control", O_RDONLY);
	if (w->file_fd < 0)
		return w->file_fd;
	w->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (w->fd < 0)
		return -errno;
	(void)snprintf(line, sizeof(line), "%d %d", w->fd, w->file_fd);
	return cg_file_write(cg, hier, "cgroup.event_control", line);
}

int cg_watch_open(struct cgroup *cg, struct cg_watch *out, struct err *err)
{
	const struct cg_hier *v1 = cg_host_v1(&cg->host, CTL_MEMORY);
	const struct cg_hier *v2 = cg_host_v2(&cg->host);
	int rc = -ENOENT;

	*out = (struct cg_watch)CG_WATCH_INIT;
	if (cg->has_group && v1)
		rc = open_v1(cg, v1, out);
	else if (cg->has_group && v2)
		rc = open_v2(cg, v2, out);
	if (rc == 0)
		return 0;
	cg_watch_fini(out);
	if (rc == -ENOENT)
		return err_set(err, -ENOTSUP, "watch cgroup '%s': it has no memory controller",
			       cg->path);
	return err_code(err, rc, "watch cgroup '%s'", cg->path);
}

static int read_v2(struct cg_watch *w)
{
	_Alignas(struct inotify_event) char drop[4096];
	char text[256];
	uint64_t n = 0;
	uint64_t old = w->n_oom;
	int rc;

	while (read(w->fd, drop, sizeof(drop)) > 0)
		;
	rc = count_oom_kills(w->file_fd, &n);
	if (rc < 0)
		return rc;
	/* The count before the end: both may come in one wake-up, and the kill is the news. */
	if (n > old) {
		w->n_oom = n;
		return n - old > INT32_MAX ? INT32_MAX : (int)(n - old);
	}
	rc = read_again(w->group_fd, text, sizeof(text));
	if (rc < 0)
		return rc;
	/* A group that is watched before its first process came is not at its end. */
	if (cg_text_key_or(text, "populated", 1))
		w->was_populated = true;
	else if (w->was_populated)
		return -ENODEV;
	return 0;
}

static int read_v1(struct cg_watch *w)
{
	uint64_t n = 0;
	char text[256];
	int rc;

	if (read(w->fd, &n, sizeof(n)) < 0)
		return errno == EAGAIN ? 0 : -errno;
	/* The removal of the group signals the descriptor too. */
	rc = read_again(w->file_fd, text, sizeof(text));
	if (rc < 0)
		return rc;
	w->n_oom += n;
	return n > INT32_MAX ? INT32_MAX : (int)n;
}

int cg_watch_read(struct cg_watch *w, struct err *err)
{
	int rc = w->is_v2 ? read_v2(w) : read_v1(w);

	if (rc == -ENODEV)
		return err_set(err, rc, "watch a cgroup: it is gone");
	return rc < 0 ? err_code(err, rc, "watch a cgroup") : rc;
}
