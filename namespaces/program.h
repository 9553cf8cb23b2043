/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finds the program that a process shall execute and says why it cannot, before execve does so
 * with a bare errno. Called in the container, as the workload's user, before a seccomp filter is
 * loaded. The file is the image's, so nothing in it is trusted.
 *
 * What is certain is an error here. What a binfmt_misc handler of the host may still make run (a
 * foreign machine, an unknown format) is left to execve, with a text ready for its failure.
 */
#ifndef BIVALVE_NAMESPACES_PROGRAM_H
#define BIVALVE_NAMESPACES_PROGRAM_H

#include <limits.h>
#include <stddef.h>

#include "spec/base/err.h"
#include "spec/base/str.h"

enum {
	PROGRAM_WHAT_MAX = 256,
	PROGRAM_HEAD_BYTES = 1024, /* of the file; holds the program headers of usual programs */
};

struct program {
	char path[PATH_MAX];         /* for execve */
	char what[PROGRAM_WHAT_MAX]; /* for "<what>: <strerror>" when execve fails:
					"exec '/bin/x'", "exec '/bin/x': built for aarch64" */
};

/*
 * program_find - the file that execvp(@name) with the PATH of @env would execute.
 * @name: args[0]; with a '/' it is taken as it is, relative to the working directory
 * @env:  without PATH the usual six folders are searched, from /usr/local/sbin to /bin
 *
 * Returns 0, or: -ENOENT not on PATH, not there, or the interpreter that it names is not there;
 * -EACCES no permission, or not a regular file. Texts hold what callers match: "executable file
 * not found in $PATH", "no such file or directory", "permission denied".
 */
MUST_CHECK int program_find(const char *name, const struct strv *env, struct program *out,
			    struct err *err);

/*
 * program_check - judges the first @len bytes of the open file @fd, which is to be executed as
 * @p->path; adds to @p->what, which holds "exec 'PATH'". Errors as program_find().
 */
MUST_CHECK int program_check(int fd, const void *head, size_t len, struct program *p,
			     struct err *err);

#endif
