/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one place where a container and a micro-guest differ. A backend makes the workload's process
 * and acts on it; the rules of the life cycle, the state folder and the hooks in the runtime's
 * namespace are the callers' business. There is no test for the kind of shell anywhere else.
 */
#ifndef BIVALVE_RUNTIME_BACKEND_H
#define BIVALVE_RUNTIME_BACKEND_H

#include "cgroups/stats.h"
#include "runtime/container.h"
#include "runtime/create.h"
#include "runtime/exec.h"

/* What `update` changes. */
struct update_request {
	const struct config_resources *resources;
	const char *l3_cache_schema, *mem_bw_schema; /* NULL: unchanged */
};

struct backend_ops {
	/*
	 * Makes everything but the last step of the program's start: on return the process is
	 * recorded and waits (create), or runs the program (run). On failure the caller destroys.
	 */
	int (*create)(struct creation *cr, struct err *err);
	/* Starts what create left waiting; returns when the program runs. */
	int (*start)(struct container *c, struct err *err);
	int (*exec)(struct container *c, struct exec_request *request, struct err *err);
	int (*kill)(struct container *c, int sig, struct err *err);
	int (*kill_all)(struct container *c, int sig, struct err *err);
	int (*is_paused)(struct container *c, struct err *err); /* 1, 0 or -errno */
	int (*pause)(struct container *c, struct err *err);
	int (*resume)(struct container *c, struct err *err);
	int (*update)(struct container *c, const struct update_request *u, struct err *err);
	int (*stats)(struct container *c, struct cg_stats *out, struct err *err);
	int (*pids)(struct container *c, pid_t **out, size_t *out_n, struct err *err);
	/* Ends every process and waits for the end; resources stay. */
	int (*stop)(struct container *c, struct err *err);
	/* Removes what create made outside of the state folder. */
	int (*remove)(struct container *c, struct err *err);
};

/* backend_of - -ENOTSUP: "VM isolation is not built yet". */
MUST_CHECK int backend_of(enum isolation isolation, const struct backend_ops **out,
			  struct err *err);

extern const struct backend_ops backend_container;

#endif
