// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * linux.resources.unified: files of the cgroup2 group by name, known to us or not. A file belongs
 * to the controller that its name begins with, and that must be there. Each line of a value is
 * written alone, as files with a line per device ask for. On a hybrid host the cgroup2 tree has
 * the controllers that v1 left over. Source: OCI config-linux, "Unified".
 */
#include <string.h>

#include "cgroups/limits.h"

/* A plain name: no folder, no way up, nothing that moves processes or takes the group's life. */
static bool is_file_name(const char *name)
{
	static const char *const refused[] = { "cgroup.procs", "cgroup.threads", "cgroup.kill",
					       "cgroup.subtree_control" };

	if (*name == '\0' || *name == '.' || strchr(name, '/') || strlen(name) > 255)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		if (str_eq(name, refused[i]))
			return false;
	}
	return true;
}

int cg_build_unified(const struct config_resources *res, const struct cg_layout *layout,
		     struct cg_limits *out, struct err *err)
{
	for (size_t i = 0; i < res->unified.n; i++) {
		const struct config_unified *u = &res->unified.items[i];
		const char *json = cg_limits_json(out, "/linux/resources/unified/%s", u->file);
		struct cg_write w = { .on_v2 = true, .file = u->file, .json = json };
		int rc;

		if (!is_file_name(u->file))
			return err_set(err, -EINVAL, "%s: not a file that may be set", json);
		if (!layout->has_v2)
			return err_set(err, -ENOTSUP, "%s: this host has no cgroup v2", json);
		w.ctl = cg_ctl_from_name(u->file, strcspn(u->file, "."));
		w.flags = strchr(u->value, '\n') ? CG_WRITE_LINES : 0;
		rc = cg_limits_add(out, w, err, "%s", u->value);
		if (rc < 0)
			return rc;
	}
	return 0;
}
