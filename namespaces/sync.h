/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages between the runtime and the process that it starts, on a SOCK_SEQPACKET socket: a pair
 * made before the clone, or the connection of a start (start.h). One message is one packet: a kind,
 * an error code, a text. Both ends run our own code, but the child's end lives in a process that
 * has dropped its rights, so the parent checks what it reads.
 *
 * Answers may be sent ahead: the child's end remembers what it has read too early.
 */
#ifndef BIVALVE_NAMESPACES_SYNC_H
#define BIVALVE_NAMESPACES_SYNC_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "namespaces/launch.h"
#include "spec/base/err.h"

/* The events of launch.h, and what the two halves of this folder say to each other. */
enum sync_kind {
	SYNC_CONSOLE = NS_EVENT_CONSOLE,
	SYNC_HOOKS = NS_EVENT_HOOKS,
	SYNC_READY = NS_EVENT_READY,
	SYNC_SECCOMP = NS_EVENT_SECCOMP,
	SYNC_MAPPED,  /* to the child: its user namespace has its id maps */
	SYNC_PID,     /* from an intermediate process: code is the pid of the final child; and to
			 that child, which says nothing before its pid is known */
	SYNC_ERROR,   /* from the child: code and text */
	SYNC_ERRNO,   /* as SYNC_ERROR, the text without its cause (the last step has no libc) */
	SYNC_PROGRAM, /* as SYNC_ERROR: it is the program that cannot be executed */
	SYNC_EXECVE,  /* as SYNC_ERRNO, of the execve itself */
	SYNC_STARTED, /* from a created container: the start was accepted */
};

struct sync_msg {
	uint32_t kind;
	int32_t code;
	char text[ERR_MSG_MAX]; /* sent up to its end */
};

/* The child's end. */
struct sync {
	int fd;              /* owned */
	uint32_t early_mask; /* bit N: the answer of kind N was read before it was waited for */
};

/* sync_pair - @out[0] for the parent, @out[1] for the child; both close-on-exec. */
MUST_CHECK int sync_pair(int out[2], struct err *err);

/* sync_send - one message without text; @passed_fd is borrowed, -1: none. */
MUST_CHECK int sync_send(int fd, enum sync_kind kind, int32_t code, int passed_fd);

/* sync_send_err - the child's last word: SYNC_ERROR or SYNC_PROGRAM. A parent that is gone is no
 * error. */
void sync_send_err(int fd, enum sync_kind kind, const struct err *e);

/*
 * sync_recv - one message; the text is terminated. *@out_fd (may be NULL: none wanted) is given, or
 * -1. Returns 1; 0 at the end of the socket; -EPROTO not such a message; -errno.
 */
MUST_CHECK int sync_recv(int fd, struct sync_msg *out, int *out_fd);

/* sync_wait - the child waits for the answer @kind. -ECONNRESET: the parent is gone. */
MUST_CHECK int sync_wait(struct sync *s, enum sync_kind kind, struct err *err);

#endif
