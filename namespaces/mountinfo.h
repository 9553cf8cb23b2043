/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines of /proc/PID/mountinfo. Source: proc(5). */
#ifndef BIVALVE_NAMESPACES_MOUNTINFO_H
#define BIVALVE_NAMESPACES_MOUNTINFO_H

#include <stdbool.h>

#include "spec/base/buf.h"
#include "spec/base/err.h"

struct mountinfo {
	const char *root;  /* of the mount, inside its file system */
	const char *point; /* where it is mounted, from the process's root */
	const char *type;
	const char *super; /* the super block's options: "rw,cpu,cpuacct" */
};

/* More text than this is refused. */
enum { MOUNTINFO_MAX = 16 * 1024 * 1024 };

/* mountinfo_read - the caller's own, through the host's /proc. */
MUST_CHECK int mountinfo_read(struct buf *out, struct err *err);

/*
 * mountinfo_next - takes the next line off *@text, which is cut into strings and whose octal
 * escapes are decoded in place; @out borrows from it. Returns false at the end. A line that is none
 * is passed over. Pure.
 */
bool mountinfo_next(char **text, struct mountinfo *out);

#endif
