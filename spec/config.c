// SPDX-License-Identifier: GPL-2.0-or-later
/* The data model's own functions. */
#include "spec/config.h"

const char *config_annotation(const struct config *c, const char *key)
{
	for (size_t i = 0; i < c->annotations.n; i++) {
		if (str_eq(c->annotations.items[i].key, key))
			return c->annotations.items[i].value;
	}
	return NULL;
}

void config_fini(struct config *c)
{
	arena_fini(&c->arena);
	*c = (struct config){ 0 };
}
