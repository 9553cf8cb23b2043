// SPDX-License-Identifier: GPL-2.0-or-later
/* The files of a network's resolver, and when it runs. The process itself is in dnsmasq.c. */
#include "netns/dns.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "netns/dnsmasq.h"
#include "netns/store.h"
#include "spec/base/fd.h"
#include "spec/base/str.h"

enum { LABEL_MAX = 63 }; /* RFC 1035, 2.3.4 */

int dns_check(const struct network *n, struct err *err)
{
	if (n->mode != NET_NAT && n->mode != NET_HOST_ONLY)
		return err_set(err, -EINVAL,
			       "network '%s': '--internal-dns' needs the host on the network: mode "
			       "nat or host-only",
			       n->name);
	return dnsmasq_check(&(struct dnsmasq_plan){ .network = n->name, .bridge = n->bridge },
			     err);
}

static int open_folder(const struct net_store *s, const char *network, const char *below)
{
	char path[NET_NAME_MAX + 16];
	int fd;

	(void)snprintf(path, sizeof(path), "dns/%s%s", network, below);
	fd = openat(s->dir_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int make_folder(int dir_fd, const char *path, mode_t mode)
{
	if (mkdirat(dir_fd, path, mode) < 0 && errno != EEXIST)
		return -errno;
	return fchmodat(dir_fd, path, mode, 0) < 0 ? -errno : 0; /* whatever the umask */
}

static int make_folders(const struct net_store *s, const char *network)
{
	char path[NET_NAME_MAX + 16];
	int rc = make_folder(s->dir_fd, "dns", 0700);

	(void)snprintf(path, sizeof(path), "dns/%s", network);
	if (rc == 0)
		rc = make_folder(s->dir_fd, path, 0700);
	(void)snprintf(path, sizeof(path), "dns/%s/hosts", network);
	return rc == 0 ? make_folder(s->dir_fd, path, 0755) : rc; /* read by another user */
}

int dns_up(const struct net_store *s, const struct network *n, struct err *err)
{
	auto_close int folder_fd = open_folder(s, n->name, "");
	auto_close int hosts_fd = -1;
	auto_close int pidfd = -1;
	int rc = 0;

	if (folder_fd >= 0)
		pidfd = dnsmasq_pidfd(folder_fd);
	if (pidfd >= 0)
		return 0;
	if (folder_fd < 0) {
		rc = make_folders(s, n->name);
		if (rc == 0)
			rc = folder_fd = open_folder(s, n->name, "");
	}
	if (rc >= 0)
		rc = hosts_fd = open_folder(s, n->name, "/hosts");
	if (rc < 0)
		return err_code(err, rc, "network '%s': make the folder of its names", n->name);
	return dnsmasq_start(&(struct dnsmasq_plan){ .network = n->name,
						     .bridge = n->bridge,
						     .folder_fd = folder_fd,
						     .hosts_fd = hosts_fd },
			     err);
}

/* Removes the files of the folder; finished ones and temporary ones. */
static int empty_folder(int fd)
{
	auto_close int own_fd = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_closedir DIR *dir = own_fd < 0 ? NULL : fdopendir(own_fd);
	const struct dirent *e;

	if (!dir)
		return -errno;
	(void)take_fd(&own_fd);
	while ((e = readdir(dir))) {
		if (str_eq(e->d_name, ".") || str_eq(e->d_name, ".."))
			continue;
		if (unlinkat(fd, e->d_name, 0) < 0 && errno != ENOENT && errno != EISDIR)
			return -errno;
	}
	return 0;
}

int dns_down(const struct net_store *s, const char *network, struct err *err)
{
	auto_close int folder_fd = open_folder(s, network, "");
	auto_close int hosts_fd = open_folder(s, network, "/hosts");
	char path[NET_NAME_MAX + 16];
	int rc = 0;

	if (folder_fd < 0)
		return folder_fd == -ENOENT
			   ? 0
			   : err_code(err, folder_fd, "network '%s': open the folder of its names",
				      network);
	rc = dnsmasq_stop(folder_fd, err);
	if (rc < 0)
		return rc;
	if (hosts_fd >= 0) {
		rc = empty_folder(hosts_fd);
		if (rc == 0 && unlinkat(folder_fd, "hosts", AT_REMOVEDIR) < 0)
			rc = -errno;
	}
	if (rc == 0)
		rc = empty_folder(folder_fd);
	(void)snprintf(path, sizeof(path), "dns/%s", network);
	if (rc == 0 && unlinkat(s->dir_fd, path, AT_REMOVEDIR) < 0)
		rc = -errno;
	return rc < 0 ? err_code(err, rc, "network '%s': remove the folder of its names", network)
		      : 0;
}

static void add_line(struct buf *out, const struct ip_addr *a, const char *id,
		     const char *host_name)
{
	char text[IP_STR_MAX];

	if (!a->family)
		return;
	buf_printf(out, "%s", ip_str(a, text));
	if (host_name && host_name[0] && !str_eq(host_name, id))
		buf_printf(out, " %s", host_name);
	if (strcspn(id, ".") <= LABEL_MAX && net_host_name_ok(id))
		buf_printf(out, " %s", id);
	buf_add_char(out, '\n');
}

int dns_join(const struct net_store *s, const struct net_end *end, const char *id,
	     const char *host_name, struct err *err)
{
	auto_close int hosts_fd = open_folder(s, end->network, "/hosts");
	auto_buf struct buf text = BUF_INIT;
	mode_t old;
	int rc = hosts_fd < 0 ? hosts_fd : 0;

	add_line(&text, &end->ip.addr, id, host_name);
	add_line(&text, &end->ip6.addr, id, host_name);
	if (rc == 0 && buf_failed(&text))
		rc = -ENOMEM;
	if (rc == 0) {
		old = umask(022);
		rc = file_replace_at(hosts_fd, id, buf_str(&text), text.len, 0644);
		(void)umask(old);
	}
	return rc < 0 ? err_code(err, rc, "network '%s': name '%s'", end->network, id) : 0;
}

void dns_leave(const struct net_store *s, const struct net_end *end, const char *id)
{
	auto_close int hosts_fd = open_folder(s, end->network, "/hosts");
	char temp[NET_ID_MAX + 8];

	if (hosts_fd < 0)
		return;
	(void)snprintf(temp, sizeof(temp), ".%s.tmp", id);
	(void)unlinkat(hosts_fd, temp, 0);
	(void)unlinkat(hosts_fd, id, 0);
}
