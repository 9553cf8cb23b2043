/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A group of processes with limits: one object over cgroup v2, v1 and hybrid hosts (v1 controllers
 * with a cgroup2 tree beside them). The cgroup file-system driver: paths are as in runc and crun.
 *
 *   cg_path_choose()  cgroupsPath + id  ->  the path, the same in every hierarchy
 *   cg_create()       makes the group in every hierarchy and applies the limits
 *   cg_join_plan()    numbers for namespaces/: what the child does to be born in the group
 *   cg_open()         a later command finds it again by the path kept in the state
 *   cg_delete()       kills what is left in it and removes what cg_create() made, never more
 *
 * Every path that cg_create() will make is known before it makes the first (cg_path_choose), so the
 * caller records it first and a create that was killed half-way can be removed.
 */
#ifndef BIVALVE_CGROUPS_CGROUP_H
#define BIVALVE_CGROUPS_CGROUP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "spec/base/err.h"
#include "spec/config.h"

enum cg_mode { CG_MODE_V1, CG_MODE_HYBRID, CG_MODE_V2 };

struct cgroup; /* opaque: mode, path, one descriptor per hierarchy */

/*
 * cg_path_choose - the group's path below each hierarchy's root, "/a/b/ID".
 * @cgroups_path: linux.cgroupsPath, may be NULL; @id: container id
 * An absolute path is taken from the hierarchies' root; a relative one and none follow runc and crun.
 * Never below the caller's own group on v1. Returns 0 and gives *@out (free), or -EINVAL / -ENOMEM.
 */
MUST_CHECK int cg_path_choose(const char *cgroups_path, const char *id, bool rootless, char **out,
			      struct err *err);

/*
 * cg_create - makes the group where it does not exist and applies @res (NULL: no limits).
 * Undone on failure: nothing that it made is left. A group that existed already and holds processes
 * is refused (-EBUSY) unless @may_exist. Properties that the host cannot apply are errors that name
 * their JSON path. Gives *@out (cg_close).
 */
MUST_CHECK int cg_create(const char *path, const struct config_resources *res, bool rootless,
			 bool may_exist, struct cgroup **out, struct err *err);

/* cg_open - the group that a former cg_create() made. -ENOENT: none of its folders exists. */
MUST_CHECK int cg_open(const char *path, struct cgroup **out, struct err *err);

/* cg_close - closes the handle; the group stays. NULL is accepted. */
void cg_close(struct cgroup *cg);

/* What a child does to be in the group; numbers only, borrowed from the cgroup. */
struct cg_join {
	int v2_dir_fd;	      /* for clone3(CLONE_INTO_CGROUP); -1: there is no cgroup2 hierarchy */
	const int *tasks_fds; /* v1 "tasks" files: the child itself writes "0" to each */
	size_t n_tasks_fds;
};
MUST_CHECK int cg_join_plan(struct cgroup *cg, struct cg_join *out, struct err *err);

/* cg_attach - moves process @pid (and its threads) into the group. */
MUST_CHECK int cg_attach(struct cgroup *cg, pid_t pid, struct err *err);

/* cg_update - applies the properties that are set in @res to a live group; the others stay. */
MUST_CHECK int cg_update(struct cgroup *cg, const struct config_resources *res, struct err *err);

/* cg_delegate - gives the group to @uid (v2 only), as config-linux "cgroup ownership" says. */
MUST_CHECK int cg_delegate(struct cgroup *cg, uid_t uid, struct err *err);

MUST_CHECK int cg_freeze(struct cgroup *cg, struct err *err);
MUST_CHECK int cg_thaw(struct cgroup *cg, struct err *err);
/* cg_is_frozen - 1, 0 or -errno. */
MUST_CHECK int cg_is_frozen(struct cgroup *cg, struct err *err);

/* cg_signal_all - @sig to every process of the group and its children (SIGKILL: cgroup.kill). */
MUST_CHECK int cg_signal_all(struct cgroup *cg, int sig, struct err *err);

/* cg_pids - every pid in the group and below it. Gives *@out (free). */
MUST_CHECK int cg_pids(struct cgroup *cg, pid_t **out, size_t *out_n, struct err *err);

/*
 * cg_delete - kills what is left, then removes the group's folders, children first.
 * A group that is gone already is no error. Waits at most @timeout_ms for processes to end (-EBUSY).
 */
MUST_CHECK int cg_delete(const char *path, int timeout_ms, struct err *err);

/* cg_host_mode - what is mounted on this host. */
enum cg_mode cg_host_mode(void);

static inline void cg_closep(struct cgroup **cg)
{
	cg_close(*cg);
}
#define auto_cgroup auto_cleanup(cg_closep)

#endif
