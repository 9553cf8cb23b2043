/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A bump allocator: many small objects with one life time, freed together. Memory is zeroed.
 * Objects never move. Not for data that grows without bound: the owner caps its input first.
 */
#ifndef BIVALVE_SPEC_BASE_ARENA_H
#define BIVALVE_SPEC_BASE_ARENA_H

#include <stddef.h>

#include "spec/base/cleanup.h"

struct arena_chunk;

struct arena {
	struct arena_chunk *chunks; /* owned */
};

#define ARENA_INIT                                                                                 \
	{                                                                                          \
		NULL                                                                               \
	}

/* arena_alloc - @n * @size zeroed bytes, aligned for any type; NULL on ENOMEM or overflow. */
void *arena_alloc(struct arena *a, size_t n, size_t size);

/* arena_strndup - a NUL-terminated copy of @len bytes; NULL on ENOMEM. */
char *arena_strndup(struct arena *a, const char *s, size_t len);

/* arena_strdup - a copy of @s; NULL on ENOMEM. */
char *arena_strdup(struct arena *a, const char *s);

/* arena_printf - a formatted string; NULL on ENOMEM. */
char *arena_printf(struct arena *a, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* arena_fini - frees every object; the arena may be used again. */
void arena_fini(struct arena *a);

#endif
