/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One command at a time on one container. The lock is an flock on the container's own folder, so
 * no file of its own has to be made or removed; because delete removes that folder, a lock counts
 * only after a look that the folder still has its name.
 *
 * An flock belongs to the open file, which a cloned child shares: it is given up with
 * lock_release(), never by closing alone.
 */
#ifndef BIVALVE_RUNTIME_LOCK_H
#define BIVALVE_RUNTIME_LOCK_H

#include <stdbool.h>

#include "spec/base/err.h"

/* A command that waits longer for the lock of another one gives up. */
enum { LOCK_TIMEOUT_S = 30 };

/*
 * lock_new - makes folder @id below @root_fd and holds its lock. Gives *@out_dir_fd.
 * -EEXIST: there is such a folder. Other errors are those of mkdirat(2) and open(2).
 */
MUST_CHECK int lock_new(int root_fd, const char *id, int *out_dir_fd, struct err *err);

/*
 * lock_take - holds the lock of the existing folder @id. Gives *@out_dir_fd.
 * -ENOENT: there is none (any more); -EBUSY: another command held it for LOCK_TIMEOUT_S.
 */
MUST_CHECK int lock_take(int root_fd, const char *id, int *out_dir_fd, struct err *err);

/*
 * lock_retake - holds the lock of a folder that lock_new() gave and lock_release() let go.
 * -ENOENT: it was deleted meanwhile.
 */
MUST_CHECK int lock_retake(int root_fd, const char *id, int dir_fd, struct err *err);

void lock_release(int dir_fd);

/* lock_is_held - some other process holds the lock of @dir_fd now. */
bool lock_is_held(int dir_fd);

#endif
