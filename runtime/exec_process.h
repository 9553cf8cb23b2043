/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What exec runs: a Process object of the caller's, or the container's own with changes. Pure but
 * for the reading of the caller's file. */
#ifndef BIVALVE_RUNTIME_EXEC_PROCESS_H
#define BIVALVE_RUNTIME_EXEC_PROCESS_H

#include "spec/base/err.h"
#include "spec/base/str.h"
#include "spec/config.h"
#include "spec/parse.h"

struct exec_process_options {
	const char *file; /* a Process object as JSON; then nothing else counts but tty */
	struct strv env, additional_gids, caps;
	const char *cwd, *user, *selinux_label, *apparmor;
	bool tty;
	bool no_new_privs;
};

/*
 * exec_process_make - gives @out (process_doc_fini), which borrows from @config and @args.
 * Errors name the option, or the JSON path in the file.
 */
MUST_CHECK int exec_process_make(const struct exec_process_options *o, const struct config *config,
				 const struct strv *args, struct process_doc *out, struct err *err);

#endif
