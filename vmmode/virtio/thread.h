/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How threads are made. Each has a kind, by which the machine's sandbox gives it its rights: a
 * device that needs threads asks with dev->starter, and never calls pthread_create() by itself.
 * Without a starter (tests, --no-sandbox) a thread has the rights of who made it.
 *
 * The threads of a machine run with all signals blocked but SIGSYS, which tells of a forbidden
 * system call, and the one that gets a vCPU out of the guest.
 */
#ifndef BIVALVE_VMMODE_VIRTIO_THREAD_H
#define BIVALVE_VMMODE_VIRTIO_THREAD_H

#include <pthread.h>
#include <stddef.h>

#include "spec/base/cleanup.h"

enum thread_kind {
	THREAD_LOOP,    /* the main thread: event loop, and all devices without threads */
	THREAD_VCPU,    /* runs guest code */
	THREAD_DISK,    /* serves a disk's queue */
	THREAD_FILES,   /* serves a folder's queue */
	THREAD_STARTER, /* makes the others, once the main thread may not */
	THREAD_STREAMS, /* the main thread of a machine with vsock: connects to sockets of the host
			 */
	THREAD_KINDS,
};

struct thread_options {
	enum thread_kind kind;
	const char *name;   /* up to 15 bytes, for /proc; copied */
	size_t stack_bytes; /* 0: the C library's default */
	void *(*run)(void *arg);
	void *arg;
};

struct thread_starter {
	/* As thread_start(); any thread may call it. */
	int (*start)(struct thread_starter *s, const struct thread_options *o, pthread_t *out);
};

/*
 * thread_start - makes a thread; the caller joins it.
 * @s: NULL: a plain thread
 * Returns 0 or -errno. With a starter it returns when the thread has given up what it may not do.
 */
MUST_CHECK int thread_start(struct thread_starter *s, const struct thread_options *o,
			    pthread_t *out);

#endif
