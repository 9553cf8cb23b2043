/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Unix sockets by descriptor and name: no path is resolved beyond one name in an open folder, and
 * no symbolic link is followed.
 */
#ifndef BIVALVE_VMMODE_VIRTIO_VSOCK_PATH_H
#define BIVALVE_VMMODE_VIRTIO_VSOCK_PATH_H

#include <sys/stat.h>

#include "spec/base/err.h"

/*
 * vsock_path_listen - a listening, non-blocking stream socket named @name, mode 0600. A socket of
 * that name on which nobody listens is replaced. Needs /proc.
 * Returns the descriptor and its file's identity in *@out_id; -EADDRINUSE; -ENOTSOCK;
 * -ENAMETOOLONG; others of bind(2).
 */
MUST_CHECK int vsock_path_listen(int dir_fd, const char *name, struct stat *out_id,
				 struct err *err);

/*
 * vsock_path_connect - a non-blocking stream socket connected to the one named @name.
 * Returns the descriptor; -EAGAIN its backlog is full; -ENOENT, -ECONNREFUSED nobody is there;
 * -ENOTSOCK it is something else, a symbolic link for one; other -errno.
 */
MUST_CHECK int vsock_path_connect(int dir_fd, const char *name);

/* vsock_path_unlink - removes @name if it still is the file @id. */
void vsock_path_unlink(int dir_fd, const char *name, const struct stat *id);

#endif
