// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * linux.resources.hugepageLimits: the reservation limit where the kernel has it (5.7), which
 * fails at mmap, and the limit at page fault, which ends in SIGBUS. Both are written, as in runc.
 * Source: OCI config-linux, "Huge page limits".
 */
#include <string.h>

#include "cgroups/limits.h"

/* "64KB", "2MB", "1GB": it becomes part of a file name. */
static bool is_page_size(const char *s)
{
	size_t digits = strspn(s, "0123456789");

	return digits > 0 && digits < 10 && strchr("KMG", s[digits]) && s[digits] != '\0' &&
	       str_eq(s + digits + 1, "B");
}

static int build_one(const struct config_hugepage_limit *h, size_t i, bool v2,
		     struct cg_limits *out, struct err *err)
{
	static const char *const suffixes[2][2] = {
		{ "rsvd.limit_in_bytes", "limit_in_bytes" },
		{ "rsvd.max", "max" },
	};
	struct cg_write w = { .ctl = CTL_HUGETLB,
			      .on_v2 = v2,
			      .json =
				  cg_limits_json(out, "/linux/resources/hugepageLimits/%zu", i) };

	if (!h->page_size || !is_page_size(h->page_size))
		return err_set(err, -EINVAL, "%s/pageSize: not a size such as \"2MB\"", w.json);
	for (size_t k = 0; k < ARRAY_LEN(suffixes[0]); k++) {
		int rc;

		w.file = arena_printf(&out->arena, "hugetlb.%s.%s", h->page_size, suffixes[v2][k]);
		if (!w.file)
			return err_set(err, -ENOMEM, "%s: out of memory", w.json);
		w.flags = k == 0 ? CG_WRITE_ALT : 0;
		rc = cg_limits_add(out, w, err, "%llu", (unsigned long long)h->limit);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int cg_build_hugetlb(const struct config_resources *res, bool v2, struct cg_limits *out,
		     struct err *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < res->hugepage_limits.n; i++)
		rc = build_one(&res->hugepage_limits.items[i], i, v2, out, err);
	return rc;
}
