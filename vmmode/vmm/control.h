/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control socket: a stream of lines, each a verb and its argument, each answered by one line
 * that begins with "ok" or "error". Works in the loop's thread. What comes in is bounded:
 * CONTROL_CLIENTS connections, lines of CONTROL_LINE_MAX bytes; a client that does not read its
 * answers is dropped. Who may connect is decided by the socket's owner and mode (0600).
 */
#ifndef BIVALVE_VMMODE_VMM_CONTROL_H
#define BIVALVE_VMMODE_VMM_CONTROL_H

#include "spec/base/buf.h"
#include "spec/base/err.h"
#include "vmmode/virtio/loop.h"

enum { CONTROL_CLIENTS = 8, CONTROL_LINE_MAX = 256 };

struct control_verb {
	const char *name;
	bool has_argument;
	/* @arg: what follows the verb's space, "" if has_argument is false. Adds " name=value"
	 * words to @out, or fills @err. Returns 0 or -errno. */
	int (*run)(void *ctx, const char *arg, struct buf *out, struct err *err);
};

struct control;

struct control_client {
	struct control *c;
	struct loop_source source; /* source.fd: owned; -1: free */
	size_t len;
	char line[CONTROL_LINE_MAX];
};

struct control {
	struct loop *loop;                /* borrowed; NULL: not in use */
	const struct control_verb *verbs; /* borrowed, as ctx */
	size_t n_verbs;
	void *ctx;
	struct loop_source listener; /* listener.fd: owned; -1: one client that came by itself */
	struct control_client clients[CONTROL_CLIENTS];
};

/*
 * control_init - serves a socket.
 * @where: a path at which it is made (one on which nobody listens is replaced; it stays, for the
 *         sandbox has no right to its folder), or "fd:N": an inherited one, listening or connected
 * Returns 0 or -errno with "--control 'WHERE': ...".
 */
MUST_CHECK int control_init(struct control *c, struct loop *loop, const char *where,
			    struct err *err);

/* control_set_verbs - before the loop runs. */
void control_set_verbs(struct control *c, const struct control_verb *verbs, size_t n, void *ctx);

/* control_fini - closes all; safe if control_init() was never called on a zeroed @c. */
void control_fini(struct control *c);

#endif
