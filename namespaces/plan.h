/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What namespaces/ will do, as plain data: made from a config by ns_plan_from_config() (plan.c),
 * completed by the caller with descriptors, carried out by ns_launch() or ns_exec() (launch.h).
 * A plan borrows from the config, which must outlive it. Descriptors in a plan are borrowed too.
 */
#ifndef BIVALVE_NAMESPACES_PLAN_H
#define BIVALVE_NAMESPACES_PLAN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "spec/base/arena.h"
#include "spec/base/err.h"
#include "spec/config.h"

/* Set by the caller; the same for the init and for an exec. */
struct ns_io {
	int stdio_fds[3]; /* become 0, 1, 2; -1: inherited as they are. Not used with a terminal */
	/*
	 * Descriptors 3 .. 3 + preserve_fds - 1 are passed on, LISTEN_FDS' own included; all others
	 * are closed. The caller checks at its very start, before it opens anything, that they
	 * exist.
	 */
	unsigned int preserve_fds;
	unsigned int listen_fds;      /* > 0: the program gets LISTEN_FDS=N and LISTEN_PID=1 */
	const char *const *extra_env; /* NULL-terminated, put behind the config's; may be NULL */
};

/* As struct cg_join (cgroups/cgroup.h), which this folder does not know. */
struct ns_cgroup_join {
	int v2_dir_fd; /* -1: none */
	const int *tasks_fds;
	size_t n_tasks_fds;
};

/*
 * The container's state for hooks: JSON text around its pid, which is not known before the clone:
 * @head, the pid's digits, @tail. Borrowed; needed only where there are such hooks.
 */
struct ns_state_text {
	const char *head, *tail;
};

struct ns_plan {
	const struct config *config; /* borrowed */
	const char *bundle;          /* absolute; borrowed */
	const char *id;              /* borrowed */

	/* Computed by ns_plan_from_config(). */
	struct arena arena; /* owns what is computed */
	const char *rootfs; /* absolute path of root.path */
	uint64_t new_flags; /* CLONE_NEW* of the namespaces to be made */
	bool has_userns;    /* the container is in a user namespace of its own, new or joined */

	/* Filled in by the caller. */
	bool is_rootless;
	struct ns_cgroup_join cgroup;
	struct ns_io io;
	bool stop_for_hooks;  /* send NS_EVENT_HOOKS, and wait before the own hooks */
	bool has_networks;    /* the caller gives it networks: `lo` comes up with them */
	bool no_pivot;        /* --no-pivot: MS_MOVE and chroot instead of pivot_root */
	bool no_new_keyring;  /* --no-new-keyring */
	bool is_sealed;       /* what final_self_protect() (final.h) returned */
	int start_fd;         /* from ns_start_listen(); -1: wait on the sync socket */
	int seccomp_cache_fd; /* folder for compiled filters; -1: none */
	struct ns_state_text state_created; /* stdin of the createContainer hooks */
	struct ns_state_text state_running; /* stdin of the startContainer hooks */
};

/*
 * ns_plan_from_config - fills *@out: the computed part, and neutral values (no descriptor, no
 * cgroup, inherited stdio) for the caller's part. Pure: opens nothing.
 * Returns 0, or -EINVAL (the text starts with the JSON path) or -ENOMEM. The caller frees with
 * ns_plan_fini().
 */
MUST_CHECK int ns_plan_from_config(const struct config *config, const char *bundle, const char *id,
				   struct ns_plan *out, struct err *err);

void ns_plan_fini(struct ns_plan *plan);

/* One more process in a running container. Filled in by the caller, from NS_EXEC_PLAN_INIT. */
struct ns_exec_plan {
	const struct config *config;          /* the container's: namespaces, seccomp; borrowed */
	const struct config_process *process; /* what to run; borrowed */
	const char *id;
	pid_t init_pid;  /* the container's init ... */
	int init_pid_fd; /* ... held, so that the number cannot become another's */
	bool is_rootless;
	struct ns_cgroup_join cgroup;
	struct ns_io io;
	bool no_new_keyring;
	bool is_sealed;       /* what final_self_protect() (final.h) returned */
	int seccomp_cache_fd; /* -1: none */
};

#define NS_IO_INIT                                                                                 \
	{                                                                                          \
		{ -1, -1, -1 }, 0, 0, NULL                                                         \
	}
#define NS_CGROUP_JOIN_INIT                                                                        \
	{                                                                                          \
		-1, NULL, 0                                                                        \
	}
#define NS_EXEC_PLAN_INIT                                                                          \
	{                                                                                          \
		.init_pid_fd = -1, .seccomp_cache_fd = -1, .io = NS_IO_INIT,                       \
		.cgroup = NS_CGROUP_JOIN_INIT                                                      \
	}

static inline bool ns_is_new(const struct config *c, enum config_ns_kind kind)
{
	return c->linux_.namespaces[kind].is_set && !c->linux_.namespaces[kind].path;
}

static inline bool ns_is_joined(const struct config *c, enum config_ns_kind kind)
{
	return c->linux_.namespaces[kind].is_set && c->linux_.namespaces[kind].path;
}

#endif
