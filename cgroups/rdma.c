// SPDX-License-Identifier: GPL-2.0-or-later
/* linux.resources.rdma: handles and objects of RDMA devices, one line of rdma.max per device. */
#include <string.h>

#include "cgroups/limits.h"

static int build_one(const struct config_rdma *r, bool v2, struct cg_limits *out, struct err *err)
{
	struct cg_write w = { .ctl = CTL_RDMA,
			      .on_v2 = v2,
			      .file = "rdma.max",
			      .json = cg_limits_json(out, "/linux/resources/rdma/%s", r->device) };

	/* The name is the first word of the line. */
	if (*r->device == '\0' || strpbrk(r->device, " \t\n="))
		return err_set(err, -EINVAL, "%s: not a device name", w.json);
	if (r->hca_handles.is_set && r->hca_objects.is_set)
		return cg_limits_add(out, w, err, "%s hca_handle=%u hca_object=%u", r->device,
				     r->hca_handles.v, r->hca_objects.v);
	if (r->hca_handles.is_set)
		return cg_limits_add(out, w, err, "%s hca_handle=%u", r->device, r->hca_handles.v);
	if (r->hca_objects.is_set)
		return cg_limits_add(out, w, err, "%s hca_object=%u", r->device, r->hca_objects.v);
	return err_set(err, -EINVAL, "%s: needs hcaHandles or hcaObjects", w.json);
}

int cg_build_rdma(const struct config_resources *res, bool v2, struct cg_limits *out,
		  struct err *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < res->rdma.n; i++)
		rc = build_one(&res->rdma.items[i], v2, out, err);
	return rc;
}
