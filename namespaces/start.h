/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The created container's end of the start socket; the other end is ns_start_*() in launch.h. */
#ifndef BIVALVE_NAMESPACES_START_H
#define BIVALVE_NAMESPACES_START_H

#include "namespaces/sync.h"
#include "spec/base/err.h"

/*
 * start_wait - waits on @listen_fd (from ns_start_listen()) until a start says READY, and answers.
 * Gives *@out, on which an error of the execution is reported. Never returns for a start that ended
 * before it said so.
 */
MUST_CHECK int start_wait(int listen_fd, struct sync *out, struct err *err);

#endif
