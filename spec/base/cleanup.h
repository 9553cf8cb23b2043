/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Scope-bound ownership: a local that owns a resource is declared with its auto_* attribute and a
 * neutral value, and is moved out with take_fd() or TAKE_PTR(). Every handler keeps errno.
 */
#ifndef BIVALVE_SPEC_BASE_CLEANUP_H
#define BIVALVE_SPEC_BASE_CLEANUP_H

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MUST_CHECK             __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#define ARRAY_LEN(a)           (sizeof(a) / sizeof((a)[0]))

/* The object of type @type whose member @member is at @ptr. */
#define CONTAINER_OF(ptr, type, member)                                                            \
	((type *)(void *)((char *)(ptr) - __builtin_offsetof(type, member)))

/* drop_const - for interfaces that take a plain pointer to what they only read. */
static inline void *drop_const(const void *p)
{
	union {
		const void *in;
		void *out;
	} u = { .in = p };

	return u.out;
}

/* auto_cleanup(fn) - run fn(&variable) at the end of the scope; fn accepts the neutral value. */
#define auto_cleanup(fn) __attribute__((cleanup(fn)))

static inline void cleanup_close(const int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		(void)close(*fd); /* never retried: the fd is gone even on EINTR */
	errno = saved;
}

static inline void cleanup_free(void *p)
{
	int saved = errno;

	free(*(void **)p);
	errno = saved;
}

static inline void cleanup_fclose(FILE **f)
{
	int saved = errno;

	if (*f)
		(void)fclose(*f);
	errno = saved;
}

static inline void cleanup_closedir(DIR **d)
{
	int saved = errno;

	if (*d)
		(void)closedir(*d);
	errno = saved;
}

#define auto_close    auto_cleanup(cleanup_close)
#define auto_free     auto_cleanup(cleanup_free)
#define auto_fclose   auto_cleanup(cleanup_fclose)
#define auto_closedir auto_cleanup(cleanup_closedir)

/* take_fd - give up ownership of *@fd: returns it and leaves -1 behind. */
static inline int take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

/* TAKE_PTR - give up ownership of pointer variable @p: yields it and leaves NULL behind. */
#define TAKE_PTR(p)                                                                                \
	({                                                                                         \
		__typeof__(p) taken_ = (p);                                                        \
		(p) = NULL;                                                                        \
		taken_;                                                                            \
	})

#endif
