/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes one JSON document. @key is NULL inside arrays and for the outermost value. Bytes that are
 * not UTF-8 become U+FFFD, so the output is always valid. Failures stick (as in struct buf) and are
 * told once by json_writer_finish(); nesting faults are programmer errors.
 *
 *   struct json_writer w;
 *   json_writer_init(&w, &buf, JSON_PRETTY);
 *   json_write_object(&w, NULL);
 *   json_write_str(&w, "status", "running");
 *   json_write_end(&w);
 *   rc = json_writer_finish(&w);
 */
#ifndef BIVALVE_SPEC_JSON_WRITE_H
#define BIVALVE_SPEC_JSON_WRITE_H

#include <stdbool.h>
#include <stdint.h>

#include "spec/base/buf.h"
#include "spec/base/str.h"

enum json_style { JSON_COMPACT, JSON_PRETTY };

enum { JSON_WRITE_DEPTH = 32 };

struct json_writer {
	void *gen;       /* owned until json_writer_finish() */
	struct buf *out; /* borrowed; the text is appended */
	int rc;
	unsigned int depth;
	bool is_array[JSON_WRITE_DEPTH]; /* kind of each open container */
};

void json_writer_init(struct json_writer *w, struct buf *out, enum json_style style);

void json_write_object(struct json_writer *w, const char *key);
void json_write_array(struct json_writer *w, const char *key);
/* json_write_end - closes the innermost object or array. */
void json_write_end(struct json_writer *w);

/* json_write_str - a string; NULL is written as null. */
void json_write_str(struct json_writer *w, const char *key, const char *s);
void json_write_i64(struct json_writer *w, const char *key, int64_t v);
void json_write_u64(struct json_writer *w, const char *key, uint64_t v);
void json_write_bool(struct json_writer *w, const char *key, bool v);
/* json_write_milli - @v thousandths as a decimal fraction ("12.5"). */
void json_write_milli(struct json_writer *w, const char *key, uint64_t v);
void json_write_null(struct json_writer *w, const char *key);
/* json_write_strv - an array of strings. */
void json_write_strv(struct json_writer *w, const char *key, const struct strv *v);

/* json_writer_finish - frees the writer. Returns 0 or -ENOMEM. Pretty text ends with a newline. */
MUST_CHECK int json_writer_finish(struct json_writer *w);

#endif
