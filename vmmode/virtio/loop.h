/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The event loop: descriptors and what to do when they are ready, in one thread. A source is
 * embedded in the object that handles it; loop_remove() before that object goes away. A callback
 * may add, change and remove any source, its own included.
 */
#ifndef BIVALVE_VMMODE_VIRTIO_LOOP_H
#define BIVALVE_VMMODE_VIRTIO_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

#include "spec/base/cleanup.h"

struct loop_source {
	int fd;      /* borrowed */
	bool listed; /* in the loop; kept by the loop's functions */
	/* @events: EPOLLIN, EPOLLOUT, EPOLLERR, EPOLLHUP as they came. */
	void (*ready)(struct loop_source *src, uint32_t events);
};

struct loop {
	int epoll_fd; /* owned */
	bool stopping;
	struct epoll_event *batch; /* the events being handled; NULL outside loop_run() */
	int batch_len;
};

MUST_CHECK int loop_init(struct loop *l);
void loop_fini(struct loop *l);

/* loop_add - watches @src->fd for @events (EPOLLIN, EPOLLOUT, EPOLLET). Returns 0 or -errno. */
MUST_CHECK int loop_add(struct loop *l, struct loop_source *src, uint32_t events);

/* loop_change - other events for a source that is listed; 0 keeps it listed and silent. */
MUST_CHECK int loop_change(struct loop *l, struct loop_source *src, uint32_t events);

/* loop_remove - no callback of @src happens any more, not even one that is pending. */
void loop_remove(struct loop *l, struct loop_source *src);

/* loop_run - handles events until loop_stop(). Returns 0 or -errno. */
MUST_CHECK int loop_run(struct loop *l);

/* loop_stop - from a callback: loop_run() returns when the callback has. */
void loop_stop(struct loop *l);

#endif
