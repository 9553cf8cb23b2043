// SPDX-License-Identifier: GPL-2.0-or-later
/* Version and commit, set by the Makefile. */
#include "runtime/version.h"

#include "spec/features.h"

const char *version_number(void)
{
	return BIVALVE_VERSION;
}

const char *version_commit(void)
{
	return BIVALVE_COMMIT;
}

const char *version_text(void)
{
	return "bivalve version " BIVALVE_VERSION "\ncommit: " BIVALVE_COMMIT
	       "\nspec: " OCI_VERSION_MAX "\n";
}
