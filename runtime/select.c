// SPDX-License-Identifier: GPL-2.0-or-later
/* Walks over the state root. */
#include "runtime/select.h"

#include <dirent.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/state.h"
#include "spec/base/arena.h"

struct ids {
	struct arena arena;
	char **items;
	size_t n, cap;
};

static int add_id(struct ids *ids, const char *id)
{
	if (ids->n == ids->cap) {
		size_t cap = ids->cap ? ids->cap * 2 : 64;
		char **items = reallocarray(ids->items, cap, sizeof(*items));

		if (!items)
			return -ENOMEM;
		ids->items = items;
		ids->cap = cap;
	}
	ids->items[ids->n] = arena_strdup(&ids->arena, id);
	return ids->items[ids->n++] ? 0 : -ENOMEM;
}

static void ids_fini(struct ids *ids)
{
	arena_fini(&ids->arena);
	free(ids->items);
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int collect(const struct app *app, const regex_t *regex, struct ids *ids, struct err *err)
{
	auto_closedir DIR *dir = NULL;
	struct dirent *e;
	int fd = state_root_open(app, false, err);
	int rc = 0;

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd; /* no root: no containers */
	dir = fdopendir(fd);
	if (!dir) {
		cleanup_close(&fd);
		return err_sys(err, "read the state root");
	}
	while (rc == 0 && (e = readdir(dir))) {
		if (state_check_id(e->d_name, NULL) < 0)
			continue;
		if (regex && regexec(regex, e->d_name, 0, NULL, 0) != 0)
			continue;
		rc = add_id(ids, e->d_name);
	}
	return rc < 0 ? err_code(err, rc, "read the state root") : 0;
}

static int visit(const struct app *app, const struct ids *ids, select_fn fn, void *data,
		 struct err *err)
{
	int first_rc = 0;

	for (size_t i = 0; i < ids->n; i++) {
		/* The text of the first failure stays. */
		int rc = fn(app, ids->items[i], data, first_rc < 0 ? NULL : err);

		if (rc < 0 && first_rc == 0)
			first_rc = rc;
	}
	return first_rc;
}

int select_each(const struct app *app, const char *regex, select_fn fn, void *data, struct err *err)
{
	auto_cleanup(ids_fini) struct ids ids = { .n = 0 };
	regex_t compiled;
	int rc;

	if (regex && regcomp(&compiled, regex, REG_EXTENDED | REG_NOSUB) != 0)
		return err_set(err, -EINVAL, "'%s' is not a regular expression", regex);
	rc = collect(app, regex ? &compiled : NULL, &ids, err);
	if (regex)
		regfree(&compiled);
	if (rc < 0)
		return rc;
	if (ids.n)
		qsort(ids.items, ids.n, sizeof(*ids.items), compare);
	return visit(app, &ids, fn, data, err);
}
