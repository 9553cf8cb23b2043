/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The hooks that run in the runtime's namespace: prestart and createRuntime in create, poststart
 * in start, poststop in delete. (createContainer and startContainer are run by the container's
 * own process, namespaces/.)
 */
#ifndef BIVALVE_RUNTIME_HOOKS_H
#define BIVALVE_RUNTIME_HOOKS_H

#include "runtime/container.h"

/* hooks_any - the config has hooks of @kind. */
bool hooks_any(const struct config *c, enum config_hook_kind kind);

/* hooks_run - all of @kind in their order; the first that fails ends it. Needs the config. */
MUST_CHECK int hooks_run(const struct container *c, enum config_hook_kind kind,
			 const struct state_view *view, struct err *err);

/* hooks_run_poststop - as hooks_run(); a failure is a warning, the others follow. */
void hooks_run_poststop(const struct container *c);

#endif
