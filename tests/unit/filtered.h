/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Threads with the filter of their kind, so that a device's tests also say whether the machine's
 * sandbox knows all system calls of the device: a forbidden one ends the test with a line about it.
 */
#ifndef BIVALVE_TESTS_UNIT_FILTERED_H
#define BIVALVE_TESTS_UNIT_FILTERED_H

#include <sys/prctl.h>

#include "vmmode/virtio/thread.h"
#include "vmmode/vmm/sandbox_filter.h"

struct filtered_birth {
	enum thread_kind kind;
	void *(*run)(void *arg);
	void *arg;
};

static inline void *filtered_run(void *arg)
{
	static _Thread_local struct sandbox_filter f;
	struct filtered_birth b = *(struct filtered_birth *)arg;

	free(arg);
	sandbox_filter_build(b.kind, &f);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || sandbox_filter_install(&f) < 0)
		abort();
	return b.run(b.arg);
}

static inline int filtered_start(struct thread_starter *s, const struct thread_options *o,
				 pthread_t *out)
{
	struct filtered_birth *b = malloc(sizeof(*b));
	struct thread_options with = *o;
	int rc;

	(void)s;
	if (!b || sandbox_report_forbidden() < 0)
		abort();
	*b = (struct filtered_birth){ o->kind, o->run, o->arg };
	with.run = filtered_run;
	with.arg = b;
	rc = thread_start(NULL, &with, out);
	if (rc < 0)
		free(b);
	return rc;
}

static inline struct thread_starter *filtered_threads(void)
{
	static struct thread_starter s = { filtered_start };

	return &s;
}

#endif
