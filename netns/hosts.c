// SPDX-License-Identifier: GPL-2.0-or-later
/* Texts of /etc/hosts and /etc/resolv.conf, and the hosts file that a network's workloads share. */
#include "netns/hosts.h"

#include <ctype.h>
#include <fcntl.h>
#include <string.h>

#include "netns/store.h"
#include "spec/base/fd.h"
#include "spec/base/str.h"

enum { HOSTS_MAX = 1 << 20 };

static const char head[] = "127.0.0.1\tlocalhost\n"
			   "::1\tlocalhost ip6-localhost ip6-loopback\n"
			   "ff02::1\tip6-allnodes\n"
			   "ff02::2\tip6-allrouters\n";

bool hosts_name_ok(const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || len > NET_HOST_NAME_MAX || name[0] == '.' || name[0] == '-')
		return false;
	for (size_t i = 0; i < len; i++) {
		bool is_dot = name[i] == '.';

		if (!isalnum((unsigned char)name[i]) && !strchr("-_.", name[i]))
			return false;
		if (is_dot && (name[i + 1] == '.' || name[i + 1] == '\0'))
			return false;
	}
	return true;
}

static void add_line(struct buf *out, const struct ip_addr *a, const char *name)
{
	char text[IP_STR_MAX];

	if (a->family)
		buf_printf(out, "%s\t%s\n", ip_str(a, text), name);
}

static int open_shared(const struct net_store *s, const char *network, int flags)
{
	char path[NET_NAME_MAX + 16];
	int fd;

	(void)snprintf(path, sizeof(path), "hosts/%s", network);
	fd = openat(s->dir_fd, path, flags | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0 || errno != ENOENT)
		return fd < 0 ? -errno : fd;
	fd = openat(s->dir_fd, path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd >= 0) {
		auto_close int made_fd = fd;
		int rc = fd_write_all(made_fd, head, sizeof(head) - 1);

		if (rc < 0)
			return rc;
	} else if (errno != EEXIST) {
		return -errno;
	}
	fd = openat(s->dir_fd, path, flags | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int hosts_open(const struct net_store *s, const char *network, struct err *err)
{
	int fd = store_name_ok(network) ? open_shared(s, network, O_PATH) : -EINVAL;

	return fd < 0 ? err_code(err, fd, "open the hosts file of network '%s'", network) : fd;
}

int hosts_join(const struct net_store *s, const struct net_end *end, const char *name,
	       struct err *err)
{
	auto_close int fd = open_shared(s, end->network, O_WRONLY | O_APPEND);
	auto_buf struct buf lines = BUF_INIT;
	int rc = fd;

	add_line(&lines, &end->ip.addr, name);
	add_line(&lines, &end->ip6.addr, name);
	if (rc >= 0)
		rc = buf_failed(&lines) ? -ENOMEM : fd_write_all(fd, lines.data, lines.len);
	return rc < 0 ? err_code(err, rc, "write the hosts file of network '%s'", end->network) : 0;
}

/* Drops the lines of @text that are about @a. Returns the new length. */
static size_t drop_lines(char *text, size_t len, const struct ip_addr *a)
{
	char want[IP_STR_MAX + 1];
	size_t want_len;
	size_t kept = 0;

	if (!a->family)
		return len;
	(void)ip_str(a, want);
	want_len = strlen(want);
	want[want_len++] = '\t';
	for (size_t at = 0; at < len;) {
		const char *end = memchr(text + at, '\n', len - at);
		size_t line = end ? (size_t)(end - text) + 1 - at : len - at;

		if (line < want_len || memcmp(text + at, want, want_len) != 0) {
			memmove(text + kept, text + at, line);
			kept += line;
		}
		at += line;
	}
	return kept;
}

void hosts_leave(const struct net_store *s, const struct net_end *end)
{
	auto_close int fd = open_shared(s, end->network, O_RDWR);
	auto_buf struct buf b = BUF_INIT;
	size_t len;

	if (fd < 0 || fd_read_all(fd, HOSTS_MAX, &b) < 0 || !b.data)
		return;
	len = drop_lines(b.data, b.len, &end->ip.addr);
	len = drop_lines(b.data, len, &end->ip6.addr);
	/* The longer old tail is cut off last: a reader sees each line at least once. */
	if (len != b.len && pwrite(fd, b.data, len, 0) == (ssize_t)len)
		(void)!ftruncate(fd, (off_t)len);
}

void hosts_forget(const struct net_store *s, const char *network)
{
	char path[NET_NAME_MAX + 16];

	(void)snprintf(path, sizeof(path), "hosts/%s", network);
	(void)unlinkat(s->dir_fd, path, 0);
}

static int add_member(const char *id, const struct net_ends *ends, const struct net_end *end,
		      void *data)
{
	(void)id;
	if (ends->host_name[0]) {
		add_line(data, &end->ip.addr, ends->host_name);
		add_line(data, &end->ip6.addr, ends->host_name);
	}
	return 0;
}

int hosts_text(const struct net_store *s, const struct net_ends *ends, const struct host_entry *add,
	       size_t n_add, struct buf *out, struct err *err)
{
	int rc = 0;

	buf_add_str(out, head);
	for (size_t i = 0; i < n_add; i++)
		add_line(out, &add[i].addr, add[i].name);
	for (size_t i = 0; rc == 0 && i < ends->n; i++)
		rc = net_member_each(s, ends->end[i].network, add_member, out, err);
	return rc == 0 && buf_failed(out) ? err_code(err, -ENOMEM, "write a hosts file") : rc;
}

int host_entry_parse(char *s, struct host_entry *out, struct err *err)
{
	char *colon = strchr(s, ':');
	struct host_entry e = { .name = s };

	if (colon)
		*colon = '\0';
	if (!colon || !hosts_name_ok(s) || ip_parse(colon + 1, &e.addr) < 0)
		return err_set(err, -EINVAL, "host '%s': not NAME:ADDRESS", s);
	*out = e;
	return 0;
}

static bool is_loopback(const char *server)
{
	return str_starts(server, "127.") || str_eq(server, "::1");
}

void resolv_text(const char *host, const struct ip_addr *dns, size_t n_dns, struct buf *out)
{
	for (size_t i = 0; i < n_dns; i++) {
		char text[IP_STR_MAX];

		buf_printf(out, "nameserver %s\n", ip_str(&dns[i], text));
	}
	while (*host) {
		size_t len = strcspn(host, "\n");
		char line[256];
		char *word;
		char *rest = line;

		(void)snprintf(line, sizeof(line), "%.*s", (int)(len < 255 ? len : 255), host);
		host += len + (host[len] == '\n');
		word = strsep(&rest, " \t");
		if (!rest)
			continue;
		rest += strspn(rest, " \t");
		if (str_eq(word, "nameserver")) {
			rest[strcspn(rest, " \t#;")] = '\0';
			if (n_dns == 0 && !is_loopback(rest))
				buf_printf(out, "nameserver %s\n", rest);
		} else if (str_eq(word, "search") || str_eq(word, "domain") ||
			   str_eq(word, "options")) {
			buf_printf(out, "%s %s\n", word, rest);
		}
	}
}
