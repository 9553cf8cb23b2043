/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of cgroups/ share: the host's hierarchies, the handle, reading and writing one
 * file of a group. Every path is "HIERARCHY" + "/GROUP" + "/FILE" below one descriptor, so a test
 * can hand in a tree of plain files. kernfs has no symbolic links, hence plain openat().
 */
#ifndef BIVALVE_CGROUPS_CGROUP_INTERNAL_H
#define BIVALVE_CGROUPS_CGROUP_INTERNAL_H

#include "cgroups/cgroup.h"
#include "spec/base/buf.h"
#include "spec/base/str.h"

enum cg_ctl {
	CTL_CPU,
	CTL_CPUACCT,
	CTL_CPUSET,
	CTL_MEMORY,
	CTL_IO, /* "blkio" on v1 */
	CTL_PIDS,
	CTL_DEVICES, /* v1 only */
	CTL_FREEZER, /* v1 only */
	CTL_HUGETLB,
	CTL_RDMA,
	CTL_NET_CLS,  /* v1 only */
	CTL_NET_PRIO, /* v1 only */
	CTL_PERF_EVENT,
	CTL_MISC,
	CTL_COUNT,
	CTL_NONE = CTL_COUNT /* a file that belongs to no controller: cgroup.* */
};

#define CTL_BIT(ctl) (1U << (ctl))

enum {
	CG_HIER_MAX = 24,
	CG_HIER_DIR_MAX = 256, /* bytes of a hierarchy's folder name */
	CG_PATH_MAX = 3584,    /* bytes of a group's path; leaves room for folder and file name */
	CG_FILE_MAX = 4096,    /* bytes of folder + path + file name, PATH_MAX */
	CG_VALUE_MAX = 4096,   /* bytes of the small files that are read into an array */
};

struct cg_hier {
	char dir[CG_HIER_DIR_MAX]; /* below root_fd: "memory", "cpu,cpuacct", "unified", "." */
	uint32_t ctls;             /* CTL_BIT()s; 0 for v2, whose controllers may change */
	dev_t dev;                 /* of the mount; 0: not known */
	bool is_v2;
	bool is_denied; /* rootless: not ours to write, there is no group here */
};

struct cg_host {
	enum cg_mode mode;
	int root_fd; /* owned, O_PATH */
	size_t n;
	struct cg_hier hiers[CG_HIER_MAX];
};

struct cgroup {
	struct cg_host host;
	char *path; /* owned, "/a/b" */
	bool has_group;
	bool enter_by_procs; /* v2: CLONE_INTO_CGROUP would be refused (pids.max 0) */
	/* v2: why a controller is missing in the group, and at which part of the path (its length;
	 * 0: the root); for messages. */
	int enable_code;
	size_t enable_at;
	int v2_dir_fd;             /* owned, -1: not open */
	int join_fds[CG_HIER_MAX]; /* owned */
	size_t n_join_fds;
};

/* ---- hierarchy.c --------------------------------------------------------------------------- */

/* cg_host_scan - what is mounted: /sys/fs/cgroup by name, else all of mountinfo. */
MUST_CHECK int cg_host_scan(struct cg_host *out, struct err *err);
void cg_host_fini(struct cg_host *host);

/* cg_host_scan_v1_dir - adds the folders of @root_fd (a tmpfs with a hierarchy in each folder). */
MUST_CHECK int cg_host_scan_v1_dir(int root_fd, struct cg_host *host);
/* cg_host_parse_mountinfo - adds the cgroup mounts of @text; root_fd is then "/". Changes @text. */
void cg_host_parse_mountinfo(char *text, struct cg_host *host);

/* cg_host_v1 - the v1 hierarchy of @ctl, or NULL. */
const struct cg_hier *cg_host_v1(const struct cg_host *host, enum cg_ctl ctl);
/* cg_host_v2 - the cgroup2 hierarchy, or NULL. */
const struct cg_hier *cg_host_v2(const struct cg_host *host);

const char *cg_ctl_name(enum cg_ctl ctl, bool is_v2);
/* cg_ctl_from_name - CTL_NONE: unknown. @name ends at @len. */
enum cg_ctl cg_ctl_from_name(const char *name, size_t len);

/* ---- file.c -------------------------------------------------------------------------------- */

/* cg_file_path - "dir/path/file" ("dir/path" when @file is NULL). Returns 0 or -ENAMETOOLONG. */
MUST_CHECK int cg_file_path(const struct cg_hier *hier, const char *path, const char *file,
			    char out[CG_FILE_MAX]);
/* cg_file_open - a file of the group; O_CLOEXEC is added. Returns it or -errno. */
MUST_CHECK int cg_file_open(const struct cgroup *cg, const struct cg_hier *hier, const char *file,
			    int flags);
/* cg_file_write - one write(2) of @text, as kernfs wants it. Returns 0 or -errno. */
MUST_CHECK int cg_file_write(const struct cgroup *cg, const struct cg_hier *hier, const char *file,
			     const char *text);
/* cg_file_read - the file as a string without trailing newline. Returns its length or -errno. */
MUST_CHECK int cg_file_read(const struct cgroup *cg, const struct cg_hier *hier, const char *file,
			    char *out, size_t cap);
/* cg_file_read_u64 - a file with one number; "max" and -1 give UINT64_MAX. Returns 0 or -errno. */
MUST_CHECK int cg_file_read_u64(const struct cgroup *cg, const struct cg_hier *hier,
				const char *file, uint64_t *out);
/* cg_text_key_u64 - the number behind "KEY " at the start of a line. -ENOENT: no such line. */
MUST_CHECK int cg_text_key_u64(const char *text, const char *key, uint64_t *out);
/* cg_text_key_or - as cg_text_key_u64(), @missing where there is no such line or number. */
uint64_t cg_text_key_or(const char *text, const char *key, uint64_t missing);
/* cg_nap_ms - sleeps; doubles *@ms up to @max_ms, for polling what has no wake-up. */
void cg_nap_ms(unsigned int *ms, unsigned int max_ms);

/* ---- controllers.c ------------------------------------------------------------------------- */

/*
 * cg_controllers_enable - makes @wanted (CTL_BITs) available in the v2 group, as far as the host
 * has them, by cgroup.subtree_control along the path. What could not be enabled is remembered in
 * @cg for the message of the property that needs it. Returns the bits the group has, or -errno.
 */
MUST_CHECK int cg_controllers_enable(struct cgroup *cg, uint32_t wanted, uint32_t *out_have);
/* cg_controllers_of - the controllers named in cgroup.controllers of the group @path. */
MUST_CHECK int cg_controllers_of(const struct cgroup *cg, const char *path, uint32_t *out);
/* cg_ctl_parse_list - "cpu memory pids" as bits; unknown names are passed over. */
uint32_t cg_ctl_parse_list(const char *text);

/* ---- cgroup.c ------------------------------------------------------------------------------ */

/* cg_handle_new - a handle for @path on this host; the group need not exist. Gives *@out. */
MUST_CHECK int cg_handle_new(const char *path, struct cgroup **out, struct err *err);

/* ---- join.c -------------------------------------------------------------------------------- */

/* cg_join_close - closes the descriptors of the last join plan. */
void cg_join_close(struct cgroup *cg);

/* ---- cpuset.c ------------------------------------------------------------------------------ */

/* cg_cpuset_inherit - v1: a new cpuset is empty and takes no task; copies its parent's sets. */
MUST_CHECK int cg_cpuset_inherit(const struct cgroup *cg, const struct cg_hier *hier,
				 const char *path);

/* ---- devices.c ----------------------------------------------------------------------------- */

/* cg_devices_apply - rules + defaults by v1 files or eBPF. @is_new: the group holds nobody yet. */
MUST_CHECK int cg_devices_apply(struct cgroup *cg, const struct config_resources *res, bool is_new,
				struct err *err);

/* ---- kill.c -------------------------------------------------------------------------------- */

/* cg_has_process - 1, 0 or -errno: somebody is in the group or below it. */
MUST_CHECK int cg_has_process(const struct cgroup *cg);

#endif
