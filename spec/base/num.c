// SPDX-License-Identifier: GPL-2.0-or-later
/* Bounded parsing of numbers. */
#include "spec/base/num.h"

#include <string.h>

/* The value of digit @c in bases up to 16, or 16 when it is none. */
static unsigned int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned int)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned int)(c - 'a') + 10;
	if (c >= 'A' && c <= 'F')
		return (unsigned int)(c - 'A') + 10;
	return 16;
}

/* Reads digits from *@s and leaves *@s behind them. -EINVAL: there is none. */
static int read_digits(const char **s, unsigned int base, uint64_t *out)
{
	const char *p = *s;
	uint64_t v = 0;

	for (; digit_value(*p) < base; p++) {
		if (__builtin_mul_overflow(v, base, &v) ||
		    __builtin_add_overflow(v, digit_value(*p), &v))
			return -ERANGE;
	}
	if (p == *s)
		return -EINVAL;
	*s = p;
	*out = v;
	return 0;
}

int num_u64_base(const char *s, unsigned int base, uint64_t min, uint64_t max, uint64_t *out)
{
	uint64_t v;
	int rc;

	rc = read_digits(&s, base, &v);
	if (rc < 0)
		return rc;
	if (*s)
		return -EINVAL;
	if (v < min || v > max)
		return -ERANGE;
	*out = v;
	return 0;
}

int num_u64(const char *s, uint64_t min, uint64_t max, uint64_t *out)
{
	return num_u64_base(s, 10, min, max, out);
}

int num_i64(const char *s, int64_t min, int64_t max, int64_t *out)
{
	const uint64_t lowest = (uint64_t)INT64_MAX + 1; /* magnitude of INT64_MIN */
	bool negative = *s == '-';
	uint64_t magnitude;
	int64_t v;
	int rc;

	rc = num_u64(s + negative, 0, negative ? lowest : INT64_MAX, &magnitude);
	if (rc < 0)
		return rc;
	v = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
	if (v < min || v > max)
		return -ERANGE;
	*out = v;
	return 0;
}

/* Reads "12" or "12.345" from *@s as thousandths; digits past the third place are refused. */
static int read_milli(const char **s, uint64_t *out)
{
	static const uint64_t place[] = { 1000, 100, 10, 1 };
	uint64_t whole;
	uint64_t frac = 0;
	size_t digits = 0;
	int rc;

	rc = read_digits(s, 10, &whole);
	if (rc < 0)
		return rc;
	if (**s == '.') {
		const char *start = ++*s;

		rc = read_digits(s, 10, &frac);
		if (rc < 0)
			return rc;
		digits = (size_t)(*s - start);
		if (digits >= ARRAY_LEN(place))
			return -EINVAL;
	}
	if (__builtin_mul_overflow(whole, 1000, &whole) ||
	    __builtin_add_overflow(whole, frac * place[digits], out))
		return -ERANGE;
	return 0;
}

int num_milli(const char *s, uint64_t max, uint64_t *out)
{
	uint64_t v;
	int rc;

	rc = read_milli(&s, &v);
	if (rc < 0)
		return rc;
	if (*s)
		return -EINVAL;
	if (v > max)
		return -ERANGE;
	*out = v;
	return 0;
}

int num_bytes(const char *s, uint64_t *out)
{
	static const char suffixes[] = "bkmgt";
	uint64_t milli;
	uint64_t bytes;
	unsigned int shift = 0;
	int rc;

	rc = read_milli(&s, &milli);
	if (rc < 0)
		return rc;
	if (*s) {
		const char *suffix = strchr(suffixes, *s | 0x20);

		if (!suffix)
			return -EINVAL;
		shift = 10 * (unsigned int)(suffix - suffixes);
		s++;
		if (shift && (*s | 0x20) == 'i')
			s++;
		if (shift && (*s | 0x20) == 'b')
			s++;
		if (*s)
			return -EINVAL;
	}
	/* The whole part first: thousandths of the largest sizes would not fit. */
	if (__builtin_mul_overflow(milli / 1000, UINT64_C(1) << shift, &bytes) ||
	    __builtin_add_overflow(bytes, ((milli % 1000) << shift) / 1000, &bytes) ||
	    bytes > INT64_MAX)
		return -ERANGE;
	*out = bytes;
	return 0;
}
