// SPDX-License-Identifier: GPL-2.0-or-later
/* User names. From /etc/passwd alone: a static program has no name services. */
#include "runtime/owner.h"

#include <pwd.h>
#include <stdio.h>
#include <sys/stat.h>

#include "spec/base/cleanup.h"

const char *owner_of(int dir_fd, char out[OWNER_MAX])
{
	auto_fclose FILE *f = NULL;
	const struct passwd *p;
	struct stat st = { 0 };

	if (fstat(dir_fd, &st) == 0 && st.st_uid == 0) {
		(void)snprintf(out, OWNER_MAX, "root");
		return out;
	}
	(void)snprintf(out, OWNER_MAX, "%u", st.st_uid);
	f = fopen("/etc/passwd", "re");
	while (f && (p = fgetpwent(f))) {
		if (p->pw_uid == st.st_uid) {
			(void)snprintf(out, OWNER_MAX, "%s", p->pw_name);
			break;
		}
	}
	return out;
}
