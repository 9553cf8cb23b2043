/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every command; one cmd_NAME.c each. */
#ifndef BIVALVE_RUNTIME_COMMANDS_H
#define BIVALVE_RUNTIME_COMMANDS_H

#include "runtime/cli.h"

extern const struct command cmd_checkpoint;
extern const struct command cmd_create;
extern const struct command cmd_delete;
extern const struct command cmd_events;
extern const struct command cmd_exec;
extern const struct command cmd_features;
extern const struct command cmd_kill;
extern const struct command cmd_list;
extern const struct command cmd_network;
extern const struct command cmd_pause;
extern const struct command cmd_ps;
extern const struct command cmd_restore;
extern const struct command cmd_resume;
extern const struct command cmd_run;
extern const struct command cmd_spec;
extern const struct command cmd_start;
extern const struct command cmd_state;
extern const struct command cmd_update;

#endif
