/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A container as one command has it in hand: its state folder, what is recorded there, and what it
 * is doing now. The operations check the rules of the life cycle and leave the deed to the backend.
 *
 *   open -> status, config, cgroup as needed -> an operation -> fini
 *
 * Commands that change something hold the lock; the others (state, list, ps, events, kill, exec)
 * do not wait for anybody: what they use is found by descriptor or is replaced as a whole.
 */
#ifndef BIVALVE_RUNTIME_CONTAINER_H
#define BIVALVE_RUNTIME_CONTAINER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "cgroups/cgroup.h"
#include "runtime/app.h"
#include "runtime/state.h"
#include "spec/base/err.h"
#include "spec/config.h"

struct backend_ops;
struct network_job;

struct container {
	const struct app *app; /* borrowed */
	int root_fd;           /* owned: the state root */
	int dir_fd;            /* owned: ROOT/ID */
	bool is_locked;
	struct state state;                /* owned */
	const struct backend_ops *backend; /* by state.isolation */

	struct state_init init;
	int init_pid_fd; /* owned; -1: no such process any more, or not looked for */

	struct config config; /* owned; read by container_load_config() */
	bool has_config;
	struct network_job *network; /* borrowed; that of our own creation */
	struct cgroup *cgroup;       /* owned; opened by container_open_cgroup() */
};

#define CONTAINER_INIT                                                                             \
	{                                                                                          \
		.root_fd = -1, .dir_fd = -1, .init_pid_fd = -1                                     \
	}

enum container_open_flags {
	CONTAINER_LOCK = 1,
	/* A folder without a state (of a create that was killed) is opened as well: backend NULL.
	 */
	CONTAINER_EVEN_BROKEN = 2,
};

/*
 * container_open - finds container @id. Gives @out (container_fini).
 * -ENOENT: "container 'x' does not exist"; -EINVAL: no such id is possible.
 */
MUST_CHECK int container_open(const struct app *app, const char *id, unsigned int flags,
			      struct container *out, struct err *err);

/* container_fini - closes all and gives up the lock; the container goes on. */
void container_fini(struct container *c);
#define auto_container auto_cleanup(container_fini)

/* container_unlock, container_relock - for waits in the middle of a command. */
void container_unlock(struct container *c);
/* -ENOENT: it was deleted meanwhile. */
MUST_CHECK int container_relock(struct container *c, struct err *err);

/* container_find_init - true when the recorded process lives; then init_pid_fd holds it. */
bool container_find_init(struct container *c);

/* container_status - found out now, from the process, the start socket, the freezer, the lock. */
MUST_CHECK int container_status(struct container *c, enum container_status *out, struct err *err);

/* container_load_config - the config of its creation, once. */
MUST_CHECK int container_load_config(struct container *c, struct err *err);

/* container_open_cgroup - once; c->cgroup stays NULL when it has none. */
MUST_CHECK int container_open_cgroup(struct container *c, struct err *err);

/*
 * The operations. Their errors have the texts that callers match: "container not running",
 * "container is paused", "container still running".
 */
MUST_CHECK int container_start(struct container *c, struct err *err);
/* @to_all: every process of it; a container without processes is no error then. */
MUST_CHECK int container_kill(struct container *c, int sig, bool to_all, struct err *err);
MUST_CHECK int container_pause(struct container *c, struct err *err);
MUST_CHECK int container_resume(struct container *c, struct err *err);
/* @force: also while it runs, and whatever a killed command left. */
MUST_CHECK int container_delete(struct container *c, bool force, struct err *err);

/*
 * container_destroy - ends every process, removes the resources, runs the poststop hooks (unless
 * nothing ran that they would answer to), removes the state. Needs the lock, and gives it up. What
 * is gone already is no error.
 */
MUST_CHECK int container_destroy(struct container *c, bool with_poststop, struct err *err);

/*
 * container_run_poststart - the poststart hooks of a container that runs now. The lock is given up
 * before: a hook may exec in the container, or kill it. A failure destroys the container.
 */
MUST_CHECK int container_run_poststart(struct container *c, struct err *err);

/* container_require_running - created counts when @also_created. */
MUST_CHECK int container_require_running(struct container *c, bool also_created, struct err *err);

#endif
