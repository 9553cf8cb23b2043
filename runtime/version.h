/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Name and number of this build; version.c is the one file that the Makefile gives them to. */
#ifndef BIVALVE_RUNTIME_VERSION_H
#define BIVALVE_RUNTIME_VERSION_H

const char *version_number(void);
const char *version_commit(void);

/* version_text - what --version prints: three lines, as callers of runc parse them. */
const char *version_text(void);

#endif
