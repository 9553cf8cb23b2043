/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The intermediate process, for the plans that one clone3 cannot carry out: what a process sets for
 * its children alone (pid namespace by path, time offsets), and what has to be joined before the
 * user namespace changes who one is. Made by clone3, it does these, clones the init as its own
 * sibling (CLONE_PARENT: still the runtime's child), tells the runtime its pid, and ends.
 *
 *   runtime                         intermediate                        init
 *   clone3 ----------------------->
 *                                   joins what the host's rights allow
 *           <------- MAPPED ------- unshare(user), if a new one
 *   id maps -------- MAPPED ------>
 *                                   joins the rest; time offsets
 *           <------- PID ---------- clone3(CLONE_PARENT) ------------->  init_run()
 */
#ifndef BIVALVE_NAMESPACES_BETWEEN_H
#define BIVALVE_NAMESPACES_BETWEEN_H

#include <stdbool.h>
#include <stdnoreturn.h>

#include "namespaces/init.h"

/* between_needed - @init's plan wants an intermediate process; its joins are open. */
bool between_needed(const struct init *init);

/* between_run - the intermediate process's whole life; in the init's process: init_run(). */
noreturn void between_run(struct init *init);

#endif
