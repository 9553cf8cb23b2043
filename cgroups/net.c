// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * linux.resources.network: packet class and interface priorities, controllers that only v1 has.
 * classID 0 is the kernel's own default and counts as unset.
 */
#include <string.h>

#include "cgroups/limits.h"

int cg_build_net(const struct config_resources *res, const struct cg_layout *layout,
		 struct cg_limits *out, struct err *err)
{
	static const char class_json[] = "/linux/resources/network/classID";
	bool v2_only = layout->on_v2 & CTL_BIT(CTL_NET_CLS);
	int rc = 0;

	if (res->net_class_id.is_set && res->net_class_id.v) {
		if (v2_only)
			return cg_not_on(class_json, true, err);
		rc = cg_limits_add(out,
				   (struct cg_write){ .ctl = CTL_NET_CLS,
						      .file = "net_cls.classid",
						      .json = class_json },
				   err, "%u", res->net_class_id.v);
	}
	for (size_t i = 0; rc == 0 && i < res->net_priorities.n; i++) {
		const struct config_net_priority *p = &res->net_priorities.items[i];
		struct cg_write w = { .ctl = CTL_NET_PRIO,
				      .file = "net_prio.ifpriomap",
				      .json = cg_limits_json(
					  out, "/linux/resources/network/priorities/%zu", i) };

		if (v2_only)
			return cg_not_on(w.json, true, err);
		if (*p->name == '\0' || strpbrk(p->name, " \t\n"))
			return err_set(err, -EINVAL, "%s/name: not an interface name", w.json);
		rc = cg_limits_add(out, w, err, "%s %u", p->name, p->priority);
	}
	return rc;
}
