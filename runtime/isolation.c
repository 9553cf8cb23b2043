// SPDX-License-Identifier: GPL-2.0-or-later
/* The choice between the two shells. Pure. */
#include "runtime/isolation.h"

const char *isolation_name(enum isolation i)
{
	return i == ISOLATION_VM ? "vm" : "container";
}

int isolation_from_name(const char *name, const char *what, enum isolation *out, struct err *err)
{
	if (str_eq(name, "container"))
		*out = ISOLATION_CONTAINER;
	else if (str_eq(name, "vm"))
		*out = ISOLATION_VM;
	else
		return err_set(err, -EINVAL, "%s: '%s' is neither 'container' nor 'vm'", what,
			       name);
	return 0;
}

int isolation_choose(enum isolation asked, const struct config *config, const char *program,
		     enum isolation *out, struct err *err)
{
	const char *annotation = config_annotation(config, ISOLATION_ANNOTATION);

	if (asked != ISOLATION_UNSET)
		*out = asked;
	else if (annotation)
		return isolation_from_name(annotation, "/annotations/" ISOLATION_ANNOTATION, out,
					   err);
	else if (config->vm || str_eq(program, "bivalve-vm"))
		*out = ISOLATION_VM;
	else
		*out = ISOLATION_CONTAINER;
	return 0;
}
