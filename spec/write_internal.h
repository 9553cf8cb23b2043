/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the write_*.c files share. Each writes one member of the open object. */
#ifndef BIVALVE_SPEC_WRITE_INTERNAL_H
#define BIVALVE_SPEC_WRITE_INTERNAL_H

#include "spec/config.h"
#include "spec/json_write.h"
#include "spec/tables.h"

/* Absent values write nothing. */
void write_str(struct json_writer *w, const char *key, const char *s);
void write_strv(struct json_writer *w, const char *key, const struct strv *v);
void write_true(struct json_writer *w, const char *key, bool v);
void write_opt_bool(struct json_writer *w, const char *key, struct opt_bool v);
void write_opt_u32(struct json_writer *w, const char *key, struct opt_u32 v);
void write_opt_u64(struct json_writer *w, const char *key, struct opt_u64 v);
void write_opt_i64(struct json_writer *w, const char *key, struct opt_i64 v);
/* write_name - the name of @v in @t. */
void write_name(struct json_writer *w, const char *key, const struct name_table *t, uint64_t v);
/* write_flags - an array of the names whose bits are in @v; nothing for 0. */
void write_flags(struct json_writer *w, const char *key, const struct name_table *t, uint64_t v);
void write_id_maps(struct json_writer *w, const char *key, const struct config_id_maps *maps);

void write_process(struct json_writer *w, const struct config_process *p);
void write_linux(struct json_writer *w, const struct config_linux *l);
void write_resources(struct json_writer *w, const struct config_resources *r);
void write_seccomp(struct json_writer *w, const struct config_seccomp *s);

#endif
