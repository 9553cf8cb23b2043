/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sd_notify across the container's edge. When the caller is a service (NOTIFY_SOCKET), the
 * container gets a socket of its own below /run/notify, bound by the command that starts it; what
 * says READY=1 on it is passed on, with the MAINPID that the host knows. The container never sees
 * the service manager's socket. Source: sd_notify(3).
 */
#ifndef BIVALVE_RUNTIME_NOTIFY_H
#define BIVALVE_RUNTIME_NOTIFY_H

#include <stdbool.h>
#include <sys/types.h>

#include "runtime/container.h"

/* The variable for the container, NULL-terminated, for ns_io.extra_env. */
extern const char *const notify_env[];

/*
 * notify_prepare - where NOTIFY_SOCKET is set: makes the folder in the state folder and adds its
 * mount to the config. Gives whether it did.
 */
MUST_CHECK int notify_prepare(struct container *c, bool *out, struct err *err);

/*
 * notify_bind - the container's socket, before its program runs. Gives *@out_fd; -1: the caller is
 * no service, or the container was made without.
 */
MUST_CHECK int notify_bind(const struct container *c, int *out_fd, struct err *err);

/* notify_forward - takes one message. Returns true when that was the last: the service is ready. */
bool notify_forward(int fd, pid_t main_pid);

/* notify_wait - until the service is ready or the process of @pid_fd has ended. */
void notify_wait(int fd, int pid_fd, pid_t main_pid);

#endif
