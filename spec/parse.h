/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * JSON text to the data model. Reading checks what a single value says: types, ranges, names from
 * a closed list. What values mean together is spec/validate.h's job; a caller does both.
 *
 * Strict where runtimes differ, since a config may be seen by another reader first: a key that is
 * given twice, numbers such as 1e3 or 1.0, text that is not UTF-8, \u0000, lone surrogates and
 * anything behind the document are refused. Keys are case-sensitive. null means absent. Properties
 * that the specification does not know are ignored, as it demands; unknown values are errors that
 * begin with the JSON path.
 */
#ifndef BIVALVE_SPEC_PARSE_H
#define BIVALVE_SPEC_PARSE_H

#include <stddef.h>

#include "spec/base/arena.h"
#include "spec/base/buf.h"
#include "spec/base/err.h"
#include "spec/config.h"

enum { CONFIG_MAX_BYTES = 4 << 20 };

/*
 * config_load - reads and parses file @name below @dir_fd (AT_FDCWD allowed).
 * @text: receives the bytes of the file (for a copy of it); may be NULL
 * Gives @out (config_fini). Returns 0; -EINVAL not a valid config; -EFBIG; -errno of the reading.
 */
MUST_CHECK int config_load(int dir_fd, const char *name, struct config *out, struct buf *text,
			   struct err *err);

/* config_parse - as config_load(), from memory. @text need not end with a NUL. */
MUST_CHECK int config_parse(const char *text, size_t len, struct config *out, struct err *err);

/* A Process object alone: exec's process.json. Paths in errors begin at it ("/args/0"). */
struct process_doc {
	struct arena arena; /* owns what process points to */
	struct config_process process;
};
MUST_CHECK int process_parse(const char *text, size_t len, struct process_doc *out,
			     struct err *err);
void process_doc_fini(struct process_doc *doc);

/* A Resources object alone: what `update -r` reads. Paths in errors begin at it. */
struct resources_doc {
	struct arena arena;
	struct config_resources resources;
};
MUST_CHECK int resources_parse(const char *text, size_t len, struct resources_doc *out,
			       struct err *err);
void resources_doc_fini(struct resources_doc *doc);

#define auto_config        auto_cleanup(config_fini)
#define auto_process_doc   auto_cleanup(process_doc_fini)
#define auto_resources_doc auto_cleanup(resources_doc_fini)

#endif
