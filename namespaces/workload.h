/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The second half of both children, the container's init and an exec: from a process that is in its
 * namespaces and its root to the program, dropping every right on the way.
 *
 *   workload_open()     parent, before the clone: strings of its own, the seccomp filter
 *   workload_host()     child, while the host's procfs is in view: attribute files
 *   workload_prepare()  child, in the container's root: all but the last step; then it is "ready"
 *   workload_execute()  child: does not come back
 *
 * Stages of workload_prepare() and workload_execute(), with the rights that each still needs:
 *
 *   1 stdio, scheduling, keyring         CAP_SYS_NICE
 *   2 working directory                  as root: it may lie in a folder of another user
 *   3 bounding set                       CAP_SETPCAP
 *   4 groups, gid, uid                   CAP_SETGID, CAP_SETUID; capabilities are kept over it
 *   5 interim capability sets            the final ones, and what 9 and 10 need (see plan_caps)
 *   6 LSM label, no_new_privs
 *   7 program looked up as its user; all other descriptors closed; not dumpable: from here on
 *     processes of the container may be there that would look
 *   8 READY; wait; startContainer hooks
 *   9 our binary is let go (final.h)     CAP_CHECKPOINT_RESTORE, or CAP_SYS_ADMIN before Linux 5.9;
 *                                        then resource limits: a low one would be in our own way
 *  10 seccomp                            without no_new_privs CAP_SYS_ADMIN, so before 11; with it
 *                                        after 11, so that a filter need not allow capset
 *  11 final capability sets
 *  12 execve
 */
#ifndef BIVALVE_NAMESPACES_WORKLOAD_H
#define BIVALVE_NAMESPACES_WORKLOAD_H

#include <stdbool.h>

#include "namespaces/hook.h"
#include "namespaces/lsm.h"
#include "namespaces/plan.h"
#include "namespaces/program.h"
#include "namespaces/seccomp.h"
#include "namespaces/sync.h"
#include "spec/base/err.h"

struct workload {
	/* Set by the caller; borrowed. */
	const struct config *config;
	const struct config_process *process;
	const struct ns_io *io;
	const char *id;
	bool has_userns, is_sealed, is_exec, no_new_keyring;
	int seccomp_cache_fd;
	int proc_fd;             /* the host's procfs, or -1 when workload_needs_proc() is false */
	int start_fd;            /* -1: READY is answered on the sync socket */
	const char *start_state; /* for startContainer hooks, set by the child; or NULL */

	/* Kept by the workload. */
	char *strings;      /* owned: what argv and env point to */
	char **argv, **env; /* owned; env has room for two more */
	size_t n_env;
	struct seccomp_program seccomp; /* owned */
	struct hook_io hook_io;         /* owned; of the hooks that run in the container */
	struct lsm lsm;                 /* owned */
	struct config_caps caps;        /* the final ones */
	bool is_cwd_open;               /* the working directory is set */
	struct program program;
};

#define WORKLOAD_INIT                                                                              \
	{                                                                                          \
		.seccomp_cache_fd = -1, .proc_fd = -1, .start_fd = -1,                             \
		.seccomp = SECCOMP_PROGRAM_INIT, .hook_io = HOOK_IO_INIT, .lsm = LSM_INIT          \
	}

/* workload_needs_proc - workload_host() will want the host's procfs. */
bool workload_needs_proc(const struct config_process *p);

MUST_CHECK int workload_open(struct workload *w, struct err *err);
MUST_CHECK int workload_host(struct workload *w, struct err *err);

/*
 * workload_close_host - closes what only stages before workload_prepare() needed: descriptors of
 * the host that must not be open when processes of the container can see this one.
 */
MUST_CHECK int workload_close_host(const struct workload *w, int sync_fd, struct err *err);
MUST_CHECK int workload_prepare(struct workload *w, const struct sync *sync, struct err *err);

/*
 * workload_execute - says READY on @sync, waits for the answer, and executes. On failure *@sync is
 * where the error belongs (with start_fd: the start's connection).
 */
MUST_CHECK int workload_execute(struct workload *w, struct sync *sync, struct err *err);

void workload_fini(struct workload *w);
#define auto_workload auto_cleanup(workload_fini)

/* ---- the environment (environ.c) --------------------------------------------------------------
 */

/*
 * workload_copy_strings - argv and env on the heap: nothing that execve reads may lie in our
 * binary's data (final.h). The env is the process's, then @w->io's, LISTEN_*, and TERM with a tty.
 */
MUST_CHECK int workload_copy_strings(struct workload *w, struct err *err);

/*
 * workload_add_home - HOME, where the environment has none: from /etc/passwd of the container,
 * whose root is ours, else "/". The file is the image's: bounded, a regular file, links stay
 * inside.
 */
MUST_CHECK int workload_add_home(struct workload *w, struct err *err);

/* passwd_home - the home of @uid in passwd(5) @text; NULL: none. *@out_len bytes, not terminated.
 */
const char *passwd_home(const char *text, uint32_t uid, size_t *out_len);

#endif
