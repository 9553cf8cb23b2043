// SPDX-License-Identifier: GPL-2.0-or-later
/* File descriptors: whole reads and writes, descriptor passing, close-on-exec. */
#include "spec/base/fd.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "spec/base/path.h"
#include "spec/base/sys.h"

enum { MAX_PASSED_FDS = 16 };

int fd_write_all(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

ssize_t fd_read_full(int fd, void *data, size_t len)
{
	char *p = data;
	size_t got = 0;

	while (got < len) {
		ssize_t n = read(fd, p + got, len - got);

		if (n < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		if (n == 0)
			break;
		got += (size_t)n;
	}
	return (ssize_t)got;
}

int fd_read_all(int fd, size_t max, struct buf *out)
{
	char chunk[8192];
	size_t total = 0;

	for (;;) {
		ssize_t n = read(fd, chunk, sizeof(chunk));

		if (n < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		if (n == 0)
			return buf_failed(out) ? -ENOMEM : 0;
		if ((size_t)n > max - total)
			return -EFBIG;
		total += (size_t)n;
		buf_add(out, chunk, (size_t)n);
	}
}

int file_read_at(int dir_fd, const char *path, size_t max, struct buf *out)
{
	auto_close int fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return -errno;
	return fd_read_all(fd, max, out);
}

int file_write_at(int dir_fd, const char *path, const char *text)
{
	auto_close int fd = openat(dir_fd, path, O_WRONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return -errno;
	return fd_write_all(fd, text, strlen(text));
}

int file_replace_at(int dir_fd, const char *name, const void *data, size_t len, mode_t mode)
{
	char temp[256];
	int rc;

	if ((size_t)snprintf(temp, sizeof(temp), ".%s.tmp", name) >= sizeof(temp))
		return -ENAMETOOLONG;
	{
		auto_close int fd = openat(
		    dir_fd, temp, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, mode);

		if (fd < 0)
			return -errno;
		rc = fd_write_all(fd, data, len);
	}
	if (rc == 0 && renameat(dir_fd, temp, dir_fd, name) < 0)
		rc = -errno;
	if (rc < 0)
		(void)unlinkat(dir_fd, temp, 0);
	return rc;
}

/* Returns 0, -errno of the writing, or 1: an unnamed file is not possible here. */
static int put_unnamed(int dir_fd, const char *name, const void *data, size_t len, mode_t mode)
{
	char link[PATH_PROC_FD_MAX];
	auto_close int fd = openat(dir_fd, ".", O_WRONLY | O_TMPFILE | O_CLOEXEC, mode);
	int rc;

	if (fd < 0)
		return 1;
	rc = fd_write_all(fd, data, len);
	if (rc < 0)
		return rc;
	(void)path_proc_fd(link, fd);
	if (linkat(AT_FDCWD, link, dir_fd, name, AT_SYMLINK_FOLLOW) == 0)
		return 0;
	if (errno != EEXIST)
		return 1; /* without a procfs, for one */
	if (unlinkat(dir_fd, name, 0) < 0 && errno != ENOENT)
		return -errno;
	return linkat(AT_FDCWD, link, dir_fd, name, AT_SYMLINK_FOLLOW) == 0 ? 0 : 1;
}

int file_put_at(int dir_fd, const char *name, const void *data, size_t len, mode_t mode)
{
	int rc = put_unnamed(dir_fd, name, data, len, mode);

	return rc == 1 ? file_replace_at(dir_fd, name, data, len, mode) : rc;
}

int fd_send(int sock_fd, const void *data, size_t len, const int *fds, size_t n_fds)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int) * MAX_PASSED_FDS)];
	} control = { 0 };
	struct iovec iov = { .iov_base = drop_const(data), .iov_len = len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	if (len == 0 || n_fds > MAX_PASSED_FDS)
		return -EINVAL;
	if (n_fds) {
		struct cmsghdr *c = &control.align;

		msg.msg_control = control.bytes;
		msg.msg_controllen = CMSG_SPACE(sizeof(int) * n_fds);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
		memcpy(CMSG_DATA(c), fds, sizeof(int) * n_fds);
	}
	do {
		n = sendmsg(sock_fd, &msg, MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -EMSGSIZE;
}

/* Collects the descriptors of @msg into @fds; closes what does not fit. Returns how many came. */
static size_t collect_fds(struct msghdr *msg, int *fds, size_t max_fds)
{
	size_t total = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		size_t n;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n; i++, total++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
			if (total < max_fds)
				fds[total] = fd;
			else
				(void)close(fd);
		}
	}
	return total;
}

ssize_t fd_recv(int sock_fd, void *data, size_t len, int *fds, size_t max_fds, size_t *out_n_fds)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int) * MAX_PASSED_FDS)];
	} control;
	struct iovec iov = { .iov_base = data, .iov_len = len };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	size_t n_fds;
	ssize_t n;

	do {
		n = recvmsg(sock_fd, &msg, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	n_fds = collect_fds(&msg, fds, max_fds);
	if (n_fds > max_fds || (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC))) {
		for (size_t i = 0; i < n_fds && i < max_fds; i++)
			(void)close(fds[i]);
		return -EMSGSIZE;
	}
	if (out_n_fds)
		*out_n_fds = n_fds;
	return n;
}

int fd_memory(const char *name)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_NOEXEC_SEAL);

	if (fd < 0 && errno == EINVAL)
		fd = memfd_create(name, MFD_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int fd_cloexec_from(unsigned int first)
{
	return close_range(first, ~0U, CLOSE_RANGE_CLOEXEC) < 0 ? -errno : 0;
}

int fd_set_cloexec(int fd, int on)
{
	return fcntl(fd, F_SETFD, on ? FD_CLOEXEC : 0) < 0 ? -errno : 0;
}
