/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What namespaces/ will do, as plain data: made from a config by ns_plan_from_config() (plan.c),
 * completed by the caller with descriptors, carried out by ns_launch(). The plan borrows from the
 * config, which must outlive it.
 */
#ifndef BIVALVE_NAMESPACES_PLAN_H
#define BIVALVE_NAMESPACES_PLAN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "spec/base/err.h"
#include "spec/config.h"

/* Set by the caller; the same for the init and for an exec. */
struct ns_io {
	int stdio_fds[3];     /* become 0, 1, 2; -1: inherited as they are */
	unsigned int preserve_fds; /* descriptors 3 .. 3 + N - 1 are passed on */
	const char *const *extra_env; /* NULL-terminated, put behind the config's; may be NULL */
};

struct ns_cgroup_join {
	int v2_dir_fd; /* -1: none */
	const int *tasks_fds;
	size_t n_tasks_fds;
};

struct ns_plan {
	const struct config *config; /* borrowed */
	const char *bundle;	     /* absolute */
	const char *id;
	bool is_rootless;

	/* Filled in by the caller. */
	struct ns_cgroup_join cgroup;
	struct ns_io io;
	bool stop_for_hooks;	/* send NS_EVENT_HOOKS and wait: hooks or net devices are to be served */
	bool no_pivot;		/* --no-pivot: MS_MOVE and chroot instead of pivot_root */
	bool no_new_keyring;	/* --no-new-keyring */
	int start_fd;		/* from ns_start_listen(); -1: wait on the sync socket */
	int seccomp_cache_fd;	/* folder for compiled filters; -1: none */
	const char *state_json_created; /* for createContainer hooks: state with status "created" */
	const char *state_json_running; /* for startContainer hooks */

	/* Computed by ns_plan_from_config(); see plan.c. */
	/* ... resolved mounts, clone flags, descriptors of joined namespaces ... */
};

#endif
