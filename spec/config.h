/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The OCI configuration as typed data: what the user asked for, nothing derived. Read by
 * config_load() (spec/parse.h), checked by config_validate() (spec/validate.h), turned into plans
 * by the modules that apply it. Every pointer is owned by the config's arena and lives as long as
 * it.
 *
 * An absent string is NULL; an absent object pointer is NULL; an absent number has is_set false
 * (0 may be a valid value: pids.limit). Arrays are {items, n}. -1 means "unlimited" where the
 * specification says so. Source: OCI runtime-spec 1.3.0, config.md and config-linux.md.
 */
#ifndef BIVALVE_SPEC_CONFIG_H
#define BIVALVE_SPEC_CONFIG_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "spec/base/arena.h"
#include "spec/base/str.h"

struct opt_i64 {
	bool is_set;
	int64_t v;
};
struct opt_u64 {
	bool is_set;
	uint64_t v;
};
struct opt_u32 {
	bool is_set;
	uint32_t v;
};
struct opt_bool {
	bool is_set;
	bool v;
};

/* ---- process ------------------------------------------------------------------------------- */

struct config_user {
	uint32_t uid;
	uint32_t gid;
	struct opt_u32 umask;
	struct {
		uint32_t *items;
		size_t n;
	} additional_gids;
};

/* Bit N = capability number N. Which sets were given matters: an absent set is empty. */
struct config_caps {
	uint64_t effective, bounding, inheritable, permitted, ambient;
};

struct config_rlimit {
	int resource; /* RLIMIT_* */
	uint64_t soft, hard;
};

struct config_scheduler {
	uint32_t policy; /* SCHED_* */
	int32_t nice;
	int32_t priority;
	uint64_t flags; /* SCHED_FLAG_* */
	uint64_t runtime_ns, deadline_ns, period_ns;
};

struct config_io_priority {
	int class; /* IOPRIO_CLASS_* */
	int priority;
};

struct config_process {
	bool terminal;
	struct {
		bool is_set;
		uint16_t height, width; /* characters */
	} console_size;
	struct config_user user;
	struct strv args;
	struct strv env;
	const char *cwd;
	struct config_caps
	    *caps; /* NULL: "capabilities" absent, every set is empty (as runc and crun) */
	struct {
		struct config_rlimit *items;
		size_t n;
	} rlimits;
	bool no_new_privileges;
	const char *apparmor_profile;
	const char *selinux_label;
	struct opt_i64 oom_score_adj;
	struct config_scheduler *scheduler;
	struct config_io_priority *io_priority;
	const char *exec_cpu_initial; /* CPU lists as in cpuset(7) */
	const char *exec_cpu_final;
};

/* ---- mounts, hooks ------------------------------------------------------------------------- */

struct config_id_map {
	uint32_t container_id, host_id, size;
};

struct config_id_maps {
	struct config_id_map *items;
	size_t n;
};

struct config_mount {
	const char *destination;
	const char *type; /* may be NULL for bind mounts */
	const char *source;
	struct strv options;
	struct config_id_maps uid_mappings, gid_mappings;
};

struct config_hook {
	const char *path;
	struct strv args; /* empty: {path} */
	struct strv env;
	struct opt_u32 timeout_s; /* > 0 when set */
};

enum config_hook_kind {
	HOOK_PRESTART,
	HOOK_CREATE_RUNTIME,
	HOOK_CREATE_CONTAINER,
	HOOK_START_CONTAINER,
	HOOK_POSTSTART,
	HOOK_POSTSTOP,
	HOOK_KINDS
};

struct config_hooks {
	struct config_hook *items;
	size_t n;
};

struct config_annotation {
	const char *key, *value;
};

/* ---- linux --------------------------------------------------------------------------------- */

/* The order is that in which they are joined: the user namespace gives the rights to the others. */
enum config_ns_kind {
	NS_USER,
	NS_PID,
	NS_NETWORK,
	NS_IPC,
	NS_UTS,
	NS_CGROUP,
	NS_TIME,
	NS_MOUNT,
	NS_KINDS
};

struct config_ns {
	bool is_set;      /* listed in linux.namespaces */
	const char *path; /* NULL: a new one */
};

struct config_time_offset {
	bool is_set;
	int64_t secs;
	uint32_t nanosecs;
};

struct config_device {
	char type; /* 'c', 'b', 'p' ("u" is read as 'c') */
	const char *path;
	int64_t major, minor;
	struct opt_u32 file_mode, uid, gid;
};

struct config_net_device {
	const char *host_name;
	const char *name; /* in the container; NULL = the same; may hold "%d" */
};

struct config_sysctl {
	const char *key, *value;
};

struct config_device_rule {
	bool allow;
	char type;                   /* 'a', 'b', 'c' */
	struct opt_i64 major, minor; /* absent = all */
	bool read, write, mknod;
};

struct config_memory {
	struct opt_i64 limit, reservation, swap, kernel, kernel_tcp; /* bytes, -1 = unlimited */
	struct opt_u64 swappiness;                                   /* 0..100 */
	struct opt_bool disable_oom_killer, use_hierarchy, check_before_update;
};

struct config_cpu {
	struct opt_u64 shares;
	struct opt_i64 quota_us; /* -1 = unlimited */
	struct opt_u64 burst_us, period_us;
	struct opt_i64 realtime_runtime_us;
	struct opt_u64 realtime_period_us;
	const char *cpus, *mems; /* lists as in cpuset(7) */
	struct opt_i64 idle;     /* 0 or 1 */
};

struct config_weight_device {
	int64_t major, minor;
	struct opt_u32 weight, leaf_weight;
};

struct config_throttle {
	int64_t major, minor;
	uint64_t rate;
};

struct config_throttles {
	struct config_throttle *items;
	size_t n;
};

struct config_block_io {
	struct opt_u32 weight, leaf_weight; /* 10..1000 */
	struct {
		struct config_weight_device *items;
		size_t n;
	} weight_devices;
	struct config_throttles read_bps, write_bps, read_iops, write_iops;
};

struct config_hugepage_limit {
	const char *page_size; /* "2MB", "1GB", ... as the kernel's file names spell it */
	uint64_t limit;        /* bytes */
};

struct config_net_priority {
	const char *name;
	uint32_t priority;
};

struct config_rdma {
	const char *device;
	struct opt_u32 hca_handles, hca_objects;
};

struct config_unified {
	const char *file, *value;
};

struct config_resources {
	struct {
		struct config_device_rule *items;
		size_t n;
	} devices;
	struct config_memory memory;
	struct config_cpu cpu;
	struct opt_i64 pids_limit; /* -1 = unlimited, 0 = none may be made */
	struct config_block_io block_io;
	struct {
		struct config_hugepage_limit *items;
		size_t n;
	} hugepage_limits;
	struct opt_u32 net_class_id;
	struct {
		struct config_net_priority *items;
		size_t n;
	} net_priorities;
	struct {
		struct config_rdma *items;
		size_t n;
	} rdma;
	struct {
		struct config_unified *items;
		size_t n;
	} unified;
};

struct config_seccomp_arg {
	uint32_t index; /* 0..5 */
	uint64_t value, value_two;
	uint32_t op; /* enum scmp_compare */
};

struct config_seccomp_rule {
	struct strv names;
	uint32_t action; /* SCMP_ACT_*, errno included */
	struct {
		struct config_seccomp_arg *items;
		size_t n;
	} args;
};

struct config_seccomp {
	uint32_t default_action; /* SCMP_ACT_*, errno included */
	struct {
		uint32_t *items; /* SCMP_ARCH_* */
		size_t n;
	} archs;
	uint32_t flags; /* SECCOMP_FILTER_FLAG_* */
	bool has_flags; /* "flags" was given, perhaps empty */
	const char *listener_path;
	const char *listener_metadata;
	struct {
		struct config_seccomp_rule *items;
		size_t n;
	} rules;
};

struct config_intel_rdt {
	const char *clos_id, *l3_cache_schema, *mem_bw_schema;
	struct strv schemata;
	bool enable_monitoring;
};

struct config_memory_policy {
	int mode;           /* MPOL_* */
	const char *nodes;  /* list as in cpuset(7) */
	unsigned int flags; /* MPOL_F_* */
};

struct config_personality {
	unsigned long domain; /* PER_LINUX, PER_LINUX32 */
};

struct config_linux {
	struct config_ns namespaces[NS_KINDS];
	struct config_id_maps uid_mappings, gid_mappings;
	struct config_time_offset monotonic, boottime;
	struct {
		struct config_device *items;
		size_t n;
	} devices;
	struct {
		struct config_net_device *items;
		size_t n;
	} net_devices;
	const char *cgroups_path;
	struct config_resources resources;
	struct config_intel_rdt *intel_rdt;
	struct config_memory_policy *memory_policy;
	struct {
		struct config_sysctl *items;
		size_t n;
	} sysctl;
	struct config_seccomp *seccomp;
	unsigned long rootfs_propagation; /* MS_SHARED ... [| MS_REC]; 0 = not given */
	struct strv masked_paths, readonly_paths;
	const char *mount_label;
	struct config_personality *personality;
};

/* ---- vm (config-vm.md) ---------------------------------------------------------------------- */

struct config_vm {
	const char *hypervisor_path;
	struct strv hypervisor_parameters;
	const char *kernel_path;
	struct strv kernel_parameters;
	const char *initrd;
	const char *image_path, *image_format;
	const char *device_tree;
	struct opt_u32 vcpus;
	struct opt_u64 memory_bytes;
};

struct config {
	struct arena arena; /* owns everything below */
	const char *oci_version;
	struct {
		const char *path; /* as written: absolute, or relative to the bundle */
		bool readonly;
	} root;
	struct config_process *process; /* NULL: absent (start then fails) */
	const char *hostname, *domainname;
	struct {
		struct config_mount *items;
		size_t n;
	} mounts;
	struct config_hooks hooks[HOOK_KINDS];
	struct {
		struct config_annotation *items;
		size_t n;
	} annotations;
	struct config_linux linux_; /* "linux" alone is a predefined macro in gnu17 */
	struct config_vm *vm;
};

/* config_annotation - the value of annotation @key, or NULL. */
const char *config_annotation(const struct config *c, const char *key);

/* config_fini - frees all; NULL-safe for a zeroed config. */
void config_fini(struct config *c);

#endif
