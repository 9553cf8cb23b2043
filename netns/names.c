// SPDX-License-Identifier: GPL-2.0-or-later
/* Who is on a network, by name; the hosts files of all. */
#include "netns/names.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "spec/base/fd.h"
#include "spec/base/log.h"
#include "spec/base/str.h"

#define NAMES_FOLDER "names"

enum {
	BLANK_MAX_BYTES = 4096,
	LIST_MAX_BYTES = 4 << 20,
	HOSTS_MAX_BYTES = 4 << 20,
	RESOLV_MAX_BYTES = 64 << 10
};

/* ---- pure ---------------------------------------------------------------------------------- */

/* The line at *@text and its length without the end; moves on. NULL at the end of the text. */
static const char *next_line(const char **text, size_t *len)
{
	const char *line = *text;

	if (!*line)
		return NULL;
	*len = strcspn(line, "\n");
	*text = line + *len + (line[*len] == '\n');
	return line;
}

/* A list of ids, a line each, holds @id at @*out_at. */
static bool find_id(const char *list, const char *id, size_t *out_at)
{
	const char *rest = list;
	const char *line;
	size_t len;

	while ((line = next_line(&rest, &len))) {
		*out_at = (size_t)(line - list);
		if (len == strlen(id) && memcmp(line, id, len) == 0)
			return true;
	}
	return false;
}

/* The next line of @text that ends in " # ID" (@mark); *@out_end is behind it. NULL: none. */
static const char *find_marked(const char *text, const char *mark, const char **out_end)
{
	size_t len = strlen(mark);
	const char *hit = text;

	while ((hit = strstr(hit, mark)) && hit[len] != '\n' && hit[len] != '\0')
		hit += len;
	if (!hit)
		return NULL;
	*out_end = hit + len + (hit[len] == '\n');
	while (hit > text && hit[-1] != '\n')
		hit--;
	return hit;
}

void names_drop(const char *text, const char *id, struct buf *out)
{
	char mark[NET_ID_MAX + 8];
	const char *line;
	const char *end;

	(void)snprintf(mark, sizeof(mark), " # %s", id);
	for (; (line = find_marked(text, mark, &end)); text = end)
		buf_add(out, text, (size_t)(line - text));
	buf_add_str(out, text);
}

/* Resolvers of the networks' own. Returns whether there is one. */
static bool add_resolvers(const struct net_ends *ends, struct buf *out)
{
	char text[IP_STR_MAX];
	bool any = false;

	for (size_t i = 0; i < ends->n; i++) {
		const struct net_end *e = &ends->end[i];

		if (!e->has_dns)
			continue;
		any = true;
		if (e->gateway.family)
			buf_printf(out, "nameserver %s\n", ip_str(&e->gateway, text));
		if (e->gateway6.family)
			buf_printf(out, "nameserver %s\n", ip_str(&e->gateway6, text));
	}
	return any;
}

void names_resolv(const char *text, const struct net_ends *ends, struct buf *out)
{
	static const char key[] = "nameserver";
	bool has_own = add_resolvers(ends, out);
	const char *line;
	size_t len;

	while ((line = next_line(&text, &len))) {
		const char *p = line;

		if (len > strlen(key) && strncmp(line, key, strlen(key)) == 0) {
			p += strlen(key);
			p += strspn(p, " \t");
			/* The host's own resolver is out of a workload's reach. */
			if (has_own || str_starts(p, "127.") || str_starts(p, "::1"))
				continue;
		}
		buf_add(out, line, len);
		buf_add_char(out, '\n');
	}
}

/* NAME:ADDRESS; the address may be the word of the gateway. */
static bool split_add_host(const char *s, char name[NET_HOST_NAME_MAX + 1], const char **address)
{
	size_t len = strcspn(s, ":");
	struct ip_addr a;

	if (s[len] != ':' || len > NET_HOST_NAME_MAX)
		return false;
	memcpy(name, s, len);
	name[len] = '\0';
	*address = s + len + 1;
	return net_host_name_ok(name) &&
	       (str_eq(*address, "host-gateway") || ip_parse(*address, &a) == 0);
}

int names_check(const struct names_wish *w, struct err *err)
{
	char name[NET_HOST_NAME_MAX + 1];
	const char *address;
	struct ip_addr a;

	for (size_t i = 0; i < w->add_hosts->n; i++) {
		if (!split_add_host(w->add_hosts->v[i], name, &address))
			return err_set(err, -EINVAL,
				       "option '--add-host': '%s' is not NAME:ADDRESS or "
				       "NAME:host-gateway",
				       w->add_hosts->v[i]);
	}
	for (size_t i = 0; i < w->dns->n; i++) {
		if (ip_parse(w->dns->v[i], &a) < 0)
			return err_set(err, -EINVAL, "option '--dns': '%s' is not an address",
				       w->dns->v[i]);
	}
	return 0;
}

/* The names of a workload: its host name, then its id. */
static void add_names(const struct names_wish *w, struct buf *out)
{
	if (w->host_name && net_host_name_ok(w->host_name) && !str_eq(w->host_name, w->id))
		buf_printf(out, "%s ", w->host_name);
	buf_add_str(out, w->id);
}

static void add_own(const struct names_wish *w, const struct ip_prefix *p, struct buf *out)
{
	char text[IP_STR_MAX];

	if (!p->addr.family)
		return;
	buf_printf(out, "%s ", ip_str(&p->addr, text));
	add_names(w, out);
	buf_printf(out, " # %s\n", w->id);
}

static void add_extra(const struct names_wish *w, const struct net_ends *ends, struct buf *out)
{
	char name[NET_HOST_NAME_MAX + 1];
	const char *address;
	char text[IP_STR_MAX];

	for (size_t i = 0; i < w->add_hosts->n; i++) {
		if (!split_add_host(w->add_hosts->v[i], name, &address))
			continue;
		if (!str_eq(address, "host-gateway")) {
			buf_printf(out, "%s %s\n", address, name);
			continue;
		}
		for (size_t k = 0; k < ends->n; k++) {
			if (ends->end[k].gateway.family)
				buf_printf(out, "%s %s\n", ip_str(&ends->end[k].gateway, text),
					   name);
			if (ends->end[k].gateway6.family)
				buf_printf(out, "%s %s\n", ip_str(&ends->end[k].gateway6, text),
					   name);
		}
	}
}

/* ---- the lists ----------------------------------------------------------------------------- */

static int open_made(int dir_fd, const char *name, struct err *err)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(dir_fd, name, flags);

	if (fd < 0 && errno == ENOENT) {
		if (mkdirat(dir_fd, name, 0700) < 0 && errno != EEXIST)
			return err_sys(err, "make the folder of names");
		fd = openat(dir_fd, name, flags);
	}
	return fd < 0 ? err_sys(err, "open the folder of names") : fd;
}

/* The folder of the lists, locked until it is closed. */
static int open_locked(const struct net_store *s, struct err *err)
{
	auto_close int fd = open_made(s->dir_fd, NAMES_FOLDER, err);

	if (fd < 0)
		return fd;
	while (flock(fd, LOCK_EX) < 0) {
		if (errno != EINTR)
			return err_sys(err, "lock the names");
	}
	return take_fd(&fd);
}

/* Both folders, under the lock. */
static int open_folders(const struct net_store *s, int *out_list_fd, int *out_shared_fd,
			struct err *err)
{
	*out_list_fd = open_locked(s, err);
	if (*out_list_fd < 0)
		return *out_list_fd;
	*out_shared_fd = open_made(s->dir_fd, NAMES_SHARED_FOLDER, err);
	return *out_shared_fd < 0 ? *out_shared_fd : 0;
}

static int append(int dir_fd, const char *name, int flags, const struct buf *text)
{
	auto_close int fd =
	    openat(dir_fd, name, O_WRONLY | O_APPEND | O_NOFOLLOW | O_CLOEXEC | flags, 0600);

	if (fd < 0)
		return -errno;
	return buf_failed(text) ? -ENOMEM : fd_write_all(fd, buf_str(text), text->len);
}

/* Gives the ids of @network's members with a hosts file of their own. */
static int read_list(int folder_fd, const char *network, struct buf *out)
{
	int rc = file_read_at(folder_fd, network, LIST_MAX_BYTES, out);

	return rc == -ENOENT ? 0 : rc;
}

/* ---- the shared hosts files ---------------------------------------------------------------- */

static const char head[] = "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n";

struct shared {
	int fd; /* owned; for reading and writing */
	struct buf text;
};

#define SHARED_INIT                                                                                \
	{                                                                                          \
		-1, BUF_INIT                                                                       \
	}

static void shared_fini(struct shared *f)
{
	cleanup_close(&f->fd);
	buf_fini(&f->text);
}

#define auto_shared auto_cleanup(shared_fini)

/* @flags: O_CREAT, or 0. Returns 0 or -errno. */
static int shared_open(int folder_fd, const char *network, int flags, struct shared *f)
{
	f->fd = openat(folder_fd, network, O_RDWR | O_NOFOLLOW | O_CLOEXEC | flags, 0600);
	if (f->fd < 0)
		return -errno;
	return fd_read_all(f->fd, HOSTS_MAX_BYTES, &f->text);
}

/* The lines of members. Behind the head, that a maker may have been killed before. */
static const char *members_of(const struct shared *f)
{
	const char *text = buf_str(&f->text);

	return str_starts(text, head) ? text + strlen(head) : text;
}

/* Without the lines that are blank by now, in place: it is the source of mounts. */
static int compact(int fd, const char *old)
{
	auto_buf struct buf text = BUF_INIT;
	const char *rest = old;
	const char *line;
	size_t len;

	while ((line = next_line(&rest, &len))) {
		if (line[0] != '#')
			buf_add(&text, line, (size_t)(rest - line));
	}
	if (buf_failed(&text))
		return -ENOMEM;
	if (pwrite(fd, text.data, text.len, 0) != (ssize_t)text.len ||
	    ftruncate(fd, (off_t)text.len) < 0)
		return -EIO;
	return 0;
}

/* How many bytes compact() would take out; a shared file does not begin with such a line. */
static size_t blank_bytes(const char *text)
{
	size_t n = 0;

	for (const char *p = text; (p = strstr(p, "\n#"));) {
		size_t len = strcspn(++p, "\n");

		n += len;
		p += len;
	}
	return n;
}

int names_blank(int fd, struct buf *content, const char *id)
{
	char mark[NET_ID_MAX + 8];
	char *text = content->data;
	const char *from = text;
	const char *line;
	const char *end;
	int found = 0;
	size_t blank = 0;

	(void)snprintf(mark, sizeof(mark), " # %s", id);
	for (; from && (line = find_marked(from, mark, &end)); from = end) {
		size_t at = (size_t)(line - text);
		size_t len = (size_t)(end - line) - (end[-1] == '\n');

		memset(text + at, ' ', len);
		text[at] = '#';
		if (pwrite(fd, "#", 1, (off_t)at) != 1 ||
		    pwrite(fd, text + at, len, (off_t)at) != (ssize_t)len)
			return -EIO;
		found++;
	}
	if (found)
		blank = blank_bytes(text);
	if (blank > BLANK_MAX_BYTES && blank > content->len / 2) {
		int rc = compact(fd, text);

		return rc < 0 ? rc : found;
	}
	return found;
}

/* Adds the lines @own of @id behind the others'; gives those. */
static int shared_join(int folder_fd, const char *network, const char *id, const struct buf *own,
		       struct buf *others)
{
	auto_shared struct shared f = SHARED_INIT;
	int rc = shared_open(folder_fd, network, O_CREAT, &f);
	const char *rest;
	const char *line;
	size_t len;

	if (rc == 0) /* lines of an earlier workload of that id, whose end nobody told */
		rc = names_blank(f.fd, &f.text, id);
	if (rc < 0)
		return rc;
	if (lseek(f.fd, 0, SEEK_END) < 0)
		return -errno;
	if (f.text.len == 0) {
		/* Whoever may see the mount may read it; the store itself stays closed. */
		if (fchmod(f.fd, 0644) < 0)
			return -errno;
		rc = fd_write_all(f.fd, head, strlen(head));
	}
	if (rc >= 0)
		rc = buf_failed(own) ? -ENOMEM : fd_write_all(f.fd, buf_str(own), own->len);
	if (rc < 0)
		return rc;
	rest = members_of(&f);
	while (others && (line = next_line(&rest, &len))) {
		if (line[0] != '#' && len)
			buf_add(others, line, (size_t)(rest - line));
	}
	return others && buf_failed(others) ? -ENOMEM : 0;
}

/* ---- a workload's own files ---------------------------------------------------------------- */

/* A file that the runtime has not made is not wanted. */
static int fill(const struct names_place *p, const char *name, const struct buf *text,
		struct err *err)
{
	int rc = append(p->dir_fd, name, 0, text);

	return rc < 0 && rc != -ENOENT ? err_code(err, rc, "write '%s' of the workload", name) : 0;
}

static int fill_resolv(const struct names_place *p, const struct names_wish *w,
		       const struct net_ends *ends, struct err *err)
{
	auto_buf struct buf host = BUF_INIT;
	auto_buf struct buf text = BUF_INIT;
	int rc = file_read_at(AT_FDCWD, "/etc/resolv.conf", RESOLV_MAX_BYTES, &host);

	if (rc < 0 && rc != -ENOENT)
		log_warn("%s: read '/etc/resolv.conf': %s, skipping", w->id, strerror(-rc));
	for (size_t i = 0; i < w->dns->n; i++)
		buf_printf(&text, "nameserver %s\n", w->dns->v[i]);
	if (w->dns->n == 0)
		names_resolv(rc == 0 ? buf_str(&host) : "", ends, &text);
	return fill(p, NAMES_RESOLV_FILE, &text, err);
}

/* The runtime took the shared file of the only network for it. */
static bool has_shared(const struct names_place *p, int shared_fd, const struct net_ends *ends)
{
	struct stat own;
	struct stat its;

	return ends->n == 1 && fstatat(p->dir_fd, NAMES_HOSTS_FILE, &own, 0) == 0 &&
	       fstatat(shared_fd, ends->end[0].network, &its, 0) == 0 && own.st_ino == its.st_ino &&
	       own.st_dev == its.st_dev;
}

/* Its own hosts file has its own lines first, then what was asked for, then the others'. */
static int fill_hosts(const struct names_place *p, const struct names_wish *w,
		      const struct net_ends *ends, const struct names_peers *peers,
		      const struct buf *others, struct err *err)
{
	auto_buf struct buf text = BUF_INIT;

	buf_add_str(&text, head);
	for (size_t i = 0; i < ends->n; i++)
		buf_add_str(&text, buf_str(&peers->own[i]));
	add_extra(w, ends, &text);
	buf_add_str(&text, buf_str(others));
	return buf_failed(others) ? err_code(err, -ENOMEM, "write a hosts file")
				  : fill(p, NAMES_HOSTS_FILE, &text, err);
}

struct joining {
	const struct names_wish *wish;
	int list_fd, shared_fd; /* the two folders; owned */
	bool is_shared;         /* its hosts file is that of its network */
	struct buf others;      /* lines of all its networks; owned */
};

static void joining_fini(struct joining *j)
{
	cleanup_close(&j->shared_fd);
	cleanup_close(&j->list_fd);
	buf_fini(&j->others);
}

/* Writes it down in the list and the shared file of one network. */
static int join_network(struct joining *j, const struct net_end *e, struct buf *own,
			struct buf *list)
{
	auto_buf struct buf line = BUF_INIT;
	size_t at;
	int rc;

	add_own(j->wish, &e->ip, own);
	add_own(j->wish, &e->ip6, own);
	rc = read_list(j->list_fd, e->network, list);
	if (rc == 0 && own->len)
		rc = shared_join(j->shared_fd, e->network, j->wish->id, own,
				 j->is_shared ? NULL : &j->others);
	if (rc < 0 || j->is_shared || find_id(buf_str(list), j->wish->id, &at))
		return rc;
	buf_printf(&line, "%s\n", j->wish->id);
	return append(j->list_fd, e->network, O_CREAT, &line);
}

int names_join(const struct names_place *p, const struct names_wish *w, const struct net_ends *ends,
	       struct names_peers *out, struct err *err)
{
	auto_cleanup(joining_fini) struct joining j = { w, -1, -1, false, BUF_INIT };
	auto_buf struct buf name = BUF_INIT;
	int rc = open_folders(p->store, &j.list_fd, &j.shared_fd, err);

	if (rc < 0)
		return rc;
	j.is_shared = has_shared(p, j.shared_fd, ends);
	for (size_t i = 0; i < ends->n; i++) {
		rc = join_network(&j, &ends->end[i], &out->own[i], &out->others[i]);
		if (rc < 0)
			return err_code(err, rc, "write down the names of '%s'", w->id);
	}
	if (!j.is_shared)
		rc = fill_hosts(p, w, ends, out, &j.others, err);
	if (rc == 0)
		rc = fill_resolv(p, w, ends, err);
	if (rc < 0 || !w->host_name)
		return rc;
	buf_printf(&name, "%s\n", w->host_name);
	return fill(p, NAMES_HOSTNAME_FILE, &name, err);
}

/* ---- the others' files --------------------------------------------------------------------- */

/* "ID/hosts" of a line of a list; false for what is no id, and for @except. */
static bool hosts_path(const char *line, size_t len, const char *except, char out[NET_ID_MAX + 16])
{
	if (len == 0 || len > NET_ID_MAX || line[0] == '.' || memchr(line, '/', len) ||
	    (len == strlen(except) && memcmp(line, except, len) == 0))
		return false;
	(void)snprintf(out, NET_ID_MAX + 16, "%.*s/" NAMES_HOSTS_FILE, (int)len, line);
	return true;
}

/* One that cannot be told is gone, or has a hosts file of its own. */
void names_tell(const struct names_place *p, const char *id, const struct net_ends *ends,
		const struct names_peers *peers)
{
	auto_close int folder_fd = -1;

	for (size_t i = 0; i < ends->n; i++) {
		const char *rest = buf_str(&peers->others[i]);
		char path[NET_ID_MAX + 16];
		const char *line;
		size_t len;

		while ((line = next_line(&rest, &len))) {
			if (!hosts_path(line, len, id, path))
				continue;
			if (folder_fd < 0)
				folder_fd = open_locked(p->store, NULL);
			if (folder_fd < 0)
				return;
			if (append(p->root_fd, path, 0, &peers->own[i]) < 0)
				log_debug("%s: not told about a new peer, ignoring", path);
		}
	}
}

/* In place: it is the source of a mount. A reader may meet the end of the old text for a moment. */
static int rewrite(const struct names_place *p, const char *path, const char *id)
{
	auto_buf struct buf old = BUF_INIT;
	auto_buf struct buf text = BUF_INIT;
	auto_close int fd = openat(p->root_fd, path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	int rc = fd < 0 ? -errno : fd_read_all(fd, HOSTS_MAX_BYTES, &old);

	if (rc < 0)
		return rc == -ENOENT ? 0 : rc;
	names_drop(buf_str(&old), id, &text);
	if (buf_failed(&text))
		return -ENOMEM;
	if (text.len == old.len)
		return 0;
	if (lseek(fd, 0, SEEK_SET) < 0)
		return -errno;
	rc = fd_write_all(fd, buf_str(&text), text.len);
	if (rc == 0 && ftruncate(fd, (off_t)text.len) < 0)
		rc = -errno;
	return rc;
}

/*
 * Takes @id out of a list, which goes with its last one. An empty list is of one that was killed
 * when it had just made it.
 */
static int leave_list(int folder_fd, const char *network, const char *id, const struct buf *list)
{
	auto_buf struct buf rest = BUF_INIT;
	size_t at;
	const char *line;
	size_t len;

	if (find_id(buf_str(list), id, &at)) {
		line = buf_str(list) + at;
		buf_add(&rest, buf_str(list), at);
		(void)next_line(&line, &len);
		buf_add_str(&rest, line);
	} else if (list->len) {
		return 0;
	}
	if (buf_failed(&rest))
		return -ENOMEM;
	if (rest.len == 0)
		return unlinkat(folder_fd, network, 0) < 0 ? -errno : 0;
	return file_replace_at(folder_fd, network, rest.data, rest.len, 0600);
}

/* The peers first: who is killed in between finds the shared file and the list as they were. */
static int leave(const struct names_place *p, int folder_fd, const char *network, const char *id)
{
	char shared[sizeof(NAMES_SHARED_FOLDER "/") + NET_NAME_MAX];
	auto_shared struct shared f = SHARED_INIT;
	auto_buf struct buf list = BUF_INIT;
	char mark[NET_ID_MAX + 8];
	char path[NET_ID_MAX + 16];
	const char *rest;
	const char *line;
	bool has_list;
	size_t len;
	int rc;

	(void)snprintf(shared, sizeof(shared), NAMES_SHARED_FOLDER "/%s", network);
	rc = shared_open(p->store->dir_fd, shared, 0, &f);
	if (rc < 0 && rc != -ENOENT)
		return rc;
	rc = file_read_at(folder_fd, network, LIST_MAX_BYTES, &list);
	has_list = rc == 0;
	if (rc < 0 && rc != -ENOENT)
		return rc;
	(void)snprintf(mark, sizeof(mark), " # %s", id);
	rest = buf_str(&list);
	while (find_marked(buf_str(&f.text), mark, &line) && (line = next_line(&rest, &len))) {
		if (!hosts_path(line, len, id, path))
			continue;
		rc = rewrite(p, path, id);
		if (rc < 0)
			log_warn("%s: take out '%s': %s, ignoring", path, id, strerror(-rc));
	}
	rc = names_blank(f.fd, &f.text, id);
	return rc < 0 || !has_list ? rc : leave_list(folder_fd, network, id, &list);
}

int names_leave(const struct names_place *p, const char *network, const char *id, struct err *err)
{
	auto_close int folder_fd = open_locked(p->store, err);
	int rc;

	if (folder_fd < 0)
		return folder_fd;
	rc = leave(p, folder_fd, network, id);
	return rc < 0 ? err_code(err, rc, "take '%s' out of the names of network '%s'", id, network)
		      : 0;
}

void names_forget(const struct net_store *s, const char *name)
{
	auto_close int folder_fd = -1;
	auto_close int shared_fd = -1;

	if (open_folders(s, &folder_fd, &shared_fd, NULL) < 0)
		return;
	(void)unlinkat(folder_fd, name, 0);
	(void)unlinkat(shared_fd, name, 0);
}

void names_peers_fini(struct names_peers *p)
{
	for (size_t i = 0; i < NET_ENDS_MAX; i++) {
		buf_fini(&p->others[i]);
		buf_fini(&p->own[i]);
	}
}
