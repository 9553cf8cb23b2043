/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs one hook to its end, in the namespaces and the root of the caller: the runtime calls it for
 * its own namespace, the container's init for createContainer and startContainer. The hook gets
 * the state on stdin (a file in memory: a hook that does not read it blocks nobody), exactly the
 * config's environment, and a process group of its own, which is killed when time is up.
 */
#ifndef BIVALVE_NAMESPACES_HOOK_H
#define BIVALVE_NAMESPACES_HOOK_H

#include <stddef.h>

#include "spec/base/err.h"
#include "spec/config.h"

struct hook_io {
	/* Borrowed. -1: read and dropped, but for the last line of stderr, which goes into the
	 * error. */
	int stdout_fd, stderr_fd;
};

#define HOOK_IO_INIT                                                                               \
	{                                                                                          \
		-1, -1                                                                             \
	}

/* hook_kind_name - "prestart", "createRuntime", ...: the name in the config. */
const char *hook_kind_name(enum config_hook_kind kind);

/*
 * hook_io_open - the files that the annotations run.oci.hooks.stdout and .stderr name, opened for
 * appending (made with mode 0600 when missing). hook_io_close() closes what is open.
 */
MUST_CHECK int hook_io_open(const struct config *c, struct hook_io *out, struct err *err);
void hook_io_close(struct hook_io *io);

/*
 * hook_run - runs @hook, the @index-th of its @kind, and waits for it.
 * Returns 0, or an error "hook /hooks/prestart/0 '/path': exit status 3: <last line of stderr>";
 * -ETIMEDOUT: killed when its timeout was over; -errno of the execution; else -ECANCELED.
 */
MUST_CHECK int hook_run(const struct config_hook *hook, enum config_hook_kind kind, size_t index,
			const char *state_json, const struct hook_io *io, struct err *err);

/* hook_run_all - each hook of @kind in its order; the first failure ends it. */
MUST_CHECK int hook_run_all(const struct config *c, enum config_hook_kind kind,
			    const char *state_json, const struct hook_io *io, struct err *err);

#endif
