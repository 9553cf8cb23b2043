// SPDX-License-Identifier: GPL-2.0-or-later
/* The id maps of a new user namespace: by our own writes, or by the setuid helpers. */
#include "namespaces/idmap.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "namespaces/procfs.h"
#include "spec/base/fd.h"
#include "spec/base/proc.h"

/* uids and gids go the same way. */
struct side {
	const char *json; /* member of linux */
	const char *file; /* below /proc/PID */
	const char *helper;
};

static const struct side uid_side = { "uidMappings", "uid_map", "newuidmap" };
static const struct side gid_side = { "gidMappings", "gid_map", "newgidmap" };

void idmap_format(const struct config_id_maps *maps, struct buf *out)
{
	for (size_t i = 0; i < maps->n; i++) {
		const struct config_id_map *m = &maps->items[i];

		buf_printf(out, "%u %u %u\n", m->container_id, m->host_id, m->size);
	}
}

bool idmap_is_own(const struct config_id_maps *maps, uint32_t own)
{
	return maps->n == 1 && maps->items[0].size == 1 && maps->items[0].host_id == own;
}

static int write_file(int proc_fd, pid_t pid, const char *file, const char *text)
{
	auto_close int fd = procfs_open_task(proc_fd, pid, file, O_WRONLY);

	if (fd < 0)
		return fd;
	/* One write: the kernel takes a map once, and whole. */
	return write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

static int write_map(int proc_fd, pid_t pid, const struct side *s,
		     const struct config_id_maps *maps, struct err *err)
{
	auto_buf struct buf text = BUF_INIT;
	int rc;

	idmap_format(maps, &text);
	if (buf_failed(&text))
		return err_set(err, -ENOMEM, "out of memory");
	rc = write_file(proc_fd, pid, s->file, buf_str(&text));
	return rc < 0 ? err_code(err, rc, "/linux/%s: write '%s'", s->json, s->file) : 0;
}

/* The helper's arguments: its name, the pid, three numbers per range. Gives *@out_text, *@out_argv.
 */
static int helper_argv(pid_t pid, const struct side *s, const struct config_id_maps *maps,
		       struct buf *text, char ***out_argv)
{
	size_t n = 2 + maps->n * 3;
	char **argv = calloc(n + 1, sizeof(*argv));
	char *save = NULL;

	buf_printf(text, "%s %d\n", s->helper, pid);
	idmap_format(maps, text);
	if (!argv || buf_failed(text)) {
		free(argv);
		return -ENOMEM;
	}
	for (size_t i = 0; i < n; i++)
		argv[i] = strtok_r(i ? NULL : text->data, " \n", &save);
	*out_argv = argv;
	return 0;
}

static int run_helper(pid_t pid, const struct side *s, const struct config_id_maps *maps,
		      struct err *err)
{
	auto_buf struct buf text = BUF_INIT;
	auto_free char **argv = NULL;
	pid_t helper;
	int status;
	int rc = helper_argv(pid, s, maps, &text, &argv);

	if (rc < 0)
		return err_set(err, rc, "out of memory");
	rc = posix_spawnp(&helper, s->helper, NULL, NULL, argv, environ);
	if (rc == ENOENT)
		return err_set(
		    err, -ENOENT,
		    "/linux/%s: more than one's own id without privilege needs the program "
		    "'%s' (Debian package uidmap)",
		    s->json, s->helper);
	if (rc)
		return err_code(err, -rc, "/linux/%s: run '%s'", s->json, s->helper);
	rc = proc_reap(helper, &status);
	if (rc < 0)
		return err_code(err, rc, "/linux/%s: wait for '%s'", s->json, s->helper);
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		return err_set(err, -EPERM, "/linux/%s: '%s' failed: exit status %d", s->json,
			       s->helper, proc_exit_code(status));
	return 0;
}

int idmap_write(int proc_fd, pid_t pid, const struct config *c, struct err *err)
{
	const struct config_id_maps *uids = &c->linux_.uid_mappings;
	const struct config_id_maps *gids = &c->linux_.gid_mappings;
	bool is_root = geteuid() == 0;
	int rc;

	if (is_root || idmap_is_own(uids, geteuid()))
		rc = write_map(proc_fd, pid, &uid_side, uids, err);
	else
		rc = run_helper(pid, &uid_side, uids, err);
	if (rc < 0)
		return rc;
	if (!is_root && !idmap_is_own(gids, getegid()))
		return run_helper(pid, &gid_side, gids, err);
	/*
	 * Without privilege a group map is only allowed once setgroups is denied: a process could
	 * otherwise leave a group that denies it access (CVE-2014-8989).
	 */
	if (!is_root) {
		rc = write_file(proc_fd, pid, "setgroups", "deny");
		if (rc < 0)
			return err_code(err, rc, "/linux/gidMappings: deny setgroups");
	}
	return write_map(proc_fd, pid, &gid_side, gids, err);
}

int idmap_become_root(struct err *err)
{
	if (setresgid(0, 0, 0) < 0 && errno != EINVAL)
		return err_sys(err, "become group 0 of the user namespace");
	if (setresuid(0, 0, 0) < 0 && errno != EINVAL)
		return err_sys(err, "become user 0 of the user namespace");
	return 0;
}
