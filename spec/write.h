/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The data model back to JSON: config_parse() of what is written gives an equal config. */
#ifndef BIVALVE_SPEC_WRITE_H
#define BIVALVE_SPEC_WRITE_H

#include "spec/base/buf.h"
#include "spec/base/err.h"
#include "spec/config.h"
#include "spec/json_write.h"

/* config_write_json - appends @c to @out. Returns 0 or -ENOMEM. */
MUST_CHECK int config_write_json(const struct config *c, enum json_style style, struct buf *out,
				 struct err *err);

#endif
