// SPDX-License-Identifier: GPL-2.0-or-later
/* The starter: takes orders for threads, one at a time. */
#include "vmmode/vmm/sandbox_thread.h"

#include <sys/prctl.h>

#include "spec/base/cleanup.h"
#include "vmmode/vmm/sandbox.h"
#include "vmmode/vmm/sandbox_filter.h"

enum { STARTER_STACK = 128 * 1024 };

/* On the stack of who ordered it: they wait until it is done. */
struct sandbox_order {
	struct sandbox_starter *s;
	const struct thread_options *o;
	pthread_t thread;
	int rc;
	bool is_done; /* under s->lock, as is_born */
	bool is_born;
};

int sandbox_confine(enum thread_kind kind)
{
	struct sandbox_filter f;
	int rc = 0;

	if (kind != THREAD_FILES && kind != THREAD_STARTER)
		rc = sandbox_set_caps(0);
	if (rc < 0)
		return rc;
	sandbox_filter_build(kind, &f);
	return sandbox_filter_install(&f);
}

/* ---- the new thread ----------------------------------------------------------------------------
 */

static void *be_born(void *arg)
{
	struct sandbox_order *order = arg;
	struct sandbox_starter *s = order->s;
	const struct thread_options o = *order->o;
	int rc = 0;

	/* By itself: the name of another thread is a file in /proc. */
	if (o.name && prctl(PR_SET_NAME, o.name) < 0)
		rc = -errno;
	if (rc == 0)
		rc = sandbox_confine(o.kind);
	pthread_mutex_lock(&s->lock);
	order->rc = rc;
	order->is_born = true; /* from here on the order may be gone */
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
	return rc == 0 ? o.run(o.arg) : NULL;
}

/* ---- the starter -------------------------------------------------------------------------------
 */

/* With the lock held, which it gives up meanwhile. */
static void carry_out(struct sandbox_starter *s, struct sandbox_order *order)
{
	const struct thread_options plain = {
		.kind = order->o->kind,
		.stack_bytes = order->o->stack_bytes,
		.run = be_born,
		.arg = order,
	};
	int rc;

	pthread_mutex_unlock(&s->lock);
	rc = thread_start(NULL, &plain, &order->thread);
	pthread_mutex_lock(&s->lock);
	while (rc == 0 && !order->is_born)
		pthread_cond_wait(&s->changed, &s->lock);
	if (rc < 0)
		order->rc = rc;
	else if (order->rc < 0)
		(void)pthread_join(order->thread, NULL);
	order->is_done = true;
	s->first = NULL;
	pthread_cond_broadcast(&s->changed);
}

static void *run_starter(void *arg)
{
	struct sandbox_starter *s = arg;

	pthread_mutex_lock(&s->lock);
	while (!s->quit) {
		if (s->first)
			carry_out(s, s->first);
		else
			pthread_cond_wait(&s->changed, &s->lock);
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

/* The starter's own birth is that of any thread; it then works for its own maker. */
static int start(struct thread_starter *base, const struct thread_options *o, pthread_t *out)
{
	struct sandbox_starter *s = CONTAINER_OF(base, struct sandbox_starter, base);
	struct sandbox_order order = { .s = s, .o = o };

	pthread_mutex_lock(&s->lock);
	while (s->first)
		pthread_cond_wait(&s->changed, &s->lock);
	// cppcheck-suppress autoVariables ; taken out before this returns
	s->first = &order;
	pthread_cond_broadcast(&s->changed);
	while (!order.is_done)
		pthread_cond_wait(&s->changed, &s->lock);
	pthread_mutex_unlock(&s->lock);
	if (order.rc == 0)
		*out = order.thread;
	return order.rc;
}

int sandbox_starter_init(struct sandbox_starter *s, struct err *err)
{
	const struct thread_options o = {
		.kind = THREAD_STARTER,
		.name = "starter",
		.run = run_starter,
		.arg = s,
	};
	struct sandbox_order order = { .s = s, .o = &o };
	const struct thread_options plain = {
		.kind = THREAD_STARTER,
		.stack_bytes = STARTER_STACK,
		.run = be_born,
		.arg = &order,
	};
	int rc;

	*s = (struct sandbox_starter){ .base.start = start };
	(void)pthread_mutex_init(&s->lock, NULL);
	(void)pthread_cond_init(&s->changed, NULL);
	rc = thread_start(NULL, &plain, &s->thread);
	if (rc < 0)
		return err_code(err, rc, "make a thread");
	s->has_thread = true;
	pthread_mutex_lock(&s->lock);
	while (!order.is_born)
		pthread_cond_wait(&s->changed, &s->lock);
	rc = order.rc;
	pthread_mutex_unlock(&s->lock);
	return rc < 0 ? err_code(err, rc, "install a seccomp filter") : 0;
}

void sandbox_starter_fini(struct sandbox_starter *s)
{
	if (!s->has_thread)
		return;
	pthread_mutex_lock(&s->lock);
	s->quit = true;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
	(void)pthread_join(s->thread, NULL);
	(void)pthread_cond_destroy(&s->changed);
	(void)pthread_mutex_destroy(&s->lock);
	s->has_thread = false;
}
