/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finds the program that a process shall execute and says why it cannot, before execve does so
 * with a bare errno. Called in the container, as the workload's user. The file is the image's, so
 * nothing in it is trusted: this only makes better messages, execve still has the last word.
 */
#ifndef BIVALVE_NAMESPACES_PROGRAM_H
#define BIVALVE_NAMESPACES_PROGRAM_H

#include <limits.h>
#include <stddef.h>

#include "spec/base/err.h"
#include "spec/base/str.h"

/*
 * program_find - the file that execvp(@name) with the PATH of @env would execute.
 * @name: args[0]; with a '/' it is taken as it is, relative to the working directory
 * @env:  without PATH the default of the C library is used, "/bin:/usr/bin" behind the sbin folders
 *
 * Returns 0 and the path, or: -ENOENT not on PATH, not there, or its interpreter is not there (the
 * text tells them apart); -EACCES no permission, or not a regular file; -ENOEXEC not a format or a
 * machine that can run here. Callers match "executable file not found in", "no such file or
 * directory" and "permission denied" in the texts.
 */
MUST_CHECK int program_find(const char *name, const struct strv *env, char out[PATH_MAX],
			    struct err *err);

/*
 * program_check - diagnoses the first @len bytes (at most PROGRAM_HEAD_BYTES are wanted) of an open
 * file @fd that is to be executed as @path. Only an interpreter's existence is looked up by name.
 */
enum { PROGRAM_HEAD_BYTES = 1024 };
MUST_CHECK int program_check(const char *path, int fd, const void *head, size_t len,
			     struct err *err);

#endif
