/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * System calls and constants that Debian 12's glibc (2.36) or kernel headers lack. Each wrapper
 * returns as the system call does: -1 and errno.
 */
#ifndef BIVALVE_SPEC_BASE_SYS_H
#define BIVALVE_SPEC_BASE_SYS_H

#include <linux/openat2.h>
#include <linux/sched.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U /* Linux 6.3 */
#endif
#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U /* Linux 6.3 */
#endif

static inline long sys_openat2(int dir_fd, const char *path, const struct open_how *how)
{
	return syscall(SYS_openat2, dir_fd, path, how, sizeof(*how));
}

static inline pid_t sys_clone3(const struct clone_args *args)
{
	return (pid_t)syscall(SYS_clone3, args, sizeof(*args));
}

static inline int sys_pivot_root(const char *new_root, const char *put_old)
{
	return (int)syscall(SYS_pivot_root, new_root, put_old);
}

#endif
