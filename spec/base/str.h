/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Strings: comparing, and NULL-terminated string vectors as execve(2) takes them. */
#ifndef BIVALVE_SPEC_BASE_STR_H
#define BIVALVE_SPEC_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

static inline bool str_eq(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

static inline bool str_starts(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

/* strv - @v[@n] is NULL when n > 0; v may be NULL when n is 0. */
struct strv {
	char **v;
	size_t n;
};

/* strv_env - the value of @name in "NAME=value" strings, or NULL. */
static inline const char *strv_env(const struct strv *env, const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < env->n; i++) {
		if (strncmp(env->v[i], name, len) == 0 && env->v[i][len] == '=')
			return env->v[i] + len + 1;
	}
	return NULL;
}

#endif
