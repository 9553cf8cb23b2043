/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Typed reads from a JSON document, with the JSON path of the value in every error
 * ("/process/args/0: must be a string"). What is refused as JSON: see spec/parse.h.
 *
 * Reads go through a reader. Its first failure sticks: later reads do nothing and report "absent",
 * so a caller reads a whole object and looks at reader.rc once. Absent keys and null leave *out as
 * it was. Strings live in the reader's arena, nodes and keys until json_doc_free().
 */
#ifndef BIVALVE_SPEC_JSON_H
#define BIVALVE_SPEC_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "spec/base/arena.h"
#include "spec/base/err.h"
#include "spec/base/str.h"

enum {
	JSON_MAX_BYTES = 4 << 20,
	JSON_MAX_DEPTH = 64,      /* the deepest property of a config is at 8 */
	JSON_MAX_NODES = 1 << 18, /* "[[],[],..." must not become hundreds of megabytes */
};

struct json;     /* one value; borrowed from its document */
struct json_doc; /* owns the nodes */

struct json_reader {
	struct arena *arena; /* borrowed: where strings and arrays go */
	struct err *err;     /* borrowed, may be NULL */
	int rc;              /* 0, or the first failure */
};

/*
 * json_doc_parse - reads @len bytes. Strings go to @r's arena.
 * Gives the document (json_doc_free), or NULL: r->rc is -EINVAL (the text has line and column, or
 * the path) or -ENOMEM.
 */
struct json_doc *json_doc_parse(struct json_reader *r, const char *text, size_t len);
void json_doc_free(struct json_doc *doc);
const struct json *json_doc_root(const struct json_doc *doc);

/* json_fail - a fault of @node: "PATH: text". Sticks when it is the first. */
void json_fail(struct json_reader *r, const struct json *node, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

/* json_no_memory - -ENOMEM. Sticks when it is the first. */
void json_no_memory(struct json_reader *r);

/* json_check_object - @node must be an object. Returns that it is. */
bool json_check_object(struct json_reader *r, const struct json *node);

/*
 * Members of object @obj. Each returns the member, or NULL when it is absent, null or at fault.
 * @obj NULL means absent as well, so that reads chain.
 */
const struct json *json_get(const struct json *obj, const char *key);
const struct json *json_get_object(struct json_reader *r, const struct json *obj, const char *key);
const struct json *json_get_array(struct json_reader *r, const struct json *obj, const char *key);
const struct json *json_get_str(struct json_reader *r, const struct json *obj, const char *key,
				const char **out);
const struct json *json_get_bool(struct json_reader *r, const struct json *obj, const char *key,
				 bool *out);
const struct json *json_get_u64(struct json_reader *r, const struct json *obj, const char *key,
				uint64_t max, uint64_t *out);
struct json_range {
	int64_t min, max;
};
const struct json *json_get_i64(struct json_reader *r, const struct json *obj, const char *key,
				struct json_range range, int64_t *out);
/* json_get_strv - an array of strings; NULL-terminated. */
const struct json *json_get_strv(struct json_reader *r, const struct json *obj, const char *key,
				 struct strv *out);

/* json_require - as json_get(), but absence is an error of @obj ("PATH/KEY: is required"). */
const struct json *json_require(struct json_reader *r, const struct json *obj, const char *key);

/* Values by themselves, for the elements of arrays and the values of maps. */
bool json_as_str(struct json_reader *r, const struct json *node, const char **out);
bool json_as_u64(struct json_reader *r, const struct json *node, uint64_t max, uint64_t *out);

/* Children of an array or object, in order. */
size_t json_count(const struct json *node);
const struct json *json_first(const struct json *node);
const struct json *json_next(const struct json *node);
/* json_key - the name of an object's member; lives as long as the document. */
const char *json_key(const struct json *node);

#endif
