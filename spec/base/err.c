// SPDX-License-Identifier: GPL-2.0-or-later
/* The error value: formatting only. */
#include "spec/base/err.h"

#include <stdio.h>
#include <string.h>

int err_vset(struct err *e, int code, const char *fmt, va_list ap)
{
	if (e) {
		e->code = code;
		(void)vsnprintf(e->msg, sizeof(e->msg), fmt, ap);
		/* Names from outside may hold control characters; a message stays one plain line.
		 */
		for (char *p = e->msg; *p; p++) {
			if ((unsigned char)*p < 0x20 || *p == 0x7f)
				*p = '?';
		}
	}
	return code;
}

int err_set(struct err *e, int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)err_vset(e, code, fmt, ap);
	va_end(ap);
	return code;
}

/* Appends ": <text of @code>" to the message. */
static void append_cause(struct err *e, int code)
{
	size_t len = strlen(e->msg);

	errno = -code;
	(void)snprintf(e->msg + len, sizeof(e->msg) - len, ": %m");
}

int err_code(struct err *e, int code, const char *fmt, ...)
{
	va_list ap;

	if (!e)
		return code;
	va_start(ap, fmt);
	(void)err_vset(e, code, fmt, ap);
	va_end(ap);
	append_cause(e, code);
	return code;
}

int err_sys(struct err *e, const char *fmt, ...)
{
	int code = errno ? -errno : -EIO;
	va_list ap;

	if (!e)
		return code;
	va_start(ap, fmt);
	(void)err_vset(e, code, fmt, ap);
	va_end(ap);
	append_cause(e, code);
	return code;
}

int err_wrap(struct err *e, int code, const char *fmt, ...)
{
	char inner[ERR_MSG_MAX];
	size_t len;
	va_list ap;

	if (!e)
		return code;
	memcpy(inner, e->msg, sizeof(inner));
	va_start(ap, fmt);
	(void)err_vset(e, code, fmt, ap);
	va_end(ap);
	len = strlen(e->msg);
	(void)snprintf(e->msg + len, sizeof(e->msg) - len, ": %s", inner);
	return code;
}
