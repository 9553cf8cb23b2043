// SPDX-License-Identifier: GPL-2.0-or-later
/* Plain threads. */
#include "vmmode/virtio/thread.h"

#include <signal.h>

static int start_plain(const struct thread_options *o, pthread_t *out)
{
	pthread_attr_t attr;
	sigset_t blocked;
	sigset_t old;
	int rc = pthread_attr_init(&attr);

	if (rc != 0)
		return -rc;
	if (o->stack_bytes)
		rc = pthread_attr_setstacksize(&attr, o->stack_bytes);
	(void)sigfillset(&blocked);
	(void)sigdelset(&blocked, SIGSYS);
	if (o->kind == THREAD_VCPU)
		(void)sigdelset(&blocked, SIGRTMIN);
	/* Inherited by the thread, so that it never runs without. */
	(void)pthread_sigmask(SIG_SETMASK, &blocked, &old);
	if (rc == 0)
		rc = pthread_create(out, &attr, o->run, o->arg);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	(void)pthread_attr_destroy(&attr);
	if (rc == 0 && o->name)
		(void)pthread_setname_np(*out, o->name);
	return -rc;
}

int thread_start(struct thread_starter *s, const struct thread_options *o, pthread_t *out)
{
	return s ? s->start(s, o, out) : start_plain(o, out);
}
