/* SPDX-License-Identifier: GPL-2.0-or-later */
/* UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF. */
#ifndef BIVALVE_SPEC_BASE_UTF8_H
#define BIVALVE_SPEC_BASE_UTF8_H

#include <stddef.h>

/* utf8_char_len - bytes of the sequence at @p, of which @left (> 0) are there; 0: it is none. */
size_t utf8_char_len(const unsigned char *p, size_t left);

/* utf8_valid_prefix - how many leading bytes of @s are whole UTF-8 sequences. */
size_t utf8_valid_prefix(const char *s, size_t len);

#endif
