// SPDX-License-Identifier: GPL-2.0-or-later
/* The files of a container's state folder. Knows no process and no cgroup. */
#include "runtime/state.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "runtime/network_view.h"
#include "spec/base/fd.h"
#include "spec/base/num.h"
#include "spec/base/path.h"
#include "spec/features.h"
#include "spec/json.h"

enum {
	STATE_MAX_BYTES = 4 << 20, /* annotations may be many; config.json has the same bound */
	ID_MAX_BYTES = 255,        /* NAME_MAX: it is a folder's name */
	INIT_TEXT_MAX = 64,
};

const char *container_status_name(enum container_status s)
{
	static const char *const names[] = {
		[CTR_CREATING] = "creating", [CTR_CREATED] = "created", [CTR_RUNNING] = "running",
		[CTR_PAUSED] = "paused",     [CTR_STOPPED] = "stopped",
	};

	return names[s];
}

int state_check_id(const char *id, struct err *err)
{
	size_t len = strlen(id);

	if (len == 0 || len > ID_MAX_BYTES || id[0] == '.')
		goto bad;
	for (size_t i = 0; i < len; i++) {
		char c = id[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
		    !strchr("_+.-", c))
			goto bad;
	}
	return 0;
bad:
	return err_set(err, -EINVAL,
		       "invalid container ID format: '%s' (1 to 255 of A-Z a-z 0-9 _ + . -, "
		       "no dot in front)",
		       id);
}

int state_root_open(const struct app *app, bool make, struct err *err)
{
	auto_close int fd = -1;
	struct stat st;

	fd = open(app->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT && make) {
		int rc = path_mkdirs(app->root, 0700);

		if (rc < 0)
			return err_code(err, rc, "make the state root '%s'", app->root);
		fd = open(app->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	if (fd < 0)
		return err_sys(err, "open the state root '%s'", app->root);
	if (fstat(fd, &st) < 0)
		return err_sys(err, "examine the state root '%s'", app->root);
	/* Who may write here says what a later command kills and removes. */
	if (st.st_uid != geteuid() || (st.st_mode & (S_IWGRP | S_IWOTH)))
		return err_set(err, -EPERM,
			       "state root '%s' is not private: it must be the caller's own and "
			       "closed to others' writing (mode %04o, owner %u)",
			       app->root, (unsigned int)(st.st_mode & 07777), st.st_uid);
	return take_fd(&fd);
}

int state_folder_path(int fd, struct state *s, const char **out, struct err *err)
{
	char link[PATH_PROC_FD_MAX];
	char path[PATH_MAX];
	ssize_t n = readlink(path_proc_fd(link, fd), path, sizeof(path) - 1);

	if (n < 0)
		return err_sys(err, "find the path of a folder");
	path[n] = '\0';
	*out = arena_strdup(&s->arena, path);
	return *out ? 0 : err_set(err, -ENOMEM, "out of memory");
}

/* ---- state.json ---------------------------------------------------------------------------- */

static void write_annotations(struct json_writer *w, const struct state *s)
{
	json_write_object(w, "annotations");
	for (size_t i = 0; i < s->annotations.n; i++)
		json_write_str(w, s->annotations.items[i].key, s->annotations.items[i].value);
	json_write_end(w);
}

int state_save(int dir_fd, const struct state *s, struct err *err)
{
	auto_buf struct buf b = BUF_INIT;
	struct json_writer w;
	int rc;

	json_writer_init(&w, &b, JSON_COMPACT);
	json_write_object(&w, NULL);
	json_write_str(&w, "bundle", s->bundle);
	json_write_str(&w, "rootfs", s->rootfs);
	json_write_str(&w, "created", s->created);
	json_write_str(&w, "isolation", s->isolation);
	if (s->cgroup_path)
		json_write_str(&w, "cgroupPath", s->cgroup_path);
	json_write_bool(&w, "cgroupIsOurs", s->is_cgroup_ours);
	json_write_bool(&w, "rdt", s->has_rdt);
	json_write_bool(&w, "closIsOurs", s->is_clos_ours);
	json_write_bool(&w, "rootless", s->is_rootless);
	if (s->networks.n)
		json_write_strv(&w, "networks", &s->networks);
	if (s->annotations.n)
		write_annotations(&w, s);
	json_write_end(&w);
	rc = json_writer_finish(&w);
	if (rc == 0)
		rc = file_replace_at(dir_fd, STATE_FILE, b.data, b.len, 0600);
	return rc < 0 ? err_code(err, rc, "write the state of '%s'", s->id) : 0;
}

static void read_annotations(struct json_reader *r, const struct json *root, struct state *out)
{
	const struct json *map = json_get_object(r, root, "annotations");
	size_t n = json_count(map);

	if (!n)
		return;
	out->annotations.items = arena_alloc(&out->arena, n, sizeof(*out->annotations.items));
	if (!out->annotations.items) {
		json_no_memory(r);
		return;
	}
	for (const struct json *v = json_first(map); v; v = json_next(v)) {
		struct config_annotation *a = &out->annotations.items[out->annotations.n++];

		a->key = arena_strdup(&out->arena, json_key(v));
		if (!json_as_str(r, v, &a->value))
			return;
	}
}

static void read_members(struct json_reader *r, const struct json *root, struct state *out)
{
	if (!json_check_object(r, root))
		return;
	(void)json_get_str(r, root, "bundle", &out->bundle);
	(void)json_get_str(r, root, "rootfs", &out->rootfs);
	(void)json_get_str(r, root, "created", &out->created);
	(void)json_get_str(r, root, "isolation", &out->isolation);
	(void)json_get_str(r, root, "cgroupPath", &out->cgroup_path);
	(void)json_get_bool(r, root, "cgroupIsOurs", &out->is_cgroup_ours);
	(void)json_get_bool(r, root, "rdt", &out->has_rdt);
	(void)json_get_bool(r, root, "closIsOurs", &out->is_clos_ours);
	(void)json_get_bool(r, root, "rootless", &out->is_rootless);
	(void)json_get_strv(r, root, "networks", &out->networks);
	read_annotations(r, root, out);
	if (r->rc == 0 && (!out->bundle || !out->rootfs || !out->created || !out->isolation))
		json_fail(r, root, "bundle, rootfs, created or isolation is missing");
}

int state_load(int dir_fd, const char *id, struct state *out, struct err *err)
{
	auto_buf struct buf b = BUF_INIT;
	struct state s = { 0 };
	struct json_reader r = { .arena = &s.arena, .err = err };
	struct json_doc *doc;
	int rc;

	rc = file_read_at(dir_fd, STATE_FILE, STATE_MAX_BYTES, &b);
	if (rc < 0)
		return err_code(err, rc, "read the state of '%s'", id);
	doc = json_doc_parse(&r, b.data, b.len);
	if (doc)
		read_members(&r, json_doc_root(doc), &s);
	json_doc_free(doc);
	s.id = arena_strdup(&s.arena, id);
	if (r.rc == 0 && !s.id)
		json_no_memory(&r);
	if (r.rc < 0) {
		state_fini(&s);
		return err_wrap(err, r.rc, "read the state of '%s'", id);
	}
	*out = s;
	return 0;
}

void state_fini(struct state *s)
{
	arena_fini(&s->arena);
}

/* ---- the init link ------------------------------------------------------------------------- */

int state_save_init(int dir_fd, const struct state_init *init, struct err *err)
{
	char text[INIT_TEXT_MAX];

	(void)snprintf(text, sizeof(text), "%d %llu", init->pid,
		       (unsigned long long)init->start_ticks);
	if (symlinkat(text, dir_fd, init->is_new ? STATE_INIT_NEW_LINK : STATE_INIT_LINK) < 0)
		return err_sys(err, "record process %d", init->pid);
	return 0;
}

int state_end_new(int dir_fd, struct state_init *init, struct err *err)
{
	if (init->is_new && renameat(dir_fd, STATE_INIT_NEW_LINK, dir_fd, STATE_INIT_LINK) < 0)
		return err_sys(err, "record the end of the creation");
	init->is_new = false;
	return 0;
}

int state_load_init(int dir_fd, struct state_init *out, struct err *err)
{
	char text[INIT_TEXT_MAX];
	struct state_init init = { .pid = 0 };
	ssize_t n = readlinkat(dir_fd, STATE_INIT_LINK, text, sizeof(text) - 1);
	uint64_t pid;
	char *space;

	if (n < 0 && errno == ENOENT) {
		n = readlinkat(dir_fd, STATE_INIT_NEW_LINK, text, sizeof(text) - 1);
		init.is_new = true;
	}
	/* Between the two looks the creation came to its end. */
	if (n < 0 && errno == ENOENT) {
		n = readlinkat(dir_fd, STATE_INIT_LINK, text, sizeof(text) - 1);
		init.is_new = false;
	}
	if (n < 0 && errno == ENOENT) {
		*out = init;
		return 0;
	}
	if (n < 0)
		return err_sys(err, "read the recorded process");
	text[n] = '\0';
	space = strchr(text, ' ');
	if (space)
		*space = '\0';
	if (!space || num_u64(text, 1, INT_MAX, &pid) < 0 ||
	    num_u64(space + 1, 0, UINT64_MAX, &init.start_ticks) < 0)
		return err_set(err, -EPROTO, "read the recorded process: not 'PID START-TICKS'");
	init.pid = (pid_t)pid;
	*out = init;
	return 0;
}

/* ---- the state as others see it ------------------------------------------------------------ */

/*
 * By hand, since gmtime_r(3) reads the host's time zone for what is in UTC. Years begin in March
 * here, so that a leap day is the last one; an era has 400 years or 146097 days.
 */
void state_time(int64_t seconds, long nanoseconds, char out[STATE_TIME_MAX])
{
	const int64_t second = seconds % 86400;
	const int64_t day = seconds / 86400 + 719468; /* since 0000-03-01 */
	const int64_t era = day / 146097;
	const int64_t doe = day % 146097;
	const int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	const int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	const int64_t m = (5 * doy + 2) / 153; /* 0: March */
	const int64_t month = m < 10 ? m + 3 : m - 9;
	const int64_t year = yoe + era * 400 + (month <= 2);

	(void)snprintf(out, STATE_TIME_MAX, "%04d-%02d-%02dT%02d:%02d:%02d.%09ldZ", (int)year,
		       (int)month, (int)(doy - (153 * m + 2) / 5 + 1), (int)(second / 3600),
		       (int)(second / 60 % 60), (int)(second % 60), nanoseconds);
}

void state_now(char out[STATE_TIME_MAX])
{
	struct timespec t;

	(void)clock_gettime(CLOCK_REALTIME, &t);
	state_time(t.tv_sec, t.tv_nsec, out);
}

void state_write_object(struct json_writer *w, const struct state *s, const struct state_view *v)
{
	json_write_object(w, NULL);
	json_write_str(w, "ociVersion", OCI_VERSION_MAX);
	json_write_str(w, "id", s->id);
	json_write_str(w, "status", container_status_name(v->status));
	json_write_str(w, "bundle", s->bundle);
	if (v->owner) {
		json_write_str(w, "rootfs", s->rootfs);
		json_write_str(w, "created", s->created);
		json_write_str(w, "owner", v->owner);
	}
	if (v->networks)
		network_view_write(w, v->networks);
	if (s->annotations.n)
		write_annotations(w, s);
	if (v->pid || v->owner)
		json_write_i64(w, "pid", v->pid);
	json_write_end(w);
}

int state_write_text(const struct state *s, const struct state_view *v, enum json_style style,
		     struct buf *out, struct err *err)
{
	struct json_writer w;
	int rc;

	json_writer_init(&w, out, style);
	state_write_object(&w, s, v);
	rc = json_writer_finish(&w);
	return rc < 0 ? err_code(err, rc, "write the state of '%s'", s->id) : 0;
}

const char *state_split_pid(struct buf *text)
{
	char *colon = strrchr(text->data, ':');

	colon[1] = '\0';
	text->len = (size_t)(colon + 1 - text->data);
	return "}";
}
