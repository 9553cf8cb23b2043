/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Unix sockets by folder and name: no path is resolved beyond one name in an open folder, and no
 * symbolic link is followed.
 */
#ifndef BIVALVE_VMMODE_VIRTIO_UNIX_SOCKET_H
#define BIVALVE_VMMODE_VIRTIO_UNIX_SOCKET_H

#include <sys/stat.h>

#include "spec/base/err.h"

/*
 * unix_socket_folder - opens the folder of @path, O_PATH.
 * Returns the descriptor and in *@out_name the name in it, which is in @path; -EINVAL there is no
 * name; -ENAMETOOLONG; others of open(2).
 */
MUST_CHECK int unix_socket_folder(const char *path, const char **out_name, struct err *err);

/*
 * unix_socket_listen - a listening, non-blocking stream socket named @name, mode 0600. A socket of
 * that name on which nobody listens is replaced. Needs /proc.
 * Returns the descriptor and its file's identity in *@out_id; -EADDRINUSE; -ENOTSOCK;
 * -ENAMETOOLONG; others of bind(2).
 */
MUST_CHECK int unix_socket_listen(int dir_fd, const char *name, struct stat *out_id,
				  struct err *err);

/*
 * unix_socket_connect - a non-blocking stream socket connected to the one named @name.
 * Returns the descriptor; -EAGAIN its backlog is full; -ENOENT, -ECONNREFUSED nobody is there;
 * -ENOTSOCK it is something else, a symbolic link for one; other -errno.
 */
MUST_CHECK int unix_socket_connect(int dir_fd, const char *name);

/* unix_socket_unlink - removes @name if it still is the file @id. */
void unix_socket_unlink(int dir_fd, const char *name, const struct stat *id);

#endif
