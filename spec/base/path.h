/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Paths inside a tree that someone else may change. A path is resolved by the kernel relative to an
 * open root (openat2 with RESOLVE_IN_ROOT): symbolic links and ".." cannot leave it, and magic
 * links are refused. What is opened is then used by descriptor, never by name again.
 */
#ifndef BIVALVE_SPEC_BASE_PATH_H
#define BIVALVE_SPEC_BASE_PATH_H

#include <stdbool.h>
#include <sys/types.h>

#include "spec/base/err.h"

/*
 * path_open_in_root - opens @path (absolute or not, both taken relative to @root_fd).
 * @flags: open(2) flags; O_CLOEXEC is added
 * Returns a descriptor or -errno (-ELOOP for a magic link, -EAGAIN never: it is retried).
 * Source: openat2(2).
 */
MUST_CHECK int path_open_in_root(int root_fd, const char *path, int flags, mode_t mode);

/* path_mkdirs_in_root - as mkdir -p below @root_fd; returns an O_PATH descriptor of the folder. */
MUST_CHECK int path_mkdirs_in_root(int root_fd, const char *path, mode_t mode);

/*
 * path_create_in_root - makes sure that @path below @root_fd exists as a folder (@is_dir) or as
 * a regular file, with its parents (0755). The target of a dangling link is made, inside the root.
 * Returns an O_PATH descriptor of what is there (with @is_dir false: of whatever type it is), or
 * -errno (-ENOTDIR, -ELOOP).
 */
MUST_CHECK int path_create_in_root(int root_fd, const char *path, bool is_dir, mode_t mode);

/* path_is_clean_abs - absolute, no empty, "." or ".." part. */
bool path_is_clean_abs(const char *path);

/* path_mkdirs - mkdir -p of a trusted absolute path. Returns 0 or -errno. */
MUST_CHECK int path_mkdirs(const char *path, mode_t mode);

/* path_proc_fd - "/proc/self/fd/N" for calls that only take a name; @buf has PATH_PROC_FD_MAX
 * bytes. */
enum { PATH_PROC_FD_MAX = 32 };
const char *path_proc_fd(char *buf, int fd);

#endif
