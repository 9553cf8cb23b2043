/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the parse_*.c files share. Every function reads one object into zeroed data; failures stick
 * in the reader, so nothing is returned. A callee may be given NULL for an absent object.
 */
#ifndef BIVALVE_SPEC_PARSE_INTERNAL_H
#define BIVALVE_SPEC_PARSE_INTERNAL_H

#include "spec/config.h"
#include "spec/json.h"
#include "spec/tables.h"

#define RANGE_I64      ((struct json_range){ INT64_MIN, INT64_MAX })
#define RANGE_LIMIT    ((struct json_range){ -1, INT64_MAX }) /* -1: unlimited */
#define RANGE_DEV_PART ((struct json_range){ 0, UINT32_MAX }) /* major or minor number */

/* parse_alloc - @n zeroed objects in the reader's arena; NULL when it failed or @n is 0. */
void *parse_alloc(struct json_reader *r, size_t n, size_t size);

/*
 * PARSE_LIST - fills @list ({items, n}) from @node, an array or an object used as a map (NULL:
 * nothing), by @read(r, element, &item).
 */
#define PARSE_LIST(r, node, list, read)                                                            \
	do {                                                                                       \
		const struct json *list_ = (node);                                                 \
		(list)->items = parse_alloc(r, json_count(list_), sizeof(*(list)->items));         \
		if (!(list)->items)                                                                \
			break;                                                                     \
		for (const struct json *e_ = json_first(list_); e_; e_ = json_next(e_))            \
			read(r, e_, &(list)->items[(list)->n++]);                                  \
	} while (0)

/* An empty string counts as absent: writers in Go cannot tell the two apart. */
void parse_str(struct json_reader *r, const struct json *obj, const char *key, const char **out);
/* parse_str_required - present and not empty. */
void parse_str_required(struct json_reader *r, const struct json *obj, const char *key,
			const char **out);

void parse_opt_bool(struct json_reader *r, const struct json *obj, const char *key,
		    struct opt_bool *out);
void parse_opt_u32(struct json_reader *r, const struct json *obj, const char *key, uint32_t max,
		   struct opt_u32 *out);
void parse_opt_u64(struct json_reader *r, const struct json *obj, const char *key, uint64_t max,
		   struct opt_u64 *out);
void parse_opt_i64(struct json_reader *r, const struct json *obj, const char *key,
		   struct json_range range, struct opt_i64 *out);
/* parse_u32, parse_i64 - required numbers. */
void parse_u32(struct json_reader *r, const struct json *obj, const char *key, uint32_t *out);
void parse_i64(struct json_reader *r, const struct json *obj, const char *key,
	       struct json_range range, int64_t *out);

/* parse_name - the string @node through @t; an unknown name fails and lists no alternatives. */
bool parse_name(struct json_reader *r, const struct json *node, const struct name_table *t,
		uint64_t *out);
/* parse_flags - the array @obj[@key] of names through @t, or'ed together. */
void parse_flags(struct json_reader *r, const struct json *obj, const char *key,
		 const struct name_table *t, uint64_t *out);

void parse_id_maps(struct json_reader *r, const struct json *obj, const char *key,
		   struct config_id_maps *out);

void parse_process(struct json_reader *r, const struct json *obj, struct config_process *out);
void parse_mount(struct json_reader *r, const struct json *obj, struct config_mount *out);
void parse_hooks(struct json_reader *r, const struct json *obj, struct config_hooks *out);
void parse_linux(struct json_reader *r, const struct json *obj, struct config_linux *out);
void parse_resources(struct json_reader *r, const struct json *obj, struct config_resources *out);
void parse_seccomp(struct json_reader *r, const struct json *obj, struct config_seccomp *out);
void parse_vm(struct json_reader *r, const struct json *obj, struct config_vm *out);

#endif
