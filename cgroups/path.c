// SPDX-License-Identifier: GPL-2.0-or-later
/* The group's path below the root of every hierarchy. */
#include "cgroups/cgroup_internal.h"

#include <fcntl.h>
#include <string.h>

#include "spec/base/fd.h"
#include "spec/base/path.h"

enum { PROC_CGROUP_MAX = 64 << 10, NAME_LEN_MAX = 255 };

/* Appends "/part" for each part of @path. */
static int append_parts(struct buf *out, const char *path, struct err *err)
{
	while (*path) {
		size_t len = strcspn(path, "/");

		if (len > NAME_LEN_MAX)
			return err_set(err, -EINVAL,
				       "/linux/cgroupsPath: a part of it is too long");
		if ((len == 1 && path[0] == '.') || (len == 2 && path[0] == '.' && path[1] == '.'))
			return err_set(err, -EINVAL,
				       "/linux/cgroupsPath: must not have a part \"%.*s\"",
				       (int)len, path);
		if (len > 0) {
			buf_add_char(out, '/');
			buf_add(out, path, len);
		}
		path += len;
		path += *path == '/';
	}
	return 0;
}

/* The folder of the caller's own group in the cgroup2 tree: "0::/a/b/c" gives "/a/b". */
static int append_own_parent(struct buf *out, struct err *err)
{
	auto_buf struct buf text = BUF_INIT;
	const char *own;
	size_t len;
	int rc = file_read_at(AT_FDCWD, "/proc/self/cgroup", PROC_CGROUP_MAX, &text);

	if (rc < 0)
		return err_code(err, rc, "read '/proc/self/cgroup'");
	own = strstr(buf_str(&text), "0::/");
	if (!own)
		return 0;
	own += strlen("0::");
	len = strcspn(own, "\n");
	while (len > 0 && own[len - 1] != '/')
		len--;
	if (len > 1)
		buf_add(out, own, len - 1);
	return 0;
}

int cg_path_choose(const char *cgroups_path, const char *id, bool rootless, char **out,
		   struct err *err)
{
	auto_buf struct buf b = BUF_INIT;
	const char *path = cgroups_path && *cgroups_path ? cgroups_path : id;
	size_t parent_len;
	int rc = 0;

	if (rootless && *path != '/' && cg_host_mode() == CG_MODE_V2)
		rc = append_own_parent(&b, err);
	parent_len = b.len;
	if (rc == 0)
		rc = append_parts(&b, path, err);
	if (rc < 0)
		return rc;
	if (buf_failed(&b))
		return err_set(err, -ENOMEM, "choose a cgroup: out of memory");
	if (b.len == parent_len)
		return err_set(err, -EINVAL,
			       "/linux/cgroupsPath: must name a group below the root");
	if (b.len > CG_PATH_MAX)
		return err_set(err, -EINVAL, "/linux/cgroupsPath: too long");
	*out = TAKE_PTR(b.data);
	return 0;
}
