/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one error value: a negative errno for the caller to act on and a line for a human to read.
 * It needs no heap and crosses a socket as it is. A function that takes `struct err *` fills it
 * exactly when it fails; NULL is accepted and means "not interested in the text".
 *
 * Grammar of a message: lower case, "verb 'object': cause". Faults of a config start with the JSON
 * path: "/linux/resources/memory/limit: must not be negative".
 */
#ifndef BIVALVE_SPEC_BASE_ERR_H
#define BIVALVE_SPEC_BASE_ERR_H

#include <stdarg.h>

#include "spec/base/cleanup.h"

enum { ERR_MSG_MAX = 1024 };

struct err {
	int code; /* negative errno; 0 = no error */
	char msg[ERR_MSG_MAX];
};

#define ERR_INIT                                                                                   \
	{                                                                                          \
		0                                                                                  \
	}

/* err_set - a new error. Returns @code, which must be a negative errno. */
int err_set(struct err *e, int code, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* err_vset - as err_set(), from a va_list. */
int err_vset(struct err *e, int code, const char *fmt, va_list ap) PRINTF_LIKE(3, 0);

/* err_sys - an error from errno: "<text>: <strerror>". Returns -errno (-EIO if errno is 0). */
int err_sys(struct err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* err_code - as err_sys(), from the negative errno @code that a leaf function returned. */
int err_code(struct err *e, int code, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* err_wrap - put "<text>: " in front of the message. Returns @code. */
int err_wrap(struct err *e, int code, const char *fmt, ...) PRINTF_LIKE(3, 4);

#endif
