/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What this build can do, as JSON. It describes the program, not the host that it runs on.
 * Source: OCI features.md, features-linux.md.
 */
#ifndef BIVALVE_SPEC_FEATURES_H
#define BIVALVE_SPEC_FEATURES_H

#include "spec/base/buf.h"
#include "spec/base/err.h"

#define OCI_VERSION_MIN "1.0.0"
#define OCI_VERSION_MAX "1.3.0"

/* features_write - appends the document. @version, @commit: of the program. 0 or -ENOMEM. */
MUST_CHECK int features_write(const char *version, const char *commit, struct buf *out,
			      struct err *err);

#endif
