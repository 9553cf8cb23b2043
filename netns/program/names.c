// SPDX-License-Identifier: GPL-2.0-or-later
/* Who is on a network, by name; the hosts files of all. */
#include "netns/program/names.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "netns/helper.h"
#include "spec/base/fd.h"
#include "spec/base/log.h"
#include "spec/base/str.h"

#define NAMES_FOLDER "names"

enum { LIST_MAX_BYTES = 4 << 20, HOSTS_MAX_BYTES = 4 << 20, RESOLV_MAX_BYTES = 64 << 10 };

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

static bool begins_with_word(const char *line, size_t len, const char *word)
{
	size_t n = strlen(word);

	return len > n && memcmp(line, word, n) == 0 && line[n] == ' ';
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

void names_filter_resolv(const char *text, struct buf *out)
{
	static const char key[] = "nameserver";
	const char *line;
	size_t len;

	while ((line = next_line(&text, &len))) {
		const char *p = line;

		if (len > strlen(key) && strncmp(line, key, strlen(key)) == 0) {
			p += strlen(key);
			p += strspn(p, " \t");
			/* The host's own resolver is out of a workload's reach. */
			if (str_starts(p, "127.") || str_starts(p, "::1"))
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
	return net_host_name_ok(name) && (str_eq(*address, "host-gateway") || ip_parse(*address, &a) == 0);
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

static void add_own(const struct names_wish *w, const struct ip_prefix *p, bool is_list,
		    struct buf *out)
{
	char text[IP_STR_MAX];

	if (!p->addr.family)
		return;
	if (is_list)
		buf_printf(out, "%s ", w->id);
	buf_printf(out, "%s ", ip_str(&p->addr, text));
	add_names(w, out);
	if (!is_list)
		buf_printf(out, " # %s", w->id);
	buf_add_char(out, '\n');
}

/* From lines of a list to lines of a hosts file. */
static void add_others(const char *list, struct buf *out)
{
	const char *line;
	size_t len;

	while ((line = next_line(&list, &len))) {
		size_t id_len = strcspn(line, " \n");

		if (id_len >= len)
			continue;
		buf_add(out, line + id_len + 1, len - id_len - 1);
		buf_add_str(out, " # ");
		buf_add(out, line, id_len);
		buf_add_char(out, '\n');
	}
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

/* The folder of the lists, locked until it is closed. */
static int open_locked(const struct program *p, struct err *err)
{
	auto_close int fd =
	    openat(p->store.dir_fd, NAMES_FOLDER, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT) {
		if (mkdirat(p->store.dir_fd, NAMES_FOLDER, 0700) < 0 && errno != EEXIST)
			return err_sys(err, "make the folder of names");
		fd = openat(p->store.dir_fd, NAMES_FOLDER,
			    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	}
	if (fd < 0)
		return err_sys(err, "open the folder of names");
	while (flock(fd, LOCK_EX) < 0) {
		if (errno != EINTR)
			return err_sys(err, "lock the names");
	}
	return take_fd(&fd);
}

/* Gives the lines of @network that are not @id's. Returns whether there are some of @id, too. */
static int read_others(int folder_fd, const char *network, const char *id, struct buf *others)
{
	auto_buf struct buf text = BUF_INIT;
	int rc = file_read_at(folder_fd, network, LIST_MAX_BYTES, &text);
	const char *rest = buf_str(&text);
	const char *line;
	size_t len;
	int found = 0;

	if (rc == -ENOENT)
		return 0;
	if (rc < 0)
		return rc;
	while ((line = next_line(&rest, &len))) {
		if (begins_with_word(line, len, id)) {
			found = 1;
			continue;
		}
		buf_add(others, line, len);
		buf_add_char(others, '\n');
	}
	return buf_failed(others) ? -ENOMEM : found;
}

static int append(int dir_fd, const char *name, int flags, const struct buf *text)
{
	auto_close int fd =
	    openat(dir_fd, name, O_WRONLY | O_APPEND | O_NOFOLLOW | O_CLOEXEC | flags, 0600);

	if (fd < 0)
		return -errno;
	return buf_failed(text) ? -ENOMEM : fd_write_all(fd, buf_str(text), text->len);
}

/* Adds @w to the list of end @e's network; gives who else is on it. */
static int enter_list(int folder_fd, const struct names_wish *w, const struct net_end *e,
		      struct buf *others)
{
	auto_buf struct buf lines = BUF_INIT;
	int found = read_others(folder_fd, e->network, w->id, others);

	if (found < 0)
		return found;
	if (found) /* of an earlier workload of that id, whose end nobody told */
		buf_add_str(&lines, buf_str(others));
	add_own(w, &e->ip, true, &lines);
	add_own(w, &e->ip6, true, &lines);
	if (lines.len == 0)
		return 0;
	if (found)
		return buf_failed(&lines)
			   ? -ENOMEM
			   : file_replace_at(folder_fd, e->network, lines.data, lines.len, 0600);
	return append(folder_fd, e->network, O_CREAT, &lines);
}

/* ---- a workload's own files ---------------------------------------------------------------- */

/* A file that the runtime has not made is not wanted. */
static int fill(const struct program *p, const char *name, const struct buf *text, struct err *err)
{
	int rc = append(p->dir_fd, name, 0, text);

	return rc < 0 && rc != -ENOENT ? err_code(err, rc, "write '%s' of the workload", name) : 0;
}

static int fill_resolv(const struct program *p, const struct names_wish *w, struct err *err)
{
	auto_buf struct buf host = BUF_INIT;
	auto_buf struct buf text = BUF_INIT;
	int rc = file_read_at(AT_FDCWD, "/etc/resolv.conf", RESOLV_MAX_BYTES, &host);

	if (rc < 0 && rc != -ENOENT)
		log_warn("%s: read '/etc/resolv.conf': %s, skipping", w->id, strerror(-rc));
	for (size_t i = 0; i < w->dns->n; i++)
		buf_printf(&text, "nameserver %s\n", w->dns->v[i]);
	if (w->dns->n == 0 && rc == 0)
		names_filter_resolv(buf_str(&host), &text);
	return fill(p, HELPER_RESOLV_FILE, &text, err);
}

static int fill_hosts(const struct program *p, const struct names_wish *w,
		      const struct net_ends *ends, const struct names_peers *peers, struct err *err)
{
	auto_buf struct buf text = BUF_INIT;

	buf_add_str(&text, "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n");
	for (size_t i = 0; i < ends->n; i++)
		buf_add_str(&text, buf_str(&peers->own[i]));
	add_extra(w, ends, &text);
	for (size_t i = 0; i < ends->n; i++)
		add_others(buf_str(&peers->others[i]), &text);
	return fill(p, HELPER_HOSTS_FILE, &text, err);
}

int names_join(const struct program *p, const struct names_wish *w, const struct net_ends *ends,
	       struct names_peers *out, struct err *err)
{
	auto_buf struct buf name = BUF_INIT;
	auto_close int folder_fd = open_locked(p, err);
	int rc;

	if (folder_fd < 0)
		return folder_fd;
	for (size_t i = 0; i < ends->n; i++) {
		const struct net_end *e = &ends->end[i];

		add_own(w, &e->ip, false, &out->own[i]);
		add_own(w, &e->ip6, false, &out->own[i]);
		rc = enter_list(folder_fd, w, e, &out->others[i]);
		if (rc < 0)
			return err_code(err, rc, "write down the names of '%s'", w->id);
	}
	rc = fill_hosts(p, w, ends, out, err);
	if (rc == 0)
		rc = fill_resolv(p, w, err);
	if (rc < 0 || !w->host_name)
		return rc;
	buf_printf(&name, "%s\n", w->host_name);
	return fill(p, HELPER_HOSTNAME_FILE, &name, err);
}

/* ---- the others' files --------------------------------------------------------------------- */

/* "ID/hosts" of a line of a list; false when it is the same as that of the line before. */
static bool hosts_path(const char *line, char out[NET_ID_MAX + 16])
{
	char path[NET_ID_MAX + 16];
	size_t id_len = strcspn(line, " \n");

	if (id_len == 0 || id_len > NET_ID_MAX || line[0] == '.' || memchr(line, '/', id_len))
		return false;
	(void)snprintf(path, sizeof(path), "%.*s/" HELPER_HOSTS_FILE, (int)id_len, line);
	if (str_eq(path, out))
		return false;
	memcpy(out, path, sizeof(path));
	return true;
}

/* One that cannot be told is gone, or has a hosts file of its own. */
void names_tell(const struct program *p, const struct net_ends *ends,
		const struct names_peers *peers)
{
	auto_close int folder_fd = ends->n ? open_locked(p, NULL) : -1;

	for (size_t i = 0; folder_fd >= 0 && i < ends->n; i++) {
		const char *rest = buf_str(&peers->others[i]);
		char path[NET_ID_MAX + 16] = "";
		const char *line;
		size_t len;

		while ((line = next_line(&rest, &len))) {
			if (hosts_path(line, path) &&
			    append(p->root_fd, path, 0, &peers->own[i]) < 0)
				log_debug("%s: not told about a new peer, ignoring", path);
		}
	}
}

/* In place: it is the source of a mount. A reader may meet the end of the old text for a moment. */
static int rewrite(const struct program *p, const char *path, const char *id)
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

/* The peers first: who is killed in between finds the list as it was. */
static int leave_list(const struct program *p, int folder_fd, const char *network, const char *id)
{
	auto_buf struct buf others = BUF_INIT;
	char path[NET_ID_MAX + 16] = "";
	const char *rest;
	const char *line;
	size_t len;
	int rc = read_others(folder_fd, network, id, &others);

	if (rc <= 0)
		return rc;
	rest = buf_str(&others);
	while ((line = next_line(&rest, &len))) {
		if (!hosts_path(line, path))
			continue;
		rc = rewrite(p, path, id);
		if (rc < 0)
			log_warn("%s: take out '%s': %s, ignoring", path, id, strerror(-rc));
	}
	if (others.len == 0)
		return unlinkat(folder_fd, network, 0) < 0 ? -errno : 0;
	return file_replace_at(folder_fd, network, others.data, others.len, 0600);
}

int names_leave(const struct program *p, const char *id, struct err *err)
{
	auto_close int folder_fd = open_locked(p, err);
	auto_close int list_fd = -1;
	auto_closedir DIR *dir = NULL;
	struct dirent *e;

	if (folder_fd < 0)
		return folder_fd;
	list_fd = openat(folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = list_fd < 0 ? NULL : fdopendir(list_fd);
	if (!dir)
		return err_sys(err, "read the folder of names");
	(void)take_fd(&list_fd);
	while ((e = readdir(dir))) {
		int rc;

		if (e->d_name[0] == '.')
			continue;
		rc = leave_list(p, folder_fd, e->d_name, id);
		if (rc < 0)
			return err_code(err, rc, "take '%s' out of the names of network '%s'", id,
					e->d_name);
	}
	return 0;
}

void names_forget(const struct program *p, const char *name)
{
	auto_close int folder_fd = open_locked(p, NULL);

	if (folder_fd >= 0)
		(void)unlinkat(folder_fd, name, 0);
}

void names_peers_fini(struct names_peers *p)
{
	for (size_t i = 0; i < NET_ENDS_MAX; i++) {
		buf_fini(&p->others[i]);
		buf_fini(&p->own[i]);
	}
}
