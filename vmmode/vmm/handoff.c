// SPDX-License-Identifier: GPL-2.0-or-later
/* Calls from vCPU threads into the event loop's thread. */
#include "vmmode/vmm/handoff.h"

#include <sys/eventfd.h>

#include "spec/base/log.h"

/* On the caller's stack: it waits until done. */
struct handoff_call {
	void (*run)(void *arg);
	void *arg;
	bool done;
	struct handoff_call *next;
};

static void on_call(struct loop_source *src, uint32_t events)
{
	struct handoff *h = CONTAINER_OF(src, struct handoff, source);
	uint64_t count;

	(void)events;
	if (read(src->fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		log_debug("read the handoff's eventfd: %m, ignoring");
	pthread_mutex_lock(&h->lock);
	handoff_serve(h);
	pthread_mutex_unlock(&h->lock);
}

int handoff_init(struct handoff *h, struct loop *loop, struct err *err)
{
	int rc;

	*h = (struct handoff){ .loop = loop, .source = { .ready = on_call } };
	h->last = &h->first;
	(void)pthread_mutex_init(&h->lock, NULL);
	(void)pthread_cond_init(&h->changed, NULL);
	h->source.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (h->source.fd < 0)
		return err_sys(err, "create an eventfd");
	rc = loop_add(loop, &h->source, EPOLLIN);
	if (rc < 0)
		return err_code(err, rc, "watch an eventfd");
	return 0;
}

void handoff_fini(struct handoff *h)
{
	if (!h->loop)
		return;
	loop_remove(h->loop, &h->source);
	cleanup_close(&h->source.fd);
	(void)pthread_cond_destroy(&h->changed);
	(void)pthread_mutex_destroy(&h->lock);
	h->loop = NULL;
}

void handoff_run(struct handoff *h, void (*run)(void *arg), void *arg)
{
	struct handoff_call call = { .run = run, .arg = arg };
	const uint64_t one = 1;

	pthread_mutex_lock(&h->lock);
	// cppcheck-suppress autoVariables ; taken out before this returns
	*h->last = &call;
	// cppcheck-suppress autoVariables ; as above
	h->last = &call.next;
	pthread_cond_broadcast(&h->changed);
	if (write(h->source.fd, &one, sizeof(one)) < 0 && errno != EAGAIN)
		log_warn("wake the event loop: %m, ignoring");
	while (!call.done)
		pthread_cond_wait(&h->changed, &h->lock);
	pthread_mutex_unlock(&h->lock);
}

void handoff_serve(struct handoff *h)
{
	while (h->first) {
		struct handoff_call *call = h->first;

		h->first = call->next;
		if (!h->first)
			h->last = &h->first;
		pthread_mutex_unlock(&h->lock);
		call->run(call->arg);
		pthread_mutex_lock(&h->lock);
		call->done = true; /* from here on the caller may be gone */
		pthread_cond_broadcast(&h->changed);
	}
}
