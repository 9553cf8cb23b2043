/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A growable byte string. data is never NULL once something was added, and is always followed by a
 * NUL that len does not count. A failed allocation sticks: later calls do nothing, buf_failed()
 * says so, and the caller checks once at the end.
 */
#ifndef BIVALVE_SPEC_BASE_BUF_H
#define BIVALVE_SPEC_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>

#include "spec/base/cleanup.h"

struct buf {
	char *data; /* owned */
	size_t len;
	size_t cap;
	bool failed;
};

#define BUF_INIT                                                                                   \
	{                                                                                          \
		NULL, 0, 0, false                                                                  \
	}

void buf_add(struct buf *b, const void *data, size_t len);
void buf_add_str(struct buf *b, const char *s);
void buf_add_char(struct buf *b, char c);
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* buf_clear - length 0, memory kept. */
void buf_clear(struct buf *b);

/* buf_failed - an addition ran out of memory. */
static inline bool buf_failed(const struct buf *b)
{
	return b->failed;
}

/* buf_str - the content as a C string, "" when empty. Borrowed until the next change. */
static inline const char *buf_str(const struct buf *b)
{
	return b->data ? b->data : "";
}

/* buf_fini - frees the memory; the buf may be used again. */
void buf_fini(struct buf *b);

#define auto_buf auto_cleanup(buf_fini)

#endif
