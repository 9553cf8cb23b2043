// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * cgroup v1 cpusets: a new one has no CPU and no memory node, and takes no task until it has (the
 * kernel answers ENOSPC), so the parent's sets are copied. A parent whose own sets are empty,
 * because nobody has used it yet, is filled first.
 */
#include "cgroups/cgroup_internal.h"

#include <fcntl.h>
#include <string.h>

enum { CPUSET_VALUE_MAX = 4096 };

static int read_set(int root_fd, const struct cg_hier *hier, const char *path, const char *file,
		    char out[CPUSET_VALUE_MAX])
{
	auto_close int fd = -1;
	char name[CG_FILE_MAX];
	ssize_t n = cg_file_path(hier, path, file, name);

	if (n < 0)
		return (int)n;
	fd = openat(root_fd, name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = read(fd, out, CPUSET_VALUE_MAX - 1);
	if (n < 0)
		return -errno;
	while (n > 0 && out[n - 1] == '\n')
		n--;
	out[n] = '\0';
	return (int)n;
}

static int write_set(int root_fd, const struct cg_hier *hier, const char *path, const char *file,
		     const char *value)
{
	auto_close int fd = -1;
	char name[CG_FILE_MAX];
	int rc = cg_file_path(hier, path, file, name);

	if (rc < 0)
		return rc;
	fd = openat(root_fd, name, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	return write(fd, value, strlen(value)) < 0 ? -errno : 0;
}

/* The set of @path, taken from its parent (and so on up) when it is empty. */
static int fill(int root_fd, const struct cg_hier *hier, char *path, const char *file,
		char value[CPUSET_VALUE_MAX])
{
	char *slash;
	int rc = read_set(root_fd, hier, path, file, value);

	if (rc != 0)
		return rc;
	slash = strrchr(path, '/');
	if (!slash)
		return -ENODATA; /* the root's set is never empty */
	*slash = '\0';
	rc = fill(root_fd, hier, path, file, value);
	*slash = '/';
	if (rc < 0)
		return rc;
	rc = write_set(root_fd, hier, path, file, value);
	return rc < 0 ? rc : (int)strlen(value);
}

int cg_cpuset_inherit(const struct cgroup *cg, const struct cg_hier *hier, const char *path)
{
	static const char *const files[] = { "cpuset.cpus", "cpuset.mems" };
	char value[CPUSET_VALUE_MAX];
	char parent[CG_PATH_MAX + 1];
	char *slash;

	if (strlen(path) >= sizeof(parent))
		return -ENAMETOOLONG;
	memcpy(parent, path, strlen(path) + 1);
	slash = strrchr(parent, '/');
	if (!slash)
		return -EINVAL;
	*slash = '\0';
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		int rc = fill(cg->host.root_fd, hier, parent, files[i], value);

		/* ENOENT: a folder that is no mounted hierarchy. */
		if (rc == -ENOENT)
			return 0;
		if (rc >= 0)
			rc = write_set(cg->host.root_fd, hier, path, files[i], value);
		if (rc < 0)
			return rc;
	}
	return 0;
}
