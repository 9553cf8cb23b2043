/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Seccomp filters, in two steps with a program of plain bytes between them:
 *
 *   seccomp_compile()  config -> BPF, through libseccomp (milliseconds) or from the cache (three
 *                      system calls); done by the parent, before the clone
 *   seccomp_install()     one seccomp(2) call in the child
 *
 * A syscall newer than every one that the profile knows answers ENOSYS, not the default action, so
 * that a C library's fallbacks work (seccomp_enosys.h).
 */
#ifndef BIVALVE_NAMESPACES_SECCOMP_H
#define BIVALVE_NAMESPACES_SECCOMP_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "spec/base/err.h"
#include "spec/config.h"

struct seccomp_program {
	struct sock_filter *insns; /* owned */
	size_t n;                  /* at most BPF_MAXINSNS */
	unsigned int flags; /* SECCOMP_FILTER_FLAG_*, with NEW_LISTENER when an action is NOTIFY */
};

#define SECCOMP_PROGRAM_INIT                                                                       \
	{                                                                                          \
		NULL, 0, 0                                                                         \
	}

enum seccomp_compile_flags {
	SECCOMP_FAIL_UNKNOWN = 1, /* a name that libseccomp does not know is an error
				     (annotation run.oci.seccomp_fail_unknown_syscall) */
};

/* seccomp_compile_flags_from - the flags that the annotations of @c ask for. */
unsigned int seccomp_compile_flags_from(const struct config *c);

/*
 * seccomp_compile - the program for @s.
 * @cache_fd: folder of compiled programs (seccomp_cache.h), 0700 and the caller's; -1: none
 * Gives @out (seccomp_program_fini). Errors name /linux/seccomp/...
 */
MUST_CHECK int seccomp_compile(const struct config_seccomp *s, unsigned int flags, int cache_fd,
			       struct seccomp_program *out, struct err *err);
void seccomp_program_fini(struct seccomp_program *p);
#define auto_seccomp_program auto_cleanup(seccomp_program_fini)

/* seccomp_wants_listener - seccomp_install() will give a descriptor. */
bool seccomp_wants_listener(const struct seccomp_program *p);

/*
 * seccomp_listener_fn - hands the listener on (send it to the runtime, wait for its answer).
 * The descriptor is borrowed. Returns 0 or -errno, with @err filled in.
 */
typedef int seccomp_listener_fn(void *arg, int listener_fd, struct err *err);

/*
 * seccomp_install - puts the filter on the calling (single-threaded) process, for good.
 * @hand_on: with SCMP_ACT_NOTIFY, called with the listener once the filter is there; may be NULL
 * when seccomp_wants_listener() is false. It runs beside the caller, in a thread that the filter
 *           does not bind: a profile that notifies or denies sendmsg can neither block it nor fail
 *           it. The thread is gone and the listener is closed when this function returns.
 * Needs no_new_privs or CAP_SYS_ADMIN in the user namespace (-EACCES). Afterwards every call of the
 * process is filtered, and should be execve alone.
 */
MUST_CHECK int seccomp_install(const struct seccomp_program *p, seccomp_listener_fn *hand_on,
			       void *arg, struct err *err);

struct seccomp_listener {
	const char *path;       /* linux.seccomp.listenerPath */
	const char *metadata;   /* linux.seccomp.listenerMetadata, may be NULL */
	pid_t pid;              /* of the container process, as the runtime sees it */
	const char *state_json; /* the container's state, one JSON object */
};

/*
 * seccomp_send_listener - connects to the agent, sends it one ContainerProcessState with the
 * listener @fd (borrowed), and closes the connection. Called by the runtime.
 * Source: OCI config-linux.md#containerprocessstate.
 */
MUST_CHECK int seccomp_send_listener(const struct seccomp_listener *l, int fd, struct err *err);

#endif
