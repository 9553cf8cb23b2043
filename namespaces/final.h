/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The last step of a child: from our program to the workload's, so that no process that a container
 * can look at ever has our binary behind /proc/PID/exe and runs an image's program (CVE-2019-5736).
 *
 * While a file is mapped as a program it cannot be let go, and while we run it is mapped. So the
 * last system calls are data (struct final_script), and a few instructions on an anonymous page
 * carry them out, after all our code is unmapped:
 *
 *   munmap            every mapping of our binary
 *   prctl             PR_SET_MM_MAP: the process's executable is an empty file in memory
 *   prlimit           limits that would be in our own way
 *   seccomp, capset   what can only come now: the prctl needs a capability
 *   execve            the workload; `/proc/self/exe` in it would be the empty file (ENOEXEC)
 *
 * Everything that a call points to lies on the stack or the heap, never in our data or constants.
 * Where the kernel has no PR_SET_MM_MAP, and where a hostile process with CAP_SYS_PTRACE could look
 * before the last step, final_self_protect() has the whole command run from a sealed copy instead.
 */
#ifndef BIVALVE_NAMESPACES_FINAL_H
#define BIVALVE_NAMESPACES_FINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "namespaces/plan.h"
#include "spec/base/err.h"

/*
 * final_needs_sealed - the last step comes too late, or would be bound by the filter already:
 * processes of this container could look at ours in spite of PR_SET_DUMPABLE (CAP_SYS_PTRACE
 * without a user namespace), or the seccomp profile notifies. @process: the one to be started.
 */
bool final_needs_sealed(const struct config *c, const struct config_process *process);

/*
 * final_self_protect - to be called before anything is opened or changed, once the config is known.
 * @must: final_needs_sealed()
 * Returns 0 when the last step suffices, 1 when this process runs from a sealed copy already; else
 * makes the copy and executes it with @argv and the present environment (does not return), or
 * fails. The result goes into ns_plan.is_sealed.
 */
MUST_CHECK int final_self_protect(char *const argv[], bool must, struct err *err);

enum { FINAL_MAX_CALLS = 32, FINAL_WHAT_MAX = 256 };

struct final_call {
	long nr;
	unsigned long args[6];
	unsigned long *out;        /* gets the result; may be NULL */
	char what[FINAL_WHAT_MAX]; /* for the error message */
};

struct final_script {
	int error_fd; /* where SYNC_ERRNO goes when a call fails, SYNC_EXECVE for the last one */
	size_t n;
	struct final_call calls[FINAL_MAX_CALLS];
};

/* final_add - appends a call; up to six arguments follow. The script's memory is the caller's. */
struct final_call *final_add(struct final_script *s, const char *what, long nr,
			     const unsigned long args[6]);
#define FINAL_ADD(s, what, nr, ...)                                                                \
	final_add((s), (what), (nr), (const unsigned long[6]){ __VA_ARGS__ })

/* final_add_release - the calls that let go of our binary. Needs CAP_CHECKPOINT_RESTORE or
 * CAP_SYS_ADMIN in the user namespace by the time that they run. */
MUST_CHECK int final_add_release(struct final_script *s, struct err *err);

/*
 * final_run - carries out the script; its last call is the execution. Does not return when it got
 * as far as to start: a call that fails is reported on error_fd and ends the process.
 */
MUST_CHECK int final_run(const struct final_script *s, struct err *err);

#endif
