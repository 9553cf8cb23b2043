/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the global options and the environment say, the same for every command. Read-only. */
#ifndef BIVALVE_RUNTIME_APP_H
#define BIVALVE_RUNTIME_APP_H

#include <stdbool.h>

#include "runtime/isolation.h"

struct app {
	const char *name;     /* basename of argv[0] */
	char *const *argv;    /* as main() got it, for final_self_protect() */
	const char *root;     /* folder of the containers' state */
	bool is_root_default; /* made when it is not there, also its parents */
	bool is_rootless;     /* no rights over the host: other user, or root of a user namespace */
	bool has_cgroups;     /* false: --cgroup-manager disabled */
	enum isolation isolation; /* --isolation, ISOLATION_UNSET when not given */
};

#endif
