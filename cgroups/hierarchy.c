// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which cgroup hierarchies the host has. The usual places cost a handful of calls whatever the
 * number of mounts: /sys/fs/cgroup is either the cgroup2 tree itself or a tmpfs with one folder
 * per hierarchy. /proc/self/mountinfo (long on a host with many containers) is for the rest.
 * A folder that is no mount is found out later: it lacks the files of a group.
 */
#include "cgroups/cgroup_internal.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include "spec/base/fd.h"
#include "spec/base/num.h"

enum { MOUNTINFO_MAX = 16 << 20 };

#define CGROUP_ROOT "/sys/fs/cgroup"

static const struct {
	const char *v1, *v2; /* NULL: no such controller there */
} ctl_names[] = {
	[CTL_CPU] = { "cpu", "cpu" },
	[CTL_CPUACCT] = { "cpuacct", NULL },
	[CTL_CPUSET] = { "cpuset", "cpuset" },
	[CTL_MEMORY] = { "memory", "memory" },
	[CTL_IO] = { "blkio", "io" },
	[CTL_PIDS] = { "pids", "pids" },
	[CTL_DEVICES] = { "devices", NULL },
	[CTL_FREEZER] = { "freezer", NULL },
	[CTL_HUGETLB] = { "hugetlb", "hugetlb" },
	[CTL_RDMA] = { "rdma", "rdma" },
	[CTL_NET_CLS] = { "net_cls", NULL },
	[CTL_NET_PRIO] = { "net_prio", NULL },
	[CTL_PERF_EVENT] = { "perf_event", "perf_event" },
	[CTL_MISC] = { "misc", "misc" },
};
_Static_assert(ARRAY_LEN(ctl_names) == CTL_COUNT, "one row per controller");

const char *cg_ctl_name(enum cg_ctl ctl, bool is_v2)
{
	const char *name;

	if (ctl == CTL_NONE)
		return "cgroup";
	name = is_v2 ? ctl_names[ctl].v2 : ctl_names[ctl].v1;
	return name ? name : ctl_names[ctl].v1;
}

enum cg_ctl cg_ctl_from_name(const char *name, size_t len)
{
	for (unsigned int i = 0; i < CTL_COUNT; i++) {
		const char *v1 = ctl_names[i].v1;
		const char *v2 = ctl_names[i].v2;

		if ((strlen(v1) == len && memcmp(v1, name, len) == 0) ||
		    (v2 && strlen(v2) == len && memcmp(v2, name, len) == 0))
			return (enum cg_ctl)i;
	}
	return CTL_NONE;
}

/* "cpu,cpuacct" or "rw,cpu,cpuacct" as bits; a "name=..." hierarchy has none. */
static uint32_t parse_v1_controllers(const char *list)
{
	uint32_t bits = 0;

	while (*list) {
		size_t len = strcspn(list, ",");
		enum cg_ctl ctl = cg_ctl_from_name(list, len);

		if (ctl != CTL_NONE)
			bits |= CTL_BIT(ctl);
		list += len;
		list += *list == ',';
	}
	return bits;
}

static void add_hier(struct cg_host *host, const char *dir, uint32_t ctls, bool is_v2, dev_t dev)
{
	struct cg_hier *h;

	if (host->n == CG_HIER_MAX || strlen(dir) >= CG_HIER_DIR_MAX)
		return;
	for (size_t i = 0; i < host->n; i++) {
		/* The same hierarchy may be mounted twice: one group in it is enough. */
		if ((is_v2 && host->hiers[i].is_v2) || (ctls & host->hiers[i].ctls) ||
		    (dev && dev == host->hiers[i].dev))
			return;
	}
	h = &host->hiers[host->n++];
	memset(h, 0, sizeof(*h));
	memcpy(h->dir, dir, strlen(dir) + 1);
	h->ctls = ctls;
	h->is_v2 = is_v2;
	h->dev = dev;
}

static bool is_cgroup2(const char *path)
{
	struct statfs fs;

	return statfs(path, &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC;
}

int cg_host_scan_v1_dir(int root_fd, struct cg_host *host)
{
	auto_close int fd = openat(root_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_Alignas(struct dirent64) char list[4096];
	ssize_t n;

	if (fd < 0)
		return -errno;
	while ((n = getdents64(fd, list, sizeof(list))) > 0) {
		for (ssize_t at = 0; at < n;) {
			const struct dirent64 *e = (const void *)(list + at);

			at += e->d_reclen;
			/* Symbolic links are aliases of joint hierarchies: cpu -> cpu,cpuacct. */
			if (e->d_type == DT_DIR && e->d_name[0] != '.' &&
			    !str_eq(e->d_name, "unified"))
				add_hier(host, e->d_name, parse_v1_controllers(e->d_name), false,
					 0);
		}
	}
	return n < 0 ? -errno : 0;
}

/* Undoes the octal escapes (\040 and others) of mountinfo, in place. */
static void unescape(char *s)
{
	char *to = s;

	for (const char *p = s; *p; to++) {
		if (p[0] == '\\' && p[1] >= '0' && p[1] <= '3' && p[2] >= '0' && p[2] <= '7' &&
		    p[3] >= '0' && p[3] <= '7') {
			*to = (char)((p[1] - '0') * 64 + (p[2] - '0') * 8 + (p[3] - '0'));
			p += 4;
		} else {
			*to = *p++;
		}
	}
	*to = '\0';
}

/* "MAJOR:MINOR"; 0 when it is none. */
static dev_t parse_dev(char *text)
{
	char *colon = text ? strchr(text, ':') : NULL;
	uint64_t major, minor;

	if (!colon)
		return 0;
	*colon = '\0';
	if (num_u64(text, 0, UINT32_MAX, &major) < 0 ||
	    num_u64(colon + 1, 0, UINT32_MAX, &minor) < 0)
		return 0;
	return makedev((unsigned int)major, (unsigned int)minor);
}

/* One line: "ID PARENT DEV ROOT MOUNTPOINT OPTIONS [TAG...] - TYPE SOURCE SUPER-OPTIONS". */
static void parse_mount_line(char *line, struct cg_host *host)
{
	char *tail = strstr(line, " - ");
	char *save = NULL;
	const char *type, *super;
	char *point = NULL;
	char *dev = NULL;

	if (!tail)
		return;
	*tail = '\0';
	type = strtok_r(tail + 3, " ", &save);
	if (!type || (!str_eq(type, "cgroup") && !str_eq(type, "cgroup2")))
		return;
	(void)strtok_r(NULL, " ", &save);
	super = strtok_r(NULL, " ", &save);
	point = strtok_r(line, " ", &save);
	for (int i = 0; point && i < 4; i++) {
		point = strtok_r(NULL, " ", &save);
		if (i == 1)
			dev = point;
	}
	if (!point || *point != '/' || !super)
		return;
	unescape(point);
	add_hier(host, point[1] ? point + 1 : ".", parse_v1_controllers(super),
		 str_eq(type, "cgroup2"), parse_dev(dev));
}

void cg_host_parse_mountinfo(char *text, struct cg_host *host)
{
	char *save = NULL;

	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		parse_mount_line(line, host);
}

static int scan_mountinfo(struct cg_host *host, struct err *err)
{
	auto_buf struct buf text = BUF_INIT;
	int rc = file_read_at(AT_FDCWD, "/proc/self/mountinfo", MOUNTINFO_MAX, &text);

	if (rc < 0)
		return err_code(err, rc, "read '/proc/self/mountinfo'");
	host->root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (host->root_fd < 0)
		return err_sys(err, "open '/'");
	if (text.data)
		cg_host_parse_mountinfo(text.data, host);
	if (host->n == 0)
		return err_set(err, -ENOENT, "find cgroups: no hierarchy is mounted");
	return 0;
}

static enum cg_mode mode_of(const struct cg_host *host)
{
	bool has_v1 = false;

	for (size_t i = 0; i < host->n; i++)
		has_v1 |= !host->hiers[i].is_v2;
	if (!has_v1)
		return CG_MODE_V2;
	return cg_host_v2(host) ? CG_MODE_HYBRID : CG_MODE_V1;
}

int cg_host_scan(struct cg_host *out, struct err *err)
{
	struct statfs fs;
	int rc;

	out->n = 0;
	out->root_fd = open(CGROUP_ROOT, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (out->root_fd >= 0 && fstatfs(out->root_fd, &fs) == 0) {
		if (fs.f_type == CGROUP2_SUPER_MAGIC) {
			add_hier(out, ".", 0, true, 0);
		} else if (fs.f_type == TMPFS_MAGIC) {
			rc = cg_host_scan_v1_dir(out->root_fd, out);
			if (rc < 0) {
				cg_host_fini(out);
				return err_code(err, rc, "read '%s'", CGROUP_ROOT);
			}
			if (is_cgroup2(CGROUP_ROOT "/unified"))
				add_hier(out, "unified", 0, true, 0);
		}
	}
	if (out->n == 0) {
		cg_host_fini(out);
		rc = scan_mountinfo(out, err);
		if (rc < 0) {
			cg_host_fini(out);
			return rc;
		}
	}
	out->mode = mode_of(out);
	return 0;
}

void cg_host_fini(struct cg_host *host)
{
	cleanup_close(&host->root_fd);
	host->root_fd = -1;
	host->n = 0;
}

const struct cg_hier *cg_host_v1(const struct cg_host *host, enum cg_ctl ctl)
{
	for (size_t i = 0; i < host->n; i++) {
		if (host->hiers[i].ctls & CTL_BIT(ctl))
			return &host->hiers[i];
	}
	return NULL;
}

const struct cg_hier *cg_host_v2(const struct cg_host *host)
{
	for (size_t i = 0; i < host->n; i++) {
		if (host->hiers[i].is_v2)
			return &host->hiers[i];
	}
	return NULL;
}

enum cg_mode cg_host_mode(void)
{
	struct cg_host host = { .root_fd = -1 };
	enum cg_mode mode;

	if (cg_host_scan(&host, NULL) < 0)
		return CG_MODE_V2;
	mode = host.mode;
	cg_host_fini(&host);
	return mode;
}
