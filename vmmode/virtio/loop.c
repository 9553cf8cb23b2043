// SPDX-License-Identifier: GPL-2.0-or-later
/* The event loop over epoll(7). */
#include "vmmode/virtio/loop.h"

enum { BATCH = 32 };

int loop_init(struct loop *l)
{
	*l = (struct loop){ .epoll_fd = epoll_create1(EPOLL_CLOEXEC) };
	return l->epoll_fd < 0 ? -errno : 0;
}

void loop_fini(struct loop *l)
{
	cleanup_close(&l->epoll_fd);
	l->epoll_fd = -1;
}

static int control(struct loop *l, int op, struct loop_source *src, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.ptr = src };

	return epoll_ctl(l->epoll_fd, op, src->fd, &e) < 0 ? -errno : 0;
}

int loop_add(struct loop *l, struct loop_source *src, uint32_t events)
{
	int rc = control(l, EPOLL_CTL_ADD, src, events);

	src->listed = rc == 0;
	return rc;
}

int loop_change(struct loop *l, struct loop_source *src, uint32_t events)
{
	return control(l, EPOLL_CTL_MOD, src, events);
}

void loop_remove(struct loop *l, struct loop_source *src)
{
	if (!src->listed)
		return;
	src->listed = false;
	(void)epoll_ctl(l->epoll_fd, EPOLL_CTL_DEL, src->fd, NULL);
	/* An event of this source may wait further down in the batch that is being handled. */
	for (int i = 0; i < l->batch_len; i++) {
		if (l->batch[i].data.ptr == src)
			l->batch[i].data.ptr = NULL;
	}
}

int loop_run(struct loop *l)
{
	struct epoll_event events[BATCH];

	l->stopping = false;
	while (!l->stopping) {
		int n = epoll_wait(l->epoll_fd, events, BATCH, -1);

		if (n < 0 && errno != EINTR)
			return -errno;
		l->batch = events;
		l->batch_len = n < 0 ? 0 : n;
		for (int i = 0; i < l->batch_len && !l->stopping; i++) {
			struct loop_source *src = events[i].data.ptr;

			if (src)
				src->ready(src, events[i].events);
		}
		l->batch = NULL;
		l->batch_len = 0;
	}
	return 0;
}

void loop_stop(struct loop *l)
{
	l->stopping = true;
}
