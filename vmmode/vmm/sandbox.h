/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sandbox of the process, in two halves:
 *
 * - sandbox_begin(), before anything is opened: a mount namespace of its own, where the folders
 * that the guest shall see are cut out of the host's tree; started without root's rights, first a
 * user namespace, in which that is allowed
 * - sandbox_enter(), when all is open and no thread runs yet: all rights are given up
 *
 * What is left to the process: its open descriptors; an empty, read-only root; network, IPC, UTS
 * and cgroup namespaces of its own; the ids of --user (nobody's), or the caller's: when that was
 * not root, or with vsock; no capabilities but those that a file server started by root needs, in
 * the threads of file servers and in the thread that makes them; no new privileges; for each thread
 * the system calls of its kind (sandbox_filter.h). There is no pid namespace: entering one takes a
 * fork, and the caller's child is to be the machine itself; no thread may send a signal to, trace
 * or start another process.
 *
 * A part that the host refuses is an error with its name, never left out.
 */
#ifndef BIVALVE_VMMODE_VMM_SANDBOX_H
#define BIVALVE_VMMODE_VMM_SANDBOX_H

#include <stdbool.h>
#include <stdint.h>

#include "spec/base/err.h"
#include "vmmode/vmm/cmdline.h"
#include "vmmode/vmm/sandbox_thread.h"

struct sandbox {
	bool is_on;
	bool is_root; /* it may take other ids; else it is in a user namespace of its own */
	bool has_vsock;
	uid_t uid; /* the ids to take */
	gid_t gid;
	uint64_t file_caps; /* what file servers keep; set by sandbox_confine_dir() */
	/* O_PATH, owned. This process's /proc/self/fd and, in the sandbox, nothing above it. From
	 * sandbox_enter() on it is the working folder, in the sandbox or not: what takes names
	 * alone (a Unix socket's address) reaches file NAME of the folder with descriptor N as
	 * "N/NAME". */
	int proc_fd;
	struct sandbox_starter starter;
};

#define SANDBOX_INIT                                                                               \
	{                                                                                          \
		.proc_fd = -1                                                                      \
	}

/* sandbox_close_inherited - closes all descriptors above 2 but those that options name as fd:N.
 * Before anything is opened. Returns 0 or -errno. */
MUST_CHECK int sandbox_close_inherited(const struct vmm_options *opts, struct err *err);

/* sandbox_begin - see the head. With --no-sandbox nothing but s->proc_fd is opened. */
MUST_CHECK int sandbox_begin(struct sandbox *s, const struct vmm_options *opts, struct err *err);

/*
 * sandbox_confine_dir - makes @fd, a folder's O_PATH descriptor, one of the same folder without a
 * way out: no ".." leads above it, whatever a thread is led to do. Device nodes and set-user-id
 * bits below it have no meaning. What is mounted below it is seen.
 * @for_files: it is for a file server, whose threads keep the capabilities for it
 * Without sandbox only the capabilities are noted.
 */
MUST_CHECK int sandbox_confine_dir(struct sandbox *s, int fd, bool for_files, bool read_only,
				   struct err *err);

/* sandbox_enter - see the head. After it, threads are made by sandbox_threads() alone. */
MUST_CHECK int sandbox_enter(struct sandbox *s, struct err *err);

/* sandbox_threads - who makes threads; NULL without sandbox. */
struct thread_starter *sandbox_threads(struct sandbox *s);

/* sandbox_fini - after all other threads have ended. Nothing that was given up comes back. */
void sandbox_fini(struct sandbox *s);

/* sandbox_set_caps - the calling thread's permitted and effective sets become @caps. 0 or -errno.
 */
MUST_CHECK int sandbox_set_caps(uint64_t caps);

/* ---- sandbox_mount.c ------------------------------------------------------------------------ */

/* sandbox_own_mounts - a mount namespace (with @with_user in a user namespace where the caller's
 * ids are what they were), from which nothing comes back to the host's. */
MUST_CHECK int sandbox_own_mounts(bool with_user, struct err *err);

/* sandbox_open_proc - O_PATH descriptor of /proc/self/fd; @cut: cut out of /proc. Or -errno. */
MUST_CHECK int sandbox_open_proc(bool cut, struct err *err);

/* sandbox_cut_out - see sandbox_confine_dir(). */
MUST_CHECK int sandbox_cut_out(int fd, bool read_only, struct err *err);

/* sandbox_empty_root - the process's root becomes an empty, read-only file system. */
MUST_CHECK int sandbox_empty_root(struct err *err);

#endif
