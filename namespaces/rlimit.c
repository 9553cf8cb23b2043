// SPDX-License-Identifier: GPL-2.0-or-later
// Resource limits by prlimit(2).
#include "namespaces/rlimit.h"

#include <errno.h>
#include <sys/resource.h>

/* The C library declares the resource as an enum, the config as the number that it is. */
static int set_limit(pid_t pid, int resource, const struct rlimit *set, struct rlimit *out)
{
	return prlimit(pid, (__rlimit_resource_t)resource, set, out);
}

static int limit_error(struct err *err, size_t i, const struct config_rlimit *l)
{
	if (errno == EPERM)
		return err_set(err, -EPERM,
			       "/process/rlimits/%zu: set limit to %llu (hard %llu): operation not "
			       "permitted: raising a hard limit needs CAP_SYS_RESOURCE",
			       i, (unsigned long long)l->soft, (unsigned long long)l->hard);
	return err_sys(err, "/process/rlimits/%zu: set limit to %llu (hard %llu)", i,
		       (unsigned long long)l->soft, (unsigned long long)l->hard);
}

int rlimit_raise(pid_t pid, const struct config_rlimit *items, size_t n, struct err *err)
{
	for (size_t i = 0; i < n; i++) {
		struct rlimit l;

		/* Our own, which a child has as well: when it has changed its user already, to look
		 * at its limits would need CAP_SYS_RESOURCE. */
		if (set_limit(0, items[i].resource, NULL, &l) < 0)
			return limit_error(err, i, &items[i]);
		if (items[i].hard <= l.rlim_max) /* RLIM_INFINITY is the largest number */
			continue;
		l.rlim_max = items[i].hard;
		if (set_limit(pid, items[i].resource, &l, NULL) < 0)
			return limit_error(err, i, &items[i]);
	}
	return 0;
}
