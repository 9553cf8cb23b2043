/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tree's node: built by json.c, read by json_read.c. */
#ifndef BIVALVE_SPEC_JSON_INTERNAL_H
#define BIVALVE_SPEC_JSON_INTERNAL_H

#include "spec/json.h"

enum json_kind { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json {
	enum json_kind kind;
	bool truth;      /* JSON_BOOL */
	size_t index;    /* in the parent */
	size_t n;        /* children */
	size_t key_len;  /* of key */
	const char *key; /* NULL but for members of an object */
	char *text;      /* JSON_STRING: in the reader's arena; JSON_NUMBER: as it was written */
	const struct json *parent;
	struct json *first, *last, *next;
};

#endif
