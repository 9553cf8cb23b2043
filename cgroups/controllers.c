// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * cgroup v2: a group has the files of a controller only when every group above it passes the
 * controller on in cgroup.subtree_control. A group other than the root that holds processes cannot
 * do so (EBUSY, the no-internal-process rule): then the controller is missing, and the property
 * that needs it says where. Source: kernel admin-guide/cgroup-v2, "Enabling and Disabling".
 */
#include "cgroups/cgroup_internal.h"

#include <fcntl.h>
#include <string.h>

uint32_t cg_ctl_parse_list(const char *text)
{
	uint32_t bits = 0;

	while (*text) {
		size_t len = strcspn(text, " \n");
		enum cg_ctl ctl = cg_ctl_from_name(text, len);

		if (ctl != CTL_NONE)
			bits |= CTL_BIT(ctl);
		text += len;
		text += strspn(text, " \n");
	}
	return bits;
}

int cg_controllers_of(const struct cgroup *cg, const char *path, uint32_t *out)
{
	const struct cg_hier *v2 = cg_host_v2(&cg->host);
	auto_close int fd = -1;
	char name[CG_FILE_MAX];
	char text[512];
	ssize_t n;
	int rc;

	if (!v2)
		return -ENOENT;
	rc = cg_file_path(v2, path, "cgroup.controllers", name);
	if (rc < 0)
		return rc;
	fd = openat(cg->host.root_fd, name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = read(fd, text, sizeof(text) - 1);
	if (n < 0)
		return -errno;
	text[n] = '\0';
	*out = cg_ctl_parse_list(text);
	return 0;
}

/* Writes "+NAME ..." for @bits; then one by one, as one refused name refuses the whole line. */
static int pass_on(int root_fd, const char *path, uint32_t bits)
{
	auto_close int fd = openat(root_fd, path, O_WRONLY | O_CLOEXEC);
	char line[256] = "";
	size_t len = 0;
	int rc = 0;

	if (fd < 0)
		return -errno;
	for (unsigned int i = 0; i < CTL_COUNT; i++) {
		if (bits & CTL_BIT(i))
			len += (size_t)snprintf(line + len, sizeof(line) - len, "+%s ",
						cg_ctl_name((enum cg_ctl)i, true));
	}
	if (write(fd, line, len) >= 0)
		return 0;
	for (unsigned int i = 0; i < CTL_COUNT; i++) {
		if (!(bits & CTL_BIT(i)))
			continue;
		len =
		    (size_t)snprintf(line, sizeof(line), "+%s", cg_ctl_name((enum cg_ctl)i, true));
		if (write(fd, line, len) < 0)
			rc = -errno;
	}
	return rc;
}

/*
 * The group @path holds processes and is not the real root. The kernel refuses to pass on most
 * controllers there, but takes cpu, cpuset and pids: it then turns the group into the root of a
 * threaded subtree, in whose children no process can be put any more. So this asks first.
 */
static bool is_inhabited(int root_fd, const struct cg_hier *v2, const char *path)
{
	auto_close int fd = -1;
	char name[CG_FILE_MAX];
	char c;

	if (cg_file_path(v2, path, "cgroup.type", name) < 0 ||
	    faccessat(root_fd, name, F_OK, 0) < 0 || /* the real root has no type */
	    cg_file_path(v2, path, "cgroup.procs", name) < 0)
		return false;
	fd = openat(root_fd, name, O_RDONLY | O_CLOEXEC);
	return fd >= 0 && read(fd, &c, 1) == 1;
}

/* Passes @bits on in the group whose path is the first @len bytes of the handle's. */
static void pass_on_at(struct cgroup *cg, size_t len, uint32_t bits)
{
	const struct cg_hier *v2 = cg_host_v2(&cg->host);
	char path[CG_PATH_MAX + 1];
	char name[CG_FILE_MAX];
	int rc;

	memcpy(path, cg->path, len);
	path[len] = '\0';
	rc = cg_file_path(v2, path, "cgroup.subtree_control", name);
	if (rc == 0)
		rc = is_inhabited(cg->host.root_fd, v2, path)
			 ? -EBUSY
			 : pass_on(cg->host.root_fd, name, bits);
	if (rc < 0 && cg->enable_code == 0) {
		cg->enable_code = rc;
		cg->enable_at = len;
	}
}

int cg_controllers_enable(struct cgroup *cg, uint32_t wanted, uint32_t *out_have)
{
	uint32_t have = 0;
	uint32_t host = 0;
	int rc = cg_controllers_of(cg, cg->path, &have);

	if (rc == 0 && (wanted & ~have))
		rc = cg_controllers_of(cg, "", &host);
	if (rc < 0)
		return rc;
	wanted &= host & ~have;
	if (wanted) {
		for (const char *p = cg->path; p; p = strchr(p + 1, '/'))
			pass_on_at(cg, (size_t)(p - cg->path), wanted);
		rc = cg_controllers_of(cg, cg->path, &have);
		if (rc < 0)
			return rc;
	}
	*out_have = have;
	return 0;
}
