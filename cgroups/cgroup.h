/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A group of processes with limits: one object over cgroup v2, v1 and hybrid hosts (v1 controllers
 * with a cgroup2 tree beside them). The cgroup file-system driver: paths are as in runc and crun.
 *
 *   cg_path_choose()  cgroupsPath + id  ->  the path, the same in every hierarchy
 *   cg_exists()       is somebody's group there already? Then it is not ours to remove
 *   cg_create()       makes the group in every hierarchy and applies the limits
 *   cg_join_plan()    numbers for namespaces/: what the child does to be born in the group
 *   cg_open()         a later command finds it again by the path kept in the state
 *   cg_delete()       kills what is left in it and removes it
 *
 * Who made it: cg_create() without CG_MAY_EXIST makes every folder of the group itself or fails
 * with -EEXIST and removes nothing of others. So the caller asks cg_exists(), records path and
 * answer, and creates: a group that was not there before is ours, also when the creator was killed
 * half-way, and may be given to cg_delete(). A group that was there is entered with CG_MAY_EXIST
 * and never deleted. Parent folders that had to be made stay, as with the peers.
 *
 * "rootless" means without rights over the host's cgroup trees: where the tree cannot be written
 * and no limit is asked for, there is no group (cg_has_group() is false, cg_delete() does nothing).
 */
#ifndef BIVALVE_CGROUPS_CGROUP_H
#define BIVALVE_CGROUPS_CGROUP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "spec/base/err.h"
#include "spec/config.h"

enum cg_mode { CG_MODE_V1, CG_MODE_HYBRID, CG_MODE_V2 };

struct cgroup; /* opaque: the host's hierarchies, the path, descriptors for joining */

/*
 * cg_path_choose - the group's path below each hierarchy's root, "/a/b/ID".
 * @cgroups_path: linux.cgroupsPath, may be NULL or ""; @id: container id
 *
 * Absolute: taken as it is (doubled slashes removed). Relative: "/" + path; none: "/" + id, as in
 * crun. Never below the caller's own group, but for rootless on cgroup v2: there a relative path
 * and none go beside the caller's own group, the part of the tree that may be delegated, as in
 * runc. Gives *@out (free). -EINVAL: "." or ".." in it, the root itself, too long. -ENOMEM.
 * Source: OCI config-linux, "Cgroups Path".
 */
MUST_CHECK int cg_path_choose(const char *cgroups_path, const char *id, bool rootless, char **out,
			      struct err *err);

/* cg_exists - 1 when the group is there in any hierarchy, 0 when in none, or -errno. */
MUST_CHECK int cg_exists(const char *path, struct err *err);

enum cg_create_flags {
	CG_ROOTLESS = 1,  /* a tree that is not ours to write is no error while no limit needs it */
	CG_MAY_EXIST = 2, /* enter a group that is there already, if it holds no process */
	/* Device rules are not applied: for a group whose holder is not the workload (a VMM). */
	CG_NO_DEVICES = 4,
};

/*
 * cg_create - makes the group in every hierarchy and applies @res (NULL: no limits).
 *
 * Device access is denied by default, then the rules of @res and cg_default_device_rules() apply,
 * also when @res has none. A property that the host cannot apply is an error that names its JSON
 * path; zeros that callers send for "unset" count as unset (README.md lists them).
 * Undone on failure: nothing that it made is left, parents included. Gives *@out (cg_close).
 * -EEXIST: there already (without CG_MAY_EXIST); -EBUSY: it holds processes (with it).
 */
MUST_CHECK int cg_create(const char *path, const struct config_resources *res, unsigned int flags,
			 struct cgroup **out, struct err *err);

/*
 * cg_refuse_limits - for a container without a group: -ENOTSUP, naming the first limit that @res
 * asks for; 0 when it asks for none. Device rules are no limit here.
 */
MUST_CHECK int cg_refuse_limits(const struct config_resources *res, struct err *err);

/* cg_open - the group that a former cg_create() made. -ENOENT: none of its folders exists. */
MUST_CHECK int cg_open(const char *path, struct cgroup **out, struct err *err);

/* cg_close - closes the handle; the group stays. NULL is accepted. */
void cg_close(struct cgroup *cg);

/* cg_has_group - false: rootless without a writable tree, every process stays where it is. */
bool cg_has_group(const struct cgroup *cg);

/* What a child does to be in the group; numbers only, borrowed from the cgroup. */
struct cg_join {
	int v2_dir_fd;        /* for clone3(CLONE_INTO_CGROUP); -1: none */
	const int *tasks_fds; /* the child itself writes "0" to each, before any other step */
	size_t n_tasks_fds;
};

/*
 * cg_join_plan - the way in for the container's first process. Valid until the next plan or close.
 * A thread that writes "0" to a v1 "tasks" file moves itself alone and skips the lock over all
 * forks of the host that cgroup.procs takes, and so does CLONE_INTO_CGROUP.
 * With pids.limit 0 on v2 the child enters by cgroup.procs: a clone into the group is refused.
 */
MUST_CHECK int cg_join_plan(struct cgroup *cg, struct cg_join *out, struct err *err);

/* Where an exec goes. */
struct cg_exec_target {
	const struct strv *subs; /* "SUB" or "CTRL[,CTRL]:SUB", below the group; may be NULL */
	pid_t init_pid;          /* the container's first process; 0: not known */
};

/*
 * cg_join_plan_exec - as cg_join_plan(), for one more process. Where the group itself may hold no
 * process because the container made groups below it (v2), its first process shows the way: the
 * new one goes to its group, if that is below ours.
 * -ENOENT: no such sub-group; -EINVAL: @subs names no mounted controller, or leads out.
 */
MUST_CHECK int cg_join_plan_exec(struct cgroup *cg, const struct cg_exec_target *to,
				 struct cg_join *out, struct err *err);

/* cg_attach - moves process @pid (with its threads) into the group, in every hierarchy. */
MUST_CHECK int cg_attach(struct cgroup *cg, pid_t pid, struct err *err);

/*
 * cg_update - applies the properties that are set in @res to a live group; the others stay.
 * Device rules, when @res has any, replace the old ones as a whole. Not undone on failure: what
 * was written before the refused property stays.
 */
MUST_CHECK int cg_update(struct cgroup *cg, const struct config_resources *res, struct err *err);

/*
 * cg_delegate - gives the group's v2 folder and the files of /sys/kernel/cgroup/delegate to @uid.
 * Nothing on v1, whose delegation is not safe. Source: OCI config-linux, "Cgroup ownership".
 */
MUST_CHECK int cg_delegate(struct cgroup *cg, uid_t uid, struct err *err);

/* cg_freeze - returns when every process of the group stands still; thawed again on failure. */
MUST_CHECK int cg_freeze(struct cgroup *cg, struct err *err);
MUST_CHECK int cg_thaw(struct cgroup *cg, struct err *err);
/* cg_is_frozen - 1 (also while it is still freezing), 0 or -errno. Without a freezer: 0. */
MUST_CHECK int cg_is_frozen(struct cgroup *cg, struct err *err);

/*
 * cg_signal_all - @sig to every process of the group and its children. The group stands still
 * meanwhile where there is a freezer, so that no fork escapes. SIGKILL: by cgroup.kill where the
 * kernel has it (5.14), and a frozen group is thawed. A group without processes is no error.
 */
MUST_CHECK int cg_signal_all(struct cgroup *cg, int sig, struct err *err);

/* cg_pids - every pid in the group and below it, ascending. Gives *@out (free). */
MUST_CHECK int cg_pids(struct cgroup *cg, pid_t **out, size_t *out_n, struct err *err);

/*
 * cg_delete - removes the group's folders, children first; kills what is left in it before.
 * A group that is gone already is no error. Waits at most @timeout_ms for processes to end
 * (-EBUSY). Works from the path alone.
 */
MUST_CHECK int cg_delete(const char *path, int timeout_ms, struct err *err);

/* cg_default_device_rules - what every container may do: null, zero, full, random, ptys, mknod. */
const struct config_device_rule *cg_default_device_rules(size_t *out_n);

/* cg_host_mode - what is mounted on this host. */
enum cg_mode cg_host_mode(void);

static inline void cg_closep(struct cgroup **cg)
{
	cg_close(*cg);
}
#define auto_cgroup auto_cleanup(cg_closep)

#endif
