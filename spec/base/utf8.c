// SPDX-License-Identifier: GPL-2.0-or-later
/* UTF-8 sequences. Source: RFC 3629, section 4 (the table of well-formed byte ranges). */
#include "spec/base/utf8.h"

#include "spec/base/cleanup.h"

static const struct {
	unsigned char lead_min, lead_max, next_min, next_max, len;
} forms[] = {
	{ 0xc2, 0xdf, 0x80, 0xbf, 2 }, { 0xe0, 0xe0, 0xa0, 0xbf, 3 }, { 0xe1, 0xec, 0x80, 0xbf, 3 },
	{ 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 }, { 0xf0, 0xf0, 0x90, 0xbf, 4 },
	{ 0xf1, 0xf3, 0x80, 0xbf, 4 }, { 0xf4, 0xf4, 0x80, 0x8f, 4 },
};

size_t utf8_char_len(const unsigned char *p, size_t left)
{
	if (p[0] < 0x80)
		return 1;
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		if (p[0] < forms[i].lead_min || p[0] > forms[i].lead_max)
			continue;
		if (forms[i].len > left || p[1] < forms[i].next_min || p[1] > forms[i].next_max)
			return 0;
		for (size_t k = 2; k < forms[i].len; k++) {
			if ((p[k] & 0xc0) != 0x80)
				return 0;
		}
		return forms[i].len;
	}
	return 0;
}

size_t utf8_valid_prefix(const char *s, size_t len)
{
	size_t i = 0;

	while (i < len) {
		size_t step = utf8_char_len((const unsigned char *)s + i, len - i);

		if (!step)
			break;
		i += step;
	}
	return i;
}
