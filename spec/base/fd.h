/* SPDX-License-Identifier: GPL-2.0-or-later */
/* File descriptors: whole reads and writes, passing over sockets, marking ranges close-on-exec. */
#ifndef BIVALVE_SPEC_BASE_FD_H
#define BIVALVE_SPEC_BASE_FD_H

#include <stddef.h>
#include <sys/types.h>

#include "spec/base/buf.h"

/* fd_write_all - writes @len bytes, through EINTR and short writes. Returns 0 or -errno. */
MUST_CHECK int fd_write_all(int fd, const void *data, size_t len);

/* fd_read_full - reads until @len bytes or the end. Returns the count or -errno. */
MUST_CHECK ssize_t fd_read_full(int fd, void *data, size_t len);

/* fd_read_all - appends what is left of @fd to @out. Returns 0; -EFBIG past @max bytes; -errno. */
MUST_CHECK int fd_read_all(int fd, size_t max, struct buf *out);

/*
 * file_read_at - the whole file @path below @dir_fd (AT_FDCWD allowed), appended to @out.
 * Returns as fd_read_all().
 */
MUST_CHECK int file_read_at(int dir_fd, const char *path, size_t max, struct buf *out);

/* file_write_at - one write of @text to an existing file. Returns 0 or -errno of open or write. */
MUST_CHECK int file_write_at(int dir_fd, const char *path, const char *text);

/*
 * file_replace_at - makes @name below @dir_fd hold @len bytes: written beside it under a temporary
 * name (".NAME.tmp"), then renamed. One writer at a time: the caller holds a lock. Returns 0 or
 * -errno.
 */
MUST_CHECK int file_replace_at(int dir_fd, const char *name, const void *data, size_t len,
			       mode_t mode);

/*
 * file_put_at - as file_replace_at(), but no name other than @name is ever there, so a writer that
 * is killed leaves nothing behind. For a moment an old file of that name is gone and the new one
 * not there yet. Where the file system cannot do it (O_TMPFILE), it is file_replace_at().
 */
MUST_CHECK int file_put_at(int dir_fd, const char *name, const void *data, size_t len, mode_t mode);

/* fd_send - sends @len (> 0) bytes and the descriptors in one message. Returns 0 or -errno. */
MUST_CHECK int fd_send(int sock_fd, const void *data, size_t len, const int *fds, size_t n_fds);

/*
 * fd_recv - one message of at most @len bytes with at most @max_fds descriptors (close-on-exec).
 * A message with more of either is refused and its descriptors are closed (-EMSGSIZE).
 * Returns the byte count, 0 at the end of the stream, or -errno.
 */
MUST_CHECK ssize_t fd_recv(int sock_fd, void *data, size_t len, int *fds, size_t max_fds,
			   size_t *out_n_fds);

/*
 * fd_memory - an empty, close-on-exec file in memory that can never be executed (memfd_create(2);
 * before Linux 6.3 it merely is not). @name is for /proc alone. Returns a descriptor or -errno.
 */
MUST_CHECK int fd_memory(const char *name);

/* fd_cloexec_from - marks every descriptor >= @first close-on-exec. Source: close_range(2). */
MUST_CHECK int fd_cloexec_from(unsigned int first);

/* fd_set_cloexec - sets or clears FD_CLOEXEC. */
MUST_CHECK int fd_set_cloexec(int fd, int on);

#endif
